"""What holds of results whatever was gathered."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlops.ab_testing.entities import Verdict
from mlops.ab_testing.evidence import Exposures
from mlops.ab_testing.method import choose
from mlops.ab_testing.results import report, summarise
from mlops.ab_testing.stopping import decide
from mlops.tests.fixtures.ab_evidence import NOW, design, gathered, means, rates, values

_counts = st.tuples(st.integers(0, 3000), st.floats(0, 1)).map(lambda pair: (pair[0], round(pair[0] * pair[1])))
_numbers = st.tuples(st.integers(2, 5000), st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))


def _results(config, metrics, **more):
    return summarise(config, choose(config), gathered(config, metrics, **more), now=NOW)


@given(st.lists(_counts, min_size=2, max_size=2))
def test_swapping_arms_turns_the_sign(arms):
    """Treatment as control and control as treatment: the difference and its limits change sides."""
    one, two = (
        _results(design(), {"accuracy": rates(*zip(*order, strict=True))})["treatment_1"].comparison
        for order in (arms, arms[::-1])
    )
    assert one.difference == pytest.approx(-two.difference, abs=1e-12, nan_ok=True)
    assert one.always_valid_lower == pytest.approx(-two.always_valid_upper, abs=1e-6, nan_ok=True)
    assert one.p_value == pytest.approx(two.p_value, rel=1e-6, nan_ok=True)


@given(st.lists(_numbers, min_size=4, max_size=4), st.permutations(range(3)))
def test_permuting_treatments_permutes_results(arms, order):
    """No treatment has an advantage by its number."""
    config = design(3, primary_metric="value")
    shuffled = [arms[0], *(arms[1 + place] for place in order)]
    plain, moved = (_results(config, {"value": means(*zip(*each, strict=True))}) for each in (arms, shuffled))
    for to, place in enumerate(order, start=1):
        old, new = plain[f"treatment_{place + 1}"].comparison, moved[f"treatment_{to}"].comparison
        assert (new.difference, new.p_value) == pytest.approx((old.difference, old.p_value), nan_ok=True)
        assert new.adjusted_p_value == pytest.approx(old.adjusted_p_value, nan_ok=True)
        assert new.verdict == old.verdict


@given(_counts, _counts)
def test_limits_contain_the_estimate_and_hold_together(control, treatment):
    """Limits for every look contain the estimate, and are at least as wide as those of one look once there is data."""
    assume(control[0] > 0 and treatment[0] > 0)
    got = _results(design(), {"accuracy": rates(*zip(control, treatment, strict=True))})["treatment_1"].comparison
    assert got.lower - 1e-9 <= got.difference <= got.upper + 1e-9
    assert got.always_valid_lower - 1e-9 <= got.difference <= got.always_valid_upper + 1e-9


@given(st.integers(0, 40), st.floats(0, 1))
def test_more_of_the_same_narrows_the_limits(events, share):
    """Ten times the same data is surer."""
    got = [
        _results(design(), {"accuracy": rates([n, n], [4 * n // 5, n * events // 40])})["treatment_1"].comparison
        for n in (400, 4000)
    ]
    assert got[1].always_valid_upper - got[1].always_valid_lower < got[0].always_valid_upper - got[0].always_valid_lower


@given(
    st.lists(_counts, min_size=3, max_size=3),
    st.lists(_counts, min_size=3, max_size=3),
    st.lists(st.integers(0, 10_000), min_size=3, max_size=3),
    st.sampled_from(["always_valid", "planned_looks", "fixed"]),
    st.sampled_from(["accuracy", "error_rate", "conversion_rate", "mean_value"]),
)
def test_nothing_that_was_gathered_makes_it_fail(accuracy, success, units, mode, primary):
    """Results, report and decision exist for any aggregates, and nothing is significant without values."""
    config = design(2, primary_metric=primary, sequential=mode, maximum_sample_size=5000, error_rate_threshold=0.1)
    metrics = {"accuracy": rates(*zip(*accuracy, strict=True)), "success": rates(*zip(*success, strict=True))}
    evidence = gathered(config, metrics, units=units)
    method = choose(config)
    found = report(config, method, evidence, now=NOW, decision=decide(config, method, evidence, now=NOW))
    for result in list(found.results.values())[1:]:
        for each in result.comparisons.values():
            assert math.isfinite(each.difference) or not each.is_significant
            assert each.is_significant or each.verdict not in {Verdict.BETTER, Verdict.WORSE}


@given(st.lists(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=60), min_size=2, max_size=2))
def test_quantiles_of_any_numbers_have_results(arms):
    """Negative, equal and huge numbers have quantiles and limits that contain the estimate."""
    got = _results(design(primary_metric="p95_latency_ms"), {"latency_ms": values(arms)})["treatment_1"].comparison
    assert got.always_valid_lower <= got.difference + 0.02 * abs(got.difference) + 1e-9
    assert not got.is_significant


@given(st.lists(st.integers(1, 5000), min_size=2, max_size=2))
def test_nothing_is_significant_under_a_mismatch(units):
    """However large the difference."""
    assume(abs(units[0] - units[1]) > 0.3 * sum(units) and sum(units) > 1000)
    phase = Exposures(np.array([0.5, 0.5]), np.array(units, dtype=float))
    evidence = {"accuracy": rates([5000, 5000], [1000, 4000])}
    got = _results(design(), evidence, exposures=(phase,))["treatment_1"].comparison
    assert got.verdict is Verdict.INVALID
