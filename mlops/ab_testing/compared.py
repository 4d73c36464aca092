"""Every treatment beside control, for many metrics in one call: the answer's shape, and rates and means of any kind.

Rows are metrics and columns treatments, in the order given. Each answer has the interval and the p-value for one look
at the end, and those that hold at every look. The formulas stand in `mlops.stats`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlops.stats import confidence_sequences, exact_proportions, means, proportions, risk_ratio
from mlops.stats.arguments import Floats
from mlops.stats.arms import Counts, effective_size
from mlops.stats.moments import Summary
from mlops.stats.results import Comparison, Interval

__all__ = [
    "BURN_IN",
    "SPARSE",
    "Compared",
    "Levels",
    "compare_means",
    "compare_rates",
    "from_estimates",
    "masked",
    "nothing",
]

SPARSE = 5.0
"""With fewer expected in the rarest cell of a two-by-two table, Fisher's exact test replaces the z test."""

BURN_IN = 50
"""With fewer values in either arm, the sequences of means claim nothing."""


class Levels(NamedTuple):
    """How sure an answer must be.

    Attributes:
        confidence: Of every interval.
        sizes: Number of independent units in each variant, control first, at which sequences are narrowest.
    """

    confidence: float
    sizes: Floats

    @property
    def alpha(self) -> float:
        """One minus the confidence."""
        return round(1 - self.confidence, 12)

    @property
    def targets(self) -> Floats:
        """For each treatment the effective size of it and control."""
        return effective_size(self.sizes[:1], self.sizes[1:])

    def shared(self) -> Levels:
        """Return the levels of the primary metric, whose error all treatments share: Holm's first step.

        Example:
            >>> Levels(0.95, np.array([50.0, 25.0, 25.0])).shared().confidence
            0.975
        """
        return self._replace(confidence=1 - self.alpha / max(1, len(self.sizes) - 1))


class Compared(NamedTuple):
    """Treatments compared with control; arrays of metrics by treatments, NaN where nothing was measured.

    Attributes:
        difference: Treatment minus control.
        lower: Limit of the difference at one look.
        upper: Limit of the difference at one look.
        p_value: Of no difference, at one look.
        error: Standard error of the difference; NaN where the method has none.
        always_lower: Limit that holds at every look.
        always_upper: Limit that holds at every look.
        always_p: Always-valid p-value.
        ratio: Treatment over control.
        ratio_lower: Limit of the ratio at one look.
        ratio_upper: Limit of the ratio at one look.
        information: Effective size of both arms, in independent units.
    """

    difference: Floats
    lower: Floats
    upper: Floats
    p_value: Floats
    error: Floats
    always_lower: Floats
    always_upper: Floats
    always_p: Floats
    ratio: Floats
    ratio_lower: Floats
    ratio_upper: Floats
    information: Floats


def nothing(metrics: int, treatments: int) -> Compared:
    """Return the answer where nothing was measured."""
    return Compared(*np.full((len(Compared._fields), metrics, treatments), np.nan))


def compare_rates(n: Floats, events: Floats, levels: Levels) -> Compared:
    """Return rates compared: pooled z with Newcombe's interval (Fisher where sparse), and the asymptotic sequence.

    Args:
        n: Units by metric and variant, control first.
        events: Those with the event.
        levels: Confidence, and where the sequences are narrowest.
    """
    control, treatment = Counts(n[:, :1], events[:, :1]), Counts(n[:, 1:], events[:, 1:])
    interval = proportions.newcombe_interval(control, treatment, confidence=levels.confidence)
    p_value = _rate_p_values(control, treatment)
    ratio = risk_ratio.katz_interval(control, treatment, confidence=levels.confidence)
    always = confidence_sequences.difference_of_proportions(
        control, treatment, target=levels.targets, alpha=levels.alpha
    )
    error, information = _rate_error(control, treatment), effective_size(control.n, treatment.n)
    return masked(Compared(*interval, p_value, error, *always[1:], *ratio, information), n)


def _rate_p_values(control: Counts, treatment: Counts) -> Floats:
    p_value = np.array(proportions.pooled_z_test(control, treatment).p_value)
    sparse = confidence_sequences.rarest_cell(control, treatment) < SPARSE
    arms = [np.broadcast_to(each, p_value.shape) for each in (*control, *treatment)]
    for place in zip(*np.nonzero(sparse & ~np.isnan(p_value)), strict=True):
        n1, x1, n2, x2 = (each[place] for each in arms)
        p_value[place] = exact_proportions.fisher_exact_test(Counts(n1, x1), Counts(n2, x2)).p_value
    return p_value


def _rate_error(control: Counts, treatment: Counts) -> Floats:
    (rate1, rate2), (n1, n2) = (control.rate, treatment.rate), (control.n, treatment.n)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt(np.divide(rate1 * (1 - rate1), n1) + np.divide(rate2 * (1 - rate2), n2)))


def compare_means(values: Summary, levels: Levels) -> Compared:
    """Return means compared: Welch's test and interval, and the asymptotic sequence around the same estimate.

    Args:
        values: Numbers, means and variances by metric and variant, control first.
        levels: Confidence, and where the sequences are narrowest.
    """
    control, treatment = (_columns(values, part) for part in (slice(None, 1), slice(1, None)))
    found = means.welch_test(control, treatment, confidence=levels.confidence)
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = means.delta_ratio(control, treatment, confidence=levels.confidence)
    sizes = np.asarray(values.n, dtype=float)
    return from_estimates(found, Interval(*ratio[:3]), sizes, levels)


def _columns(values: Summary, part: slice) -> Summary:
    return Summary(*(np.asarray(each, dtype=float)[:, part] for each in values))


def from_estimates(
    found: Comparison,
    ratio: Interval,
    sizes: Floats,
    levels: Levels,
    *,
    pairs: bool = False,
    information: Floats | None = None,
) -> Compared:
    """Return the answer of any estimate that is asymptotically a mean, its confidence sequence included.

    Args:
        found: Estimate, limits, p-value and standard error by metric and treatment.
        ratio: Treatment over control.
        sizes: Independent units by metric and variant, control first (of shadow pairs: by metric and treatment).
        levels: Confidence, and where the sequences are narrowest.
        pairs: Whether the sizes are those of pairs.
        information: Effective size of both arms, where it is not that of the sizes.
    """
    if information is None:
        information = sizes / 2 if pairs else effective_size(sizes[:, :1], sizes[:, 1:])
    smallest = sizes if pairs else np.minimum(sizes[:, :1], sizes[:, 1:])
    error = np.where(smallest >= BURN_IN, found.standard_error, np.nan)
    always = confidence_sequences.around(found.estimate, error, information / levels.targets, alpha=levels.alpha)
    answer = Compared(*found[:4], found.standard_error, always.lower, always.upper, always.p_value, *ratio, information)
    return masked(answer, sizes, pairs=pairs)


def masked(answer: Compared, sizes: Floats, *, pairs: bool = False) -> Compared:
    """Return NaN where an arm has no value: there nothing can be said, not even that nothing is known."""
    measured = sizes > 0 if pairs else (sizes[:, :1] > 0) & (sizes[:, 1:] > 0)
    return Compared(*(np.where(measured, part, np.nan) for part in answer))
