"""Fisher's exact test of two proportions and its mid-p form, for the sparse tables where a z test cannot be trusted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlops.errors import InvalidInput
from mlops.stats.arguments import Alternative, Floats, check_alternative
from mlops.stats.arms import Counts
from mlops.stats.results import Significance

__all__ = ["fisher_exact_test", "fisher_mid_p_test"]

_TIE = 1 + 1e-7  # tables this near in probability count as equally likely, as in R's fisher.test


def fisher_exact_test(control: Counts, treatment: Counts, *, alternative: Alternative = "two-sided") -> Significance:
    """Return Fisher's exact test that two proportions are equal; the statistic is the odds ratio of the sample.

    Null hypothesis: both arms have the same probability, given how many events there are in all. The two-sided
    p-value adds up the tables that are at most as likely as the observed one. It never rejects too often, and with few
    events rejects far too seldom: then the mid-p form is nearer to the level promised. Time and memory grow with the
    number of events (or of non-events, if fewer): meant for sparse tables.

    Args:
        control: Units and events, whole numbers.
        treatment: Units and events, whole numbers.
        alternative: `greater` stands for a treatment above control.

    Returns:
        NaN where an arm has no units.

    Raises:
        InvalidInput: Counts that are impossible or not whole.

    References:
        Agresti (2013), Categorical Data Analysis, 3rd ed., section 3.5. ISBN 978-0-470-46363-5

    Example:
        >>> round(float(fisher_exact_test(Counts(72, 15), Counts(16, 0)).p_value), 5)
        0.06287
    """
    return _test(control, treatment, alternative, share_of_observed=1.0)


def fisher_mid_p_test(control: Counts, treatment: Counts, *, alternative: Alternative = "two-sided") -> Significance:
    """Return Fisher's test with the observed table counted half, which is less conservative and not exact.

    Null hypothesis, arguments, returns and errors as for `fisher_exact_test`. Its level may be exceeded slightly.

    References:
        Lydersen, Fagerland, Laake (2009), Recommended tests for association in 2 × 2 tables, Statistics in Medicine
        28. doi:10.1002/sim.3531

    Example:
        >>> round(float(fisher_mid_p_test(Counts(72, 15), Counts(16, 0)).p_value), 5)
        0.04466
    """
    return _test(control, treatment, alternative, share_of_observed=0.5)


class _Table(NamedTuple):
    n1: int
    x1: int
    n2: int
    x2: int


def _test(control: Counts, treatment: Counts, alternative: Alternative, *, share_of_observed: float) -> Significance:
    check_alternative(alternative)
    table = _Table(*_whole(control, "control"), *_whole(treatment, "treatment"))
    if not (table.n1 and table.n2):
        return Significance(np.asarray(np.nan), np.asarray(np.nan))
    lowest, probabilities = _hypergeometric(table)
    observed = table.x2 - lowest
    counted = _counted(probabilities, observed, alternative)
    p_value = probabilities[counted].sum() - (1 - share_of_observed) * probabilities[observed]
    return Significance(np.asarray(_odds_ratio(table)), np.asarray(min(1.0, float(p_value))))


def _counted(probabilities: Floats, observed: int, alternative: Alternative) -> slice | np.ndarray:
    if alternative == "greater":
        return slice(observed, None)
    if alternative == "less":
        return slice(0, observed + 1)
    return np.asarray(probabilities <= probabilities[observed] * _TIE)


def _hypergeometric(table: _Table) -> tuple[int, Floats]:
    """Return the fewest events that treatment can have, and the probability of each possible number, in order."""
    events = table.x1 + table.x2
    lowest, highest = max(0, events - table.n1), min(table.n2, events)
    k = np.arange(lowest, highest, dtype=float)
    growth = np.log((events - k) * (table.n2 - k)) - np.log((k + 1) * (table.n1 - events + k + 1))
    logarithms = np.concatenate([[0.0], np.cumsum(growth)])
    weights = np.exp(logarithms - logarithms.max())
    return lowest, weights / weights.sum()


def _odds_ratio(table: _Table) -> float:
    above, below = table.x2 * (table.n1 - table.x1), table.x1 * (table.n2 - table.x2)
    if below:
        return above / below
    return np.inf if above else np.nan


def _whole(counts: Counts, arm: str) -> tuple[int, int]:
    n, events = np.asarray(counts.n, dtype=float), np.asarray(counts.events, dtype=float)
    if n.ndim or events.ndim or not (n.item().is_integer() and events.item().is_integer() and 0 <= events <= n):
        raise InvalidInput(
            f"{arm} has {counts.events} events in {counts.n} units; an exact test takes two whole numbers, "
            "0 ≤ events ≤ units."
        )
    return int(n), int(events)
