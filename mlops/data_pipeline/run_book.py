"""Runs as they are kept: begun with their job, moved along by it, and ended in its last transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops import audit, events, jobs
from mlops.audit import current_actor
from mlops.clock import NewId, Now
from mlops.data_pipeline.entities import DataSchema, FeatureEngineeringConfig, PipelineRun, RunStatus
from mlops.data_pipeline.errors import PipelineFailed, PipelineRunNotFound, RunCancelled, RunEnded
from mlops.data_pipeline.needs import needs_of
from mlops.data_pipeline.store import PipelineStore
from mlops.errors import InvalidInput
from mlops.search import Page

if TYPE_CHECKING:
    from mlops.database import Database, Transaction

__all__ = ["JOB_KIND", "RunBook", "read_status"]

JOB_KIND = "data.run_pipeline"
_SUBJECT = "pipeline_run"
_ENDS = {jobs.JobStatus.FAILED: RunStatus.FAILED, jobs.JobStatus.CANCELLED: RunStatus.CANCELLED}
_JOBS_AT_ONCE = 500
_ATTEMPTS = 5  # of a job whose worker dies; what fails by itself fails at once


class RunBook:
    """Stores, finds and ends the runs of one project."""

    def __init__(self, database: Database, store: PipelineStore, *, project: str, now: Now, new_id: NewId) -> None:
        self._database = database
        self._store = store
        self._project = project
        self._now = now
        self._new_id = new_id

    def begin(
        self, schema: DataSchema, config: FeatureEngineeringConfig | None, *, data_dir: Path, **values: Any
    ) -> PipelineRun:
        """Store a pending run together with the job that will do it, whose files go below `data_dir`."""
        run = PipelineRun(
            run_id=self._new_id(),
            project=self._project,
            created_at=self._now(),
            created_by=current_actor(),
            schema_id=schema.schema_id,
            data_schema_version=schema.version,
            schema_digest=schema.digest,
            feature_config_id=config.config_id if config else None,
            feature_config_digest=config.digest if config else "",
            **values,
        )
        with self._database.write() as tx:
            job_id = jobs.enqueue(
                tx,
                kind=JOB_KIND,
                payload={"run_id": run.run_id, "data_dir": str(data_dir)},
                project=run.project,
                requires=needs_of(schema, config),
                max_attempts=_ATTEMPTS,
                now=self._now,
                new_id=self._new_id,
            )
            run = run.changed(job_id=job_id)
            self._store.insert_run(tx, run)
            self._tell(tx, run, "begin", "pipeline_run.started", {"pipeline_id": run.pipeline_id})
        return run

    def get(self, run_id: str) -> PipelineRun:
        """Return a run, with the progress that its job tells.

        Raises:
            PipelineRunNotFound: There is none.
        """
        with self._database.read() as tx:
            return self._with_progress(tx, self._require(tx, run_id))

    def all(self, **wanted: Any) -> Page[PipelineRun]:
        """Return a page of the project's runs, the newest first."""
        with self._database.read() as tx:
            page = self._store.list_runs(tx, project=self._project, **wanted)
            return page.replaced(self._with_progress(tx, run) for run in page)

    def is_way_known(self, way: str) -> bool:
        """Return whether any run completed that worked this way, on whichever input."""
        with self._database.read() as tx:
            return self._store.is_way_known(tx, way)

    def find_equal(self, cache_key: str) -> PipelineRun | None:
        """Return the newest completed run with this key."""
        with self._database.read() as tx:
            return self._store.find_equal_run(tx, cache_key)

    def find(self, run_id: str) -> PipelineRun | None:
        """Return a run, or None."""
        with self._database.read() as tx:
            return self._store.find_run(tx, run_id)

    def find_previous(self, run: PipelineRun) -> PipelineRun | None:
        """Return the last completed run of the same pipeline before this one."""
        with self._database.read() as tx:
            page = self._store.list_runs(
                tx,
                project=run.project,
                pipeline_id=run.pipeline_id,
                status=RunStatus.COMPLETED,
                limit=1,
                cursor=run.run_id,
            )
            return next(iter(page), None)

    def kept_inputs(self) -> set[str]:
        """Return the inputs of all runs, of any project, whose jobs are kept: those that are unfinished among them."""
        found: set[str] = set()
        cursor: str | None = None
        with self._database.read() as tx:
            while True:
                page = jobs.list_jobs(tx, kind=JOB_KIND, limit=_JOBS_AT_ONCE, cursor=cursor)
                found.update(self._store.list_inputs(tx, [job.payload["run_id"] for job in page]))
                if (cursor := page.next_cursor) is None:
                    return found

    def await_end(self, run: PipelineRun, timeout_s: float) -> None:
        """Return when the job of a run has ended, or after so many seconds."""
        if run.job_id is not None:
            with contextlib.suppress(jobs.JobNotEnded):
                jobs.wait(self._database, run.job_id, timeout_s)

    def cancel(self, run_id: str) -> PipelineRun:
        """Ask for a run's end; one that has not begun ends at once.

        Raises:
            RunEnded: It is over.
        """
        with self._database.write() as tx:
            run = self._require(tx, run_id, is_locked=True)
            if run.is_ended:
                raise RunEnded(run_id, run.status)
            job = jobs.cancel(tx, run.job_id, now=self._now) if run.job_id else None
            if job is None or job.status is jobs.JobStatus.CANCELLED:
                run = self._close(tx, run.changed(status=RunStatus.CANCELLED, ended_at=self._now()))
            self._note(tx, run, "cancel", {"pipeline_id": run.pipeline_id})
            return run

    def start(self, context: jobs.JobContext) -> PipelineRun | None:
        """Mark the run of a job as running; None when it is over, so that there is nothing to do."""
        with context.commit() as tx:
            run = self._require(tx, context.payload["run_id"], is_locked=True)
            if run.is_ended:
                return None
            started = run.changed(status=RunStatus.RUNNING, started_at=run.started_at or self._now())
            self._store.update_run(tx, started)
            return started

    def end(
        self,
        context: jobs.JobContext,
        run: PipelineRun,
        status: RunStatus,
        *,
        tidy: Callable[[], object],
        cache_key: str = "",
        told: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> PipelineRun:
        """End a run and its job in one transaction, refused when another worker has taken the job over.

        Args:
            tidy: Removes files that an ended run does not need. Called inside the transaction: nobody else can have
                taken the run over then, and whoever sees that it ended finds its folders tidy.
        """
        ended = run.changed(status=status, ended_at=self._now(), **values)
        with context.commit(result={"run_id": run.run_id, "status": str(status)}) as tx:
            self._store.update_run(tx, ended, cache_key=cache_key)
            details = {"pipeline_id": run.pipeline_id, "input_digest": ended.input_digest, **(told or {})}
            self._tell(tx, ended, str(status), f"pipeline_run.{status}", details)
            tidy()
        return ended

    def close_cancelled(self, run_id: str) -> None:
        """Mark a run as cancelled whose job is about to be."""
        with self._database.write() as tx:
            run = self._require(tx, run_id, is_locked=True)
            if not run.is_ended:
                self._close(tx, run.changed(status=RunStatus.CANCELLED, ended_at=self._now()))

    def settle(self, run_id: str) -> PipelineRun | None:
        """Return a run, ended as its job is when that ended without a word of the run; None when there is none."""
        with self._database.read() as tx:
            run = self._store.find_run(tx, run_id)
            if run is None or self._with_progress(tx, run).status is run.status:
                return run
        with self._database.write() as tx:
            run = self._require(tx, run_id, is_locked=True)
            told = self._with_progress(tx, run)
            return run if told.status is run.status else self._close(tx, told)

    @staticmethod
    def require_completed(run: PipelineRun) -> PipelineRun:
        """Return an ended run if it completed.

        Raises:
            PipelineFailed: It failed.
            RunCancelled: It was cancelled.
        """
        if run.status is RunStatus.CANCELLED:
            raise RunCancelled(run.run_id)
        if run.status is RunStatus.FAILED:
            raise PipelineFailed(run.run_id, run.error or "", details=run.error_details)
        return run

    def _require(self, tx: Transaction, run_id: str, *, is_locked: bool = False) -> PipelineRun:
        run = self._store.find_run(tx, run_id, is_locked=is_locked)
        if run is None:
            raise PipelineRunNotFound(run_id, hint="run_pipeline() returns the id; list_pipeline_runs() lists them.")
        return run

    def _with_progress(self, tx: Transaction, run: PipelineRun) -> PipelineRun:
        """Return an unfinished run as its job has it: how far it is, or that it ended without a word of the run."""
        job = jobs.find_job(tx, run.job_id) if run.job_id and not run.is_ended else None
        if job is None:
            return run
        if job.status in _ENDS:
            return run.changed(status=_ENDS[job.status], error=job.error, ended_at=job.ended_at)
        done, total = job.progress.done, job.progress.total
        told = {"progress": min(done / total, 1.0), "current_step": job.progress.message} if total else {}
        return run.changed(**told)

    def _close(self, tx: Transaction, run: PipelineRun) -> PipelineRun:
        """Keep a run that ended without its job's own transaction."""
        self._store.update_run(tx, run)
        details = {"pipeline_id": run.pipeline_id}
        self._publish(tx, run, f"pipeline_run.{run.status}", details)
        return run

    def _tell(self, tx: Transaction, run: PipelineRun, action: str, topic: str, details: Mapping[str, Any]) -> None:
        self._publish(tx, run, topic, details)
        self._note(tx, run, action, details)

    def _publish(self, tx: Transaction, run: PipelineRun, topic: str, details: Mapping[str, Any]) -> None:
        events.publish(tx, topic=topic, payload=details, now=self._now, **_subject(run))

    def _note(self, tx: Transaction, run: PipelineRun, action: str, details: Mapping[str, Any]) -> None:
        audit.append(tx, action=action, details=details, now=self._now, **_subject(run))


def _subject(run: PipelineRun) -> dict[str, str]:
    return {"subject_kind": _SUBJECT, "subject_id": run.run_id, "project": run.project}


def read_status(status: RunStatus | str) -> RunStatus:
    """Return a status by its name.

    Raises:
        InvalidInput: There is none of this name.
    """
    try:
        return RunStatus(status)
    except ValueError:
        known = ", ".join(RunStatus)
        raise InvalidInput(f"{str(status)!r} is no status of a run. Statuses are {known}.") from None
