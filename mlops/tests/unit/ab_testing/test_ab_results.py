"""Results say what the formulas say, and no more than the design allows."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest

from mlops.ab_testing.entities import Verdict
from mlops.ab_testing.evidence import Exposures
from mlops.ab_testing.method import choose
from mlops.ab_testing.results import summarise
from mlops.stats import bayes, confidence_sequences, effect_size, proportions
from mlops.stats import means as mean_tests
from mlops.stats.arms import Counts
from mlops.stats.exact_proportions import fisher_exact_test
from mlops.stats.moments import Summary
from mlops.tests.fixtures.ab_evidence import NOW, design, gathered, means, rates, values


def found(config, metrics, *, now=NOW, **more):
    """Return the results of evidence under the method that the design chooses."""
    return summarise(config, choose(config), gathered(config, metrics, **more), now=now)


def test_rates_are_compared_as_the_formulas_do():
    """Every number of the comparison is that of mlops.stats."""
    one, two = Counts(5000, 4500), Counts(5000, 4650)
    got = found(design(), {"accuracy": rates([5000, 5000], [4500, 4650])})["treatment_1"].comparison
    interval = proportions.newcombe_interval(one, two)
    always = confidence_sequences.difference_of_proportions(one, two, target=1250)
    assert (got.lower, got.upper) == pytest.approx((float(interval.lower), float(interval.upper)))
    assert got.p_value == pytest.approx(float(proportions.pooled_z_test(one, two).p_value))
    assert (got.always_valid_lower, got.always_valid_upper) == pytest.approx((float(always.lower), float(always.upper)))
    assert got.always_valid_p_value == pytest.approx(float(always.p_value))
    assert got.effect_size == pytest.approx(float(effect_size.cohen_h(0.9, 0.93)))
    assert got.ratio == pytest.approx(0.93 / 0.9)


def test_the_verdict_reads_like_a_sentence():
    """A person of the lab understands it."""
    got = found(design(), {"accuracy": rates([5000, 5000], [4500, 4650])})["treatment_1"].comparison
    assert got.verdict is Verdict.BETTER
    assert got.words == "treatment_1 is better on accuracy by 3.0 points (1.3 to 4.7), significant at 95 %, at any look"


def test_means_are_compared_by_welch():
    """Estimate, interval and p-value are those of the t test."""
    config = design(primary_metric="mean_latency_ms")
    got = found(config, {"latency_ms": means([400, 300], [120, 100], [30, 60])})["treatment_1"].comparison
    expected = mean_tests.welch_test(Summary(400, 120.0, 900.0), Summary(300, 100.0, 3600.0))
    assert (got.difference, got.p_value) == pytest.approx((-20, float(expected.p_value)))
    assert (got.verdict, got.words.partition(" (")[0]) == (
        Verdict.BETTER,
        "treatment_1 is better on mean_latency_ms by 20.0 ms",
    )


def test_sparse_rates_are_compared_by_fisher():
    """With few events the exact test gives the p-value."""
    got = found(design(), {"accuracy": rates([20, 20], [19, 17])})["treatment_1"].comparison
    assert got.p_value == pytest.approx(float(fisher_exact_test(Counts(20, 19), Counts(20, 17)).p_value))


def test_nothing_measured_is_nan_and_undecided():
    """Without labels there is no accuracy, and no verdict."""
    results = found(design(), {"success": rates([50, 50], [50, 50])}, labels=[0, 0])
    treatment = results["treatment_1"]
    assert math.isnan(results["control"].accuracy)
    assert math.isnan(treatment.comparison.difference)
    assert treatment.comparison.verdict is Verdict.UNDECIDED
    assert "no values of accuracy" in treatment.comparison.words
    assert (treatment.sample_size, treatment.error_rate) == (50, 0.0)


def test_an_empty_test_has_results():
    """Before the first interaction every number is NaN and nothing fails."""
    results = found(design(3), {}, n=[0, 0, 0, 0])
    assert [result.sample_size for result in results.values()] == [0, 0, 0, 0]
    assert all(math.isnan(result.label_coverage) for result in results.values())


def test_fields_of_the_guide_are_filled():
    """Rates, means and latencies stand in the fields that the guide names."""
    metrics = {
        "success": rates([100, 100], [95, 90]),
        "conversion": rates([100, 100], [10, 20]),
        "value": means([100, 100], [3.0, 4.0], [1, 1]),
        "latency_ms": values([np.linspace(50, 150, 100)] * 2),
    }
    got = found(design(), metrics, labels=[40, 50])["treatment_1"]
    assert (got.error_rate, got.conversion_rate, got.mean_value) == pytest.approx((0.1, 0.2, 4.0))
    assert (got.mean_latency_ms, got.p95_latency_ms) == pytest.approx((100, 145), rel=0.01)
    assert (got.labelled, got.label_coverage, got.model_version) == (50, 0.5, "1.1.0")
    assert got.metrics["latency_ms"].maximum == pytest.approx(150, rel=0.01)


def test_scores_come_from_the_table_of_predictions():
    """Precision, recall and F1 of the positive class."""
    table = {('"sick"', '"sick"'): 8.0, ('"well"', '"sick"'): 2.0, ('"sick"', '"well"'): 8.0}
    config = design(positive_label="sick")
    got = found(config, {"accuracy": rates([18, 18], [8, 8])}, confusion=(table, table))["control"]
    assert (got.precision, got.recall, got.f1_score) == pytest.approx((0.8, 0.5, 16 / 26))


def test_errors_of_regression_models_stand_beside():
    """Absolute and squared errors are means once the truth is in; less is better."""
    config = design(task="regression", primary_metric="absolute_error", secondary_metrics=["squared_error"])
    metrics = {
        "absolute_error": means([900, 900], [2.0, 1.5], [1, 1]),
        "squared_error": means([900] * 2, [5, 3], [4, 4]),
    }
    got = found(config, metrics)["treatment_1"]
    assert (got.mean_absolute_error, got.mean_squared_error) == (1.5, 3.0)
    assert got.comparison.verdict is Verdict.BETTER
    assert got.comparisons["squared_error"].is_significant


def test_worse_is_said_with_its_size():
    """A fall is worse by so much, with limits of the same sign."""
    got = found(design(), {"accuracy": rates([5000, 5000], [4650, 4500])})["treatment_1"].comparison
    assert got.verdict is Verdict.WORSE
    assert got.words.startswith("treatment_1 is worse on accuracy by 3.0 points (1.3 to 4.7), significant")


def test_a_difference_too_small_to_matter_is_ruled_out():
    """When limits lie within the minimum detectable effect there is no difference of that size."""
    config = design(minimum_detectable_effect=0.02)
    got = found(config, {"accuracy": rates([90_000, 90_000], [81_000, 81_050])})["treatment_1"].comparison
    assert got.verdict is Verdict.NO_DIFFERENCE
    assert "a difference as large as 2.0 points is ruled out" in got.words


def test_a_mismatch_of_the_split_blocks_every_verdict():
    """When units did not arrive as designed nothing is significant, and the words say why."""
    shifted = Exposures(np.array([0.5, 0.5]), np.array([5600.0, 4400.0]))
    evidence = {"accuracy": rates([5600, 4400], [4500, 4100])}
    got = found(design(), evidence, exposures=(shifted,))["treatment_1"].comparison
    assert (got.verdict, got.is_significant) == (Verdict.INVALID, False)
    assert "significant" not in got.words
    assert "units did not arrive as designed" in got.words


def test_a_fixed_design_is_judged_at_its_end_only():
    """Before the planned end nothing is significant, however small the p-value; a stop by hand is no end."""
    config = design(sequential="fixed", maximum_sample_size=20_000)
    early = {"accuracy": rates([5000, 5000], [4500, 4650])}
    for status, words in (("running", "judged once, after 20,000"), ("completed", "ended before the 20,000")):
        got = found(config.changed(status=status), early)["treatment_1"].comparison
        assert (got.is_significant, got.verdict) == (False, Verdict.UNDECIDED)
        assert f"{words} interactions" in got.words
    late = found(config, {"accuracy": rates([10_000, 10_000], [9000, 9300])})["treatment_1"].comparison
    assert (late.is_significant, late.words[-13:]) == (True, ", at one look")


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_nothing_is_so_far_once_a_test_has_ended(status):
    """Its words are those of something that is over, whatever ended it."""
    config = design(sequential="planned_looks", maximum_sample_size=5_000)
    for evidence in ({"accuracy": rates([300, 300], [270, 272])}, {"success": rates([300, 300], [270, 272])}):
        running = found(config, evidence)["treatment_1"].comparison.words
        ended = found(config.changed(status=status), evidence)["treatment_1"].comparison.words
        assert "so far" in running or " yet" in running
        assert "so far" not in ended
        assert " yet" not in ended


def test_a_fixed_design_of_days_is_judged_when_they_are_over():
    """The planned duration is an end too."""
    config = design(sequential="fixed", planned_duration_days=7)
    evidence = {"accuracy": rates([5000, 5000], [4500, 4650])}
    assert not found(config, evidence, now=NOW + timedelta(days=6))["treatment_1"].comparison.is_significant
    assert found(config, evidence, now=NOW + timedelta(days=7))["treatment_1"].comparison.is_significant


def test_treatments_share_the_error_by_holm():
    """With three treatments the smallest p-value counts threefold."""
    events = [4500, 4560, 4500, 4490]
    results = found(design(3), {"accuracy": rates([5000] * 4, events)})
    raw = [results[f"treatment_{i}"].comparison.always_valid_p_value for i in (1, 2, 3)]
    adjusted = [results[f"treatment_{i}"].comparison.adjusted_p_value for i in (1, 2, 3)]
    assert adjusted[0] == pytest.approx(min(1.0, 3 * raw[0]))


def test_metrics_that_the_design_does_not_name_are_hints():
    """They have numbers, but are never significant."""
    metrics = {"accuracy": rates([900, 900], [800, 800]), "confidence": means([900, 900], [0.5, 0.9], [0.1, 0.1])}
    got = found(design(), metrics)["treatment_1"].comparisons["confidence"]
    assert got.p_value < 1e-6
    assert (got.is_significant, got.verdict) == (False, Verdict.UNDECIDED)
    assert "a hint and no result" in got.words


def test_the_probability_of_being_best_is_the_posterior():
    """Among several it is the Beta posterior's, and sums to 1."""
    events = [4500, 4560, 4610]
    results = found(design(2), {"accuracy": rates([5000] * 3, events)})
    expected = bayes.best_of_rates([5000] * 3, events).probability
    assert [result.probability_best for result in results.values()] == pytest.approx(expected.tolist())


def test_coverage_of_labels_is_reported():
    """Each variant says how many of its predictions have a label."""
    results = found(design(), {"accuracy": rates([50, 80], [40, 70])}, n=[100, 100], labels=[50, 80])
    assert [result.label_coverage for result in results.values()] == [0.5, 0.8]
