"""How values of model versions are shown to people, the same in comparisons, cards and terminals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mlops.records import encode_json

__all__ = ["format_bytes", "format_change", "format_metric", "format_moment", "format_seconds", "format_value"]

_ABSENT = "–"


def format_metric(value: float | None) -> str:
    """Return a measured number with four significant digits, trailing zeros kept so that columns line up.

    Example:
        >>> [format_metric(value) for value in (0.97314, 1.0, 12345.6, 3.2e-7, float("nan"), None)]
        ['0.9731', '1.000', '12,346', '3.200e-07', 'NaN', '–']
    """
    if value is None:
        return _ABSENT
    number = float(value)
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "∞" if number > 0 else "-∞"
    size = abs(number)
    if size >= 1e7 or 0 < size < 1e-4:
        return f"{number:.3e}"
    decimals = 3 if size == 0 else max(0, 3 - math.floor(math.log10(size)))
    return f"{number:,.{decimals}f}"


def format_change(change: float, value: float) -> str:
    """Return the size of a change with as many decimals as `format_metric` shows of the value that changed.

    Example:
        >>> format_change(0.018, 0.965), format_change(3, 143)
        ('0.0180', '3.0')
    """
    shown = format_metric(value)
    if "e" in shown or not math.isfinite(change) or not math.isfinite(value):
        return format_metric(change)
    return f"{change:,.{len(shown.partition('.')[2])}f}"


def format_value(value: Any) -> str:
    """Return a parameter as it was written, containers as JSON.

    Example:
        >>> format_value(0.001), format_value(None), format_value({"depth": (3, 5)})
        ('0.001', 'None', '{"depth":[3,5]}')
    """
    if isinstance(value, Mapping | list | tuple):
        return encode_json(value)
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:.6g}"
    return format_moment(value) if isinstance(value, datetime) else str(value)


def format_bytes(size: int) -> str:
    """Return a size in the largest decimal unit that leaves at least 1.

    Example:
        >>> format_bytes(0), format_bytes(999), format_bytes(1_234_567)
        ('0 B', '999 B', '1.23 MB')
    """
    number, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if number < 999.5:
            break
        number, unit = number / 1000, larger
    return f"{size} B" if unit == "B" else f"{number:.3g} {unit}"


def format_seconds(seconds: float) -> str:
    """Return a duration in its two largest units.

    Example:
        >>> [format_seconds(seconds) for seconds in (0.0421, 7.26, 131, 90061)]
        ['42 ms', '7.3 s', '2 min 11 s', '1 d 1 h']
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def format_moment(moment: datetime | None) -> str:
    """Return a moment in UTC to the minute, or a dash."""
    return _ABSENT if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
