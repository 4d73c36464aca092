"""What reports say in words: headlines, guardrails, differences, and when they may say "significant"."""

from __future__ import annotations

import math
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mlops.ab_testing.entities import ABTestConfig, VariantComparison, Verdict
from mlops.ab_testing.evidence import MetricEvidence
from mlops.ab_testing.measures import KNOWN
from mlops.ab_testing.method import choose
from mlops.ab_testing.report_data import ABTestReport, GuardrailStatus
from mlops.ab_testing.report_html import to_html
from mlops.ab_testing.report_rails import bound_of, rail_state
from mlops.ab_testing.report_words import (
    Limits,
    change,
    deciding_p_value,
    headline,
    headline_tone,
    interval,
    leading,
    percent,
    sentences,
)
from mlops.ab_testing.results import report
from mlops.cli.ab.report_page import report_page
from mlops.tests.fixtures.ab_evidence import NOW, design, gathered, means, rates

_SIZE = 10_000


def reported(config: ABTestConfig, metrics: dict[str, MetricEvidence], **more: Any) -> ABTestReport:
    return report(config, choose(config), gathered(config, metrics, **more), now=NOW)


def told(*shares: float, **fields: Any) -> ABTestReport:
    """Return the report of arms of 10,000 with these accuracies, control first."""
    config = design(len(shares) - 1, **({"maximum_sample_size": 10**6} | fields))
    return reported(config, {"accuracy": rates([_SIZE] * len(shares), [_SIZE * share for share in shares])})


def rail(variant: str = "treatment_1", **fields: Any) -> GuardrailStatus:
    usual: dict[str, Any] = {"metric": "error_rate", "variant": variant, "level": 0.05, "value": 0.02, "control": 0.01}
    return GuardrailStatus(**(usual | fields))


@pytest.mark.parametrize(
    ("found", "words", "tone"),
    [
        (told(0.90, 0.94), "treatment_1 (lab_classifier 1.1.0) is better on accuracy", "good"),
        (told(0.94, 0.90), "Control stays: treatment_1 is worse on accuracy", "bad"),
        (told(0.94, 0.90, 0.89), "Control stays: all treatments are worse on accuracy", "bad"),
        (told(0.90, 0.90, minimum_detectable_effect=0.05), "No difference on accuracy that matters", "quiet"),
        (told(0.90, 0.90), "Not decided yet", "quiet"),
        (told(0.90, 0.90, status="completed"), "No difference detected", "quiet"),
        (
            told(0.90, 0.888, minimum_detectable_effect=0.015, status="completed"),
            "No improvement on accuracy that matters",
            "quiet",
        ),
        (reported(design(), {}), "Nothing to compare yet", "quiet"),
        (reported(design(status="completed"), {}), "Nothing was compared", "quiet"),
    ],
)
def test_the_headline_says_what_was_found(found: ABTestReport, words: str, tone: str) -> None:
    """Who is better on what, with the model's version; never that variants are equal."""
    assert (headline(found), headline_tone(found)) == (words, tone)


def test_a_violated_guardrail_is_the_news() -> None:
    """A treatment that won and broke a guardrail is not shown as a winner."""
    broken = (rail(is_violated=True, words="error_rate of treatment_1, 2.0 %, is worse than that of control, 1.0 %."),)
    lost, won = (told(0.90, share).changed(guardrails=broken) for share in (0.90, 0.94))
    assert headline(lost) == "treatment_1 violates a guardrail: error_rate"
    assert headline(won) == "treatment_1 is better on accuracy, but violates a guardrail: error_rate"
    assert (headline_tone(lost), headline_tone(won)) == ("bad", "bad")
    assert '<div class="said bad">' in to_html(won)


def test_a_winner_is_not_spoilt_by_the_guardrail_of_another() -> None:
    """Of several treatments only what the winner did counts for the headline."""
    found = told(0.90, 0.90, 0.94).changed(guardrails=(rail("treatment_1", is_violated=True),))
    assert (found.winner, leading(found)) == ("treatment_2", "treatment_2")
    assert headline(found) == "treatment_2 (lab_classifier 1.2.0) is better on accuracy"


def test_several_violations_are_counted() -> None:
    """All metrics are named, and how many treatments."""
    rails = [rail("treatment_1", is_violated=True), rail("treatment_2", metric="p95_latency_ms", is_violated=True)]
    found = told(0.90, 0.90, 0.90).changed(guardrails=tuple(rails))
    assert headline(found) == "2 treatments violate 2 guardrails: error_rate, p95_latency_ms"


def test_a_mismatch_comes_before_everything() -> None:
    """Results that cannot be believed are neither good nor bad."""
    config = design()
    found = reported(config, {"accuracy": rates([5000, 5000], [4500, 4700])}, units=[5600, 4400])
    found = found.changed(guardrails=(rail(is_violated=True),))
    assert (headline(found), headline_tone(found)) == ("These results cannot be believed", "warn")


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"is_violated": True, "limit": 0.01}, "violated"),
        ({"value": math.nan, "limit": 0.01}, "no data"),
        ({"limit": 0.015}, "at risk"),
        ({"limit": 0.03}, "kept"),
        ({"margin": 0.005}, "at risk"),
        ({"margin": 0.02}, "kept"),
        ({}, "kept"),
        ({"metric": "accuracy", "limit": 0.5}, "at risk"),
        ({"metric": "accuracy", "limit": 0.01}, "kept"),
    ],
)
def test_a_guardrail_beyond_its_bound_is_not_called_kept(fields: dict[str, Any], state: str) -> None:
    """Nor is one without data; chance alone puts half of those without a margin behind control."""
    assert rail_state(told(0.90, 0.90), rail(**fields))[0] == state


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"limit": 0.05}, "≤ 5.0 %"),
        ({}, "≤ control"),
        ({"margin": 0.01}, "≤ control + 1.0 point"),
        ({"metric": "accuracy", "margin": 0.02}, "≥ control − 2.0 points"),
    ],
)
def test_bounds_have_their_side(fields: dict[str, Any], words: str) -> None:
    """Rates of errors are bounded from above, accuracies from below."""
    assert bound_of(told(0.90, 0.90), rail(**fields)) == words


def test_no_sign_without_a_size() -> None:
    """What is rounded to nothing is neither more nor less."""
    assert change(KNOWN["mean_latency_ms"], -0.004, beside=127.9) == "0.0 ms"
    assert interval(KNOWN["mean_latency_ms"], Limits(-0.004, 4.6), beside=127.9) == "0.0 to +4.6"


def test_digits_follow_the_interval() -> None:
    """A difference of rates has no more digits than its interval is worth, and rare events keep theirs."""
    accuracy = KNOWN["accuracy"]
    assert change(accuracy, 0.00042, beside=0.9, limits=Limits(-0.02, 0.03)) == "0.0 points"
    assert change(accuracy, 0.00042, beside=0.002, limits=Limits(-0.001, 0.002)) == "+0.042 points"


def test_shares_have_one_decimal_unless_they_are_whole() -> None:
    """19.03 % stands below 20.2 % as 19.0 %."""
    assert [percent(share) for share in (0.1903, 0.202, 0.5)] == ["19.0 %", "20.2 %", "50 %"]


def test_the_p_value_shown_is_the_one_that_decides() -> None:
    """Of several treatments the one that Holm adjusted."""
    found = told(0.90, 0.92, 0.93)
    comparison = found.results["treatment_2"].comparison
    assert comparison is not None
    assert deciding_p_value(found, comparison) == comparison.adjusted_p_value > comparison.always_valid_p_value
    assert deciding_p_value(found, VariantComparison(metric="accuracy", always_valid_p_value=0.3)) == 0.3


@given(
    events=st.lists(st.integers(0, 2000), min_size=2, max_size=5),
    units=st.sampled_from([None, 1.0, 1.6]),
    mode=st.sampled_from(["always_valid", "fixed", "planned_looks"]),
    status=st.sampled_from(["running", "completed"]),
)
def test_significant_is_said_only_of_what_is(events: list[int], units: float | None, mode: str, status: str) -> None:
    """The word stands in a verdict if and only if there is a difference, and never under a mismatch."""
    arms = len(events)
    config = design(arms - 1, sequential=mode, maximum_sample_size=2000 * arms, status=status)
    arrived = {} if units is None else {"units": [2000 * units, *[2000.0] * (arms - 1)]}
    found = reported(config, {"accuracy": rates([2000] * arms, events)}, **arrived)
    for result in found.results.values():
        if result.comparison is not None:
            assert ("significant" in result.comparison.words) is result.comparison.is_significant
            assert not (found.sample_ratio.is_mismatch and "significant" in result.comparison.words)
            assert "equal" not in result.comparison.words


def test_what_is_undecided_is_not_called_equal() -> None:
    """The metric, what was seen, its interval, and that nothing was detected."""
    comparison = told(0.90, 0.90).results["treatment_1"].comparison
    assert comparison is not None
    assert comparison.verdict is Verdict.UNDECIDED
    assert comparison.words.startswith("treatment_1 so far on accuracy: 0.0 points apart (")
    assert comparison.words.endswith("; no difference detected at 95 %, at any look")


def test_a_metric_among_many_says_that_others_count() -> None:
    """An interval without zero and an adjusted p-value above the level do not contradict each other."""
    names = [f"score_{number}" for number in range(8)]
    metrics = {name: means([400, 400], [10.0, 10.0], [2.0, 2.0]) for name in names}
    metrics["score_0"] = means([400, 400], [10.0, 10.32], [2.0, 2.0])
    config = design(
        sequential="fixed",
        maximum_sample_size=800,
        secondary_metrics=names,
        metrics={name: {"direction": "max"} for name in names},
    )
    metrics["accuracy"] = rates([400, 400], [360, 360])
    found = reported(config, metrics).results["treatment_1"].comparisons["score_0"]
    assert found.lower > 0
    assert found.p_value < 0.05 < found.adjusted_p_value
    assert "no difference detected at 95 % once the other comparisons are counted" in found.words


def test_a_direction_that_nobody_named_is_no_verdict() -> None:
    """More of something is neither better nor worse, and is said to be higher."""
    config = design(secondary_metrics=["margin_width"])
    metrics = {"accuracy": rates([900, 900], [800, 800]), "margin_width": means([900, 900], [1.0, 2.0], [1.0, 1.0])}
    found = reported(config, metrics).results["treatment_1"].comparisons["margin_width"]
    assert found.verdict is Verdict.UNDECIDED
    assert found.words.startswith("treatment_1 is higher on margin_width by 1.00")
    assert found.words.endswith("; nobody said which way is better")


def test_the_terminal_says_the_same_as_the_page() -> None:
    """The same headline, a line for each treatment, and the same states of guardrails."""
    risky = (rail(limit=0.015, words="at 2.0 %"), rail(metric="p95_latency_ms", value=math.nan, words="none yet"))
    found = told(0.90, 0.90, 0.94).changed(guardrails=risky)
    console = Console(file=StringIO(), width=200, record=True)
    console.print(*report_page(found), sep="\n")
    shown = console.export_text()
    assert headline(found) in shown
    assert all(f"{words}\n" in shown for words in sentences(found))
    assert "at risk" in shown
    assert "no data" in shown
    assert "kept" not in shown
