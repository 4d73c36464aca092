"""Looks at a table without a run: infers a schema, holds rows against one, tells the quality."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.clock import Now
from mlops.data_pipeline.checking import CheckedRows, check_rows
from mlops.data_pipeline.entities import DataSchema
from mlops.data_pipeline.examples import breaking_rows
from mlops.data_pipeline.infer import infer_schema
from mlops.data_pipeline.lines import lines_of
from mlops.data_pipeline.named_rules import NamedRules
from mlops.data_pipeline.quality import (
    CheckCounts,
    QualityReport,
    ReportSubject,
    assess,
    example_rows,
    with_lines,
)
from mlops.data_pipeline.reading import ReadOptions, Snapshot, scan_snapshot, take_snapshot
from mlops.data_pipeline.run_options import resolved_source
from mlops.data_pipeline.snapshot_columns import ROW
from mlops.records import FrozenDict

if TYPE_CHECKING:
    import polars as pl

__all__ = ["LINE", "Inspector", "Validation", "table_name"]

LINE = "__line__"
"""Under this name stands the line of an example."""


@dataclass(frozen=True)
class Validation:
    """What a schema says of a table.

    Attributes:
        rows: Rows of the table.
        bad_rows: Rows that break a rule that is an error.
        counts: How many rows break each rule, by rule id.
        warnings: About columns, in sentences.
        examples: For each broken rule up to five of the rows that break it: their number from 0 as `__row__`, their
            line from 1 as `__line__` where it is known, and the cells of the rule's columns.
        notes: What was decided about the table, in sentences.
    """

    rows: int
    bad_rows: int
    counts: dict[str, int]
    warnings: tuple[str, ...]
    examples: dict[str, list[dict[str, Any]]]
    notes: tuple[str, ...] = ()


class Inspector:
    """Looks at tables; each look reads the table once, into a temporary snapshot."""

    def __init__(self, rules: NamedRules, *, now: Now) -> None:
        self._rules = rules
        self._now = now

    def infer(self, data: Any, *, name: str = "", read: ReadOptions | None = None) -> DataSchema:
        """Return a schema that fits a table."""
        return self.propose(data, name=name, read=read)[0]

    def propose(
        self, data: Any, *, name: str = "", read: ReadOptions | None = None
    ) -> tuple[DataSchema, tuple[str, ...]]:
        """Return a schema that fits a table, and what was decided about the table, in sentences."""
        with _snapshot(data, None, read) as snapshot:
            return infer_schema(scan_snapshot(snapshot), name=name or table_name(data)), snapshot.notes

    def validate(self, data: Any, schema: DataSchema, *, read: ReadOptions | None = None) -> Validation:
        """Hold the rows of a table against a schema."""
        with _snapshot(data, schema, read) as snapshot:
            rows = scan_snapshot(snapshot)
            checked = check_rows(rows, schema, named_rules=self._rules)
            return Validation(
                snapshot.rows,
                checked.bad_rows,
                checked.counts,
                tuple(checked.fit.warnings),
                _examples(rows, checked, snapshot),
                snapshot.notes,
            )

    def assess(self, data: Any, schema: DataSchema | None, *, read: ReadOptions | None = None) -> QualityReport:
        """Return the quality of a table."""
        with _snapshot(data, schema, read) as snapshot:
            rows = scan_snapshot(snapshot)
            checked = check_rows(rows, schema, named_rules=self._rules) if schema else None
            counts = None
            if checked is not None:
                counts = CheckCounts(faulty_rows=checked.bad_rows, by_rule=FrozenDict(checked.counts))
            subject = ReportSubject(
                title=_title(data),
                input_path=snapshot.source,
                input_digest=snapshot.digest,
                schema_name=schema.name if schema else "",
                schema_version_name=schema.version if schema else "",
                notes=snapshot.notes,
            )
            repeats = checked.repeats if checked else None
            report = assess(rows, schema, subject=subject, checks=counts, repeats=repeats, now=self._now)
            return with_lines(report, lines_of(snapshot, example_rows(report)))


def table_name(data: Any) -> str:
    """Return the name of a table without its ending, for what is made of it.

    Example:
        >>> table_name("lab/samples.2026.csv.gz"), table_name("sqlite:///lims.db")
        ('samples.2026', 'lims')
    """
    name = _title(data)
    return Path(name.removesuffix(".gz")).stem or name


def _title(data: Any) -> str:
    return Path(data).name if isinstance(data, str | os.PathLike) else "table"


@contextmanager
def _snapshot(data: Any, schema: DataSchema | None, read: ReadOptions | None) -> Iterator[Snapshot]:
    source = resolved_source(os.fspath(data)) if isinstance(data, str | os.PathLike) else data
    with tempfile.TemporaryDirectory(prefix="mlops-look-") as folder:
        yield take_snapshot(
            source,
            Path(folder) / "rows.parquet",
            columns=schema.columns if schema else {},
            options=read or ReadOptions(),
        )


def _examples(rows: pl.LazyFrame, checked: CheckedRows, snapshot: Snapshot) -> dict[str, list[dict[str, Any]]]:
    broken = (rule_id for rule_id, count in checked.counts.items() if count)
    found = {rule_id: breaking_rows(rows, checked, rule_id) for rule_id in broken}
    lines = lines_of(snapshot, (row[ROW] for examples in found.values() for row in examples))
    return {
        rule_id: [row | ({LINE: lines[row[ROW]]} if row[ROW] in lines else {}) for row in examples]
        for rule_id, examples in found.items()
    }
