"""The language of row rules: what it means where that could be doubted, and how it answers what it cannot read."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.data_pipeline import RuleError
from mlops.data_pipeline.entities import ColumnType
from mlops.data_pipeline.rule_language import FUNCTIONS, check_condition, columns_of, compile_condition, parse_rule
from mlops.tests.fixtures.row_checker import evaluate

TYPES = {
    "i": ColumnType.INTEGER, "f": ColumnType.FLOAT, "g": ColumnType.FLOAT, "s": ColumnType.STRING,
    "b": ColumnType.BOOLEAN, "d": ColumnType.DATE, "t": ColumnType.DATETIME, "conc (mg/mL)": ColumnType.FLOAT,
}  # fmt: skip
LAYOUT = {
    "i": pl.Int64, "f": pl.Float64, "g": pl.Float64, "s": pl.String, "b": pl.Boolean, "d": pl.Date,
    "t": pl.Datetime("us"), "conc (mg/mL)": pl.Float64,
}  # fmt: skip
NAN, INF = float("nan"), float("inf")


def value_of(text: str, row: dict[str, Any]) -> bool | None:
    node = parse_rule(text)
    check_condition(text, node, TYPES)
    frame = pl.DataFrame([row], schema=LAYOUT, orient="row")
    (value,) = frame.select(compile_condition(node, TYPES)).to_series().to_list()
    assert value is evaluate(node, row)
    return bool(value) if value is not None else None


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("f < g", {"f": 1.0, "g": NAN}, False),
        ("f <= g", {"f": NAN, "g": NAN}, False),
        ("f > g", {"f": NAN, "g": 1.0}, False),
        ("f == g", {"f": NAN, "g": NAN}, False),
        ("f != g", {"f": NAN, "g": NAN}, True),
        ("f != 1", {"f": NAN}, True),
        ("f < g", {"f": None, "g": NAN}, None),
        ("f == g", {"f": NAN, "g": None}, None),
        ("f < g", {"f": 1.0, "g": INF}, True),
        ("min(f, g) < 5", {"f": 1.0, "g": NAN}, False),
        ("max(f, g) > 0", {"f": NAN, "g": 1.0}, False),
        ("min(f, g) < 5", {"f": None, "g": NAN}, None),
        ("f / g > 1", {"f": 1.0, "g": 0.0}, True),
        ("f / g == f / g", {"f": 0.0, "g": 0.0}, False),
        ("i + i > 0", {"i": 2**63 - 1}, True),
        ("i == 9223372036854775807", {"i": 2**63 - 2}, False),
        ("i == f", {"i": 2**53 + 1, "f": 2.0**53}, True),
        ("i / 2 == 0.5", {"i": 1}, True),
        ("b and s == 'x'", {"b": False, "s": None}, False),
        ("b or s == 'x'", {"b": True, "s": None}, True),
        ("b and s == 'x'", {"b": True, "s": None}, None),
        ("not (s == 'x')", {"s": None}, None),
        ("s in ('x', 'it''s')", {"s": "it's"}, True),
        ("s not in ('x')", {"s": None}, None),
        ("s is null", {"s": None}, True),
        ("s is not null", {"s": ""}, True),
        ("matches(s, 'a|ab')", {"s": "ab"}, True),
        ("matches(s, 'a')", {"s": "a\n"}, False),
        ('s == "say ""no"""', {"s": 'say "no"'}, True),
        ("`conc (mg/mL)` > 1", {"conc (mg/mL)": 2.0}, True),
        ("1 < i <= 3 and b", {"i": 3, "b": True}, True),
        ("NOT b AND i = 1", {"b": False, "i": 1}, True),
        ("2 + 3 * 2 == 8 and -i < 0", {"i": 1}, True),
        ("10 - 4 - 3 == 3 and b", {"b": True}, True),
        ("--i == i", {"i": 4}, True),
        ("len(s) == 2", {"s": "𝒳é"}, True),
    ],
)
def test_what_a_rule_means(text: str, row: dict[str, Any], expected: bool | None) -> None:
    """Empty cells, NaN, division by zero, precedence and quoting are as documented, in Polars and by hand."""
    assert value_of(text, dict.fromkeys(LAYOUT) | row) is expected


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "expected a value, a column or .*, not the end"),
        ("i <", 4, "not the end"),
        ("i < > 3", 5, "not '>'"),
        ("(i > 1", 7, "expected .*, not the end"),
        ("i > 1 f", 7, "expected an operator or the end, not 'f'"),
        ("i is 3", 6, "expected 'null' after 'is'"),
        ("i not 3", 3, "expected 'in' after 'not'"),
        ("i in (f)", 7, "a list holds values written out"),
        ("i == null", 6, r"write is_null\(column\)"),
        ("and > 1", 1, "backticks"),
        ("'x", 1, "no closing quote"),
        ("`x > 1", 1, "no closing backtick"),
        ("i & f", 3, "write 'and'"),
        ("i || f", 3, "write 'or'"),
        ("!b", 1, "write 'not'"),
        ("i in [1]", 6, "in parentheses"),
        ("i % 2 == 0", 3, "no remainder"),
        ("i > 5€", 6, "'€' cannot stand here"),
        ("i > 5x", 5, "'5' cannot stand here"),
        ("f > 1e999", 5, "beyond what a double can hold"),
        ("i > 9223372036854775808", 5, "beyond 64 bits"),
        ("d > date('31.01.2024')", 10, "no ISO date"),
        ("(" * 60 + "b", 41, "levels of parentheses"),
        ("b or " * 400 + "b", 1501, "more than 600 parts"),
        ("b" * 5000, 4000, "more than 4000 characters"),
        ("dose > 1", 1, "no column 'dose'"),
        ("F > 1", 1, "Did you mean 'f'"),
        ("foor(f) > 1", 1, "Did you mean 'floor'"),
        ("i", 1, "expected a condition"),
        ("b and i", 7, "expected a condition"),
        ("s > 1", 3, "a text cannot be compared with a whole number"),
        ("s in ('a', 1)", 3, "a text cannot be compared"),
        ("b < b", 3, "use == or !="),
        ("d == t", 3, r"date\(x\) is the day"),
        ("d - d > 3", 1, "days_between"),
        ("s + s == 'ab'", 1, "takes numbers"),
        ("len(i) > 1", 5, "len takes a text"),
        ("len(s, s) > 1", 1, "takes 1 value"),
        ("min() > 1", 1, "takes 1 or more"),
        ("matches(s, s)", 12, "a pattern is written out"),
        ("matches(s, '[')", 12, "does not compile: unclosed character class"),
        ("coalesce(i, s) == 1", 1, "cannot be compared"),
        ("'i' > 1", 5, "the column 'i' is written `i`, for quotes make a text"),
        ("d >= '2026-01-15'", 3, r"write date\('2026-01-15'\)"),
        ("t in ('2026-01-15T08:00')", 3, r"write datetime\('2026-01-15T08:00'\)"),
        ("is_nul(i)", 1, "Did you mean 'is_null'"),
    ],
)
def test_what_cannot_be_read_is_pointed_at(text: str, column: int, reason: str) -> None:
    """An error says at which character the trouble begins, and what would be right."""
    with pytest.raises(RuleError, match=reason) as caught:
        check_condition(text, parse_rule(text), TYPES)
    assert caught.value.column == column


def trouble_of(text: str) -> int | None:
    try:
        check_condition(text, parse_rule(text), TYPES)
    except RuleError as error:
        return error.column
    return None


@given(st.text(alphabet="if<>=()+-*/ 1.'`,andornotisull", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is written gives a tree or a RuleError that points into the text, never anything else."""
    column = trouble_of(text)
    assert column is None or 1 <= column <= len(text) + 1


def test_columns_are_listed_once_in_order() -> None:
    """columns_of tells what a rule needs."""
    assert columns_of(parse_rule("f > i and (f < g or is_null(s))")) == ("f", "i", "g", "s")


def test_every_function_is_null_where_its_argument_is() -> None:
    """Functions of an empty cell cannot be told, coalesce apart."""
    columns = {"whole number": "i", "text": "s", "date": "d", "date with time": "t"}
    for name, function in FUNCTIONS.items():
        arguments = [columns[min(kinds & columns.keys())] for kinds in function.takes]
        arguments = arguments if name != "matches" else ["s", "'x'"]
        text = f"is_null({name}({', '.join(arguments)}))"
        assert value_of(text, dict.fromkeys(LAYOUT)) is True
