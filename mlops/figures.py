"""Figures of matplotlib that stand alone, and files of them that repeat byte for byte.

No state of `pyplot` and no `rcParams` are changed, so that a figure can be drawn in any thread.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeVar

from mlops.errors import InvalidInput, did_you_mean
from mlops.formatting import elide

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FORMATS", "ThemeName", "figure_bytes", "literal", "new_figure", "theme_of"]

FORMATS = ("png", "svg", "pdf")
"""What a figure can be written as."""

ThemeName = Literal["light", "dark"]
_PLACES = 5  # of a figure's width and height: a tenth of a pixel
_SALT = "tracseq"  # makes the ids within an SVG the same every time
_T = TypeVar("_T")


def theme_of(themes: Mapping[str, _T], name: str) -> _T:
    """Return the colours of `light` or `dark`.

    Raises:
        InvalidInput: There is no such theme.
    """
    if name not in themes:
        raise InvalidInput(f"There is no theme {name!r}. {did_you_mean(name, themes)} Choose light or dark.")
    return themes[name]


def literal(text: str, most: int = 32) -> str:
    """Return text short enough for a figure that matplotlib shows as it is, dollar signs included."""
    return elide(text, most).replace("$", r"\$")


def new_figure(background: str, width: float, height: float, *, pad: float = 0.12, gap: float = 0.03) -> Figure:
    """Return an empty figure, laid out by itself when it is drawn.

    Args:
        background: Its colour.
        width: In inches, as `height`.
        pad: Inches at the left and right of each part.
        gap: Share of its width between parts.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, facecolor=background, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=pad, h_pad=0.1, wspace=gap, hspace=0.04)  # type: ignore[union-attr, call-arg]
    return figure


def figure_bytes(figure: Figure, file_format: str = "png", *, dpi: float = 160) -> bytes:
    """Return a figure as a file's bytes; the same figure gives the same bytes.

    Args:
        file_format: One of `FORMATS`.
        dpi: Pixels per inch of a PNG.

    Raises:
        InvalidInput: It is none of these formats.
    """
    from matplotlib import rc_context

    if file_format not in FORMATS:
        raise InvalidInput(f"A figure cannot be written as {file_format!r}. Choose one of {', '.join(FORMATS)}.")
    dates = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": _SALT}), warnings.catch_warnings():  # the only way to set it; put back at once
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)  # a name in a rare script is a box
        with _settled(figure):
            figure.savefig(
                buffer, format=file_format, dpi=dpi, metadata=dates[file_format], facecolor=figure.get_facecolor()
            )
    return buffer.getvalue()


@contextmanager
def _settled(figure: Figure) -> Iterator[None]:
    """Lay a figure out and round where its parts are: the last digits of the layout's solver differ from run to run."""
    from matplotlib.transforms import Bbox

    figure.draw_without_rendering()
    engine = figure.get_layout_engine()
    figure.set_layout_engine("none")
    parts = list(figure.subfigs)
    while parts:
        part = parts.pop()
        parts.extend(part.subfigs)
        box = part.bbox_relative
        box.p0, box.p1 = box.p0.round(_PLACES), box.p1.round(_PLACES)
    for axes in figure.axes:
        axes.set_position(Bbox(axes.get_position(original=True).get_points().round(_PLACES)), which="both")
        axes.set_in_layout(True)
    try:
        yield
    finally:
        figure.set_layout_engine(engine)
