"""A line chart of text for terminals: dots of braille, two wide and four high in each character, a colour a series."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["draw_lines"]

Points = Sequence[tuple[float, float]]

_COLOURS = ("blue", "yellow", "green", "magenta", "cyan", "red", "white", "bright_black")
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # bits of U+2800 by column, then row, of a character
_LABEL = 9


def draw_lines(
    series: Mapping[str, Points], *, title: str, width: int = 80, height: int = 12, log_scale: bool = False
) -> list[Text]:
    """Return the lines of a chart: a title, the plot between its axes, and a legend.

    Args:
        series: Points (x, y) by label, x ascending. Values that are not finite, and on a log scale those not above 0,
            interrupt a line.
        width: Characters across, labels included.
        height: Lines of the plot itself.

    Returns:
        A single line that says so when there is nothing to draw.
    """
    from rich.text import Text

    scaled = {label: [(x, _scaled(y, log_scale)) for x, y in points] for label, points in series.items()}
    drawn = [point for points in scaled.values() for point in points if _is_drawn(point)]
    if not drawn:
        return [Text(f"{title}: no values to draw", "dim")]
    canvas = _Canvas(_Frame.around(drawn), max(10, width - _LABEL - 2), height)
    for index, points in enumerate(scaled.values()):
        canvas.draw(points, _COLOURS[index % len(_COLOURS)])
    values = [y for points in series.values() for x, y in points if _is_drawn((x, _scaled(y, log_scale)))]
    return [Text(title, "bold"), *canvas.lines(bottom=min(values), top=max(values)), *_legend(series)]


@dataclass(frozen=True)
class _Frame:
    """What part of the plane the chart shows."""

    left: float
    right: float
    bottom: float
    top: float

    @classmethod
    def around(cls, points: Points) -> _Frame:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return cls(min(xs), max(xs), min(ys), max(ys))


class _Canvas:
    """A grid of braille characters; of several series in one character the last gives the colour."""

    def __init__(self, frame: _Frame, width: int, height: int) -> None:
        self._frame = frame
        self._width = width
        self._height = height
        self._bits = [[0] * width for _ in range(height)]
        self._styles = [[""] * width for _ in range(height)]

    def draw(self, points: Points, style: str) -> None:
        """Draw points and the lines between neighbours."""
        for point in filter(_is_drawn, points):
            self._dot(*self._place(point), style)
        for start, end in pairwise(points):
            if _is_drawn(start) and _is_drawn(end):
                for column, row in _between(self._place(start), self._place(end)):
                    self._dot(column, row, style)

    def lines(self, *, bottom: float, top: float) -> Iterator[Text]:
        """Yield the plot line by line between the values that its ends stand for, then the horizontal axis."""
        from rich.text import Text

        labels = {0: _number(top), self._height - 1: _number(bottom)}
        for row, (bits, styles) in enumerate(zip(self._bits, self._styles, strict=True)):
            line = Text(f"{labels.get(row, ''):>{_LABEL}} ", "dim").append("│", "dim")
            for bit, style in zip(bits, styles, strict=True):
                line.append(chr(0x2800 + bit) if bit else " ", style or "not dim")
            yield line
        yield Text(f"{'':>{_LABEL}} └{'─' * self._width}", "dim")
        left, right = f"{self._frame.left:g}", f"{self._frame.right:g}"
        yield Text(f"{'':>{_LABEL}}  {left}{right:>{self._width - len(left)}}", "dim")

    def _place(self, point: tuple[float, float]) -> tuple[int, int]:
        frame = self._frame
        column = _share(point[0], frame.left, frame.right) * (2 * self._width - 1)
        row = (1 - _share(point[1], frame.bottom, frame.top)) * (4 * self._height - 1)
        return round(column), round(row)

    def _dot(self, column: int, row: int, style: str) -> None:
        self._bits[row // 4][column // 2] |= _DOTS[column % 2][row % 4]
        self._styles[row // 4][column // 2] = style


def _scaled(value: float, log_scale: bool) -> float:
    if not log_scale:
        return value
    return math.log10(value) if value > 0 else math.nan


def _is_drawn(point: tuple[float, float]) -> bool:
    return math.isfinite(point[0]) and math.isfinite(point[1])


def _share(value: float, low: float, high: float) -> float:
    """Return where a value lies between two bounds, from 0 to 1; in halves, for the largest floats."""
    span = high / 2 - low / 2
    return (value / 2 - low / 2) / span if span else 0.5


def _between(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    for step in range(1, steps):
        yield (
            round(start[0] + (end[0] - start[0]) * step / steps),
            round(start[1] + (end[1] - start[1]) * step / steps),
        )


def _number(value: float) -> str:
    return f"{value:#.4g}"


def _legend(series: Mapping[str, Points]) -> Iterator[Text]:
    from rich.text import Text

    for index, label in enumerate(series):
        yield Text(" " * (_LABEL + 2)).append("━━ ", _COLOURS[index % len(_COLOURS)]).append(label)
