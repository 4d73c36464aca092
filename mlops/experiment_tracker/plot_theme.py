"""The look of the tracker's figures: colours of both themes, calm axes, tick texts."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlops import figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Theme",
    "mix",
    "new_figure",
    "save_figure",
    "style_axes",
    "theme_named",
]

_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2)))


@dataclass(frozen=True)
class Theme:
    """Colours of a figure.

    Attributes:
        series: Eight colours that people with the common colour-vision deficiencies can tell apart.
        scale: Two ends and the middle of a scale from worst to best.
        band_alpha: Opacity of minimum–maximum bands.
    """

    background: str
    panel: str
    hairline: str
    grid: str
    text: str
    muted: str
    series: tuple[str, ...]
    scale: tuple[str, str, str]
    band_alpha: float

    def line(self, index: int | None) -> dict[str, Any]:
        """Return colour and dashes of the series at `index`: colours repeat after eight, then dashed. None is grey."""
        if index is None:
            return {"color": self.muted, "linestyle": "-", "linewidth": 0.8, "alpha": 0.3}
        dashes = _DASHES[index // len(self.series) % len(_DASHES)]
        return {"color": self.series[index % len(self.series)], "linestyle": dashes}


_THEMES = {
    "light": Theme(
        background="#ffffff",
        panel="#ffffff",
        hairline="#d9dde2",
        grid="#eceff2",
        text="#1a1d21",
        muted="#626b77",
        series=("#3b5bdb", "#d9780a", "#0b8f6b", "#c2361a", "#a8448a", "#1487bd", "#8a7600", "#5f6874"),
        scale=("#c9d2f0", "#5b78e5", "#0b6e5a"),
        band_alpha=0.20,
    ),
    "dark": Theme(
        background="#0b0c0e",
        panel="#111316",
        hairline="#2a2f37",
        grid="#1b1f24",
        text="#e8eaed",
        muted="#8b939e",
        series=("#6d8dff", "#f0a23b", "#3fc29b", "#ff7a59", "#dc8fc4", "#5ec8f2", "#e2d25c", "#a7b0bc"),
        scale=("#2d3767", "#6d8dff", "#86ead0"),
        band_alpha=0.30,
    ),
}


def theme_named(name: str) -> Theme:
    """Return the colours of `light` or `dark`.

    Raises:
        InvalidInput: There is no such theme.
    """
    return figures.theme_of(_THEMES, name)


def mix(colour: str, other: str, share: float) -> str:
    """Return `colour` with a share of `other` in it, as `#rrggbb`."""
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(own + (theirs - own) * share):02x}" for own, theirs in pairs)


def new_figure(theme: Theme, width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, laid out by itself when it is drawn."""
    return figures.new_figure(theme.background, width, height)


def style_axes(axes: Axes, theme: Theme, *, grid: Literal["x", "y"] = "y", whole_x: bool = False) -> None:
    """Give axes a hairline at the foot, a thin grid across, muted texts and no ticks.

    Args:
        grid: The axis whose ticks have grid lines.
        whole_x: Ticks of the x axis are whole numbers.
    """
    from matplotlib.ticker import MaxNLocator

    axes.set_facecolor(theme.panel)
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis=grid, color=theme.grid, linewidth=0.9)
    axes.tick_params(length=0, pad=5, labelsize=8.5, labelcolor=theme.muted, which="both")
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom" and grid == "y")
        spine.set(color=theme.hairline, linewidth=0.9)
    for axis in (axes.xaxis, axes.yaxis):
        is_whole = whole_x and axis is axes.xaxis
        axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10], integer=is_whole))
        set_tick_texts(axis)


def set_tick_texts(axis: Any) -> None:
    """Write an axis' ticks with equally many decimals, thousands as k and millions as M."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value, axis.get_majorticklocs())))


def tick_text(value: float, ticks: Sequence[float]) -> str:
    """Return a tick's text given all ticks of its axis.

    Example:
        >>> tick_text(0.5, [0, 0.25, 0.5]), tick_text(20000, [0, 20000, 40000]), tick_text(0, [0, 20000, 40000])
        ('0.50', '20k', '0')
    """
    largest = max((abs(tick) for tick in ticks), default=0.0)
    gap = min((abs(b - a) for a, b in itertools.pairwise(ticks) if a != b), default=largest) or 1.0
    if largest and (largest < 1e-4 or largest >= 1e15):
        return f"{value:.1e}" if value else "0"
    unit, letter = next(((size, name) for size, name in _UNITS if largest >= 10 * size), (1.0, ""))
    share = gap / unit
    decimals = max(0, -math.floor(math.log10(share) + 1e-9))
    if round(share * 10**decimals, 6) % 1:  # 0.25 needs one more than 0.2
        decimals += 1
    text = f"{value / unit:.{decimals}f}"
    return "0" if letter and float(text) == 0 else text + letter


_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def save_figure(figure: Figure, path: str | os.PathLike[str], *, dpi: float = 160) -> Path:
    """Write a figure in the format its path's suffix names, making folders on the way.

    Raises:
        InvalidInput: The suffix is none of .png, .svg and .pdf.
    """
    target = Path(path)
    content = figures.figure_bytes(figure, target.suffix.lower().lstrip("."), dpi=dpi)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target
