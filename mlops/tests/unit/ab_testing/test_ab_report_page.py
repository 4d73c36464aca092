"""The report as a page and as a picture; hostile names and unmeasured values in it."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes

from mlops.ab_testing.blocks import planned_block_of
from mlops.ab_testing.entities import ABTestConfig, Phase, Verdict
from mlops.ab_testing.evidence import Evidence, MetricEvidence
from mlops.ab_testing.measures import KNOWN
from mlops.ab_testing.method import choose
from mlops.ab_testing.report_data import ABTestReport
from mlops.ab_testing.report_html import to_html
from mlops.ab_testing.report_png import draw, to_picture
from mlops.ab_testing.report_scale import Scale, development, tick_text
from mlops.ab_testing.report_style import STYLE
from mlops.ab_testing.results import report
from mlops.ab_testing.stopping import decide
from mlops.errors import InvalidInput
from mlops.tests.fixtures.ab_evidence import NOW, blocked, design, gathered, means, pair_moments, rates, values

HOSTILE = "</style><script src=//evil.example/x.js>\"'><img src=x onerror='alert(1)'>\x07\u202e{{7*7}} $x^2$"
_VOID = {"meta", "rect", "circle", "line", "polygon", "polyline", "br"}


class _Page(HTMLParser):
    """The elements and attributes of a page, and whether every element is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def reported(config: ABTestConfig, evidence: Evidence, past: list[Any] | None = None) -> ABTestReport:
    method = choose(config)
    decision = decide(config, method, evidence, now=NOW)
    return report(config, method, evidence, now=NOW, decision=decision, past=past or [])


def grown(config: ABTestConfig, events: list[float], days: int = 5) -> ABTestReport:
    """Return the report of rates that grew evenly day by day to 5000 values an arm."""
    arms = len(config.variants)

    def after(day: int) -> Evidence:
        n = [1000.0 * day] * arms
        return gathered(config, {"accuracy": rates(n, [share * 1000 * day for share in events])})

    past = [(NOW - timedelta(days=days - day), after(day)) for day in range(1, days)]
    return reported(config, after(days), past)


def hostile() -> ABTestReport:
    phase = Phase(number=1, allocation={"control": 0.5, "treatment_1": 0.5}, opened_at=NOW, reason=HOSTILE)
    fields: dict[str, Any] = dict.fromkeys(("name", "description", "hypothesis", "stop_reason"), HOSTILE)
    models: dict[str, Any] = {
        "control_model_version": HOSTILE,
        "treatment_models": [{"model_id": "m", "version": f"{HOSTILE}2"}],
    }
    config = design(**fields, **models, phases=(phase,), error_rate_threshold=0.1, minimum_detectable_effect=0.02)
    found = {"accuracy": rates([900, 900], [800, 810]), HOSTILE: rates([900, 900], [800, 810])}
    return reported(config, gathered(config, found)).changed(cautions=(HOSTILE,), methods=(HOSTILE,))


def test_hostile_text_stays_text_on_the_page() -> None:
    """Names, reasons and metrics that look like markup add no element, no attribute and no address."""
    page = to_html(hostile())
    found = _Page(page)
    assert not found.open
    assert not {"script", "img", "a", "link", "iframe", "object"} & set(found.tags)
    assert not {name for name in found.attributes if name.startswith("on") or name in {"src", "href", "style"}}
    assert "\x07" not in page
    assert "\u202e" not in page


def test_the_page_brings_everything_it_shows() -> None:
    """No address outside, no script, and a policy that would forbid both."""
    page = to_html(grown(design(2), [0.90, 0.93, 0.89]))
    assert not re.search(r"(https?:)?//\w", page)
    assert "url(" not in page
    assert "@import" not in page
    assert f"<style>{STYLE}</style>" in page


@pytest.mark.parametrize("mode", ["always_valid", "planned_looks", "fixed"])
@pytest.mark.parametrize("arms", [1, 9])
def test_every_design_has_its_page(mode: str, arms: int) -> None:
    """All elements are closed, all treatments and sections are there, and no number is shown as nan."""
    config = design(arms, sequential=mode, maximum_sample_size=5000 * (arms + 1), error_rate_threshold=0.05)
    page = to_html(grown(config, [0.90, *[0.92] * arms]))
    assert not _Page(page).open
    for title in ("How it developed", "Traffic", "Labels", "Guardrails", "All metrics", "Method", "Phases"):
        assert f"<h2>{title}" in page
    assert all(f">{name}<" in page for name in config.variants)
    assert not re.search(r"\bnan\b|\binf\b", page)


def test_the_verdict_stands_on_top() -> None:
    """The winner is named in the headline, before any chart, with the lift beside it."""
    found = grown(design(), [0.90, 0.94])
    page = to_html(found)
    assert found.verdict is Verdict.BETTER
    assert page.index("treatment_1 is better") < page.index("<svg")
    assert "+4.0 points" in page


def test_a_mismatch_is_said_before_anything_else_is_believed() -> None:
    """A split that is not as designed is a caution of its own, and its section says so."""
    config = design()
    evidence = gathered(config, {"accuracy": rates([5000, 5000], [4500, 4700])}, units=[5600, 4400])
    page = to_html(reported(config, evidence))
    assert "These results cannot be believed" in page
    assert page.index("Before you believe it") < page.index("<h2>Difference")
    assert "chance to be best" not in page


@pytest.mark.parametrize(
    ("metric", "evidence"),
    [
        ("mean_value", {"value": means([400, 400], [10.0, 10.4], [2.0, 2.1])}),
        (
            "p95_latency_ms",
            {"latency_ms": values([np.linspace(1, 99, 400).tolist(), np.linspace(2, 120, 400).tolist()])},
        ),
        ("score", {"score": means([400, 400], [1e-9, 1.2e-9], [1e-9, 1e-9])}),
        ("score", {"score": means([400, 400], [3e12, 3e12], [0.0, 0.0])}),
    ],
)
def test_metrics_of_every_kind_have_their_page(metric: str, evidence: dict[str, MetricEvidence]) -> None:
    """Means, quantiles, the very small and the very large are drawn with ticks of their own."""
    config = design(primary_metric=metric, metrics={"score": {"direction": "max"}})
    found = reported(config, gathered(config, evidence))
    assert not _Page(to_html(found)).open
    assert f"Difference of {metric} to control" in to_html(found)
    assert to_picture(found).startswith(b"\x89PNG")


def test_answers_to_the_same_requests_have_their_page() -> None:
    """A shadow test is told request by request."""
    config = design(test_type="shadow")
    pairs = pair_moments([[(1.0, 1.0)] * 300 + [(0.0, 1.0)] * 30 + [(1.0, 0.0)] * 10])
    metric = rates([340, 340], [310, 330], pairs=pairs)
    page = to_html(reported(config, gathered(config, {"accuracy": metric})))
    assert "A/B test · shadow" in page
    assert not _Page(page).open


def test_a_test_without_anything_has_a_page_and_a_picture() -> None:
    """Nothing logged and not started: no chart and no table of dashes."""
    config = design(status="planning", started_at=None)
    found = reported(config, gathered(config, {}))
    page = to_html(found)
    assert not _Page(page).open
    assert "Nothing to compare yet" in page
    assert "nan" not in page
    assert not {"<h2>Difference", "<h2>How it developed", "<h2>All metrics"} & set(
        re.findall(r"<h2>[A-Z][a-z ]*", page)
    )
    assert to_picture(found).startswith(b"\x89PNG")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_is_the_same_every_time(theme: Any) -> None:
    """The same report gives the same bytes, in both themes and all formats, hostile names included."""
    found = hostile()
    assert to_picture(found, theme=theme) == to_picture(found, theme=theme)
    assert to_picture(found, "svg", theme=theme) == to_picture(found, "svg", theme=theme)
    assert to_picture(grown(design(9), [0.9] * 10), "pdf", theme=theme).startswith(b"%PDF")


def test_unknown_formats_and_themes_are_refused() -> None:
    """The error names what there is."""
    found = grown(design(), [0.9, 0.9])
    with pytest.raises(InvalidInput, match="png, svg, pdf"):
        to_picture(found, "gif")
    with pytest.raises(InvalidInput, match="light or dark"):
        to_picture(found, theme="purple")  # type: ignore[arg-type]


def test_a_stored_report_has_the_same_page() -> None:
    """What was stored as a document is shown as it was."""
    found = grown(design(10), [0.9 + number / 500 for number in range(11)])
    assert to_html(ABTestReport.from_document(found.to_document())) == to_html(found)


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-6, 1e6))
def test_ticks_are_few_round_and_within(low: float, width: float) -> None:
    """At most seven ticks, all inside, each with a text of its own."""
    scale = Scale(low, low + width)
    if not scale.high - scale.low > 1e-9 * max(1.0, abs(low)):
        return
    ticks = scale.ticks()
    assert len(ticks) <= 7
    assert all(scale.low - 1e-6 * width <= tick <= scale.high + 1e-6 * width for tick in ticks)


def test_tick_texts_are_told_apart() -> None:
    """Texts of rates are points with as many decimals as it takes."""
    ticks = Scale(-0.0031, 0.0052).ticks()
    texts = [tick_text(KNOWN["accuracy"], tick, ticks) for tick in ticks]
    assert len(set(texts)) == len(texts)
    assert "0" in texts


def test_wide_beginnings_do_not_flatten_the_picture() -> None:
    """The range follows the last intervals: those of the first days may leave the picture."""
    found = grown(design(), [0.90, 0.92], days=5)
    first = found.timeline[0].changed(lower=-0.9, upper=0.9)
    scale = development(found.changed(timeline=(first, *found.timeline[1:])))
    assert scale.high - scale.low < 0.5
    assert scale.low < 0 < scale.high


def test_what_nobody_asked_for_is_left_out() -> None:
    """Labels where no metric waits for them, and shares of a shadow test, of which control has all."""
    config = design(primary_metric="conversion_rate")
    evidence = gathered(config, {"conversion": rates([900, 900], [300, 310])}, labels=[0, 0])
    page = to_html(reported(config, evidence))
    assert "<h2>Labels" not in page
    assert '<section class="wide"><h2>Method' in page
    shadow = design(test_type="shadow")
    pairs = pair_moments([[(1.0, 1.0)] * 300 + [(0.0, 1.0)] * 30])
    found = reported(shadow, gathered(shadow, {"accuracy": rates([330, 330], [300, 330], pairs=pairs)}))
    assert "the tick is the designed share" not in to_html(found)
    assert "<h2>Labels" in to_html(found)
    assert to_picture(found).startswith(b"\x89PNG")


def test_two_points_are_no_development() -> None:
    """A line between two points says nothing, and the picture has no panel for it."""
    config = design()
    one = grown(config, [0.90, 0.94], days=2)
    assert "How it developed" not in to_html(one)
    assert "How it developed" in to_html(grown(config, [0.90, 0.94], days=3))
    assert len(to_picture(one)) < len(to_picture(grown(config, [0.90, 0.94], days=3)))


def test_a_reason_is_not_told_twice() -> None:
    """What stands above as the finding is not repeated as the reason of the end; other reasons stay whole."""
    found = grown(design(), [0.90, 0.94])
    words = found.results["treatment_1"].comparison.words  # type: ignore[union-attr]
    ended = found.changed(status="completed", stop_reason=f"Success: {words}.")
    assert to_html(ended).count(words) == 1
    assert "Completed. Success." in to_html(ended)
    assert "Completed. the site closes" in to_html(found.changed(status="completed", stop_reason="the site closes"))


def test_adjusted_differences_say_so() -> None:
    """Of strata and covariates the difference need not be that of the values beside it."""
    config = design(strata=["site"])
    page = to_html(reported(config, gathered(config, {"accuracy": rates([900, 900], [800, 810])})))
    assert "averages over strata" in page
    assert "averages over strata" not in to_html(grown(design(), [0.90, 0.94]))


def test_a_guardrail_at_risk_is_explained() -> None:
    """Beyond its bound without proof: neither violated nor kept."""
    config = design(error_rate_threshold=0.05)
    metrics = {"accuracy": rates([200, 200], [180, 181]), "success": rates([200, 200], [190, 188])}
    found = reported(config, gathered(config, metrics))
    assert not found.guardrails[0].is_violated
    assert "at risk" in to_html(found)
    assert "At risk: beyond its bound" in to_html(found)


@pytest.mark.parametrize("arms", [1, 3])
def test_pictures_of_violations_and_of_little_are_drawn(arms: int) -> None:
    """A violated guardrail, one without data, no curve, no labels: every combination is a picture."""
    config = design(arms, primary_metric="conversion_rate", latency_threshold_ms=100.0, error_rate_threshold=0.01)
    sizes = [900.0] * (arms + 1)
    metrics = {"conversion": rates(sizes, [300.0] * (arms + 1)), "success": rates(sizes, [890.0, *[700.0] * arms])}
    found = reported(config, gathered(config, metrics))
    assert any(rail.is_violated for rail in found.guardrails)
    assert to_picture(found, theme="dark").startswith(b"\x89PNG")


@pytest.mark.parametrize("fields", [{"primary_metric": "conversion_rate"}, {}, {"test_type": "shadow"}])
@pytest.mark.parametrize("arms", [1, 4])
def test_words_of_guardrails_do_not_lie_on_each_other(fields: dict[str, Any], arms: int) -> None:
    """With and without the parts beside them, whose place they take."""
    rails = [{"metric": "mean_latency_ms", "margin": 12.5}, {"metric": "p95_latency_ms", "limit": 1234.5}]
    config = design(arms, guardrail_metrics=rails, **fields)
    latency = values([[120.0, 140.0, 90.0, 130.0]] * (arms + 1))
    evidence = {"latency_ms": latency, "conversion": rates([4] * (arms + 1), [2] * (arms + 1))}
    figure = draw(reported(config, gathered(config, evidence)))
    figure.canvas.draw()
    written = [text for axes in figure.findobj(Axes) for text in axes.texts if text.get_text()]
    boxes = [text.get_window_extent() for text in written]
    assert sum("kept" in text.get_text() for text in written) >= 2
    assert not [(a, b) for a, b in itertools.combinations(boxes, 2) if a.overlaps(b)]


def test_what_a_value_is_made_of_stands_below_it() -> None:
    """Sensitivity is of the sick, of whom there are fewer than interactions."""
    config = design(primary_metric="recall", positive_label="sick")
    table = {('"sick"', '"sick"'): 80.0, ('"sick"', '"well"'): 20.0, ('"well"', '"well"'): 900.0}
    evidence = gathered(config, {"accuracy": rates([1000, 1000], [980, 980])}, confusion=(table, table))
    found = reported(config, evidence)
    assert "80 of 100" in to_html(found)
    assert found.results["control"].metrics["recall"].count == 100


def test_a_shadow_has_no_phases() -> None:
    """All variants answer every request, so shares would say nothing."""
    config = design(test_type="shadow", phases=[Phase(number=1, allocation={"control": 1.0}, opened_at=NOW)])
    assert "Phases" not in to_html(reported(config, gathered(config, {})))


def test_numbers_of_planned_looks_are_those_of_the_sentence() -> None:
    """Of the look that decides, not of a sequence that nobody decided by; boundaries have no p-value."""
    config = design(sequential="planned_looks", looks=2, maximum_sample_size=2000)
    rng = np.random.default_rng(7)
    arms, right = rng.integers(0, 2, 1500), rng.random(1500)
    events = (right < np.where(arms == 1, 0.9, 0.8)).astype(int)
    cut = blocked(arms.tolist(), events.tolist(), 2, cut=lambda index: planned_block_of(index, looks=2, maximum=2000))
    counts = [[int(part[arms == arm].sum()) for arm in (0, 1)] for part in (np.ones(1500), events)]
    found = reported(config, gathered(config, {"accuracy": rates(*counts, blocks=cut)}))
    one = found.results["treatment_1"].comparison
    assert one is not None
    assert found.verdict is Verdict.BETTER
    assert one.look_lower > 0
    low, high = (f"{100 * limit:.1f}" for limit in (one.look_lower, one.look_upper))
    assert f"({low} to {high})" in one.words
    page = to_html(found)
    assert f"+{low} to +{high}" in page
    assert "at any look" not in page.split("Traffic")[0]
