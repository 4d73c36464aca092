"""Long metric histories made short without losing a spike or a gap.

`downsample` picks points that were really logged (a line through them looks like the line through all of them);
`envelope` summarises buckets (a band between minimum and maximum with the mean inside). Buckets hold equally many
consecutive points, whatever their steps. Neither smooths: see `mlops.experiment_tracker.plots.smooth`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mlops.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["MIN_POINTS", "Envelope", "downsample", "downsample_indices", "envelope", "envelope_by_position"]

MIN_POINTS = 5
"""The fewest points that can keep the ends and one bucket's minimum, maximum and gap."""


class Envelope(NamedTuple):
    """Buckets of a history, all arrays of one length; NaN where a bucket holds nothing but NaN.

    Attributes:
        x: Mean position of each bucket's points.
        low: Smallest value of each bucket.
        mean: Mean value of each bucket.
        high: Largest value of each bucket.
    """

    x: NDArray[np.float64]
    low: NDArray[np.float64]
    mean: NDArray[np.float64]
    high: NDArray[np.float64]


def downsample(steps: ArrayLike, values: ArrayLike, max_points: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return at most `max_points` of the given points, extremes and gaps kept.

    The first and last points, and the minimum and maximum of each bucket, stay, in their order; a bucket with NaN in
    it also keeps its first NaN, so that a gap stays a gap. A history of `max_points` or fewer comes back as it is.

    Args:
        steps: Positions, ascending; any numeric or datetime array.
        values: One number per step; NaN is a gap.
        max_points: Upper bound of the result's length, at least `MIN_POINTS`.

    Returns:
        The kept steps and values.

    Raises:
        InvalidInput: Lengths differ, or `max_points` is below `MIN_POINTS`.

    Example:
        >>> steps, values = downsample(range(1000), [0.0] * 500 + [9.0] + [0.0] * 499, 10)
        >>> len(steps) <= 10, values.max().item()
        (True, 9.0)
    """
    import numpy as np

    positions, numbers = np.asarray(steps), np.asarray(values)
    if positions.shape != numbers.shape or numbers.ndim != 1:
        raise InvalidInput(
            f"steps and values have shapes {positions.shape} and {numbers.shape}. "
            "Pass two one-dimensional arrays of one length."
        )
    kept = downsample_indices(numbers, max_points)
    return positions[kept], numbers[kept]


def downsample_indices(values: ArrayLike, max_points: int) -> NDArray[np.intp]:
    """Return the ascending indices of the points that `downsample` keeps.

    Use it where several columns (step, epoch, time, value) must be thinned alike.

    Raises:
        InvalidInput: `max_points` is below `MIN_POINTS`.
    """
    import numpy as np

    if max_points < MIN_POINTS:
        raise InvalidInput(f"max_points is {max_points}. Ask for {MIN_POINTS} or more.")
    numbers = np.asarray(values, dtype=np.float64)
    if len(numbers) <= max_points:
        return np.arange(len(numbers))
    inner = numbers[1:-1]
    per_bucket = 3 if np.isnan(inner).any() else 2
    buckets = _buckets(inner, (max_points - 2) // per_bucket)
    marks = [_first(buckets == bound[:, None]) for bound in _bounds(buckets)]
    if per_bucket == 3:
        marks.append(_first(np.isnan(buckets)))
    picked = np.concatenate(marks)
    ends = np.array([0, len(numbers) - 1])
    return np.unique(np.concatenate([ends, picked[picked < len(inner)] + 1]))


def envelope(x: ArrayLike, values: ArrayLike, buckets: int) -> Envelope:
    """Return minimum, mean and maximum of at most `buckets` buckets of consecutive points.

    Args:
        x: Positions, ascending, in any unit that can be a float.
        values: One number per position; NaN is left out of its bucket.
        buckets: Upper bound of the number of buckets, at least 1.

    Raises:
        InvalidInput: Lengths differ, there are no points, or `buckets` is below 1.
    """
    import numpy as np

    positions, numbers = np.asarray(x, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if positions.shape != numbers.shape or numbers.ndim != 1 or not len(numbers) or buckets < 1:
        raise InvalidInput(
            f"An envelope of {numbers.shape} values at {positions.shape} positions in {buckets} buckets cannot be "
            "made. Pass two one-dimensional arrays of one length, with at least one point, and at least one bucket."
        )
    table = _buckets(numbers, buckets)
    low, high = _bounds(table)
    return Envelope(_row_means(_buckets(positions, buckets)), low, _row_means(table), high)


def envelope_by_position(x: ArrayLike, values: ArrayLike) -> Envelope:
    """Return minimum, mean and maximum of the values at each distinct position, as where an epoch has many steps.

    Args:
        x: Positions, ascending, repeated where several values share one.
        values: One number per position; NaN is left out.

    Example:
        >>> envelope_by_position([0, 0, 1], [1.0, 3.0, 5.0]).mean.tolist()
        [2.0, 5.0]
    """
    import numpy as np

    numbers = np.asarray(values, dtype=np.float64)
    positions, starts = np.unique(np.asarray(x, dtype=np.float64), return_index=True)
    if not len(numbers):
        return Envelope(positions, numbers, numbers, numbers)
    counts = np.add.reduceat((~np.isnan(numbers)).astype(np.int64), starts)
    with np.errstate(invalid="ignore"):
        mean = np.add.reduceat(np.where(np.isnan(numbers), 0.0, numbers), starts) / counts
    return Envelope(positions, np.fmin.reduceat(numbers, starts), mean, np.fmax.reduceat(numbers, starts))


def _buckets(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the values as rows of equal width, at most `count`, the last one filled up with NaN."""
    import numpy as np

    width = max(1, -(-len(values) // count))
    rows = -(-len(values) // width)
    table = np.full(rows * width, np.nan)
    table[: len(values)] = values
    return table.reshape(rows, width)


def _bounds(table: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import numpy as np

    return np.fmin.reduce(table, axis=1), np.fmax.reduce(table, axis=1)


def _first(marks: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the flat index of the first mark of each row that has one."""
    import numpy as np

    rows = np.flatnonzero(marks.any(axis=1))
    first: NDArray[np.intp] = rows * marks.shape[1] + marks[rows].argmax(axis=1)
    return first


def _row_means(table: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    present = ~np.isnan(table)
    counts = present.sum(axis=1)
    with np.errstate(invalid="ignore"):  # inf - inf is NaN, and so is a bucket without values
        means: NDArray[np.float64] = np.where(present, table, 0.0).sum(axis=1) / counts
    return means
