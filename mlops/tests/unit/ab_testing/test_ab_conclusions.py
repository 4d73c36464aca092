"""What a test concludes: who is chosen, what blocks a claim, and which limits go with it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from mlops.ab_testing.blocks import planned_block_of
from mlops.ab_testing.entities import TestStatus, Verdict
from mlops.ab_testing.evidence import Exposures
from mlops.ab_testing.integrity import SEQUENTIAL_LEVEL, check_sample_ratio
from mlops.ab_testing.method import choose
from mlops.ab_testing.results import has_ended, report
from mlops.ab_testing.stopping import decide
from mlops.stats.arms import Counts
from mlops.stats.proportions import newcombe_interval, pooled_z_test
from mlops.tests.fixtures.ab_evidence import NOW, blocked, design, gathered, means, pair_moments, rates, values


def reported(config, metrics, **more):
    """Return the report of evidence under the method that the design chooses."""
    return report(config, choose(config), gathered(config, metrics, **more), now=NOW)


def _exposed(units, active, shares=(0.5, 0.5)):
    return Exposures(*(np.array(part, dtype=float) for part in (shares, units)), active=np.array(active, dtype=float))


def test_interactions_that_one_arm_loses_block_every_claim():
    """Units arrive half and half, but control logs 15 % less: nothing is significant, and the words say why."""
    metrics = {"accuracy": rates([4250, 5000], [3825, 4700])}
    found = reported(design(), metrics, exposures=(_exposed([5000, 5000], [4250, 4990]),))
    got = found.results["treatment_1"].comparison
    assert (found.sample_ratio.is_mismatch, found.sample_ratio.is_loss) == (True, True)
    assert (found.verdict, got.is_significant) == (Verdict.INVALID, False)
    assert "units of one arm log less often" in got.words
    assert "control 85.0 %, treatment_1 99.8 %" in found.cautions[0]
    assert "significant" not in got.words


def test_what_logs_alike_is_no_loss():
    """Half of the units of both arms logged anything so far; those of a new phase fewer."""
    phases = (_exposed([5000, 5000], [4500, 4510]), _exposed([1000, 9000], [100, 900], (0.1, 0.9)))
    found = reported(design(), {"accuracy": rates([4600, 5410], [4000, 4700])}, exposures=phases).sample_ratio
    assert not found.is_mismatch
    assert dict(found.logged) == pytest.approx({"control": 4600 / 6000, "treatment_1": 5410 / 14000})


def test_a_loss_ends_no_test_by_its_results():
    """Stopping rules wait until it is explained."""
    config = design()
    evidence = gathered(
        config, {"accuracy": rates([4250, 5000], [3825, 4900])}, exposures=(_exposed([5000, 5000], [4250, 4990]),)
    )
    decision = decide(config, choose(config), evidence, now=NOW)
    assert (decision.action, "log less often" in decision.reason) == ("continue", True)


def test_a_loss_is_seldom_seen_where_there_is_none():
    """At most one test of a hundred, over 30 looks and the end; 95 % of the units of both arms log."""
    rng, alarms = np.random.default_rng(6), 0
    config = design()
    for _ in range(300):
        new = rng.multinomial(300, [0.5, 0.5], 30)
        units, active = new.cumsum(axis=0), rng.binomial(new, 0.95).cumsum(axis=0)
        for look in range(30):
            evidence = gathered(config, {}, n=[0, 0], exposures=(_exposed(units[look], active[look]),))
            ratio = check_sample_ratio(evidence, is_final=look == 29)
            if ratio.is_loss:
                alarms += 1
                break
    assert SEQUENTIAL_LEVEL < 0.01
    assert alarms / 300 <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / 300)


_GOOD = {"accuracy": rates([5000, 5000], [4500, 4700])}


def test_a_treatment_that_violates_a_guardrail_never_wins():
    """Better on the primary metric, but too many errors: control is the choice, and the sentence says why."""
    config = design(error_rate_threshold=0.05)
    found = reported(config, _GOOD | {"success": rates([5000, 5000], [4900, 4300])})
    assert found.results["treatment_1"].comparison.verdict is Verdict.BETTER
    assert (found.winner, found.verdict) == ("control", Verdict.WORSE)
    assert found.conclusion.endswith("; treatment_1 violates the guardrail on error_rate; control stays.")


def test_a_stop_by_a_guardrail_concludes_for_control():
    """Also where the primary metric is undecided."""
    config = design(error_rate_threshold=0.05, status="completed")
    metrics = {"accuracy": rates([500, 500], [450, 452]), "success": rates([500, 500], [490, 400])}
    found = reported(config, metrics)
    assert found.results["treatment_1"].comparison.verdict is Verdict.UNDECIDED
    assert (found.winner, found.verdict) == ("control", Verdict.WORSE)


def test_the_best_without_a_violation_wins():
    """Of two that are better the one that breaks its guardrail is passed over."""
    config = design(2, error_rate_threshold=0.05)
    metrics = {"accuracy": rates([5000] * 3, [4500, 4800, 4700]), "success": rates([5000] * 3, [4900, 4300, 4900])}
    found = reported(config, metrics)
    assert (found.winner, found.verdict) == ("treatment_2", Verdict.BETTER)
    assert "treatment_1 violates the guardrail on error_rate" in found.conclusion


def test_limits_of_several_treatments_agree_with_their_shared_error():
    """At the level of Holm's first step: limits exclude 0 only where the adjusted p-value is small enough."""
    config = design(5, sequential="fixed", maximum_sample_size=6000)
    events = [900, 905, 910, 900, 895, 874]
    found = reported(config, {"accuracy": rates([1000] * 6, events)}).results
    got = found["treatment_5"].comparison
    raw = float(pooled_z_test(Counts(1000, 900), Counts(1000, 874)).p_value)
    expected = newcombe_interval(Counts(1000, 900), Counts(1000, 874), confidence=0.99)
    assert raw < 0.07
    assert (got.lower, got.upper) == pytest.approx((float(expected.lower), float(expected.upper)))
    for name in list(found)[1:]:
        one = found[name].comparison
        assert (one.adjusted_p_value <= 0.05) == one.is_significant
        assert one.is_significant or one.lower <= 0 <= one.upper


def test_a_later_step_of_holm_ends_its_limits_at_zero():
    """Significant at the second step, though the limits of the first step would include 0: they stop there."""
    config = design(2, sequential="fixed", maximum_sample_size=15_000)
    found = reported(config, {"accuracy": rates([5000] * 3, [4500, 4800, 4563])}).results
    got = found["treatment_2"].comparison
    assert got.p_value > 0.025
    assert (got.is_significant, got.lower) == (True, 0.0)
    assert got.verdict is Verdict.BETTER


def test_sequences_of_several_treatments_agree_with_their_p_values():
    """Limits at any look exclude 0 where the p-value reaches the shared level, for any effect."""
    config = design(3)
    for lift in range(0, 400, 25):
        found = reported(config, {"accuracy": rates([5000] * 4, [4400, 4400 + lift, 4400, 4400])}).results
        got = found["treatment_1"].comparison
        assert (got.always_valid_p_value <= 0.05 / 3) == (got.always_valid_lower > 0 or got.always_valid_upper < 0)


@pytest.mark.parametrize(
    ("fields", "is_over"),
    [
        ({}, False),
        ({"maximum_sample_size": 15_000}, True),
        ({"planned_duration_days": 3}, False),
        ({"sequential": "fixed", "expected_traffic_per_day": 1000, "planned_duration_days": 10}, False),
        ({"sequential": "fixed", "maximum_sample_size": 15_000}, True),
    ],
)
def test_a_test_is_over_by_what_it_named_only(fields, is_over):
    """The size that sequences are tuned for is no end of a test that holds at every look."""
    config = design(**fields)
    evidence = gathered(config, {"accuracy": rates([8000, 8000], [7000, 7010])})
    assert has_ended(config, choose(config), evidence, NOW + timedelta(days=2)) == is_over
    found = report(config, choose(config), evidence, now=NOW)
    assert found.is_final == is_over
    assert ("at the end" in found.conclusion) == is_over
    stopped = config.changed(status=TestStatus.COMPLETED)
    assert report(stopped, choose(config), evidence, now=NOW).is_final


def _pairs(both, first, second, neither):
    return [(1.0, 1.0)] * both + [(1.0, 0.0)] * first + [(0.0, 1.0)] * second + [(0.0, 0.0)] * neither


@pytest.mark.parametrize("second", range(30, 90, 6))
def test_limits_of_a_shadow_agree_with_its_exact_p_value(second):
    """At every look, though limits are those of an average and p-values those of the pairs that differ."""
    table, n = (770, 32, second, 32), 834 + second
    evidence = rates([n, n], [802, 770 + second], pairs=pair_moments([_pairs(*table)]))
    got = reported(design(test_type="shadow"), {"accuracy": evidence}).results["treatment_1"].comparison
    assert got.is_significant == (got.always_valid_p_value <= 0.05)
    assert got.is_significant == (got.always_valid_lower >= 0 < got.always_valid_upper)


@pytest.mark.parametrize("fields", [{"strata": ["site"]}, {"sequential": "planned_looks", "looks": 4}, {}])
@pytest.mark.parametrize("rate", [0, 1])
def test_rates_without_a_single_event_rule_nothing_out(rate, fields):
    """Twenty successes of twenty in both arms are no proof that the arms are alike."""
    config = design(**({"sequential": "fixed", "maximum_sample_size": 40, "minimum_detectable_effect": 0.02} | fields))
    n, events = [20.0, 20.0], [20.0 * rate] * 2
    cut = blocked([0, 1] * 21, [rate] * 42, 2, cut=lambda index: planned_block_of(index, looks=4, maximum=40))
    evidence = rates(n, events, strata={"a": rates(n, events).values}, blocks=cut)
    got = reported(config, {"accuracy": evidence}).results["treatment_1"].comparison
    assert got.verdict is Verdict.UNDECIDED


def test_a_metric_that_is_not_compared_says_so():
    """It has values, and a guardrail on them; only nothing is claimed of the difference."""
    config = design(test_type="shadow", guardrail_metrics=[{"metric": "p95_latency_ms", "limit": 300}])
    latencies = values([[100.0, 120.0], [110.0, 130.0]])
    got = reported(config, {"latency_ms": latencies}).results["treatment_1"].comparisons["p95_latency_ms"]
    assert got.words == "this design does not compare p95_latency_ms with control"


def test_what_is_claimed_never_reads_as_nothing():
    """Limits near 0 get the digits that tell them from it; without an upper limit the lower one is said alone."""
    config = design(primary_metric="mean_value")
    found = reported(config, {"value": means([5000, 5000], [100.0, 100.63], [10.0, 10.0])})
    words = found.results["treatment_1"].comparison.words
    assert found.verdict is Verdict.BETTER
    assert " by 0.6 (0.0" in words
    assert "(0.0 to" not in words
