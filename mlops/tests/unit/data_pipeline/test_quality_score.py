"""The laws of the score: its range, its weights, and that nothing bad ever raises it."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.data_pipeline.quality.profiles import (
    Category,
    ColumnKind,
    ColumnProfile,
    Finding,
    FindingKind,
    TableProfile,
)
from mlops.data_pipeline.quality.score import WEIGHTS, CheckCounts, score
from mlops.data_pipeline.quality.statistics import profile

ROWS = 50


@st.composite
def columns(draw: st.DrawFn) -> ColumnProfile:
    nulls = draw(st.integers(0, ROWS))
    kinds = draw(st.lists(st.sampled_from(list(FindingKind)), unique=True, max_size=4))
    return ColumnProfile(
        name=draw(st.text(min_size=1, max_size=4)),
        dtype="string",
        kind=ColumnKind.TEXT,
        is_nullable=draw(st.booleans()),
        rows=ROWS,
        nulls=nulls,
        distinct=draw(st.integers(0, 3)),
        categories=tuple(Category(value=value, count=5) for value in draw(st.lists(st.text(max_size=6), max_size=3))),
        findings=tuple(Finding(kind=kind, count=draw(st.integers(0, ROWS))) for kind in kinds),
    )


@st.composite
def tables(draw: st.DrawFn) -> TableProfile:
    return TableProfile(
        rows=ROWS,
        broken_rows=draw(st.integers(0, 5)),
        duplicate_rows=draw(st.integers(0, ROWS - 1)),
        columns=tuple(draw(st.lists(columns(), min_size=1, max_size=4))),
    )


def worse_column(table: TableProfile, place: int, change: Callable[[ColumnProfile], ColumnProfile]) -> TableProfile:
    items = list(table.columns)
    items[place % len(items)] = change(items[place % len(items)])
    return table.changed(columns=tuple(items))


@given(tables(), st.integers(0, ROWS), st.integers(0, 3))
def test_the_score_and_its_parts_are_fractions(table: TableProfile, faulty: int, place: int) -> None:
    """Everything lies from 0 to 1, and the score is the weighted mean of the parts."""
    found = score(table, CheckCounts(faulty_rows=faulty))
    assert found.value == pytest.approx(sum(part.weight * part.value for part in found.parts))
    assert 0 <= found.value <= 1
    assert [part.name for part in found.parts] == list(WEIGHTS)
    assert sum(WEIGHTS.values()) == pytest.approx(1)


@given(tables(), st.integers(0, 3), st.integers(0, ROWS))
def test_more_nulls_never_raise_the_score(table: TableProfile, place: int, more: int) -> None:
    """Emptying cells, everything else being equal, never helps."""
    worse = worse_column(table, place, lambda item: item.changed(nulls=min(ROWS, item.nulls + more)))
    assert score(worse).value <= score(table).value + 1e-12


@given(tables(), st.integers(0, 3), st.sampled_from(list(FindingKind)), st.integers(1, ROWS))
def test_more_findings_never_raise_the_score(table: TableProfile, place: int, kind: FindingKind, more: int) -> None:
    """Nor does anything that calls for a look."""

    def change(item: ColumnProfile) -> ColumnProfile:
        return item.changed(findings=(*item.findings, Finding(kind=kind, count=more)))

    assert score(worse_column(table, place, change)).value <= score(table).value + 1e-12


@given(tables(), st.integers(0, ROWS), st.integers(0, ROWS), st.integers(0, ROWS))
def test_more_faults_and_duplicates_never_raise_the_score(
    table: TableProfile, faulty: int, more: int, keys: int
) -> None:
    """Nor do broken rules, repeated keys or repeated rows."""
    before = score(table, CheckCounts(faulty_rows=faulty)).value
    worse = table.changed(duplicate_rows=min(ROWS, table.duplicate_rows + more))
    after = score(worse, CheckCounts(faulty_rows=min(ROWS, faulty + more), by_rule={"id:unique": keys})).value
    assert after <= before + 1e-12


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["alpha", "beta", "gamma"]), min_size=2, max_size=30), st.data())
def test_emptying_cells_of_a_clean_table_never_raises_its_score(values: list[str], data: st.DataObject) -> None:
    """The law holds for tables too, not only for counts."""
    frame = pl.DataFrame({"id": [f"S{place}" for place in range(len(values))], "x": values})
    emptied = data.draw(st.sets(st.integers(0, len(values) - 1)))
    holes = [None if place in emptied else value for place, value in enumerate(values)]
    worse = frame.with_columns(pl.Series("x", holes, dtype=pl.String))
    assert score(profile(worse)).value <= score(profile(frame)).value + 1e-12


def test_a_clean_table_has_a_perfect_score() -> None:
    """Nothing missing, nothing repeated, nothing odd."""
    frame = pl.DataFrame({"id": ["a1", "a2", "a3", "a4"], "x": [1.0, 2.0, 3.0, 4.0]})
    assert score(profile(frame), CheckCounts()).value == pytest.approx(1.0)


def test_a_table_without_rows_has_the_score_zero() -> None:
    """Nothing cannot be trusted."""
    assert score(TableProfile(rows=0)).value == 0


def test_required_cells_weigh_double() -> None:
    """An empty cell costs twice as much where the schema allows none."""
    blank = ColumnProfile(name="x", dtype="string", kind=ColumnKind.TEXT, rows=10, nulls=5, distinct=3)
    full = blank.changed(name="y", nulls=0)
    lenient = score(TableProfile(rows=10, columns=(blank, full))).parts[0].value
    strict = score(TableProfile(rows=10, columns=(blank.changed(is_nullable=False), full))).parts[0].value
    assert (lenient, strict) == (pytest.approx(1 - 5 / 20), pytest.approx(1 - 10 / 30))


def test_validity_is_of_rows_and_counts_broken_ones() -> None:
    """Faulty rows are a share of all rows of the input; without checks what could not be read counts."""
    table = TableProfile(
        rows=8,
        broken_rows=2,
        columns=(
            ColumnProfile(
                name="x",
                dtype="int64",
                kind=ColumnKind.NUMBER,
                rows=8,
                nulls=0,
                distinct=8,
                findings=(Finding(kind=FindingKind.UNPARSEABLE, count=1),),
            ),
        ),
    )
    assert score(table, CheckCounts(faulty_rows=5)).parts[1].value == pytest.approx(0.5)
    assert score(table).parts[1].value == pytest.approx(0.7)


def test_a_repeated_key_is_no_unique_row() -> None:
    """Uniqueness falls by the key that is repeated most, though the rows differ elsewhere."""
    table = TableProfile(
        rows=10, columns=(ColumnProfile(name="x", dtype="string", kind=ColumnKind.TEXT, rows=10, nulls=0, distinct=9),)
    )
    found = score(table, CheckCounts(by_rule={"id:unique": 2, "a+b:unique": 1, "x:range": 9}))
    assert found.parts[2].value == pytest.approx(0.8)
