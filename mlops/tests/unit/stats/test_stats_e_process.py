"""The two-sample e-process: that it is one, by enumerating all outcomes, and the laws of its intervals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlops.errors import InvalidInput
from mlops.stats import e_process
from mlops.stats.arms import Counts
from mlops.stats.e_process import EProcess, Nulls

RATES = st.floats(0.02, 0.98)
BLOCKS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 8)).flatmap(
        lambda n: st.tuples(st.just(n[0]), st.integers(0, n[0]), st.just(n[1]), st.integers(0, n[1]))
    ),
    min_size=1,
    max_size=15,
)


def _after(history: tuple[int, int, int, int], nulls: Nulls) -> EProcess:
    n1, x1, n2, x2 = history
    zeros = np.zeros(nulls.values.size)
    return EProcess(Counts(n1, x1), Counts(n2, x2), zeros, zeros)


def _expectation(process: EProcess, nulls: Nulls, sizes: tuple[int, int], rates: tuple[float, float]) -> float:
    """Return the expected e-value of one block, summed over all its outcomes."""
    total = 0.0
    for x1, x2 in itertools.product(*(range(size + 1) for size in sizes)):
        after = e_process.update(process, Counts(sizes[0], x1), Counts(sizes[1], x2), nulls=nulls)
        chance = stats.binom.pmf(x1, sizes[0], rates[0]) * stats.binom.pmf(x2, sizes[1], rates[1])
        total += chance * float(np.exp(after.log_e[0]))
    return total


def _run(blocks: list[tuple[int, int, int, int]], nulls: Nulls) -> EProcess:
    process = e_process.start(nulls)
    for n1, x1, n2, x2 in blocks:
        process = e_process.update(process, Counts(n1, x1), Counts(n2, x2), nulls=nulls)
    return process


@given(
    rate=RATES, sizes=st.tuples(st.integers(0, 6), st.integers(0, 3)), past=st.sampled_from([(9, 1, 9, 7), (0,) * 4])
)
def test_under_equal_rates_a_block_is_worth_at_most_one(
    rate: float, sizes: tuple[int, int], past: tuple[int, int, int, int]
) -> None:
    """Theorem 1 of Turner, Ly and Grünwald, whatever the sizes and the history."""
    nulls = e_process.equality()
    assert _expectation(_after(past, nulls), nulls, sizes, (rate, rate)) <= 1 + 1e-9


@given(
    control=st.floats(0.01, 0.6), difference=st.floats(-0.3, 0.3), sizes=st.tuples(st.integers(1, 5), st.integers(1, 4))
)
def test_under_a_difference_a_block_is_worth_at_most_one(
    control: float, difference: float, sizes: tuple[int, int]
) -> None:
    """Theorem 2: the projection onto a line of differences."""
    rate = min(max(control, -difference + 0.001), 0.999 - difference)
    nulls = Nulls("difference", np.array([difference]))
    for past in ((40, 4, 5, 4), (3, 0, 20, 1)):
        assert _expectation(_after(past, nulls), nulls, sizes, (rate, rate + difference)) <= 1 + 1e-9


@given(control=st.floats(0.01, 0.5), ratio=st.floats(0.1, 1.9), sizes=st.tuples(st.integers(1, 5), st.integers(1, 4)))
def test_under_a_ratio_a_block_is_worth_at_most_one(control: float, ratio: float, sizes: tuple[int, int]) -> None:
    """Pairs of one ratio are a line too."""
    nulls = Nulls("ratio", np.array([ratio]))
    for past in ((40, 4, 5, 4), (3, 0, 20, 1)):
        assert _expectation(_after(past, nulls), nulls, sizes, (control, control * ratio)) <= 1 + 1e-9


@given(control=RATES, treatment=RATES, sizes=st.tuples(st.integers(1, 5), st.integers(1, 4)))
def test_a_one_sided_block_is_worth_at_most_one_under_every_lesser_rate(
    control: float, treatment: float, sizes: tuple[int, int]
) -> None:
    """Against `greater`, the null is all pairs whose treatment is at most control."""
    nulls = e_process.equality("greater")
    rates = (max(control, treatment), min(control, treatment))
    for past in ((40, 4, 5, 4), (20, 12, 20, 1)):
        assert _expectation(_after(past, nulls), nulls, sizes, rates) <= 1 + 1e-9


def test_a_block_of_two_is_the_formula_of_the_paper() -> None:
    """p(a)p(b) over the product at the mean of both rates, when one of each comes in."""
    nulls = e_process.equality()
    process = e_process.update(_after((8, 2, 8, 6), nulls), Counts(1, 0), Counts(1, 1), nulls=nulls, prior=1.0)
    a, b = 3 / 10, 7 / 10
    mean = (a + b) / 2
    assert np.exp(process.log_e[0]) == pytest.approx((1 - a) * b / ((1 - mean) * mean))


def test_unequal_blocks_weigh_the_mean_by_their_sizes() -> None:
    """With n_a and n_b in a block the null's rate is their weighted mean."""
    nulls = e_process.equality()
    process = e_process.update(_after((8, 2, 8, 6), nulls), Counts(3, 1), Counts(1, 1), nulls=nulls, prior=1.0)
    a, b = 3 / 10, 7 / 10
    mean = (3 * a + b) / 4
    assert np.exp(process.log_e[0]) == pytest.approx(a * (1 - a) ** 2 * b / (mean**2 * (1 - mean) ** 2))


@given(blocks=BLOCKS)
def test_p_values_only_fall_and_intervals_only_narrow(blocks: list[tuple[int, int, int, int]]) -> None:
    """The peak is kept, so that a later look cannot take a rejection back."""
    nulls = e_process.differences(points=20)
    early, late = _run(blocks[:-1], nulls), _run(blocks, nulls)
    before, after = (e_process.interval(process, nulls) for process in (early, late))
    assert np.all(e_process.p_values(late) <= e_process.p_values(early))
    assert np.isnan(after[0]) or before[0] <= after[0] <= after[1] <= before[1]


@given(blocks=BLOCKS)
def test_swapping_the_arms_mirrors_the_interval(blocks: list[tuple[int, int, int, int]]) -> None:
    """And leaves the p-value of equality."""
    nulls = e_process.differences(points=20)
    one, other = _run(blocks, nulls), _run([(n2, x2, n1, x1) for n1, x1, n2, x2 in blocks], nulls)
    assert e_process.p_values(one)[20] == pytest.approx(e_process.p_values(other)[20])
    assert e_process.p_values(one) == pytest.approx(e_process.p_values(other)[::-1], rel=1e-6)


@given(blocks=BLOCKS)
def test_equality_is_a_ratio_of_one(blocks: list[tuple[int, int, int, int]]) -> None:
    """Both projections meet where the rates are equal."""
    one, other = _run(blocks, e_process.equality()), _run(blocks, e_process.ratios(points=3))
    assert one.log_e[0] == pytest.approx(other.log_e[3], abs=1e-8)


@given(blocks=BLOCKS)
def test_one_arm_alone_teaches_nothing(blocks: list[tuple[int, int, int, int]]) -> None:
    """A block without one of the arms is worth exactly 1."""
    process = _run([(n1, x1, 0, 0) for n1, x1, _, _ in blocks], e_process.equality())
    assert process.log_e[0] == pytest.approx(0.0, abs=1e-9)


@given(blocks=BLOCKS)
def test_nothing_is_bet_before_both_arms_were_seen(blocks: list[tuple[int, int, int, int]]) -> None:
    """The first block is worth 1 under every null: a prediction from nothing would only lose."""
    process = _run(blocks[:1], e_process.ratios(points=5))
    assert process.log_e == pytest.approx(np.zeros(11), abs=1e-12)


def test_the_interval_of_a_ratio_is_about_as_wide_as_it_should_be() -> None:
    """Rates .02 and .08 at 90/10 over ten thousand units: within a factor of 2 of the truth on each side."""
    rng, nulls = np.random.default_rng(0), e_process.ratios()
    blocks = [(90, int(rng.binomial(90, 0.02)), 10, int(rng.binomial(10, 0.08))) for _ in range(100)]
    lower, upper = e_process.interval(_run(blocks, nulls), nulls)
    assert 2 < lower < 4 < upper < 8


def test_the_interval_covers_the_truth_and_excludes_equality() -> None:
    """Rates .02 and .08 at 90/10 over twenty thousand units."""
    rng, nulls = np.random.default_rng(7), e_process.differences()
    blocks = [(90, int(rng.binomial(90, 0.02)), 10, int(rng.binomial(10, 0.08))) for _ in range(200)]
    lower, upper = e_process.interval(_run(blocks, nulls), nulls)
    assert 0 < lower < 0.06 < upper < 0.2


def test_many_processes_at_once_are_each_alone() -> None:
    """Arrays broadcast over the leading axes."""
    nulls = e_process.differences(points=5)
    control, treatment = Counts(np.array([50, 60]), np.array([3, 9])), Counts(np.array([5, 6]), np.array([2, 0]))
    together = e_process.update(e_process.start(nulls, (2,)), control, treatment, nulls=nulls)
    alone = [_run([(50, 3, 5, 2)], nulls), _run([(60, 9, 6, 0)], nulls)]
    assert together.log_e == pytest.approx(np.stack([process.log_e for process in alone]))


def test_contradictions_leave_no_interval() -> None:
    """When every difference was rejected the bounds are NaN."""
    nulls = Nulls("difference", np.array([-0.5, 0.0, 0.5]))
    process = EProcess(Counts(1, 1), Counts(1, 1), np.full(3, 9.0), np.full(3, 9.0))
    assert np.isnan(e_process.interval(process, nulls)).all()


@pytest.mark.parametrize("greatest", [1.0, 0.5, float("nan")])
def test_a_grid_of_ratios_reaches_above_one(greatest: float) -> None:
    """A grid that does not is refused."""
    with pytest.raises(InvalidInput, match="greatest"):
        e_process.ratios(greatest=greatest)


@given(blocks=BLOCKS)
def test_all_blocks_at_once_are_the_blocks_one_by_one(blocks: list[tuple[int, int, int, int]]) -> None:
    """Value, peak and counts."""
    nulls = e_process.differences(points=3)
    n1, x1, n2, x2 = (np.array(part) for part in zip(*blocks, strict=True))
    at_once, one_by_one = e_process.after(Counts(n1, x1), Counts(n2, x2), nulls=nulls), _run(blocks, nulls)
    assert at_once.log_e == pytest.approx(one_by_one.log_e, abs=1e-8)
    assert at_once.log_e_peak == pytest.approx(one_by_one.log_e_peak, abs=1e-8)
    assert (*at_once.control, *at_once.treatment) == (*one_by_one.control, *one_by_one.treatment)


def _restarted_e(control: list[int], treatment: list[int], outcomes: tuple[int, ...]) -> float:
    """Return the greatest value so far of the mixture, for blocks of these sizes and events."""
    half = len(outcomes) // 2
    arms = Counts(np.array(control), np.array(outcomes[:half])), Counts(np.array(treatment), np.array(outcomes[half:]))
    return 1 / float(e_process.restarted(*arms, alternative="greater")[-1])


@pytest.mark.parametrize(("rate1", "rate2"), [(0.1, 0.1), (0.5, 0.5), (0.4, 0.2)])
def test_a_restarted_process_ever_doubles_with_a_chance_of_at_most_a_half(rate1: float, rate2: float) -> None:
    """Ville's inequality, over all outcomes of four blocks."""
    control, treatment = [2, 2, 2, 2], [1, 1, 1, 1]
    chance = 0.0
    for outcomes in itertools.product(*(range(size + 1) for size in (*control, *treatment))):
        if _restarted_e(control, treatment, outcomes) >= 2:
            pairs = zip((*control, *treatment), outcomes, [rate1] * 4 + [rate2] * 4, strict=True)
            chance += float(np.prod([stats.binom.pmf(x, n, rate) for n, x, rate in pairs]))
    assert chance <= 0.5


@given(blocks=BLOCKS)
def test_a_restarted_process_never_rises_and_keeps_half_of_the_first(blocks: list[tuple[int, int, int, int]]) -> None:
    """The process that begins with the first block has the weight of one half."""
    n1, x1, n2, x2 = (np.array(part) for part in zip(*blocks, strict=True))
    found = e_process.restarted(Counts(n1, x1), Counts(n2, x2), alternative="less")
    plain = e_process.p_values(_run(blocks, e_process.equality("less")))[0]
    assert np.all(np.diff(found) <= 0)
    assert found[-1] <= 2 * plain + 1e-12


def test_restarted_processes_of_many_treatments_are_each_alone() -> None:
    """Arms broadcast over the leading axes."""
    size, bad = np.full(30, 20.0), np.repeat([0.0, 6.0], 15)
    control = Counts(9 * size, np.full(30, 4.0))
    together = e_process.restarted(control, Counts(np.stack([size, size]), np.stack([bad, 0 * bad])))
    alone = [e_process.restarted(control, Counts(size, events)) for events in (bad, 0 * bad)]
    assert together == pytest.approx(np.stack(alone))
