"""Filters and orders are read into trees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.search import (
    And,
    Attribute,
    Collection,
    Comparison,
    Expression,
    IsNan,
    IsNull,
    Kind,
    Like,
    Member,
    Membership,
    Not,
    Operator,
    Or,
    Order,
    Relative,
    Vocabulary,
    all_of,
    parse_filter,
    parse_order,
)
from mlops.search.literals import spell

RUNS = Vocabulary(
    {"name": Kind.TEXT, "status": Kind.TEXT, "version": Kind.NUMBER, "created_at": Kind.DATE, "ended_at": Kind.DATE},
    {
        "metrics": Collection(Kind.NUMBER, frozenset({"min", "max"})),
        "params": Collection(Kind.MIXED),
        "tags": Collection(Kind.TEXT),
    },
    "created_at desc",
)
STATUS, LOSS = Attribute("status"), Member("metrics", "loss")


def read(text: str) -> Expression | None:
    """Read a filter on runs."""
    return parse_filter(text, RUNS)


def is_failed(status: str = "failed") -> Comparison:
    """Return the condition that a run has this status."""
    return Comparison(STATUS, Operator.EQ, status)


def test_the_filter_of_the_reference_is_read_as_it_is_meant() -> None:
    """Comparisons bind closest, then NOT, then AND, then OR."""
    text = "metrics.val_accuracy > 0.9 and (params.max_depth in (5, 10) or not tags.kind = 'draft')"
    assert read(text) == And(
        (
            Comparison(Member("metrics", "val_accuracy"), Operator.GT, 0.9),
            Or(
                (
                    Membership(Member("params", "max_depth"), (5.0, 10.0)),
                    Not(Comparison(Member("tags", "kind"), Operator.EQ, "draft")),
                )
            ),
        )
    )


@pytest.mark.parametrize("text", [None, "", "  \n\t"])
def test_an_empty_filter_is_none(text: str | None) -> None:
    """No text, no condition."""
    assert parse_filter(text, RUNS) is None


def test_and_binds_closer_than_or() -> None:
    """a or b and c means a or (b and c)."""
    a, b, c = is_failed("a"), is_failed("b"), is_failed("c")
    assert read("status='a' or status='b' and status='c'") == Or((a, And((b, c))))


def test_keywords_are_read_in_any_case() -> None:
    """People shout SQL."""
    assert read("NOT status = 'failed' Or status IS Not NULL") == Or((Not(is_failed()), IsNull(STATUS, negated=True)))


@pytest.mark.parametrize(
    ("sign", "operator"),
    [("=", "="), ("==", "="), ("!=", "!="), ("<>", "!="), ("<", "<"), ("<=", "<="), (">", ">"), (">=", ">=")],
)
def test_operators(sign: str, operator: str) -> None:
    """Equality and inequality have two spellings each."""
    assert read(f"metrics.loss {sign} 1") == Comparison(LOSS, Operator(operator), 1.0)


@pytest.mark.parametrize(
    ("sign", "swapped"), [("=", "="), ("!=", "!="), ("<", ">"), ("<=", ">="), (">", "<"), (">=", "<=")]
)
def test_a_literal_may_stand_left(sign: str, swapped: str) -> None:
    """0.5 < x is x > 0.5."""
    assert read(f"0.5 {sign} metrics.loss") == Comparison(LOSS, Operator(swapped), 0.5)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("-0.5", -0.5), ("+3", 3), (".5", 0.5), ("5.", 5), ("1e-3", 0.001), ("2E6", 2e6), ("- 7", -7)],
)
def test_numbers(text: str, number: float) -> None:
    """All the spellings of a number that Python has."""
    assert read(f"metrics.loss < {text}") == Comparison(LOSS, Operator.LT, float(number))


@pytest.mark.parametrize(
    ("text", "number"), [("inf", float("inf")), ("-Infinity", float("-inf")), ("+INF", float("inf"))]
)
def test_infinities(text: str, number: float) -> None:
    """A loss that overflowed can be looked for."""
    assert read(f"metrics.loss = {text}") == Comparison(LOSS, Operator.EQ, number)


def test_text_keeps_doubled_quotes_once() -> None:
    """A quote is written twice, other signs stand for themselves."""
    assert read("status = 'it''s \\n \"100%\"'") == is_failed('it\'s \\n "100%"')


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("metrics.val/acc.top_1", "val/acc.top_1"),
        ("metrics.`val/acc (top-1)`", "val/acc (top-1)"),
        ('metrics."val acc"', "val acc"),
        ("metrics.`a``b`", "a`b"),
        ('metrics."a""b"', 'a"b'),
        ("metrics.größe", "größe"),
        ("metrics.2nd", "2nd"),
    ],
)
def test_names_of_members(text: str, name: str) -> None:
    """Odd names are quoted, with the quote doubled inside."""
    assert read(f"{text} > 0") == Comparison(Member("metrics", name), Operator.GT, 0.0)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20))
def test_any_name_can_be_quoted(name: str) -> None:
    """Whatever a metric is called, its filter reads back to it."""
    field = Member("metrics", name)
    assert read(f"{spell(field)} is nan") == IsNan(field)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
def test_any_text_can_be_written(text: str) -> None:
    """Whatever a text holds, it reads back as it was."""
    assert read("status = '{}'".format(text.replace("'", "''"))) == is_failed(text)


def test_measures_are_functions() -> None:
    """The least and the greatest value of a metric."""
    expected = Comparison(Member("metrics", "loss", "min"), Operator.LT, Member("metrics", "loss", "max"))
    assert read("MIN(metrics.loss) < max( metrics.`loss` )") == expected


def test_dates_are_aware_and_utc() -> None:
    """A date without a zone is UTC; others are converted."""
    at = Attribute("created_at")
    assert read("created_at >= '2026-01-31'") == Comparison(at, Operator.GE, datetime(2026, 1, 31, tzinfo=UTC))
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert read("'2026-01-31T14:00+02:00' > created_at") == Comparison(at, Operator.LT, noon)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("now", timedelta()),
        ("now - 7d", timedelta(days=-7)),
        ("NOW-1.5h", timedelta(hours=-1.5)),
        ("now + 30m - 45s", timedelta(minutes=30, seconds=-45)),
        ("now - 2w", timedelta(weeks=-2)),
    ],
)
def test_relative_dates(text: str, offset: timedelta) -> None:
    """`now` with durations stays relative until it is evaluated."""
    assert read(f"created_at > {text}") == Comparison(Attribute("created_at"), Operator.GT, Relative(offset))


def test_parameters_take_all_kinds_of_literals() -> None:
    """A parameter may be a number, a text or a truth value."""
    assert read("params.x in (1, 'auto', TRUE)") == Membership(Member("params", "x"), (1.0, "auto", True))


def test_negated_forms() -> None:
    """NOT may stand inside IN and LIKE."""
    assert read("status not in ('a')") == Membership(STATUS, ("a",), negated=True)
    assert read("status not like 'a%'") == Like(STATUS, "a%", negated=True)
    assert read("status not ilike 'a%'") == Like(STATUS, "a%", fold=True, negated=True)
    assert read("metrics.loss is not nan") == IsNan(LOSS, negated=True)


def test_orders_are_read_from_text_or_list() -> None:
    """A list of terms is their text joined by commas."""
    expected = (Order(Member("metrics", "val acc", "max"), descending=True), Order(Attribute("created_at")))
    assert parse_order("max(metrics.`val acc`) DESC, created_at asc", RUNS) == expected
    assert parse_order(["max(metrics.`val acc`) desc", "created_at"], RUNS) == expected


@pytest.mark.parametrize("nothing", [None, "", " ", []])
def test_without_an_order_the_default_holds(nothing: str | list[str] | None) -> None:
    """The vocabulary says what is natural."""
    assert parse_order(nothing, RUNS) == (Order(Attribute("created_at"), descending=True),)


def test_a_field_counts_once_in_an_order() -> None:
    """A second mention could change nothing."""
    assert parse_order("name, status, name desc", RUNS) == (Order(Attribute("name")), Order(STATUS))


def test_conditions_are_joined_leaving_out_none() -> None:
    """A service adds its own conditions to what the user asked."""
    assert all_of() is None
    assert all_of(None, is_failed()) == is_failed()
    assert all_of(is_failed("a"), is_failed("b")) == And((is_failed("a"), is_failed("b")))
