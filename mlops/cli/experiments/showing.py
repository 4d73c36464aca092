"""`mlops experiments show`: everything about one experiment."""

from __future__ import annotations

from mlops.cli import output
from mlops.cli.experiments.access import ExperimentArgument, TrackingDirOption, open_tracker
from mlops.cli.options import DatabaseOption, JsonOption

__all__ = ["show"]


def show(
    experiment: ExperimentArgument,
    *,
    database: DatabaseOption = None,
    tracking_dir: TrackingDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an experiment: parameters, metrics with their curves, data, artifacts, environment, error and parts."""
    from mlops import clock
    from mlops.cli.experiments.detail import document, facts, gather
    from mlops.cli.experiments.detail_page import detail_page
    from mlops.cli.experiments.references import find_experiment

    is_page = output.is_terminal() and not as_json
    with open_tracker(database, tracking_dir) as tracker:
        detail = gather(tracker, find_experiment(tracker, experiment), with_curves=is_page)
    if as_json:
        output.write_json(document(detail))
    elif is_page:
        output.write_rendered(*detail_page(detail, clock.now()))
    else:
        output.write_table(["", ""], facts(detail), header=False)
