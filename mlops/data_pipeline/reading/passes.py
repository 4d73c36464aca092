"""Runs the plans of an input into its snapshot, again for the columns in which a cell did not fit its plan."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from mlops.data_pipeline.reading.cells import CellForm, tolerant_value
from mlops.data_pipeline.reading.column_plans import ColumnPlan, Way, loosened, selected
from mlops.data_pipeline.reading.sinking import Sink, scratch_file
from mlops.data_pipeline.snapshot_columns import FAULT, RAW
from mlops.data_pipeline.typed_values import ColumnType

__all__ = ["Result", "Scan", "fault_counts", "run_passes"]

Scan = Callable[[Sequence[ColumnPlan]], pl.LazyFrame]
_NUMBERED = re.compile(r"as dtype `(?!str`)[^`]*` at column .* \(column number (\d+)\)", re.DOTALL)


class Result(NamedTuple):
    """A written snapshot.

    Attributes:
        rows: Its rows.
        plans: How its columns came about in the end.
        raw_columns: Columns with cells that did not parse.
        has_fault: Whether it has `__fault__`.
    """

    rows: int
    plans: tuple[ColumnPlan, ...]
    raw_columns: tuple[str, ...]
    has_fault: bool = False


def run_passes(
    scan: Scan,
    plans: tuple[ColumnPlan, ...],
    path: Path,
    *,
    has_fault: bool,
    beside: Callable[[], object],
    check: Callable[[], object],
) -> Result:
    """Write a snapshot, in one pass when every cell fits its column's plan.

    Args:
        scan: Gives the source's columns as the plans want them, with `__row__`, and `__fault__` if there is one.
        plans: Of all columns, in order.
        path: File to write.
        has_fault: Whether the scan has `__fault__`.
        beside: Run once, while the first pass is under way.
        check: Called often; raises to stop.

    Raises:
        polars.exceptions.PolarsError: The source cannot be read; no single column is to blame.
    """
    meanwhile: Callable[[], object] = beside
    while True:
        try:
            found = _pass(scan, plans, path, has_fault=has_fault, beside=meanwhile, check=check)
        except pl.exceptions.ComputeError as error:
            plans = _without_parser(plans, error)
        else:
            if found.plans == plans:
                return found
            plans = found.plans
        meanwhile = check


def _pass(
    scan: Scan,
    plans: tuple[ColumnPlan, ...],
    path: Path,
    *,
    has_fault: bool,
    beside: Callable[[], object],
    check: Callable[[], object],
) -> Result:
    """Write the snapshot as the plans want it.

    Polars may still be at work on the file of a pass that failed, so that each has its own, opened before it begins.
    """
    companions = [RAW + plan.name for plan in plans if plan.has_companion]
    with scratch_file(path.parent, f"{path.name}.") as own, own.open("wb", buffering=0) as file:
        sink = Sink(selected(scan(plans), plans, has_fault=has_fault), file, watched=companions)
        try:
            beside()
            sink.wait(check)
        except pl.exceptions.ComputeError:
            raise
        except BaseException:
            sink.stop()
            raise
        own.replace(path)
    return _result(path, plans, sink.filled)._replace(has_fault=has_fault)


def _without_parser(plans: tuple[ColumnPlan, ...], error: pl.exceptions.ComputeError) -> tuple[ColumnPlan, ...]:
    """Loosen the column that stopped the parser and, as the sample misled, the schema's other ones too."""
    number = _NUMBERED.search(str(error))
    place = int(number.group(1)) - 1 if number else -1
    if not 0 <= place < len(plans) or plans[place].way is not Way.PARSED:
        raise error
    return tuple(
        loosened(plan) if plan.way is Way.PARSED and (at == place or not plan.is_inferred) else plan
        for at, plan in enumerate(plans)
    )


def _result(path: Path, plans: tuple[ColumnPlan, ...], filled: Container[str]) -> Result:
    """Look at the cells that did not parse: whether a more tolerant plan reads any.

    Args:
        filled: The companions that have such cells.
    """
    frame = pl.scan_parquet(path)
    rows = int(frame.select(pl.len()).collect(engine="streaming").item())
    stuck = [plan for plan in plans if plan.has_companion and RAW + plan.name in filled]
    better = _better(frame, stuck)
    return Result(rows, tuple(better.get(plan.name, plan) for plan in plans), tuple(plan.name for plan in stuck))


def _better(frame: pl.LazyFrame, plans: Sequence[ColumnPlan]) -> dict[str, ColumnPlan]:
    """Return a more tolerant plan for each column that has one by which more of its cells can be read."""
    found = {plan.name: loosened(plan) for plan in plans if plan.is_inferred}
    choices = [(plan, _alternatives(plan)) for plan in plans if not plan.is_inferred]
    tests = [
        frame.select(pl.col(RAW + plan.name).alias(plan.name))
        .drop_nulls()  # they are few
        .select(tolerant_value(pl.col(plan.name), form).count().alias(str(place)) for place, form in enumerate(others))
        for plan, others in choices
        if others
    ]
    counted = (test.collect(engine="streaming") for test in tests)  # one by one: see `quality.passes`
    for plan, others in choices:
        read = next(counted).row(0) if others else ()
        if any(read):
            found[plan.name] = plan._replace(form=others[read.index(max(read))], way=Way.TOLERANT)
    return found


def _alternatives(plan: ColumnPlan) -> list[CellForm]:
    if plan.form is None or plan.way is Way.CONVERTED:
        return []
    others = [plan.form] if plan.way is Way.STRICT else []
    if plan.form.type is ColumnType.DATETIME and not plan.form.formats and not plan.form.is_aware:
        others.append(plan.form._replace(is_aware=True))
    return others


def fault_counts(path: Path) -> dict[str, int]:
    """Return the number of broken rows of a snapshot by fault."""
    counted = (
        pl.scan_parquet(path).select(pl.col(FAULT).drop_nulls().value_counts(sort=True)).collect(engine="streaming")
    )
    return {row[FAULT]: row["count"] for row in counted.to_series().to_list()}
