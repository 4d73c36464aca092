"""Feast's half of the peer figures: runs in the peers' environment, imports nothing of ours but `children`.

Feast gets its own defaults: a local project, the file offline store (Dask), entity rows as a DataFrame that is read
from Parquet within the measured time, as ours are. It leaves out rows without a fresh value; ours returns them.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.children import serve


class _Tasks:
    """What is asked of Feast; every task returns the seconds it took."""

    def __init__(self, feast: Any, tables: Path, folder: Path, ttl: timedelta, features: list[str]) -> None:
        from feast.types import Float64

        self._tables = tables
        self._features = [f"measured:{name}" for name in features]
        self._store = feast.FeatureStore(
            config=feast.RepoConfig(
                project="benchmark",
                provider="local",
                registry=str(folder / "registry.db"),
                offline_store={"type": "file"},
                online_store={"type": "sqlite", "path": str(folder / "online.db")},
                entity_key_serialization_version=3,
            )
        )
        sample = feast.Entity(name="sample", join_keys=["sample_id"], value_type=feast.ValueType.INT64)
        source = feast.FileSource(
            path=str(tables / "measured.parquet"),
            timestamp_field="event_timestamp",
            created_timestamp_column="created",
        )
        fields = [feast.Field(name=name, dtype=Float64) for name in features]
        view = feast.FeatureView(name="measured", entities=[sample], ttl=ttl, schema=fields, source=source)
        self._store.apply([sample, view])

    def join(self) -> dict[str, float]:
        """Join features to the labels."""
        import pandas as pd

        started = time.perf_counter()
        labels = pd.read_parquet(self._tables / "labels.parquet")
        rows = self._store.get_historical_features(entity_df=labels, features=self._features).to_df()
        return {"seconds": time.perf_counter() - started, "rows": len(rows)}


def main(tables: Path, folder: Path, days: int, features: list[str]) -> None:
    """Serve the tasks on a new Feast project in `folder`."""
    import feast

    serve({"join": _Tasks(feast, tables, folder, timedelta(days=days), features).join})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
