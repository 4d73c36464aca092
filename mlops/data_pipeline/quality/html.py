"""Quality reports as one HTML page that brings everything it shows: no script, no address outside, all text escaped.

A table of thousands of columns gets cards for 200 of them, those with the worst issues first chosen, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC

from mlops.data_pipeline.quality.cards import card, shown
from mlops.data_pipeline.quality.charts import bar, column_map, gauge, level
from mlops.data_pipeline.quality.formatting import count, place, rounded_down, share
from mlops.data_pipeline.quality.issues import Issue, Severity
from mlops.data_pipeline.quality.profiles import ColumnProfile, Example
from mlops.data_pipeline.quality.report import QualityReport
from mlops.data_pipeline.quality.score import ScorePart
from mlops.data_pipeline.quality.style import STYLE
from mlops.html_pages import page

__all__ = ["MOST_CARDS", "MOST_ISSUES", "to_html"]

MOST_CARDS = 200
"""Columns that have a card, at most."""

MOST_ISSUES = 200
"""Issues that are listed, at most."""

_MOST_RULES = 50
_MOST_EXAMPLES = 3
_FEWEST_MAPPED = 60  # columns; fewer are seen at once by their cards


def to_html(report: QualityReport) -> str:
    """Return a report as an HTML page, light or dark as the reader's system is, and fit to be printed."""
    cards = _Cards.of(report)
    sections = f"{_score(report)}{_table(report)}{_overview(report, cards)}{_issues(report, cards)}{_rules(report)}"
    main = (
        f'{_header(report)}\n<div class="grid">\n{sections}</div>\n{_cards(report, cards)}'
        f"<footer>Made {report.made_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC by TracSeq MLOps. "
        f"{_sampling(report)}</footer>\n"
    )
    return page(report.subject.title or "Data quality", main, style=STYLE)


def _header(report: QualityReport) -> str:
    subject, profile = report.subject, report.profile
    schema = f"{subject.schema_name} {subject.schema_version_name}".strip()
    facts = [
        count(profile.input_rows, "row"),
        count(len(profile.columns), "column"),
        f"schema {shown(schema)}" if schema else "no schema",
        f"pipeline {shown(subject.pipeline_id)}" if subject.pipeline_id else "",
        f"run {shown(subject.run_id)}" if subject.run_id else "",
    ]
    line = "".join(f"<span>{fact}</span>" for fact in facts if fact)
    title = shown(subject.title or "Table")
    return f'<header><div class="eyebrow">Data quality</div><h1>{title}</h1><div class="line">{line}</div></header>'


def _score(report: QualityReport) -> str:
    parts = "".join(_part(part) for part in report.score.parts)
    body = f'<div class="score">{gauge(report.score.value)}<div>{parts}</div></div>'
    return f"<section><h2>Score</h2>{body}</section>\n"


def _part(part: ScorePart) -> str:
    kind = {"high": "fill", "middle": "gap", "low": "wrong"}[level(part.value)]
    return (
        f'<div class="part"><span>{part.name.capitalize()}</span><span class="bar">{bar(part.value, kind)}</span>'
        f'<span class="num">{rounded_down(100 * part.value, 1)}</span>'
        f'<span class="why">{shown(part.reason, 200)}</span></div>'
    )


def _table(report: QualityReport) -> str:
    profile = report.profile
    about = "" if profile.is_duplicates_exact else "≈ "
    empty = sum(column.nulls for column in profile.columns)
    pairs = [
        ("Rows", f"{profile.input_rows:,}"),
        ("Broken rows", f"{profile.broken_rows:,}"),
        ("Quarantined", f"{report.quarantined_rows:,}" if report.subject.run_id else ""),
        ("Duplicate rows", f"{about}{profile.duplicate_rows:,}"),
        ("Columns", f"{len(profile.columns):,}"),
        ("Empty cells", f"{empty:,} ({share(empty / profile.cells)})" if profile.cells else "–"),
        ("Errors", f"{len(report.issues_of(Severity.ERROR)):,}"),
        ("Warnings", f"{len(report.issues_of(Severity.WARNING)):,}"),
        ("Input", shown(report.subject.input_path, 60)),
        ("SHA-256", shown(report.subject.input_digest[:16])),
        ("Compared with run", shown(report.previous_run_id)),
    ]
    items = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in pairs if value)
    notes = "".join(f'<p class="note">{shown(note, 300)}</p>' for note in report.subject.notes)
    return f"<section><h2>Table</h2><dl>{items}</dl>{notes}</section>\n"


def _issues(report: QualityReport, cards: _Cards) -> str:
    if not report.issues:
        return '<section class="wide"><h2>Issues</h2><p class="quiet">None found.</p></section>\n'
    rows = "".join(_issue(issue, cards) for issue in report.issues[:MOST_ISSUES])
    rest = len(report.issues) - MOST_ISSUES
    told = [count(len(found), word) for word in ("error", "warning") if (found := report.issues_of(Severity(word)))]
    told += [f"the worst {MOST_ISSUES:,} shown, {rest:,} more in the JSON report"] if rest > 0 else []
    note = f"<small>{', '.join(told)}</small>" if told else ""
    heads = "<th>Severity</th><th>Column</th><th>Issue</th><th>Examples</th>"
    return (
        f'<section class="wide"><h2>{count(len(report.issues), "issue")}{note}</h2><div class="scroll tall">'
        f'<table class="issues"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>\n'
    )


def _issue(issue: Issue, cards: _Cards) -> str:
    column = cards.link(issue.column) if issue.column else '<span class="quiet">table</span>'
    examples = "<br>".join(_example(example) for example in issue.examples[:_MOST_EXAMPLES])
    return (
        f'<tr><td class="{issue.severity}"><span class="dot"></span>{issue.severity}</td><td class="name">{column}</td>'
        f'<td class="said">{shown(issue.text, 600)}</td><td class="seen">{examples}</td></tr>'
    )


def _example(example: Example) -> str:
    value = f"<code>{shown(example.value, 40)}</code>" if example.value.strip() else "blank"
    return f"{value} {place(example)}"


def _rules(report: QualityReport) -> str:
    """Return how many rows break each rule; nothing when there were no checks."""
    if report.checks is None:
        return ""
    broken = {rule: amount for rule, amount in report.checks.by_rule.items() if amount}
    rules = sorted(broken.items(), key=lambda item: (-item[1], item[0]))
    is_run = report.subject.run_id or report.quarantined_rows
    bad = report.quarantined_rows if is_run else report.checks.faulty_rows
    title = f"{count(bad, 'row')} {'in quarantine' if is_run else 'with a fault'}"
    if not rules:
        return f'<section class="wide"><h2>{title}</h2><p class="quiet">No rule is broken.</p></section>\n'
    rows = "".join(_rule(rule, amount, report.profile.input_rows) for rule, amount in rules[:_MOST_RULES])
    rest = len(rules) - _MOST_RULES
    note = f"<small>and {count(rest, 'rule')} more</small>" if rest > 0 else ""
    heads = '<th>Broken rule</th><th></th><th class="num">Rows</th><th class="num">Share</th>'
    return (
        f'<section class="wide"><h2>{title}{note}</h2><div class="scroll"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>\n"
    )


def _rule(rule: str, amount: int, rows: int) -> str:
    part = amount / rows if rows else 0.0
    return (
        f'<tr><td class="rule">{shown(rule)}</td><td class="bar middle-bar">{bar(part, "wrong")}</td>'
        f'<td class="num">{amount:,}</td><td class="num">{share(part)}</td></tr>'
    )


@dataclass(frozen=True)
class _Cards:
    """The columns that get a card, in the order of the table, and the worst severity of all columns with issues."""

    columns: tuple[ColumnProfile, ...]
    anchors: Mapping[str, str]
    severities: Mapping[str, Severity]

    @classmethod
    def of(cls, report: QualityReport) -> _Cards:
        chosen = tuple(_chosen(report))
        worst_last = {issue.column: issue.severity for issue in reversed(report.issues) if issue.column}
        return cls(chosen, {column.name: f"c{place}" for place, column in enumerate(chosen)}, worst_last)

    def link(self, name: str) -> str:
        """Return a column's name, leading to its card if it has one."""
        return f'<a href="#{self.anchors[name]}">{shown(name, 60)}</a>' if name in self.anchors else shown(name, 60)


def _overview(report: QualityReport, cards: _Cards) -> str:
    """Return all columns of a wide table at a glance; nothing for a table whose cards do the same."""
    columns = report.profile.columns
    if len(columns) < _FEWEST_MAPPED:
        return ""
    marks = [(column.null_share, cards.severities.get(column.name)) for column in columns]
    legend = "".join(
        f'<span class="{name}"><span class="dot"></span>{word}</span>'
        for name, word in (("plain", "no issue"), ("info", "info"), ("warning", "warning"), ("error", "error"))
    )
    return (
        f'<section class="wide"><h2>{count(len(columns), "column")}<small>in the order of the table, row by row; paler '
        f'where cells are empty</small></h2>{column_map(marks)}<div class="legend">{legend}</div></section>\n'
    )


def _cards(report: QualityReport, cards: _Cards) -> str:
    columns, chosen = report.profile.columns, cards.columns
    note = ""
    if len(chosen) < len(columns):
        note = (
            f'<p class="note">Cards of {len(chosen):,} of {len(columns):,} columns, those with the worst issues among '
            "them; the JSON report has all.</p>"
        )
    shown_cards = "".join(
        card(column, anchor=cards.anchors[column.name], severity=cards.severities.get(column.name, ""))
        for column in chosen
    )
    return f'{note}<div class="cards">\n{shown_cards}</div>\n'


def _chosen(report: QualityReport) -> list[ColumnProfile]:
    """Return the columns that get a card, in the order of the table."""
    columns = report.profile.columns
    if len(columns) <= MOST_CARDS:
        return list(columns)
    names = [issue.column for issue in report.issues] + [column.name for column in columns]
    kept = set(list(dict.fromkeys(name for name in names if name))[:MOST_CARDS])
    return [column for column in columns if column.name in kept]


def _sampling(report: QualityReport) -> str:
    profile = report.profile
    if profile.sample_rows >= profile.rows:
        return ""
    return (
        f"Quartiles, medians, fences and histograms are of a sample of {count(profile.sample_rows, 'row')}; "
        "counts, means, standard deviations and ranges are of all rows."
    )
