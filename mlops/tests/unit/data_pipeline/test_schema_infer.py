"""A proposed schema tells what a table is, and the table it was proposed for passes it."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.data_pipeline import ColumnType, DataSchema
from mlops.data_pipeline.checking import check_rows
from mlops.data_pipeline.infer import infer_schema
from mlops.errors import InvalidInput


def proposed(**columns: Any) -> DataSchema:
    return infer_schema(pl.DataFrame(columns), name="s")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-20", None], "integer"),
        (["1", "2.5", "1e3"], "float"),
        (["nan", "1"], "float"),
        (["007", "012"], "string"),
        (["true", "False"], "boolean"),
        (["yes", "no"], "boolean"),
        (["2024-01-31", None], "date"),
        (["31.01.2024", "01.02.2024"], "date"),
        (["01/31/2024", "02/01/2024"], "date"),
        (["01/02/2024", "02/03/2024"], "string"),
        (["24-01-31"], "string"),
        (["2024-01-31T08:00:00", "2024-01-31 08:00"], "datetime"),
        (["2024-01-31T08:00:00Z"], "datetime"),
        (["blood"] * 6 + ["serum"] * 6, "category"),
        (["blood", "serum"], "string"),
        ([None, None], "string"),
        (["1", "one"], "string"),
        ([1, 2], "integer"),
        ([1.5, None], "float"),
        ([True, False], "boolean"),
    ],
)
def test_the_type_of_a_column(cells: list[Any], expected: str) -> None:
    """Text is taken for a narrower type only when every cell can be read so, without guessing at day and month."""
    assert proposed(x=cells).columns["x"].type == expected


def test_the_format_of_dates_is_proposed() -> None:
    """Dates that are not ISO come with their format."""
    assert proposed(x=["31.01.2024"]).columns["x"].format == ("%d.%m.%Y",)


def test_dates_in_several_formats_are_dates() -> None:
    """All formats are proposed, where each cell can be read in one way only."""
    found = proposed(x=["2024-01-31", "31.01.2024", "01/31/2024", "02/03/2024"]).columns["x"]
    assert (found.type, found.format) == ("date", ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"))


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["01/02/2024", "02/03/2024"], "day and month cannot be told apart"),
        (["1,5", "2,25"], "read the table with decimal_comma"),
        (["1.234,5", "2,25"], "decimal_comma does not read '1.234,5': mend"),
        ([*(f"{dose},5" for dose in range(9)), "low"], "decimal_comma does not read 'low': mend"),
        (["low", "1,5"], ""),
    ],
)
def test_a_column_that_may_be_more_than_text_says_so(cells: list[str], said: str) -> None:
    """In its description, for the person who corrects the proposal."""
    found = proposed(x=cells).columns["x"]
    assert found.type == "string"
    assert said in found.description
    assert bool(said) == bool(found.description)


def test_rows_that_could_not_be_read_decide_nothing() -> None:
    """Their cells are empty because nobody could read them, which does not make a column nullable."""
    rows = pl.DataFrame({"__row__": [0, 1], "x": [1, None], "__fault__": [None, "ragged"]})
    assert not infer_schema(rows, name="s").columns["x"].nullable


def test_a_key_is_unique_complete_and_named_like_one() -> None:
    """Of several unique columns the one with the name of a key is the key."""
    schema = proposed(value=["a", "b"], sample_id=["S1", "S2"], run_id=["r", "r"], other_id=["x", None])
    assert schema.primary_key == ("sample_id",)
    assert [schema.columns[name].nullable for name in ("value", "other_id")] == [False, True]


@pytest.mark.parametrize("name", ["solid", "valid", "humid", "fluid"])
def test_words_that_end_in_id_are_no_keys(name: str) -> None:
    """A name is that of a key only when `id` is a word of it."""
    assert proposed(**{name: ["a", "b"]}).primary_key == ()


def test_limits_are_proposed_when_asked_for() -> None:
    """Smallest, largest and all values of categories, NaN and infinities left out."""
    table = pl.DataFrame({"x": [1.0, float("nan"), float("inf"), 3.0] * 3, "c": ["b", "a"] * 6})
    columns = infer_schema(table, name="s", with_limits=True).columns
    assert (columns["x"].min, columns["x"].max, columns["c"].allowed_values) == (1.0, 3.0, ("a", "b"))


def test_an_empty_table_demands_nothing() -> None:
    """Without rows every column may be empty and none is a key."""
    schema = infer_schema(pl.DataFrame(schema={"sample_id": pl.String, "x": pl.Float64}), name="s")
    assert schema.primary_key == ()
    assert all(spec.nullable for spec in schema.columns.values())


def test_a_snapshots_own_columns_are_left_out() -> None:
    """Row numbers are no data, and a column whose cells did not parse is text."""
    table = pl.DataFrame({"__row__": [0, 1], "dose": [1.0, None], "__raw__dose": [None, "much"]})
    assert {name: spec.type for name, spec in infer_schema(table, name="s").columns.items()} == {
        "dose": ColumnType.STRING
    }


@pytest.mark.parametrize("table", [pl.DataFrame(), pl.DataFrame({"x": [[1]]})])
def test_tables_that_no_schema_has_are_refused(table: pl.DataFrame) -> None:
    """No columns, or columns of lists, are said to be so."""
    with pytest.raises(InvalidInput, match=r"no columns|'x' is List\(Int64\)"):
        infer_schema(table, name="s")


ROWS = st.lists(
    st.tuples(
        st.integers(0, 5), st.none() | st.floats(allow_infinity=False, allow_nan=False), st.none() | st.dates(),
        st.sampled_from(["a", "b"]), st.none() | st.booleans(),
    ),
    max_size=20,
)  # fmt: skip


@given(ROWS, st.booleans())
def test_a_table_passes_its_own_proposal(rows: list[Any], with_limits: bool) -> None:
    """Every row of the table is good by the schema that was proposed for it."""
    layout = {"item_id": pl.Int64, "x": pl.Float64, "d": pl.Date, "c": pl.String, "b": pl.Boolean}
    table = pl.DataFrame(rows, schema=layout, orient="row").with_row_index("__row__").lazy()
    schema = infer_schema(table, name="s", with_limits=with_limits)
    assert check_rows(table, schema).bad_rows == 0
    assert DataSchema.from_document(schema.to_document()) == schema
