"""Which arm is best, as a probability, and what choosing another one costs: posteriors of rates and of means.

Integrals are computed by Gauss–Legendre panels that are as fine as the narrowest posterior they cross, to some ten
digits, so that the same counts always give the same answer; there is no sampling.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from mlops.errors import InvalidInput
from mlops.stats.arguments import Floats

__all__ = ["Ranking", "best_of_means", "best_of_rates", "probability_mean_is_better"]

_TAIL = 1e-17  # of a posterior, left out on each side
_WIDEST_NORMAL = 8.5  # standard deviations, of the same tail
_PANELS = 16  # to a posterior's window
_NODES = 16  # to a panel


class Ranking(NamedTuple):
    """How sure it is that each arm is the best, and what it costs to choose it although it is not.

    Attributes:
        probability: Of being the best, per arm; they sum to 1.
        expected_loss: By how much the best arm beats this one, on average, 0 where it is the best itself.
    """

    probability: Floats
    expected_loss: Floats


class _Posteriors(NamedTuple):
    """Densities of all arms on one line, between limits per arm, and the values that points of the line stand for."""

    low: Floats
    high: Floats
    densities: Callable[[Floats], Floats]
    value: Callable[[Floats], Floats]
    means: Floats


def best_of_rates(
    n: ArrayLike,
    events: ArrayLike,
    *,
    prior: tuple[float, float] = (1.0, 1.0),
    better: Literal["more", "less"] = "more",
) -> Ranking:
    """Return for arms with Beta posteriors of their rates how likely each is the best, and its expected loss.

    Assumes independent units and the same prior for every arm. It answers for one look at the end: stopping as soon as
    a probability passes a threshold makes false winners far likelier than one minus that threshold.

    Args:
        n: Units per arm.
        events: Events per arm.
        prior: The two parameters of the Beta prior; (1, 1) is uniform, (0.5, 0.5) Jeffreys'.
        better: Whether more or fewer events are better.

    Raises:
        InvalidInput: Impossible counts, priors not above 0, or no arms.

    References:
        Cook (2005), Exact calculation of beta inequalities, technical report UTMDABTR-005-05, MD Anderson.
        Stucchio (2015), Bayesian A/B testing at VWO, section 3, for the expected loss.

    Example:
        >>> found = best_of_rates([1000, 1000], [100, 120])
        >>> found.probability.round(4).tolist()
        [0.0768, 0.9232]
    """
    return _ranked(_betas(*_beta_parameters(n, events, prior, _better(better))))


def best_of_means(means: ArrayLike, standard_errors: ArrayLike, *, better: Literal["more", "less"] = "more") -> Ranking:
    """Return for arms with normal posteriors of their means how likely each is the best, and its expected loss.

    With a flat prior the posterior of a mean is normal around it, with its standard error. The same caution about
    stopping early as for `best_of_rates`.

    Args:
        means: Posterior means per arm.
        standard_errors: Posterior standard deviations per arm, above 0.
        better: Whether larger or smaller means are better.

    Returns:
        NaN for all arms where a mean or an error is NaN.

    Raises:
        InvalidInput: Lengths that differ, no arms, or an error not above 0.

    References:
        Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 3.2. doi:10.1201/b16018

    Example:
        >>> best_of_means([10.0, 10.5], [0.3, 0.4]).probability.round(4).tolist()
        [0.1587, 0.8413]
    """
    locations, errors = np.asarray(means, dtype=float), np.asarray(standard_errors, dtype=float)
    if locations.ndim != 1 or locations.shape != errors.shape or not len(locations) or np.any(errors <= 0):
        raise InvalidInput(
            f"means {means!r} and standard errors {standard_errors!r} must be one each per arm, errors > 0."
        )
    if np.isnan(locations + errors).any():
        return Ranking(*np.full((2, len(locations)), np.nan))
    return _ranked(_normals(_better(better) * locations, errors))


def probability_mean_is_better(
    difference: ArrayLike, standard_error: ArrayLike, *, better: Literal["more", "less"] = "more"
) -> Floats:
    """Return the posterior probability that a mean beats another, from their difference and its standard error.

    Example:
        >>> round(float(probability_mean_is_better(0.5, 0.5)), 4)
        0.8413
    """
    error = np.asarray(standard_error, dtype=float)
    z = _better(better) * np.asarray(difference, dtype=float) / np.where(error > 0, error, np.nan)
    return np.asarray(special.ndtr(z))


def _better(better: str) -> float:
    if better not in {"more", "less"}:
        raise InvalidInput(f"better is {better!r}; it must be 'more' or 'less'.")
    return 1.0 if better == "more" else -1.0


def _beta_parameters(n: ArrayLike, events: ArrayLike, prior: tuple[float, float], sign: float) -> tuple[Floats, Floats]:
    units, happened = np.asarray(n, dtype=float), np.asarray(events, dtype=float)
    if units.ndim != 1 or units.shape != happened.shape or not len(units):
        raise InvalidInput(f"n {n!r} and events {events!r} must be one each per arm.")
    if not (np.all(happened >= 0) and np.all(happened <= units) and np.isfinite(units).all() and min(prior) > 0):
        raise InvalidInput(
            f"n {n!r}, events {events!r} and prior {prior} cannot be; 0 ≤ events ≤ n, and priors above 0."
        )
    alpha, beta = happened + prior[0], units - happened + prior[1]
    return (alpha, beta) if sign > 0 else (beta, alpha)


def _betas(alpha: Floats, beta: Floats) -> _Posteriors:
    """Return Beta distributions on the line of log odds, where their densities are smooth for all parameters."""
    constants = special.betaln(alpha, beta)

    def densities(odds: Floats) -> Floats:
        logarithms = np.multiply.outer(alpha, special.log_expit(odds)) + np.multiply.outer(
            beta, special.log_expit(-odds)
        )
        return np.asarray(np.exp(logarithms - constants[:, np.newaxis]))

    return _Posteriors(
        special.logit(special.betaincinv(alpha, beta, _TAIL)),
        -special.logit(special.betaincinv(beta, alpha, _TAIL)),
        densities,
        special.expit,
        alpha / (alpha + beta),
    )


def _normals(means: Floats, errors: Floats) -> _Posteriors:
    def densities(at: Floats) -> Floats:
        z = (at - means[:, np.newaxis]) / errors[:, np.newaxis]
        return np.asarray(np.exp(-0.5 * z**2) / (errors[:, np.newaxis] * np.sqrt(2 * np.pi)))

    reach = _WIDEST_NORMAL * errors
    return _Posteriors(means - reach, means + reach, densities, lambda at: at, means)


def _ranked(arms: _Posteriors) -> Ranking:
    """Integrate each arm's density times the probability that all others are below it."""
    edges = _panel_edges(arms.low, arms.high)
    nodes, weights, partial = _rule()
    halves = np.diff(edges) / 2
    points = (edges[:-1] + halves)[:, np.newaxis] + np.multiply.outer(halves, nodes)
    densities = arms.densities(points.ravel()).reshape(len(arms.means), *points.shape)
    masses = densities * halves[:, np.newaxis]  # of one panel, to be weighted
    totals = masses @ weights
    below = np.cumsum(totals, axis=1) - totals
    others = _product_of_others(below[:, :, np.newaxis] + masses @ partial)
    probability = ((masses * others) @ weights).sum(axis=1)
    gain = ((masses * others * arms.value(points)) @ weights).sum()
    return Ranking(probability / probability.sum(), np.maximum(gain - arms.means, 0.0))


def _panel_edges(low: Floats, high: Floats) -> Floats:
    """Return where panels begin and end: everywhere as fine as the narrowest window there asks for."""
    lengths = (high - low) / _PANELS
    candidates = np.sort((low + np.multiply.outer(np.arange(_PANELS + 1), lengths)).ravel())
    is_inside = (low <= candidates[:, np.newaxis]) & (candidates[:, np.newaxis] <= high)
    finest = np.where(is_inside, lengths, np.inf).min(axis=1)
    edges = [float(candidates[0])]
    for place, length in zip(candidates.tolist(), finest.tolist(), strict=True):
        if place - edges[-1] >= length / 2:
            edges.append(place)
    return np.array([*edges, max(float(candidates[-1]), edges[-1])])


@cache
def _rule() -> tuple[Floats, Floats, Floats]:
    """Return nodes and weights from -1 to 1, and the matrix that integrates values at the nodes up to each node."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    at_nodes = np.polynomial.legendre.legvander(nodes, _NODES)
    degrees = np.arange(_NODES)
    # The integral of P_k from -1 is (P_(k+1) - P_(k-1)) / (2k + 1), and of P_0 it is P_1 + 1.
    before = np.concatenate([-np.ones((_NODES, 1)), at_nodes[:, : _NODES - 1]], axis=1)
    integrals = (at_nodes[:, 1:] - before) / (2 * degrees + 1)
    coefficients = (at_nodes[:, :_NODES] * weights[:, np.newaxis]) * (degrees + 0.5)
    return nodes, weights, coefficients @ integrals.T


def _product_of_others(distributions: Floats) -> Floats:
    """Return for each arm the product over all other arms, without dividing by what may be 0."""
    ones = np.ones_like(distributions[:1])
    before = np.cumprod(np.concatenate([ones, distributions[:-1]]), axis=0)
    after = np.cumprod(np.concatenate([ones, distributions[:0:-1]]), axis=0)[::-1]
    return np.asarray(before * after)
