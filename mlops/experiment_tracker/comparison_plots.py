"""Figures of finished experiments side by side: final metrics as dots, and parameters against a metric as lines.

Histories are drawn by `mlops.experiment_tracker.plots`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops.comparison import Direction, best_direction, best_labels
from mlops.errors import InvalidInput, did_you_mean
from mlops.experiment_tracker.compare import compare
from mlops.experiment_tracker.entities import Experiment
from mlops.experiment_tracker.plot_labels import add_title
from mlops.experiment_tracker.plot_theme import Theme, mix, new_figure, style_axes, theme_named
from mlops.figures import ThemeName, literal
from mlops.formatting import format_metric, format_value, unique_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_comparison", "plot_parallel"]

_MOST_RUNS = 40
_MOST_AXES = 8
_MOST_CHOICES = 12  # distinct texts that an axis can name
_FEW_NUMBERS = 6  # as many distinct numbers are all named at an axis
_LARGEST = 1e150
_LOG_RATIO = 50.0  # positive parameters that span more than this are shown on a log scale


def plot_comparison(
    experiments: Sequence[Experiment],
    metrics: Sequence[str] | None = None,
    *,
    theme: ThemeName = "light",
    title: str = "",
    directions: Mapping[str, Direction] | None = None,
) -> Figure:
    """Return a figure of last metric values: a row a run, a panel a metric, the best in colour.

    Rows are ordered by the first metric, the best on top where its direction is known. Of more than 40 runs the first
    40 in that order are shown, and the rest counted.

    Args:
        experiments: The runs.
        metrics: Panels in this order; None means all, in order of name.
        theme: `light` or `dark`.
        title: Set above the panels.
        directions: Whether `max` or `min` is better, by metric, where `compare.best_direction` does not know.

    Raises:
        InvalidInput: There are no experiments, or none has one of the metrics.
    """
    colours = theme_named(theme)
    names = _chosen_metrics(experiments, metrics)
    sides = {name: (directions or {}).get(name) or best_direction(name) for name in names}
    labels = unique_labels((run.experiment_id, run.name) for run in experiments)
    values = {labels[run.experiment_id]: {name: run.metrics.get(name) for name in names} for run in experiments}
    ordered = _ordered(values, names[0], sides[names[0]])
    shown = ordered[:_MOST_RUNS]
    figure = new_figure(colours, 2.2 + 2.6 * len(names), 0.9 + 0.29 * len(shown))
    add_title(figure, colours, title)
    for place, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), place + 1)
        column = {label: values[label][name] for label in shown}
        _draw_dots(axes, name, column, colours, sides[name], with_names=place == 0)
    if len(ordered) > len(shown):
        figure.supxlabel(f"and {len(ordered) - len(shown)} more runs", color=colours.muted, fontsize=8.5)
    return figure


def plot_parallel(
    experiments: Sequence[Experiment],
    metric: str,
    parameters: Sequence[str] | None = None,
    *,
    theme: ThemeName = "light",
    title: str = "",
    directions: Mapping[str, Direction] | None = None,
) -> Figure:
    """Return parallel coordinates: an axis a parameter, the metric last, a line a run coloured by the metric.

    Numbers stand by size, on a log scale where they are positive and span more than 1:50; other values by name. Runs
    without the metric are left out; a run without a parameter has its own place at the foot of that axis.

    Args:
        experiments: The runs.
        metric: The axis on the right.
        parameters: Axes in this order, nested ones as `optimizer.lr`; None means those that differ, eight at most.
        theme: `light` or `dark`.
        title: Set above the axes.
        directions: Whether `max` or `min` is better, where `compare.best_direction` does not know; the best is on top
            of the others and drawn stronger.

    Raises:
        InvalidInput: No experiment has the metric, or no parameter differs.
    """
    colours = theme_named(theme)
    _chosen_metrics(experiments, [metric])
    runs = [run for run in experiments if not _is_missing(run.metrics.get(metric))]
    if not runs:
        raise InvalidInput(f"Metric {metric!r} has no finite value in any of the experiments.")
    table = compare(runs)
    axes_of = [_axis(name, list(table.loc[f"params.{name}"])) for name in _chosen_parameters(table, parameters)]
    axes_of.append(_axis(metric, [float(run.metrics[metric]) for run in runs]))
    figure = new_figure(colours, 2.0 + 1.75 * len(axes_of), 4.4)
    add_title(figure, colours, title)
    side = (directions or {}).get(metric) or best_direction(metric) or "max"
    _draw_parallel(figure.add_subplot(), axes_of, colours, side)
    return figure


def _chosen_metrics(experiments: Sequence[Experiment], metrics: Sequence[str] | None) -> list[str]:
    if not experiments:
        raise InvalidInput("There are no experiments to plot. Pass one or more.")
    known = sorted({name for run in experiments for name in run.metrics})
    for name in metrics or ():
        if name not in known:
            hint = did_you_mean(name, known) or f"There are: {', '.join(known[:20]) or 'none'}."
            raise InvalidInput(f"None of the experiments has a metric {name!r}. {hint}")
    chosen = list(dict.fromkeys(known if metrics is None else metrics))
    if not chosen:
        raise InvalidInput("The experiments have no metrics to plot. Log some first.")
    return chosen


def _ordered(values: Mapping[str, Mapping[str, Any]], metric: str, direction: Direction | None) -> list[str]:
    """Return labels with the best first and those without a number last."""
    sign = -1.0 if direction == "max" else 1.0

    def rank(label: str) -> tuple[bool, float]:
        value = values[label][metric]
        is_missing = value is None or math.isnan(value)
        return is_missing, 0.0 if is_missing or direction is None else sign * value

    return sorted(values, key=rank)


def _draw_dots(
    axes: Axes,
    name: str,
    column: Mapping[str, float | None],
    theme: Theme,
    direction: Direction | None,
    *,
    with_names: bool,
) -> None:
    style_axes(axes, theme, grid="x")
    axes.set_title(literal(name, 26), loc="left", color=theme.text, fontsize=10.5, fontweight="bold", pad=9)
    finite = {label: value for label, value in column.items() if value is not None and not _is_missing(value)}
    best = best_labels(finite, direction) if direction else ()
    quiet = mix(theme.muted, theme.panel, 0.25)
    for row, (label, value) in enumerate(column.items()):
        colour = theme.series[0] if label in best else quiet
        if label in finite:
            axes.plot([finite[label]], [row], marker="o", markersize=7, color=colour, clip_on=False)
        weight = "bold" if label in best else "normal"
        axes.text(
            1.03, row, format_metric(value), transform=axes.get_yaxis_transform(), va="center", fontsize=9,
            color=theme.text if label in best else theme.muted, fontweight=weight,
        )  # fmt: skip
    axes.set_ylim(len(column) - 0.4, -0.6)
    axes.margins(x=0.08)
    names = [literal(label) for label in column] if with_names else []
    axes.set_yticks(range(len(column)) if with_names else [], names)
    axes.tick_params(axis="y", labelcolor=theme.text, labelsize=9)
    axes.hlines(
        range(len(column)), 0, 1, transform=axes.get_yaxis_transform(), color=theme.grid, linewidth=0.9, zorder=0
    )


@dataclass(frozen=True)
class _Axis:
    """One upright axis: a height between 0 and 1 for each run, and texts at some heights."""

    name: str
    heights: tuple[float, ...]
    marks: tuple[tuple[float, str], ...]


def _chosen_parameters(table: Any, parameters: Sequence[str] | None) -> list[str]:
    prefix = "params."
    known = [name.removeprefix(prefix) for name in table.index if name.startswith(prefix)]
    differing = [name for name in known if prefix + name in table.attrs["differs"]]
    for name in parameters or ():
        if name not in known:
            hint = did_you_mean(name, known) or f"There are: {', '.join(known[:20]) or 'none'}."
            raise InvalidInput(f"None of the experiments has a parameter {name!r}. {hint}")
    chosen = differing[:_MOST_AXES] if parameters is None else list(parameters)
    if not chosen:
        raise InvalidInput("No parameter differs between the experiments. Name the parameters to show.")
    return chosen


def _axis(name: str, values: Sequence[Any]) -> _Axis:
    present = [value for value in values if not _is_missing(value)]
    if present and all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
        return _number_axis(name, values, [float(value) for value in present])
    return _choice_axis(name, values)


def _number_axis(name: str, values: Sequence[Any], present: Sequence[float]) -> _Axis:
    is_log = min(present) > 0 and math.log(max(present)) - math.log(min(present)) > math.log(_LOG_RATIO)
    scaled, unscaled = (math.log, math.exp) if is_log else (float, float)
    low, high = scaled(min(present)), scaled(max(present))
    foot = 0.12 if len(present) < len(values) else 0.0

    def height(value: Any) -> float:
        if _is_missing(value):
            return 0.0
        return foot + (1 - foot) * (0.5 if low == high else (scaled(value) - low) / (high - low))

    numbers = sorted(set(present))
    if len(numbers) > _FEW_NUMBERS:
        numbers = [unscaled(low + (high - low) * quarter / 4) for quarter in range(5)]
    marks = [(height(number), f"{number:,.0f}" if 1000 <= abs(number) < 1e7 else f"{number:.3g}") for number in numbers]
    return _Axis(name, tuple(map(height, values)), (*marks, *([(0.0, "none")] if foot else [])))


def _choice_axis(name: str, values: Sequence[Any]) -> _Axis:
    texts = ["none" if _is_missing(value) else format_value(value, most=16) for value in values]
    choices = sorted(set(texts))
    places = {text: index / (len(choices) - 1) if len(choices) > 1 else 0.5 for index, text in enumerate(choices)}
    every = -(-len(choices) // _MOST_CHOICES)
    return _Axis(name, tuple(places[text] for text in texts), tuple((places[text], text) for text in choices[::every]))


def _is_missing(value: Any) -> bool:
    """Tell whether a value has no place on an axis: none, not a number, or beyond the arithmetic of axes."""
    return value is None or (isinstance(value, int | float) and not abs(value) < _LARGEST)


def _draw_parallel(axes: Axes, columns: Sequence[_Axis], theme: Theme, side: Direction) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    axes.set_axis_off()
    axes.set_xlim(-0.25, len(columns) - 0.6)
    axes.set_ylim(-0.06, 1.14)
    colours = LinearSegmentedColormap.from_list("worst to best", theme.scale)
    ranks = [height if side == "max" else 1 - height for height in columns[-1].heights]
    order = sorted(range(len(ranks)), key=ranks.__getitem__)  # the best is drawn last, on top
    opacity = max(0.25, min(0.9, 12 / len(order)))
    for run in order:
        is_best = run == order[-1]
        look = {"edgecolor": colours(ranks[run]), "linewidth": 2.6 if is_best else 1.2}
        _draw_curve(axes, [column.heights[run] for column in columns], alpha=1.0 if is_best else opacity, **look)
    for place, column in enumerate(columns):
        _draw_axis(axes, place, column, theme, is_last=place == len(columns) - 1)


def _draw_curve(axes: Axes, heights: Sequence[float], **look: Any) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points, codes = [(0.0, heights[0])], [Path.MOVETO]
    for place, (left, right) in enumerate(itertools.pairwise(heights)):
        points += [(place + 0.45, left), (place + 0.55, right), (place + 1.0, right)]
        codes += [Path.CURVE4] * 3
    axes.add_patch(PathPatch(Path(points, codes), facecolor="none", capstyle="round", **look))


def _draw_axis(axes: Axes, place: int, column: _Axis, theme: Theme, *, is_last: bool) -> None:
    axes.plot([place, place], [0, 1], color=theme.muted, linewidth=1.0, zorder=3)
    weight = "bold" if is_last else "normal"
    axes.text(place, 1.08, literal(column.name, 22), ha="center", color=theme.text, fontsize=9.5, fontweight=weight)
    box = {"facecolor": theme.background, "edgecolor": "none", "alpha": 0.8, "pad": 1.2}
    for height, text in column.marks:
        axes.text(
            place + 0.035, height, literal(text), va="center", color=theme.muted, fontsize=8.5, zorder=4, bbox=box
        )
