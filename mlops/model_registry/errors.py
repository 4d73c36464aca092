"""What can go wrong with models in the registry.

NotFound
├── ModelNotFound            no version of this model is registered
├── VersionNotFound          the model has no such version, alias, or version of such a status; or it was deleted
└── AliasNotFound
Conflict
├── VersionTaken             the number belongs to another content
├── ContentRegistered        the content has another number already
├── VersionInUse             it serves, or a rollback would return to it, or it is protected
├── MoveRefused              the lifecycle does not allow this change of status
└── NothingToRollBackTo      nothing served before
Corrupted
└── ExportDamaged            a file of another site is not, byte for byte, what that site signed
PermissionDenied
└── SiteNotTrusted           a file was signed by a site whose key was not named as trusted
UnfittedModelWarning         a model was registered before it was fitted
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from mlops.errors import Conflict, Corrupted, NotFound, PermissionDenied

__all__ = [
    "AliasNotFound",
    "ContentRegistered",
    "ExportDamaged",
    "ModelNotFound",
    "MoveRefused",
    "NothingToRollBackTo",
    "SiteNotTrusted",
    "UnfittedModelWarning",
    "VersionInUse",
    "VersionNotFound",
    "VersionTaken",
]


class UnfittedModelWarning(UserWarning):
    """A model was registered that was never fitted, so that it cannot predict."""


class ModelNotFound(NotFound):
    """No version of this model is registered in the project; `near` holds similar ids."""

    kind = "model"

    def __init__(self, model_id: str, *, project: str, known: Iterable[str] = ()) -> None:
        self.project = project
        super().__init__(model_id, known=known, hint=f"It was looked for in project {project!r}.")


class VersionNotFound(NotFound):
    """The model has no such version.

    Attributes:
        model_id: The model.
    """

    kind = "version"

    def __init__(self, wanted: str, *, model_id: str, known: Iterable[str] = (), hint: str = "") -> None:
        self.model_id = model_id
        numbers = list(known)
        shown = ", ".join(numbers[:10]) + (f" and {len(numbers) - 10} more" if len(numbers) > 10 else "")
        has = f"Model {model_id!r} has: {shown}." if numbers else f"Model {model_id!r} has none."
        super().__init__(wanted, known=numbers, hint=hint or has)

    @classmethod
    def in_production(cls, model_id: str, at: datetime | None) -> VersionNotFound:
        """Say that nothing served, now or at a moment."""
        when = "in production" if at is None else f"in production at {at.isoformat()}"
        return cls(when, model_id=model_id, hint=f"Model {model_id!r} had none; history({model_id!r}) shows its moves.")

    @classmethod
    def of_type(cls, model_type: str, *, project: str) -> VersionNotFound:
        """Say that no model of a type serves."""
        shown = "list_models(status='production') shows those that are."
        hint = f"No model of type {model_type!r} in project {project!r} is; {shown}"
        return cls("in production", model_id="", hint=hint)


class AliasNotFound(NotFound):
    """The model has no alias of this name.

    Attributes:
        model_id: The model.
    """

    kind = "alias"

    def __init__(self, alias: str, *, model_id: str, known: Iterable[str] = ()) -> None:
        self.model_id = model_id
        aliases = sorted(known)
        has = f"Model {model_id!r} has: {', '.join(aliases)}." if aliases else f"Model {model_id!r} has none."
        super().__init__(alias, known=aliases, hint=has)


class VersionTaken(Conflict):
    """A version number belongs to another content already.

    Attributes:
        model_id: The model.
        version: The number asked for.
        next_free: The next number that is free.
    """

    def __init__(self, model_id: str, version: str, *, taken_by: str, next_free: str, is_deleted: bool = False) -> None:
        self.model_id = model_id
        self.version = version
        self.next_free = next_free
        owner = "a deleted version" if is_deleted else "another model"
        as_it_is = f" (as {taken_by})" if taken_by != version else ""
        super().__init__(
            f"Version {version!r} of model {model_id!r} is taken by {owner}{as_it_is}. The next free one is "
            f"{next_free!r}; leave version empty to be given one that says what changed."
        )


class ContentRegistered(Conflict):
    """The same content is registered under another number already; the same content is the same version.

    Attributes:
        model_id: The model.
        version: The number that the content has.
        wanted: The number asked for.
    """

    def __init__(self, model_id: str, version: str, *, wanted: str) -> None:
        self.model_id = model_id
        self.version = version
        self.wanted = wanted
        super().__init__(
            f"This very content is registered as version {version!r} of model {model_id!r}, so that it cannot become "
            f"{wanted!r} too. Use {version!r}; give it another name by set_alias, or tell more of it by set_tags."
        )


class VersionInUse(Conflict):
    """The version may not be deleted now.

    Attributes:
        model_id: The model.
        version: The version.
    """

    def __init__(self, model_id: str, version: str, *, why: str, remedy: str) -> None:
        self.model_id = model_id
        self.version = version
        super().__init__(f"Version {version!r} of model {model_id!r} {why}, so it cannot be deleted. {remedy}")


class MoveRefused(Conflict):
    """The lifecycle does not allow a change of status.

    Attributes:
        model_id: The model.
        version: The version.
        present: Its status.
        wanted: The status asked for.
    """

    def __init__(self, model_id: str, version: str, *, present: str, wanted: str, allowed: Iterable[str]) -> None:
        self.model_id = model_id
        self.version = version
        self.present = present
        self.wanted = wanted
        super().__init__(
            f"Version {version!r} of model {model_id!r} is {present} and cannot become {wanted}. "
            f"From {present} it may become {', '.join(allowed)}."
        )


class NothingToRollBackTo(Conflict):
    """No version served before the present one.

    Attributes:
        model_id: The model.
    """

    def __init__(self, model_id: str) -> None:
        self.model_id = model_id
        super().__init__(
            f"Model {model_id!r} has no version that served before and still can. Promote one: "
            f"promote_model({model_id!r}, version, 'production')."
        )


class ExportDamaged(Corrupted):
    """A file that should hold an exported version is not what the exporting site signed; nothing of it was kept.

    Attributes:
        path: The file.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(
            f"{path!r} was not imported: {reason}. Have it exported and sent again; nothing of it was kept."
        )


class SiteNotTrusted(PermissionDenied):
    """A file was signed by a site that the caller did not name as trusted; nothing of it was kept.

    Attributes:
        key: The public key that it names.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"The file was exported by the site with the key {key!r}, which is not trusted here. A model can run code. "
            f"Ask that site by another way whether this is its key (its transfer_key() tells). If so: trust={key!r}."
        )
