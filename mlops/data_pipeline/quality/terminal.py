"""The rows of a quality report's tables for terminals: plain text, one tuple a row; the headings stand beside."""

from __future__ import annotations

from collections.abc import Iterator

from mlops.data_pipeline.quality.formatting import cut, place, printable, rounded_down, share, summary
from mlops.data_pipeline.quality.issues import Issue
from mlops.data_pipeline.quality.report import QualityReport

__all__ = [
    "COLUMN_HEADS",
    "ISSUE_HEADS",
    "MOST_COLUMNS",
    "MOST_ISSUES",
    "PART_HEADS",
    "column_rows",
    "examples_text",
    "issue_rows",
    "part_rows",
]

PART_HEADS = ("Part", "Score", "Weight", "Counted")
ISSUE_HEADS = ("Severity", "Column", "Issue", "Examples")
COLUMN_HEADS = ("Column", "Type", "Empty", "Distinct", "Values")
MOST_ISSUES, MOST_COLUMNS = 50, 100
"""Rows that are shown, at most."""


def part_rows(report: QualityReport) -> Iterator[tuple[str, ...]]:
    """Yield the parts of the score: name, value, weight, and what was counted."""
    for part in report.score.parts:
        yield part.name, rounded_down(part.value, 3), f"{part.weight:.2f}", part.reason


def issue_rows(report: QualityReport, *, most: int = MOST_ISSUES) -> Iterator[tuple[str, ...]]:
    """Yield issues, the worst first: severity, column, sentence and examples."""
    for issue in report.issues[:most]:
        yield str(issue.severity), printable(issue.column or "(table)"), issue.text, examples_text(issue)


def column_rows(report: QualityReport) -> Iterator[tuple[str, ...]]:
    """Yield columns in the order of the table: name, type, empty share, different values, and what they are."""
    for column in report.profile.columns[:MOST_COLUMNS]:
        distinct = f"{column.distinct:,}" if column.is_distinct_exact else f"≈ {column.distinct:,}"
        yield printable(column.name), column.dtype, share(column.null_share), distinct, summary(column)


def examples_text(issue: Issue, *, most: int = 3) -> str:
    """Return examples of an issue in one line, such as `'-999' (line 17), '-999' (line 40)`."""
    shown = [f"'{cut(printable(example.value), 24)}' ({place(example)})" for example in issue.examples[:most]]
    return ", ".join(shown)
