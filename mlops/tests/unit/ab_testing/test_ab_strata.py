"""Single strata in a report: described with intervals, never judged."""

from __future__ import annotations

import math
import re
from io import StringIO
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy import optimize, stats

from mlops.ab_testing.entities import ABTestConfig
from mlops.ab_testing.evidence import MetricEvidence
from mlops.ab_testing.method import choose
from mlops.ab_testing.report_data import ABTestReport, StratumComparison
from mlops.ab_testing.report_html import to_html
from mlops.ab_testing.results import report
from mlops.ab_testing.strata import each_stratum
from mlops.cli.ab.report_page import report_page
from mlops.stats.arms import Counts
from mlops.stats.confidence_sequences import difference_of_proportions
from mlops.stats.moments import Summary
from mlops.tests.fixtures.ab_evidence import NOW, design, gathered, means, rates, values


def reported(config: ABTestConfig, strata: dict[str, Any], metric: str = "accuracy", **more: Any) -> ABTestReport:
    """Return the report of a test that saw these values of its primary metric, by stratum."""
    n = sum(np.nan_to_num(part.n) for part in strata.values())
    mean = sum(np.asarray(part.n) * np.nan_to_num(part.mean) for part in strata.values()) / n
    found = MetricEvidence(Summary(n, mean, np.ones_like(n)), strata=strata)
    return report(config, choose(config), gathered(config, {metric: found}, **more), now=NOW)


def score(difference: float, control: tuple[int, int], treatment: tuple[int, int]) -> float:
    """Return how many standard errors a difference is from what was seen, at the rates that fit best with it."""
    (n1, x1), (n2, x2) = control, treatment

    def unlikely(rate: float) -> float:
        return -float(stats.binom.logpmf(x1, n1, rate) + stats.binom.logpmf(x2, n2, rate + difference))

    rate = optimize.minimize_scalar(unlikely, bounds=(max(0, -difference), min(1, 1 - difference)), method="bounded").x
    error = math.sqrt(rate * (1 - rate) / n1 + (rate + difference) * (1 - rate - difference) / n2)
    return (x2 / n2 - x1 / n1 - difference) / error


def section(page: str) -> str:
    """Return the part of a page that is about single strata."""
    return page.partition("<h2>By stratum")[2].partition("</section>")[0]


def test_rates_of_a_stratum_are_compared_as_if_they_were_all() -> None:
    """Its values, the interval of scores, and the sequence of an unstratified test of these numbers."""
    strata = {"Turin": rates([900, 880], [800, 810]).values, "Basel": rates([90, 100], [70, 91]).values}
    config = design(strata=["site"])
    turin, basel = reported(config, strata).strata
    assert (turin.stratum, turin.metric, turin.variant) == ("Turin", "accuracy", "treatment_1")
    assert (basel.control_count, basel.control, basel.count, basel.value) == (90, 70 / 90, 100, 0.91)
    assert basel.difference == pytest.approx(0.91 - 70 / 90)
    target = 1 / sum(1 / choose(config).sizes[name] for name in config.variants)
    always = difference_of_proportions(Counts(900, 800), Counts(880, 810), target=target)
    assert (turin.always_valid_lower, turin.always_valid_upper) == pytest.approx((always.lower, always.upper))
    for limit in (basel.lower, basel.upper):
        assert abs(score(limit, (90, 70), (100, 91))) == pytest.approx(stats.norm.isf(0.025), rel=1e-4)


def test_means_of_a_stratum_have_welchs_interval() -> None:
    """Few values are known for few: the interval is that of t, as in scipy."""
    one, two = np.array([4.0, 5.0, 9.0, 7.0]), np.array([6.0, 9.0, 8.0])
    strata = {"Turin": values([one.tolist(), two.tolist()]).values}
    config = design(strata=["site"], primary_metric="turnaround", sequential="fixed", maximum_sample_size=1000)
    (found,) = reported(config, strata, "turnaround").strata
    known = stats.ttest_ind(two, one, equal_var=False).confidence_interval(0.95)
    assert found.difference == pytest.approx(np.mean(two) - np.mean(one))
    assert (found.lower, found.upper) == pytest.approx((known.low, known.high))


def test_a_complement_is_described_as_the_metric_has_it() -> None:
    """Of an error rate the values and the difference are those of errors, though successes are logged."""
    strata = {"Turin": rates([100, 100], [90, 95]).values}
    (found,) = reported(design(strata=["site"], primary_metric="error_rate"), strata, "success").strata
    assert (found.control, found.value, found.difference) == pytest.approx((0.10, 0.05, -0.05))


def test_a_stratum_is_compared_within_its_phases() -> None:
    """Shares and rates that change together make no difference where there is none in any phase."""
    strata = {
        "1 Turin": rates([900, 100], [810, 90]).values,
        "2 Turin": rates([100, 900], [50, 450]).values,
        "2 Basel": rates([40, 50], [20, 25]).values,
    }
    turin, basel = reported(design(strata=["site"]), strata, is_phased=True).strata
    assert (turin.stratum, turin.control_count, turin.count) == ("Turin", 1000, 1000)
    assert (turin.control, turin.value) == pytest.approx((0.86, 0.54))
    assert turin.difference == pytest.approx(0, abs=1e-12)
    assert (basel.stratum, basel.difference) == ("Basel", 0)


def test_a_stratum_without_values_in_an_arm_claims_nothing() -> None:
    """There is no difference and no interval; the page says which arm has no value, and shows no nan."""
    strata = {
        "Turin": rates([900, 880], [800, 810]).values,
        "Oslo": rates([5, 0], [4, 0]).values,
        "Rome": rates([0, 4], [0, 4]).values,
    }
    found = reported(design(strata=["site"]), strata)
    oslo, rome = found.strata[1:]
    assert (oslo.control_count, oslo.count, rome.control_count, rome.count) == (5, 0, 0, 4)
    assert all(math.isnan(each) for one in (oslo, rome) for each in (one.difference, one.lower, one.always_valid_upper))
    part = section(to_html(found))
    assert "no value in treatment_1" in part
    assert "no value in control" in part
    assert not re.search(r"\bnan\b|\binf\b", part)


@pytest.mark.filterwarnings("error")
def test_strata_that_corrections_have_emptied_are_left_out() -> None:
    """Without a warning of numpy, which the user would see."""
    nothing = Summary(np.zeros(2), np.full(2, np.nan), np.full(2, np.nan))
    evidence = gathered(config := design(strata=["site"]), {"accuracy": MetricEvidence(nothing, strata={"A": nothing})})
    assert each_stratum(config, choose(config), evidence) == ()


@pytest.mark.parametrize("is_phased", [False, True])
def test_single_values_have_no_interval(*, is_phased: bool) -> None:
    """Of one value an arm nothing is known but its value; the page says that it is too few."""
    one, two = ("1 Turin", "2 Turin") if is_phased else ("Turin", "Basel")
    strata = {
        one: means([1, 1], [4.0, 5.0], [np.nan, np.nan]).values,
        two: means([0, 1], [np.nan, 5], [np.nan] * 2).values,
    }
    config = design(strata=["site"], primary_metric="turnaround")
    found = reported(config, strata, "turnaround", is_phased=is_phased)
    assert not any(math.isfinite(each.lower) or math.isfinite(each.always_valid_upper) for each in found.strata)
    assert "too few values" in section(to_html(found))


@pytest.mark.parametrize("arms", [1, 3])
def test_the_page_shows_the_largest_strata_and_counts_the_others(arms: int) -> None:
    """Twenty of them by their values, largest first, for every treatment; all are in the document."""
    sizes = {f"site {number}": 100.0 + number for number in range(25)}
    strata = {name: rates([n] * (arms + 1), [n // 2] * (arms + 1)).values for name, n in sizes.items()}
    found = reported(design(arms, strata=["site"]), strata)
    part = section(to_html(found))
    assert len(found.strata) == 25 * arms
    assert re.findall(r">(site \d+)<", part) == [f"site {number}" for number in range(24, 4, -1)]
    assert part.count('class="plot s') == 20 * arms
    assert f"5 smaller strata with {(arms + 1) * 510:,} values together" in part


def test_strata_are_described_and_not_judged() -> None:
    """However far apart arms are in one stratum, nothing there is called significant, better or worse."""
    found = reported(design(strata=["site"]), {"Turin": rates([9000, 9000], [4000, 6000]).values})
    part = section(to_html(found))
    assert "strata are not tested singly" in part
    assert "significant" not in part
    assert not {"p_value", "verdict", "words"} & set(StratumComparison.model_fields)


def test_a_test_without_strata_says_nothing_of_them() -> None:
    """Phases alone are no strata of the design."""
    strata = {"1 ": rates([900, 100], [810, 90]).values, "2 ": rates([100, 900], [50, 450]).values}
    found = reported(design(), strata, is_phased=True)
    assert found.strata == ()
    assert "By stratum" not in to_html(found)


def test_a_report_of_before_strata_still_opens() -> None:
    """A stored document that knows no strata reads as one without them."""
    found = reported(design(strata=["site"]), {"Turin": rates([900, 880], [800, 810]).values})
    document = found.to_document()
    assert ABTestReport.from_document(document).to_document() == document
    del document["strata"]
    old = ABTestReport.from_document(document)
    assert old.strata == ()
    assert "By stratum" not in to_html(old)


def test_a_terminal_lists_the_largest_strata() -> None:
    """Values, difference and interval of each, how many more there are, and that none is tested singly."""
    strata = {f"site {number}": rates([900, 880 - number], [800, 810 - number]).values for number in range(22)}
    console = Console(file=StringIO(), width=200, record=True)
    console.print(*report_page(reported(design(strata=["site"]), strata)), sep="\n")
    shown = console.export_text()
    assert re.search(r"site 0 +900 \+ 880 +88\.9 % +92\.0 % +\+3\.2 points +\S+ to \+\d\.\d", shown)
    assert "site 20" not in shown
    assert "2 smaller strata with 3,519 values together" in shown
    assert "strata are not tested singly" in shown
