"""What two versions of a view have in common and where they differ."""

from __future__ import annotations

from mlops.feature_store.entities import FeatureView, OnDemandView
from mlops.records import FrozenDict, FrozenMap, Record

__all__ = ["ViewDifference", "content_of", "difference"]

_CONTENT = ("entity", "source", "event_timestamp", "created_timestamp", "ttl", "inputs", "state")


class ViewDifference(Record):
    """How a version differs from an earlier one.

    Attributes:
        added: Features that are new.
        removed: Features that are gone.
        retyped: For features whose type changed, both types: `integer → float`.
        altered: Other content that differs, such as `source` or `ttl`.
    """

    view: str
    before: int
    after: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: FrozenMap = FrozenDict()
    altered: tuple[str, ...] = ()

    @property
    def is_compatible(self) -> bool:
        """Whether whoever reads features of the earlier version can read the later one."""
        return not self.removed and not self.retyped and "entity" not in self.altered


def difference(before: FeatureView | OnDemandView, after: FeatureView | OnDemandView) -> ViewDifference:
    """Return how `after` differs from `before`."""
    old, new = _types(before), _types(after)
    both = [name for name in old if name in new]
    return ViewDifference(
        view=after.name,
        before=before.version,
        after=after.version,
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        retyped={name: f"{old[name]} → {new[name]}" for name in both if old[name] != new[name]},
        altered=tuple(name for name in _CONTENT if getattr(before, name, None) != getattr(after, name, None)),
    )


def content_of(view: FeatureView | OnDemandView) -> dict[str, object]:
    """Return what makes a view this version and no other, as JSON values; what is only told of it is left out."""
    document = view.to_document()
    features = [[name, kind] for name, kind in _types(view).items()]
    return {"features": features, **{name: document[name] for name in _CONTENT if name in document}}


def _types(view: FeatureView | OnDemandView) -> dict[str, str]:
    if isinstance(view, OnDemandView):
        return dict.fromkeys(view.features, "float")
    return {feature.name: str(feature.dtype) for feature in view.features}
