"""Materialising as a job, for schedules and workers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from mlops.feature_store import Entity, FeatureStore, FeatureView
from mlops.jobs import JobRunner, enqueue, wait


def test_a_job_materialises_a_view(tmp_path: Path, database_url: str) -> None:
    """Its result says how many entities were written, and their values are online."""
    from mlops.database import open_database

    monday = datetime(2026, 5, 4, tzinfo=UTC)
    rows = pl.DataFrame({"sample_id": ["S-1", "S-2"], "event_timestamp": [monday, monday], "reads": [10, 20]})
    store = FeatureStore(tmp_path / "features", database_url).sync
    with store, open_database(database_url) as database, JobRunner(database, store.job_handlers()):
        store.apply_entity(Entity(name="sample", join_keys=("sample_id",)))
        store.apply_view(FeatureView(name="counts", entity="sample"), frame=rows)
        with database.write() as tx:
            job_id = enqueue(tx, kind="features.materialize", payload={"view": "counts"})
        done = wait(database, job_id, timeout_s=60)
        assert done.result["rows_written"] == 2
        assert store.get_online_features({"sample_id": "S-2"}, ["counts:reads"])[0] == {"reads": 20}
