"""What a table and its columns look like, as records: the result of `statistics.profile`.

Nothing here reads a table. Shares are fractions from 0 to 1; moments and dates are ISO text, as they stood in the table
and without a zone where it had none.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from mlops.records import Record

__all__ = [
    "Category",
    "ColumnKind",
    "ColumnProfile",
    "Example",
    "Finding",
    "FindingKind",
    "Histogram",
    "MomentSummary",
    "NumberSummary",
    "TableProfile",
    "TextSummary",
]


class ColumnKind(StrEnum):
    """How a column is summarised."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    MOMENT = "moment"
    OTHER = "other"


class FindingKind(StrEnum):
    """What a cell can have that calls for a look.

    `sentinel` is a number or date that stands for a missing one (-999, 9999, 1900-01-01), `placeholder` such a text
    (`n/a`, `unknown`), `padded` a text with spaces around it, `decimal_comma` a number such as `1,5` that was read as
    text, `mixed` a cell of another sort than most of its column (numbers among text), `outlier_iqr` and `outlier_mad` a
    number outside of the fences of `NumberSummary`.
    """

    UNPARSEABLE = "unparseable"
    NAN = "nan"
    INFINITE = "infinite"
    NEGATIVE = "negative"
    FUTURE = "future"
    TOO_OLD = "too_old"
    SENTINEL = "sentinel"
    PLACEHOLDER = "placeholder"
    BLANK = "blank"
    PADDED = "padded"
    DECIMAL_COMMA = "decimal_comma"
    MIXED = "mixed"
    OUTLIER_IQR = "outlier_iqr"
    OUTLIER_MAD = "outlier_mad"


class Example(Record):
    """One cell that shows a finding.

    Attributes:
        value: What stands in the cell, as text, at most 80 characters of it.
        row: 0-based number of its row in the snapshot.
        line: Number of its line in the input; None where it is not known; see `report.with_lines`.
    """

    value: str
    row: int
    line: int | None = None


class Finding(Record):
    """Cells of one column that call for a look.

    Attributes:
        kind: What they have.
        count: How many there are, in all rows.
        detail: What is meant in particular: the sentinel, or the sorts that are mixed.
        examples: The first of them, at most five.
    """

    kind: FindingKind
    count: int = Field(ge=0)
    detail: str = ""
    examples: tuple[Example, ...] = ()


class Category(Record):
    """A value and how many cells have it."""

    value: str
    count: int = Field(ge=0)


class Histogram(Record):
    """Counts between edges, drawn of the rows that the column's quantiles come from.

    Attributes:
        edges: Ascending; one more than `counts`. Moments are seconds since 1970-01-01.
        counts: Cells from each edge up to the next, the last edge included.
        below: Cells under the first edge: far outliers, which would leave the rest no room.
        above: Cells over the last edge.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    below: int = 0
    above: int = 0


class NumberSummary(Record):
    """Numbers of a column; NaN and the infinities are left out, and counted as findings.

    Attributes:
        minimum: Of all rows, as are maximum, mean and std.
        mean: None where it is beyond what floats can hold, as for std.
        std: Standard deviation with n - 1; None of fewer than two numbers.
        lower_quartile: Of the sample, as are all that follow; between values, linear interpolation.
        mad: Median absolute deviation from the median, not scaled.
        lower_fence: Lower quartile minus 1.5 interquartile ranges; None where the quartiles coincide (Tukey, 1977).
        mad_low: Where the modified z-score 0.6745 (x - median) / MAD is -3.5; None where the MAD is 0 (Iglewicz and
            Hoaglin, 1993).
    """

    minimum: int | float
    maximum: int | float
    mean: float | None = None
    std: float | None = None
    lower_quartile: float | None = None
    median: float | None = None
    upper_quartile: float | None = None
    mad: float | None = None
    lower_fence: float | None = None
    upper_fence: float | None = None
    mad_low: float | None = None
    mad_high: float | None = None


class TextSummary(Record):
    """Lengths of a column's texts in characters, of all rows."""

    shortest: int
    longest: int
    mean_length: float


class MomentSummary(Record):
    """Range and middle of dates or moments as ISO text; the median is of the sample."""

    earliest: str
    latest: str
    median: str | None = None


class ColumnProfile(Record):
    """One column's statistics.

    Attributes:
        dtype: Its type in the snapshot.
        is_nullable: Whether the schema allows empty cells; True without a schema.
        rows: Rows of the table that could be read.
        nulls: Empty cells. Cells that could not be read as the column's type are the finding `unparseable` instead.
        distinct: Different values, empty not counted.
        is_distinct_exact: False where `distinct` is an estimate (standard error below 2 %).
        is_sampled: Whether quantiles, histogram, and categories that are not `is_categories_exact`, are of a sample.
        histogram: Of numbers and moments.
        categories: The most common values, at most 40, most common first; of more, none that is there once.
        is_categories_exact: Whether their counts are of all rows.
        most_common: The most common value, counted in all rows. Of a sampled column with many values it is the
            sample's, and None where not one cell in a hundred has it.
        findings: Cells that call for a look, in the order of `FindingKind`.
    """

    name: str
    dtype: str
    kind: ColumnKind
    units: str = ""
    is_nullable: bool = True
    rows: int = Field(ge=0)
    nulls: int = Field(ge=0)
    distinct: int = Field(ge=0)
    is_distinct_exact: bool = True
    is_sampled: bool = False
    numbers: NumberSummary | None = None
    text: TextSummary | None = None
    moments: MomentSummary | None = None
    histogram: Histogram | None = None
    categories: tuple[Category, ...] = ()
    is_categories_exact: bool = True
    most_common: Category | None = None
    findings: tuple[Finding, ...] = ()

    def count(self, *kinds: FindingKind) -> int:
        """Return how many cells have any of these findings; a cell with two of them counts twice."""
        return sum(finding.count for finding in self.findings if finding.kind in kinds)

    @property
    def values(self) -> int:
        """Cells that have a value."""
        return self.rows - self.nulls - self.count(FindingKind.UNPARSEABLE)

    @property
    def null_share(self) -> float:
        """Empty cells as a fraction of rows; 0 of no rows."""
        return self.nulls / self.rows if self.rows else 0.0

    @property
    def common_share(self) -> float:
        """The most common value's fraction of the cells that have a value; 0 where none has."""
        return self.most_common.count / self.values if self.most_common and self.values else 0.0

    @property
    def is_constant(self) -> bool:
        """Whether all cells that have a value have the same, in a table of more than one row."""
        return self.distinct == 1 and self.is_distinct_exact and self.rows > 1


class TableProfile(Record):
    """A table's statistics.

    Attributes:
        rows: Rows that could be read; the columns' statistics are of these.
        broken_rows: Rows that could not be read as rows at all.
        broken: The first of them with what is wrong, at most five.
        duplicate_rows: Rows equal in every column to an earlier one.
        is_duplicates_exact: False where `duplicate_rows` is an estimate from a part of the space of row hashes.
        duplicates: The first rows that are repeated later on, at most five.
        sample_rows: Rows that sampled statistics come from; equal to `rows` when nothing was sampled.
        columns: In the order of the table.
    """

    rows: int = Field(ge=0)
    broken_rows: int = Field(0, ge=0)
    broken: tuple[Example, ...] = ()
    duplicate_rows: int = Field(0, ge=0)
    is_duplicates_exact: bool = True
    duplicates: tuple[Example, ...] = ()
    sample_rows: int = Field(0, ge=0)
    columns: tuple[ColumnProfile, ...] = ()

    @property
    def input_rows(self) -> int:
        """All rows of the input, broken ones included."""
        return self.rows + self.broken_rows

    @property
    def cells(self) -> int:
        """Rows times columns."""
        return self.rows * len(self.columns)
