"""The small charts of quality reports as SVG within the page: the score's ring, bars, histograms."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from mlops.data_pipeline.quality.formatting import rounded_down
from mlops.data_pipeline.quality.profiles import Histogram

__all__ = ["bar", "column_map", "gauge", "histogram_chart", "level"]

_RADIUS = 54.0
_GOOD, _FAIR = 0.9, 0.7
_WIDTH, _HEIGHT = 320.0, 84.0
_MAP_WIDTH, _SHADES = 1000, 5


def gauge(value: float) -> str:
    """Return a score from 0 to 1 as a ring around its number of 100."""
    around = 2 * math.pi * _RADIUS
    shown = rounded_down(100 * value, 1)
    dash = f"{max(0.1, around * value):.1f} {around:.1f}"
    return (
        f'<div class="gauge {level(value)}"><svg viewBox="0 0 132 132" role="img" aria-label="Score {shown} of 100">'
        f'<circle class="track" cx="66" cy="66" r="{_RADIUS:.0f}"/>'
        f'<circle class="arc" cx="66" cy="66" r="{_RADIUS:.0f}" stroke-dasharray="{dash}" '
        'transform="rotate(-90 66 66)"/>'
        f'<text x="66" y="73">{shown}</text><text class="of" x="66" y="90">of 100</text></svg></div>'
    )


def level(value: float) -> str:
    """Return `high`, `middle` or `low` of a score from 0 to 1."""
    return "high" if value >= _GOOD else "middle" if value >= _FAIR else "low"


def column_map(marks: Sequence[tuple[float, str | None]]) -> str:
    """Return columns as small squares in rows, one after another.

    Args:
        marks: For each column the empty share of its cells, and the severity of its worst issue, None for none.
    """
    side, across = 10, _MAP_WIDTH // 10
    shapes: dict[tuple[str, int], list[str]] = {}
    for place, (empty, severity) in enumerate(marks):
        shade = min(_SHADES, int((1 - empty) * _SHADES + 0.999))
        corner = f"M{place % across * side} {place // across * side}"
        shapes.setdefault((severity or "plain", shade), []).append(f"{corner}h8v8h-8z")
    drawn = "".join(
        f'<path class="{name}" fill-opacity="{0.2 + 0.8 * shade / _SHADES:.2f}" d="{"".join(squares)}"/>'
        for (name, shade), squares in sorted(shapes.items())
    )
    height = -(-len(marks) // across) * side
    return (
        f'<div class="map"><svg viewBox="0 0 {_MAP_WIDTH} {height}" role="img" aria-label="All columns">{drawn}'
        "</svg></div>"
    )


def bar(value: float, kind: str = "fill") -> str:
    """Return a fraction as a bar; anything above 0 can be seen.

    Args:
        kind: `fill`, `gap` for what is missing, or `wrong`.
    """
    width = 0.0 if value <= 0 else max(0.8, min(100.0, 100 * value))
    return (
        '<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" y="1" width="100" height="6"/>'
        f'<rect class="{kind}" y="1" width="{width:.2f}" height="6"/></svg>'
    )


def histogram_chart(histogram: Histogram, write: Callable[[float], str], *, median: float | None = None) -> str:
    """Return a histogram with its range below it and a tick at the median.

    Args:
        write: How an edge is written.
    """
    most = max(histogram.counts, default=0) or 1
    low, high = histogram.edges[0], histogram.edges[-1]
    step = _WIDTH / len(histogram.counts)
    bars = "".join(
        _column(place * step, step, amount / most) for place, amount in enumerate(histogram.counts) if amount
    )
    tick = ""
    if median is not None and low <= median <= high:
        x = (median - low) / (high - low) * _WIDTH
        tick = (
            f'<rect class="tick" x="{min(x, _WIDTH - 1):.1f}" y="0" width="1" height="{_HEIGHT:.0f}" opacity="0.55"/>'
        )
    return (
        f'<div class="chart"><svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" preserveAspectRatio="none" role="img" '
        f'aria-label="Histogram">{bars}{tick}'
        f'<rect class="track" y="{_HEIGHT - 1:.0f}" width="{_WIDTH:.0f}" height="1"/>'
        f"</svg>{_ends(histogram, write(low), write(high))}</div>"
    )


def _column(x: float, step: float, part: float) -> str:
    height = max(1.0, part * (_HEIGHT - 4))
    gap = min(1.0, step * 0.15)
    return f'<rect class="fill" x="{x:.2f}" y="{_HEIGHT - height:.2f}" width="{step - gap:.2f}" height="{height:.2f}"/>'


def _ends(histogram: Histogram, first: str, last: str) -> str:
    below = f" ({histogram.below:,} below)" if histogram.below else ""
    above = f" ({histogram.above:,} above)" if histogram.above else ""
    return f'<div class="ends"><span>{first}{below}</span><span>{last}{above}</span></div>'
