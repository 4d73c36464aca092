"""Short, seeded simulations of what `benchmarks/validity` shows at length: errors, power and delays."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.validity import clustered, clustered_rollout
from benchmarks.validity.__main__ import _chosen
from benchmarks.validity.catalogue import CHECKS
from benchmarks.validity.check import Check, measure
from benchmarks.validity.decided import decided, decided_otherwise
from benchmarks.validity.designs import Design, planned_test
from benchmarks.validity.proportions import told_apart
from mlops.ab_testing.evidence import PairMoments
from mlops.ab_testing.unit_comparisons import compare_clusters, compare_clusters_within
from mlops.stats.arguments import Floats

REPETITIONS = 2000
SHORT = [
    "error-0.9-50-50",
    "error-0.1-90-10",
    "error-0.98-90-10",
    "error-0.01-95-5",
    "error-0.002-99-1",
    "error-rollout",
    "error-three-treatments",
    "error-clustered-phases",
    "grid-0.02-0.1-0.2",
    "grid-strict-0.1-0.02",
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


@pytest.mark.parametrize(
    "check", [check for check in CHECKS if "decided-otherwise" in check.name], ids=lambda check: check.name
)
def test_the_service_decides_what_the_simulation_says(check: Check) -> None:
    """`decide`, asked at every look of a test's own evidence, ends the same tests at the same looks."""
    assert measure(check, 3, time.perf_counter).found == 0


@pytest.mark.parametrize("planned", [False, True])
def test_a_lift_is_found_by_the_service_at_the_same_look(planned: bool) -> None:
    """Where there is a difference most tests end early, and those must agree too."""
    fields = {"sequential": "planned_looks", "looks": 4} if planned else {}
    config = planned_test((0.5, 0.5), baseline_rate=0.8, maximum_sample_size=2000, **fields)
    design = Design(config, (0.8, 0.88))
    stops = decided_otherwise(design)(np.random.default_rng(5), 10)
    assert np.isinf(told_apart(design)(np.random.default_rng(5), 10)).sum() < 5
    assert not np.isfinite(stops).any()


def test_users_with_many_interactions_are_compared_as_the_service_does() -> None:
    """The simulation of clusters computes all looks at once; the service one."""
    control, treatment = clustered.arms(np.random.default_rng(2), 1)
    at_once = clustered.p_values(control, treatment)[0]
    for look in (5, 40, 99):
        parts = [
            np.array([arm.n[0, look], arm.mean_y[0, look], arm.variance_y[0, look]]) for arm in (control, treatment)
        ]
        n, mean, variance = np.array(parts).T
        units = PairMoments(n, np.full(2, 20.0), mean, np.zeros(2), variance, np.zeros(2))
        assert compare_clusters(units, clustered.DESIGN.levels).always_p[0, 0] == pytest.approx(at_once[look])


def test_users_of_a_rollout_are_compared_as_the_service_does() -> None:
    """The simulation of phases computes all looks at once; the service one."""
    units = clustered_rollout.arms(np.random.default_rng(2), 1)
    at_once = clustered_rollout.p_values(units)[0]
    for look in (5, 40, 70, 99):
        seen = PairMoments(*(part[:, 0, look] for part in units))
        found = compare_clusters_within(seen, clustered_rollout.DESIGN.levels)
        assert found.always_p[0, 0] == pytest.approx(at_once[look])


@pytest.mark.parametrize(("metric", "shift"), [("mean_latency_ms", 1.1), ("p95_latency_ms", 1.6)])
def test_latencies_are_decided_by_the_service(metric: str, shift: float) -> None:
    """A clear difference ends the test, none does not."""
    design = Design(planned_test((0.5, 0.5), primary_metric=metric, maximum_sample_size=3000))
    for factor, is_found in ((shift, True), (1.0, False)):

        def draw(rng: Generator, who: NDArray[np.int64], factor: float = factor) -> Floats:
            return 100 * np.exp(0.3 * rng.standard_normal(who.size)) * np.where(who == 1, factor, 1.0)

        assert np.isfinite(decided(design, draw)(np.random.default_rng(3), 1)).all() == is_found


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
