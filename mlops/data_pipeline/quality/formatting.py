"""How numbers of a quality report are written, the same on the page, in issues and in terminals."""

from __future__ import annotations

import math
from datetime import timedelta

from mlops.clock import EPOCH
from mlops.data_pipeline.quality.profiles import ColumnProfile, Example

__all__ = ["count", "cut", "moment_text", "number", "place", "printable", "rounded_down", "share", "summary"]


def number(value: float | None) -> str:
    """Return a number with at most four significant digits, whole ones in full up to seven.

    Example:
        >>> [number(value) for value in (12, 1234567, 0.12345, 1234.5, 3.2e-9, float("inf"), None)]
        ['12', '1,234,567', '0.1235', '1,234', '3.2e-09', '∞', '–']
    """
    if value is None:
        return "–"
    if isinstance(value, int) or value.is_integer():
        return f"{int(value):,}" if abs(value) < 1e7 else f"{_float(value):.4g}"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    size = abs(value)
    return f"{value:,.0f}" if 1e3 <= size < 1e7 else f"{value:.4g}"


def rounded_down(value: float, decimals: int) -> str:
    """Return a number with so many decimals and never more than it is: only a perfect score is 1.

    Example:
        >>> rounded_down(0.99977, 3), rounded_down(0.85, 2), rounded_down(1.0, 3)
        ('0.999', '0.85', '1.000')
    """
    times = 10.0**decimals
    return f"{math.floor(value * times + 1e-9) / times:.{decimals}f}"


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return math.copysign(math.inf, value)


def count(amount: int, noun: str, nouns: str = "") -> str:
    """Return an amount with its noun.

    Example:
        >>> count(1, "row"), count(2500, "row"), count(2, "category", "categories")
        ('1 row', '2,500 rows', '2 categories')
    """
    return f"{amount:,} {noun if amount == 1 else nouns or f'{noun}s'}"


def share(fraction: float) -> str:
    """Return a fraction as a percentage that is never rounded to nothing or to all.

    Example:
        >>> [share(fraction) for fraction in (0, 0.00004, 0.0312, 0.5, 0.99997, 1)]
        ['0 %', '< 0.01 %', '3.1 %', '50 %', '> 99.99 %', '100 %']
    """
    percent = 100 * fraction
    if percent in {0, 100}:
        return f"{percent:.0f} %"
    if percent < 0.01:
        return "< 0.01 %"
    if percent > 99.99:
        return "> 99.99 %"
    decimals = 0 if percent.is_integer() else 2 if percent < 1 or percent > 99 else 1
    return f"{percent:.{decimals}f} %"


def place(example: Example) -> str:
    """Return where a cell stands: its line where known, else its row, counted from 1."""
    return f"line {example.line:,}" if example.line is not None else f"row {example.row + 1:,}"


def printable(text: str) -> str:
    """Return a text with characters that cannot be seen, or that turn writing round, as their escapes.

    Example:
        >>> printable("tab" + chr(9) + "stop")
        'tab\\\\tstop'
    """
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def cut(text: str, most: int) -> str:
    """Return a text, or its beginning with an ellipsis when it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def moment_text(seconds: float, *, span: float) -> str:
    """Return a moment in seconds since 1970 as precisely as a span of that many seconds asks for."""
    try:
        moment = EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return "–"
    return f"{moment:%Y-%m-%d}" if span >= 172_800 else f"{moment:%Y-%m-%d %H:%M}"


def summary(column: ColumnProfile) -> str:
    """Return what a column holds in a few words: a range, lengths, or the most common value."""
    if column.numbers:
        numbers = column.numbers
        middle = "" if numbers.median is None else f", median {number(numbers.median)}"
        return f"{number(numbers.minimum)} to {number(numbers.maximum)}{middle}"
    if column.moments:
        return f"{column.moments.earliest[:16]} to {column.moments.latest[:16]}"
    if column.most_common and column.common_share >= 0.01 and (column.most_common.count > 1 or column.distinct == 1):
        word = "mostly" if column.common_share > 0.5 else "most often"
        return f"{word} '{cut(printable(column.most_common.value), 24)}' ({share(column.common_share)})"
    return f"{column.text.shortest:,} to {column.text.longest:,} characters" if column.text else "–"
