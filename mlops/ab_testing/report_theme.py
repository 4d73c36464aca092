"""Colours and calm axes of a report's picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops import figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from mlops.ab_testing.report_words import Tone

__all__ = ["Theme", "new_figure", "panel", "theme_named"]

_MARGIN = 0.018  # of the figure's width


@dataclass(frozen=True)
class Theme:
    """Colours of a figure.

    Attributes:
        series: Control's colour, then eight of treatments.
        tones: What is good, bad, to be warned of, and neither.
    """

    background: str
    hairline: str
    band: str
    text: str
    muted: str
    series: tuple[str, ...]
    tones: dict[Tone, str]

    def colour(self, place: int) -> str:
        """Return the colour of the variant at a place, control first; those of treatments repeat after eight."""
        return self.series[(place - 1) % (len(self.series) - 1) + 1] if place else self.series[0]


_THEMES = {
    "light": Theme(
        background="#ffffff",
        hairline="#e3e6ea",
        band="#f0f2f5",
        text="#1a1d21",
        muted="#5f6874",
        series=(
            "#8a93a0", "#3b5bdb", "#d9780a", "#0b8f6b", "#c2361a", "#a8448a", "#1487bd", "#8a7600", "#6b5bd0",
        ),
        tones={"good": "#147a4b", "bad": "#c9372c", "warn": "#8a5a00", "quiet": "#5f6874"},
    ),
    "dark": Theme(
        background="#0b0c0e",
        hairline="#2a2f37",
        band="#171a1f",
        text="#e8eaed",
        muted="#8b939e",
        series=(
            "#737c88", "#6d8dff", "#f0a23b", "#3fc29b", "#ff7a59", "#dc8fc4", "#5ec8f2", "#e2d25c", "#a99cff",
        ),
        tones={"good": "#46c48a", "bad": "#ff6f61", "warn": "#e0b04b", "quiet": "#8b939e"},
    ),
}  # fmt: skip


def theme_named(name: str) -> Theme:
    """Return the colours of `light` or `dark`.

    Raises:
        InvalidInput: There is no such theme.
    """
    return figures.theme_of(_THEMES, name)


def new_figure(theme: Theme, width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, laid out by itself when it is drawn."""
    return figures.new_figure(theme.background, width, height, pad=0.16, gap=0.04)


def panel(part: SubFigure, theme: Theme, title: str, *, is_bad: bool = False) -> Axes:
    """Return the axes of a part of a figure: a title at its left, muted texts, no frame.

    Args:
        is_bad: Whether the title warns.
    """
    colour = theme.tones["bad"] if is_bad else theme.text
    left = _MARGIN / part.bbox_relative.width
    part.suptitle(title, x=left, ha="left", fontsize=9.5, fontweight="bold", color=colour)
    axes = part.add_subplot()
    axes.set_facecolor(theme.background)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=5, labelsize=8.5, labelcolor=theme.muted, which="both")
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes
