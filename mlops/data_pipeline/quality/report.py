"""The quality report of a run: its table's statistics, score, issues and broken rules, as one JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import AwareDatetime

from mlops import clock
from mlops.data_pipeline.quality.change import find_changes
from mlops.data_pipeline.quality.issues import Issue, Severity, find_issues, sorted_issues
from mlops.data_pipeline.quality.profiles import Example, TableProfile
from mlops.data_pipeline.quality.score import CheckCounts, QualityScore, score
from mlops.records import Record

__all__ = ["QualityReport", "ReportSubject", "example_rows", "make_report", "with_lines"]


class ReportSubject(Record):
    """What a report is about; empty where it does not apply.

    Attributes:
        title: What the page is headed with, such as the name of the input's file.
        run_id: The pipeline run whose input this is.
        input_path: Where the input came from, without passwords.
        input_digest: SHA-256 of its bytes.
        schema_name: The schema it was checked against, with `schema_version_name` for the version's own text.
        notes: What was decided about the input that its reader should know, in sentences.
    """

    title: str = ""
    run_id: str = ""
    pipeline_id: str = ""
    project: str = ""
    input_path: str = ""
    input_digest: str = ""
    schema_name: str = ""
    schema_version_name: str = ""
    notes: tuple[str, ...] = ()


class QualityReport(Record):
    """Everything known of the quality of one input.

    Attributes:
        checks: What the checks of the schema found; None when there was no schema.
        quarantined_rows: Rows that went to the quarantine file.
        issues: Of the table and of its change against the run before, the worst first.
        previous_run_id: The run whose statistics it was compared with; empty for none.
    """

    subject: ReportSubject = ReportSubject()
    made_at: AwareDatetime
    profile: TableProfile
    score: QualityScore
    checks: CheckCounts | None = None
    quarantined_rows: int = 0
    issues: tuple[Issue, ...] = ()
    previous_run_id: str = ""

    def issues_of(self, severity: Severity) -> tuple[Issue, ...]:
        """Return the issues of one severity."""
        return tuple(issue for issue in self.issues if issue.severity is severity)


def make_report(
    profile: TableProfile,
    *,
    subject: ReportSubject | None = None,
    checks: CheckCounts | None = None,
    quarantined_rows: int = 0,
    previous: QualityReport | None = None,
    now: clock.Now = clock.now,
) -> QualityReport:
    """Return the report on a table's statistics, with its score and issues.

    Args:
        previous: The report of the run before; its statistics are compared with these.

    Example:
        >>> report = make_report(TableProfile(rows=0))
        >>> report.score.value, report.issues[0].code
        (0.0, 'empty-table')
        >>> QualityReport.from_document(report.to_document()) == report
        True
    """
    changes = find_changes(profile, previous.profile) if previous else ()
    return QualityReport(
        subject=subject or ReportSubject(),
        made_at=now(),
        profile=profile,
        score=score(profile, checks),
        checks=checks,
        quarantined_rows=quarantined_rows,
        issues=sorted_issues([*find_issues(profile), *changes]),
        previous_run_id=previous.subject.run_id if previous else "",
    )


def example_rows(report: QualityReport) -> tuple[int, ...]:
    """Return the numbers of all rows that examples come from, ascending: what `with_lines` wants the lines of."""
    shown = [example for issue in report.issues for example in issue.examples]
    shown += [example for column in report.profile.columns for item in column.findings for example in item.examples]
    shown += [*report.profile.duplicates, *report.profile.broken]
    return tuple(sorted({example.row for example in shown}))


def with_lines(report: QualityReport, lines: Mapping[int, int]) -> QualityReport:
    """Return the report with the line of the input beside each example whose row is in `lines`."""

    def located(examples: Sequence[Example]) -> tuple[Example, ...]:
        return tuple(item.changed(line=lines.get(item.row, item.line)) for item in examples)

    columns = (
        column.changed(findings=tuple(item.changed(examples=located(item.examples)) for item in column.findings))
        for column in report.profile.columns
    )
    profile = report.profile.changed(
        columns=tuple(columns),
        duplicates=located(report.profile.duplicates),
        broken=located(report.profile.broken),
    )
    issues = tuple(issue.changed(examples=located(issue.examples)) for issue in report.issues)
    return report.changed(profile=profile, issues=issues)
