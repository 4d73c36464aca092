"""Colours and calm axes of a report's picture, and files that repeat byte for byte.

No state of `pyplot` is changed: every figure stands alone and can be drawn in any thread.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mlops.errors import InvalidInput, did_you_mean
from mlops.formatting import elide

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from mlops.ab_testing.report_words import Tone

__all__ = ["FORMATS", "Theme", "ThemeName", "figure_bytes", "literal", "new_figure", "panel", "theme_named"]

FORMATS = ("png", "svg", "pdf")
"""What a figure can be written as."""

ThemeName = Literal["light", "dark"]
_MARGIN = 0.018  # of the figure's width
_PLACES = 5  # of a figure's width and height: a tenth of a pixel
_SALT = "tracseq"  # makes the ids within an SVG the same every time


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
    if name not in _THEMES:
        raise InvalidInput(f"There is no theme {name!r}. {did_you_mean(name, _THEMES)} Choose light or dark.")
    return _THEMES[name]


def literal(text: str, most: int = 40) -> str:
    """Return text short enough for a figure that matplotlib shows as it is, dollar signs included."""
    return elide(text, most).replace("$", r"\$")


def new_figure(theme: Theme, width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, laid out by itself when it is drawn."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, facecolor=theme.background, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.16, h_pad=0.1, wspace=0.04, hspace=0.04)  # type: ignore[union-attr, call-arg]
    return figure


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


def figure_bytes(figure: Figure, file_format: str, *, dpi: float = 160) -> bytes:
    """Return a figure as a file's bytes; the same figure gives the same bytes.

    Raises:
        InvalidInput: The format is none of `FORMATS`.
    """
    from matplotlib import rc_context

    if file_format not in FORMATS:
        raise InvalidInput(f"A report cannot be drawn as {file_format!r}. Choose one of {', '.join(FORMATS)}.")
    dates = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": _SALT}), warnings.catch_warnings():  # the only way to set it; put back at once
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)  # a name in a rare script is a box
        _settle(figure)
        figure.savefig(
            buffer, format=file_format, dpi=dpi, metadata=dates[file_format], facecolor=figure.get_facecolor()
        )
    return buffer.getvalue()


def _settle(figure: Figure) -> None:
    """Lay a figure out and round where its parts are: the last digits of the layout's solver differ from run to run."""
    from matplotlib.transforms import Bbox

    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    parts = list(figure.subfigs)
    while parts:
        part = parts.pop()
        parts.extend(part.subfigs)
        box = part.bbox_relative
        box.p0, box.p1 = box.p0.round(_PLACES), box.p1.round(_PLACES)
    for axes in figure.axes:
        axes.set_position(Bbox(axes.get_position(original=True).get_points().round(_PLACES)))
