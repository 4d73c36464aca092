"""The report says all there is to say, and reads back equal."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from mlops.ab_testing.entities import Verdict
from mlops.ab_testing.evidence import Exposures
from mlops.ab_testing.method import choose
from mlops.ab_testing.report_data import ABTestReport
from mlops.ab_testing.results import report
from mlops.ab_testing.stopping import decide
from mlops.stats import sequential_srm
from mlops.tests.fixtures.ab_evidence import NOW, design, gathered, rates


def reported(config, metrics, *, past=(), **more):
    """Return the report of evidence under the method that the design chooses."""
    method, evidence = choose(config), gathered(config, metrics, **more)
    return report(config, method, evidence, now=NOW, decision=decide(config, method, evidence, now=NOW), past=past)


def test_a_report_reads_back_equal():
    """What was stored is what is shown later, NaN included."""
    written = reported(design(error_rate_threshold=0.05), {"accuracy": rates([5000, 5000], [4500, 4650])})
    read = ABTestReport.from_document(written.to_document())
    assert read.to_document() == written.to_document()
    assert read.results["treatment_1"].comparison.words == written.conclusion.rstrip(".")


@pytest.mark.parametrize(
    ("events", "winner", "verdict"),
    [
        ([4500, 4650, 4720], "treatment_2", Verdict.BETTER),
        ([4700, 4500, 4480], "control", Verdict.WORSE),
        ([4500, 4510, 4490], "", Verdict.UNDECIDED),
    ],
)
def test_the_winner_is_the_best_of_those_that_are_better(events, winner, verdict):
    """Control wins only when every treatment is worse."""
    found = reported(design(2), {"accuracy": rates([5000] * 3, events)})
    assert (found.winner, found.verdict) == (winner, verdict)


def test_the_split_is_reported():
    """Units, what the design expects, and both tests; over all phases."""
    phases = (
        Exposures(np.array([0.5, 0.5]), np.array([510.0, 490.0])),
        Exposures(np.array([0.9, 0.1]), np.array([905.0, 95.0])),
    )
    found = reported(design(), {"accuracy": rates([1415, 585], [1300, 540])}, exposures=phases).sample_ratio
    logs = [float(sequential_srm.log_bayes_factor(each.units, each.shares)) for each in phases]
    assert dict(found.units) == {"control": 1415, "treatment_1": 585}
    assert dict(found.expected) == pytest.approx({"control": 1400, "treatment_1": 600})
    assert found.always_valid_p_value == pytest.approx(np.exp(-max(sum(logs), 0.0)))
    assert not found.is_mismatch


def test_a_mismatch_is_the_first_caution():
    """The reader is warned before any number."""
    phase = Exposures(np.array([0.5, 0.5]), np.array([5600.0, 4400.0]))
    found = reported(design(), {"accuracy": rates([5600, 4400], [5000, 4300])}, exposures=(phase,))
    assert (found.verdict, found.winner) == (Verdict.INVALID, "")
    assert "Assignment or logging" in found.cautions[0]


def test_an_arm_without_share_is_no_mismatch():
    """A phase that gives a variant nothing expects none of it."""
    phase = Exposures(np.array([1.0, 0.0]), np.array([500.0, 0.0]))
    found = reported(design(), {"accuracy": rates([500, 0], [450, 0])}, exposures=(phase,))
    assert not found.sample_ratio.is_mismatch


@pytest.mark.parametrize(("labels", "is_flagged"), [([2000, 2010], False), ([2000, 1600], True)])
def test_an_imbalance_of_labels_is_flagged(labels, is_flagged):
    """When labels come more often in one arm, what they measure may mislead."""
    accuracy = rates(labels, [round(0.9 * n) for n in labels])
    found = reported(design(), {"accuracy": accuracy}, n=[2500, 2500], labels=labels)
    assert found.label_coverage.is_imbalanced == is_flagged
    assert any("Labels are known" in each for each in found.cautions) == is_flagged


def test_corrected_labels_are_a_caution():
    """What came to arrival order first stays there, and the reader is told."""
    found = reported(design(), {"accuracy": rates([500, 500], [450, 460], revised=3)})
    assert any("3 values of accuracy were corrected" in each for each in found.cautions)


@pytest.mark.parametrize(
    ("fields", "is_warned"), [({}, True), ({"unit": "interaction"}, False), ({"cluster": True}, False)]
)
def test_many_interactions_of_one_user_are_a_caution(fields, is_warned):
    """Unless they are analysed as clusters, or said to be independent."""
    found = reported(design(**fields), {"accuracy": rates([1000, 1000], [900, 910])}, units=[100, 100])
    assert any("10.0 interactions each" in each for each in found.cautions) == is_warned


def test_guardrails_are_reported_whether_kept_or_not():
    """Each has its value, its level and a sentence."""
    metrics = {"accuracy": rates([500, 500], [450, 450]), "success": rates([500, 500], [495, 400])}
    found = reported(design(error_rate_threshold=0.05, latency_threshold_ms=200), metrics)
    errors, latency = found.guardrails
    assert (errors.is_violated, latency.is_violated) == (True, False)
    assert errors.level == pytest.approx(0.025)
    assert found.decision.cause == "guardrail"


def test_the_timeline_shows_how_it_developed():
    """One point a moment and treatment, the last one now."""
    config = design()
    past = [
        (NOW - timedelta(days=2 - day), gathered(config, {"accuracy": rates([n, n], [0.9 * n, 0.93 * n])}))
        for day, n in enumerate((1000, 2000))
    ]
    found = reported(config, {"accuracy": rates([5000, 5000], [4500, 4650])}, past=past).timeline
    assert [point.size for point in found] == [2000, 4000, 10_000]
    widths = [point.upper - point.lower for point in found]
    assert widths == sorted(widths, reverse=True)


def test_the_method_is_named_with_its_reason():
    """A reader finds what was computed, and why."""
    found = reported(design(sequential="planned_looks", maximum_sample_size=10_000), {})
    assert found.methods[0].startswith("Looks are planned")
    assert "Newcombe" in found.methods[1]
