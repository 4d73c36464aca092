"""The two-sample e-process for proportions: exact at every look, for rare events and small arms.

Interactions are cut into blocks in arrival order. Before a block is seen, both rates are predicted from the blocks
before it; the block's likelihood under the prediction is divided by that under the nearest pair of rates that the null
hypothesis allows. Nothing is bet until both arms were seen. The product over blocks is an e-process: under the null
hypothesis it ever reaches 1/alpha with probability at most alpha. Where a block ends must not depend on outcomes: close
one after so many interactions.

The family of nulls is a line of differences or of ratios. There is none of odds ratios: pairs with one odds ratio are
not a convex set, for which the projection would be no e-variable; for rare events the ratio says the same.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mlops.errors import InvalidInput
from mlops.stats.arguments import Alternative, Floats, check_alternative, check_positive
from mlops.stats.arms import Counts
from mlops.stats.bernoulli_mixture import log_threshold
from mlops.stats.restricted_proportions import rates_at_difference, rates_at_ratio

__all__ = [
    "EProcess",
    "Nulls",
    "Scale",
    "after",
    "differences",
    "equality",
    "interval",
    "p_values",
    "ratios",
    "restarted",
    "start",
    "update",
]

_EVERY = 2  # blocks between restarts: those in between would find little sooner

Scale = Literal["difference", "ratio"]
"""How two rates are compared: treatment minus control, or treatment over control."""


class Nulls(NamedTuple):
    """A family of null hypotheses, one for each value: that the rates have this difference, or this ratio.

    Against `greater` each null is that the value is at most this, against `less` at least this.
    """

    scale: Scale
    values: Floats
    alternative: Alternative = "two-sided"

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the greatest value that the scale can have."""
        return (-1.0, 1.0) if self.scale == "difference" else (0.0, np.inf)


class EProcess(NamedTuple):
    """What must be kept between blocks; arrays of any one shape, the last two with an axis more for the nulls."""

    control: Counts
    treatment: Counts
    log_e: Floats
    log_e_peak: Floats


def equality(alternative: Alternative = "two-sided") -> Nulls:
    """Return the single null hypothesis that the rates are equal (not greater, not less)."""
    check_alternative(alternative)
    return Nulls("difference", np.zeros(1), alternative)


def differences(*, finest: float = 1e-4, points: int = 100) -> Nulls:
    """Return a grid of differences for an interval: 0 and `points` on each side, each a constant factor from the next.

    Args:
        finest: The smallest difference beside 0; also how close to 0 a bound can come.
        points: With 100, bounds are rounded outwards by at most a tenth.
    """
    side = np.geomspace(check_positive(finest, "finest"), 1.0, points + 1)[:-1]
    return Nulls("difference", np.concatenate([-side[::-1], np.zeros(1), side]))


def ratios(*, greatest: float = 100.0, points: int = 100) -> Nulls:
    """Return a grid of ratios for an interval: 1 and `points` on each side, up to `greatest` and down to its inverse.

    Raises:
        InvalidInput: `greatest` is not above 1.
    """
    if not greatest > 1:
        raise InvalidInput(f"greatest is {greatest!r}; the greatest ratio of the grid must be above 1.")
    side = np.geomspace(1.0, greatest, points + 1)[1:]
    return Nulls("ratio", np.concatenate([1 / side[::-1], np.ones(1), side]))


def start(nulls: Nulls, shape: tuple[int, ...] = ()) -> EProcess:
    """Return the e-processes before any data, `shape` of them at once."""
    empty, even = np.zeros(shape), np.zeros((*shape, nulls.values.size))
    return EProcess(Counts(empty, empty), Counts(empty, empty), even, even)


def update(process: EProcess, control: Counts, treatment: Counts, *, nulls: Nulls, prior: float = 0.5) -> EProcess:
    """Return the e-process after one more block.

    Null hypothesis: the family's, in every block; the rates may change from block to block as long as their difference
    (or ratio) does not. Assumes that units are independent and that the block's size, and the share of each arm in
    it, do not depend on outcomes. Misleads when labels are revised after their block was closed (count the
    first label), and when labels of one arm arrive later than those of the other.

    Args:
        process: As it was after the blocks before.
        control: Units and events of control in this block; none at all is allowed, and then nothing is learnt.
        treatment: Units and events of treatment in this block.
        nulls: The same family at every block.
        prior: Events and non-events that each arm is taken to have had before the first block. 0.18 is the paper's,
            for balanced blocks of two; 0.5 learns faster from unequal arms (`benchmarks/validity`).

    References:
        Turner, Ly, Grünwald (2024), Generic E-variables for exact sequential k-sample tests that allow for optional
        stopping, Journal of Statistical Planning and Inference 230, theorems 1 and 2. doi:10.1016/j.jspi.2023.106116
        Turner, Grünwald (2023), Exact anytime-valid confidence intervals for contingency tables and beyond, Statistics
        & Probability Letters 198. doi:10.1016/j.spl.2023.109835

    Example:
        >>> process = start(equality())
        >>> for _ in range(20):
        ...     process = update(process, Counts(95, 2), Counts(5, 1), nulls=equality())
        >>> bool(p_values(process)[0] < 0.05)
        True
    """
    gain = _log_e_value(process, control, treatment, nulls, check_positive(prior, "prior"))
    log_e = process.log_e + gain
    peak = np.maximum(process.log_e_peak, log_e)
    return EProcess(process.control.plus(control), process.treatment.plus(treatment), log_e, peak)


def _log_e_value(process: EProcess, control: Counts, treatment: Counts, nulls: Nulls, prior: float) -> Floats:
    one, other = _column(control), _column(treatment)
    bet1, bet2 = (_predicted(_column(arm), prior) for arm in (process.control, process.treatment))
    sizes = np.add(one.n, other.n) > 0
    floor = np.where(sizes, 0.0, 1.0)  # an empty block must not divide by 0; its likelihoods are 1 whatever the rates
    expected1, expected2 = (_expected(np.add(arm.n, floor), bet) for arm, bet in ((one, bet1), (other, bet2)))
    nearest = rates_at_difference if nulls.scale == "difference" else rates_at_ratio
    null1, null2 = nearest(expected1, expected2, nulls.values)
    evidence = _log_likelihood(one, bet1) + _log_likelihood(other, bet2)
    gain = evidence - _log_likelihood(one, null1) - _log_likelihood(other, null2)
    is_informed = np.minimum(process.control.n, process.treatment.n)[..., None] > 0  # else the prior would be bet on
    return np.where(is_informed & _is_bet(bet1, bet2, nulls), gain, 0.0)


def _is_bet(bet1: Floats, bet2: Floats, nulls: Nulls) -> NDArray[np.bool_]:
    """Tell where the prediction lies outside the null, so that its nearest point is on the line."""
    if nulls.alternative == "two-sided":
        return np.ones(1, dtype=bool)
    value = bet2 - bet1 if nulls.scale == "difference" else bet2 / bet1
    return np.asarray(value > nulls.values if nulls.alternative == "greater" else value < nulls.values)


def _column(counts: Counts) -> Counts:
    """Add the axis of the nulls."""
    return Counts(*(part[..., None] for part in _arrays(counts)))


def _predicted(counts: Counts, prior: float) -> Floats:
    return np.asarray(np.add(counts.events, prior) / np.add(counts.n, 2 * prior))


def _expected(n: Floats, rate: Floats) -> Counts:
    return Counts(n, n * rate)


def _log_likelihood(counts: Counts, rate: Floats) -> Floats:
    events, rest = np.asarray(counts.events), np.subtract(counts.n, counts.events)
    return np.asarray(special.xlogy(events, rate) + special.xlog1py(rest, -rate))


def p_values(process: EProcess) -> Floats:
    """Return the always-valid p-value of each null: 1 over the greatest e-value so far, at most 1.

    Example:
        >>> p_values(start(equality()))
        array([1.])
    """
    return np.exp(-np.maximum(process.log_e_peak, 0.0))


def after(control: Counts, treatment: Counts, *, nulls: Nulls) -> EProcess:
    """Return the e-process after all of some blocks: what `update` would lead to block by block, in one call.

    What a block gains depends on the counts before it only, and those are cumulative sums.

    Args:
        control: Units and events of control in each block; blocks along the last axis.
        treatment: The same of treatment; both broadcast to one shape.
        nulls: As in `update`.

    Example:
        >>> process = after(Counts([95] * 20, [2] * 20), Counts([5] * 20, [1] * 20), nulls=equality())
        >>> bool(p_values(process)[0] < 0.05)
        True
    """
    past = EProcess(_before(control), _before(treatment), np.zeros(()), np.zeros(()))
    path = np.cumsum(update(past, control, treatment, nulls=nulls).log_e, axis=-2)
    return EProcess(_total(control), _total(treatment), path[..., -1, :], np.maximum(path.max(axis=-2), 0.0))


def restarted(
    control: Counts, treatment: Counts, *, alternative: Alternative = "two-sided", margin: float = 0.0
) -> Floats:
    """Return the always-valid p-value after each block of a test that begins anew every other block.

    A treatment that gets worse after it has done well finds an e-process that has learnt to expect little, and that
    must first win back what it lost. So a mixture is kept of e-processes that forget the treatment's past at different
    blocks; the one that began when the change came soon outweighs the rest. Being a mixture of e-processes, with
    weights 1/2, 1/6, 1/12, …, it is one: under the null hypothesis of `update` its p-value ever falls to alpha with
    probability at most alpha.

    Args:
        control: Units and events of control in each block; blocks along the last axis.
        treatment: The same of treatment; both broadcast to one shape.
        alternative: As in `Nulls`, to whose value `margin` belongs.
        margin: The difference that the null hypothesis allows, treatment minus control.

    Returns:
        The least p-value so far, of the shape of the counts.

    References:
        Shin, Ramdas, Rinaldo (2024), E-detectors: a nonparametric framework for sequential change detection, New
        England Journal of Statistics in Data Science 2(2), arXiv:2203.03532. Weights that add up to 1 take the
        place of their sum, so that the error, not the average run length, is bounded.

    Example:
        >>> each, fails = np.ones(80), np.repeat([0, 1], 40)
        >>> p = restarted(Counts(95 * each, 2 * each), Counts(5 * each, fails), alternative="greater")
        >>> int((p <= 0.05).argmax()) - 40  # blocks after the treatment got worse; without restarts 12
        7
    """
    nulls = Nulls("difference", np.array([margin]), alternative)
    before = _before(control)
    blocks = np.shape(before.n)[-1]
    starts = np.arange(0, blocks, _EVERY)
    past = EProcess(_row(before), _since(_before(treatment), starts), np.zeros(()), np.zeros(()))
    gains = update(past, _row(control), _row(treatment), nulls=nulls).log_e[..., 0]
    paths = np.cumsum(np.where(np.arange(blocks) >= starts[:, None], gains, 0.0), axis=-1)
    numbers = np.arange(1.0, starts.size + 1)
    mixed = np.logaddexp.reduce(paths - np.log(numbers * (numbers + 1))[:, None], axis=-2)
    mixed = np.logaddexp(mixed, -np.log(starts.size + 1))  # the weight of those that have not begun
    return np.exp(-np.maximum(np.maximum.accumulate(mixed, axis=-1), 0.0))


def _total(arm: Counts) -> Counts:
    return Counts(*(part.sum(axis=-1) for part in _arrays(arm)))


def _before(arm: Counts) -> Counts:
    """Return what an arm had before each block."""
    return Counts(*(np.cumsum(part, axis=-1) - part for part in _arrays(arm)))


def _since(before: Counts, starts: NDArray[np.int64]) -> Counts:
    """Return what of that has come since each start; starts by blocks."""
    return Counts(*(np.maximum(part[..., None, :] - part[..., starts, None], 0.0) for part in _arrays(before)))


def _row(counts: Counts) -> Counts:
    """Add the axis of the starts."""
    return Counts(*(part[..., None, :] for part in _arrays(counts)))


def _arrays(counts: Counts) -> tuple[Floats, Floats]:
    return np.asarray(counts.n, dtype=float), np.asarray(counts.events, dtype=float)


def interval(process: EProcess, nulls: Nulls, *, alpha: float = 0.05) -> tuple[Floats, Floats]:
    """Return the confidence sequence now: from below the least value not rejected to above the greatest.

    Values between the grid's are not tested, so bounds are rounded outwards to the next rejected value, or to the limit
    of the scale. It only ever narrows. When every value was rejected, which has probability alpha under a constant
    value, both bounds are NaN: the rates were not constant.

    Args:
        process: One that was updated with these nulls.
        nulls: The grid, `differences` or `ratios`, two-sided.
        alpha: One minus the confidence.
    """
    kept = process.log_e_peak < log_threshold(alpha)
    least, greatest = nulls.limits
    padded = np.concatenate([[least], nulls.values, [greatest]])
    first = kept.argmax(axis=-1)
    last = nulls.values.size - 1 - kept[..., ::-1].argmax(axis=-1)
    is_any = kept.any(axis=-1)
    return np.where(is_any, padded[first], np.nan), np.where(is_any, padded[last + 2], np.nan)
