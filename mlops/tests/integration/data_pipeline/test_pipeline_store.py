"""The contract of the pipeline's store, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlops.clock import new_id
from mlops.data_pipeline import PipelineRun, RunStatus
from mlops.data_pipeline.sql import SqlPipelineStore
from mlops.data_pipeline.store import PipelineStore
from mlops.database import Database
from mlops.errors import InvalidInput
from mlops.tests.integration.data_pipeline.conftest import samples_config, samples_schema

AT = datetime(2026, 5, 3, 9, 30, tzinfo=UTC)
AWKWARD = "naïve 'quoted' \"x\" %s ; -- \\ 模型 🧬"


@pytest.fixture
def store() -> PipelineStore:
    """Return the store under test."""
    return SqlPipelineStore()


def a_run(**told: Any) -> PipelineRun:
    fields = {"run_id": new_id(), "pipeline_id": "p", "project": "lab", "input_data_path": AWKWARD, "created_at": AT}
    return PipelineRun(**{**fields, **told})


def test_a_run_comes_back_as_it_was_stored(database: Database, store: PipelineStore) -> None:
    """Awkward text, exact moments, nested options and infinite numbers survive."""
    run = a_run(options={"read": {"separator": "\t"}, "limit": float("inf")}, error=AWKWARD, started_at=AT)
    with database.write() as tx:
        store.insert_run(tx, run)
    with database.read() as tx:
        assert store.find_run(tx, run.run_id) == run
        assert store.find_run(tx, "no such run") is None


def test_an_update_replaces_the_run(database: Database, store: PipelineStore) -> None:
    """What was changed is what is found, also by its status."""
    run = a_run()
    with database.write() as tx:
        store.insert_run(tx, run)
        store.update_run(tx, done := run.changed(status=RunStatus.COMPLETED, input_rows=3, ended_at=AT))
    with database.read() as tx:
        assert store.find_run(tx, run.run_id, is_locked=False) == done
        assert list(store.list_runs(tx, project="lab", status=RunStatus.PENDING)) == []
        assert list(store.list_runs(tx, project="lab", status=RunStatus.COMPLETED)) == [done]


def test_equal_runs_are_found_by_their_key(database: Database, store: PipelineStore) -> None:
    """The newest with the key is found; runs without one are not found by an empty key's accident."""
    first, second, other = a_run(), a_run(), a_run()
    with database.write() as tx:
        for run, key in ((first, "k"), (second, "k"), (other, "")):
            store.insert_run(tx, run)
            store.update_run(tx, run, cache_key=key)
    with database.read() as tx:
        found = store.find_equal_run(tx, "k")
        assert found is not None
        assert found.run_id == second.run_id
        assert store.find_equal_run(tx, "other") is None
        assert store.find_equal_run(tx, "") is None


def test_a_way_of_working_is_known_once_a_run_completed_so(database: Database, store: PipelineStore) -> None:
    """Keys begin with it, whatever the input was; half of its name is another way, and the empty one is nobody's."""
    run, uncached = a_run(), a_run()
    with database.write() as tx:
        for each, key in ((run, "way:input"), (uncached, "")):
            store.insert_run(tx, each)
            store.update_run(tx, each, cache_key=key)
    with database.read() as tx:
        assert store.is_way_known(tx, "way")
        assert not any(store.is_way_known(tx, other) for other in ("wa", "way2", ""))


def test_runs_are_listed_newest_first_by_pages(database: Database, store: PipelineStore) -> None:
    """Pages join without gap or overlap, within one project and pipeline."""
    runs = [a_run(pipeline_id="p" if number % 2 else "q") for number in range(7)]
    with database.write() as tx:
        for run in [*runs, a_run(project="elsewhere")]:
            store.insert_run(tx, run)
    with database.read() as tx:
        first = store.list_runs(tx, project="lab", limit=4)
        rest = store.list_runs(tx, project="lab", limit=4, cursor=first.next_cursor)
        assert [run.run_id for run in (*first, *rest)] == [run.run_id for run in reversed(runs)]
        assert (len(first), rest.next_cursor) == (4, None)
        assert len(list(store.list_runs(tx, project="lab", pipeline_id="q"))) == 4
        assert len(list(store.list_runs(tx, project="lab", limit=7))) == 7
        with pytest.raises(InvalidInput, match="limit is 0"):
            store.list_runs(tx, project="lab", limit=0)


def test_schemas_and_configurations_come_back_equal(database: Database, store: PipelineStore) -> None:
    """By id, by name and version, and by name alone the newest."""
    told = {"project": "lab", "description": AWKWARD, "created_at": AT}
    old = samples_schema(schema_id="1", **told)
    new = samples_schema(schema_id="2", version="0.9", **{**told, "created_at": AT + timedelta(seconds=1)})
    config = samples_config(config_id="3", **told)
    with database.write() as tx:
        for schema in (old, new):
            store.insert_schema(tx, schema)
        store.insert_config(tx, config)
    with database.read() as tx:
        assert store.find_schema(tx, project="lab", schema_id="1") == old
        assert store.find_schema(tx, project="lab", name="samples", version="1.0") == old
        assert store.find_schema(tx, project="lab", name="samples") == new
        assert store.find_schema(tx, project="elsewhere", name="samples") is None
        assert store.list_schemas(tx, project="lab") == [new, old]
        assert store.find_config(tx, project="lab", name="samples") == config
        assert store.list_configs(tx, project="lab", name="nothing") == []


def test_a_version_cannot_be_stored_twice(database: Database, store: PipelineStore) -> None:
    """Nor can an id; whoever asks second is told, and what was there stays."""
    with database.write() as tx:
        assert store.insert_schema(tx, first := samples_schema(schema_id="1", project="lab", created_at=AT))
        assert not store.insert_schema(tx, samples_schema(schema_id="2", project="lab", created_at=AT))
        assert not store.insert_schema(tx, samples_schema(schema_id="1", project="lab", name="other", created_at=AT))
        assert store.list_schemas(tx, project="lab") == [first]


def test_what_is_not_committed_is_not_there(database: Database, store: PipelineStore) -> None:
    """Every write is part of the transaction that it is given."""
    run = a_run()
    with contextlib.suppress(RuntimeError), database.write() as tx:
        store.insert_run(tx, run)
        raise RuntimeError
    with database.read() as tx:
        assert store.find_run(tx, run.run_id) is None
