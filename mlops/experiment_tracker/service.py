"""The experiment tracker: orders the steps of every operation and owns its transaction.

What may happen to an experiment is decided in `lifecycle`, rows are the store's, blobs the shelf's. This is the
synchronous truth: everything runs in the caller's thread. The asynchronous class is generated from it.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops import clock
from mlops.artifacts import ArtifactStore
from mlops.clock import NewId, Now
from mlops.config import ConfigManager, MLOpsConfig
from mlops.database import Database, Durability, GroupCommit, configured_database
from mlops.errors import InvalidInput
from mlops.experiment_tracker import lifecycle
from mlops.experiment_tracker.entities import (
    Experiment,
    ExperimentArtifact,
    ExperimentConfig,
    ExperimentMetrics,
    ExperimentQuery,
    ExperimentStatus,
    GarbageReport,
    MetricPoint,
    MetricSummary,
)
from mlops.experiment_tracker.ledger import FinalMetrics, Ledger
from mlops.experiment_tracker.reading import RecordReader
from mlops.experiment_tracker.run import AsyncRun, Run
from mlops.experiment_tracker.sampling import Sampling
from mlops.experiment_tracker.shelf import ArtifactShelf
from mlops.experiment_tracker.sql import SqlExperimentStore
from mlops.experiment_tracker.starting import Starter
from mlops.provenance import DatasetFingerprint, EnvironmentCapture
from mlops.search import Page

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from mlops.comparison import Direction
    from mlops.config.settings import SecuritySettings

__all__ = ["ExperimentTrackerService"]


class ExperimentTrackerService:
    """Records experiments: what they were started with, what they measured and what they made, and finds them again.

    Safe to use from any thread and from several processes at once. Metrics are acknowledged once they survive
    `kill -9`, everything else once it survives power loss.

    Args:
        tracking_dir: Where artifacts go: a folder, or any fsspec URL. None: as configured.
        database_url: `sqlite:///file.db` or `postgresql://user:password@host:5432/name`. None: as configured.
        project: Project of experiments that name none. None: as configured.
        config: The configuration; None loads it from the environment and the configuration file.
        now: The clock.
        new_id: The source of ids.
    """

    def __init__(
        self,
        tracking_dir: str | os.PathLike[str] | None = None,
        database_url: str | None = None,
        *,
        project: str | None = None,
        config: MLOpsConfig | None = None,
        now: Now = clock.now,
        new_id: NewId = clock.new_id,
    ) -> None:
        settings = config or ConfigManager().load_config()
        tracking = settings.experiment_tracking
        self._project = project or tracking.default_project
        self._now = now
        self._is_closed = False
        self._database = configured_database(database_url, settings)
        try:
            root = tracking_dir or tracking.tracking_dir
            self._artifacts = _artifact_store(root, settings.security, self._database, now=now, new_id=new_id)
        except BaseException:
            self._database.close()
            raise
        self._store = SqlExperimentStore()
        self._ledger = Ledger(self._database, self._store, now=now)
        self._reader = RecordReader(self._ledger)
        self._shelf = ArtifactShelf(self._artifacts, self._ledger, now=now, new_id=new_id)
        captures = tracking.capture_environment
        self._starter = Starter(
            self._ledger, self._shelf, project=self._project, captures=captures, now=now, new_id=new_id
        )
        self._commits = GroupCommit(self._database, self._ledger.write_metrics, durability=Durability.FACT)
        self._sampling = Sampling(self.log_metrics, interval_s=tracking.system_metrics_interval_s, now=now)

    def __enter__(self) -> ExperimentTrackerService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ExperimentTracker({self._artifacts.root!r}, {self._database.masked_url!r}, project={self._project!r})"

    def close(self) -> None:
        """Stop sampling and let go of the database; runs that have not been ended stay `running`. Twice is once."""
        self._sampling.close()
        if not self._is_closed:
            self._is_closed = True
            self._database.close()

    def start_experiment(self, config: ExperimentConfig) -> str:
        """Start an experiment and capture its environment.

        Returns:
            The experiment's id: the one in `config`, or a new one when that is empty.

        Raises:
            ExperimentExists: The id asked for is taken.
            ExperimentNotFound: The parent does not exist.
        """
        if not isinstance(config, ExperimentConfig):
            raise InvalidInput(f"start_experiment takes an ExperimentConfig, not {config!r}.")
        begun = self._starter.start(config)
        self._sampling.start(begun)
        return begun.experiment_id

    def run(
        self,
        name: str = "",
        *,
        hyperparameters: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | Iterable[str] | None = None,
        parent: Run | AsyncRun | str | None = None,
        resume: str | None = None,
        **fields: Any,
    ) -> Run:
        """Return a run for a `with` block: started at its beginning, completed at its end, failed if it raises.

        Args:
            parent: The run, or its id, that this one is a part of.
            resume: Id of an experiment to go on with; no other argument may be given then.
            **fields: Further fields of `ExperimentConfig`, such as `project`, `description` or `model_type`.

        Raises:
            InvalidRecord: A field is unknown or cannot be accepted.
        """
        return Run.prepare(
            self, name, parent=parent, resume=resume, hyperparameters=hyperparameters, tags=tags, **fields
        )

    def run_async(
        self,
        name: str = "",
        *,
        hyperparameters: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | Iterable[str] | None = None,
        parent: Run | AsyncRun | str | None = None,
        resume: str | None = None,
        **fields: Any,
    ) -> AsyncRun:
        """Return a run for an `async with` block; everything else is as with `run`."""
        return AsyncRun(
            self.run(name, hyperparameters=hyperparameters, tags=tags, parent=parent, resume=resume, **fields)
        )

    def log_metrics(self, metrics: ExperimentMetrics) -> None:
        """Append measurements of one step; they are stored when this returns.

        Raises:
            ExperimentNotFound: There is no such experiment.
            ExperimentEnded: It does not run any more; `resume_experiment` opens it again.
            ExperimentDeleted: It is deleted.
        """
        self._commits.submit(_checked(metrics))

    def log_metrics_async(self, metrics: ExperimentMetrics) -> Awaitable[None]:
        """Append measurements from an event loop, in one transaction with whoever else does so at that time."""
        return self._commits.join(_checked(metrics))

    def log_metrics_batch(self, metrics: Iterable[ExperimentMetrics]) -> None:
        """Append many measurements in one transaction: all are stored, or none.

        Raises:
            ExperimentNotFound: One names an experiment that does not exist; likewise `ExperimentEnded` and
                `ExperimentDeleted`.
        """
        items = [_checked(item) for item in metrics]
        with self._database.write(Durability.FACT) as tx:
            self._ledger.append(tx, items)

    def log_params(self, experiment_id: str, params: Mapping[str, Any]) -> None:
        """Add parameters to a running experiment; one that is set already may only be given again with its value.

        Raises:
            ParameterConflict: One has another value already; none is stored then.
            ExperimentEnded: It does not run any more.
        """
        self._ledger.change(experiment_id, lambda present: lifecycle.with_params(present, params))

    def set_tags(self, experiment_id: str, tags: Mapping[str, str | None] | Iterable[str]) -> None:
        """Add and replace tags, also of an ended experiment; None removes a tag, a word alone means `true`."""
        changes = tags if isinstance(tags, Mapping) else dict.fromkeys(tags, "true")
        self._ledger.change(experiment_id, lambda present: lifecycle.with_tags(present, changes))

    def set_notes(self, experiment_id: str, notes: str) -> None:
        """Replace an experiment's notes."""
        self._ledger.change(experiment_id, lambda present: lifecycle.with_notes(present, notes))

    def log_artifact(
        self, name: str, artifact_type: str, content: Any, experiment_id: str, description: str = ""
    ) -> str:
        """Keep any Python object, or the file or folder that a `pathlib.Path` names, with an experiment.

        An artifact may be added to an ended experiment too. Earlier artifacts of the same name stay.

        Returns:
            The artifact's id.

        Raises:
            InvalidInput: The object cannot be saved.
            ExperimentNotFound: There is no such experiment.
            ExperimentDeleted: It is deleted.
        """
        return self._shelf.keep(experiment_id, name, content, artifact_type=artifact_type, description=description)

    def load_artifact(self, experiment_id: str, name: str) -> Any:
        """Return the object kept under this name, the newest if there are several; its content is verified.

        Raises:
            ExperimentArtifactNotFound: The experiment has no artifact of this name.
            ArtifactCorrupted: Its content is damaged.
            SignatureRefused: It is a pickle that this installation has not signed; nothing was unpickled.
        """
        return self._shelf.load(experiment_id, name)

    def download_artifact(self, experiment_id: str, name: str, target: str | os.PathLike[str]) -> Path:
        """Write an artifact's file or folder to `target`, or inside when that is a folder; raise as `load_artifact`."""
        return self._shelf.download(experiment_id, name, target)

    def list_artifacts(self, experiment_id: str) -> list[ExperimentArtifact]:
        """Return the artifacts of an experiment, oldest first."""
        return self._shelf.listed(experiment_id)

    def log_dataset(
        self, experiment_id: str, data: Any, *, name: str = "", role: str = "", source: str = ""
    ) -> DatasetFingerprint:
        """Record which data an experiment used by their fingerprint; the data themselves are not kept.

        Args:
            data: A DataFrame, an array, or the path of a file or folder.
            role: Its part, such as `train` or `validation`.

        Raises:
            InvalidInput: Data of this kind have no fingerprint.
        """
        from mlops.provenance.fingerprint import fingerprint_dataset

        fingerprint = fingerprint_dataset(data, name=name, role=role, source=source)
        self._ledger.change(experiment_id, lambda present: lifecycle.with_dataset(present, fingerprint))
        return fingerprint

    def complete_experiment(self, experiment_id: str, final_metrics: FinalMetrics | None = None) -> Experiment:
        """End an experiment well.

        Args:
            final_metrics: Last measurements, stored in the same transaction; a mapping goes to the last step logged.

        Raises:
            ExperimentEnded: It is over already.
        """
        return self._end(experiment_id, ExperimentStatus.COMPLETED, final_metrics=final_metrics)

    def fail_experiment(self, experiment_id: str, error: BaseException | str = "") -> Experiment:
        """End an experiment as failed; an exception is kept with its traceback.

        Raises:
            ExperimentEnded: It is over already.
        """
        return self._end(experiment_id, ExperimentStatus.FAILED, error=lifecycle.describe_error(error))

    def cancel_experiment(self, experiment_id: str, reason: str = "") -> Experiment:
        """End an experiment before its time.

        Raises:
            ExperimentEnded: It is over already.
        """
        return self._end(experiment_id, ExperimentStatus.CANCELLED, error=lifecycle.describe_error(reason))

    def resume_experiment(self, experiment_id: str) -> Experiment:
        """Open an experiment again, also one whose process died and left it running.

        Raises:
            ExperimentDeleted: It is deleted.
        """
        experiment = self._ledger.change(experiment_id, lifecycle.resumed)
        self._sampling.start(experiment)
        return experiment

    def get_experiment(self, experiment_id: str) -> Experiment:
        """Return an experiment, also a deleted one, with the last value of each of its metrics.

        Raises:
            ExperimentNotFound: There is none; the error names similar ids and names.
        """
        with self._database.read() as tx:
            return self._ledger.get(tx, experiment_id)

    def list_experiments(
        self,
        filter: str | None = None,
        *,
        project: str | None = None,
        status: ExperimentStatus | str | None = None,
        order_by: str | None = None,
        limit: int = 50,
        offset: int = 0,
        cursor: str | None = None,
        include_deleted: bool = False,
    ) -> Page[Experiment]:
        """Return a page of experiments, newest first unless `order_by` says otherwise.

        Args:
            filter: A condition such as `metrics.val_accuracy > 0.9 and params.max_depth in (5, 10)`.
            order_by: Fields with ASC or DESC, such as `metrics.val_accuracy DESC, created_at`.
            limit: Most experiments to return, 1 to 10,000.
            cursor: The `next_cursor` of the page before; fast at any depth, where a large `offset` is not.

        Returns:
            A sequence with a `next_cursor`, which is None on the last page.

        Raises:
            SearchSyntaxError: The filter or the order cannot be read; the error points at the column.
        """
        query = ExperimentQuery(
            filter=filter,
            project=project,
            status=None if status is None else ExperimentStatus(status),
            order_by=order_by,
            limit=limit,
            offset=offset,
            cursor=cursor,
            include_deleted=include_deleted,
        )
        with self._database.read() as tx:
            return self._store.page(tx, query, at=self._now())

    def list_projects(self) -> list[str]:
        """Return the names of all projects that have experiments, sorted."""
        with self._database.read() as tx:
            return self._store.projects(tx)

    def get_experiment_metrics(
        self, experiment_id: str, names: Collection[str] | None = None, *, max_points: int | None = None
    ) -> pd.DataFrame:
        """Return the history of an experiment's metrics as a table with one row a step.

        Args:
            names: Only these metrics; None means all but those sampled from the machine.
            max_points: Thins each metric to about this many steps, its extremes kept; None keeps all.

        Returns:
            Columns `step`, `timestamp` (UTC), `epoch` (where one was given), then one per metric in order of first
            appearance, NaN where a step has none; of several values at one step the one that arrived last.

        Raises:
            ExperimentNotFound: There is no such experiment.
            MetricNotFound: It has logged no metric of one of the names.
        """
        return self._reader.frame(experiment_id, names, max_points)

    def get_metric_history(self, experiment_id: str, name: str, *, max_points: int | None = None) -> list[MetricPoint]:
        """Return every value of one metric in order of step, then of arrival. Raises as `get_experiment_metrics`."""
        return self._reader.points(experiment_id, name, max_points)

    def get_metric_summaries(self, experiment_id: str) -> dict[str, MetricSummary]:
        """Return last value, least, greatest and count of each metric by its name, sampled ones too."""
        return self._reader.summaries(experiment_id)

    def compare_experiments(
        self,
        experiment_ids: Iterable[str],
        *,
        only_differences: bool = False,
        directions: Mapping[str, Direction] | None = None,
    ) -> pd.DataFrame:
        """Return experiments side by side, one row a field, one column an experiment; rows that differ come first.

        Args:
            only_differences: Leave out rows that are equal everywhere.
            directions: Whether `max` or `min` is better, by metric, where its name does not tell.

        Returns:
            A table whose index has names such as `params.max_depth`; `attrs["best"]` has the best columns by row.
        """
        from mlops.experiment_tracker.compare import compare

        found = self._reader.experiments(experiment_ids)
        return compare(found, only_differences=only_differences, directions=directions)

    def plot_experiment_metrics(
        self,
        experiment_ids: Iterable[str],
        metrics: Sequence[str] | None = None,
        *,
        smoothing: float = 0.0,
        log_scale: bool = False,
        path: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> Figure:
        """Return a figure of the experiments' histories: one panel a metric, one line an experiment.

        Args:
            metrics: Panels in this order; None means all but those sampled from the machine.
            smoothing: Weight of the past in a moving average, from 0 (none) to below 1.
            log_scale: Logarithmic values axis.
            path: Also write it there, as `.png`, `.svg` or `.pdf`.
            **options: Further options of `plots.plot_metrics`: `x`, `theme`, `title`, `directions`.

        Raises:
            InvalidInput: There is nothing to plot, or an option is out of range.
        """
        from mlops.experiment_tracker.plot_theme import save_figure
        from mlops.experiment_tracker.plots import plot_metrics

        keys = [experiment_ids] if isinstance(experiment_ids, str) else experiment_ids
        histories = self._reader.histories(keys, metrics)
        figure = plot_metrics(histories, metrics, smoothing=smoothing, log_scale=log_scale, **options)
        if path is not None:
            save_figure(figure, path)
        return figure

    def get_environment(self, experiment_id: str) -> EnvironmentCapture:
        """Return where an experiment was started.

        Raises:
            EnvironmentNotFound: None was captured.
        """
        return self._reader.environment(experiment_id)

    def delete_experiment(self, experiment_id: str) -> None:
        """Put an experiment aside: it is not listed and takes nothing any more until `restore_experiment`."""
        self._ledger.change(experiment_id, lambda present: lifecycle.deleted(present, at=self._now()))
        self._sampling.stop(experiment_id)

    def restore_experiment(self, experiment_id: str) -> None:
        """Take a deletion back; possible until garbage collection has removed the experiment."""
        self._ledger.change(experiment_id, lifecycle.restored)

    def collect_garbage(self, older_than: timedelta = timedelta(days=30), *, dry_run: bool = False) -> GarbageReport:
        """Remove for good what was deleted long enough ago, then artifact blobs that nothing refers to.

        Blobs saved within the last day stay, for they may be about to be referred to.

        Args:
            older_than: Only experiments deleted at least this long ago.
            dry_run: Remove nothing. The report then counts blobs without a reference now, not those that the removal
                of the experiments would set free.

        Raises:
            StoreShared: Another database uses the artifact folder too; its blobs stay, the experiments are removed.
        """
        gone = self._ledger.remove_deleted(older_than, dry_run=dry_run)
        blobs = self._artifacts.collect_garbage(dry_run=dry_run)
        return GarbageReport(experiment_ids=gone, blobs=blobs.blobs, freed_bytes=blobs.bytes, is_dry_run=dry_run)

    def _end(self, experiment_id: str, status: ExperimentStatus, **details: Any) -> Experiment:
        experiment = self._ledger.end(experiment_id, status, **details)
        self._sampling.stop(experiment_id)
        return experiment


def _checked(metrics: ExperimentMetrics) -> ExperimentMetrics:
    if not isinstance(metrics, ExperimentMetrics):
        raise InvalidInput(f"Metrics are logged as ExperimentMetrics(experiment_id=…, step=…, …), not as {metrics!r}.")
    return metrics


def _artifact_store(
    root: str | os.PathLike[str], keys: SecuritySettings, database: Database, *, now: Now, new_id: NewId
) -> ArtifactStore:
    return ArtifactStore(
        root,
        database=database,
        signing_key=keys.signing_key.get_secret_value() if keys.signing_key else None,
        encryption_key=keys.encryption_key.get_secret_value() if keys.encryption_key else None,
        now=now,
        new_id=new_id,
    )
