"""Audiences: equality, lists, ranges, patterns, presence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.ab_testing.targeting import read_filters
from mlops.errors import InvalidInput


@pytest.mark.parametrize(
    ("condition", "value", "is_in"),
    [
        ("north", "north", True),
        ("north", "south", False),
        (["A", "B"], "B", True),
        ({"in": ["A", "B"]}, "C", False),
        ({"not_in": ["A"]}, "B", True),
        ({"min": 18, "below": 65}, 18, True),
        ({"min": 18, "below": 65}, 65, False),
        ({"above": 1.5}, 1.5, False),
        ({"max": 3}, "2", False),
        ({"min": "b"}, "c", True),
        ({"pattern": "^X-[0-9]+$"}, "X-12", True),
        ({"pattern": "^X-"}, 12, False),
        (True, 1, False),
        (1, True, False),
        ({"exists": True}, None, True),
        ({"equals": None}, None, True),
        ({"min": 1}, True, False),
        ({"min": 1}, float("nan"), False),
    ],
)
def test_a_condition_takes_what_it_says(condition: Any, value: Any, is_in: bool) -> None:
    """Values of another kind fail a condition; nothing is converted."""
    assert read_filters({"field": condition}).includes("u", {"field": value}) is is_in


@pytest.mark.parametrize("condition", ["x", {"min": 1}, {"not_in": ["x"]}, {"pattern": "x"}, {"exists": True}, None])
def test_an_absent_field_fails(condition: Any) -> None:
    """Without the field nothing but `exists: false` holds, None included."""
    assert not read_filters({"field": condition}).includes("u", {})
    assert not read_filters({"field": condition}).includes("u", None)
    assert read_filters({"field": {"exists": False}}).includes("u", {})


def test_all_conditions_must_hold() -> None:
    """Fields are joined by and."""
    audience = read_filters({"site": "north", "age": {"min": 18}})
    assert audience.includes("u", {"site": "north", "age": 18})
    assert not audience.includes("u", {"site": "north", "age": 17})


def test_the_user_is_a_field() -> None:
    """Users can be chosen by their ids."""
    assert read_filters({"user_id": {"pattern": "^lab-"}}).includes("lab-7", None)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"minn": 1}, "min"),
        ({}, "empty"),
        ({"pattern": "("}, "pattern"),
        ({"in": "abc"}, "list"),
        ({"min": None}, "number"),
        ({"min": float("nan")}, "number"),
        ({"exists": 1}, "true or false"),
    ],
)
def test_a_condition_that_cannot_be_read_is_refused(condition: Any, words: str) -> None:
    """The message names the field and what is allowed."""
    with pytest.raises(InvalidInput, match=words):
        read_filters({"field": condition})


@pytest.mark.parametrize("context", [["north"], "north", 3])
def test_a_context_without_fields_is_refused(context: Any) -> None:
    """The message shows it and says what to pass."""
    with pytest.raises(InvalidInput, match="pass the request's fields by name"):
        read_filters({"site": "north"}).includes("u", context)


@given(
    st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
)
def test_no_context_makes_it_fail(context: dict[str, Any]) -> None:
    """Whatever the request brings, the answer is yes or no."""
    audience = read_filters({"a": {"min": 1, "pattern": "x"}, "b": ["y", 2], "c": {"exists": False}})
    assert audience.includes("u", context) in {True, False}
