"""How values of experiments are shown to people, the same in figures, notebooks and terminals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

__all__ = ["ABSENT", "elide", "format_duration", "format_metric", "format_value", "short_id", "unique_labels"]

ABSENT = "–"
"""What is shown where there is no value."""

_LETTERS = 8


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
    decimals = 3 if size < 1e-4 else max(0, 3 - math.floor(math.log10(size)))
    return f"{number:,.{decimals}f}"


def format_value(value: Any, *, most: int = 60) -> str:
    """Return a parameter, tag or attribute as short text: numbers as they were written, moments to the second.

    Example:
        >>> format_value(0.001), format_value(None), format_value({"depth": 3})
        ('0.001', 'None', '{"depth": 3}')
    """
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, Mapping):
        return elide("{" + ", ".join(f'"{key}": {format_value(item)}' for key, item in value.items()) + "}", most)
    if isinstance(value, list | tuple):
        return elide("[" + ", ".join(map(format_value, value)) + "]", most)
    return elide(str(value), most)


def format_duration(seconds: float | None) -> str:
    """Return a duration in its two largest units.

    Example:
        >>> [format_duration(seconds) for seconds in (0.0421, 7.26, 131, 90061, None)]
        ['42 ms', '7.3 s', '2 min 11 s', '1 d 1 h', '–']
    """
    if seconds is None:
        return ABSENT
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


def short_id(experiment_id: str) -> str:
    """Return the end of an id, which for generated ids is its random part: their beginnings are a clock."""
    return experiment_id[-_LETTERS:]


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
