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
from mlops.data_pipeline.named_rules import NamedRules
from mlops.data_pipeline.quality import CheckCounts, QualityReport, ReportSubject, assess
from mlops.data_pipeline.reading import ReadOptions, Snapshot, scan_snapshot, take_snapshot
from mlops.data_pipeline.run_options import resolved_source
from mlops.records import FrozenDict

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Inspector", "Validation"]


@dataclass(frozen=True)
class Validation:
    """What a schema says of a table.

    Attributes:
        rows: Rows of the table.
        bad_rows: Rows that break a rule that is an error.
        counts: How many rows break each rule, by rule id.
        warnings: About columns, in sentences.
        examples: For each broken rule up to five of the rows that break it: number, and the cells of its column.
    """

    rows: int
    bad_rows: int
    counts: dict[str, int]
    warnings: tuple[str, ...]
    examples: dict[str, list[dict[str, Any]]]


class Inspector:
    """Looks at tables; each look reads the table once, into a temporary snapshot."""

    def __init__(self, rules: NamedRules, *, now: Now) -> None:
        self._rules = rules
        self._now = now

    def infer(self, data: Any, *, name: str = "", read: ReadOptions | None = None) -> DataSchema:
        """Return a schema that fits a table."""
        with _snapshot(data, None, read) as snapshot:
            return infer_schema(scan_snapshot(snapshot), name=name or _title(data))

    def validate(self, data: Any, schema: DataSchema, *, read: ReadOptions | None = None) -> Validation:
        """Hold the rows of a table against a schema."""
        with _snapshot(data, schema, read) as snapshot:
            rows = scan_snapshot(snapshot)
            checked = check_rows(rows, schema, named_rules=self._rules)
            return Validation(
                snapshot.rows,
                checked.bad_rows,
                checked.counts,
                (*snapshot.notes, *checked.fit.warnings),
                _examples(rows, checked),
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
            )
            repeats = checked.repeats if checked else None
            return assess(rows, schema, subject=subject, checks=counts, repeats=repeats, now=self._now)


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


def _examples(rows: pl.LazyFrame, checked: CheckedRows) -> dict[str, list[dict[str, Any]]]:
    return {rule_id: breaking_rows(rows, checked, rule_id) for rule_id, count in checked.counts.items() if count}
