"""Training rows as they were known, sets that are saved, features on demand, statistics and drift."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from mlops.errors import InvalidInput
from mlops.feature_store import (
    Entity,
    FeatureNotFound,
    FeatureStore,
    FeatureStoreService,
    FeatureView,
    FeatureViewInUse,
    OnDemandView,
    TrainingSetDamaged,
    TrainingSetNotFound,
    TrainingSetNotReproducible,
    ValueStatus,
)
from mlops.features import FeaturePlan, fit
from mlops.tests.integration.feature_store.conftest import MONDAY, Clock, counts_view, describe, write_counts

READS = ["counts:reads"]


@pytest.fixture
def lab(sqlite_store: FeatureStoreService, counts: Path) -> FeatureStoreService:
    """Return a store in which samples and their counts are described."""
    return describe(sqlite_store, counts)


def labels(*rows: tuple[str | None, float]) -> pl.DataFrame:
    """Return entity rows of samples and days."""
    times = [(key, MONDAY + timedelta(days=day)) for key, day in rows]
    return pl.DataFrame(
        times, schema={"sample_id": pl.String, "event_timestamp": pl.Datetime("us", "UTC")}, orient="row"
    )


ASKED = labels(("S-1", 6), ("S-1", 1), ("S-2", 0.5), (None, 3), ("S-1", 3), ("S-9", 3))


def test_each_row_gets_what_was_known_at_its_time(described: FeatureStoreService) -> None:
    """On every database: a correction that came later is not seen before, nor does it hide a later event."""
    found = described.get_historical_features(ASKED, READS)
    assert found["reads"].to_list() == [30, 10, None, None, 30, None]
    assert found.drop("reads").equals(ASKED)


def test_pandas_rows_come_back_as_pandas_with_their_index(lab: FeatureStoreService) -> None:
    """And with their own columns as they were."""
    table = pd.DataFrame(
        {
            "sample_id": ["S-1", None],
            "event_timestamp": pd.to_datetime(["2026-05-10 02:00+02:00", "2026-05-10 02:00+02:00"]),
            "label": pd.Categorical(["x", "y"]),
        },
        index=[7, 3],
    )
    found = lab.get_historical_features(table, READS)
    pd.testing.assert_frame_equal(found[table.columns], table)
    assert found["reads"].tolist()[0] == 30
    assert pd.isna(found["reads"].tolist()[1])


def test_lazy_rows_and_no_rows_are_rows_too(lab: FeatureStoreService) -> None:
    """The kind stays what it was."""
    found = lab.get_historical_features(ASKED.lazy(), READS)
    assert isinstance(found, pl.LazyFrame)
    assert lab.get_historical_features(ASKED.clear(), READS).schema["reads"] == pl.Int64


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (ASKED.rename({"sample_id": "sampel_id"}), "no column 'sample_id'. Did you mean 'sampel_id'"),
        (ASKED.with_columns(sample_id=7), "text"),
        (ASKED.with_columns(event_timestamp=7), "a time is"),
        (ASKED.with_columns(reads=1), "full_feature_names"),
        ([{"sample_id": "S-1"}], "no table"),
    ],
)
def test_rows_that_do_not_fit_are_refused(lab: FeatureStoreService, table: Any, words: str) -> None:
    """The error names the column and what to do."""
    with pytest.raises(InvalidInput, match=words.replace("?", ".")):
        lab.get_historical_features(table, READS)


def test_an_unknown_feature_is_refused_with_a_near_one(lab: FeatureStoreService) -> None:
    """In training and online."""
    with pytest.raises(FeatureNotFound, match="'reads'"):
        lab.get_historical_features(ASKED, ["counts:raeds"])
    with pytest.raises(FeatureNotFound, match="'reads'"):
        lab.get_online_features({"sample_id": "S-1"}, ["counts:raeds"])


def test_a_saved_set_stays_as_it_was(described: FeatureStoreService, counts: Path, clock: Clock) -> None:
    """Rows that become known later change neither what is kept nor what is computed again."""
    saved = described.save_training_set("first", ASKED, READS)
    before = described.get_training_set("first")
    clock.pass_days(5)
    late = [("S-1", 0, 0, 10), ("S-1", 2, 2, 30), ("S-2", 1, 1, 7), ("S-1", 0, 5, 11), ("S-1", 2.5, 12, 99)]
    write_counts(counts, late)  # type: ignore[arg-type]
    assert described.get_training_set(saved.training_set_id).equals(before)
    assert described.reproduce_training_set("first").equals(before)
    report = described.verify_training_set("first")
    assert (report.is_sound, report.is_reproducible) == (True, True)
    assert described.get_historical_features(labels(("S-1", 12)), READS)["reads"].to_list() == [99]
    assert described.get_historical_features(labels(("S-1", 12)), READS, as_of=saved.as_of)["reads"].to_list() == [30]


def test_a_set_whose_source_was_rewritten_says_so(lab: FeatureStoreService, counts: Path) -> None:
    """What was kept is still there."""
    lab.save_training_set("first", ASKED.to_pandas(), READS)
    write_counts(counts, [("S-1", 0, 0, 5)])
    with pytest.raises(TrainingSetNotReproducible, match="counts@1 changed"):
        lab.reproduce_training_set("first")
    report = lab.verify_training_set("first")
    assert (report.is_sound, report.is_reproducible) == (True, False)
    assert lab.get_training_set("first")["reads"].iloc[0] == 30


def test_a_set_is_of_the_version_that_was_asked(lab: FeatureStoreService, counts: Path) -> None:
    """A newer version of the view changes nothing in it."""
    saved = lab.save_training_set("first", ASKED, READS)
    lab.apply_view(counts_view(counts, ttl=timedelta(hours=1)))
    assert saved.features == ("counts@1:reads",)
    assert lab.verify_training_set("first").is_reproducible


def test_a_name_means_the_newest_set_of_that_name(lab: FeatureStoreService, clock: Clock) -> None:
    """An unknown one is refused with a near one."""
    lab.save_training_set("first", ASKED, READS)
    clock.pass_days(1)
    second = lab.save_training_set("first", ASKED.head(1), READS)
    assert lab.describe_training_set("first") == second
    assert [one.rows for one in lab.list_training_sets()] == [1, 6]
    with pytest.raises(TrainingSetNotFound, match="'first'"):
        lab.get_training_set("frist")


def test_rows_that_are_not_what_was_saved_are_not_handed_out(lab: FeatureStoreService, sqlite_url: str) -> None:
    """The digest is of the content, beside that of the file."""
    import sqlalchemy as sa

    from mlops.database import open_database

    saved = lab.save_training_set("first", ASKED, READS)
    with open_database(sqlite_url) as database, database.write() as tx:
        tx.execute(
            sa.text("UPDATE feature_training_sets SET document = replace(document, :digest, :other)"),
            {"digest": saved.digest, "other": "0" * 64},
        )
    with pytest.raises(TrainingSetDamaged, match=saved.training_set_id):
        lab.get_training_set("first")
    assert not lab.verify_training_set("first").is_sound


@pytest.fixture
def on_demand(described: FeatureStoreService) -> FeatureStoreService:
    """Return a store with a scaled count and a scaled dose of the request."""
    state = fit(
        FeaturePlan(numeric=("count", "dose")), [pl.DataFrame({"count": [10, 20, 30], "dose": [1.0, 2.0, 3.0]})]
    )
    described.apply_on_demand(OnDemandView(name="scaled", state=state, inputs={"count": "counts:reads"}))
    return described


def test_on_demand_features_are_the_same_in_training_and_online(on_demand: FeatureStoreService) -> None:
    """They come of the same state, from stored features and the request."""
    on_demand.materialize("counts")
    asked = labels(("S-1", 9), ("S-2", 9)).with_columns(dose=pl.Series([0.5, 4.0]))
    names = ["scaled:*", "counts:reads"]
    trained = on_demand.get_historical_features(asked, names, full_feature_names=True).drop(asked.columns).rows()
    entities = [{"sample_id": "S-1", "dose": 0.5}, {"sample_id": "S-2", "dose": 4.0}]
    online = on_demand.get_online_features(entities, names)
    assert [pytest.approx(row) for row in trained] == online.values
    assert [row[-1] for row in online.values] == [30, 7]


def test_an_on_demand_view_that_is_applied_anew_serves_at_once(on_demand: FeatureStoreService) -> None:
    """Requests that were prepared for the one before follow."""
    entity = {"sample_id": "S-1", "dose": 2.0}
    on_demand.get_online_features(entity, ["scaled:dose"])
    state = fit(FeaturePlan(numeric=("count", "dose")), [pl.DataFrame({"count": [1, 2], "dose": [2.0, 4.0]})])
    view = OnDemandView(name="scaled", state=state, inputs={"count": "counts:reads"})
    assert on_demand.apply_on_demand(view).version == 2
    assert on_demand.get_online_features(entity, ["scaled:dose"])[0]["dose"] == pytest.approx(-1.0)


def test_an_on_demand_view_needs_its_inputs(on_demand: FeatureStoreService) -> None:
    """The request's, the stored ones, and those that are none of the state's."""
    with pytest.raises(InvalidInput, match="'dose'"):
        on_demand.get_online_features({"sample_id": "S-1"}, ["scaled:dose"])
    with pytest.raises(FeatureViewInUse, match="'scaled'"):
        on_demand.delete_view("counts")
    state = on_demand.get_view("scaled").state  # type: ignore[union-attr]
    with pytest.raises(InvalidInput, match="none of the state's"):
        on_demand.apply_on_demand(OnDemandView(name="odd", state=state, inputs={"cuont": "counts:reads"}))


def test_an_input_of_an_unfit_type_is_refused_when_it_is_applied(described: FeatureStoreService) -> None:
    """Text where the state computes with a number, a number where it reads words; requests would all fail."""
    rows = pl.DataFrame({"sample_id": ["S-1"], "event_timestamp": [MONDAY], "lot": ["A7"], "grade": [3]})
    described.apply_view(FeatureView(name="lots", entity="sample"), rows)
    plan = FeaturePlan(numeric=("count",), text=("words",), categorical=("kind",))
    state = fit(plan, pl.DataFrame({"count": [1, 2], "words": ["clear serum", "red serum"], "kind": ["a", "b"]}))
    for name, origin, needed in (("count", "lots:lot", "a number or boolean"), ("words", "lots:grade", "text")):
        with pytest.raises(InvalidInput, match=f"'{name}' comes from '{origin}'.* needs {needed} there"):
            described.apply_on_demand(OnDemandView(name="odd", state=state, inputs={name: origin}))
    fitting = {"count": "lots:grade", "words": "lots:lot", "kind": "lots:grade"}
    assert described.apply_on_demand(OnDemandView(name="even", state=state, inputs=fitting)).version == 1


def test_statistics_are_of_every_day_with_events(described: FeatureStoreService) -> None:
    """Kept, and replaced when they are computed again."""
    for _ in range(2):
        computed = described.compute_statistics("counts")
    days = [(one.day.day, one.count, one.nulls, one.mean) for one in computed]
    assert days == [(4, 2, 0, 10.5), (5, 1, 0, 7.0), (6, 1, 0, 30.0)]
    assert described.list_statistics("counts") == computed[::-1]
    assert computed[0].quantiles == (10.0, 10.25, 10.5, 10.75, 11.0)
    assert described.compute_statistics("counts", start=MONDAY + timedelta(days=2))[0].day.day == 6


def test_drift_is_measured_against_what_is_online(store: FeatureStoreService, tmp_path: Path) -> None:
    """None when the values are the same, much when they moved."""
    file = tmp_path / "many.parquet"
    write_counts(file, [(f"S-{at}", 0, 0, at) for at in range(200)])
    describe(store, file)
    store.materialize("counts")
    store.save_training_set("first", labels(*((f"S-{at}", 1) for at in range(200))), READS)
    assert [(one.psi, one.level) for one in store.measure_drift("first")] == [(0.0, "stable")]
    for at in range(200):
        store.push("counts", {"sample_id": f"S-{at}", "reads": at + 150})
    [moved] = store.measure_drift("first", ["reads"])
    assert (moved.level, moved.online_count) == ("drifted", 200)
    with pytest.raises(InvalidInput, match="'raeds'"):
        store.measure_drift("first", ["raeds"])


def test_drift_of_one_name_is_asked_for_in_a_list(described: FeatureStoreService) -> None:
    """Its letters are not names."""
    rows = pl.DataFrame({"sample_id": ["S-1"], "event_timestamp": [MONDAY + timedelta(days=3)]})
    described.save_training_set("may", rows, ["counts:reads"])
    with pytest.raises(InvalidInput, match=r"\['reads'\]"):
        described.measure_drift("may", "reads")


def test_entities_of_several_keys_are_joined_and_read(store: FeatureStoreService) -> None:
    """All of them say which one is meant."""
    store.apply_entity(Entity(name="bed", join_keys={"ward": "string", "bed": "integer"}))
    rows = {"ward": ["n", "n", "s"], "bed": [1, 2, 1], "event_timestamp": [MONDAY] * 3, "sex": ["f", None, "m"]}
    store.apply_view(FeatureView(name="beds", entity="bed"), frame=pl.DataFrame(rows))
    store.materialize("beds")
    asked = pl.DataFrame({"ward": ["s", "n", "s"], "bed": [1, 2, 2], "event_timestamp": [MONDAY] * 3})
    assert store.get_historical_features(asked, ["beds:sex"])["sex"].to_list() == ["m", None, None]
    found = store.get_online_features(asked.select("ward", "bed").to_dicts(), ["beds:sex"], full_feature_names=True)
    assert found.to_dict() == {"beds__sex": ["m", None, None]}
    assert [status for (status,) in found.statuses] == [ValueStatus.PRESENT, ValueStatus.MISSING, ValueStatus.MISSING]


async def _both(folder: Path, url: str, counts: Path) -> list[Any]:
    async with FeatureStore(folder, url) as store:
        await store.apply_entity(Entity(name="sample", join_keys=("sample_id",)))
        await store.apply_view(counts_view(counts))
        await store.materialize("counts")
        found = await store.get_online_features({"sample_id": "S-2"}, READS)
        return found.values


def test_the_same_operations_are_coroutines(tmp_path: Path, sqlite_url: str, counts: Path) -> None:
    """With the same results."""
    import asyncio

    assert asyncio.run(_both(tmp_path / "features", sqlite_url, counts)) == [(7,)]
