"""Views and entities by name, or an error that says what there is instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mlops.feature_store.entities import Entity, FeatureView, OnDemandView
from mlops.feature_store.errors import EntityNotFound, FeatureNotFound, FeatureViewNotFound
from mlops.feature_store.references import FeatureReference, ViewReference
from mlops.feature_store.store import AnyView, FeatureCatalogue, StoredView

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["Finder", "require_feature", "wanted_features"]


class Finder:
    """Finds what is applied in one project.

    Attributes:
        project: The project.
    """

    def __init__(self, catalogue: FeatureCatalogue, *, project: str) -> None:
        self._catalogue = catalogue
        self.project = project

    def entity(self, tx: Transaction, name: str) -> Entity:
        """Return an entity.

        Raises:
            EntityNotFound: There is none; the error names similar ones.
        """
        known = self._catalogue.entities(tx, self.project)
        if name not in known:
            raise EntityNotFound(name, known=known, hint="Apply it first: apply_entity(Entity(name=…, join_keys=…)).")
        return known[name]

    def view(self, tx: Transaction, view: ViewReference) -> StoredView:
        """Return a version of a view, the newest when none is named.

        Raises:
            FeatureViewNotFound: There is none; the error names similar ones.
        """
        found = self._catalogue.find_view(tx, self.project, view)
        if found is None:
            raise self.missing(tx, view)
        return found

    def batch_view(self, tx: Transaction, view: ViewReference) -> tuple[FeatureView, Entity, StoredView]:
        """Return a version of a view that has a source, and the entity that it describes.

        Raises:
            FeatureViewNotFound: There is none, or its features are computed on demand.
        """
        found = self.view(tx, view)
        if not isinstance(found.view, FeatureView):
            raise FeatureViewNotFound(str(view), hint="A view of this name is computed on demand and has no rows.")
        return found.view, self.entity(tx, found.view.entity), found

    def by_id(self, tx: Transaction, name: str, view_id: str) -> AnyView:
        """Return the version with this id.

        Raises:
            FeatureViewNotFound: It was deleted.
        """
        for stored in self._catalogue.list_views(tx, self.project, name):
            if stored.view.view_id == view_id:
                return stored.view
        raise self.missing(tx, ViewReference(name))

    def missing(self, tx: Transaction, view: ViewReference) -> FeatureViewNotFound:
        """Return the error for a view that is not there."""
        known = self._catalogue.list_views(tx, self.project)
        versions = [str(stored.view.version) for stored in known if stored.view.name == view.name]
        if versions:
            return FeatureViewNotFound(
                str(view), hint=f"Versions of {view.name!r} are {', '.join(reversed(versions))}."
            )
        hint = f"It was looked for in project {self.project!r}."
        return FeatureViewNotFound(str(view), known={stored.view.name for stored in known}, hint=hint)

    def expanded(
        self, tx: Transaction, references: Iterable[FeatureReference]
    ) -> dict[FeatureReference, FeatureView | OnDemandView]:
        """Return the features asked for with their views, in order, `*` replaced by all features of a view.

        Raises:
            FeatureViewNotFound: A view is not there.
            FeatureNotFound: A view has no such feature.
        """
        views: dict[ViewReference, AnyView] = {}
        found: dict[FeatureReference, AnyView] = {}
        for one in references:
            view = views.get(one.view) or self.view(tx, one.view).view
            views[one.view] = view
            for name in wanted_features(view, one.feature):
                found[FeatureReference(one.view, name)] = view
        return found


def wanted_features(view: AnyView, feature: str) -> Sequence[str]:
    """Return the names that a feature's name stands for in a view.

    Raises:
        FeatureNotFound: The view has none of this name.
    """
    if feature == "*":
        return view.feature_names
    require_feature(view, feature)
    return (feature,)


def require_feature(view: AnyView, feature: str) -> None:
    """Raise unless a view has a feature.

    Raises:
        FeatureNotFound: It has none of this name.
    """
    if feature not in view.feature_names:
        raise FeatureNotFound(feature, view=f"{view.name}@{view.version}", known=view.feature_names)
