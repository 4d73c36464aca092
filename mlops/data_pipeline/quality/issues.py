"""What is wrong, or worth a look, in a table: one sentence each, with numbers and examples, the worst first.

An error is a value that cannot be, or one that the schema forbids; a warning is something that a result would suffer
from; information is what a reader wants to know before trusting a figure. The thresholds stand below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from pydantic import Field

from mlops.data_pipeline.quality.formatting import count, cut, number, printable, share
from mlops.data_pipeline.quality.profiles import (
    ColumnKind,
    ColumnProfile,
    Example,
    Finding,
    FindingKind,
    NumberSummary,
    TableProfile,
)
from mlops.data_pipeline.quality.spelling import variants
from mlops.records import Record

__all__ = ["Issue", "Severity", "find_issues", "sorted_issues"]

_MISSING_INFO = 0.05  # empty share worth telling, where the column may be empty
_MISSING_WARNING = 0.2
_DUPLICATES_ERROR = 0.1
_NEAR_CONSTANT = 0.99
_OUTLIERS_WARNING = 0.05  # more are a second population rather than stray values
_NORMAL = {FindingKind.OUTLIER_IQR: 0.00698, FindingKind.OUTLIER_MAD: 0.000466}
"""Share of a normal distribution outside of the fences."""
_FAR = 1.5  # distance of the middle, in fences, beyond which a single value is worth telling
_STRAY = 0.05  # an unusual sort of text up to this share is a mistake, beyond it a habit


class Severity(StrEnum):
    """How much an issue matters."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


_ORDER = {severity: place for place, severity in enumerate(Severity)}


class Issue(Record):
    """Something about a table or one of its columns.

    Attributes:
        code: Short and stable, such as `missing`, for filters.
        column: Its column; None when it is about the table.
        text: A sentence with the numbers.
        count: Cells or rows it is about; 0 where that says nothing.
        examples: At most five of them.
    """

    severity: Severity
    code: str
    column: str | None = None
    text: str
    count: int = Field(0, ge=0)
    examples: tuple[Example, ...] = ()


def find_issues(profile: TableProfile) -> tuple[Issue, ...]:
    """Return the issues of a table, the worst first; the same for the same profile.

    Example:
        >>> [issue.code for issue in find_issues(TableProfile(rows=0))]
        ['empty-table']
    """
    found = [*_of_table(profile)]
    if profile.rows:
        for column in profile.columns:
            found += [*_of_shape(column), *_of_findings(column), *_of_spelling(column)]
    return sorted_issues(found)


def sorted_issues(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Return issues with errors first, then by how many cells they are about, then by column."""
    return tuple(
        sorted(issues, key=lambda item: (_ORDER[item.severity], -item.count, item.column or "", item.code, item.text))
    )


def _of_table(profile: TableProfile) -> Iterator[Issue]:
    if not profile.rows:
        yield Issue(severity=Severity.ERROR, code="empty-table", text="The table has no rows that could be read.")
    if profile.broken_rows:
        part = share(profile.broken_rows / profile.input_rows)
        text = f"{count(profile.broken_rows, 'row')} of {profile.input_rows:,} ({part}) could not be read as rows."
        yield Issue(
            severity=Severity.ERROR,
            code="broken-rows",
            text=text,
            count=profile.broken_rows,
            examples=profile.broken,
        )
    if profile.duplicate_rows:
        yield _duplicates(profile)


def _duplicates(profile: TableProfile) -> Issue:
    part = profile.duplicate_rows / profile.rows
    about = "" if profile.is_duplicates_exact else "About "
    return Issue(
        severity=Severity.ERROR if part >= _DUPLICATES_ERROR else Severity.WARNING,
        code="duplicate-rows",
        text=f"{about}{count(profile.duplicate_rows, 'row')} ({share(part)}) equal to an earlier row in every column.",
        count=profile.duplicate_rows,
        examples=profile.duplicates,
    )


def _of_shape(column: ColumnProfile) -> Iterator[Issue]:
    if column.nulls == column.rows:
        severity = Severity.WARNING if column.is_nullable else Severity.ERROR
        yield _issue(column, severity, "empty-column", "No row has a value.", column.rows)
        return
    yield from _missing(column)
    if column.values < 2:  # a single value says nothing about how the column varies
        return
    if column.is_constant:
        value = _quoted(column.most_common.value) if column.most_common else "the same"
        yield _issue(column, Severity.WARNING, "constant", f"Every value is {value}; nothing can be learnt from it.")
    elif column.common_share >= _NEAR_CONSTANT and column.most_common:
        text = f"{share(column.common_share)} of the values are {_quoted(column.most_common.value)}."
        yield _issue(column, Severity.INFO, "near-constant", text, column.most_common.count)


def _missing(column: ColumnProfile) -> Iterator[Issue]:
    part = column.null_share
    severity = Severity.WARNING if part >= _MISSING_WARNING else Severity.INFO
    if column.nulls and not column.is_nullable:
        text = f"{count(column.nulls, 'cell')} ({share(part)}) empty, and the schema allows none."
        yield _issue(column, Severity.ERROR, "missing", text, column.nulls)
    elif part >= _MISSING_INFO:
        yield _issue(column, severity, "missing", f"{count(column.nulls, 'cell')} ({share(part)}) empty.", column.nulls)


def _of_findings(column: ColumnProfile) -> Iterator[Issue]:
    for finding in column.findings:
        if finding.kind is FindingKind.OUTLIER_MAD or (
            finding.kind is FindingKind.OUTLIER_IQR and not column.count(FindingKind.OUTLIER_MAD)
        ):
            if not _is_ordinary(column, finding):
                yield _outliers(column, finding)
        elif finding.kind in _SAID:
            severity, text = _SAID[finding.kind]
            detail = printable(finding.detail)
            said = f"{count(finding.count, 'cell')} ({share(finding.count / column.rows)}) {text.format(detail=detail)}"
            code = str(finding.kind).replace("_", "-")
            yield _issue(
                column, _mixed_severity(column, finding, severity), code, said, finding.count, examples=finding.examples
            )


_SAID = {
    FindingKind.UNPARSEABLE: (Severity.ERROR, "could not be read as the column's type."),
    FindingKind.NAN: (Severity.WARNING, "not a number (NaN)."),
    FindingKind.INFINITE: (Severity.ERROR, "infinite."),
    FindingKind.NEGATIVE: (Severity.ERROR, "negative, which this column cannot be."),
    FindingKind.FUTURE: (Severity.ERROR, "in the future."),
    FindingKind.TOO_OLD: (Severity.ERROR, "before 1900."),
    FindingKind.SENTINEL: (
        Severity.WARNING,
        "with {detail}, far off all others, which likely stands for a missing value.",
    ),
    FindingKind.PLACEHOLDER: (Severity.WARNING, "with a text that stands for a missing value."),
    FindingKind.BLANK: (Severity.WARNING, "blank but not empty."),
    FindingKind.PADDED: (Severity.WARNING, "with spaces before or after the text."),
    FindingKind.DECIMAL_COMMA: (
        Severity.WARNING,
        "with a decimal comma, read as text; read the table with decimal_comma, and without points between thousands.",
    ),
    FindingKind.MIXED: (Severity.WARNING, "of another sort than the rest; the column has {detail}."),
}


def _mixed_severity(column: ColumnProfile, finding: Finding, severity: Severity) -> Severity:
    is_habit = finding.kind is FindingKind.MIXED and finding.count > _STRAY * column.rows
    return Severity.INFO if is_habit else severity


def _is_ordinary(column: ColumnProfile, finding: Finding) -> bool:
    """Whether there are no more outliers than the tails of a normal distribution have, and none of them is far off."""
    numbers = column.numbers
    if numbers is None or numbers.median is None or numbers.mad_low is None:
        return False
    reach = _FAR * (numbers.median - numbers.mad_low)
    is_near = numbers.minimum >= numbers.median - reach and numbers.maximum <= numbers.median + reach
    return is_near and finding.count <= 2 * _NORMAL[finding.kind] * column.values


def _outliers(column: ColumnProfile, finding: Finding) -> Issue:
    part = finding.count / column.rows
    fences = _fences(column.numbers, finding.kind) if column.numbers else ""
    iqr = column.count(FindingKind.OUTLIER_IQR)
    further = f"; {iqr:,} beyond the quartile fences" if finding.kind is FindingKind.OUTLIER_MAD and iqr else ""
    severity = Severity.WARNING if part >= _OUTLIERS_WARNING else Severity.INFO
    text = f"{count(finding.count, 'outlier')} ({share(part)}) {fences}{further}."
    return _issue(column, severity, "outliers", text, finding.count, examples=finding.examples)


def _fences(numbers: NumberSummary, kind: FindingKind) -> str:
    if kind is FindingKind.OUTLIER_MAD:
        return f"outside of {number(numbers.mad_low)} to {number(numbers.mad_high)} (median ± 3.5 scaled MAD)"
    low, high = number(numbers.lower_fence), number(numbers.upper_fence)
    return f"outside of {low} to {high} (1.5 interquartile ranges beyond the quartiles)"


def _of_spelling(column: ColumnProfile) -> Iterator[Issue]:
    if column.kind is not ColumnKind.TEXT or column.distinct > len(column.categories):
        return
    found = list(variants(column.categories))
    if not found:
        return
    pairs = [
        f"{_quoted(item.spelling.value)} ({item.spelling.count:,}) for {_quoted(item.usual.value)}"
        for item in found[:5]
    ]
    more = f" and {len(found) - 5:,} more" if len(found) > 5 else ""
    cells = sum(item.spelling.count for item in found)
    text = f"{count(cells, 'cell')} in likely another spelling: {', '.join(pairs)}{more}."
    yield _issue(column, Severity.WARNING, "spelling", text, cells)


def _quoted(text: str) -> str:
    return f"'{cut(printable(text), 40)}'"


def _issue(
    column: ColumnProfile,
    severity: Severity,
    code: str,
    text: str,
    amount: int = 0,
    *,
    examples: tuple[Example, ...] = (),
) -> Issue:
    return Issue(severity=severity, code=code, column=column.name, text=text, count=amount, examples=examples)
