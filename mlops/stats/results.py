"""What the formulas answer with: intervals, tests, and comparisons that are both. Numbers of any one shape.

Everywhere NaN means that nothing was measured, and an infinite limit that the data set none.
"""

from __future__ import annotations

from typing import NamedTuple

from mlops.stats.arguments import Floats

__all__ = ["Comparison", "Interval", "Significance"]


class Interval(NamedTuple):
    """An estimate and its confidence limits."""

    estimate: Floats
    lower: Floats
    upper: Floats


class Significance(NamedTuple):
    """The statistic of a test and its p-value."""

    statistic: Floats
    p_value: Floats


class Comparison(NamedTuple):
    """An estimate with its limits, and the test that it is what the null hypothesis says.

    Attributes:
        estimate: Treatment compared with control.
        lower: Lower confidence limit.
        upper: Upper confidence limit.
        p_value: Of the null hypothesis.
        statistic: What the p-value was read from: z, or t with `degrees` degrees of freedom.
        standard_error: Of the estimate.
        degrees: Degrees of freedom; infinite for a normal statistic.
    """

    estimate: Floats
    lower: Floats
    upper: Floats
    p_value: Floats
    statistic: Floats
    standard_error: Floats
    degrees: Floats
