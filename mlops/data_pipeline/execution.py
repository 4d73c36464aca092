"""What a run does to a table: read, validate, assess, make features, publish. Knows files, no database.

Every pass reads the snapshot and streams; what is held in memory are statistics and, at most, the faults of bad rows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from mlops.clock import Now
from mlops.data_pipeline import feature_step, writing
from mlops.data_pipeline.alongside import alongside
from mlops.data_pipeline.checking import CheckedRows, check_rows
from mlops.data_pipeline.entities import DataSchema, FeatureEngineeringConfig, PipelineRun, RunStep
from mlops.data_pipeline.errors import TooManyBadRows
from mlops.data_pipeline.examples import sample_values
from mlops.data_pipeline.good_rows import bad_row_numbers, good_rows, reasons_of_bad_rows
from mlops.data_pipeline.lines import lines_of
from mlops.data_pipeline.named_rules import NamedRules
from mlops.data_pipeline.quality import (
    CheckCounts,
    QualityReport,
    ReportSubject,
    assess,
    example_rows,
    to_html,
    with_lines,
)
from mlops.data_pipeline.quarantine import write_quarantine
from mlops.data_pipeline.reading import Snapshot, scan_snapshot
from mlops.data_pipeline.run_options import RunOptions
from mlops.data_pipeline.snapshots import kept_snapshot
from mlops.data_pipeline.workspace import Workspace
from mlops.records import FrozenDict, encode_json

__all__ = ["Execution", "Observer", "Outcome", "Request"]

_SHARES = {"read": 0.45, "validate": 0.1, "assess": 0.15, "features": 0.15, "write": 0.1, "publish": 0.05}
"""About how much of a run's time each step takes, for its progress."""


class Observer(Protocol):
    """What an execution tells about itself, and asks whether to go on."""

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Hear how far it is."""

    def check(self) -> None:
        """Raise when it shall end."""


@dataclass(frozen=True)
class Request:
    """What is to be executed."""

    run: PipelineRun
    schema: DataSchema
    config: FeatureEngineeringConfig | None
    options: RunOptions
    rules: NamedRules
    first: PipelineRun | None = None
    """The run whose mended rows are run again."""


@dataclass
class Outcome:
    """What an execution made; the attributes are those of `PipelineRun`."""

    input_format: str = ""
    input_digest: str = ""
    input_rows: int = 0
    output_rows: int = 0
    quarantined_rows: int = 0
    feature_count: int | None = None
    data_quality_score: float | None = None
    paths: dict[str, str] = field(default_factory=dict)
    output_digests: dict[str, str] = field(default_factory=dict)
    steps: list[RunStep] = field(default_factory=list)
    cached_from: str | None = None

    @classmethod
    def of_run(cls, run: PipelineRun) -> Outcome:
        """Return what a completed run made, for one that takes it over."""
        return cls(
            input_format=run.input_format,
            input_digest=run.input_digest,
            input_rows=run.input_rows or 0,
            output_rows=run.output_rows or 0,
            quarantined_rows=run.quarantined_rows or 0,
            feature_count=run.feature_count,
            data_quality_score=run.data_quality_score,
            paths={name: value for name in _PATHS if (value := getattr(run, name)) is not None},
            output_digests=dict(run.output_digests),
            steps=[
                RunStep(
                    name="reuse",
                    rows_in=run.input_rows,
                    rows_out=run.output_rows,
                    details=run.steps[0].details,  # how the input is written, and notes about it
                )
            ],
            cached_from=run.cached_from or run.run_id,
        )

    def values(self) -> dict[str, Any]:
        """Return the fields of the run that they end up in."""
        found = {name: value for name, value in vars(self).items() if name != "paths"}
        return {**found, **self.paths, "steps": tuple(self.steps), "progress": 1.0}


_FILES = {
    "output_parquet_path": "output.parquet",
    "feature_data_path": "features.parquet",
    "feature_state_path": "feature_state.json",
    "quarantine_path": "quarantine.csv",
    "report_path": "report.json",
    "report_html_path": "report.html",
}
_PATHS = ("output_data_path", *_FILES)


class Execution:
    """One attempt at a request.

    Args:
        request: What to do.
        workspace: Where.
        observer: Who hears of it.
        now: The clock.
    """

    def __init__(self, request: Request, workspace: Workspace, observer: Observer, *, now: Now) -> None:
        self._request = request
        self._workspace = workspace
        self._observer = observer
        self._now = now
        self._outcome = Outcome()
        self._done = 0.0
        self._lock = threading.Lock()

    def run(self, *, previous: QualityReport | None = None) -> Outcome:
        """Do all steps and publish what they made.

        Args:
            previous: The report of the pipeline's last run, which this one is compared with.

        Raises:
            InvalidInput: The input cannot be read, does not fit the schema, or has too many bad rows.
        """
        self._workspace.begin()
        with self._step("read") as step:
            snapshot = kept_snapshot(self._request, self._workspace, self._observer, share=_SHARES["read"])
            dialect = None if snapshot.dialect is None else snapshot.dialect.to_document()
            told = {"notes": list(snapshot.notes), "bytes": snapshot.bytes, "dialect": dialect}
            step |= {"rows_out": snapshot.rows, "details": told}
        rows = scan_snapshot(snapshot)
        checked = self._validate(rows, snapshot)
        good = good_rows(rows, self._request.schema, bad_row_numbers(checked))
        assess_them = partial(self._assess, rows, snapshot, checked, previous)
        with alongside(partial(self._set_aside, snapshot, checked)), alongside(assess_them):
            self._make_features(good)
            name = self._write(good, snapshot)
        self._publish(name)
        self._outcome.steps.sort(key=lambda step: list(_SHARES).index(step.name))
        return self._outcome

    def _validate(self, rows: pl.LazyFrame, snapshot: Snapshot) -> CheckedRows:
        outcome, limit = self._outcome, self._request.options.max_bad_fraction
        with self._step("validate", rows_in=snapshot.rows) as step:
            checked = check_rows(rows, self._request.schema, named_rules=self._request.rules)
            outcome.input_format, outcome.input_digest = str(snapshot.format), snapshot.digest
            outcome.input_rows, outcome.quarantined_rows = snapshot.rows, checked.bad_rows
            outcome.output_rows = snapshot.rows - checked.bad_rows
            broken = {name: count for name, count in checked.counts.items() if count}
            if checked.bad_rows > limit * snapshot.rows:
                raise _too_many(rows, checked, snapshot, limit)
            step |= {"rows_out": outcome.output_rows}
            step |= {"details": {"broken_rules": broken, "warnings": list(checked.fit.warnings)}}
        return checked

    def _set_aside(self, snapshot: Snapshot, checked: CheckedRows) -> None:
        """Write the bad rows as they were."""
        if checked.bad_rows:
            write_quarantine(
                reasons_of_bad_rows(checked),
                self._original(snapshot),
                self._work("quarantine"),
                columns=self._request.schema.columns,
                options=self._request.options.read,
            )

    def _assess(
        self, rows: pl.LazyFrame, snapshot: Snapshot, checked: CheckedRows, previous: QualityReport | None
    ) -> None:
        with self._step("assess", rows_in=snapshot.rows) as step:
            report = assess(
                rows,
                self._request.schema,
                subject=self._subject(snapshot),
                checks=CheckCounts(faulty_rows=checked.bad_rows, by_rule=FrozenDict(checked.counts)),
                repeats=checked.repeats,
                quarantined_rows=checked.bad_rows,
                previous=previous,
                now=self._now,
            )
            report = with_lines(report, lines_of(self._original(snapshot), example_rows(report)))
            self._work("report.json").write_text(encode_json(report.to_document()), encoding="utf-8")
            self._work("report.html").write_text(to_html(report), encoding="utf-8")
            self._outcome.data_quality_score = report.score.value
            step |= {"details": {"score": report.score.value, "issues": len(report.issues)}}

    def _make_features(self, good: pl.LazyFrame) -> None:
        config = self._request.config
        if config is None:
            return
        with self._step("features", rows_in=self._outcome.output_rows) as step:
            fitted = feature_step.fit_features(good, config)
            self._observer.check()
            feature_step.write_features(good, config, fitted, self._request.schema, self._work("features.parquet"))
            state = fitted.state
            self._work("feature_state.json").write_text(encode_json(state.to_document()), encoding="utf-8")
            self._outcome.feature_count = len(state.feature_names)
            step |= {"rows_out": self._outcome.output_rows, "details": {"features": len(state.feature_names)}}

    def _write(self, good: pl.LazyFrame, snapshot: Snapshot) -> str:
        """Write the good rows; return the name of the file that has them in the form asked for."""
        with self._step("write", rows_in=self._outcome.output_rows) as step:
            step |= {"rows_out": self._outcome.output_rows}
            options = self._request.options
            as_input = options.output_format == "input"
            columns, folder = self._request.schema.columns, self._workspace.work
            return writing.write_output(good, folder, snapshot, columns=columns, read=options.read, as_input=as_input)

    def _publish(self, name: str) -> None:
        with self._step("publish", rows_in=self._outcome.output_rows) as step:
            digests = self._workspace.publish()
            named = {file.name: str(file) for file in digests}
            outcome = self._outcome
            outcome.output_digests = {str(file): digest for file, digest in digests.items()}
            outcome.paths = {path: named[file] for path, file in _FILES.items() if file in named}
            outcome.paths["output_data_path"] = named[name]
            step |= {"rows_out": outcome.output_rows, "details": {"files": sorted(named)}}

    def _original(self, snapshot: Snapshot) -> Snapshot:
        """Return where cells and lines are found as they were: mended rows no longer stand so in the input."""
        return snapshot if self._request.first is None else snapshot.changed(dialect=None)

    def _subject(self, snapshot: Snapshot) -> ReportSubject:
        run, schema = self._request.run, self._request.schema
        return ReportSubject(
            title=Path(snapshot.source).name,
            run_id=run.run_id,
            pipeline_id=run.pipeline_id,
            project=run.project,
            input_path=snapshot.source,
            input_digest=snapshot.digest,
            notes=snapshot.notes,
            schema_name=schema.name,
            schema_version_name=schema.version,
        )

    def _work(self, name: str) -> Path:
        return self._workspace.work / name

    @contextmanager
    def _step(self, name: str, *, rows_in: int | None = None) -> Iterator[dict[str, Any]]:
        """Time a step, note it and what the block adds to it, and tell the observer."""
        self._observer.check()
        with self._lock:  # two steps may begin or end at once, and progress does not go back
            self._observer.progress(self._done, 1.0, name)
        begun, told = time.perf_counter(), dict[str, Any]()
        yield told
        seconds = time.perf_counter() - begun
        with self._lock:
            self._outcome.steps.append(RunStep(name=name, rows_in=rows_in, seconds=seconds, **told))
            self._done = min(1.0, self._done + _SHARES[name])
            self._observer.progress(self._done, 1.0, name)


def _too_many(rows: pl.LazyFrame, checked: CheckedRows, snapshot: Snapshot, limit: float) -> TooManyBadRows:
    worst = max((rule.rule_id for rule in checked.checks.rules if rule.is_error), key=checked.counts.__getitem__)
    column, samples = sample_values(rows, checked, worst)
    return TooManyBadRows(
        checked.bad_rows, snapshot.rows, limit=limit, most_common=worst, column=column, samples=samples
    )
