"""Means of two arms: Welch's t test and interval, and the ratio of means by Fieller and by the delta method."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlops.errors import InvalidInput
from mlops.stats.arguments import Alternative, Floats
from mlops.stats.moments import Sample
from mlops.stats.results import Comparison, Interval
from mlops.stats.tails import critical_t, wald_comparison

__all__ = ["delta_ratio", "fieller_ratio", "mean_test", "welch_test"]


def mean_test(
    sample: Sample, *, null: float = 0.0, confidence: float = 0.95, alternative: Alternative = "two-sided"
) -> Comparison:
    """Return Student's one-sample t test that a mean is `null`, with the interval of the mean.

    Assumes independent values whose mean is close to normal: of lognormal latencies with a heavy tail it is too short
    until there are thousands. Limits and p-value are NaN with fewer than two values, or values that do not vary.

    Raises:
        InvalidInput: Impossible moments, or a confidence outside (0, 1).

    References:
        Student (1908), The probable error of a mean, Biometrika 6. doi:10.1093/biomet/6.1.1
    """
    arm = _arm(sample, "sample")
    return wald_comparison(
        arm.mean, np.sqrt(arm.error), null=null, degrees=arm.n - 1, confidence=confidence, alternative=alternative
    )


def welch_test(
    control: Sample,
    treatment: Sample,
    *,
    null: float = 0.0,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Comparison:
    """Return Welch's t test of two means and the interval of their difference, treatment minus control.

    Null hypothesis: the means differ by `null`; the variances may be different. Assumes independent values in and
    between the arms, and means close to normal. It misleads where one unit gives many values (see `clustered`) and in
    small samples of very skewed values. Limits and p-value are NaN where an arm has fewer than two values or neither
    arm varies.

    Args:
        control: n, mean and sample variance.
        treatment: n, mean and sample variance.
        null: Difference tested; a negative one with `greater` tests for non-inferiority.
        confidence: Of the two-sided interval.
        alternative: `greater` stands for a treatment above control by more than `null`.

    Raises:
        InvalidInput: Impossible moments, or a confidence outside (0, 1).

    References:
        Welch (1947), The generalization of "Student's" problem when several different population variances are
        involved, Biometrika 34. doi:10.1093/biomet/34.1-2.28

    Example:
        >>> from mlops.stats.moments import Summary
        >>> found = welch_test(Summary(10, 0.75, 3.200556), Summary(10, 2.33, 4.009))
        >>> round(float(found.statistic), 4), round(float(found.p_value), 4)
        (1.8608, 0.0794)
    """
    one, two = _arm(control, "control"), _arm(treatment, "treatment")
    return wald_comparison(
        two.mean - one.mean,
        np.sqrt(one.error + two.error),
        null=null,
        degrees=_welch_degrees(one, two),
        confidence=confidence,
        alternative=alternative,
    )


def fieller_ratio(control: Sample, treatment: Sample, *, confidence: float = 0.95) -> Interval:
    """Return the ratio of two means, treatment to control, with Fieller's limits.

    Assumes what Welch's test does. Where the mean of control is not clearly different from 0 every ratio, or all but
    a middle part, is possible: the limits are then infinite, which is the truth and not a failure.

    References:
        Fieller (1954), Some problems in interval estimation, Journal of the Royal Statistical Society B 16.
        doi:10.1111/j.2517-6161.1954.tb00159.x
        Degrees of freedom as in Tamhane, Logan (2004), Finding the maximum safe dose level for heteroscedastic data,
        Journal of Biopharmaceutical Statistics 14. doi:10.1081/BIP-200035413

    Example:
        >>> from mlops.stats.moments import Summary
        >>> found = fieller_ratio(Summary(500, 100.0, 400.0), Summary(500, 110.0, 400.0))
        >>> round(float(found.lower), 4), round(float(found.upper), 4)
        (1.0742, 1.1264)
    """
    one, two = _arm(control, "control"), _arm(treatment, "treatment")
    with np.errstate(all="ignore"):
        ratio = two.mean / one.mean
        square = critical_t(_welch_degrees(_scaled(one, ratio), two), confidence) ** 2
        a, b, c = one.mean**2 - square * one.error, one.mean * two.mean, two.mean**2 - square * two.error
        root = np.sqrt(b**2 - a * c)
        lower, upper = (b - root) / a, (b + root) / a
    measured = np.where(np.isnan(square), np.nan, 0.0)
    is_bounded = a > 0
    return Interval(
        ratio, np.where(is_bounded, lower, -np.inf) + measured, np.where(is_bounded, upper, np.inf) + measured
    )


def delta_ratio(control: Sample, treatment: Sample, *, confidence: float = 0.95) -> Comparison:
    """Return the ratio of two means, treatment to control, with the symmetric limits of the delta method.

    Null hypothesis of its p-value: the ratio is 1. Good where the mean of control lies many standard errors from 0;
    otherwise the limits are too narrow and `fieller_ratio` is right.

    References:
        Deng, Knoblich, Lu (2018), Applying the delta method in metric analytics, KDD, section 3.
        doi:10.1145/3219819.3219919
    """
    one, two = _arm(control, "control"), _arm(treatment, "treatment")
    with np.errstate(all="ignore"):
        ratio = two.mean / one.mean
        error = np.sqrt(two.error + ratio**2 * one.error) / np.abs(one.mean)
    return wald_comparison(ratio, error, null=1.0, confidence=confidence)


class _Arm(NamedTuple):
    n: Floats
    mean: Floats
    error: Floats  # squared standard error of the mean


def _arm(sample: Sample, name: str) -> _Arm:
    n, mean, variance = (np.asarray(each, dtype=float) for each in (sample.n, sample.mean, sample.variance))
    if np.any(n < 0) or np.any(variance < 0) or not np.isfinite(n).all():
        raise InvalidInput(f"{name} has n = {sample.n} and variance {sample.variance}; both must be 0 or more.")
    with np.errstate(all="ignore"):
        return _Arm(n, np.where(n > 0, mean, np.nan), np.where(n > 1, variance / n, np.nan))


def _scaled(arm: _Arm, factor: Floats) -> _Arm:
    return _Arm(arm.n, arm.mean * factor, arm.error * factor**2)


def _welch_degrees(one: _Arm, two: _Arm) -> Floats:
    with np.errstate(all="ignore"):
        total = one.error + two.error
        share = np.where(total > 0, one.error / total, 0.5)
        degrees = 1 / (share**2 / (one.n - 1) + (1 - share) ** 2 / (two.n - 1))
    return np.where(np.isnan(total), np.nan, degrees)
