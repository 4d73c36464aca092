"""Rows that break a rule, to show what is wrong with them."""

from __future__ import annotations

from typing import Any

import polars as pl

from mlops.data_pipeline.checking import CheckedRows
from mlops.data_pipeline.snapshot_columns import ROW, raw_name

__all__ = ["breaking_rows", "sample_values"]

_MOST = 5


def breaking_rows(rows: pl.LazyFrame, checked: CheckedRows, rule_id: str) -> list[dict[str, Any]]:
    """Return the first rows that break a rule: their number, and the cells of the rule's columns that there are."""
    present = rows.collect_schema()
    broken = checked.faults.filter(checked.checks.is_broken(rule_id)).select(ROW).head(_MOST).collect()
    wanted = [name for part in _columns(checked, rule_id) for name in (part, raw_name(part)) if name in present]
    cells = rows.filter(pl.col(ROW).is_in(broken.to_series().implode())).select(ROW, *wanted)
    return cells.collect(engine="streaming").to_dicts()


def sample_values(rows: pl.LazyFrame, checked: CheckedRows, rule_id: str) -> tuple[str, list[str | None]]:
    """Return the column of a rule, empty when it is of the whole row, and some of the cells that break it, as text."""
    columns = _columns(checked, rule_id)
    if len(columns) != 1:
        return "+".join(columns), []
    raw = raw_name(columns[0])
    cells = [row.get(raw) or row.get(columns[0]) for row in breaking_rows(rows, checked, rule_id)]
    return columns[0], [None if cell is None else str(cell) for cell in cells]


def _columns(checked: CheckedRows, rule_id: str) -> list[str]:
    column = next(rule.column for rule in checked.checks.rules if rule.rule_id == rule_id)
    return column.split("+") if column else []
