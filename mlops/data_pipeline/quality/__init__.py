"""The quality of a table: statistics of each column, a score with its parts, issues, and what changed since last time.

Example:
    >>> import polars as pl
    >>> report = assess(pl.DataFrame({"dose": [1.0, 2.0, -999.0, 3.0, None], "site": ["north"] * 5}))
    >>> [(issue.code, issue.column) for issue in report.issues]
    [('missing', 'dose'), ('outliers', 'dose'), ('sentinel', 'dose'), ('constant', 'site')]
    >>> page = to_html(report)
    >>> QualityReport.from_document(report.to_document()) == report
    True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops import clock
from mlops.data_pipeline.quality.html import to_html
from mlops.data_pipeline.quality.issues import Issue, Severity
from mlops.data_pipeline.quality.profiles import ColumnProfile, Finding, FindingKind, TableProfile
from mlops.data_pipeline.quality.report import QualityReport, ReportSubject, example_rows, make_report, with_lines
from mlops.data_pipeline.quality.score import CheckCounts, QualityScore, ScorePart, score

if TYPE_CHECKING:
    import polars as pl

    from mlops.data_pipeline.duplicates import Repeats
    from mlops.data_pipeline.entities import DataSchema

__all__ = [
    "CheckCounts",
    "ColumnProfile",
    "Finding",
    "FindingKind",
    "Issue",
    "QualityReport",
    "QualityScore",
    "ReportSubject",
    "ScorePart",
    "Severity",
    "TableProfile",
    "assess",
    "example_rows",
    "make_report",
    "score",
    "to_html",
    "with_lines",
]


def assess(
    frame: pl.LazyFrame | pl.DataFrame,
    schema: DataSchema | None = None,
    *,
    subject: ReportSubject | None = None,
    checks: CheckCounts | None = None,
    repeats: Repeats | None = None,
    quarantined_rows: int = 0,
    previous: QualityReport | None = None,
    now: clock.Now = clock.now,
) -> QualityReport:
    """Return the quality report of a snapshot, or of any table; reads it as `statistics.profile` does.

    Args:
        schema: Tells which cells may be empty and which numbers cannot be negative.
        subject: What the report is about; says it on the page.
        checks: What the checks of the schema found; None when there were none.
        repeats: Which rows repeat a key of the table, if that is known; rows equal as a whole are among these.
        previous: The report of the run before, to be compared with.
    """
    from mlops.data_pipeline.quality.statistics import profile

    found = profile(frame, schema, repeats=repeats, now=now)
    return make_report(
        found, subject=subject, checks=checks, quarantined_rows=quarantined_rows, previous=previous, now=now
    )
