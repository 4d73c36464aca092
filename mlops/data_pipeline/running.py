"""Does the jobs of runs: takes a run up, has it executed, and ends it together with its job.

A run's definitions are those of its own project, and its files go to the folder that it was begun with, whichever
process does the work.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from mlops.clock import Now
from mlops.data_pipeline import caching, opening
from mlops.data_pipeline.definitions import Definitions
from mlops.data_pipeline.entities import DataSchema, FeatureEngineeringConfig, PipelineRun, RunStatus
from mlops.data_pipeline.errors import NamedRuleNotFound, OutputDamaged
from mlops.data_pipeline.execution import Execution, Outcome, Request
from mlops.data_pipeline.failures import details_of, sentence_of, translated
from mlops.data_pipeline.named_rules import NamedRules
from mlops.data_pipeline.needs import registered_here
from mlops.data_pipeline.quality import QualityReport
from mlops.data_pipeline.run_book import JOB_KIND, RunBook
from mlops.data_pipeline.run_options import RunOptions
from mlops.data_pipeline.workspace import Workspace, file_digest, unfinished_runs, verify_outputs
from mlops.features import get_transformation
from mlops.jobs import JobCancelled, JobContext, JobHandler, JobInterrupted

__all__ = ["RunWorker"]


class RunWorker:
    """Does the jobs of runs, of whichever project they are."""

    def __init__(
        self,
        runs: RunBook,
        schemas: Definitions[DataSchema],
        configs: Definitions[FeatureEngineeringConfig],
        *,
        data_dir: Path,
        rules: NamedRules,
        now: Now,
    ) -> None:
        self._runs = runs
        self._schemas = schemas
        self._configs = configs
        self._data_dir = data_dir
        self._rules = rules
        self._now = now

    def handler(self) -> JobHandler:
        """Return what a runner calls."""
        return JobHandler(JOB_KIND, self.work, offers=functools.partial(registered_here, self._rules))

    def work(self, context: JobContext) -> dict[str, Any]:
        """Execute the run of a job, unless it is over."""
        self.tidy_up()
        run = self._runs.start(context)
        if run is None:
            return {"run_id": context.payload["run_id"]}
        data_dir = Path(context.payload["data_dir"])
        workspace = Workspace(data_dir, run.run_id, context.token)
        try:
            self._execute(context, run, workspace)
        except JobCancelled:
            workspace.tidy()
            self._runs.close_cancelled(run.run_id)
            raise
        except JobInterrupted:
            workspace.abandon()  # whoever has taken the job over goes on with the snapshot
            raise
        except Exception as error:  # noqa: BLE001  (whatever it is, the run tells it; another attempt would fail too)
            context.log(f"{type(error).__name__}: {error}", level="error")
            failure = translated(error, data_dir)
            told: dict[str, Any] = {"error": sentence_of(failure), "error_details": details_of(failure)}
            self._runs.end(context, run, RunStatus.FAILED, tidy=workspace.tidy, **told)
        return {"run_id": run.run_id}

    def tidy_up(self) -> None:
        """Remove what processes left that were killed when their runs had just ended."""
        for run_id in unfinished_runs(self._data_dir):
            run = self._runs.settle(run_id)
            if run is not None and run.is_ended:
                Workspace(self._data_dir, run_id, 0).tidy(kept={Path(path).parent for path in run.output_digests})

    def _execute(self, context: JobContext, run: PipelineRun, workspace: Workspace) -> None:
        request = self._request(run)
        outcome = self._cached(context, request) if request.options.use_cache else None
        if outcome is None:
            outcome = Execution(request, workspace, context, now=self._now).run(previous=self._previous(context, run))
        key = caching.key_of(request, outcome.input_digest)
        told = {name: getattr(outcome, name) for name in ("input_rows", "output_rows", "quarantined_rows")}
        tidy = functools.partial(workspace.tidy, kept=[workspace.output])
        self._runs.end(context, run, RunStatus.COMPLETED, tidy=tidy, cache_key=key, told=told, **outcome.values())

    def require_registered(self, schema: DataSchema, config: FeatureEngineeringConfig | None) -> None:
        """Raise unless this process knows the rules and transformations that a run needs.

        Raises:
            NamedRuleNotFound: A rule of the schema was not registered.
            TransformationNotFound: A custom transformation was not registered.
        """
        known = self._rules.names()
        for rule in schema.validation_rules:
            if rule.polars_name and rule.polars_name not in known:
                raise NamedRuleNotFound(rule.polars_name, known=known)
        for name in config.custom_transformations if config else ():
            get_transformation(name)

    def _previous(self, context: JobContext, run: PipelineRun) -> QualityReport | None:
        """Return the report of the pipeline's run before, if it is still as it was."""
        found = self._runs.find_previous(run)
        try:
            return opening.report(found) if found else None
        except OutputDamaged as error:
            context.log(f"The run is not compared with the one before: {error}", level="warning")
            return None

    def _cached(self, context: JobContext, request: Request) -> Outcome | None:
        """Return what an equal run published, if all of it is as it was."""
        source = Path(request.run.input_data_path)
        if request.first is not None or not source.is_file():  # a database, or an input that is not there
            return None
        if not self._runs.is_way_known(caching.way_of(request)):  # the input need not be hashed
            return None
        key = caching.key_of(request, file_digest(source))
        found = self._runs.find_equal(key)
        if found is None:
            return None
        try:
            verify_outputs(found.output_digests)
        except OutputDamaged as error:
            context.log(f"The outputs of the equal run {found.run_id} are not used: {error}", level="warning")
            return None
        return Outcome.of_run(found)

    def _request(self, run: PipelineRun) -> Request:
        options, config = RunOptions.from_document(run.options), run.feature_config_id
        return Request(
            run=run,
            schema=self._schemas.get(run.schema_id, project=run.project),
            config=self._configs.get(config, project=run.project) if config else None,
            options=options,
            rules=self._rules,
            first=self._runs.get(options.mended_run_id) if options.mended_run_id else None,
        )
