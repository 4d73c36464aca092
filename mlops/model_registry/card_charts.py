"""The small charts of model cards as SVG: a bar for a metric, and which version served when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape

from mlops.model_registry.serving_spans import ServingSpan

__all__ = ["bar", "spans_chart"]

_WIDTH, _ROW, _LEFT, _RIGHT = 1000.0, 22.0, 90.0, 10.0
_MOST_VERSIONS = 8


def bar(value: float, before: float | None = None) -> str:
    """Return a value between 0 and 1 as a bar, with a tick at the value before; empty for other values."""
    if not 0 <= value <= 1:  # nor is NaN
        return ""
    tick = ""
    if before is not None and 0 <= before <= 1:
        tick = f'<rect class="tick" x="{before * 100 - 0.3:.2f}" width="0.6" height="8"/>'
    return (
        '<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" y="1" width="100" height="6"/>'
        f'<rect class="fill" y="1" width="{value * 100:.2f}" height="6"/>{tick}</svg>'
    )


def spans_chart(spans: Sequence[ServingSpan], version: str, *, until: datetime) -> str:
    """Return when versions were in production, one row each, the latest at the top; empty when none ever was.

    Args:
        version: The version that is drawn in the accent colour.
        until: Where spans end that have not ended.
    """
    if not spans:
        return ""
    rows = list(dict.fromkeys(span.version for span in reversed(spans)))[:_MOST_VERSIONS]
    start = min(span.start for span in spans)
    end = max(until, *(span.end or span.start for span in spans))
    length = (end - start).total_seconds() or 1.0
    scale = (_WIDTH - _LEFT - _RIGHT) / length
    marks = []
    for place, name in enumerate(rows):
        kind = "mine" if name == version else "other"
        y = place * _ROW
        marks.append(f'<text class="label" x="0" y="{y + 14:.0f}">{escape(name[:14])}</text>')
        for span in (span for span in spans if span.version == name):
            x = _LEFT + (span.start - start).total_seconds() * scale
            width = max(2.0, ((span.end or end) - span.start).total_seconds() * scale)
            marks.append(f'<rect class="{kind}" x="{x:.1f}" y="{y + 5:.0f}" width="{width:.1f}" height="10" rx="2"/>')
    height = len(rows) * _ROW
    first, last = (_dated(moment, end - start) for moment in (start, end))
    marks.append(f'<text x="{_LEFT:.0f}" y="{height + 12:.0f}">{first}</text>')
    marks.append(f'<text x="{_WIDTH - _RIGHT:.0f}" y="{height + 12:.0f}" text-anchor="end">{last}</text>')
    label = "Versions in production over time"
    return (
        f'<div class="spans"><svg viewBox="0 0 {_WIDTH:.0f} {height + 16:.0f}" role="img" aria-label="{label}">'
        f"{''.join(marks)}</svg></div>"
    )


def _dated(moment: datetime, length: timedelta) -> str:
    """Return an end of the axis as precisely as tells it from the other."""
    if length >= timedelta(days=2):
        return f"{moment:%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M}" if length >= timedelta(minutes=5) else f"{moment:%Y-%m-%d %H:%M:%S}"
