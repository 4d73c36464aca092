"""Issues on planted faults, what changed since the run before, and spellings of one category."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.data_pipeline.entities import DataSchema
from mlops.data_pipeline.quality.change import find_changes, total_variation
from mlops.data_pipeline.quality.issues import Issue, Severity, find_issues, sorted_issues
from mlops.data_pipeline.quality.profiles import Category, FindingKind, TableProfile
from mlops.data_pipeline.quality.spelling import variants
from mlops.data_pipeline.quality.statistics import profile

NOW = datetime(2026, 1, 15, tzinfo=UTC)
shares = st.dictionaries(st.sampled_from("abcd"), st.floats(0, 1), max_size=4)


def at(year: int, month: int, day: int) -> datetime:
    """Return a moment as tables have it, without a zone."""
    return datetime(year, month, day, tzinfo=UTC).replace(tzinfo=None)


def issues_of(columns: dict[str, object], schema: DataSchema | None = None) -> dict[str, Issue]:
    frame = pl.DataFrame(columns, strict=False)
    return {issue.code: issue for issue in find_issues(profile(frame, schema, now=lambda: NOW))}


def changes_of(now: dict[str, object], before: dict[str, object]) -> dict[str, Issue]:
    found = find_changes(profile(pl.DataFrame(now)), profile(pl.DataFrame(before)))
    return {issue.code: issue for issue in found}


def test_an_empty_cell_that_must_not_be_is_an_error() -> None:
    """With the schema's word it is an error, without it depends on how many there are."""
    schema = DataSchema(name="s", columns={"x": {"type": "integer", "nullable": False}})
    values = [None, *range(39)]
    assert issues_of({"x": values}, schema)["missing"].text == "1 cell (2.5 %) empty, and the schema allows none."
    assert "missing" not in issues_of({"x": values})
    assert issues_of({"x": [None] * 3 + list(range(37))})["missing"].severity is Severity.INFO
    assert issues_of({"x": [None] * 10 + list(range(30))})["missing"].severity is Severity.WARNING


def test_constant_near_constant_and_empty_columns_are_told_apart() -> None:
    """One of the three is said, never two."""
    found = issues_of({"x": ["a"] * 200, "y": ["b"] * 199 + ["c"], "z": pl.Series([None] * 200, dtype=pl.Int64)})
    assert (found["constant"].column, found["near-constant"].column, found["empty-column"].column) == ("x", "y", "z")
    assert "99.50 %" in found["near-constant"].text


@pytest.mark.parametrize(
    ("values", "code", "severity", "count"),
    [
        ([1.0, 2.0, float("inf")], "infinite", Severity.ERROR, 1),
        ([1.0, 2.0, float("nan")], "nan", Severity.WARNING, 1),
        ([*range(50), -999, -999], "sentinel", Severity.WARNING, 2),
        ([at(2025, 1, 1), at(2204, 1, 1)], "future", Severity.ERROR, 1),
        ([at(2025, 1, 1), at(1025, 1, 1)], "too-old", Severity.ERROR, 1),
        (["a", "b", "unknown"], "placeholder", Severity.WARNING, 1),
        (["a", "b", " "], "blank", Severity.WARNING, 1),
        (["a", "b", "c "], "padded", Severity.WARNING, 1),
        ([*["word"] * 30, "7"], "mixed", Severity.WARNING, 1),
        ([*["word"] * 3, "7"], "mixed", Severity.INFO, 1),
    ],
)
def test_a_planted_fault_is_an_issue(values: list[object], code: str, severity: Severity, count: int) -> None:
    """Each kind of odd cell has its code, its severity, its number and an example with its row."""
    issue = issues_of({"x": values})[code]
    assert (issue.severity, issue.count, issue.column) == (severity, count, "x")
    assert str(issue.count) in issue.text
    assert len(issue.examples) == count


def test_outliers_are_one_issue_with_both_counts() -> None:
    """A column has one line on outliers, by the MAD where there is one."""
    found = [
        issue for issue in find_issues(profile(pl.DataFrame({"x": [*range(100), 1000, -1000]}))) if issue.count == 2
    ]
    assert [issue.code for issue in found] == ["outliers"]
    assert found[0].text.startswith("2 outliers (2.0 %) outside of ")
    assert {example.value for example in found[0].examples} == {"1000", "-1000"}


def test_duplicates_and_broken_rows_are_issues_of_the_table() -> None:
    """They have no column; many duplicates are an error."""
    few = issues_of({"x": [*range(30), 3]})["duplicate-rows"]
    many = issues_of({"x": [1, 1, 2]})["duplicate-rows"]
    assert (few.column, few.severity, many.severity) == (None, Severity.WARNING, Severity.ERROR)
    [broken] = find_issues(TableProfile(rows=9, broken_rows=1))
    assert broken.text == "1 row of 10 (10 %) could not be read as rows."


def test_issues_come_worst_first_and_always_alike() -> None:
    """The order does not depend on the order in which they were found."""
    frame = pl.DataFrame({"b": [1.0, float("inf")], "a": ["n/a", "x"], "c": ["k", "k"]})
    found = find_issues(profile(frame))
    assert [issue.severity for issue in found] == sorted((issue.severity for issue in found), key=list(Severity).index)
    assert sorted_issues(reversed(found)) == found == find_issues(profile(frame))


def test_issue_texts_hide_no_control_characters() -> None:
    """A text that would turn writing round, or ring a bell, is shown as its escape."""
    issue = issues_of({"x": ["evil\u202e\x07"] * 3})["constant"]
    assert issue.text == "Every value is 'evil\\u202e\\x07'; nothing can be learnt from it."


@pytest.mark.parametrize(
    ("spelling", "usual", "is_variant"),
    [
        ("North ", "north", True),
        ("HiSeq_2", "hiseq 2", True),
        ("melanmoa", "melanoma", True),
        ("souht", "south", True),
        ("HiSeq-1", "HiSeq-2", False),
        ("north", "south", False),
        ("mg/mL", "µg/mL", False),
        ("cat", "cut", False),
        ("", " ", False),
    ],
)
def test_spellings_of_one_category(spelling: str, usual: str, is_variant: bool) -> None:
    """Case, spaces and slips are variants; other numbers, units and short words are not."""
    found = list(variants([Category(value=usual, count=100), Category(value=spelling, count=2)]))
    assert bool(found) is is_variant


def test_a_similar_word_that_is_common_is_no_slip() -> None:
    """Two categories of like size are two categories."""
    assert not list(variants([Category(value="adenoma", count=60), Category(value="adenomas", count=40)]))


def test_misspelt_categories_are_one_issue() -> None:
    """The sentence names the spellings, how often, and what was meant."""
    issue = issues_of({"x": ["benign"] * 40 + ["Benign"] * 2 + ["bengin"]})["spelling"]
    assert issue.text == "3 cells in likely another spelling: 'Benign' (2) for 'benign', 'bengin' (1) for 'benign'."


def test_the_same_table_has_not_changed() -> None:
    """Nothing is said of a table that is what it was."""
    table = {"x": [1.0, 2.0, None], "y": ["a", "b", "a"]}
    assert changes_of(table, table) == {}


def test_chance_is_no_change() -> None:
    """Small samples of one population differ in mean and shares, and nothing is made of it."""
    generator = np.random.default_rng(2)
    tables = [
        {"x": generator.normal(size=12), "y": generator.choice(["a", "b", "c"], 12), "z": generator.random(12) < 0.5}
        for _ in range(40)
    ]
    found = [changes_of(now, before) for now, before in itertools.pairwise(tables)]
    alarms = [code for changes in found for code in changes if code in {"change-mean", "change-categories"}]
    assert len(alarms) <= 2


def test_a_moved_mean_is_told_in_standard_deviations() -> None:
    """Half a standard deviation is a warning, three are an error."""
    before = np.random.default_rng(3).normal(10, 2, 500)
    assert changes_of({"x": before + 2}, {"x": before})["change-mean"].severity is Severity.WARNING
    assert changes_of({"x": before + 8}, {"x": before})["change-mean"].severity is Severity.ERROR
    assert "change-mean" not in changes_of({"x": before + 0.2}, {"x": before})


def test_moved_shares_and_new_values_are_told() -> None:
    """Categories that shift, appear and vanish are three different things."""
    found = changes_of({"x": ["a"] * 150 + ["new"] * 150}, {"x": ["a"] * 150 + ["gone"] * 150})
    assert found["change-categories"].severity is Severity.ERROR
    assert "'new' (50 %)" in found["new-categories"].text
    assert "'gone' (50 %)" in found["gone-categories"].text


def test_more_empty_cells_are_told() -> None:
    """The share of empty cells moved by more than chance."""
    found = changes_of({"x": [None] * 60 + [1] * 140}, {"x": [None] * 10 + [1] * 190})
    assert found["change-nulls"].text == "30 % of the cells are empty; it was 5 % in the run before."


def test_changed_columns_and_rows_are_told() -> None:
    """A column gone, a new one, another type, and half as many rows."""
    found = find_changes(
        profile(pl.DataFrame({"x": ["a"], "new": [1]})), profile(pl.DataFrame({"x": [1] * 3, "old": 1}))
    )
    assert {(issue.code, issue.column, issue.severity) for issue in found} == {
        ("change-rows", None, Severity.WARNING),
        ("change-columns", "new", Severity.INFO),
        ("change-columns", "old", Severity.WARNING),
        ("change-columns", "x", Severity.WARNING),
    }


def test_all_rows_gone_is_an_error() -> None:
    """A table that had rows and has none."""
    [issue] = find_changes(TableProfile(rows=0), TableProfile(rows=5))
    assert issue.severity is Severity.ERROR


@given(shares, shares)
def test_total_variation_is_a_distance(now: dict[str, float], before: dict[str, float]) -> None:
    """It is symmetric, and 0 of the same shares."""
    assert total_variation(now, before) == pytest.approx(total_variation(before, now))
    assert total_variation(now, now) == 0
    assert total_variation(now, before) >= 0


def test_the_tails_of_a_normal_distribution_are_no_issue() -> None:
    """As many outliers as chance has are only on the column's card; one that is far off is told."""
    values = np.random.default_rng(0).normal(50, 5, 20_000)
    found = profile(pl.DataFrame({"x": values}))
    assert [item.kind for item in found.columns[0].findings] == [FindingKind.OUTLIER_IQR, FindingKind.OUTLIER_MAD]
    assert find_issues(found) == ()
    values[7] = 500.0
    assert issues_of({"x": values})["outliers"].severity is Severity.INFO


def test_outliers_where_most_values_are_the_same_are_told() -> None:
    """Without a spread nothing is the tail of anything."""
    assert "outliers" in issues_of({"x": [1.0] * 60 + [1.0 + place / 10 for place in range(40)] + [900.0] * 3})


def test_numbers_with_a_decimal_comma_are_told() -> None:
    """A German export that was read without being told so: text where numbers were meant."""
    issue = issues_of({"x": ["1,5", "-0,25", "1.234,5", None]})["decimal-comma"]
    assert (issue.count, issue.severity) == (3, Severity.WARNING)
    assert "decimal_comma" in issue.text
    assert "decimal-comma" not in issues_of({"x": ["1,5", "a, b", "c"]})


def test_the_only_value_of_a_column_is_not_called_constant() -> None:
    """One value says nothing about how a column varies."""
    assert issues_of({"x": [1], "y": ["a"]}) == {}
    assert set(issues_of({"x": [1, None], "y": ["a", None]})) == {"missing"}
