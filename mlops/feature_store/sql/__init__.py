"""Features in SQL, on SQLite and PostgreSQL alike: what there is, online values, and training sets.

`tables` declares, `catalogue` keeps entities, views and what became of them, `serving` tells which version of a view
serves, `online` keeps the last values of entities, `training_sets` what was saved.
"""

from __future__ import annotations

from mlops.feature_store.sql.catalogue import SqlFeatureCatalogue
from mlops.feature_store.sql.online import SqlOnlineStore
from mlops.feature_store.sql.serving import serving_version
from mlops.feature_store.sql.training_sets import SqlTrainingSets

__all__ = ["SqlFeatureCatalogue", "SqlOnlineStore", "SqlTrainingSets", "serving_version"]
