"""Values that a design does not allow are refused by name, with what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.ab_testing.errors import InteractionRefused
from mlops.ab_testing.limits import check_values, limits_of
from mlops.tests.fixtures.ab_evidence import design


def _check(definition: dict[str, Any], value: float, *, name: str = "score", source: str = "score") -> None:
    check_values(limits_of(design(metrics={name: definition})), "i1", {source: value})


@pytest.mark.parametrize("value", [0.0, 1.0, -0.0])
def test_a_proportion_takes_0_and_1(value: float) -> None:
    """As numbers or as booleans."""
    _check({"kind": "proportion"}, value)


@pytest.mark.parametrize("value", [0.5, 2.0, -1.0, 1e300])
def test_a_proportion_takes_nothing_else(value: float) -> None:
    """The error has the metric, the value and what is allowed."""
    with pytest.raises(
        InteractionRefused, match=f"'i1' was refused: 'score' is {value!r}.*0 and 1".replace("+", r"\+")
    ):
        _check({"kind": "proportion"}, value)


@pytest.mark.parametrize(
    ("definition", "value", "allowed"),
    [
        ({"lower": 0}, -0.1, "0.0 and above"),
        ({"upper": 5}, 5.1, "5.0 and below"),
        ({"lower": -1, "upper": 1}, 2.0, "-1.0 to 1.0"),
    ],
)
def test_a_value_beyond_its_bounds_is_refused(definition: dict[str, Any], value: float, allowed: str) -> None:
    """Below the lower one and above the upper one."""
    with pytest.raises(InteractionRefused, match=f"'score' is {value!r}; the design allows {allowed}"):
        _check(definition, value)


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
def test_bounds_belong_to_what_is_allowed(one: float, other: float, value: float) -> None:
    """A value passes exactly where it lies between them, both included."""
    lower, upper = sorted((one, other))
    try:
        _check({"lower": lower, "upper": upper}, value)
    except InteractionRefused:
        assert not lower <= value <= upper
    else:
        assert lower <= value <= upper


def test_a_name_of_the_managers_own_bounds_what_it_is_read_from() -> None:
    """The bound of `mean_latency_ms` is one of `latency_ms`."""
    with pytest.raises(InteractionRefused, match="mean_latency_ms"):
        _check({"upper": 1000}, 1001.0, name="mean_latency_ms", source="latency_ms")


def test_what_was_not_logged_has_no_limit() -> None:
    """A metric that an interaction lacks is no fault of it."""
    check_values(limits_of(design(metrics={"score": {"kind": "proportion"}})), "i1", {"latency_ms": 3.0})


def test_a_design_without_limits_has_none() -> None:
    """So that nothing is looked at."""
    assert limits_of(design(metrics={"score": {"kind": "mean", "direction": "max"}})) == ()
