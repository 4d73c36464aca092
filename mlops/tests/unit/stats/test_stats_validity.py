"""Short, seeded simulations of what `benchmarks/validity` shows at length: errors, power and delays."""

from __future__ import annotations

import time

import pytest

from benchmarks.validity.__main__ import _chosen
from benchmarks.validity.catalogue import CHECKS
from benchmarks.validity.check import measure

REPETITIONS = 2000
SHORT = [
    "error-0.9-50-50-asymptotic",
    "error-0.1-90-10-asymptotic",
    "error-0.98-90-10-e-process",
    "error-0.01-95-5-e-process",
    "error-0.002-99-1-e-process",
    "error-planned-looks",
    "power-sequential",
    "power-planned-looks",
    "canary-stops",
    "canary-false-stops",
    "guardrail-p95",
    "mismatch-caught",
]
SLOW = ["error-latency-mean-90-10", "error-latency-p95-50-50"]


@pytest.mark.parametrize("name", SHORT)
def test_a_promise_holds_in_a_short_simulation(name: str) -> None:
    """With the allowance of three Monte-Carlo errors that errors have at any length."""
    (check,) = [check for check in CHECKS if check.name == name]
    assert measure(check, REPETITIONS, time.perf_counter).is_held


@pytest.mark.parametrize("name", SLOW)
def test_a_promise_about_latency_holds_in_a_shorter_one(name: str) -> None:
    """Every latency is drawn, so that there are fewer repetitions."""
    (check,) = [check for check in CHECKS if check.name == name]
    assert measure(check, 200, time.perf_counter).is_held


def test_ids_are_assigned_in_their_shares() -> None:
    """By chi-squared, of 200,000 ids."""
    (check,) = [check for check in CHECKS if check.name == "assignment-shares-70-20-7-3"]
    assert measure(check, 200, time.perf_counter).is_held


def test_two_tests_assign_independently() -> None:
    """The bound is that of 10⁷ ids: a correlation of 200,000 has a standard error of 0.0022."""
    (check,) = [check for check in CHECKS if check.name == "assignment-correlation"]
    assert abs(measure(check, 200, time.perf_counter).found) < 0.01


def test_a_simulation_is_the_same_every_time() -> None:
    """The seed is made of the check's name."""
    (check,) = [check for check in CHECKS if check.name == "canary-stops"]
    assert measure(check, 50, time.perf_counter).found == measure(check, 50, time.perf_counter).found


def test_names_are_unique_and_unknown_ones_are_answered() -> None:
    """With the names that there are."""
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    with pytest.raises(SystemExit, match="canary-stops"):
        _chosen(["nonsense"])
