"""Views for tests of stores, which need no source."""

from __future__ import annotations

from mlops import clock
from mlops.feature_store import FeatureView

__all__ = ["serving_view"]


def serving_view(view_id: str) -> FeatureView:
    """Return version 1 of the view `counts`, as a store keeps it."""
    return FeatureView(
        name="counts",
        entity="sample",
        features={"reads": "integer"},
        project="default",
        version=1,
        view_id=view_id,
        digest="d",
        created_at=clock.now(),
    )
