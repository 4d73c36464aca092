"""Materialisation: incremental, repeatable, by two at once, after a kill; readers never see a gap."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.feature_store import (
    Entity,
    FeatureNotFound,
    FeatureStoreService,
    FeatureView,
    MaterializationStatus,
    SourceUnavailable,
    ValueStatus,
)
from mlops.tests.fixtures.programs import finish, start
from mlops.tests.integration.feature_store.conftest import (
    MONDAY,
    Clock,
    MakeStore,
    counts_view,
    describe,
    write_counts,
)

READS = ["counts:reads"]


def reads(store: FeatureStoreService, *samples: str) -> list[Any]:
    """Return the online counts of samples."""
    found = store.get_online_features([{"sample_id": sample} for sample in samples], READS)
    return found.to_dict()["reads"]


def test_the_last_event_is_online_afterwards(described: FeatureStoreService) -> None:
    """One value for each entity, nothing for others."""
    run = described.materialize("counts")
    assert (run.status, run.rows_written) == (MaterializationStatus.COMPLETED, 2)
    assert reads(described, "S-1", "S-2", "S-3") == [30, 7, None]


def test_what_is_late_is_taken_up_by_the_next_run(described: FeatureStoreService, counts: Path, clock: Clock) -> None:
    """A row whose event lies before the last run, but which was created after it; rows seen before are left out."""
    described.materialize("counts")
    clock.pass_days(2)
    rows = [("S-1", 0, 0, 10), ("S-1", 2, 2, 30), ("S-2", 1, 1, 7), ("S-2", 3, 11, 8), ("S-3", 11, 11, 9)]
    write_counts(counts, rows)  # type: ignore[arg-type]
    run = described.materialize("counts")
    assert (run.rows_read, reads(described, "S-1", "S-2", "S-3")) == (2, [30, 8, 9])


def test_a_second_run_on_the_same_rows_finds_none(described: FeatureStoreService) -> None:
    """It is nothing but a line in the history."""
    described.materialize("counts")
    assert described.materialize("counts").rows_read == 0


def test_without_creations_a_changed_source_is_read_again(store: FeatureStoreService, counts: Path) -> None:
    """Rows cannot be told from late ones then; unchanged it is not."""
    store.apply_entity(Entity(name="sample", join_keys=("sample_id",)))
    view = FeatureView(name="counts", entity="sample", source=counts, features={"reads": "integer"})
    store.apply_view(view)
    store.materialize("counts")
    assert store.materialize("counts").rows_read == 0
    write_counts(counts, [("S-2", 0, 0, 1), ("S-2", 1, 1, 70)])
    assert (store.materialize("counts").rows_read, reads(store, "S-2")) == (1, [70])


def test_what_happens_after_the_end_waits(described: FeatureStoreService) -> None:
    """The watermark stands at the end, from where the next run goes on."""
    described.materialize("counts", end=MONDAY + timedelta(days=1))
    assert reads(described, "S-1", "S-2") == [11, 7]
    described.materialize("counts")
    assert reads(described, "S-1", "S-2") == [30, 7]


def test_a_run_over_a_gap_leaves_the_watermark(described: FeatureStoreService) -> None:
    """Days that were skipped are still looked at by the next one."""
    described.materialize("counts", start=MONDAY + timedelta(days=1.5))
    assert reads(described, "S-1", "S-2") == [30, None]
    described.materialize("counts")
    assert reads(described, "S-1", "S-2") == [30, 7]


def test_a_range_that_ends_before_it_starts_is_refused(described: FeatureStoreService) -> None:
    """Nothing is written down of it."""
    with pytest.raises(InvalidInput, match="not before the end"):
        described.materialize("counts", start=MONDAY, end=MONDAY)
    assert described.history("counts").materializations == ()


def test_progress_is_told_to_the_end(described: FeatureStoreService) -> None:
    """From none to all."""
    told: list[tuple[int, int]] = []
    described.materialize("counts", progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 2), (2, 2)]


def test_a_source_that_is_gone_fails_by_name(described: FeatureStoreService, counts: Path) -> None:
    """And what was online stays."""
    described.materialize("counts")
    counts.unlink()
    with pytest.raises(SourceUnavailable, match="no such file"):
        described.materialize("counts")
    assert reads(described, "S-2") == [7]


def test_a_run_that_breaks_is_written_down_as_failed(described: FeatureStoreService) -> None:
    """With the reason."""

    def give_up(done: int, total: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError):
        described.materialize("counts", progress=give_up)
    [run] = described.history("counts").materializations
    assert (run.status, run.error) == (MaterializationStatus.FAILED, "RuntimeError: enough")


def test_old_values_are_marked_and_not_hidden(store: FeatureStoreService, counts: Path, clock: Clock) -> None:
    """Each value says what is to be thought of it."""
    describe(store, counts, ttl=timedelta(days=8, hours=12))
    store.materialize("counts")
    found = store.get_online_features([{"sample_id": name} for name in ("S-1", "S-2", "S-3")], READS)
    assert found.values == [(30,), (7,), (None,)]
    assert [found.status(at)["reads"] for at in range(3)] == [
        ValueStatus.PRESENT,
        ValueStatus.STALE,
        ValueStatus.MISSING,
    ]


def test_a_new_version_serves_only_when_it_is_filled(described: FeatureStoreService, counts: Path) -> None:
    """Until then readers get the one before, of both versions by number; its values stay for a version."""
    described.materialize("counts")
    pl.read_parquet(counts).with_columns(share=pl.col("reads") / 100).write_parquet(counts)
    assert described.apply_view(counts_view(counts)).version == 2
    assert reads(described, "S-2") == [7]
    with pytest.raises(FeatureNotFound, match="counts@1"):
        described.get_online_features({"sample_id": "S-2"}, ["counts:share"])
    described.push("counts", {"sample_id": "S-2", "reads": 8, "share": 0.08})
    assert reads(described, "S-2") == [8]
    described.materialize("counts")
    assert described.get_online_features({"sample_id": "S-2"}, ["counts:*"])[0] == {"reads": 8, "share": 0.08}
    assert described.get_online_features({"sample_id": "S-1"}, ["counts@1:reads"])[0] == {"reads": 30}
    assert described.history("counts").serving_version == 2


def test_readers_in_other_services_follow_the_switch(
    make_store: MakeStore, database_url: str, counts: Path, clock: Clock
) -> None:
    """What they prepared for the version before is not used for the next, whose features stand in another order."""
    store, reader = (make_store(database_url, now=clock) for _ in range(2))
    describe(store, counts).materialize("counts")
    assert reads(reader, "S-1") == [30]
    pl.read_parquet(counts).select(pl.lit(0).alias("zero"), pl.all()).write_parquet(counts)
    store.apply_view(counts_view(counts))
    store.materialize("counts")
    assert reads(reader, "S-1") == [30]


def test_all_features_of_a_view_are_those_of_the_version_that_serves(store: FeatureStoreService, counts: Path) -> None:
    """Whoever asked for `*` before goes over to the new version too, whether it has more features or fewer."""
    store.apply_entity(Entity(name="sample", join_keys=("sample_id",)))
    columns = [{"reads": "integer"}, {"reads": "float", "made": "datetime"}, {"made": "datetime"}]
    for features in columns:
        view = FeatureView(name="counts", entity="sample", source=counts, features=features)
        store.apply_view(view)
        store.materialize("counts")
        found = store.get_online_features([{"sample_id": "S-1"}, {"sample_id": "S-2"}], ["counts:*"])
        assert found.names == tuple(features)
        assert [len(row) for row in found.values] == [len(features)] * 2
    assert store.get_online_features({"sample_id": "S-1"}, ["counts@1:*"]).names == ("reads",)


def test_what_an_older_version_cannot_hold_waits_for_the_newer_one(store: FeatureStoreService, counts: Path) -> None:
    """Rows are pushed all the while that a type changes; what is online of the old version stays until then."""
    store.apply_entity(Entity(name="sample", join_keys=("sample_id",)))
    for dtype in ("integer", "float"):
        store.apply_view(FeatureView(name="counts", entity="sample", source=counts, features={"reads": dtype}))
        if dtype == "integer":
            store.materialize("counts")
    later = MONDAY + timedelta(days=9)
    rows = [("S-1", 2.5), ("S-2", 8.0)]
    assert store.push("counts", [{"sample_id": key, "event_timestamp": later, "reads": n} for key, n in rows]) == 2
    assert reads(store, "S-1") == [30]
    store.materialize("counts")
    assert reads(store, "S-1", "S-2") == [2.5, 8.0]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda store: store.get_online_features("S-1", READS), "'S-1' is no entity"),
        (lambda store: store.get_online_features([None], READS), "None is no entity"),
        (lambda store: store.get_online_features({"sample": "S-1"}, READS), "no key 'sample_id'"),
        (lambda store: store.get_online_features({"sample_id": 1}, READS), "is 1, a int"),
        (lambda store: store.get_online_features({"sample_id": "S-1"}, "counts:reads"), "pass a list"),
        (lambda store: store.push("counts", ["S-1"]), "'S-1' is no row"),
    ],
)
def test_what_names_no_entity_is_refused(sqlite_store: FeatureStoreService, counts: Path, call: Any, said: str) -> None:
    """The message shows what was given, and what is wanted."""
    with pytest.raises(InvalidInput, match=said):
        call(describe(sqlite_store, counts))


def test_features_of_nobody_are_none(described: FeatureStoreService) -> None:
    """An empty list is answered by one."""
    assert list(described.get_online_features([], READS)) == []


def test_rows_that_are_pushed_are_online_at_once(described: FeatureStoreService) -> None:
    """An older one changes nothing."""
    described.push("counts", [{"sample_id": "S-9", "reads": 4, "event_timestamp": MONDAY + timedelta(days=1)}])
    described.push("counts", {"sample_id": "S-9", "reads": 3, "event_timestamp": MONDAY})
    assert reads(described, "S-9") == [4]


def test_a_row_that_is_yet_to_come_is_refused(described: FeatureStoreService, clock: Clock) -> None:
    """Local time taken for UTC would hide everything pushed until then; clocks may differ by minutes."""
    described.push("counts", {"sample_id": "S-9", "reads": 4, "event_timestamp": clock() + timedelta(minutes=4)})
    with pytest.raises(InvalidInput, match="still to come"):
        described.push("counts", {"sample_id": "S-9", "reads": 5, "event_timestamp": clock() + timedelta(hours=1)})
    assert reads(described, "S-9") == [4]


def test_rows_of_a_nightly_export_are_not_missed(described: FeatureStoreService, counts: Path, clock: Clock) -> None:
    """A file gets them when what they tell was known a while ago."""
    described.materialize("counts")
    day = (clock() - MONDAY) / timedelta(days=1) - 1
    write_counts(counts, [("S-1", 2, 2, 30), ("S-2", 1, 1, 7), ("S-9", day, day, 5)])
    described.materialize("counts")
    assert reads(described, "S-9") == [5]


@pytest.mark.parametrize("row", [{"reads": 4}, {"sample_id": "S", "read": 4}, {"sample_id": "S", "reads": "4"}])
def test_a_row_that_does_not_fit_is_refused_whole(described: FeatureStoreService, row: dict[str, Any]) -> None:
    """A missing key, an unknown name, another type: the rows beside it are not put either."""
    with pytest.raises(InvalidInput):
        described.push("counts", [{"sample_id": "S-9", "reads": 1}, row])
    assert reads(described, "S-9") == [None]


def test_values_that_redis_lost_are_filled_again(
    make_store: MakeStore, sqlite_url: str, valkey_url: str, counts: Path, clock: Clock
) -> None:
    """Though the watermark says that they are there."""
    import redis

    store = describe(make_store(sqlite_url, redis_url=valkey_url, now=clock), counts)
    store.materialize("counts")
    with redis.Redis.from_url(valkey_url) as client:
        client.flushdb()
    assert reads(store, "S-1") == [None]
    store.materialize("counts")
    assert reads(store, "S-1", "S-2") == [30, 7]


rows_ = st.lists(
    st.tuples(st.sampled_from(["S-1", "S-2", "S-3"]), st.integers(0, 9), st.integers(0, 9), st.integers(0, 99)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows_, steps=st.lists(st.integers(1, 9), max_size=3))
def test_what_is_online_is_the_last_value_of_history(
    make_store: MakeStore, tmp_path: Path, rows: list[tuple[str, int, int, int]], steps: list[int]
) -> None:
    """However many runs it took, with rows that are late, tied and corrected."""
    clock, file = Clock(MONDAY), tmp_path / "rows.parquet"
    write_counts(file, rows)  # type: ignore[arg-type]
    folder = tmp_path / os.urandom(4).hex()
    store = describe(make_store(f"sqlite:///{folder}/lab.db", now=clock), file)
    for days in sorted({*steps, 10}):
        clock.at = MONDAY + timedelta(days=days)
        store.materialize("counts")
    names = ["S-1", "S-2", "S-3"]
    asked = pl.DataFrame({"sample_id": names, "event_timestamp": [clock.at] * 3})
    assert reads(store, *names) == store.get_historical_features(asked, READS)["reads"].to_list()
    store.close()


FILL = """
    import sys, time
    from mlops.feature_store import FeatureStoreService
    store = FeatureStoreService(sys.argv[1], sys.argv[2], redis_url=sys.argv[3] or None)
    def tell(done, total):
        print(done, flush=True)
        if done and sys.argv[4] == "wait":
            time.sleep(60)
    print(store.materialize("counts", progress=tell).status)
    store.close()
"""


def write_many(path: Path, samples: int) -> None:
    """Write three counts each of many samples."""
    rows = [(f"S-{at}", day, day, at + day) for at in range(samples) for day in range(3)]
    write_counts(path, rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "valkey"])
def test_two_processes_fill_the_same_view_at_once(
    kind: str, request: pytest.FixtureRequest, make_store: MakeStore, counts: Path, tmp_path: Path
) -> None:
    """Both end well, and every value is there once and right."""
    url = request.getfixturevalue(f"{'sqlite' if kind == 'valkey' else kind}_url")
    redis_url = request.getfixturevalue("valkey_url") if kind == "valkey" else None
    write_many(counts, 12_000)
    store = describe(make_store(url, redis_url=redis_url), counts)
    told = finish(*(start(FILL, tmp_path / "features", url, redis_url or "", "go") for _ in range(2)))
    assert [text.split()[-1] for text in told] == ["completed", "completed"]
    samples = list(range(0, 12_000, 7))
    assert reads(store, *(f"S-{at}" for at in samples)) == [at + 2 for at in samples]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "valkey"])
def test_a_killed_run_is_done_again_by_the_next(
    kind: str, request: pytest.FixtureRequest, make_store: MakeStore, counts: Path, tmp_path: Path
) -> None:
    """The killed one is called interrupted; what it wrote is used, what it did not is there afterwards."""
    url = request.getfixturevalue(f"{'sqlite' if kind == 'valkey' else kind}_url")
    redis_url = request.getfixturevalue("valkey_url") if kind == "valkey" else None
    write_many(counts, 12_000)
    store = describe(make_store(url, redis_url=redis_url), counts)
    program = start(FILL, tmp_path / "features", url, redis_url or "", "wait")
    assert program.stdout is not None
    while program.stdout.readline().strip() != "5000":
        assert program.poll() is None
    program.send_signal(signal.SIGKILL)
    program.communicate()
    present = [value for value in reads(store, *(f"S-{at}" for at in range(12_000))) if value is not None]
    assert len(present) == 5_000
    store.materialize("counts")
    statuses = [run.status for run in store.history("counts").materializations]
    assert statuses == [MaterializationStatus.COMPLETED, MaterializationStatus.INTERRUPTED]
    assert reads(store, *(f"S-{at}" for at in range(12_000))) == [at + 2 for at in range(12_000)]


def test_rows_without_a_key_or_an_event_are_nobodys(sqlite_store: FeatureStoreService, counts: Path) -> None:
    """They are neither online nor counted, and disturb no join."""
    write_counts(counts, [(None, 0, 0, 1), ("S-1", 0, 0, 2), ("S-2", 0, 0, 3)])
    is_second = pl.col("sample_id") == "S-2"
    table = pl.read_parquet(counts)
    table.with_columns(
        event_timestamp=pl.when(~is_second.fill_null(value=False)).then("event_timestamp")
    ).write_parquet(counts)
    store = describe(sqlite_store, counts)
    assert (store.materialize("counts").rows_written, reads(store, "S-1", "S-2")) == (1, [2, None])
    assert [one.count for one in store.compute_statistics("counts")] == [2]
    asked = pl.DataFrame({"sample_id": ["S-2", None, "S-1"], "event_timestamp": [MONDAY] * 3})
    assert store.get_historical_features(asked, READS)["reads"].to_list() == [None, None, 2]
