"""Figures of metric histories: one panel a metric, one line a run.

Histories of more than `DENSE` points are drawn as a band between each bucket's minimum and maximum with the mean as a
line, so that no spike is lost and no ink is wasted. Smoothing shows the raw values faintly behind. Final values side by
side are in `mlops.experiment_tracker.comparison_plots`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from mlops.comparison import Direction, best_direction
from mlops.errors import InvalidInput, did_you_mean
from mlops.experiment_tracker.downsample import Envelope, downsample, envelope, envelope_by_position
from mlops.experiment_tracker.entities import SYSTEM_PREFIX
from mlops.experiment_tracker.plot_labels import add_legend, add_title, label_ends
from mlops.experiment_tracker.plot_theme import Theme, mix, new_figure, style_axes, theme_named
from mlops.figures import ThemeName, literal
from mlops.formatting import format_metric

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

__all__ = ["DENSE", "plot_metrics", "smooth"]

DENSE = 1500
"""Points beyond which a history is drawn as a band and a mean."""

XAxis = Literal["step", "time", "epoch"]

_BUCKETS = 320
_LARGEST = 1e150  # beyond it, the arithmetic of axes overflows
_MOST_POINTS = 2000
_FEW = 40  # histories this short show their points
_DIRECT_LABELS = 8  # runs that one panel names at the ends of their lines
_MOST_COLOURED = 16  # more runs than this and only the best of them are coloured
_COLOURED_OF_MANY = 8
_NOT_METRICS = ("step", "epoch", "timestamp")
_TIME_UNITS = (("d", 86_400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))
_SIZES = {1: (8.6, 4.3), 2: (5.4, 3.3), 3: (4.5, 2.8)}  # inches of a panel by number of columns


@dataclass(frozen=True)
class _Line:
    """One run's history of one metric, ready to draw.

    Attributes:
        index: Number of the run's colour; None in the crowd that is drawn grey.
        hidden: Number of values that the axis cannot show.
    """

    label: str
    index: int | None
    x: Numbers
    y: Numbers
    hidden: int = 0


_End = tuple[_Line, float]  # a run, and the height at which its drawn line ends


def plot_metrics(
    histories: Mapping[str, pd.DataFrame],
    metrics: Sequence[str] | None = None,
    *,
    smoothing: float = 0.0,
    log_scale: bool = False,
    x: XAxis = "step",
    theme: ThemeName = "light",
    title: str = "",
    directions: Mapping[str, Direction] | None = None,
) -> Figure:
    """Return a figure of metric histories of one or several runs.

    The best value of a metric is ringed and told beside the panel's name when its direction is known. NaN interrupts a
    line; infinities, sizes beyond 1e150, and on a log scale values not above 0 are left out and counted in a note. Of
    more than 16 runs, the eight best by the first metric are coloured and named, the others stay grey.

    Args:
        histories: By run label, a table as `get_experiment_metrics` returns it: `step`, `timestamp`, maybe `epoch`, and
            one column per metric. NaN beside a value of another metric means not measured; a row of nothing but NaN
            is a gap.
        metrics: Panels in this order; None means all but those sampled from the machine.
        smoothing: Weight of the past in an exponential moving average, from 0 (none) to below 1; see `smooth`.
        log_scale: Logarithmic values axis.
        x: `step`, `epoch`, or `time` since each run's first value.
        theme: `light` or `dark`.
        title: Set above the panels.
        directions: Whether `max` or `min` is better, by metric, where `compare.best_direction` does not know.

    Raises:
        InvalidInput: There are no runs, a metric is in none of them, smoothing is out of range, or a run has no epochs.
    """
    if not 0 <= smoothing < 1:
        raise InvalidInput(f"smoothing is {smoothing}. Pass a number from 0 up to, but below, 1.")
    names = _chosen(histories, metrics)
    colours = theme_named(theme)
    sides = {name: (directions or {}).get(name) or best_direction(name) for name in names}
    panels = {name: _lines(histories, name, x, log_scale=log_scale) for name in names}
    if len(histories) > _MOST_COLOURED:
        panels = _with_crowd(panels, sides[names[0]])
    unit, size = _time_unit(panels) if x == "time" else ("", 1.0)
    figure, grid = _grid(colours, len(names))
    ends: list[_End] = []
    for axes, (name, lines) in zip(grid, panels.items(), strict=True):
        scaled = [replace(line, x=line.x / size) for line in lines]
        style_axes(axes, colours, whole_x=not unit)
        ends = _draw_panel(axes, name, scaled, colours, smoothing=smoothing, log_scale=log_scale)
        note = _hidden_note(lines)
        axes.set_xlabel((f"time, {unit}" if unit else x) + note, color=colours.muted, fontsize=9)
        _tell_best(axes, scaled, colours, sides[name], unit or x)
    _name_runs(figure, grid, panels, ends, theme=colours, title=title)
    return figure


def smooth(values: Numbers, weight: float) -> Numbers:
    """Return the exponential moving average of a history, corrected for its start.

    With weight w, the result at point t is the mean of the points up to t weighted by w to the power of their distance:
    Σ wⁱ·v[t−i] / Σ wⁱ. Dividing by the sum keeps the first points from being drawn towards 0. NaN stays NaN and does
    not count; the distance is in points, whatever their steps.

    Args:
        values: A history in order.
        weight: From 0 (no smoothing) to below 1; 0.9 averages over about ten points.
    """
    import numpy as np
    import pandas as pd

    series = pd.Series(np.where(np.isfinite(values), values, np.nan), dtype=np.float64)
    averaged = series.ewm(alpha=1 - weight, adjust=True, ignore_na=True).mean()
    return averaged.where(series.notna()).to_numpy(dtype=np.float64)


def _chosen(histories: Mapping[str, pd.DataFrame], metrics: Sequence[str] | None) -> list[str]:
    if not histories:
        raise InvalidInput("There are no runs to plot. Pass one history or more.")
    known = list(dict.fromkeys(str(c) for frame in histories.values() for c in frame.columns if c not in _NOT_METRICS))
    wanted = [name for name in known if not name.startswith(SYSTEM_PREFIX)] if metrics is None else list(metrics)
    for name in wanted:
        if name not in known:
            hint = did_you_mean(name, known) or f"There are: {', '.join(known[:20]) or 'none'}."
            raise InvalidInput(f"None of the runs has a metric {name!r}. {hint}")
    if not wanted:
        raise InvalidInput(
            "The runs have no metrics to plot. Log some, or name metrics of the machine such as system/…."
        )
    return list(dict.fromkeys(wanted))


def _lines(histories: Mapping[str, pd.DataFrame], metric: str, x: XAxis, *, log_scale: bool) -> list[_Line]:
    lines = []
    for index, (label, frame) in enumerate(histories.items()):
        if metric in frame.columns:
            positions, values = _points(label, frame, metric, x)
            lines.append(_shown(label, index, positions, values, log_scale=log_scale))
    return lines


def _points(label: str, frame: pd.DataFrame, metric: str, x: XAxis) -> tuple[Numbers, Numbers]:
    """Return positions and values of a metric where it was measured, and its gaps."""
    import numpy as np

    others = [name for name in frame.columns if name not in _NOT_METRICS]
    was_logged = (frame[metric].notna() | frame[others].isna().all(axis=1)).to_numpy()
    values = frame[metric].to_numpy(dtype=np.float64)[was_logged]
    if x == "time":
        elapsed = (frame["timestamp"] - frame["timestamp"].min()).dt.total_seconds()
        return elapsed.to_numpy(dtype=np.float64)[was_logged], values
    if x not in frame.columns:
        raise InvalidInput(f"Run {label!r} was logged without {x}s. Plot it over x='step' or x='time'.")
    return frame[x].to_numpy(dtype=np.float64, na_value=np.nan)[was_logged], values


def _shown(label: str, index: int, x: Numbers, y: Numbers, *, log_scale: bool) -> _Line:
    """Turn what the axis cannot show into gaps, and count it."""
    import numpy as np

    is_number = ~np.isnan(y)
    with np.errstate(invalid="ignore"):
        fits = (y > 1 / _LARGEST) & (y < _LARGEST) if log_scale else np.abs(y) < _LARGEST
    placed = ~np.isnan(x)
    order = np.argsort(x[placed], kind="stable")
    shown = np.where(fits, y, np.nan)[placed][order]
    return _Line(label, index, x[placed][order], shown, int((is_number & ~fits).sum()))


def _time_unit(panels: Mapping[str, Sequence[_Line]]) -> tuple[str, float]:
    longest = max((line.x.max() for lines in panels.values() for line in lines if len(line.x)), default=0.0)
    return next(((unit, size) for unit, size in _TIME_UNITS if longest >= 2 * size), ("s", 1.0))


def _with_crowd(panels: Mapping[str, Sequence[_Line]], direction: Direction | None) -> dict[str, list[_Line]]:
    """Leave a colour to the best runs of the first metric, to the first runs where no direction is known."""
    first = [line for line in next(iter(panels.values())) if _has_numbers(line)]
    if direction is not None:
        first.sort(key=lambda line: _best_of(line, direction), reverse=direction == "max")
    colours = {line.label: index for index, line in enumerate(first[:_COLOURED_OF_MANY])}
    return {
        name: sorted(
            (replace(line, index=colours.get(line.label)) for line in lines), key=lambda line: line.index is not None
        )
        for name, lines in panels.items()
    }


def _has_numbers(line: _Line) -> bool:
    import numpy as np

    return bool(np.isfinite(line.y).any())


def _best_of(line: _Line, direction: Direction) -> float:
    import numpy as np

    return float(np.nanmax(line.y) if direction == "max" else np.nanmin(line.y))


def _grid(theme: Theme, count: int) -> tuple[Figure, list[Axes]]:
    columns = 1 if count == 1 else 2 if count in {2, 4} else 3
    rows = math.ceil(count / columns)
    width, height = _SIZES[columns]
    figure = new_figure(theme, width * columns, height * rows)
    return figure, [figure.add_subplot(rows, columns, place + 1) for place in range(count)]


def _draw_panel(
    axes: Axes, name: str, lines: Sequence[_Line], theme: Theme, *, smoothing: float, log_scale: bool
) -> list[_End]:
    axes.set_title(literal(name, 44), loc="left", color=theme.text, fontsize=10.5, fontweight="bold", pad=9)
    drawable = [line for line in lines if _has_numbers(line)]
    if not drawable:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "no numbers to show", transform=axes.transAxes, ha="center", color=theme.muted, fontsize=9)
        return []
    band_alpha = theme.band_alpha * (1.6 if len(drawable) == 1 else min(1.0, 2 / len(drawable)))
    ends = [_draw_line(axes, line, theme, smoothing=smoothing, band_alpha=band_alpha) for line in drawable]
    if log_scale:
        _set_log_scale(axes)
    axes.margins(x=0.015, y=0.08)
    return ends


def _draw_line(axes: Axes, line: _Line, theme: Theme, *, smoothing: float, band_alpha: float) -> _End:
    style = theme.line(line.index)
    band = _band(line)
    x, y = line.x, line.y
    if band is not None:
        if line.index is not None:
            axes.fill_between(band.x, band.low, band.high, color=style["color"], alpha=band_alpha, linewidth=0)
        if band_alpha > theme.band_alpha:  # alone: a lighter line stands out from its strong band
            style = {**style, "color": mix(style["color"], theme.text, 0.6)}
    elif smoothing and line.index is not None:
        axes.plot(x, y, color=style["color"], linewidth=1.0, alpha=0.35)
    if band is not None and (not smoothing or _shares_positions(line)):
        x, y = band.x, band.mean
    if smoothing:
        x, y = downsample(x, smooth(y, smoothing), _MOST_POINTS)
    axes.plot(x, y, **{"linewidth": 1.7, "solid_capstyle": "round", "solid_joinstyle": "round", **style})
    _draw_points(axes, x, y, style)
    return line, _last(y)


def _band(line: _Line) -> Envelope | None:
    """Return buckets for a dense history, or for one with several values at a position, as within an epoch."""
    if _shares_positions(line):
        pooled = envelope_by_position(line.x, line.y)
        return pooled if len(pooled.x) <= DENSE else envelope(line.x, line.y, _BUCKETS)
    return envelope(line.x, line.y, _BUCKETS) if len(line.y) > DENSE else None


def _shares_positions(line: _Line) -> bool:
    return bool((line.x[1:] == line.x[:-1]).any())


def _last(values: Numbers) -> float:
    import numpy as np

    return float(values[np.flatnonzero(np.isfinite(values))[-1]])


def _draw_points(axes: Axes, x: Numbers, y: Numbers, style: Mapping[str, Any]) -> None:
    """Mark the points of a short history, and those that no line reaches because both neighbours are gaps."""
    import numpy as np

    is_there = np.isfinite(y)
    padded = np.concatenate([[False], is_there, [False]])
    is_isolated = is_there & ~padded[:-2] & ~padded[2:]
    marked = is_there if len(y) <= _FEW else is_isolated
    look = {"color": style["color"], "alpha": style.get("alpha", 1.0)}
    axes.plot(x[marked], y[marked], linestyle="none", marker="o", markersize=3.6, **look)


def _set_log_scale(axes: Axes) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

    axes.set_yscale("log")
    low, high = axes.dataLim.intervaly
    decades = math.log10(high / low)
    locator = LogLocator(subs=(1.0,) if decades > 3 else (1.0, 2.0, 5.0), numticks=8)
    axes.yaxis.set_major_locator(locator if decades > 0.7 else MaxNLocator(nbins=5))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _hidden_note(lines: Sequence[_Line]) -> str:
    hidden = sum(line.hidden for line in lines)
    return f"   ({hidden:,} {'value' if hidden == 1 else 'values'} out of range, not shown)" if hidden else ""


def _tell_best(axes: Axes, lines: Sequence[_Line], theme: Theme, direction: Direction | None, x_name: str) -> None:
    import numpy as np

    present = [line for line in lines if _has_numbers(line)]
    if not present or direction is None:
        return
    find = np.nanargmax if direction == "max" else np.nanargmin
    points = [(line, int(find(line.y))) for line in present]
    line, place = (max if direction == "max" else min)(points, key=lambda point: point[0].y[point[1]])
    where = f"{x_name} {line.x[place]:,.6g}" if x_name in {"step", "epoch"} else f"{line.x[place]:.3g} {x_name}"
    who = f"{literal(line.label, 24)} · " if len(lines) > 1 else ""
    told = f"best {format_metric(line.y[place])} · {who}{where}"
    axes.set_title(told, loc="right", color=theme.muted, fontsize=8.5, pad=9)
    ring: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": theme.text, "markeredgewidth": 1.3}
    axes.plot([line.x[place]], [line.y[place]], marker="o", markersize=7, zorder=5, **ring)


def _name_runs(
    figure: Figure,
    grid: Sequence[Axes],
    panels: Mapping[str, Sequence[_Line]],
    ends: Sequence[_End],
    *,
    theme: Theme,
    title: str,
) -> None:
    """Name runs at the ends of their lines where that is clear, else in a legend above the panels."""
    everyone = {line.label: line.index for lines in panels.values() for line in lines}
    if len(everyone) > 1 and (len(grid) > 1 or len(everyone) > _DIRECT_LABELS):
        add_legend(figure, everyone, theme, title=title)
        return
    add_title(figure, theme, title)
    if len(everyone) > 1:
        label_ends(grid[0], [(line.label, line.index, y) for line, y in ends], theme)
