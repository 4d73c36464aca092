"""How large a test must be that the e-process judges: by simulation, seeded, for no formula is near enough.

Its evidence grows with the logarithm of the likelihood, less what learning the rates costs, and the look at which it
is enough varies much. One simulated stream tells the power of every size at once: the share of streams told apart by
then. Streams are those of `mlops.stats.e_process` in the blocks of `blocks`, as in the service.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mlops.ab_testing import blocks
from mlops.stats.arguments import Floats

__all__ = ["Stream", "exact_detectable", "exact_power", "exact_total"]

_REPETITIONS = 4000  # a power of .80 is known within .006
_SEED = 20_261_123
_STEPS = 12  # halvings of the range of effects
_LARGEST = 10**12


class Stream(NamedTuple):
    """What is simulated.

    Attributes:
        rates: Of control and treatment.
        shares: Of the traffic that both get; other treatments get the rest.
        alpha: The error of this treatment.
    """

    rates: tuple[float, float]
    shares: tuple[float, float]
    alpha: float


def exact_total(stream: Stream, power: float, *, guess: int) -> int | None:
    """Return the interactions of all variants after which the share `power` of streams is told apart.

    Args:
        stream: What is simulated.
        power: The share, below 1.
        guess: Where to begin to look.

    Returns:
        None where no size that can be counted is enough.
    """
    most = max(2 * guess, 10 * blocks.SMALLEST)
    while most < _LARGEST:
        stops = _stops(stream, most)
        if np.isfinite(stops).mean() >= power:
            return int(np.sort(stops)[int(np.ceil(power * stops.size)) - 1])
        most *= 2
    return None


def exact_power(stream: Stream, size: int) -> float:
    """Return the share of streams that is told apart within so many interactions."""
    return float(np.isfinite(_stops(stream, size)).mean())


def exact_detectable(stream: Stream, size: int, power: float) -> float:
    """Return the least distance of treatment's rate from control's, on the side of the stream's, that is told apart.

    Args:
        stream: The direction is that from its first to its second rate.
        size: Interactions of all variants.
        power: How often.

    Returns:
        NaN where not even the greatest distance is.
    """
    control, treatment = stream.rates
    sign = 1.0 if treatment > control else -1.0
    low, high = 0.0, (1 - control if sign > 0 else control) * (1 - 1e-9)
    if exact_power(stream._replace(rates=(control, control + sign * high)), size) < power:
        return float("nan")
    for _ in range(_STEPS):
        middle = (low + high) / 2
        is_enough = exact_power(stream._replace(rates=(control, control + sign * middle)), size) >= power
        low, high = (low, middle) if is_enough else (middle, high)
    return high


@lru_cache(maxsize=64)
def _stops(stream: Stream, most: int) -> Floats:
    """Return after how many interactions each stream is told apart; infinite where that is after more than `most`."""
    from mlops.stats import e_process
    from mlops.stats.arms import Counts

    ends = blocks.ends_until(most)
    rng, (control, treatment) = np.random.default_rng(_SEED), stream.shares
    process, nulls = e_process.start(e_process.equality(), (_REPETITIONS,)), e_process.equality()
    before = 0
    stops = np.full(_REPETITIONS, np.inf)
    for end in ends:
        n1 = rng.binomial(end - before, control, _REPETITIONS)
        n2 = rng.binomial(end - before - n1, min(1.0, treatment / (1 - control)))
        arms = (Counts(n, rng.binomial(n, rate)) for n, rate in zip((n1, n2), stream.rates, strict=True))
        process = e_process.update(process, *arms, nulls=nulls)
        is_told = e_process.p_values(process)[:, 0] <= stream.alpha
        stops[is_told & np.isinf(stops)] = end
        before = end
    return stops
