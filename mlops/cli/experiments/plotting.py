"""`mlops experiments plot`: histories as a figure in a file, and as a small chart on a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops.cli import output
from mlops.cli.experiments.access import ExperimentsArgument, TrackingDirOption, open_tracker
from mlops.cli.options import DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.experiment_tracker import Experiment, ExperimentTrackerService, MetricPoint

__all__ = ["ThemeName", "XAxis", "plot"]

_MOST_CHARTS = 3
_POINTS = 500
_WIDEST = 110


class XAxis(StrEnum):
    """What runs along the horizontal axis."""

    STEP = "step"
    TIME = "time"
    EPOCH = "epoch"


class ThemeName(StrEnum):
    """Colours of the figure."""

    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True)
class _Look:
    x: XAxis
    log_scale: bool


def plot(
    experiments: ExperimentsArgument,
    *,
    metrics: Annotated[
        list[str] | None, typer.Option(help="Metrics to draw, with commas between. (default: all but the machine's)")
    ] = None,
    smoothing: Annotated[float, typer.Option(help="Weight of the past in a moving average, 0 to below 1.")] = 0.0,
    log_scale: Annotated[bool, typer.Option("--log-scale", help="Logarithmic values axis.")] = False,
    x: Annotated[XAxis, typer.Option(help="Horizontal axis: step, time or epoch.")] = XAxis.STEP,
    theme: Annotated[ThemeName, typer.Option(help="Colours of the figure: light or dark.")] = ThemeName.LIGHT,
    target: Annotated[
        Path | None, typer.Option("--output", help="A .png, .svg or .pdf file. (default: named after the experiments)")
    ] = None,
    database: DatabaseOption = None,
    tracking_dir: TrackingDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw the histories of metrics, a panel a metric, a line an experiment; on a terminal a chart of text too."""
    from mlops.cli.experiments.references import find_experiments

    names = [name for text in metrics or () for name in text.split(",") if name]
    with open_tracker(database, tracking_dir) as tracker:
        found = find_experiments(tracker, experiments)
        path = target or _default_path(found)
        with output.working(f"Drawing {len(found)} experiments…" if len(found) > 1 else "Drawing…"):
            tracker.plot_experiment_metrics(
                [one.experiment_id for one in found],
                names or None,
                smoothing=smoothing,
                log_scale=log_scale,
                path=path,
                x=str(x),
                theme=str(theme),
            )
        if output.is_terminal() and not as_json:
            _write_charts(tracker, found, names, _Look(x, log_scale))
    if as_json:
        output.write_json({"path": str(path), "experiments": [one.experiment_id for one in found]})
    else:
        output.write_text(f"Wrote {path}" if output.is_terminal() else str(path))


def _default_path(experiments: Sequence[Experiment]) -> Path:
    """Return a name in the current folder that the same experiments get every time."""
    from mlops.formatting import short_id

    first, *others = experiments
    name = re.sub(r"[^a-z0-9]+", "-", first.name.lower()).strip("-")[:40]
    more = f"and-{len(others)}-more" if others else ""
    return Path("-".join(filter(None, [name, short_id(first.experiment_id), more])) + ".png")


def _write_charts(
    tracker: ExperimentTrackerService, experiments: Sequence[Experiment], names: Sequence[str], look: _Look
) -> None:
    """Draw the metrics asked for, or the most telling one, as text."""
    from rich.console import Console

    from mlops.cli.experiments.columns import telling_metrics
    from mlops.cli.text_plot import draw_lines
    from mlops.formatting import unique_labels

    labels = unique_labels((one.experiment_id, one.name) for one in experiments)
    width = min(Console().width, _WIDEST)
    for metric in names[:_MOST_CHARTS] or telling_metrics(experiments)[:1]:
        series = {
            labels[one.experiment_id]: list(_points(tracker, one, metric, look.x))
            for one in experiments
            if metric in tracker.get_metric_summaries(one.experiment_id)
        }
        chart = draw_lines(series, title=f"{metric} by {look.x}", width=width, log_scale=look.log_scale)
        output.write_rendered(*chart, "")


def _points(
    tracker: ExperimentTrackerService, experiment: Experiment, metric: str, x: XAxis
) -> Iterator[tuple[float, float]]:
    points = tracker.get_metric_history(experiment.experiment_id, metric, max_points=_POINTS)
    for point in points:
        yield _position(point, points[0], x), point.value


def _position(point: MetricPoint, first: MetricPoint, x: XAxis) -> float:
    match x:
        case XAxis.TIME:
            return (point.logged_at - first.logged_at).total_seconds()
        case XAxis.EPOCH:
            return float("nan") if point.epoch is None else point.epoch
        case XAxis.STEP:
            return point.step
