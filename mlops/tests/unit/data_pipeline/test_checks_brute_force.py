"""The compiled checks against a checker that looks at one row at a time, on random schemas, tables and rules."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.data_pipeline import DataSchema
from mlops.data_pipeline.cells import CELL_TYPES
from mlops.data_pipeline.checking import check_rows
from mlops.data_pipeline.entities import ColumnType
from mlops.data_pipeline.rule_language import check_condition, compile_condition, parse_rule
from mlops.tests.fixtures.row_checker import broken_rules, evaluate

TEXTS = st.sampled_from(["", "a", "ab", "S-1", "S-22", "ä", "日本", "it's", "A", "a\nb", "𝒳x"]) | st.text(max_size=4)
INTEGERS = st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1)
FLOATS = st.sampled_from([0.0, -0.0, 1.5, -2.0, float("nan"), float("inf"), float("-inf")]) | st.floats(width=64)
DATES = st.dates(date(2019, 12, 30), date(2020, 1, 3)) | st.dates(date(1000, 1, 1))
MOMENTS = st.datetimes(datetime.fromisoformat("2019-12-31"), datetime.fromisoformat("2020-01-02")) | st.datetimes(
    datetime.fromisoformat("1700-01-01"), datetime.fromisoformat("2200-01-01")
)
VALUES = {
    ColumnType.STRING: TEXTS, ColumnType.CATEGORY: TEXTS, ColumnType.INTEGER: INTEGERS, ColumnType.FLOAT: FLOATS,
    ColumnType.BOOLEAN: st.booleans(), ColumnType.DATE: DATES, ColumnType.DATETIME: MOMENTS,
}  # fmt: skip
PATTERNS = ["S-[0-9]+", "[a-z]*", "a|ab", "[^a]{1,2}"]
NUMBERS = ["i", "f", "2", "-1", "0.5", "(i + f)", "i / f", "(2 * f - i)", "abs(i)", "min(f, i, 1)", "max(f, 2)",
           "len(s)", "year(d)", "weekday(t)", "hour(t)", "day(d)", "floor(f)", "ceil(f)", "coalesce(f, i, 0)",
           "coalesce(i, 3)", "days_between(d, date('2020-01-01'))", "sqrt(f)", "-f"]  # fmt: skip
WORDS = ["s", "c", "'a'", "'S-1'", "'it''s'", "coalesce(s, c, 'x')"]
DAYS = ["d", "date(t)", "date('2020-01-01')"]
MARKS = st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "="])
TYPES = {"i": "integer", "f": "float", "s": "string", "c": "category", "b": "boolean", "d": "date", "t": "datetime"}


def compared(sides: list[str]) -> st.SearchStrategy[str]:
    side = st.sampled_from(sides)
    return st.builds("{} {} {}".format, side, MARKS, side)


ATOMS = (
    compared(NUMBERS)
    | compared(WORDS)
    | compared(DAYS)
    | compared(["t", "datetime('2020-01-01T06:00')", "datetime('2020-01-01T06:00+02:00')"])
    | st.sampled_from([
        "b", "not b", "b == true", "s in ('a', 'S-1')", "i not in (1, 2.0)", "f in (0, 1.5)", "c is null",
        "f is not null",
        "is_null(t)",
        "matches(s, 'S-[0-9]+')", "contains(s, c)", "starts_with(s, 'S')", "ends_with(c, s)", "0 <= f < i",
        "d in (date('2020-01-01'))",
    ])
)  # fmt: skip
JOINED = st.sampled_from(["({}) and ({})", "({}) or ({})", "not (({}) and ({}))"])
CONDITIONS = st.recursive(
    ATOMS, lambda inner: st.builds(lambda form, *both: form.format(*both), JOINED, inner, inner), max_leaves=5
)


def tables(types: dict[str, str], **own: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    cells = {name: st.none() | VALUES[ColumnType(kind)] for name, kind in types.items()}
    return st.lists(st.fixed_dictionaries({**cells, **own}), max_size=12)


def frame(types: dict[str, str], rows: list[dict[str, Any]], own: tuple[str, ...] = ()) -> pl.LazyFrame:
    layout = {name: CELL_TYPES[ColumnType(kind)] for name, kind in types.items()} | dict.fromkeys(own, pl.String())
    return pl.DataFrame(rows, schema=layout, orient="row").with_row_index("__row__").lazy()


@settings(max_examples=400)
@given(CONDITIONS, tables(TYPES))
def test_a_rule_means_the_same_to_polars_and_to_python(text: str, rows: list[dict[str, Any]]) -> None:
    """A compiled condition gives for every row what the expression gives when it is worked out by hand."""
    kinds = {name: ColumnType(kind) for name, kind in TYPES.items()}
    node = parse_rule(text)
    try:
        check_condition(text, node, kinds)
    except ValueError:
        return  # such as two texts compared with arithmetic; the table of errors is tested elsewhere
    condition = compile_condition(node, kinds)
    given_by_polars = frame(TYPES, rows).with_columns(condition.alias("r")).collect()["r"].to_list()
    assert given_by_polars == [evaluate(node, row) for row in rows]


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a column has to be."""
    kind = draw(st.sampled_from(list(ColumnType)))
    spec: dict[str, Any] = {"type": kind, "nullable": draw(st.booleans()), "unique": draw(st.booleans())}
    spec["primary_key"] = not spec["nullable"] and draw(st.booleans())
    finite = VALUES[kind].filter(lambda value: not isinstance(value, float) or abs(value) < float("inf"))
    storable = finite.filter(lambda value: not isinstance(value, str) or "\0" not in value)
    if draw(st.booleans()):
        spec["allowed_values"] = draw(st.lists(storable, max_size=4))
    if kind in {ColumnType.STRING, ColumnType.CATEGORY}:
        lengths = sorted(draw(st.tuples(st.integers(0, 3), st.integers(0, 4))))
        text = {"regex": draw(st.sampled_from(PATTERNS)), "min_length": lengths[0], "max_length": lengths[1]}
        spec |= {name: value for name, value in text.items() if draw(st.booleans())}
    elif kind is not ColumnType.BOOLEAN:
        low, high = sorted(draw(st.tuples(storable, storable)))
        spec |= {name: value for name, value in {"min": low, "max": high}.items() if draw(st.booleans())}
    return spec


@settings(max_examples=300)
@given(st.data())
def test_the_compiled_pass_finds_what_a_row_by_row_checker_finds(data: st.DataObject) -> None:
    """Every row breaks just the rules that the brute-force checker names, for any schema and table."""
    drawn = data.draw(st.lists(specs(), min_size=1, max_size=4))
    columns = {f"x{index}": spec for index, spec in enumerate(drawn)}
    types = {name: str(spec["type"]) for name, spec in columns.items()}
    schema = DataSchema(name="random", columns=columns)
    own: dict[str, Any] = {"__fault__": st.sampled_from([None, None, None, "ragged", "encoding", "odd"])}
    own |= {"__raw__x0": st.sampled_from([None, None, "?"])}
    rows = [_consistent(row, types) for row in data.draw(tables(types, **own))]
    checked = check_rows(frame(types, rows, tuple(own)), schema)
    assert _found(checked, len(rows)) == broken_rules(schema, rows)


def _consistent(row: dict[str, Any], types: dict[str, str]) -> dict[str, Any]:
    """A broken row has no cells, and a cell that did not parse has no value."""
    if row["__fault__"] is not None:
        return row | dict.fromkeys(types) | {"__raw__x0": None}
    return row | ({"x0": None} if row["__raw__x0"] is not None else {})


def _found(checked: Any, rows: int) -> list[set[str]]:
    found: list[set[str]] = [set() for _ in range(rows)]
    listed = checked.faults.select("__row__", reasons=checked.checks.reasons()).collect()
    for row, reasons in listed.rows():
        found[row] = set(reasons.split(";"))
    assert checked.bad_rows == sum(map(bool, found))
    assert sum(checked.counts.values()) == sum(map(len, found))
    return found
