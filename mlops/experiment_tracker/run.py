"""The training-loop form: a run as a `with` block that ends well, failed or cancelled by how the block ends.

`Run` is for `.sync`, `AsyncRun` for an event loop; both put the same steps in the same order.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from mlops.errors import Conflict, InvalidInput, MLOpsError
from mlops.experiment_tracker.entities import SYSTEM_PREFIX, Experiment, ExperimentConfig, ExperimentMetrics
from mlops.experiment_tracker.errors import ExperimentEnded
from mlops.provenance import DatasetFingerprint

if TYPE_CHECKING:
    from mlops.experiment_tracker.service import ExperimentTrackerService

__all__ = ["AsyncRun", "Run"]


class Run:
    """One experiment as a `with` block; made by `tracker.sync.run(...)`.

    The block's end completes the experiment. An exception marks it failed, with the traceback, and goes on; Ctrl-C and
    a cancelled task mark it cancelled. A process that dies leaves it running, with everything that was logged.
    Safe to log to from several threads.

    Attributes:
        name: The experiment's name; empty until a resumed run begins.
    """

    def __init__(self, tracker: ExperimentTrackerService, config: ExperimentConfig | None, resume: str | None) -> None:
        self._tracker = tracker
        self._config = config
        self._resume = resume
        self._id: str | None = None
        self._next_step = 0
        self._counting = threading.Lock()
        self.name = "" if config is None else config.name

    @classmethod
    def prepare(
        cls,
        tracker: ExperimentTrackerService,
        name: str,
        *,
        parent: Run | AsyncRun | str | None = None,
        resume: str | None = None,
        **fields: Any,
    ) -> Run:
        """Return a run that begins when its block does.

        Raises:
            InvalidInput: Something else was given beside `resume`, or a field cannot be accepted.
        """
        given = {key: value for key, value in fields.items() if value is not None}
        if resume is None:
            parent_id = parent if isinstance(parent, str) or parent is None else parent.id
            return cls(tracker, ExperimentConfig(name=name, parent_experiment_id=parent_id, **given), None)
        if name or parent is not None or any(given.values()):
            raise InvalidInput(f"resume={resume!r} goes on with an experiment as it is; leave the other arguments out.")
        return cls(tracker, None, resume)

    def __repr__(self) -> str:
        return f"Run({self.name!r}, id={self._id!r})"

    @property
    def id(self) -> str:
        """The experiment's id.

        Raises:
            Conflict: The block has not begun.
        """
        if self._id is None:
            raise Conflict(f"The run {self.name!r} has not begun: enter it by `with` before using it.")
        return self._id

    @property
    def experiment(self) -> Experiment:
        """The experiment as it is stored now."""
        return self._tracker.get_experiment(self.id)

    def __enter__(self) -> Self:
        if self._id is not None:
            raise Conflict(f"{self!r} was entered before; make another run, or resume it by run(resume={self._id!r}).")
        if self._config is not None:
            self._id = self._tracker.start_experiment(self._config)
        elif self._resume is not None:
            experiment = self._tracker.resume_experiment(self._resume)
            self._id, self.name = experiment.experiment_id, experiment.name
            self._next_step = self._step_after()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._end(error)
        except ExperimentEnded:
            return  # the block ended it by itself, as it wished
        except MLOpsError as trouble:
            if error is None:
                raise
            error.add_note(f"Besides, experiment {self._id} could not be marked as ended: {trouble}")

    def log(
        self,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        step: int | None = None,
        epoch: int | None = None,
        **metrics: Any,
    ) -> None:
        """Log measurements; they are stored when this returns.

        Args:
            values: Metrics whose names are no Python names, such as `{"val/auc": 0.9}`.
            step: None means one more than the last.
            **metrics: Metrics by name.

        Raises:
            InvalidRecord: A name or value cannot be stored.
            ExperimentEnded: The experiment was ended meanwhile.
        """
        self._tracker.log_metrics(self._measurement({**(values or {}), **metrics}, step, epoch))

    def log_async(self, values: Mapping[str, Any], *, step: int | None, epoch: int | None) -> Awaitable[None]:
        """Log measurements from an event loop; `AsyncRun.log` is what to call."""
        return self._tracker.log_metrics_async(self._measurement(values, step, epoch))

    def _measurement(self, values: Mapping[str, Any], step: int | None, epoch: int | None) -> ExperimentMetrics:
        """Return the measurements as a record of this run, and count the step."""
        with self._counting:
            chosen = self._next_step if step is None else step
            record = ExperimentMetrics(experiment_id=self.id, step=chosen, epoch=epoch, custom_metrics=values)
            self._next_step = record.step + 1
        return record

    def log_params(self, params: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Add parameters; one that is set may not change. See `ExperimentTracker.log_params`."""
        self._tracker.log_params(self.id, {**(params or {}), **more})

    def set_tags(self, tags: Mapping[str, str | None] | Iterable[str] = (), /, **more: str | None) -> None:
        """Add and replace tags; None removes one. See `ExperimentTracker.set_tags`."""
        given = tags if isinstance(tags, Mapping) else dict.fromkeys(tags, "true")
        self._tracker.set_tags(self.id, {**given, **more})

    def set_notes(self, notes: str) -> None:
        """Replace the notes."""
        self._tracker.set_notes(self.id, notes)

    def log_artifact(self, name: str, content: Any, *, artifact_type: str = "", description: str = "") -> str:
        """Keep an object, or the file or folder a `Path` names; return the artifact's id."""
        return self._tracker.log_artifact(name, artifact_type, content, self.id, description)

    def log_dataset(self, data: Any, *, name: str = "", role: str = "", source: str = "") -> DatasetFingerprint:
        """Record which data are used. See `ExperimentTracker.log_dataset`."""
        return self._tracker.log_dataset(self.id, data, name=name, role=role, source=source)

    def child(self, name: str, **fields: Any) -> Run:
        """Return a run that is a part of this one, in its project, for a `with` block of its own."""
        return Run.prepare(self._tracker, name, parent=self, **fields)

    def _end(self, error: BaseException | None) -> None:
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self._tracker.complete_experiment(self.id)
        elif isinstance(error, KeyboardInterrupt | asyncio.CancelledError):
            self._tracker.cancel_experiment(self.id, f"{type(error).__name__} in the run's block")
        else:
            self._tracker.fail_experiment(self.id, error)

    def _step_after(self) -> int:
        """Return the step that follows the last one logged."""
        summaries = self._tracker.get_metric_summaries(self.id)
        steps = [summary.last_step for name, summary in summaries.items() if not name.startswith(SYSTEM_PREFIX)]
        return max(steps, default=-1) + 1


class AsyncRun:
    """One experiment as an `async with` block; made by `tracker.run(...)`. Everything else is as with `Run`."""

    def __init__(self, run: Run) -> None:
        self.sync = run

    def __repr__(self) -> str:
        return f"Async{self.sync!r}"

    @property
    def id(self) -> str:
        """The experiment's id."""
        return self.sync.id

    @property
    def name(self) -> str:
        """The experiment's name; empty until a resumed run begins."""
        return self.sync.name

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.sync.__enter__)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.sync.__exit__, kind, error, trace)

    async def log(
        self,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        step: int | None = None,
        epoch: int | None = None,
        **metrics: Any,
    ) -> None:
        """Log measurements; see `Run.log`."""
        await self.sync.log_async({**(values or {}), **metrics}, step=step, epoch=epoch)

    async def log_params(self, params: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Add parameters; see `Run.log_params`."""
        await asyncio.to_thread(self.sync.log_params, params, **more)

    async def set_tags(self, tags: Mapping[str, str | None] | Iterable[str] = (), /, **more: str | None) -> None:
        """Add and replace tags; see `Run.set_tags`."""
        await asyncio.to_thread(self.sync.set_tags, tags, **more)

    async def set_notes(self, notes: str) -> None:
        """Replace the notes."""
        await asyncio.to_thread(self.sync.set_notes, notes)

    async def log_artifact(self, name: str, content: Any, *, artifact_type: str = "", description: str = "") -> str:
        """Keep an object; see `Run.log_artifact`."""
        return await asyncio.to_thread(
            self.sync.log_artifact, name, content, artifact_type=artifact_type, description=description
        )

    async def log_dataset(self, data: Any, *, name: str = "", role: str = "", source: str = "") -> DatasetFingerprint:
        """Record which data are used; see `Run.log_dataset`."""
        return await asyncio.to_thread(self.sync.log_dataset, data, name=name, role=role, source=source)

    def child(self, name: str, **fields: Any) -> AsyncRun:
        """Return a run that is a part of this one; see `Run.child`."""
        return AsyncRun(self.sync.child(name, **fields))
