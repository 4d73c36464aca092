"""How values are shown to people, the same in figures, notebooks, cards and terminals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

__all__ = [
    "ABSENT",
    "elide",
    "format_bytes",
    "format_change",
    "format_duration",
    "format_metric",
    "format_moment",
    "format_value",
    "short_id",
    "unique_labels",
]

ABSENT = "–"
"""What is shown where there is no value."""

_LETTERS = 8
_UNGROUPED = 999.0  # rounded, a smaller number has no group of thousands


def format_metric(value: float | None) -> str:
    """Return a measured number with four significant digits, trailing zeros kept so that columns line up.

    Example:
        >>> [format_metric(value) for value in (0.97314, 1.0, 12345.6, 3.2e-7, float("nan"), None)]
        ['0.9731', '1.000', '12,346', '3.200e-07', 'NaN', '–']
    """
    if value is None:
        return ABSENT
    number = float(value)
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "∞" if number > 0 else "-∞"
    size = abs(number)
    if size >= 1e7 or 0 < size < 1e-4:
        return f"{number:.3e}"
    return f"{number:,.{_decimals(size)}f}"


@lru_cache(maxsize=1024)
def _decimals(size: float) -> int:
    """Return with how many decimals a size below 1e7 is shown."""
    return 3 if size < 1e-4 else max(0, 3 - math.floor(math.log10(size)))


def format_change(change: float, value: float) -> str:
    """Return the size of a change with as many decimals as `format_metric` shows of the value that changed.

    Example:
        >>> format_change(0.018, 0.965), format_change(3, 143)
        ('0.0180', '3.0')
    """
    size = abs(float(value))
    if not (size == 0 or 1e-4 <= size < 1e7) or not math.isfinite(change):
        return format_metric(change)
    # Grouping digits takes as long again as writing them.
    return f"{change:.{_decimals(size)}f}" if -_UNGROUPED < change < _UNGROUPED else f"{change:,.{_decimals(size)}f}"


def format_value(value: Any, *, most: int | None = 60) -> str:
    """Return a parameter, tag or attribute as short text: numbers as they were written, moments to the second.

    Longer text than `most` characters loses its middle; None keeps all of it.

    Example:
        >>> format_value(0.001), format_value(None), format_value({"depth": 3})
        ('0.001', 'None', '{"depth": 3}')
    """
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, Mapping):
        value = "{" + ", ".join(f'"{key}": {format_value(item)}' for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        value = "[" + ", ".join(map(format_value, value)) + "]"
    return str(value) if most is None else elide(str(value), most)


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


def format_duration(seconds: float | None) -> str:
    """Return a duration in its two largest units.

    Example:
        >>> [format_duration(seconds) for seconds in (0.0421, 7.26, 131, 90061, None)]
        ['42 ms', '7.3 s', '2 min 11 s', '1 d 1 h', '–']
    """
    if seconds is None:
        return ABSENT
    if seconds < 0.9995:
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
    return ABSENT if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def elide(text: str, most: int = 32) -> str:
    """Return text on one line of at most `most` characters, its middle left out when it is longer.

    Characters that cannot be printed become spaces.

    Example:
        >>> elide("gradient-boosting-with-early-stopping", 20)
        'gradient-b…-stopping'
    """
    line = text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)
    if len(line) <= most:
        return line
    head = most // 2
    return f"{line[:head]}…{line[len(line) - (most - head - 1) :]}"


def short_id(identifier: str) -> str:
    """Return the end of an id, which for generated ids is its random part: their beginnings are a clock."""
    return identifier[-_LETTERS:]


def unique_labels(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return a label for each id: the name where it is the only one, else name and short id.

    Args:
        pairs: Ids and names.

    Example:
        >>> unique_labels([("a-11111111", "forest"), ("b-22222222", "forest"), ("c-33333333", "svm")])
        {'a-11111111': 'forest · 11111111', 'b-22222222': 'forest · 22222222', 'c-33333333': 'svm'}
    """
    names = dict(pairs)
    labels = names
    for longer in (short_id, str):
        counts = _counts(labels.values())
        labels = {
            key: label if label and counts[label] == 1 else _joined(names[key], longer(key))
            for key, label in labels.items()
        }
    return labels


def _joined(name: str, tail: str) -> str:
    return f"{name} · {tail}" if name else tail


def _counts(words: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return counts
