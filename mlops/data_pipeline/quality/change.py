"""What is different from the run before, as issues: a table that changed where nobody changed anything on purpose.

A shift is told only when it is large enough to matter and larger than the chance of two samples of one population: four
standard errors for shares and means, and for categories three times the total variation of two such samples.

| code | information | warning | error |
|---|---|---|---|
| change-rows | | fewer than half, or more than twice the rows | none left |
| change-columns | a new column | a column gone, or of another type | |
| change-nulls | | empty share moved by 5 percentage points | by 50 |
| change-mean | | mean moved by half a standard deviation of before | by 3 |
| change-categories | | total variation distance 0.1 | 0.5 |
| new-categories | values not there before | with 1 % of the cells | |
| gone-categories | values not there any more | that had 1 % of the cells | |
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from mlops.data_pipeline.quality.formatting import count, cut, number, printable, share
from mlops.data_pipeline.quality.issues import Issue, Severity, sorted_issues
from mlops.data_pipeline.quality.profiles import ColumnProfile, TableProfile

__all__ = ["find_changes", "total_variation"]

_ROWS = 2.0
_NULLS = (0.05, 0.5)
_MEAN = (0.5, 3.0)
_CATEGORIES = (0.1, 0.5)
_MUCH = 0.01  # share of the cells at which a new or vanished category is more than a curiosity
_STANDARD_ERRORS = 4.0
_TIMES_EXPECTED = 3.0


def find_changes(profile: TableProfile, previous: TableProfile) -> tuple[Issue, ...]:
    """Return what changed from the statistics of the run before, the worst first.

    Example:
        >>> find_changes(TableProfile(rows=100), TableProfile(rows=1000))[0].text
        '100 rows, 0.1 times the 1,000 of the run before.'
    """
    before = {column.name: column for column in previous.columns}
    now = {column.name: column for column in profile.columns}
    found = [*_rows(profile, previous), *_columns(now, before)]
    for name, column in now.items():
        if name in before and column.kind == before[name].kind:
            found += [*_nulls(column, before[name]), *_mean(column, before[name]), *_categories(column, before[name])]
    return sorted_issues(found)


def total_variation(now: Mapping[str, float], before: Mapping[str, float]) -> float:
    """Return half the sum of absolute differences of shares: 0 for the same, 1 for nothing in common."""
    return sum(abs(now.get(name, 0.0) - before.get(name, 0.0)) for name in {*now, *before}) / 2


def _rows(profile: TableProfile, previous: TableProfile) -> Iterator[Issue]:
    if not previous.rows or (previous.rows / _ROWS <= profile.rows <= previous.rows * _ROWS):
        return
    times = profile.rows / previous.rows
    text = f"{count(profile.rows, 'row')}, {number(times)} times the {previous.rows:,} of the run before."
    severity = Severity.WARNING if profile.rows else Severity.ERROR
    yield Issue(severity=severity, code="change-rows", text=text, count=abs(profile.rows - previous.rows))


def _columns(now: Mapping[str, ColumnProfile], before: Mapping[str, ColumnProfile]) -> Iterator[Issue]:
    for name in now:
        if name not in before:
            yield _issue(Severity.INFO, "change-columns", name, "The run before had no such column.")
        elif now[name].kind != before[name].kind:
            text = f"Its type is {now[name].dtype}; it was {before[name].dtype} in the run before."
            yield _issue(Severity.WARNING, "change-columns", name, text)
    for name in before:
        if name not in now:
            yield _issue(Severity.WARNING, "change-columns", name, "The column is gone; the run before had it.")


def _nulls(column: ColumnProfile, before: ColumnProfile) -> Iterator[Issue]:
    moved = abs(column.null_share - before.null_share)
    if not column.rows or not before.rows or moved < _NULLS[0]:
        return
    pooled = (column.nulls + before.nulls) / (column.rows + before.rows)
    if moved <= _STANDARD_ERRORS * math.sqrt(pooled * (1 - pooled) * (1 / column.rows + 1 / before.rows)):
        return
    text = f"{share(column.null_share)} of the cells are empty; it was {share(before.null_share)} in the run before."
    yield _issue(_severity(moved, _NULLS), "change-nulls", column.name, text, column.nulls)


def _mean(column: ColumnProfile, before: ColumnProfile) -> Iterator[Issue]:
    now, then = column.numbers, before.numbers
    if now is None or then is None or not then.std or now.mean is None or then.mean is None:
        return
    moved = abs(now.mean - then.mean) / then.std
    noise = math.sqrt((now.std or 0.0) ** 2 / column.values + then.std**2 / before.values) / then.std
    if moved < _MEAN[0] or moved <= _STANDARD_ERRORS * noise:
        return
    text = (
        f"The mean is {number(now.mean)}; it was {number(then.mean)} in the run before, "
        f"{number(moved)} of its standard deviations away."
    )
    yield _issue(_severity(moved, _MEAN), "change-mean", column.name, text)


def _categories(column: ColumnProfile, before: ColumnProfile) -> Iterator[Issue]:
    if not (_is_complete(column) and _is_complete(before)):
        return
    now, then = _shares(column), _shares(before)
    moved = total_variation(now, then)
    if moved >= _CATEGORIES[0] and moved > _TIMES_EXPECTED * _expected_variation(
        now, then, column.values, before.values
    ):
        text = f"The shares of its values moved by {share(moved)} in all against the run before (total variation)."
        yield _issue(_severity(moved, _CATEGORIES), "change-categories", column.name, text)
    yield from _appeared(column, now, then, "new-categories", "not there in the run before")
    yield from _appeared(column, then, now, "gone-categories", "of the run before not there any more")


def _appeared(
    column: ColumnProfile, these: Mapping[str, float], those: Mapping[str, float], code: str, words: str
) -> Iterator[Issue]:
    names = [name for name in these if name not in those]
    if not names:
        return
    part = sum(these[name] for name in names)
    listed = ", ".join(f"'{cut(printable(name), 40)}' ({share(these[name])})" for name in names[:5])
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    severity = Severity.WARNING if part >= _MUCH else Severity.INFO
    yield _issue(severity, code, column.name, f"{count(len(names), 'value')} {words}: {listed}{more}.", len(names))


def _is_complete(column: ColumnProfile) -> bool:
    """Whether the profile lists every value of the column with its count."""
    is_listed = bool(column.categories) and column.distinct <= len(column.categories)
    return column.numbers is None and column.moments is None and is_listed and column.is_categories_exact


def _shares(column: ColumnProfile) -> dict[str, float]:
    total = sum(category.count for category in column.categories)
    return {category.value: category.count / total for category in column.categories}


def _expected_variation(now: Mapping[str, float], then: Mapping[str, float], rows: int, rows_then: int) -> float:
    """Return the total variation of two samples of one population, on average, by the normal approximation."""
    noise = 2 / math.pi * (1 / max(1, rows) + 1 / max(1, rows_then))
    pooled = [(now.get(name, 0.0) + then.get(name, 0.0)) / 2 for name in {*now, *then}]
    return sum(math.sqrt(noise * part * (1 - part)) for part in pooled) / 2


def _severity(moved: float, thresholds: tuple[float, float]) -> Severity:
    return Severity.ERROR if moved >= thresholds[1] else Severity.WARNING


def _issue(severity: Severity, code: str, column: str, text: str, amount: int = 0) -> Issue:
    return Issue(severity=severity, code=code, column=column, text=text, count=amount)
