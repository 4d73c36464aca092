"""Names of runs in a figure: a legend above the panels, or labels at the ends of lines that keep apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops.experiment_tracker.plot_theme import Theme
from mlops.figures import literal
from mlops.formatting import format_metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["add_legend", "add_title", "label_ends", "spread"]


def add_title(figure: Figure, theme: Theme, title: str) -> None:
    """Set a figure's title at its upper left; an empty one sets none."""
    if title:
        figure.set_figheight(figure.get_figheight() + 0.35)
        figure.suptitle(literal(title, 120), x=0.012, ha="left", color=theme.text, fontsize=13, fontweight="bold")


def add_legend(figure: Figure, everyone: Mapping[str, int | None], theme: Theme, *, title: str = "") -> None:
    """Put the legend, with the figure's title over it, above the panels, and make room for it.

    Args:
        everyone: Number of each run's colour by its label; runs with None are counted, not named.
    """
    from matplotlib.lines import Line2D

    by_colour = sorted((index, label) for label, index in everyone.items() if index is not None)
    named = {label: index for index, label in by_colour}
    names = [literal(label, 36) for label in named]
    handles = [Line2D([], [], **{"linewidth": 2.2, **theme.line(index)}) for index in named.values()]
    if len(everyone) > len(named):
        names.append(f"{len(everyone) - len(named)} others")
        handles.append(Line2D([], [], **theme.line(None)))
    rows = math.ceil(len(names) / max(1, int(figure.get_figwidth() / (0.085 * max(map(len, names)) + 0.6))))
    figure.set_figheight(figure.get_figheight() + 0.2 * rows + (0.35 if title else 0.1))
    figure.legend(
        handles,
        names,
        loc="outside upper left",
        title=literal(title, 120) or None,
        title_fontproperties={"size": 13, "weight": "bold"},
        alignment="left",
        ncols=math.ceil(len(names) / rows),
        frameon=False,
        fontsize=9,
        labelcolor=theme.text,
        handlelength=2.0,
        columnspacing=1.6,
    ).get_title().set_color(theme.text)


def label_ends(axes: Axes, ends: Sequence[tuple[str, int | None, float]], theme: Theme) -> None:
    """Write each run's name and end right of the panel, at its line's height, moved apart where they touch.

    Args:
        ends: Name, number of the series, and last value drawn of each run.
    """
    axes.get_ylim()  # settles the limits, without which heights are not known yet
    to_panel = axes.transData + axes.transAxes.inverted()
    placed = sorted((float(to_panel.transform((1, y))[1]), y, label, index or 0) for label, index, y in ends)
    heights = spread([height for height, *_ in placed], gap=0.056)
    for (height, value, label, index), shown in zip(placed, heights, strict=True):
        style: dict[str, Any] = theme.line(index)
        leader = {"transform": axes.transAxes, "clip_on": False, **style, "linewidth": 0.9}
        axes.plot([1.004, 1.028], [height, shown], **leader)
        text = f"{literal(label, 28)}  {format_metric(value)}"
        axes.text(1.035, shown, text, transform=axes.transAxes, va="center", color=style["color"], fontsize=9)


def spread(heights: Sequence[float], *, gap: float) -> list[float]:
    """Return ascending heights moved as little as needed to be `gap` apart, about their common middle.

    Example:
        >>> spread([0.0, 1.0, 1.0], gap=0.5)
        [0.0, 0.75, 1.25]
    """
    clusters: list[list[float]] = []
    for height in heights:
        clusters.append([height])
        while len(clusters) > 1 and _bottom(clusters[-1], gap) < _top(clusters[-2], gap) + gap:
            clusters[-2:] = [clusters[-2] + clusters[-1]]
    return [_bottom(cluster, gap) + gap * place for cluster in clusters for place in range(len(cluster))]


def _bottom(cluster: Sequence[float], gap: float) -> float:
    return sum(cluster) / len(cluster) - gap * (len(cluster) - 1) / 2


def _top(cluster: Sequence[float], gap: float) -> float:
    return sum(cluster) / len(cluster) + gap * (len(cluster) - 1) / 2
