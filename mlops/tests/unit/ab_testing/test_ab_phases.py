"""Shares that change do not turn a drift in time into a difference: arms are compared within phases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from mlops.ab_testing.aggregates import BlockKey, Book, Cell, CellKey
from mlops.ab_testing.blocks import block_of
from mlops.ab_testing.entities import Phase, Verdict
from mlops.ab_testing.evidence import MetricEvidence
from mlops.ab_testing.gathering import evidence_of, past_evidence
from mlops.ab_testing.method import choose
from mlops.ab_testing.results import report, summarise
from mlops.stats import confidence_sequences, stratified
from mlops.stats.arms import Counts
from mlops.stats.moments import ExactMoments, Summary
from mlops.stats.sketch import QuantileSketch
from mlops.tests.fixtures.ab_evidence import NOW, blocked, design, gathered, means, pair_moments, rates, values

_SHARES = ({"control": 0.5, "treatment_1": 0.5}, {"control": 0.9, "treatment_1": 0.1})
_PHASES = tuple(
    Phase(number=number, allocation=shares, opened_at=NOW + timedelta(days=number))
    for number, shares in enumerate(_SHARES, 1)
)
_N, _EVENTS = ((5000, 5000), (9000, 1000)), ((4500, 4500), (4500, 500))  # 90 %, then 50 %, in both arms


def _moments(n, events):
    return ExactMoments.of([1.0] * events + [0.0] * (n - events))


def _book(metric="accuracy", n=_N, events=_EVENTS, days=("",)):
    """Return the statistics of two phases, each with these values of control and treatment."""
    cells = {
        CellKey(day, variant, metric, phase, ""): Cell(_moments(n[phase - 1][arm], events[phase - 1][arm]))
        for day in days
        for phase in (1, 2)
        for arm, variant in enumerate(("control", "treatment_1"))
    }
    return Book(cells=cells)


def _found(config, book):
    evidence = evidence_of(config, book)
    return summarise(config, choose(config), evidence, now=NOW)["treatment_1"]


def test_a_drift_is_no_difference():
    """Half and half at 90 %, then nine to one at 50 %: the plain rates differ by 22 points, the arms by none."""
    got = _found(design(phases=_PHASES), _book())
    assert got.metrics["accuracy"].mean - 0.6428571 == pytest.approx(0.19047619, abs=1e-6)
    assert got.comparison.difference == pytest.approx(0.0, abs=1e-12)
    assert got.comparison.always_valid_lower < 0 < got.comparison.always_valid_upper
    assert (got.comparison.is_significant, got.comparison.effect_size) == (False, pytest.approx(0.0, abs=1e-12))
    assert got.comparison.method == "mantel_haenszel, asymptotic"


def test_a_difference_within_phases_keeps_its_sign():
    """Three points better in each phase is better, though the plain rate of the treatment is worse."""
    n, events = ((1000, 9000), (9000, 1000)), ((500, 4770), (8100, 930))
    got = _found(design(phases=_PHASES), _book(n=n, events=events))
    assert got.metrics["accuracy"].mean < 0.86
    assert got.comparison.difference == pytest.approx(0.03)
    assert got.comparison.verdict is Verdict.BETTER


def test_the_sequence_is_that_of_the_formula():
    """Every number is that of mlops.stats, with phases as strata."""
    one, two = (Counts(*(np.array([phase[arm] for phase in part]) for part in (_N, _EVENTS))) for arm in (0, 1))
    got = _found(design(phases=_PHASES), _book()).comparison
    always = confidence_sequences.stratified_difference_of_proportions(one, two, target=1250)
    assert (got.always_valid_lower, got.always_valid_upper) == pytest.approx((float(always.lower), float(always.upper)))
    assert got.p_value == pytest.approx(float(stratified.cochran_mantel_haenszel_test(one, two).p_value))


def test_a_single_phase_is_compared_as_before():
    """One phase is no stratum: the plain comparison, to the last bit."""
    one = Book(cells={key: cell for key, cell in _book().cells.items() if key.phase == 1})
    got = _found(design(phases=_PHASES[:1]), one).comparison
    plain = summarise(design(), choose(design()), gathered(design(), {"accuracy": rates(_N[0], _EVENTS[0])}), now=NOW)
    assert got == plain["treatment_1"].comparison


def test_strata_are_crossed_with_phases():
    """A site within a phase is a stratum of its own."""
    cells = {
        CellKey("", variant, "accuracy", phase, site): Cell(_moments(n, round(n * rate)))
        for phase, shares in ((1, (500, 500)), (2, (900, 100)))
        for site, rate in (("a", 0.9), ("b", 0.5 / phase))
        for variant, n in zip(("control", "treatment_1"), shares, strict=True)
    }
    config = design(strata=["site"], phases=_PHASES)
    evidence = evidence_of(config, Book(cells=cells))
    assert set(evidence.metrics["accuracy"].strata) == {"1 a", "1 b", "2 a", "2 b"}
    assert _found(config, Book(cells=cells)).comparison.difference == pytest.approx(0.0, abs=1e-12)


def test_means_are_compared_within_phases():
    """Values that double for everybody are no effect; the ratio is that to control in the same mixture."""
    parts = [means(n, mean, (1.0, 1.0)).values for n, mean in (((500, 500), (10, 11)), ((900, 100), (20, 21)))]
    evidence = replace(means((1400, 600), (16.4, 12.7), (5, 4)), strata={"1 ": parts[0], "2 ": parts[1]})
    config = design(primary_metric="value")
    got = summarise(config, choose(config), gathered(config, {"value": evidence}, is_phased=True), now=NOW)
    assert got["treatment_1"].comparison.difference == pytest.approx(1.0)
    assert got["treatment_1"].comparison.verdict is Verdict.BETTER
    assert got["treatment_1"].comparison.ratio == pytest.approx(1 + 1 / ((250 * 10 + 90 * 20) / 340))
    assert got["treatment_1"].probability_best > 0.99


def test_quantiles_are_compared_in_the_same_mixture_of_phases():
    """Latency doubles for everybody when the treatment becomes small: p95 is no better for it."""
    rng = np.random.default_rng(4)
    phases = [
        [scale * np.exp(0.5 * rng.standard_normal(n)) for n in sizes]
        for scale, sizes in zip((100, 200), _N, strict=True)
    ]
    sketches = tuple(tuple(map(QuantileSketch.of, phase)) for phase in phases)
    evidence = replace(values([np.concatenate(arm) for arm in zip(*phases, strict=True)]), phases=sketches)
    config = design(primary_metric="p95_latency_ms")
    pooled, within = (
        summarise(config, choose(config), gathered(config, {"latency_ms": each}), now=NOW)["treatment_1"].comparison
        for each in (replace(evidence, phases=()), evidence)
    )
    assert pooled.verdict is Verdict.BETTER
    assert within.verdict is Verdict.UNDECIDED
    assert within.always_valid_lower < 0 < within.always_valid_upper


def test_planned_looks_compare_within_blocks():
    """Arrival order is cut into blocks; a drift between them is none of a difference."""
    rng = np.random.default_rng(2)
    config = design(sequential="planned_looks", maximum_sample_size=10_000, looks=2)
    method = choose(config)
    who = np.concatenate([rng.random(5000) < 0.5, rng.random(5000) < 0.1]).astype(int)
    events = rng.random(10_000) < np.repeat([0.9, 0.5], 5000)
    cut = blocked(who, events.astype(int), 2, cut=lambda index: method.block_of("accuracy", index))
    plain = rates(np.bincount(who), np.bincount(who, events), blocks=cut)
    parts = [(who[part], events[part]) for part in (slice(5000), slice(5000, None))]
    strata = {str(number): rates(np.bincount(w), np.bincount(w, e)).values for number, (w, e) in enumerate(parts)}
    pooled, within = (
        summarise(
            config, method, gathered(config, {"accuracy": each}, units=[5000, 5000], is_phased=is_phased), now=NOW
        )
        for each, is_phased in ((plain, False), (replace(plain, strata=strata), True))
    )
    assert pooled["treatment_1"].comparison.verdict is Verdict.BETTER
    assert within["treatment_1"].comparison.verdict is Verdict.UNDECIDED


@pytest.mark.parametrize(("fields", "more"), [({"cluster": True}, "clusters"), ({"cuped": "before"}, "covariate")])
def test_what_is_not_kept_by_phase_claims_nothing(fields, more):
    """Sums over units know no phase; the words say why, and so does a caution."""
    arms = [[(1.0, 1.0)] * 900 + [(1.0, 0.0)] * 100, [(1.0, 1.0)] * 700 + [(1.0, 0.0)] * 300]
    evidence = rates([1000, 1000], [900, 700], **{more: pair_moments(arms)})
    config = design(**fields)
    found = report(config, choose(config), gathered(config, {"accuracy": evidence}, is_phased=True), now=NOW)
    got = found.results["treatment_1"].comparison
    assert (got.is_significant, got.verdict) == (False, Verdict.UNDECIDED)
    assert "as shares changed" in got.words
    assert any("over all phases together" in each for each in found.cautions)


def test_the_development_is_that_of_phases():
    """Each day's point is computed of the phases until then, and agrees with the result at the end."""
    config, days = design(phases=_PHASES, started_at=NOW - timedelta(days=3)), {}
    for phase, day in ((1, "2026-11-20"), (2, "2026-11-21"), (2, "2026-11-22")):
        for key, cell in _book().cells.items():
            if key.phase == phase:
                days[key._replace(day=day)] = cell
    whole: dict[CellKey, Cell] = {}
    for key, cell in days.items():
        before = whole.get(key._replace(day=""), Cell(ExactMoments()))
        whole[key._replace(day="")] = Cell(before.sums + cell.sums)
    now = evidence_of(config, Book(cells=whole))
    past = past_evidence(config, now, "accuracy", Book(cells=days))
    found = report(config, choose(config), now, now=NOW, past=past)
    assert [point.size for point in found.timeline] == [10_000, 20_000, 30_000]
    assert [point.difference for point in found.timeline] == pytest.approx([0, 0, 0], abs=1e-12)
    assert found.timeline_words == ""


def test_a_reader_is_told_that_shares_changed():
    """Values of variants are those of all phases, differences are not."""
    config = design(phases=_PHASES)
    found = report(config, choose(config), evidence_of(config, _book()), now=NOW)
    assert any("differences are within phases" in each for each in found.cautions)
    assert any("Mantel–Haenszel" in each for each in found.methods)


def test_blocks_of_rollouts_stay_in_time():
    """The e-process of a rollout has its p-value from blocks; the difference beside it is that of phases."""
    config = design(test_type="gradual_rollout", phases=_PHASES, steps=[{"share": 0.1}, {"share": 0.5}])
    book = _book()
    for variant in ("control", "treatment_1"):
        for block in range(block_of(10_000)):
            book.blocks[BlockKey("accuracy", block, variant)] = _moments(50, 45 - 20 * (block > 50))
    got = _found(config, book).comparison
    assert got.method == "mantel_haenszel, e_process"
    assert got.difference == pytest.approx(0.0, abs=1e-12)
    assert not got.is_significant


def _drifting(rng, repetitions, looks=25):
    """Return counts of an A/A test by repetition, look and phase: 90 % at 50/50, then 50 % at 90/10."""
    sizes = [np.array([[200, 200]] * looks + [[0, 0]] * looks), np.array([[0, 0]] * looks + [[360, 40]] * looks)]
    n = np.stack(sizes, axis=1).cumsum(axis=0)  # looks by phases by arms
    events = rng.binomial(np.stack(sizes, axis=1), np.array([0.9, 0.5])[:, None], (repetitions, *n.shape)).cumsum(
        axis=1
    )
    return [Counts(np.broadcast_to(n[..., arm], events.shape[:-1]), events[..., arm]) for arm in (0, 1)]


def test_the_error_of_a_drifting_test_keeps_its_promise():
    """At 50 looks: within phases at most 5 % and three Monte-Carlo errors, over both together nearly always wrong."""
    control, treatment = _drifting(np.random.default_rng(7), 600)
    within = confidence_sequences.p_value_of_stratified_proportions(control, treatment, target=1250)
    one, other = (Counts(*(np.sum(part, axis=-1) for part in arm)) for arm in (control, treatment))
    pooled = confidence_sequences.p_value_of_proportions(one, other, target=1250)
    assert (within <= 0.05).any(axis=1).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
    assert (pooled <= 0.05).any(axis=1).mean() > 0.9


def test_the_error_of_drifting_means_keeps_its_promise():
    """The same of numbers, with limits around the weighted difference."""
    rng, looks, repetitions = np.random.default_rng(8), 20, 300
    config = design(primary_metric="value")
    method = choose(config)
    sums = np.zeros((repetitions, 2, 2, 3))
    drawn = [(np.array([100, 100]), 10.0), (np.array([180, 20]), 2.0)]
    crossed = np.zeros(repetitions, dtype=bool)
    for look in range(looks):
        phase = int(look >= looks // 2)
        sizes, mean = drawn[phase]
        total = mean * sizes + np.sqrt(sizes) * rng.standard_normal((repetitions, 2))
        spread = rng.chisquare(sizes - 1, (repetitions, 2)) + total**2 / sizes
        sums[:, phase] += np.stack([np.broadcast_to(sizes, total.shape), total, spread], axis=-1)
        if look % 5 == 4:
            crossed |= [_is_told_apart(config, method, each) for each in sums]
    assert crossed.mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / repetitions)


def _is_told_apart(config, method, sums):
    parts = {str(phase): _summary(each) for phase, each in enumerate(sums) if each[0, 0]}
    evidence = MetricEvidence(_summary(sums.sum(axis=0)), strata=parts)
    found = summarise(config, method, gathered(config, {"value": evidence}, is_phased=True), now=NOW)
    return found["treatment_1"].comparison.always_valid_p_value <= 0.05


def _summary(sums):
    n, total, squares = sums.T
    return Summary(n, total / n, (squares - total**2 / n) / (n - 1))
