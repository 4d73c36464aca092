"""A run that is killed at every step, and what the next process makes of it.

Run as a program by the test, for it forks: it prints a line for every step. Jobs are taken by hand, without a runner,
so that the steps are the same every time.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from mlops.data_pipeline import DataPipelineService, DataSchema, FeatureEngineeringConfig, RunStatus
from mlops.database import Database
from mlops.jobs import JobContext
from mlops.jobs.claiming import Claimant, claim, sweep
from mlops.tests.integration.model_registry.killing import Tell, die_at_every_step, in_child

__all__ = ["do_job", "runs", "take_job"]

_LEASE_S = 0.1
_ROWS = ["sample_id,dose", *(f"S{number},{number % 7 - 1}" for number in range(40)), ""]  # every seventh is bad
_SCHEMA = {"sample_id": {"type": "string", "primary_key": True}, "dose": {"type": "float", "min": 0}}
_DAMAGED = sum(number % 7 == 0 for number in range(40))


def take_job(
    database: Database, worker: str, *, lease_s: float = _LEASE_S, capabilities: Iterable[str] = ()
) -> JobContext | None:
    """Take the next job, also one whose worker has not been heard of for a while."""
    with database.write() as tx:
        sweep(tx)
        found = claim(tx, Claimant(worker, ("data.run_pipeline",), frozenset(capabilities), lease_s), 1)
    return JobContext(found[0], database) if found else None


def do_job(pipeline: DataPipelineService, context: JobContext) -> None:
    """Do a job of the pipeline in this thread."""
    pipeline.job_handlers()[0].run(context)


def runs(folder: str, url: str) -> None:
    """Kill a run with features and bad rows; the next process finishes it, whatever was there."""
    place = Path(folder)
    kept, empty = place / "kept", place / "empty"
    (place / "table.csv").write_text("\n".join(_ROWS))
    in_child(lambda _: _begin(url, kept))
    shutil.copytree(place, empty, ignore=shutil.ignore_patterns("empty"))

    def prepare() -> None:
        shutil.rmtree(kept, ignore_errors=True)
        for file in empty.glob("mlops.db*"):
            (place / file.name).write_bytes(file.read_bytes())
        for file in place.glob("mlops.db-*"):
            file.unlink()

    def work(tell: Tell) -> None:
        pipeline = _open(url, kept)
        context = take_job(pipeline._database, "first")
        assert context is not None
        context.progress = lambda done, _total=None, message="": tell(f"{message}-{done:.1f}")  # type: ignore[method-assign]
        do_job(pipeline, context)

    def look() -> str:
        with _open(url, kept) as pipeline:
            [before] = pipeline.list_pipeline_runs()
            time.sleep(_LEASE_S * 1.5)
            context = take_job(pipeline._database, "second")
            if context is not None:
                do_job(pipeline, context)
        with DataPipelineService(url, kept) as pipeline:  # opening tidies up behind runs that had just ended
            _check(pipeline, kept)
        return "new" if before.status is RunStatus.COMPLETED else "old"

    die_at_every_step(prepare, work, look)


def _open(url: str, kept: Path) -> DataPipelineService:
    return DataPipelineService(url, kept, workers=0)


def _begin(url: str, kept: Path) -> None:
    with _open(url, kept) as pipeline:
        schema_id = pipeline.create_schema(DataSchema(name="s", columns=_SCHEMA))
        config_id = pipeline.create_feature_config(FeatureEngineeringConfig(name="f", numeric_features=["dose"]))
        pipeline.run_pipeline("p", kept.parent / "table.csv", schema_id, config_id)


def _check(pipeline: DataPipelineService, kept: Path) -> None:
    """Check that the run completed, with one output that is whole, and nothing else."""
    [run] = pipeline.list_pipeline_runs()
    assert (run.status, run.input_rows, run.quarantined_rows) == (RunStatus.COMPLETED, 40, _DAMAGED), run
    assert len(pipeline.read_output(run.run_id).collect()) == 40 - _DAMAGED
    assert len(pipeline.read_features(run.run_id).collect()) == 40 - _DAMAGED
    assert len(pipeline.read_quarantine(run.run_id)) == _DAMAGED
    files = {str(path) for path in kept.rglob("*") if path.is_file()}
    assert files == set(run.output_digests), files ^ set(run.output_digests)
    folders = [path.name for path in kept.rglob("*") if path.is_dir()]
    assert sorted(folders) == sorted(["runs", "unfinished", run.run_id, Path(run.output_data_path or "").parent.name])
