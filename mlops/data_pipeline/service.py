"""The data pipeline: orders the steps of every operation and owns its transaction.

What a run does to a table is in `execution`, how it is kept in `run_book`. This is the synchronous truth: everything
but runs is done in the caller's thread; runs are jobs. The asynchronous class is generated from it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops import clock
from mlops.clock import NewId, Now
from mlops.config import ConfigManager, MLOpsConfig
from mlops.data_pipeline import opening
from mlops.data_pipeline.deadlines import Deadline
from mlops.data_pipeline.definitions import Definitions, feature_configs, schemas
from mlops.data_pipeline.entities import DataSchema, FeatureEngineeringConfig, PipelineRun, RunStatus
from mlops.data_pipeline.inputs import kept_input, remove_unused_inputs
from mlops.data_pipeline.inspection import Inspector, Validation
from mlops.data_pipeline.named_rules import NamedRules
from mlops.data_pipeline.run_book import RunBook, read_status
from mlops.data_pipeline.run_options import RunOptions
from mlops.data_pipeline.running import RunWorker
from mlops.data_pipeline.sql import SqlPipelineStore
from mlops.database import configured_database
from mlops.jobs import JobHandler, JobRunner
from mlops.jobs.runner import is_interruption
from mlops.search import Page

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from mlops.data_pipeline.quality import QualityReport
    from mlops.data_pipeline.reading import ReadOptions
    from mlops.data_pipeline.schema_diff import SchemaDiff
    from mlops.features import FeatureState

__all__ = ["DataPipelineService"]

_POLL_S = 0.05
_TELL_EVERY_S = 0.25  # seconds between two reports of progress


class DataPipelineService:
    """Turns raw tables into trusted rows and features: validated, scored, quarantined, fitted, published.

    Safe to use from any thread and from several processes at once. A run goes on as a job: a script does not end
    before the runs it began have ended, and what a killed process left is taken up by the next one.

    Args:
        database_url: `sqlite:///file.db` or `postgresql://user:password@host:5432/name`. None: as configured.
        data_dir: Folder of snapshots, quarantine and outputs. None: as configured.
        project: The project whose schemas and runs these are. None: as configured.
        workers: Runs that this process does at once; 0 leaves all to others, such as `mlops worker`.
        config: The configuration; None loads it from the environment and the configuration file.
        now: The clock.
        new_id: The source of ids.
    """

    def __init__(
        self,
        database_url: str | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        *,
        project: str | None = None,
        workers: int = 1,
        config: MLOpsConfig | None = None,
        now: Now = clock.now,
        new_id: NewId = clock.new_id,
    ) -> None:
        settings = config or ConfigManager().load_config()
        self._is_closed = False
        self._new_id = new_id
        self._database = configured_database(database_url, settings)
        self._settings = settings.data_pipeline
        self._data_dir = Path(data_dir or self._settings.data_dir).absolute()
        self._inputs = self._data_dir / "inputs"
        self._project = project or self._settings.default_project
        store = SqlPipelineStore()
        kept: dict[str, Any] = {"project": self._project, "now": now, "new_id": new_id}
        self._schemas = Definitions(self._database, schemas(store), **kept)
        self._configs = Definitions(self._database, feature_configs(store), **kept)
        self._runs = RunBook(self._database, store, **kept)
        self._rules = NamedRules()
        self._worker = RunWorker(
            self._runs, self._schemas, self._configs, data_dir=self._data_dir, rules=self._rules, now=now
        )
        self._inspector = Inspector(self._rules, now=now)
        self._begun: set[str] = set()  # and not known to have ended
        self._runner = JobRunner(self._database, self.job_handlers(), workers=workers) if workers else None
        if self._runner is not None:
            self._worker.tidy_up()
            self._runner.start()

    def __enter__(self) -> DataPipelineService:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._runner is not None and is_interruption(kind):
            self._begun.clear()
            self._runner.close(0.0)  # gives the runs back: whoever opens the pipeline next goes on with them
        self.close()

    def __repr__(self) -> str:
        return f"DataPipeline({self._database.masked_url!r}, {str(self._data_dir)!r}, project={self._project!r})"

    def close(self) -> None:
        """Wait for the runs begun here, and let go of the database. Twice is once."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._runner is not None:
                self._await_begun()
                self._runner.close()
        finally:
            self._database.close()

    def job_handlers(self) -> list[JobHandler]:
        """Return what does this part's jobs, for a runner of many parts."""
        return [self._worker.handler()]

    def create_schema(self, schema: DataSchema) -> str:
        """Keep a version of a schema; equal content under the same name and version is the same schema.

        Returns:
            The schema's id.

        Raises:
            SchemaExists: The name and version belong to other content.
        """
        return self._schemas.create(schema)

    def get_schema(self, schema_id: str, version: str = "") -> DataSchema:
        """Return a schema by its id, or by its name: the given version, or the newest.

        Raises:
            SchemaNotFound: There is none; the error names similar ones.
        """
        return self._schemas.get(schema_id, version)

    def list_schemas(self, name: str = "") -> list[DataSchema]:
        """Return the project's schemas by name, the newest version of each first."""
        return self._schemas.all(name)

    def diff_schemas(self, old: str | DataSchema, new: str | DataSchema) -> SchemaDiff:
        """Return what changed between two schemas, and whether what fitted the old one fits the new one."""
        from mlops.data_pipeline.schema_diff import diff_schemas

        before, after = (self.get_schema(item) if isinstance(item, str) else item for item in (old, new))
        return diff_schemas(before, after)

    def infer_schema(
        self, input_data_path: str | os.PathLike[str], *, name: str = "", read: ReadOptions | None = None
    ) -> DataSchema:
        """Return a schema that fits a table, to be looked at and corrected before it is created.

        Raises:
            UnreadableInput: The table cannot be read; the error says where.
        """
        return self._inspector.infer(os.fspath(input_data_path), name=name, read=read)

    def create_feature_config(self, config: FeatureEngineeringConfig) -> str:
        """Keep a version of a feature configuration, as `create_schema` keeps schemas.

        Returns:
            The configuration's id.

        Raises:
            FeatureConfigExists: The name and version belong to other content.
        """
        return self._configs.create(config)

    def get_feature_config(self, config_id: str, version: str = "") -> FeatureEngineeringConfig:
        """Return a feature configuration by its id, or by its name: the given version, or the newest.

        Raises:
            FeatureConfigNotFound: There is none; the error names similar ones.
        """
        return self._configs.get(config_id, version)

    def list_feature_configs(self, name: str = "") -> list[FeatureEngineeringConfig]:
        """Return the project's feature configurations by name, the newest version of each first."""
        return self._configs.all(name)

    def register_transformation(
        self,
        name: str,
        function: Callable[[pl.LazyFrame], pl.LazyFrame] | pl.Expr,
        *,
        inputs: Iterable[str] = (),
        row: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
    ) -> None:
        """Give a custom transformation the name that feature configurations call it by, in this process.

        Args:
            function: Adds columns to a lazy table, each from its own row alone; or an expression that makes one.
            inputs: Columns that it reads; without them single rows are given to it whole.
            row: The same for a single row, if the features shall be computed at request time.
        """
        from mlops.features import register_transformation

        register_transformation(name, function, inputs=inputs, row=row)
        self._look_for_runs()

    def register_rule(self, name: str, function: Callable[[], pl.Expr]) -> None:
        """Give a Polars expression, true for good rows, the name that row rules of schemas refer to, in this process.

        Args:
            function: Called without arguments, returns the expression.
        """
        self._rules.register(name, function)
        self._look_for_runs()

    def run_pipeline(
        self,
        pipeline_id: str,
        input_data_path: str | os.PathLike[str] | pd.DataFrame | pl.DataFrame,
        schema_id: str,
        feature_config_id: str | None = None,
        *,
        max_bad_fraction: float | None = None,
        read: ReadOptions | None = None,
        output_format: str = "input",
        use_cache: bool = True,
        wait: bool = False,
    ) -> str:
        """Begin a run: read, validate, assess, make features, publish. It goes on as a job.

        Args:
            pipeline_id: Your name for what is run again and again; runs with the same one are compared.
            input_data_path: CSV, TSV, Excel, Parquet or JSON lines, gzipped or not; or the URL of a database with
                `read=ReadOptions(query="SELECT …")`, a password in it written `${VARIABLE}`; or a DataFrame.
            schema_id: Id or name of the schema.
            feature_config_id: Id or name of the feature configuration; None makes no features.
            max_bad_fraction: Largest fraction of bad rows that is quarantined; with more the run fails. None: as
                configured.
            read: How the input is to be read; what is left out is detected.
            output_format: `input` writes the good rows in the input's form and as Parquet, `parquet` as Parquet only.
            use_cache: Take over the outputs of an equal run when there is one, once they are verified.
            wait: Return only when the run has ended.

        Returns:
            The run's id.

        Raises:
            SchemaNotFound: There is no such schema.
            FeatureConfigNotFound: There is no such configuration.
            NamedRuleNotFound: The schema names a rule that was not registered here, where the run may be done.
            TransformationNotFound: The configuration names a transformation that was not registered here.
            PipelineFailed: With `wait`, the run failed.
        """
        return self._begin(
            pipeline_id,
            lambda: kept_input(input_data_path, self._inputs, new_id=self._new_id),
            schema_id,
            feature_config_id,
            options={
                "max_bad_fraction": self._settings.max_bad_fraction if max_bad_fraction is None else max_bad_fraction,
                "output_format": output_format,
                "use_cache": use_cache,
                **({} if read is None else {"read": read}),
            },
            wait=wait,
        )

    def rerun_quarantine(
        self, run_id: str, mended_path: str | os.PathLike[str] | None = None, *, wait: bool = False
    ) -> str:
        """Begin a run on the mended rows of another run's quarantine, joined with the rows that were good.

        Args:
            mended_path: The quarantine file after people corrected its cells; None takes it where the run wrote it.

        Returns:
            The id of the new run, whose input are the good rows of the old one and those of the mended file, in the
            order in which they were; rows that were deleted from the file are left out.

        Raises:
            RunNotCompleted: The run has no quarantine yet.
            InvalidInput: The file is not the quarantine of this run.
        """
        run = self._runs.get(run_id)
        mended = opening.mended_file(run, mended_path)
        options = {**run.options, "mended_run_id": run_id, "mended_path": str(mended), "use_cache": False}
        return self._begin(
            run.pipeline_id,
            lambda: run.input_data_path,
            run.schema_id,
            run.feature_config_id,
            options=options,
            wait=wait,
        )

    def get_pipeline_run(self, run_id: str) -> PipelineRun:
        """Return a run: its status, progress, steps, counts, score, error and the paths of its outputs.

        Raises:
            PipelineRunNotFound: There is none.
        """
        return self._runs.get(run_id)

    def list_pipeline_runs(
        self,
        pipeline_id: str = "",
        *,
        status: RunStatus | str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[PipelineRun]:
        """Return a page of the project's runs, the newest first.

        Args:
            pipeline_id: Only runs of this pipeline.
            status: Only runs with this status.
            limit: Most runs to return, 1 to 10,000.
            cursor: The `next_cursor` of the page before.

        Raises:
            InvalidInput: A limit out of range, or an unknown status.
        """
        wanted = None if status is None else read_status(status)
        return self._runs.all(pipeline_id=pipeline_id, status=wanted, limit=limit, cursor=cursor)

    def wait(
        self,
        run_id: str,
        timeout_s: float | None = None,
        *,
        on_progress: Callable[[PipelineRun], object] | None = None,
    ) -> PipelineRun:
        """Return a run when it has completed.

        Args:
            timeout_s: Seconds after which to stop waiting; None waits as long as it takes.
            on_progress: Called with the run now and then.

        Raises:
            PipelineFailed: It failed; the error says why.
            RunCancelled: It was cancelled.
            JobNotEnded: It goes on after the timeout.
        """
        run, deadline = self._runs.get(run_id), Deadline(timeout_s)
        while not run.is_ended:
            deadline.check(run)
            if on_progress is not None:
                on_progress(run)
            self._runs.await_end(run, deadline.within(_TELL_EVERY_S))
            run = self._runs.get(run_id)
        self._begun.discard(run_id)
        return self._runs.require_completed(run)

    def wait_async(
        self,
        run_id: str,
        timeout_s: float | None = None,
        *,
        on_progress: Callable[[PipelineRun], object] | None = None,
    ) -> Awaitable[PipelineRun]:
        """As `wait`, without keeping a thread busy."""

        async def waiting() -> PipelineRun:
            deadline = Deadline(timeout_s)
            while not (run := await asyncio.to_thread(self._runs.get, run_id)).is_ended:
                deadline.check(run)
                if on_progress is not None:
                    on_progress(run)
                await asyncio.sleep(_POLL_S)
            return self._runs.require_completed(run)

        return waiting()

    def cancel_run(self, run_id: str) -> PipelineRun:
        """Ask for the end of a run; nothing of it is published.

        Raises:
            PipelineRunNotFound: There is none.
            RunEnded: It is over.
        """
        return self._runs.cancel(run_id)

    def assess_data_quality(
        self,
        data: str | os.PathLike[str] | pd.DataFrame | pl.DataFrame,
        schema_id: str | DataSchema | None = None,
        *,
        read: ReadOptions | None = None,
    ) -> QualityReport:
        """Return the quality of a table: a score with its parts, issues with examples, statistics of each column.

        Args:
            data: A file, a DataFrame, or the id of a run, whose report is returned as it was.
            schema_id: Id or name of the schema that the rows are held against, or one that is not stored; None
                assesses the table as it is.
            read: How the table is to be read; what is left out is detected.
        """
        if isinstance(data, str) and (found := self._runs.find(data)) is not None:
            return opening.report(found)
        schema = self.get_schema(schema_id) if isinstance(schema_id, str) else schema_id
        return self._inspector.assess(data, schema, read=read)

    def validate(
        self,
        data: str | os.PathLike[str] | pd.DataFrame | pl.DataFrame,
        schema_id: str | DataSchema,
        *,
        read: ReadOptions | None = None,
    ) -> Validation:
        """Hold the rows of a table against a schema, without a run: counts by rule, and examples of bad rows.

        Raises:
            SchemaNotFound: There is no such schema.
            UnreadableInput: The table cannot be read; the error says where.
            SchemaMismatch: A required column is missing, or an unknown one is refused.
        """
        schema = self.get_schema(schema_id) if isinstance(schema_id, str) else schema_id
        return self._inspector.validate(data, schema, read=read)

    def read_output(self, run_id: str) -> pl.LazyFrame:
        """Return the good rows of a run, verified, as a lazy table; `.collect().to_pandas()` for pandas.

        Raises:
            RunNotCompleted: It has no output.
            OutputDamaged: The file is not what the run wrote.
        """
        return opening.output(self._runs.get(run_id))

    def read_features(self, run_id: str, part: str | None = None) -> pl.LazyFrame:
        """Return the feature table of a run, verified: keys, `__part__`, features and target.

        Args:
            part: `train`, `validation` or `test`; None for all rows. In `train`, target encodings are out of fold.

        Raises:
            RunNotCompleted: It has no output, or made no features.
            OutputDamaged: The file is not what the run wrote.
        """
        return opening.features(self._runs.get(run_id), part)

    def read_feature_state(self, run_id: str) -> FeatureState:
        """Return what a run learned from its training rows; `mlops.features.compile_row` applies it to single rows."""
        return opening.feature_state(self._runs.get(run_id))

    def read_quarantine(self, run_id: str) -> pl.DataFrame:
        """Return the bad rows of a run with line, reasons and raw text; empty when there are none."""
        return opening.quarantine(self._runs.get(run_id))

    def remove_unused_inputs(self, before: datetime) -> int:
        """Remove DataFrames that runs were begun on, as soon as the jobs of all those runs are pruned.

        The platform calls it each night, after it has pruned jobs.

        Args:
            before: An aware datetime; what was written since stays in any case.

        Returns:
            How many were removed.
        """
        return remove_unused_inputs(self._inputs, before=before, used=self._runs.kept_inputs)

    def _look_for_runs(self) -> None:
        if self._runner is not None:
            self._runner.wake()  # some may have waited for what was registered

    def _await_begun(self) -> None:
        for run_id in sorted(self._begun):
            while not (run := self._runs.get(run_id)).is_ended:
                self._runs.await_end(run, _TELL_EVERY_S)

    def _begin(
        self,
        pipeline_id: str,
        source: Callable[[], str],
        schema_id: str,
        config_id: str | None,
        *,
        options: Mapping[str, Any],
        wait: bool,
    ) -> str:
        schema = self.get_schema(schema_id)
        config = self.get_feature_config(config_id) if config_id else None
        if self._runner is not None:
            self._worker.require_registered(schema, config)
        kept = RunOptions.from_document(options).to_document()
        run = self._runs.begin(
            schema, config, data_dir=self._data_dir, pipeline_id=pipeline_id, input_data_path=source(), options=kept
        )
        self._begun.add(run.run_id)
        if wait:
            self.wait(run.run_id)
        return run.run_id
