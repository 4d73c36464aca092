"""What can go wrong with features.

NotFound
├── EntityNotFound
├── FeatureViewNotFound      no view, or no version of it, has this name
├── FeatureNotFound          the view has no such feature
└── TrainingSetNotFound
Conflict
├── EntityInUse              views describe it, so that its keys cannot change
├── FeatureViewInUse         a saved training set or an on-demand view needs it
└── TrainingSetNotReproducible   its sources are no longer what they were
Corrupted
└── TrainingSetDamaged       the stored rows are not the ones that were saved
Unavailable
├── SourceUnavailable        a view's file cannot be read
└── OnlineStoreUnavailable   the Redis server does not answer
"""

from __future__ import annotations

from collections.abc import Iterable

from mlops.errors import Conflict, Corrupted, NotFound, Unavailable

__all__ = [
    "EntityInUse",
    "EntityNotFound",
    "FeatureNotFound",
    "FeatureViewInUse",
    "FeatureViewNotFound",
    "OnlineStoreUnavailable",
    "SourceUnavailable",
    "TrainingSetDamaged",
    "TrainingSetNotFound",
    "TrainingSetNotReproducible",
]


class EntityNotFound(NotFound):
    """No entity of this name is applied in the project; `near` holds similar names."""

    kind = "entity"


class FeatureViewNotFound(NotFound):
    """No feature view, or no version of it, has this name in the project; `near` holds similar names."""

    kind = "feature view"


class FeatureNotFound(NotFound):
    """The view has no such feature.

    Attributes:
        view: The view.
    """

    kind = "feature"

    def __init__(self, name: str, *, view: str, known: Iterable[str]) -> None:
        self.view = view
        names = list(known)
        super().__init__(name, known=names, hint=f"View {view!r} has: {', '.join(names)}.")


class TrainingSetNotFound(NotFound):
    """No saved training set has this name or id in the project."""

    kind = "training set"


class EntityInUse(Conflict):
    """Feature views describe the entity.

    Attributes:
        entity: The entity.
        views: Names of the views.
    """

    def __init__(self, entity: str, views: Iterable[str], *, wish: str) -> None:
        self.entity = entity
        self.views = tuple(views)
        super().__init__(
            f"Entity {entity!r} cannot {wish}: the views {', '.join(self.views)} describe it. "
            "Delete them first, or apply an entity of another name."
        )


class FeatureViewInUse(Conflict):
    """Something that was saved needs the view.

    Attributes:
        view: The view.
        version: The version; None for all.
        users: What needs it, in words.
    """

    def __init__(self, view: str, version: int | None, users: Iterable[str]) -> None:
        self.view = view
        self.version = version
        self.users = tuple(users)
        which = f"Feature view {view!r}" if version is None else f"Version {version} of feature view {view!r}"
        super().__init__(f"{which} cannot be deleted: {', '.join(self.users)} needs it. Delete that first.")


class TrainingSetNotReproducible(Conflict):
    """The rows computed anew are not those that were saved, because a source changed.

    Attributes:
        training_set: Its id.
        problems: What differs, a sentence each.
    """

    def __init__(self, training_set: str, problems: Iterable[str]) -> None:
        self.training_set = training_set
        self.problems = tuple(problems)
        super().__init__(
            f"Training set {training_set!r} cannot be computed again: {' '.join(self.problems)} "
            "get_training_set returns the rows as they were saved."
        )


class TrainingSetDamaged(Corrupted):
    """The stored rows are not the ones that were saved.

    Attributes:
        training_set: Its id.
    """

    def __init__(self, training_set: str) -> None:
        self.training_set = training_set
        super().__init__(
            f"The rows stored for training set {training_set!r} do not have the digest that was recorded. "
            "Restore the folder of the feature store from a backup, or save the set again."
        )


class SourceUnavailable(Unavailable):
    """The file of a view cannot be read.

    Attributes:
        path: The file.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(
            f"Source {path!r} cannot be read: {reason}. Put the file back, or apply the view with another."
        )


class OnlineStoreUnavailable(Unavailable):
    """The Redis server does not answer; nothing is lost, materialise again once it does."""
