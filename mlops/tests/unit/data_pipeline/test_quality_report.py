"""The report as a document, as a page and in a terminal; hostile names and values in it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.data_pipeline.quality import (
    CheckCounts,
    QualityReport,
    ReportSubject,
    TableProfile,
    assess,
    example_rows,
    make_report,
    to_html,
    with_lines,
)
from mlops.data_pipeline.quality.charts import gauge
from mlops.data_pipeline.quality.html import MOST_CARDS
from mlops.data_pipeline.quality.style import STYLE
from mlops.data_pipeline.quality.terminal import column_rows, examples_text, issue_rows, part_rows

NOW = datetime(2026, 1, 15, tzinfo=UTC)
HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "</style><script src=//evil.example/x.js>",
    "=CMD()|'/c calc'!A1",
    "javascript:alert(1)\x00\u202e",
    "{{7*7}} ${x} %s {count}",
]
_VOID = {"meta", "rect", "circle", "br"}


def at(year: int, month: int, day: int) -> datetime:
    """Return a moment as tables have it, without a zone."""
    return datetime(year, month, day, tzinfo=UTC).replace(tzinfo=None)


class _Page(HTMLParser):
    """The elements and attributes of a page, and whether every element is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: dict[str, set[str]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()


def hostile_report() -> QualityReport:
    columns = {
        name: [value, value, other]
        for name, value, other in zip(HOSTILE, HOSTILE, HOSTILE[1:] + HOSTILE[:1], strict=True)
    }
    checks = CheckCounts(faulty_rows=3, by_rule=dict.fromkeys(HOSTILE, 1))
    subject = ReportSubject(**{**dict.fromkeys(ReportSubject.model_fields, HOSTILE[0]), "notes": HOSTILE[:1]})
    frame = pl.DataFrame(columns)
    before = assess(frame.head(1).with_columns(pl.lit(HOSTILE[1]).alias("more")), subject=subject)
    return assess(frame, checks=checks, subject=subject, previous=before, now=lambda: NOW)


def mixed_report() -> QualityReport:
    generator = np.random.default_rng(1)
    frame = pl.DataFrame(
        {
            "value": [*generator.normal(size=99), float("nan")],
            "count": generator.integers(0, 9, 100),
            "site": ["north", "south"] * 50,
            "day": pl.date_range(at(2025, 1, 1), at(2025, 4, 10), eager=True),
            "huge": [2**62, -(2**62)] * 50,
            "tiny": [5e-324, 1e308] * 50,
            "empty": pl.Series([None] * 100, dtype=pl.Float64),
        }
    )
    return assess(frame, now=lambda: NOW)


def test_hostile_text_stays_text_on_the_page() -> None:
    """Names, values, rules and identities that look like markup add no element, no attribute and no address."""
    page = to_html(hostile_report())
    found = _Page(page)
    assert not {"script", "img", "link", "iframe", "object"} & set(found.tags)
    assert not {name for name in found.attributes if name.startswith("on") or name in {"src", "style"}}
    assert all(re.fullmatch(r"#c\d+", target) for target in found.attributes["href"])
    assert "\x00" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_page_brings_everything_it_shows() -> None:
    """No address outside, and a policy that would forbid one."""
    page = re.sub(r"'sha256-[^']+'|&#x27;sha256-.+?&#x27;", "", to_html(mixed_report()))  # a digest may have slashes
    assert not re.search(r"(https?:)?//\w", page)
    assert "url(" not in page
    assert "@import" not in page
    assert f"<style>{STYLE}</style>" in page


@pytest.mark.parametrize("report", [hostile_report(), mixed_report(), make_report(TableProfile(rows=0))])
def test_every_element_of_the_page_is_closed(report: QualityReport) -> None:
    """The page is well formed, for an empty table too."""
    assert _Page(to_html(report)).open == []


def test_no_number_of_the_page_is_nan() -> None:
    """Coordinates of charts are numbers whatever the data are."""
    found = _Page(to_html(mixed_report()))
    for name in ("x", "y", "width", "height", "stroke-dasharray"):
        assert not [value for value in found.attributes.get(name, ()) if "nan" in value or "inf" in value]


def test_light_dark_and_paper_have_their_styles() -> None:
    """One page for screen and print."""
    assert "@media (prefers-color-scheme:dark)" in STYLE
    assert "@media print" in STYLE


def test_a_very_wide_table_gets_some_cards_and_says_so() -> None:
    """Columns with issues are among them."""
    frame = pl.DataFrame({f"gene_{place}": [place, place + 1, 5] for place in range(700)})
    report = assess(frame.with_columns(gene_650=pl.Series([1.0, float("inf"), 2.0])))
    page = to_html(report)
    assert page.count("<article ") == MOST_CARDS
    assert f"Cards of {MOST_CARDS} of 700 columns" in page
    assert re.search(r"<h3><span class=\"dot error\"[^>]*></span>gene_650</h3>", page)


def test_the_page_says_what_is_in_quarantine() -> None:
    """Rules are listed by how many rows break them, without those that nobody breaks."""
    checks = CheckCounts(faulty_rows=5, by_rule={"x:range": 2, "y:type": 4, "z:regex": 0})
    page = to_html(make_report(TableProfile(rows=10), checks=checks, quarantined_rows=5))
    assert "5 rows in quarantine" in page
    assert page.index("y:type") < page.index("x:range")
    assert "z:regex" not in page


@pytest.mark.parametrize("report", [hostile_report(), mixed_report(), make_report(TableProfile(rows=0))])
def test_a_report_survives_json(report: QualityReport) -> None:
    """Written and read, it is the same report, its version beside it."""
    document = json.loads(json.dumps(report.to_document()))
    assert document["schema_version"] == 1
    assert QualityReport.from_document(document) == report


def test_a_report_of_a_newer_writer_is_read() -> None:
    """Fields that this version does not know are ignored, inside too."""
    document = make_report(TableProfile(rows=3)).to_document()
    document |= {"mood": "good", "profile": {**document["profile"], "colour": "red"}}
    assert QualityReport.from_document(document).profile.rows == 3


def test_examples_get_the_lines_of_their_rows() -> None:
    """Rows without a line keep their number, counted from 1."""
    report = assess(pl.DataFrame({"x": ["ok", "n/a", "ok", "n/a"]}))
    assert example_rows(report) == (0, 1, 3)
    located = with_lines(report, {1: 17})
    [issue] = [item for item in located.issues if item.code == "placeholder"]
    assert [item.line for item in issue.examples] == [17, None]
    assert [item.line for item in located.profile.columns[0].findings[0].examples] == [17, None]
    page = to_html(located)
    assert "line 17" in page
    assert "row 4" in page


def test_terminal_rows_are_plain_text() -> None:
    """Each row has as many cells as its heading, and no control character reaches the terminal."""
    report = hostile_report()
    rows = [*part_rows(report), *issue_rows(report), *column_rows(report)]
    assert {len(row) for row in rows} == {4, 5}
    assert all(cell.isprintable() for row in rows for cell in row)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.none() | st.floats(), st.none() | st.text(max_size=8), st.none() | st.booleans()), max_size=20
    )
)
def test_any_table_has_a_report(rows: list[tuple[object, ...]]) -> None:
    """Whatever the values, the report is made, is the same after JSON, and has a page."""
    frame = pl.DataFrame(rows, schema={"<x>": pl.Float64, "y": pl.String, "z": pl.Boolean}, orient="row")
    report = assess(frame, now=lambda: NOW)
    assert QualityReport.from_document(json.loads(json.dumps(report.to_document()))) == report
    assert _Page(to_html(report)).open == []


def test_the_page_of_a_table_without_a_run_speaks_of_faults() -> None:
    """Only a run quarantines: a profile says how many rows break a rule."""
    checks = CheckCounts(faulty_rows=5, by_rule={"x:range": 5})
    page = to_html(make_report(TableProfile(rows=10), checks=checks))
    assert "5 rows with a fault" in page
    assert "uarantine" not in page


def test_an_issue_leads_to_the_card_of_its_column() -> None:
    """Every link has its target on the page."""
    found = _Page(to_html(mixed_report()))
    assert found.attributes["href"]
    assert {target.removeprefix("#") for target in found.attributes["href"]} <= set(found.attributes["id"])


def test_all_columns_of_a_wide_table_are_seen_at_once() -> None:
    """Each column is a square in the colour of its worst issue; a narrow table has its cards for that."""
    frame = pl.DataFrame({f"gene_{place}": [place + 0.0, place + 1.0, place + 2.0] for place in range(99)})
    page = to_html(assess(frame.with_columns(gene_7=pl.Series([1.0, float("inf"), 2.0]))))
    squares = re.findall(r'<path class="(\w+)" fill-opacity="1.00" d="([^"]+)"', page)
    assert {name: drawn.count("z") for name, drawn in squares} == {"plain": 98, "error": 1}
    assert "<path" not in to_html(assess(frame.select("gene_1", "gene_2")))


def test_rows_that_could_not_be_read_are_shown_with_their_lines() -> None:
    """The issue says what is wrong with the first of them."""
    frame = pl.DataFrame({"__row__": [0, 1, 2], "x": [1, None, 3], "__fault__": [None, "ragged", None]})
    report = assess(frame)
    assert example_rows(report) == (1,)
    issue = with_lines(report, {1: 3}).issues[0]
    assert issue.code == "broken-rows"
    assert examples_text(issue) == "'ragged' (line 3)"


def test_notes_about_the_input_stand_on_the_page() -> None:
    """What was guessed about a file is told."""
    subject = ReportSubject(notes=("The file was read as cp1252.",))
    assert "The file was read as cp1252." in to_html(make_report(TableProfile(rows=1), subject=subject))


@pytest.mark.parametrize(("value", "shown"), [(0.99977, "99.9"), (1.0, "100.0"), (0.7, "70.0")])
def test_a_score_is_never_rounded_up(value: float, shown: str) -> None:
    """The ring and the terminal agree, and only a perfect score is 100."""
    assert f'aria-label="Score {shown} of 100"' in gauge(value)
