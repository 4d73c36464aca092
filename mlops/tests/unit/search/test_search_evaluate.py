"""The rules by which every executor decides."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.search import evaluate, matches, ordered, parse_filter, parse_order, text_and_number
from mlops.search.patterns import fold_ascii
from mlops.tests.fixtures.search import NOW, VOCABULARY

RUN: dict[str, Any] = {
    "id": "run-1",
    "name": "Größe",
    "status": None,
    "created_at": NOW,
    "metrics": {"loss": 0.25, "nan": math.nan, "huge": math.inf, "acc": {"value": 0.8, "min": 0.1, "max": 0.9}},
    "params": {"depth": 5, "text5": "5", "flag": True, "none": None, "kind": "auto", "ratio": 5.0},
    "tags": {"kind": "draft"},
}


def holds(text: str) -> bool:
    """Decide a filter on the run above."""
    where = parse_filter(text, VOCABULARY)
    assert where is not None
    return evaluate(where, RUN, VOCABULARY, now=NOW)


@pytest.mark.parametrize("text", ["status = 'a'", "status != 'a'", "status in ('a')", "status not in ('a')"])
def test_a_condition_on_something_missing_is_false(text: str) -> None:
    """So its negation is true."""
    assert not holds(text)
    assert holds(f"not {text}")


@pytest.mark.parametrize("sign", ["=", "<", "<=", ">", ">="])
def test_nan_compares_with_nothing(sign: str) -> None:
    """As in IEEE 754, it is not even equal to itself."""
    assert not holds(f"metrics.nan {sign} 1")
    assert not holds(f"metrics.nan {sign} metrics.nan")


def test_nan_is_there_and_different() -> None:
    """It can be found, and differs from every number."""
    assert holds("metrics.nan is nan and metrics.nan is not null and metrics.nan != 1 and metrics.nan not in (1)")
    assert holds("metrics.loss is not nan and not metrics.none is nan and not metrics.none is not nan")


@pytest.mark.parametrize(
    "text",
    [
        "params.depth = 5 and params.depth = '5' and params.ratio = 5",
        "params.text5 = '5' and not params.text5 = 5 and params.text5 != 5",
        "params.flag = true and params.flag = 'true' and not params.flag = 1",
        "params.none = 'null' and params.none is not null",
        "params.kind not in (5, 'manual') and params.kind in (5, 'auto')",
        "params.depth = params.ratio and not params.depth = params.text5 and params.depth != params.text5",
        "params.kind > params.text5",
        "params.depth > metrics.loss and tags.kind != params.kind",
    ],
)
def test_parameters_have_a_text_and_perhaps_a_number(text: str) -> None:
    """The literal, or the other side, says which is compared."""
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "min(metrics.acc) < metrics.acc and max(metrics.acc) = 0.9 and max(metrics.loss) = 0.25",
        "metrics.huge > 1e308 and metrics.huge = inf",
        "created_at > now - 1s and created_at <= now and created_at = '2026-03-01T12:00'",
        "name like 'Gr__e' and name ilike 'gR%E' and not name ilike 'GRÖSSE' and not name like 'gr%'",
        "name > 'Gr' and name < 'Gs'",
    ],
)
def test_values_compare_as_expected(text: str) -> None:
    """Measures, infinities, relative dates, patterns and code points."""
    assert holds(text)


def test_missing_comes_last_in_both_directions() -> None:
    """Numbers, then NaN, then nothing; ties by id in the direction of the last term."""
    values = {"a": 1.0, "b": math.nan, "c": None, "d": 2.0, "e": 1.0, "f": None, "g": math.nan}
    documents: list[dict[str, Any]] = [
        {"id": key, "metrics": {} if value is None else {"x": value}} for key, value in values.items()
    ]
    ascending = ordered(documents, parse_order("metrics.x", VOCABULARY), VOCABULARY)
    descending = ordered(documents, parse_order("metrics.x desc", VOCABULARY), VOCABULARY)
    assert "".join(document["id"] for document in ascending) == "aedbgcf"
    assert "".join(document["id"] for document in descending) == "deagbfc"


def test_parameters_sort_numbers_before_texts() -> None:
    """Neither turns into the other."""
    documents: list[dict[str, Any]] = [
        {"id": str(index), "params": {"x": value}} for index, value in enumerate(["10", 9, "a", 10, True])
    ]
    found = ordered(documents, parse_order("params.x", VOCABULARY), VOCABULARY)
    assert [document["params"]["x"] for document in found] == [9, 10, "10", "a", True]


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        ("adam", "adam", None),
        ("5", "5", None),
        (5, "5", 5.0),
        (0.5, "0.5", 0.5),
        (True, "true", None),
        (None, "null", None),
        (math.inf, '{"$number":"Infinity"}', math.inf),
        (math.nan, '{"$number":"NaN"}', None),
        ([1, "a"], '[1,"a"]', None),
        (10**400, str(10**400), None),
    ],
)
def test_free_form_values_have_a_text_and_perhaps_a_number(value: Any, text: str, number: float | None) -> None:
    """Text is itself, the rest compact JSON; numbers are int and float."""
    assert text_and_number(value) == (text, number)


@pytest.mark.parametrize(
    ("pattern", "text", "alike"),
    [
        ("", "", True),
        ("%", "", True),
        ("_", "", False),
        ("a%b%c", "a-b-b-c", True),
        ("a%b%c", "a-b-c-", False),
        (r"100\%", "100%", True),
        (r"100\%", "1000", False),
        (r"\\_", "\\x", True),
        ("[ab]*", "[ab]*", True),
        ("[ab]*", "a", False),
        ("%aab", "aaaab", True),
    ],
)
def test_patterns(pattern: str, text: str, alike: bool) -> None:
    """% any text, _ one character, \\ makes the next ordinary."""
    assert matches(pattern, text) is alike


@given(st.text("aAéÉbﬀK", max_size=8))
def test_only_ascii_is_folded(text: str) -> None:
    """Other letters keep their case, as in both databases."""
    assert fold_ascii(text) == "".join(sign.lower() if sign.isascii() else sign for sign in text)
    assert matches(text.upper() if text.isascii() else text, text, fold=True)


def test_a_hostile_pattern_takes_no_time() -> None:
    """Many wildcards against a long text that almost fits."""
    assert not matches("%a" * 200 + "b", "a" * 5_000)
