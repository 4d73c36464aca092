"""`mlops experiments delete`, `restore` and `gc`: out of sight, back again, and gone for good."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mlops.cli import output
from mlops.cli.errors import ConfirmationNeeded
from mlops.cli.experiments.access import ExperimentsArgument, TrackingDirOption, open_tracker
from mlops.cli.moments import read_duration
from mlops.cli.options import DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.experiment_tracker import Experiment, ExperimentTrackerService, GarbageReport

__all__ = ["collect_garbage", "delete", "restore"]

_NAMED = 20  # experiments that gc names before it asks


def delete(
    experiments: ExperimentsArgument,
    *,
    database: DatabaseOption = None,
    tracking_dir: TrackingDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete experiments: they are not listed any more, and can be restored until `gc` removes them."""
    from mlops.cli.experiments.references import find_experiments

    with open_tracker(database, tracking_dir) as tracker:
        found = find_experiments(tracker, experiments)
        for experiment in found:
            tracker.delete_experiment(experiment.experiment_id)
    _report("deleted", found, as_json=as_json)
    output.write_note(f"Take it back with: mlops experiments restore {' '.join(one.experiment_id for one in found)}")


def restore(
    experiments: ExperimentsArgument,
    *,
    database: DatabaseOption = None,
    tracking_dir: TrackingDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Restore deleted experiments."""
    from mlops.cli.experiments.references import find_experiments

    with open_tracker(database, tracking_dir) as tracker:
        found = find_experiments(tracker, experiments, deleted=True)
        for experiment in found:
            tracker.restore_experiment(experiment.experiment_id)
    _report("restored", found, as_json=as_json)


def collect_garbage(
    *,
    older_than: Annotated[
        str, typer.Option(help="Only experiments deleted at least this long ago: 30d, 12h, 0d.")
    ] = "30d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database: DatabaseOption = None,
    tracking_dir: TrackingDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove for good what was deleted long enough ago, and artifacts that nothing refers to any more."""
    age = read_duration(older_than)
    with open_tracker(database, tracking_dir) as tracker:
        with output.working("Looking for what can go…"):
            report = tracker.collect_garbage(age, dry_run=True)
        if not dry_run and not _is_empty(report):
            _confirm(tracker, report, is_agreed=yes, as_json=as_json)
        if not dry_run:
            with output.working("Removing…"):
                report = tracker.collect_garbage(age)
        elif not as_json:
            _name(tracker, report)
    if as_json:
        output.write_json(report.to_document())
    else:
        output.write_text(_summary(report))


def _report(verb: str, experiments: Sequence[Experiment], *, as_json: bool) -> None:
    if as_json:
        output.write_json({verb: [experiment.experiment_id for experiment in experiments]})
        return
    for experiment in experiments:
        output.write_text(f"{verb}\t{experiment.experiment_id}\t{output.printable(experiment.name)}")


def _confirm(tracker: ExperimentTrackerService, report: GarbageReport, *, is_agreed: bool, as_json: bool) -> None:
    """Ask whether to go on, on a terminal; leave the command when not.

    Raises:
        ConfirmationNeeded: Nobody can be asked.
    """
    if is_agreed:
        return
    if not sys.stdin.isatty():
        raise ConfirmationNeeded(
            f"{_summary(report)} This cannot be undone, and there is no terminal to ask on. "
            "Say --yes to remove it, or --dry-run to look."
        )
    if not as_json:
        _name(tracker, report)
    typer.confirm(f"{_summary(report)} Remove for good?", abort=True, err=True)


def _name(tracker: ExperimentTrackerService, report: GarbageReport) -> None:
    """List the experiments that would go, the first of many."""
    named = report.experiment_ids[:_NAMED]
    for experiment_id in named:
        output.write_text(f"{experiment_id}\t{output.printable(tracker.get_experiment(experiment_id).name)}")
    if len(report.experiment_ids) > len(named):
        output.write_text(f"and {len(report.experiment_ids) - len(named)} more")


def _is_empty(report: GarbageReport) -> bool:
    return not report.experiment_ids and not report.blobs


def _summary(report: GarbageReport) -> str:
    from rich.filesize import decimal

    if _is_empty(report):
        return "There is nothing to remove."
    verb = "can be" if report.is_dry_run else "were"
    experiments = _counted(len(report.experiment_ids), "deleted experiment")
    blobs = _counted(report.blobs, "unused artifact file")
    return f"{experiments} and {blobs} ({decimal(report.freed_bytes)}) {verb} removed."


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
