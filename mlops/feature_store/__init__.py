"""Features: described once, joined to training rows as they were known at their time, read online while they are fresh.

Example:
    >>> import tempfile
    >>> from datetime import UTC, datetime, timedelta
    >>> import polars as pl
    >>> from mlops.feature_store import FeatureStore
    >>> folder, monday = tempfile.mkdtemp(), datetime(2026, 5, 4, tzinfo=UTC)
    >>> store = FeatureStore(f"{folder}/features", f"sqlite:///{folder}/lab.db").sync
    >>> _ = store.apply_entity(Entity(name="sample", join_keys=("sample_id",)))
    >>> measured = pl.DataFrame({
    ...     "sample_id": ["S-1", "S-1"], "event_timestamp": [monday, monday + timedelta(days=2)], "reads": [10, 30],
    ... })
    >>> view = store.apply_view(FeatureView(name="counts", entity="sample", ttl=timedelta(days=9999)), frame=measured)
    >>> view.version, view.feature_names
    (1, ('reads',))
    >>> labels = pl.DataFrame({"sample_id": ["S-1", "S-1", "S-2"], "event_timestamp": [monday + timedelta(days=1)] * 3})
    >>> store.get_historical_features(labels, ["counts:reads"])["reads"].to_list()
    [10, 10, None]
    >>> store.materialize("counts").rows_written
    1
    >>> online = store.get_online_features({"sample_id": "S-1"}, ["counts:reads"])
    >>> online[0], online.status()
    ({'reads': 30}, {'reads': <ValueStatus.PRESENT: 'present'>})
    >>> store.close()

The same operations are coroutines on the store itself: `await store.get_online_features(...)`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mlops.feature_store.entities import (
    Entity,
    Feature,
    FeatureSource,
    FeatureView,
    Materialization,
    MaterializationStatus,
    OnDemandView,
    SourceFormat,
    TrainingSet,
    ValueStatus,
)
from mlops.feature_store.errors import (
    EntityInUse,
    EntityNotFound,
    FeatureNotFound,
    FeatureViewInUse,
    FeatureViewNotFound,
    OnlineStoreUnavailable,
    SourceUnavailable,
    TrainingSetDamaged,
    TrainingSetNotFound,
    TrainingSetNotReproducible,
)
from mlops.feature_store.reports import FeatureDrift, FeatureHistory, FeatureStatistics, TrainingSetReport
from mlops.feature_store.values import FeatureType, KeyType

if TYPE_CHECKING:
    from mlops.feature_store.aio import FeatureStore
    from mlops.feature_store.differences import ViewDifference
    from mlops.feature_store.online import OnlineFeatures
    from mlops.feature_store.service import FeatureStoreService

__all__ = [
    "Entity",
    "EntityInUse",
    "EntityNotFound",
    "Feature",
    "FeatureDrift",
    "FeatureHistory",
    "FeatureNotFound",
    "FeatureSource",
    "FeatureStatistics",
    "FeatureStore",
    "FeatureStoreService",
    "FeatureType",
    "FeatureView",
    "FeatureViewInUse",
    "FeatureViewNotFound",
    "KeyType",
    "Materialization",
    "MaterializationStatus",
    "OnDemandView",
    "OnlineFeatures",
    "OnlineStoreUnavailable",
    "SourceFormat",
    "SourceUnavailable",
    "TrainingSet",
    "TrainingSetDamaged",
    "TrainingSetNotFound",
    "TrainingSetNotReproducible",
    "TrainingSetReport",
    "ValueStatus",
    "ViewDifference",
]

_LATER = {
    "FeatureStore": "mlops.feature_store.aio",
    "FeatureStoreService": "mlops.feature_store.service",
    "OnlineFeatures": "mlops.feature_store.online",
    "ViewDifference": "mlops.feature_store.differences",
}
"""Names whose modules bring Polars and the database with them; they are loaded when first used."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)
