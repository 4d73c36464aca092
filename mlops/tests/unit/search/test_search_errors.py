"""What cannot be read is said with its column and with what would be right."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.search import Collection, Kind, SearchSyntaxError, Vocabulary, parse_filter, parse_order
from mlops.search.parser import DEEPEST_NESTING, MOST_CONDITIONS

RUNS = Vocabulary(
    {"name": Kind.TEXT, "status": Kind.TEXT, "created_at": Kind.DATE},
    {
        "metrics": Collection(Kind.NUMBER, frozenset({"min", "max"})),
        "params": Collection(Kind.MIXED),
        "tags": Collection(Kind.TEXT),
    },
)


def error_of(text: str) -> SearchSyntaxError:
    """Return the error that reading a filter raises."""
    with pytest.raises(SearchSyntaxError) as raised:
        parse_filter(text, RUNS)
    return raised.value


def test_the_message_points_at_the_column() -> None:
    """The text, a caret below the place, and the reason."""
    line, pointer = str(error_of("metrics.acc > > 0.9")).split("\n")
    assert line == "metrics.acc > > 0.9"
    assert pointer.startswith(" " * 14 + "^ column 15: expected a value or a field, not >")


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("statsu = 'x'", 1, "Did you mean 'status'"),
        ("status = 'x' and metric.a > 1", 18, "Did you mean 'metrics'"),
        ("metrics > 1", 1, "say which"),
        ("status = running", 10, "write it in single quotes: 'running'"),
        ('status = "running"', 10, "single quotes"),
        ("status = 'running", 10, "no closing quote"),
        ("metrics.`a > 1", 9, "come in pairs"),
        ("metrics.a.`b` > 1", 1, "quote the whole name"),
        ("metrics.`` > 1", 1, "empty"),
        ("metrics.val-acc > 1", 12, "metrics.`val-"),
        ("status", 7, "expected an operator"),
        ("status =", 9, "expected a value or a field, not the end"),
        ("status = 'a' status", 14, "expected AND, OR or the end"),
        ("(status = 'a'", 14, "expected AND, OR or )"),
        ("status = 'a')", 13, "closes no parenthesis"),
        ("status in 'a'", 11, "expected ("),
        ("status in ('a' 'b')", 16, "comma or )"),
        ("status in ('a', name)", 17, "expected a value"),
        ("status not = 'a'", 12, "in, like or ilike after not"),
        ("status is 'a'", 11, "null, nan"),
        ("status is nan", 1, "only metrics"),
        ("status like 3", 13, "a pattern in single quotes"),
        (r"status like 'a\'", 13, "lone"),
        ("metrics.a like '1%'", 1, "not a text"),
        ("created_at > 5", 14, "created_at is a date"),
        ("created_at > 'soon'", 14, "not an ISO date"),
        ("created_at > '0001-01-01T00:00+05:00'", 14, "not an ISO date"),
        ("created_at > 7d", 14, "now - 7d"),
        ("created_at > now - 5", 20, "a duration such as 7d"),
        ("created_at > now - 99999d", 20, "a hundred years"),
        ("created_at > now - 60y", 20, "not a number"),
        ("tags.kind = 5", 13, "tags.kind is a text"),
        ("status = true", 10, "status is a text"),
        ("metrics.a = '1'", 13, "metrics.a is a number"),
        ("params.a > now", 12, "compared with a number, a text"),
        ("metrics.a = nan", 13, "is nan"),
        ("status = null", 10, "is null"),
        ("metrics.a = tags.b", 13, "cannot be compared"),
        ("metrics.a > 1e999", 13, "write inf"),
        ("metrics.a > 5fold", 13, "not a number"),
        ("metrics.a > -'x'", 14, "a number after the sign"),
        ("1 = 1", 5, "must be a field"),
        ("5 in (5)", 3, "between a value and a field"),
        ("0 < metrics.a < 1", 15, "two sides"),
        ("mean(metrics.a) > 1", 1, "There are max, min"),
        ("min(status) > 1", 5, "a field of a collection"),
        ("min(params.a) > 1", 5, "a field of a collection"),
        ("status = 'a' && name = 'b'", 14, "write AND"),
        ("status = 'a' # all", 14, "unexpected '#'"),
        ("name = 'a\0'", 10, "cannot be part"),
    ],
)
def test_errors_name_column_and_remedy(text: str, column: int, reason: str) -> None:
    """Every mistake is told where it is, in words that help."""
    error = error_of(text)
    assert (error.column, error.text) == (column, text)
    assert reason in error.reason


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("status upwards", 8, "asc, desc, a comma"),
        ("status desc,", 13, "expected a field"),
        ("sttus", 1, "Did you mean 'status'"),
        (", ".join(f"metrics.m{i}" for i in range(9)), 97, "at most 8 fields"),
    ],
)
def test_orders_have_the_same_errors(text: str, column: int, reason: str) -> None:
    """An order that cannot be read points at its column too."""
    with pytest.raises(SearchSyntaxError, match=reason) as raised:
        parse_order(text, RUNS)
    assert raised.value.column == column


def test_nesting_is_limited() -> None:
    """So that no executor runs out of stack."""
    deep = "(" * DEEPEST_NESTING + "status = 'a'" + ")" * DEEPEST_NESTING
    assert parse_filter(deep, RUNS)
    assert error_of(f"({deep})").column == DEEPEST_NESTING + 1
    assert error_of("not " * 2_000 + "x").column == 4 * DEEPEST_NESTING + 1


def test_length_and_number_of_conditions_are_limited() -> None:
    """A filter is something a person could read."""
    many = " or ".join(["status = 'a'"] * MOST_CONDITIONS)
    assert parse_filter(many, RUNS)
    assert "list of values is one" in error_of(f"{many} or status = 'b'").reason
    assert "10,000 are allowed" in error_of("status = '" + "x" * 10_000 + "'").reason


def test_a_long_text_is_shown_around_the_place() -> None:
    """The message stays readable."""
    error = error_of("status = 'a' or " * 100 + "> 5 and status = 'b'" + " and status = 'c'" * 20)
    line, pointer = str(error).split("\n")
    assert line.startswith("…")
    assert line.endswith("…")
    assert line[pointer.index("^")] == ">"


def test_line_breaks_do_not_move_the_caret() -> None:
    """They are shown as spaces."""
    line, pointer = str(error_of("status = 'a'\n\tand x = 'b'")).split("\n")
    assert line[pointer.index("^")] == "x"


def test_the_error_is_invalid_input_and_survives_copies() -> None:
    """Worker processes hand it back whole."""
    error = error_of("statsu = 'x'")
    assert isinstance(error, InvalidInput)
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == str(copy.copy(error))


_PIECES = [
    "status",
    "metrics.a",
    "'x'",
    "1",
    "now",
    "7d",
    "(",
    ")",
    "=",
    "<",
    "and",
    "or",
    "not",
    "in",
    "is",
    "null",
    ",",
]


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_PIECES), max_size=12).map(" ".join)))
def test_anything_is_read_or_pointed_at(text: str) -> None:
    """No input raises anything else, and the column lies in the text."""
    for read in (parse_filter, parse_order):
        column = 1
        try:
            read(text, RUNS)
        except SearchSyntaxError as error:
            column = error.column
        assert 1 <= column <= len(text) + 1
