"""The store's contract, on both databases: what was stored comes back equal, and refused items store nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops.clock import new_id
from mlops.database import Database
from mlops.experiment_tracker import (
    DatasetFingerprint,
    EnvironmentCapture,
    Experiment,
    ExperimentArtifact,
    ExperimentDeleted,
    ExperimentEnded,
    ExperimentExists,
    ExperimentMetrics,
    ExperimentNotFound,
    ExperimentStatus,
)
from mlops.experiment_tracker.sql import SqlExperimentStore

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
AWKWARD = "naïve 'quoted\" 损失 🧪 % _ \\ \n {x}"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
).filter(lambda value: "$number" not in repr(value))
names = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20).filter(str.isprintable)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
params = st.dictionaries(names, json_values.filter(lambda value: "\0" not in str(value)), max_size=4)
repeatedly = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def store() -> SqlExperimentStore:
    """Return the store."""
    return SqlExperimentStore()


def experiment(**fields: Any) -> Experiment:
    """Return a running experiment with a fresh id."""
    given = {"experiment_id": new_id(), "project": "default", "name": "x", "status": "running", "created_at": NOW}
    return Experiment(**given | fields)


@pytest.fixture
def running(database: Database, store: SqlExperimentStore) -> Experiment:
    """Return a stored experiment that runs."""
    begun = experiment()
    with database.write() as tx:
        store.insert(tx, begun)
    return begun


@pytest.fixture
def log(database: Database, store: SqlExperimentStore) -> Callable[..., list[Exception | None]]:
    """Return what logs metrics in one transaction."""

    def log(*items: ExperimentMetrics) -> list[Exception | None]:
        with database.write() as tx:
            return store.add_metrics(tx, items, logged_at=7)

    return log


def test_an_experiment_comes_back_equal(database: Database, store: SqlExperimentStore) -> None:
    """Every field survives: unicode, quotes, nested parameters, NaN's kin, times to the microsecond."""
    dataset = DatasetFingerprint(name="train", digest="0" * 64, rows=3, column_types=(("a", "int64"),))
    stored = experiment(
        name="Größe", description=AWKWARD, notes=AWKWARD, ended_at=NOW + timedelta(microseconds=1), error=AWKWARD,
        hyperparameters={"a": [1, {"b": None}], AWKWARD[:5]: AWKWARD, "inf": math.inf}, tags={"k'": AWKWARD},
        datasets=(dataset,), parent_experiment_id="p",
    )  # fmt: skip
    with database.write() as tx:
        store.insert(tx, stored)
    with database.read() as tx:
        assert store.find(tx, stored.experiment_id) == stored


@repeatedly
@given(params=params, tags=st.dictionaries(names, texts, max_size=4), notes=texts)
def test_any_parameters_and_tags_come_back_equal(
    database: Database, store: SqlExperimentStore, params: Any, tags: Any, notes: str
) -> None:
    """What a record accepts, both databases keep, at the start and by a later change."""
    plain, full = experiment(), {"hyperparameters": params, "tags": tags, "notes": notes}
    with database.write() as tx:
        store.insert(tx, plain)
        store.update(tx, plain, plain.changed(**full))
        store.insert(tx, other := experiment(**full))
        for key in (plain.experiment_id, other.experiment_id):
            found = store.find(tx, key)
            assert found is not None
            assert (found.hyperparameters, found.tags, found.notes) == (other.hyperparameters, other.tags, notes)


def test_an_id_is_taken_once(database: Database, store: SqlExperimentStore, running: Experiment) -> None:
    """A second experiment with the id is refused with the way to resume."""
    with pytest.raises(ExperimentExists, match="resume_experiment"), database.write() as tx:
        store.insert(tx, running)


def test_find_gives_none_for_the_unknown(database: Database, store: SqlExperimentStore) -> None:
    """There is nothing under an unknown id."""
    with database.read() as tx:
        assert store.find(tx, "nobody") is None


def test_very_long_parameters_are_kept_whole(database: Database, store: SqlExperimentStore) -> None:
    """Only the search index sees the beginning alone; PostgreSQL's indexes have a limit."""
    stored = experiment(hyperparameters={"n" * 250: "损" * 20_000}, tags={"t": "x" * 20_000})
    with database.write() as tx:
        store.insert(tx, stored)
        assert store.find(tx, stored.experiment_id) == stored


@pytest.mark.parametrize("count", [0, 1, 500])
def test_values_come_back_in_order(
    database: Database, store: SqlExperimentStore, running: Experiment, log: Any, count: int
) -> None:
    """None, one and many values come back by step."""
    log(*[ExperimentMetrics(experiment_id=running.experiment_id, step=-i, train_loss=i) for i in range(count)])
    with database.read() as tx:
        columns = store.metric_columns(tx, running.experiment_id, None)
    assert columns.steps.tolist() == list(range(1 - count, 1))
    assert columns.values.tolist() == [float(-step) for step in columns.steps]


@repeatedly
@given(values=st.lists(st.floats() | st.integers(-(2**60), 2**60).map(float), min_size=1, max_size=8))
def test_any_number_survives(
    database: Database, store: SqlExperimentStore, running: Experiment, log: Any, values: list[float]
) -> None:
    """NaN, the infinities, tiny and huge numbers are the same afterwards; SQLite alone forgets the sign of -0.0."""
    name = new_id()
    log(*[ExperimentMetrics(experiment_id=running.experiment_id, custom_metrics={name: value}) for value in values])
    with database.read() as tx:
        found = store.metric_columns(tx, running.experiment_id, [name]).values.tolist()
        summary = store.summaries(tx, running.experiment_id)[name]
    real = [value for value in values if not math.isnan(value)]
    assert [repr(value + 0.0) for value in found] == [repr(value + 0.0) for value in values]
    assert repr(summary.last + 0.0) == repr(values[-1] + 0.0)
    assert (summary.min, summary.max) == (min(real, default=None), max(real, default=None))
    assert summary.count == len(values)


def test_the_last_value_is_that_of_the_greatest_step(
    database: Database, store: SqlExperimentStore, running: Experiment, log: Any
) -> None:
    """A late value of an early step is not the last; of two at one step the later arrival is, in any grouping."""
    for group in ([(5, 0.5), (9, 0.9), (9, 0.8)], [(7, 0.7)], [(9, 0.85)], [(1, 0.1)]):
        log(*[ExperimentMetrics(experiment_id=running.experiment_id, step=s, val_loss=v) for s, v in group])
    with database.read() as tx:
        summary = store.summaries(tx, running.experiment_id)["val_loss"]
    assert (summary.last, summary.last_step, summary.min, summary.max, summary.count) == (0.85, 9, 0.1, 0.9, 6)


def test_nan_leaves_minimum_and_maximum_alone(
    database: Database, store: SqlExperimentStore, running: Experiment, log: Any
) -> None:
    """NaN counts and can be the last value, and is never the least or greatest."""
    for value in (math.nan, 2.0, 1.0, math.nan):
        log(ExperimentMetrics(experiment_id=running.experiment_id, val_loss=value))
    with database.read() as tx:
        summary = store.summaries(tx, running.experiment_id)["val_loss"]
        found = store.find(tx, running.experiment_id)
    assert math.isnan(summary.last)
    assert (summary.min, summary.max, summary.count) == (1.0, 2.0, 4)
    assert found is not None
    assert math.isnan(found.metrics["val_loss"])


def test_times_and_epochs_are_kept(
    database: Database, store: SqlExperimentStore, running: Experiment, log: Any
) -> None:
    """A measurement has its own time, or else that of its storing."""
    key = running.experiment_id
    log(
        ExperimentMetrics(experiment_id=key, epoch=2, timestamp=NOW, train_loss=1),
        ExperimentMetrics(experiment_id=key, step=1, train_loss=1),
    )
    with database.read() as tx:
        columns = store.metric_columns(tx, key, None)
    assert columns.logged_at.tolist() == [(NOW - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1), 7]
    assert columns.epochs is not None
    assert columns.epochs[0] == 2.0


def test_sampled_metrics_are_left_out_unless_named(
    database: Database, store: SqlExperimentStore, running: Experiment, log: Any
) -> None:
    """What the machine sampled is in no history and in no experiment's metrics, but can be asked for."""
    key = running.experiment_id
    log(ExperimentMetrics(experiment_id=key, custom_metrics={"system/cpu": 5, "system": 1, "system0": 2, "z": 3}))
    with database.read() as tx:
        assert sorted(store.metric_columns(tx, key, None).names) == ["system", "system0", "z"]
        assert store.metric_columns(tx, key, ["system/cpu"]).values.tolist() == [5.0]
        assert sorted(store.metric_columns(tx, key, ["system/cpu", "z"]).names) == ["system/cpu", "z"]
        found = store.find(tx, key)
    assert found is not None
    assert sorted(found.metrics) == ["system", "system0", "z"]


def test_refused_items_leave_the_others_stored(
    database: Database, store: SqlExperimentStore, running: Experiment, log: Any
) -> None:
    """In one group an unknown, an ended and a deleted experiment are refused, each with its error."""
    ended = experiment(status=ExperimentStatus.FAILED)
    deleted = experiment(deleted_at=NOW)
    with database.write() as tx:
        store.insert(tx, ended)
        store.insert(tx, deleted)
    keys = ["nobody", running.experiment_id, ended.experiment_id, deleted.experiment_id, running.experiment_id]
    outcomes = log(*[ExperimentMetrics(experiment_id=key, train_loss=1) for key in keys])
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [ExperimentNotFound, type(None), ExperimentEnded, ExperimentDeleted, type(None)]
    with database.read() as tx:
        assert len(store.metric_columns(tx, running.experiment_id, None).values) == 2
        assert not store.summaries(tx, ended.experiment_id)


def test_artifacts_come_back_in_order(database: Database, store: SqlExperimentStore, running: Experiment) -> None:
    """Several artifacts may have one name; the oldest comes first."""
    artifacts = [
        ExperimentArtifact(
            artifact_id=new_id(), experiment_id=running.experiment_id, name="model", codec="json", digest="0" * 64,
            size_bytes=2, created_at=NOW + timedelta(seconds=i), description=AWKWARD, details={"n": i},
        )
        for i in range(3)
    ]  # fmt: skip
    with database.write() as tx:
        for artifact in reversed(artifacts):
            store.add_artifact(tx, artifact)
        assert store.artifacts(tx, running.experiment_id) == artifacts


def test_equal_environments_are_stored_once(database: Database, store: SqlExperimentStore) -> None:
    """An environment is found by its digest, and the same one has the same digest."""
    environment = EnvironmentCapture(python_version="3.11", argv=("a", AWKWARD), packages={"numpy": "2.0"})
    with database.write() as tx:
        digest = store.remember_environment(tx, environment)
        assert store.remember_environment(tx, environment) == digest
        assert store.find_environment(tx, digest) == environment
        assert store.find_environment(tx, "0" * 64) is None


def test_remove_leaves_no_row(database: Database, store: SqlExperimentStore, log: Any) -> None:
    """Everything of an experiment goes, its environment too; that of others stays."""
    with database.write() as tx:
        digest = store.remember_environment(tx, EnvironmentCapture(python_version="3.11"))
        gone = experiment(deleted_at=None, environment_digest=digest, hyperparameters={"a": 1}, tags={"b": "c"})
        kept = experiment(deleted_at=NOW)
        store.insert(tx, gone)
        store.insert(tx, kept)
    log(ExperimentMetrics(experiment_id=gone.experiment_id, train_loss=1))
    with database.write() as tx:
        assert store.deleted_before(tx, NOW + timedelta(1), most=None) == [kept.experiment_id]
        store.remove(tx, [gone.experiment_id])
        assert store.find(tx, gone.experiment_id) is None
        assert store.find(tx, kept.experiment_id) == kept
        assert store.find_environment(tx, digest) is None
        assert not store.summaries(tx, gone.experiment_id)
        assert len(store.metric_columns(tx, gone.experiment_id, None).values) == 0


def test_projects_are_those_in_use(database: Database, store: SqlExperimentStore) -> None:
    """Projects come sorted, once each, without those whose experiments are all deleted."""
    with database.write() as tx:
        assert store.projects(tx) == []
        for project, deleted_at in (("b", None), ("a", None), ("b", NOW), ("gone", NOW)):
            store.insert(tx, experiment(project=project, deleted_at=deleted_at))
        assert store.projects(tx) == ["a", "b"]
