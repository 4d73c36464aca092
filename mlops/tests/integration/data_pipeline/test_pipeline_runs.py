"""A run's life: begun, followed, waited for, cancelled, failed, compared, told to others."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlops import audit, events
from mlops.data_pipeline import (
    DataPipeline,
    DataPipelineService,
    NamedRuleNotFound,
    PipelineFailed,
    PipelineRun,
    PipelineRunNotFound,
    RunCancelled,
    RunEnded,
    RunNotCompleted,
    RunStatus,
)
from mlops.database import open_database
from mlops.errors import InvalidInput, NotFound
from mlops.jobs import JobNotEnded, explain
from mlops.tests.integration.data_pipeline.conftest import (
    MakePipeline,
    left_behind,
    run,
    samples,
    samples_config,
    samples_schema,
)


class Gate:
    """A named rule that holds a run up until it is let go on."""

    def __init__(self, pipeline: DataPipelineService) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self._is_first = True
        pipeline.register_rule("gate", self._rule)
        self.reached.clear()

    def _rule(self) -> pl.Expr:
        if not self._is_first:
            self.reached.set()
            assert self.opened.wait(60)
        self._is_first = False
        return pl.col("dose") >= 0

    def schema(self) -> Any:
        return samples_schema(validation_rules=[{"name": "gate", "polars_name": "gate"}])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a file with a table of samples."""
    samples(30).write_csv(tmp_path / "table.csv")
    return tmp_path / "table.csv"


def test_a_run_tells_what_it_did(pipeline: DataPipelineService, table: Path) -> None:
    """Steps with rows and seconds, counts, score, files with their digests, who and when."""
    done = run(pipeline, table, config=samples_config())
    assert [step.name for step in done.steps] == ["read", "validate", "assess", "features", "write", "publish"]
    assert (done.input_rows, done.output_rows, done.quarantined_rows, done.feature_count) == (30, 30, 0, 4)
    assert done.data_quality_score is not None
    assert all(Path(path).is_file() for path in done.output_digests)
    assert done.started_at is not None
    assert done.ended_at is not None
    assert done.duration_seconds == (done.ended_at - done.started_at).total_seconds()
    assert (done.quarantine_path, done.error, done.progress) == (None, None, 1.0)
    assert pipeline.get_pipeline_run(done.run_id) == done


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError])
def test_an_interrupted_block_waits_for_no_run(
    sqlite_url: str, make_pipeline: MakePipeline, table: Path, error: type[BaseException]
) -> None:
    """Ctrl-C ends a script; whoever opens the pipeline next goes on with what it began."""
    gates = []

    def interrupted() -> str:
        with suppress(error), make_pipeline(sqlite_url) as pipeline:
            gates.append(Gate(pipeline))
            run_id = pipeline.run_pipeline("samples", table, pipeline.create_schema(gates[0].schema()))
            assert gates[0].reached.wait(60)
            raise error
        return run_id

    run_id = interrupted()
    gates[0].opened.set()
    with make_pipeline(sqlite_url, workers=0) as pipeline:
        assert not pipeline.get_pipeline_run(run_id).is_ended
    with make_pipeline(sqlite_url) as pipeline:
        pipeline.register_rule("gate", lambda: pl.col("dose") >= 0)
        assert pipeline.wait(run_id, timeout_s=60).status == RunStatus.COMPLETED


def test_runs_are_listed_newest_first(pipeline: DataPipelineService, table: Path) -> None:
    """By pipeline, by status, and by pages."""
    begun = [run(pipeline, table, pipeline_id=name).run_id for name in ("a", "b", "a")]
    assert [one.run_id for one in pipeline.list_pipeline_runs()] == begun[::-1]
    assert [one.run_id for one in pipeline.list_pipeline_runs("a")] == [begun[2], begun[0]]
    assert list(pipeline.list_pipeline_runs(status="failed")) == []
    page = pipeline.list_pipeline_runs(limit=2)
    assert [one.run_id for one in pipeline.list_pipeline_runs(cursor=page.next_cursor)] == [begun[0]]
    with pytest.raises(InvalidInput, match="'done' is no status"):
        pipeline.list_pipeline_runs(status="done")


def test_what_does_not_exist_is_refused_before_anything_begins(sqlite_pipeline: DataPipelineService) -> None:
    """Unknown schemas, configurations and runs are errors of the call."""
    sqlite_pipeline.create_schema(samples_schema())
    for told in ({"schema_id": "none"}, {"schema_id": "samples", "feature_config_id": "none"}):
        with pytest.raises(Exception, match="'none'"):
            sqlite_pipeline.run_pipeline("p", "table.csv", **told)
    for ask in (sqlite_pipeline.get_pipeline_run, sqlite_pipeline.wait, sqlite_pipeline.cancel_run):
        with pytest.raises(PipelineRunNotFound):
            ask("none")
    with pytest.raises(InvalidInput, match="max_bad_fraction"):
        sqlite_pipeline.run_pipeline("p", "table.csv", "samples", max_bad_fraction=1.5)
    assert list(sqlite_pipeline.list_pipeline_runs()) == []


def test_a_missing_input_fails_the_run_with_a_sentence(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """The path is named; nothing is left on the disk."""
    with pytest.raises(PipelineFailed, match=r"none\.csv': there is no such file"):
        run(sqlite_pipeline, tmp_path / "none.csv")
    [failed] = sqlite_pipeline.list_pipeline_runs(status="failed")
    assert failed.error_details["path"] == str(tmp_path / "none.csv")
    assert not [file for file in (tmp_path / "kept").rglob("*") if file.is_file()]


def test_a_missing_column_is_named_with_near_ones(sqlite_pipeline: DataPipelineService, table: Path) -> None:
    """Of the schema, and of the features."""
    schema = samples_schema(columns={"sample_ids": {"type": "string", "nullable": False}})
    with pytest.raises(PipelineFailed, match="Did you mean 'sample_id'") as failed:
        run(sqlite_pipeline, table, schema)
    assert failed.value.details["columns"] == ("sample_ids",)
    with pytest.raises(PipelineFailed, match=r"no column 'doze'.*Did you mean 'dose'"):
        run(sqlite_pipeline, table, samples_schema(version="2"), config=samples_config(numeric_features=["doze"]))
    config = samples_config(version="2", numeric_features=["kind"], categorical_features=[])
    with pytest.raises(PipelineFailed, match="'kind'") as failed:
        run(sqlite_pipeline, table, samples_schema(version="2"), config=config)
    assert failed.value.details["column"] == "kind"


def test_a_run_without_output_has_nothing_to_read(sqlite_pipeline: DataPipelineService, table: Path) -> None:
    """The error says how the run ended, or what it lacks."""
    with pytest.raises(PipelineFailed) as failed:
        run(sqlite_pipeline, table.with_name("none.csv"))
    for read in (sqlite_pipeline.read_output, sqlite_pipeline.read_features, sqlite_pipeline.read_quarantine):
        with pytest.raises(RunNotCompleted, match="is failed"):
            read(failed.value.run_id)
    done = run(sqlite_pipeline, table)
    with pytest.raises(InvalidInput, match="made no features"):
        sqlite_pipeline.read_features(done.run_id)
    assert sqlite_pipeline.read_quarantine(done.run_id).is_empty()


def test_a_run_can_be_followed(database_url: str, make_pipeline: MakePipeline, table: Path) -> None:
    """It is pending, then running, and its progress never goes back; waiting with a limit ends while it goes on."""
    pipeline = make_pipeline(database_url)
    gate = Gate(pipeline)
    run_id = pipeline.run_pipeline("p", table, pipeline.create_schema(gate.schema()), wait=False)
    assert gate.reached.wait(60)
    assert pipeline.get_pipeline_run(run_id).status is RunStatus.RUNNING
    seen: list[float] = []
    with pytest.raises(JobNotEnded, match="is running after"):
        pipeline.wait(run_id, timeout_s=0.6, on_progress=lambda told: seen.append(told.progress))
    gate.opened.set()
    assert pipeline.wait(run_id, on_progress=lambda told: seen.append(told.progress)).status is RunStatus.COMPLETED
    assert seen == sorted(seen)
    assert seen[0] < 1


def test_a_run_is_cancelled_before_it_begins(database_url: str, make_pipeline: MakePipeline, table: Path) -> None:
    """It ends at once, also where nobody does any work; cancelling twice is refused."""
    pipeline = make_pipeline(database_url, workers=0)
    run_id = pipeline.run_pipeline("p", table, pipeline.create_schema(samples_schema()))
    assert pipeline.cancel_run(run_id).status is RunStatus.CANCELLED
    with pytest.raises(RunCancelled):
        pipeline.wait(run_id)
    with pytest.raises(RunEnded, match="is cancelled"):
        pipeline.cancel_run(run_id)
    assert topics(pipeline, run_id) == ["pipeline_run.started", "pipeline_run.cancelled"]


def test_a_run_is_cancelled_while_it_runs(
    database_url: str, make_pipeline: MakePipeline, table: Path, tmp_path: Path
) -> None:
    """Nothing of it is published or left behind, and others are told when it is so."""
    pipeline = make_pipeline(database_url)
    gate = Gate(pipeline)
    run_id = pipeline.run_pipeline("p", table, pipeline.create_schema(gate.schema()))
    assert gate.reached.wait(60)
    assert pipeline.cancel_run(run_id).status is RunStatus.RUNNING
    assert topics(pipeline, run_id) == ["pipeline_run.started"]
    gate.opened.set()
    with pytest.raises(RunCancelled, match="nothing of it was published"):
        pipeline.wait(run_id, timeout_s=60)
    assert topics(pipeline, run_id) == ["pipeline_run.started", "pipeline_run.cancelled"]
    pipeline.close()
    assert [file for file in (tmp_path / "kept").rglob("*") if file.is_file()] == []


def topics(pipeline: DataPipelineService, run_id: str) -> list[str]:
    """Return what others were told of a run."""
    with pipeline._database.write() as tx:
        events.subscribe(tx, "test")
    return [event.topic for event in events.read(pipeline._database, "test") if event.subject_id == run_id]


def test_others_are_told_and_the_audit_log_has_it(pipeline: DataPipelineService, table: Path) -> None:
    """Begin and end of a run, with its counts and its input's digest, in the actor's name."""
    with audit.acting_as("ada"):
        done = run(pipeline, table)
    assert topics(pipeline, done.run_id) == ["pipeline_run.started", "pipeline_run.completed"]
    with pipeline._database.read() as tx:
        last, first = audit.list_entries(tx, subject_id=done.run_id)
    assert [(entry.action, entry.actor) for entry in (first, last)] == [("begin", "ada"), ("completed", "ada")]
    assert (last.details["output_rows"], last.details["input_digest"]) == (30, done.input_digest)
    assert done.created_by == "ada"


def test_a_report_is_compared_with_the_run_before(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """Of the same pipeline: what changed is an issue; another pipeline's runs do not matter."""
    samples(40, dose=[1.0, 2.0] * 20).write_csv(tmp_path / "before.csv")
    samples(40, dose=[50.0, 90.0] * 20).write_csv(tmp_path / "after.csv")
    before = run(sqlite_pipeline, tmp_path / "before.csv")
    other = run(sqlite_pipeline, tmp_path / "after.csv", pipeline_id="other", use_cache=False)
    after = run(sqlite_pipeline, tmp_path / "after.csv", use_cache=False)
    reports = [sqlite_pipeline.assess_data_quality(one.run_id) for one in (before, other, after)]
    assert [one.previous_run_id for one in reports] == ["", "", before.run_id]


def test_the_asynchronous_class_waits_without_a_thread(database_url: str, table: Path, tmp_path: Path) -> None:
    """As in the guide, and for the end of the run."""

    async def main() -> tuple[PipelineRun, PipelineRun]:
        async with DataPipeline(database_url, tmp_path / "kept") as pipeline:
            schema_id = await pipeline.create_schema(samples_schema())
            run_id = await pipeline.run_pipeline("p", table, schema_id)
            seen: list[float] = []
            done = await pipeline.wait(run_id, on_progress=lambda told: seen.append(told.progress))
            return done, await pipeline.get_pipeline_run(run_id)

    done, read = asyncio.run(main())
    assert done == read
    assert done.status is RunStatus.COMPLETED


def test_closing_waits_for_the_runs_begun_here(database_url: str, table: Path, tmp_path: Path) -> None:
    """After the block they have ended; closing twice is once."""
    with DataPipelineService(database_url, tmp_path / "kept") as pipeline:
        run_id = pipeline.run_pipeline("p", table, pipeline.create_schema(samples_schema()))
    pipeline.close()
    with DataPipelineService(database_url, tmp_path / "kept", workers=0) as again:
        assert again.get_pipeline_run(run_id).status is RunStatus.COMPLETED


def test_another_projects_worker_does_a_run_as_it_was_meant(
    database_url: str, make_pipeline: MakePipeline, table: Path, tmp_path: Path
) -> None:
    """With the schema of the run's project, and into the folder that the run was begun with."""
    asking = make_pipeline(database_url, project="here", workers=0)
    schema_id = asking.create_schema(samples_schema())
    run_id = asking.run_pipeline("p", table, schema_id, asking.create_feature_config(samples_config()))
    make_pipeline(database_url, project="there", data_dir=tmp_path / "other")
    done = asking.wait(run_id, timeout_s=60)
    assert Path(done.output_data_path or "").is_relative_to(tmp_path / "kept")
    assert left_behind(tmp_path / "kept") == []
    assert not [file for file in (tmp_path / "other").rglob("*") if file.is_file()]


def test_names_that_nobody_registered_are_refused_at_the_call(sqlite_pipeline: DataPipelineService) -> None:
    """Of rules and of transformations, before anything is begun."""
    schema_id = sqlite_pipeline.create_schema(
        samples_schema(validation_rules=[{"name": "r", "polars_name": "no-rule"}])
    )
    plain_id = sqlite_pipeline.create_schema(samples_schema(version="2"))
    config_id = sqlite_pipeline.create_feature_config(samples_config(custom_transformations=["no-step"]))
    with pytest.raises(NamedRuleNotFound, match="'no-rule'"):
        sqlite_pipeline.run_pipeline("p", "table.csv", schema_id)
    with pytest.raises(NotFound, match="'no-step'"):
        sqlite_pipeline.run_pipeline("p", "table.csv", plain_id, config_id)
    assert list(sqlite_pipeline.list_pipeline_runs()) == []


def test_a_run_waits_for_a_process_that_registers_what_it_needs(
    database_url: str, make_pipeline: MakePipeline, table: Path
) -> None:
    """Others leave it alone, and its job says what it needs; it is taken up by whoever registers that, whenever."""
    asking, lacking = make_pipeline(database_url, workers=0), make_pipeline(database_url)
    schema = samples_schema(validation_rules=[{"name": "late", "polars_name": "late"}])
    step = f"late-{database_url[:6]}"  # the process keeps it for the other database
    config_id = asking.create_feature_config(samples_config(custom_transformations=[step]))
    run_id = asking.run_pipeline("p", table, asking.create_schema(schema), config_id)
    with pytest.raises(JobNotEnded, match="is pending"):
        lacking.wait(run_id, timeout_s=0.5)
    with open_database(database_url) as database, database.read() as tx:
        told = explain(tx, asking.get_pipeline_run(run_id).job_id or "")
    needed = ["rule:late", f"transformation:{step}"]
    assert told == [f"It needs {name!r}, which no live worker has." for name in needed]
    doing = make_pipeline(database_url)
    doing.register_transformation(step, pl.col("dose").alias("again"))
    doing.register_rule("late", lambda: pl.col("dose") >= 0)
    assert doing.wait(run_id, timeout_s=60).status is RunStatus.COMPLETED


def test_many_runs_of_one_pipeline_at_once(database_url: str, make_pipeline: MakePipeline, tmp_path: Path) -> None:
    """Threads begin runs on different inputs; each gets its own output, and nothing is left behind."""
    pipeline = make_pipeline(database_url, workers=2)
    schema_id = pipeline.create_schema(samples_schema())
    begun: dict[int, str] = {}

    def begin(rows: int) -> None:
        samples(rows).write_csv(tmp_path / f"{rows}.csv")
        begun[rows] = pipeline.run_pipeline("p", tmp_path / f"{rows}.csv", schema_id)

    threads = [threading.Thread(target=begin, args=[rows]) for rows in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {rows: pipeline.wait(run_id).output_rows for rows, run_id in begun.items()} == {n: n for n in range(1, 7)}
    assert left_behind(tmp_path / "kept") == []
