"""`mlops experiments compare`: runs side by side, what differs first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops.cli import output
from mlops.cli.comparison import write_comparison, write_csv
from mlops.cli.experiments.access import ExperimentsArgument, TrackingDirOption, open_tracker
from mlops.cli.options import CsvOption, DatabaseOption, JsonOption, OnlyDifferencesOption
from mlops.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare"]


def compare(
    experiments: ExperimentsArgument,
    *,
    only_differences: OnlyDifferencesOption = False,
    csv: CsvOption = None,
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
        write_csv(table, csv)
    if as_json:
        output.write_json(_document(table))
    else:
        write_comparison(table)


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
