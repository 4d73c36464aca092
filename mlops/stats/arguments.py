"""What the formulas share about their arguments: the type of arrays, and refusals in words."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlops.errors import InvalidInput

__all__ = ["Alternative", "Floats", "check_alternative", "check_fraction", "check_positive"]

Floats = NDArray[np.float64]
"""Numbers of any shape; scalars are arrays without dimensions."""

Alternative = Literal["two-sided", "greater", "less"]
"""What stands against the null hypothesis: that the value differs, is greater, or is less."""


def check_fraction(value: float, name: str, *, below: float = 1.0) -> float:
    """Return a level or probability when it lies strictly between 0 and `below`.

    Raises:
        InvalidInput: It does not.
    """
    if not 0 < value < below:
        raise InvalidInput(f"{name} is {value!r}; it must lie strictly between 0 and {below:g}.")
    return float(value)


def check_positive(value: float, name: str) -> float:
    """Return a finite number above 0.

    Raises:
        InvalidInput: It is not.
    """
    if not (0 < value < float("inf")):
        raise InvalidInput(f"{name} is {value!r}; it must be a finite number above 0.")
    return float(value)


def check_alternative(alternative: str) -> None:
    """Refuse an alternative hypothesis that is none of the three.

    Raises:
        InvalidInput: It is none of `two-sided`, `greater` and `less`.
    """
    if alternative not in {"two-sided", "greater", "less"}:
        raise InvalidInput(f"alternative is {alternative!r}; it must be 'two-sided', 'greater' or 'less'.")
