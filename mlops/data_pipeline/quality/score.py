"""One number for how far a table can be trusted, from 0 to 1, and the five parts it is the weighted mean of.

| part | weight | value |
|---|---|---|
| completeness | 0.25 | non-empty share of the cells; cells that may not be empty weigh double |
| validity | 0.30 | share of the rows that break no rule; without checks, that could be read |
| uniqueness | 0.15 | share of the rows that repeat no earlier row, and no earlier key |
| consistency | 0.15 | mean over columns of 1 minus the share of unusual sorts and spellings; if constant minus 0.5 |
| plausibility | 0.15 | mean over columns of 1 minus the share of outliers minus 5 times that of impossible cells |

Impossible are NaN, infinities, negative numbers where the schema has none, moments in the future or before 1900,
sentinels, blank texts, and texts that stand for nothing. An outlier lies outside of the fences of both IQR and MAD.
All shares are of the table's rows, not of the cells that have a value: so no part rises when, everything else being
equal, there are more empty cells, broken rules, repeated rows, mixed, impossible or outlying cells. A table
without rows has the score 0.

The score orders tables of one kind, and one table's runs; it says nothing about tables of different schemas.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from mlops.data_pipeline.quality.formatting import count
from mlops.data_pipeline.quality.profiles import Category, ColumnKind, ColumnProfile, FindingKind, TableProfile
from mlops.data_pipeline.quality.spelling import variants
from mlops.records import FrozenDict, FrozenMap, Record

__all__ = ["IMPOSSIBLE", "WEIGHTS", "CheckCounts", "QualityScore", "ScorePart", "score"]

WEIGHTS = FrozenDict(
    {"completeness": 0.25, "validity": 0.30, "uniqueness": 0.15, "consistency": 0.15, "plausibility": 0.15}
)
"""What each part counts for; they add up to 1."""

IMPOSSIBLE = (
    FindingKind.NAN,
    FindingKind.INFINITE,
    FindingKind.NEGATIVE,
    FindingKind.FUTURE,
    FindingKind.TOO_OLD,
    FindingKind.SENTINEL,
    FindingKind.PLACEHOLDER,
    FindingKind.BLANK,
)
"""Findings that no measurement can have."""

_REQUIRED = 2  # what a cell weighs in completeness that may not be empty
_IMPOSSIBLE = 5  # what an impossible cell weighs against an outlier
_CONSTANT = 0.5
_UNIQUE = ":unique"  # how the ids of rules about keys end


class CheckCounts(Record):
    """What the checks of a schema found, as far as the score needs it.

    Attributes:
        faulty_rows: Rows that break at least one rule, broken rows included.
        by_rule: Id of a rule, such as `dose:range`, to how many rows break it.
    """

    faulty_rows: int = Field(0, ge=0)
    by_rule: FrozenMap = FrozenDict()

    @property
    def repeated_keys(self) -> int:
        """Rows whose unique value or key an earlier row has, of the key with most of them."""
        return max((rows for rule, rows in self.by_rule.items() if rule.endswith(_UNIQUE)), default=0)


class ScorePart(Record):
    """One part of the score: its value from 0 to 1, what it counts for, and what was counted, in a sentence."""

    name: str
    value: float = Field(ge=0, le=1)
    weight: float = Field(ge=0, le=1)
    reason: str = ""


class QualityScore(Record):
    """The score from 0 to 1 and its parts, in the order of `WEIGHTS`."""

    value: float = Field(ge=0, le=1)
    parts: tuple[ScorePart, ...] = ()


def score(profile: TableProfile, checks: CheckCounts | None = None) -> QualityScore:
    """Return the score of a table; the module says how it comes about.

    Args:
        checks: What the checks of its schema found; None when there is no schema.

    Example:
        >>> score(TableProfile(rows=0)).value
        0.0
    """
    found = {
        "completeness": _completeness(profile),
        "validity": _validity(profile, checks),
        "uniqueness": _uniqueness(profile, checks),
        "consistency": _consistency(profile),
        "plausibility": _plausibility(profile),
    }
    if not profile.rows or not profile.columns:
        found = dict.fromkeys(found, (0.0, "The table has no rows that could be read."))
    parts = tuple(
        ScorePart(name=name, value=min(1.0, max(0.0, value)), weight=WEIGHTS[name], reason=reason)
        for name, (value, reason) in found.items()
    )
    total = sum(part.weight * part.value for part in parts)
    return QualityScore(value=min(1.0, total), parts=parts)


def _completeness(profile: TableProfile) -> tuple[float, str]:
    weights = [1 if column.is_nullable else _REQUIRED for column in profile.columns]
    cells = profile.rows * sum(weights)
    empty = sum(weight * column.nulls for weight, column in zip(weights, profile.columns, strict=True))
    nulls = sum(column.nulls for column in profile.columns)
    required = sum(column.nulls for column in profile.columns if not column.is_nullable)
    reason = f"{count(nulls, 'cell')} of {profile.cells:,} empty, {required:,} where the schema allows none."
    return 1 - empty / cells if cells else 0.0, reason


def _validity(profile: TableProfile, checks: CheckCounts | None) -> tuple[float, str]:
    rows = profile.input_rows
    if checks is not None:
        faulty = max(checks.faulty_rows, profile.broken_rows)
        return _rest(faulty, rows), f"{count(faulty, 'row')} of {rows:,} with a broken rule."
    unreadable = max((column.count(FindingKind.UNPARSEABLE) for column in profile.columns), default=0)
    faulty = profile.broken_rows + unreadable
    return _rest(faulty, rows), f"No schema was checked; {count(faulty, 'row')} of {rows:,} could not be read whole."


def _uniqueness(profile: TableProfile, checks: CheckCounts | None) -> tuple[float, str]:
    keys = checks.repeated_keys if checks else 0
    about = "" if profile.is_duplicates_exact else "about "
    reason = f"{about}{count(profile.duplicate_rows, 'row')} equal to an earlier one, {count(keys, 'repeated key')}."
    return _rest(max(profile.duplicate_rows, keys), profile.rows), reason


def _consistency(profile: TableProfile) -> tuple[float, str]:
    odd = {column.name: column.count(FindingKind.MIXED) + _odd_spellings(column) for column in profile.columns}
    constant = sum(column.is_constant for column in profile.columns)
    values = (
        (_CONSTANT if column.is_constant else 1.0) - min(0.5, _part(odd[column.name], column.rows))
        for column in profile.columns
    )
    reason = f"{count(sum(odd.values()), 'cell')} of an unusual sort or spelling, {count(constant, 'constant column')}."
    return _mean(values), reason


def _plausibility(profile: TableProfile) -> tuple[float, str]:
    impossible = [column.count(*IMPOSSIBLE) for column in profile.columns]
    outliers = [_outliers(column) for column in profile.columns]
    values = (
        max(0.0, 1 - _IMPOSSIBLE * _part(wrong, column.rows) - _part(far, column.rows))
        for column, wrong, far in zip(profile.columns, impossible, outliers, strict=True)
    )
    reason = f"{count(sum(impossible), 'impossible cell')}, {count(sum(outliers), 'outlier')}."
    return _mean(values), reason


def _outliers(column: ColumnProfile) -> int:
    counts = [column.count(kind) for kind in (FindingKind.OUTLIER_IQR, FindingKind.OUTLIER_MAD)]
    return min(counts)


def _odd_spellings(column: ColumnProfile) -> int:
    if column.kind is not ColumnKind.TEXT or not column.is_categories_exact:
        return 0
    return sum(variant.spelling.count for variant in variants(_few(column)))


def _few(column: ColumnProfile) -> tuple[Category, ...]:
    """Return the categories when there are few enough to be categories."""
    return column.categories if column.distinct <= len(column.categories) else ()


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def _part(amount: int, rows: int) -> float:
    return min(1.0, amount / rows) if rows else 0.0


def _rest(amount: int, rows: int) -> float:
    return 1 - _part(amount, rows)
