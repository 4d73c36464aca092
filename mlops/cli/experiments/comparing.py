"""`mlops experiments compare`: runs side by side, what differs first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.experiments.access import DatabaseOption, ExperimentsArgument, TrackingDirOption, open_tracker
from mlops.cli.experiments.cells import metric_cell, value_cell
from mlops.cli.options import JsonOption
from mlops.cli.output import Cell
from mlops.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

__all__ = ["compare", "comparison_tables"]

_NARROWEST = 18  # a column of values
_WIDEST = 32


def compare(
    experiments: ExperimentsArgument,
    *,
    only_differences: Annotated[
        bool, typer.Option("--only-differences", help="Leave out what is the same in all.")
    ] = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write the table to this file.")] = None,
    database: DatabaseOption = None,
    tracking_dir: TrackingDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare experiments, what differs first; the best value of a metric is marked."""
    from mlops.cli.experiments.references import find_experiments

    with open_tracker(database, tracking_dir) as tracker, output.working("Comparing…"):
        found = find_experiments(tracker, experiments)
        if len(found) < 2:
            raise InvalidInput(f"{', '.join(experiments)} is one experiment. Name two or more to compare.")
        table = tracker.compare_experiments(
            [experiment.experiment_id for experiment in found], only_differences=only_differences
        )
    if csv is not None:
        csv.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(csv)
        output.write_note(f"Wrote {csv}")
    if as_json:
        output.write_json(_document(table))
    else:
        _write(table)


def _document(table: pd.DataFrame) -> dict[str, Any]:
    ids = table.attrs["experiment_ids"]
    fields = [
        {
            "field": field,
            "differs": field in table.attrs["differs"],
            "best": [ids[label] for label in table.attrs["best"].get(field, ())],
            "values": {ids[label]: value for label, value in _values(table, field).items()},
        }
        for field in table.index
    ]
    return {"experiments": {key: label for label, key in ids.items()}, "fields": fields}


def _values(table: pd.DataFrame, field: str) -> dict[str, Any]:
    return {str(label): value for label, value in table.loc[field].items()}


def _write(table: pd.DataFrame) -> None:
    from rich.console import Console

    console = Console()
    if console.is_terminal:
        output.write_rendered(*comparison_tables(table, console.width))
    else:
        labels = [str(label) for label in table.columns]
        output.write_table(["field", *labels], _rows(table, labels))


def comparison_tables(table: pd.DataFrame, width: int) -> Iterator[RenderableType]:
    """Yield what `compare_experiments` returned as tables for people, as many columns at a time as find room."""
    labels = [str(label) for label in table.columns]
    for block in _blocks(table, labels, width):
        rows = _rows(table, block)
        boundary = len(table.attrs["differs"])
        if boundary < len(rows):
            rows.insert(boundary, [Cell(None, "the same in all:", "dim italic"), *[None] * len(block)])
        yield output.make_table(["", *block], rows, shorten=block)


def _blocks(table: pd.DataFrame, labels: Sequence[str], width: int) -> Iterator[Sequence[str]]:
    """Yield as many columns at a time as find room beside the names of the fields."""
    names = max((len(field) for field in table.index), default=0)
    count = max(1, (width - names) // (_NARROWEST + 2))
    yield from (labels[start : start + count] for start in range(0, len(labels), count))


def _rows(table: pd.DataFrame, labels: Sequence[str]) -> list[list[Any]]:
    return [_row(table, field, labels) for field in table.index]


def _row(table: pd.DataFrame, field: str, labels: Sequence[str]) -> list[Any]:
    is_different = field in table.attrs["differs"]
    best = table.attrs["best"].get(field, ())
    cells = [
        _cell(field, table.at[field, label], "bold green" if label in best else "" if is_different else "dim")
        for label in labels
    ]
    return [Cell(field, field, "" if is_different else "dim"), *cells]


def _cell(field: str, value: Any, style: str) -> Cell:
    """Show a value by its section; NaN outside of metrics means that the experiment has none."""
    if field.startswith("metrics."):
        return metric_cell(value, style)
    is_absent = isinstance(value, float) and math.isnan(value)
    return Cell(None, "") if is_absent else value_cell(value, style, most=_WIDEST)
