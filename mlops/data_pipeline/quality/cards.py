"""One column of a quality report as a card: how much is empty, a chart, the key numbers, and what was found in it."""

from __future__ import annotations

from html import escape

from mlops.data_pipeline.quality.charts import bar, histogram_chart
from mlops.data_pipeline.quality.formatting import count, cut, moment_text, number, printable, share
from mlops.data_pipeline.quality.profiles import (
    Category,
    ColumnKind,
    ColumnProfile,
    Finding,
    FindingKind,
    NumberSummary,
)

__all__ = ["card", "shown"]

_MOST_BARS = 6
_MANY, _COMMON = 50, 0.01  # different values of which none is common: bars would say nothing
_LONGEST = 120  # characters of a column's name
_ERRORS = {FindingKind.UNPARSEABLE, FindingKind.INFINITE, FindingKind.NEGATIVE, FindingKind.FUTURE, FindingKind.TOO_OLD}
_QUIET = {FindingKind.OUTLIER_IQR, FindingKind.OUTLIER_MAD}
_WORDS = {
    FindingKind.UNPARSEABLE: "could not be read",
    FindingKind.NAN: "NaN",
    FindingKind.INFINITE: "infinite",
    FindingKind.NEGATIVE: "negative",
    FindingKind.FUTURE: "in the future",
    FindingKind.TOO_OLD: "before 1900",
    FindingKind.SENTINEL: "likely stand for missing",
    FindingKind.PLACEHOLDER: "say that there is no value",
    FindingKind.BLANK: "blank",
    FindingKind.PADDED: "with spaces around",
    FindingKind.DECIMAL_COMMA: "numbers with a decimal comma",
    FindingKind.MIXED: "of another sort",
    FindingKind.OUTLIER_IQR: "beyond the quartile fences",
    FindingKind.OUTLIER_MAD: "beyond the MAD fences",
}


def shown(text: str, most: int = _LONGEST) -> str:
    """Return text from a table so that it can stand in a page: cut, its control characters visible, escaped."""
    return escape(cut(printable(text), most), quote=True)


def card(column: ColumnProfile, *, anchor: str = "", severity: str = "") -> str:
    """Return a column as an article of the page.

    Args:
        anchor: The id that links on the page lead to.
        severity: That of the column's worst issue; empty for none.
    """
    mark = f'<span class="dot {severity}" title="{severity}"></span>' if severity else ""
    units = f" · {shown(column.units, 40)}" if column.units else ""
    required = "" if column.is_nullable else " · required"
    return (
        f'<article id="{anchor}"><div><h3>{mark}{shown(column.name)}</h3>'
        f'<div class="kind">{shown(column.dtype, 60)}{units}{required}</div></div>'
        f"{_nulls(column)}{_chart(column)}{_facts(column)}{_findings(column)}</article>\n"
    )


def _nulls(column: ColumnProfile) -> str:
    return f'<div class="nulls bar">{bar(column.null_share, "gap")}<span>{share(column.null_share)} empty</span></div>'


def _chart(column: ColumnProfile) -> str:
    if column.histogram and column.kind is ColumnKind.NUMBER:
        median = column.numbers.median if column.numbers else None
        is_whole = isinstance(column.numbers.minimum, int) if column.numbers else False
        write = _write_whole if is_whole else number
        return histogram_chart(column.histogram, write, median=median)
    if column.histogram:
        span = column.histogram.edges[-1] - column.histogram.edges[0]
        return histogram_chart(column.histogram, lambda edge: moment_text(edge, span=span))
    return _categories(column)


def _write_whole(edge: float) -> str:
    """Return the whole number next to an edge, which lies between two."""
    return number(int(edge + 0.5))


def _categories(column: ColumnProfile) -> str:
    """Return the most common values as bars; nothing where every value is there but once."""
    if not column.categories or column.categories[0].count < 2:
        return ""
    if column.distinct > _MANY and column.common_share < _COMMON:
        return f'<p class="quiet">Every value is rare: none has {share(_COMMON)} of the cells.</p>'
    total = column.values if column.is_categories_exact else 0
    most = column.categories[0].count
    rows = [_category(item, most, total) for item in column.categories[:_MOST_BARS]]
    rest = column.distinct - len(rows)
    about = "" if column.is_distinct_exact else "about "
    more = f'<div class="category quiet">and {about}{count(rest, "other value")}</div>' if rest > 0 else ""
    return f"<div>{''.join(rows)}{more}</div>"


def _category(item: Category, most: int, total: int) -> str:
    label = shown(item.value, 40) if item.value.strip() else '<span class="quiet">blank</span>'
    amount = share(item.count / total) if total else ""
    return (
        f'<div class="category"><span class="label">{label}</span><span class="bar">{bar(item.count / most)}</span>'
        f'<span class="num">{amount}</span></div>'
    )


def _facts(column: ColumnProfile) -> str:
    distinct = f"{'' if column.is_distinct_exact else '≈ '}{column.distinct:,}"
    pairs = [("values", f"{column.values:,}"), ("distinct", distinct)]
    if column.numbers:
        pairs += _number_facts(column.numbers)
    elif column.text:
        pairs += [("shortest", f"{column.text.shortest:,}"), ("longest", f"{column.text.longest:,}")]
    elif column.moments:
        pairs += [("first", column.moments.earliest[:10]), ("last", column.moments.latest[:10])]
    items = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    return f"<dl>{items}</dl>"


def _number_facts(numbers: NumberSummary) -> list[tuple[str, str]]:
    values = {
        "min": numbers.minimum,
        "max": numbers.maximum,
        "mean": numbers.mean,
        "std": numbers.std,
        "median": numbers.median,
        "MAD": numbers.mad,
        "q1": numbers.lower_quartile,
        "q3": numbers.upper_quartile,
    }
    return [(name, number(value)) for name, value in values.items()]


def _findings(column: ColumnProfile) -> str:
    if not column.findings:
        return ""
    return f"<ul>{''.join(_finding(item) for item in column.findings)}</ul>"


def _finding(item: Finding) -> str:
    level = "error" if item.kind in _ERRORS else "info" if item.kind in _QUIET else "warning"
    detail = f": {shown(item.detail, 60)}" if item.detail else ""
    return f'<li><span class="{level}"><span class="dot"></span>{item.count:,}</span> {_WORDS[item.kind]}{detail}</li>'
