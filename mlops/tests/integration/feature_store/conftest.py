"""Feature stores on real databases, with online values there or in a real Valkey."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlops.feature_store import Entity, FeatureStoreService, FeatureView

MakeStore = Callable[..., FeatureStoreService]
MONDAY = datetime(2026, 5, 4, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_days(self, days: float) -> None:
        """Let some days go by."""
        self.at += timedelta(days=days)


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands on a Monday, ten days after the first rows."""
    return Clock(MONDAY + timedelta(days=10))


@pytest.fixture
def make_store(tmp_path: Path) -> Iterator[MakeStore]:
    """Yield what opens a store on a database; all of them are closed afterwards."""
    opened: list[FeatureStoreService] = []

    def make(url: str, **options: Any) -> FeatureStoreService:
        opened.append(FeatureStoreService(tmp_path / "features", url, **options))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture(params=["sqlite", "postgresql", "valkey"])
def store(request: pytest.FixtureRequest, make_store: MakeStore, clock: Clock) -> FeatureStoreService:
    """Return a store with online values in SQLite, in PostgreSQL, and in Valkey in turn."""
    if request.param == "valkey":
        redis_url = request.getfixturevalue("valkey_url")
        return make_store(request.getfixturevalue("sqlite_url"), redis_url=redis_url, now=clock)
    return make_store(request.getfixturevalue(f"{request.param}_url"), now=clock)


@pytest.fixture
def sqlite_store(make_store: MakeStore, sqlite_url: str, clock: Clock) -> FeatureStoreService:
    """Return a store on SQLite, for what does not depend on the database."""
    return make_store(sqlite_url, now=clock)


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    """Return a file with counts of reads: two of S-1 on different days, one of S-2, the first corrected late."""
    path = tmp_path / "counts.parquet"
    write_counts(path, [("S-1", 0, 0, 10), ("S-1", 2, 2, 30), ("S-2", 1, 1, 7), ("S-1", 0, 5, 11)])
    return path


def write_counts(path: Path, rows: list[tuple[str | None, float, float, int | None]]) -> None:
    """Write rows of sample, day of the event, day of the creation, and reads."""
    times = [
        (key, MONDAY + timedelta(days=event), MONDAY + timedelta(days=made), reads) for key, event, made, reads in rows
    ]
    schema = {
        "sample_id": pl.String,
        "event_timestamp": pl.Datetime("us", "UTC"),
        "made": pl.Datetime("us", "UTC"),
        "reads": pl.Int64,
    }
    pl.DataFrame(times, schema=schema, orient="row").write_parquet(path)


def counts_view(path: Path, **told: Any) -> FeatureView:
    """Describe the view of that file."""
    return FeatureView(name="counts", entity="sample", source=path, created_timestamp="made", **told)


@pytest.fixture
def described(store: FeatureStoreService, counts: Path) -> FeatureStoreService:
    """Return a store in which samples and their counts are described."""
    return describe(store, counts)


def describe(store: FeatureStoreService, counts: Path, **told: Any) -> FeatureStoreService:
    """Apply samples and their counts."""
    store.apply_entity(Entity(name="sample", join_keys=("sample_id",)))
    store.apply_view(counts_view(counts, **told))
    return store
