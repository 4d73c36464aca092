"""Point-in-time joins against the raw `join_asof` and against Feast, and online reads against their bounds.

Both sides of a join read the same Parquet files and return the same rows in the same order. Ours looks at creation
times too, which `join_asof` does not; Feast is told of them as well, and breaks ties by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.children import Child
from benchmarks.harness import Bench, Figure, Round, at_least, at_most, interleave, timed
from mlops.feature_store import Entity, FeatureStoreService, FeatureView

__all__ = ["FIGURES", "PEER_FIGURES"]

ROWS = 2_000_000
ENTITIES = 100_000
FEATURES = tuple(f"f{at}" for at in range(5))
TTL = timedelta(days=30)
READS = 2_000
_START_US = 1_760_000_000_000_000
_YEAR_US = 365 * 86_400_000_000
_MOMENT = pl.Datetime("us", "UTC")


def write_tables(folder: Path) -> None:
    """Write a year of measurements of 100,000 samples, each entered minutes after it was made, and as many labels."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(7)
    event = _START_US + random.integers(0, _YEAR_US, ROWS)
    measured: dict[str, np.ndarray[Any, Any]] = {
        "sample_id": random.integers(0, ENTITIES, ROWS),
        "event_timestamp": event,
    }
    measured |= {"created": event + 600_000_000, **{name: random.normal(size=ROWS) for name in FEATURES}}
    times = pl.col("^event_timestamp|created$").cast(_MOMENT)
    pl.DataFrame(measured).with_columns(times).write_parquet(folder / "measured.parquet")
    asked = {
        "sample_id": random.permutation(ENTITIES),
        "event_timestamp": _START_US + random.integers(0, _YEAR_US, ENTITIES),
    }
    pl.DataFrame(asked).with_columns(times).write_parquet(folder / "labels.parquet")


def _tables(bench: Bench) -> Path:
    folder = bench.shared / "features"
    if not folder.exists():
        write_tables(folder)
    return folder


@contextmanager
def _store(bench: Bench, *, late: bool = False) -> Iterator[FeatureStoreService]:
    """Open a store with the view `measured`; `late` mixes up the order in which rows became known."""
    place, file = bench.fresh("store"), _tables(bench) / "measured.parquet"
    if late:
        file = bench.fresh("late.parquet")
        delay = pl.duration(seconds=pl.int_range(pl.len(), dtype=pl.Int64) * 7919 % (20 * 86_400))
        table = pl.read_parquet(_tables(bench) / "measured.parquet")
        table.with_columns(created=pl.col("event_timestamp") + delay).write_parquet(file)
    with FeatureStoreService(place / "files", f"sqlite:///{place}/lab.db") as store:
        store.apply_entity(Entity(name="sample", join_keys={"sample_id": "integer"}))
        view = FeatureView(name="measured", entity="sample", source=file, created_timestamp="created", ttl=TTL)
        store.apply_view(view)
        yield store


def _join(store: FeatureStoreService, folder: Path) -> pl.DataFrame:
    labels = pl.read_parquet(folder / "labels.parquet")
    joined: pl.DataFrame = store.get_historical_features(labels, ["measured:*"])
    return joined


def _raw_join(folder: Path) -> pl.DataFrame:
    rows = pl.scan_parquet(folder / "measured.parquet").drop("created").sort("event_timestamp")
    labels = pl.scan_parquet(folder / "labels.parquet").with_row_index("row").sort("event_timestamp")
    joined = labels.join_asof(rows, on="event_timestamp", by="sample_id", tolerance=TTL, check_sortedness=False)
    return joined.sort("row").drop("row").collect()


def _measure_join(bench: Bench, *, late: bool = False) -> list[Round]:
    folder = _tables(bench)
    with _store(bench, late=late) as store:
        if len(_join(store, folder)) != len(_raw_join(folder)):
            raise SystemExit("the two joins do not have the same rows")
        return interleave(
            bench, lambda: timed(lambda: _join(store, folder)) * 1e3, lambda: timed(lambda: _raw_join(folder)) * 1e3
        )


def _measure_late_join(bench: Bench) -> list[Round]:
    return _measure_join(bench, late=True)


def _measure_feast(bench: Bench) -> list[Round]:
    if bench.peer is None or not bench.peer.exists():
        raise SystemExit(f"{bench.peer} is not there; `make bench-peers` makes the environment of the peers.")
    folder, place = _tables(bench), bench.fresh("feast")
    place.mkdir()
    arguments = [str(folder), str(place), str(TTL.days), *FEATURES]
    with (
        _store(bench) as store,
        Child(bench.peer, "benchmarks.feast_child", arguments, place / "log") as feast,
    ):
        return interleave(
            bench,
            lambda: 1 / timed(lambda: _join(store, folder)),
            lambda: 1 / float(feast.do("join")["seconds"]),
        )


def _measure_reads(bench: Bench, *, entities: int, bound: float) -> list[Round]:
    names, turn = [f"measured:{name}" for name in FEATURES], count()
    with _store(bench) as store:
        store.materialize("measured")

        def read_one() -> object:
            return store.get_online_features({"sample_id": next(turn) * 7919 % ENTITIES}, names)

        def read_many() -> object:
            first = next(turn)
            wanted = [{"sample_id": (first + at * 997) % ENTITIES} for at in range(entities)]
            return store.get_online_features(wanted, names)

        read: Callable[[], object] = read_one if entities == 1 else read_many
        times = READS // entities or 1
        return interleave(bench, lambda: timed(lambda: [read() for _ in range(times)]) * 1e6 / times, lambda: bound)


def _measure_one(bench: Bench) -> list[Round]:
    return _measure_reads(bench, entities=1, bound=40.0)


def _measure_hundred(bench: Bench) -> list[Round]:
    return _measure_reads(bench, entities=100, bound=500.0)


_TABLES = f"{ENTITIES:,} labels × {ROWS:,} rows of 5 features over a year, from Parquet, with a TTL"
_RAW = "Polars: both scanned and sorted by time, `join_asof` by sample on event times, order restored"

FIGURES = (
    Figure(
        "feature-join",
        f"`get_historical_features`: {_TABLES}, cut on event and creation time",
        _RAW,
        "ms",
        at_most(1.5),
        _measure_join,
    ),
    Figure(
        "feature-join-late",
        "the same, rows entered up to 20 days late and so not in the order of their events",
        _RAW,
        "ms",
        at_most(1.5),
        _measure_late_join,
    ),
    Figure(
        "feature-read",
        f"`get_online_features` of 5 features of one entity of {ENTITIES:,}, SQLite, in process; mean of {READS:,}",
        "40 µs",
        "µs",
        at_most(1.0),
        _measure_one,
    ),
    Figure(
        "feature-read-hundred",
        "`get_online_features` of 5 features of 100 entities at once; mean of 20",
        "500 µs",
        "µs",
        at_most(1.0),
        _measure_hundred,
    ),
)

PEER_FIGURES = (
    Figure(
        "feast-join",
        f"`get_historical_features`: {_TABLES}, cut on event and creation time",
        "Feast: `get_historical_features` of the same files with its file offline store, to a DataFrame",
        "joins/s",
        at_least(12.0),
        _measure_feast,
        is_peer=True,
    ),
)
