"""Units, covariates, ratios and predicted classes within phases: sums that belong to the phase of a first exposure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from mlops.ab_testing.aggregates import ALL_PHASES, Book, Cell, CellKey, CountKey, MomentKey
from mlops.ab_testing.entities import Phase, Verdict
from mlops.ab_testing.gathering import evidence_of
from mlops.ab_testing.guarding import check_guardrails
from mlops.ab_testing.integrity import check_coverage
from mlops.ab_testing.method import choose
from mlops.ab_testing.results import judge, report, summarise
from mlops.stats.moments import ExactMoments, ExactPairMoments
from mlops.tests.fixtures.ab_evidence import NOW, design, gathered, pair_moments, rates

_ARMS = ("control", "treatment_1")
_SIZES = ((400, 400), (720, 80))  # units of control and treatment in each phase
_PHASES = tuple(
    Phase(number=number, allocation=dict(zip(_ARMS, shares, strict=True)), opened_at=NOW + timedelta(days=number))
    for number, shares in enumerate(((0.5, 0.5), (0.9, 0.1)), 1)
)
_RATIO = {"metrics": {"pace": {"numerator": "value", "denominator": "latency_ms", "direction": "max"}}}


def _pairs(kind, phase, number, effect):
    """Return units of a phase: what they do halves from the first phase to the second; x is theirs, or their past."""
    rng = np.random.default_rng([phase, number, len(kind)])
    level = (0.8, 0.4)[phase - 1]
    if kind == "covariate":
        past = rng.normal(10, 2, number)
        return list(zip(past.tolist(), (level + effect + past + rng.normal(0, 0.3, number)).tolist(), strict=True))
    x = rng.integers(3, 8, number)
    y = rng.binomial(x, np.clip(level + effect + rng.choice([-0.1, 0.1], number), 0, 1))
    return list(zip(x.astype(float).tolist(), y.astype(float).tolist(), strict=True))


def _cell(pairs):
    """Return the sums of the values that make up units: as many 0 and 1 as they gave."""
    given, happened = (round(sum(column)) for column in zip(*pairs, strict=True))
    return Cell(ExactMoments.of([1.0] * happened + [0.0] * max(given - happened, 0)))


def _book(kind, metric, *, effect=0.0, phases=(1, 2)):
    """Return the statistics of units that came in these phases."""
    book = Book()
    for phase in phases:
        for arm, variant in enumerate(_ARMS):
            pairs = _pairs(kind, phase, _SIZES[phase - 1][arm], effect * arm)
            book.moments[MomentKey(kind, variant, metric, phase)] = ExactPairMoments.of(pairs)
            book.cells[CellKey("", variant, "value" if kind == "ratio" else metric, phase, "")] = _cell(pairs)
    return book


def _unsplit(book):
    """Return the book as a database of before migration 0008 kept it."""
    moments = {}
    for key, sums in book.moments.items():
        joined = key._replace(phase=ALL_PHASES)
        moments[joined] = moments.get(joined, ExactPairMoments()) + sums
    return replace(book, moments=moments)


def _config(kind, **fields):
    own = {"cluster": {"cluster": True, "primary_metric": "conversion_rate"}, "covariate": {"cuped": "before"}}
    usual = own.get(kind, {"primary_metric": "pace", **_RATIO})
    return design(**({"primary_metric": "value", "phases": _PHASES} | usual | fields))


def _found(config, book):
    return summarise(config, choose(config), evidence_of(config, book), now=NOW)["treatment_1"].comparison


_KINDS = [("cluster", "conversion"), ("covariate", "value"), ("ratio", "pace")]


@pytest.mark.parametrize(("kind", "metric"), _KINDS)
def test_a_drift_is_no_difference_of_units(kind, metric):
    """What everybody does halves when the treatment becomes small: over both phases it looks better, within them no."""
    config, book = _config(kind), _book(kind, metric)
    within, pooled = _found(config, book), _found(config.changed(phases=_PHASES[:1]), _unsplit(book))
    assert pooled.difference > 0.05
    assert abs(within.difference) < 0.05
    assert (within.verdict, within.is_significant) == (Verdict.UNDECIDED, False)
    assert within.always_valid_lower < 0 < within.always_valid_upper


@pytest.mark.parametrize(("kind", "metric"), _KINDS)
def test_a_difference_of_units_is_found_within_phases(kind, metric):
    """The same drift, and a treatment that is better in both phases."""
    got = _found(_config(kind), _book(kind, metric, effect=0.2))
    assert got.difference == pytest.approx(0.2, abs=0.06)
    assert (got.verdict, got.is_significant) == (Verdict.BETTER, True)
    assert got.method == ("stratified_cuped" if kind == "covariate" else "stratified_delta_method") + ", asymptotic"
    assert 0 < got.ratio - 1 < 1
    assert got.probability_best > 0.99


@pytest.mark.parametrize(("kind", "metric"), _KINDS)
def test_one_phase_of_units_is_compared_as_ever(kind, metric):
    """One phase is no stratum: the same numbers, to the last bit, as of sums that know no phase."""
    config, book = _config(kind), _book(kind, metric, phases=(1,))
    got, plain = (_found(config, each) for each in (book, _unsplit(book)))
    assert repr(got) == repr(plain)
    assert got.method == ("cuped_welch" if kind == "covariate" else "delta_method") + ", asymptotic"


@pytest.mark.parametrize(("kind", "metric"), _KINDS)
def test_what_an_older_version_summed_claims_nothing(kind, metric):
    """Sums that know no phase are compared as they are; words and a caution say why nothing is claimed of them."""
    config, book = _config(kind), _unsplit(_book(kind, metric, effect=0.2))
    found = report(config, choose(config), evidence_of(config, book), now=NOW)
    got = found.results["treatment_1"].comparison
    assert (got.verdict, got.is_significant) == (Verdict.UNDECIDED, False)
    assert "as shares changed" in got.words
    assert any("mlops ab verify t --rebuild" in each for each in found.cautions)


def test_sums_that_are_added_to_after_an_upgrade_stay_unsplit():
    """A unit of before that logs again leaves its old pair in the sums without a phase: only the total is right."""
    book = _unsplit(_book("cluster", "conversion"))
    whole = evidence_of(_config("cluster"), book).metrics["conversion"].clusters
    more, less = ExactPairMoments.of([(5.0, 4.0)]), ExactPairMoments.of([(4.0, 4.0)])
    change = ExactPairMoments(
        *(getattr(more, name) - getattr(less, name) for name in ("n", "x", "y", "xx", "yy", "xy"))
    )
    book.moments[MomentKey("cluster", "control", "conversion", 1)] = change
    found = evidence_of(_config("cluster"), book).metrics["conversion"]
    assert found.clusters_by_phase is None
    assert found.clusters.n.tolist() == whole.n.tolist()
    assert found.clusters.mean_x[0] == pytest.approx(whole.mean_x[0] + 1 / whole.n[0])


def test_a_guardrail_does_not_take_a_drift_for_harm():
    """Errors rise for everybody when the treatment becomes large: over all phases it looks worse than control."""
    shrunk = _book("cluster", "conversion")
    swap = dict(zip(_ARMS, _ARMS[::-1], strict=True))
    book = Book(
        cells={key._replace(variant=swap[key.variant]): cell for key, cell in shrunk.cells.items()},
        moments={key._replace(variant=swap[key.variant]): sums for key, sums in shrunk.moments.items()},
    )
    config = _config("cluster", secondary_metrics=(), guardrail_metrics=[{"metric": "conversion_rate", "margin": 0.02}])
    for each, is_violated in ((book, False), (_unsplit(book), True)):
        evidence, method = evidence_of(config, each), choose(config)
        table = judge(config, method, evidence, now=NOW).table
        assert [rail.is_violated for rail in check_guardrails(config, method, evidence, table)] == [is_violated]


def test_the_best_of_three_is_told_within_phases():
    """With one arm small early and another small late, a drift chooses nobody."""
    arms, sizes = ("control", "treatment_1", "treatment_2"), ((300, 500, 100), (300, 100, 500))
    book = Book()
    for phase, of_phase in enumerate(sizes, 1):
        for variant, size in zip(arms, of_phase, strict=True):
            pairs = _pairs("cluster", phase, size, 0.0)
            book.moments[MomentKey("cluster", variant, "conversion", phase)] = ExactPairMoments.of(pairs)
            book.cells[CellKey("", variant, "conversion", phase, "")] = _cell(pairs)
    shares = {"control": 0.4, "treatment_1": 0.3, "treatment_2": 0.3}
    phases = tuple(phase.changed(allocation=shares) for phase in _PHASES)
    config = design(2, cluster=True, primary_metric="conversion_rate", phases=phases)
    got = summarise(config, choose(config), evidence_of(config, book), now=NOW)
    plain = summarise(config, choose(config), evidence_of(config.changed(phases=()), _unsplit(book)), now=NOW)
    assert plain["treatment_1"].probability_best > 0.99
    assert got["treatment_1"].probability_best < 0.9


def _confused(book, hits, *, phase):
    """Put tables of sick and well into a book; per arm how many of a thousand are found, missed and falsely alarmed."""
    for variant, (found, missed, alarms) in zip(_ARMS, hits, strict=True):
        rows = {("1", "1"): found, ("1", "*"): missed, ("*", "1"): alarms, ("*", "*"): 1000 - found - missed - alarms}
        for (truth, prediction), count in rows.items():
            book.counts[CountKey("confusion", f'["{truth}","{prediction}",{phase}]', variant)] = count
        right, n = found + 1000 - found - missed - alarms, 1000
        book.cells[CellKey("", variant, "accuracy", phase, "")] = Cell(
            ExactMoments.of([1.0] * right + [0.0] * (n - right))
        )


@pytest.mark.parametrize("metric", ["precision", "recall", "f1_score"])
def test_scores_are_compared_within_phases(metric):
    """The sick become fewer and harder to find for both arms; treatment sees most of them early, and is no better."""
    config = design(primary_metric=metric, positive_label=1, phases=_PHASES)
    book = Book()
    _confused(book, ((90, 10, 10), (450, 50, 50)), phase=1)
    _confused(book, ((150, 250, 150), (30, 50, 30)), phase=2)
    evidence = evidence_of(config, book)
    within = summarise(config, choose(config), evidence, now=NOW)["treatment_1"].comparison
    pooled = summarise(config, choose(config), replace(evidence, is_phased=False), now=NOW)["treatment_1"].comparison
    assert pooled.verdict is Verdict.BETTER
    assert within.verdict is Verdict.UNDECIDED
    assert within.difference == pytest.approx(0.0, abs=1e-9)
    assert within.method.split(",")[0] == ("stratified_delta_method" if metric == "f1_score" else "mantel_haenszel")


def test_recall_that_is_better_in_each_phase_is_better():
    """And the report says how it was compared, and shows the plain values beside."""
    config = design(primary_metric="recall", positive_label=1, phases=_PHASES)
    book = Book()
    _confused(book, ((300, 200, 10), (400, 100, 10)), phase=1)
    _confused(book, ((100, 300, 10), (180, 220, 10)), phase=2)
    found = report(config, choose(config), evidence_of(config, book), now=NOW)
    assert found.results["treatment_1"].comparison.difference == pytest.approx(0.2)
    assert found.verdict is Verdict.BETTER
    assert any(each.startswith("recall: Cochran–Mantel–Haenszel") for each in found.methods)
    assert found.timeline_words.startswith("How recall developed is not shown")


def _labelled(told):
    """Return the evidence of two phases, of whose predictions so many of each arm are labelled."""
    config, book = design(phases=_PHASES), Book()
    for phase, (sizes, labels) in enumerate(zip(((900, 100), (500, 500)), told, strict=True), 1):
        for variant, n, known in zip(_ARMS, sizes, labels, strict=True):
            book.counts[CountKey("predictions", str(phase), variant)] = n
            book.counts[CountKey("labels", str(phase), variant)] = known
            book.cells[CellKey("", variant, "accuracy", phase, "")] = Cell(ExactMoments.of([1.0] * known))
    return evidence_of(config, book)


def test_labels_that_are_late_for_everybody_are_no_imbalance():
    """The last phase waits for its labels, and most of the treatment is in it; an arm that is labelled less is seen."""
    late, lost = _labelled(((900, 100), (50, 50))), _labelled(((900, 100), (400, 200)))
    found = check_coverage(late)
    assert found.shares["control"] - found.shares["treatment_1"] > 0.4
    assert not found.is_imbalanced
    assert check_coverage(replace(late, exposures=())).is_imbalanced
    assert check_coverage(lost).is_imbalanced


def test_evidence_that_lacks_phases_is_not_split():
    """A metric whose sums know no phase says so alone; those beside it are compared within phases."""
    arms = [[(1.0, 1.0)] * 900 + [(1.0, 0.0)] * 100, [(1.0, 1.0)] * 700 + [(1.0, 0.0)] * 300]
    evidence = rates([1000, 1000], [900, 700], clusters=pair_moments(arms))
    config = design(cluster=True)
    method, found = choose(config), gathered(config, {"accuracy": evidence}, is_phased=True)
    assert judge(config, method, found, now=NOW).situation.pooled == {"accuracy"}
