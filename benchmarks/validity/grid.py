"""What the rule of rates in `mlops.ab_testing.method` is drawn from: errors near its threshold, power on both sides."""

from __future__ import annotations

import itertools
import math
from typing import Any

from scipy import optimize, stats

from benchmarks.validity.check import Check
from benchmarks.validity.designs import Design, planned_test, words_of
from benchmarks.validity.proportions import told_apart, told_apart_in_either_direction
from mlops.ab_testing.method import LEAST_CELL

__all__ = ["CHECKS"]

_SHARES = (0.5, 0.1, 0.02)
_RATES = (0.1, 0.02)
_MISJUDGED = (0.5, 1.0, 2.0)  # the true rate over the one that the design tells
_CELLS = (5, 10, 15, 20, 25, 35, 50, 100)


def _design(cell: float, share: float, rate: float, *, truth: tuple[float, float], **fields: Any) -> Design:
    """Return a test whose rarer outcome is expected `cell` times in the smaller arm, were the rate as told."""
    forced = fields.pop("forced", None)
    size = math.ceil(round(cell / (share * rate), 6))
    config = planned_test((1 - share, share), baseline_rate=rate, maximum_sample_size=size, **fields)
    return Design(config, truth, forced=forced)


def _near_the_threshold() -> list[Check]:
    checks = []
    for share, rate, factor in itertools.product(_SHARES, _RATES, _MISJUDGED):
        truth = rate * factor
        design = _design(LEAST_CELL, share, rate, truth=(truth, truth))
        checks.append(
            Check(
                f"grid-{share:g}-{rate:g}-{truth:g}",
                f"{design.size:,} interactions at {words_of((1 - share, share))}, rate told {rate:g}, true {truth:g}",
                "error at most",
                told_apart(design),
                0.05,
            )
        )
    return checks


def _strict() -> list[Check]:
    checks = []
    for share, rate in itertools.product(_SHARES, _RATES):
        design = _design(LEAST_CELL, share, rate, truth=(rate, rate), confidence_level=0.99)
        words = f"{design.size:,} interactions at {words_of((1 - share, share))}, rate {rate:g}, 99 % confidence"
        checks.append(Check(f"grid-strict-{share:g}-{rate:g}", words, "error at most", told_apart(design), 0.01))
    return checks


def _powers() -> list[Check]:
    checks = []
    for cell, method in itertools.product(_CELLS, ("asymptotic", "e_process")):
        designs = [
            _design(cell, share, 0.02, truth=(0.02, treated), forced=method)
            for share, is_more in itertools.product(_SHARES, (True, False))
            if (treated := _findable(cell, share, 0.02, is_more=is_more)) is not None
        ]
        words = (
            f"rarer outcome expected {cell} times in the smaller arm: mean over rate 0.02, shares 0.5 to 0.02, "
            f"differences up and down that one look finds with 90 %, {method.replace('_', '-')}"
        )
        checks.append(Check(f"cell-{cell}-{method}", words, "power", told_apart_in_either_direction(*designs)))
    return checks


def _findable(cell: float, share: float, rate: float, *, is_more: bool) -> float | None:
    """Return the rate of treatment that a z test finds with a power of 90 %; None where none is so low."""
    size = cell / (share * rate)
    wanted = stats.norm.ppf(0.975) + stats.norm.ppf(0.9)

    def excess(treated: float) -> float:
        variance = rate * (1 - rate) / (size * (1 - share)) + treated * (1 - treated) / (size * share)
        return float(abs(treated - rate) / math.sqrt(variance) - wanted)

    end = 1 - 1e-9 if is_more else 1e-9
    return float(optimize.brentq(excess, rate, end)) if excess(end) > 0 else None


CHECKS: tuple[Check, ...] = (*_near_the_threshold(), *_strict(), *_powers())
