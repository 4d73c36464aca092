"""Custom steps: a site's own functions that add columns before features are made, known by name.

A state keeps the name only. So every process that makes features (a worker with `--import my.module`, too) registers
the function when it imports the site's module; that is why the registrations belong to the process and to no object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import polars as pl

from mlops.errors import InvalidInput, MLOpsError
from mlops.features.errors import ColumnNotFound, TransformationNotFound

__all__ = [
    "RowFunction",
    "Transformation",
    "apply_steps",
    "get_transformation",
    "naming_steps",
    "register_transformation",
    "registered_transformations",
]

FrameFunction = Callable[[pl.LazyFrame], "pl.LazyFrame | pl.Expr | Iterable[pl.Expr]"]
RowFunction = Callable[[Mapping[str, Any]], Mapping[str, Any]]

_REGISTERED: dict[str, Transformation] = {}
_PLAN = "\n\nResolved plan until failure:"  # what Polars adds to its errors


@dataclass(frozen=True)
class Transformation:
    """A registered custom step.

    Attributes:
        name: What plans call it.
        function: Returns the frame with columns added, or the expressions that make them.
        inputs: Columns it reads, as far as told.
        row: The same for one row: returns the added values by name; None when only frames can be transformed.
    """

    name: str
    function: FrameFunction | pl.Expr
    inputs: tuple[str, ...] = ()
    row: RowFunction | None = None


def register_transformation(
    name: str, function: FrameFunction | pl.Expr, *, inputs: Iterable[str] = (), row: RowFunction | None = None
) -> Transformation:
    """Make a custom step known to this process; the same name again replaces it.

    Args:
        name: What plans list under `steps`.
        function: An expression, or a function of a `polars.LazyFrame` that returns expressions or the frame with
            columns added or replaced. Each row's values may depend on that row alone and on nothing learned: rows come
            in batches of any size, and no row may be dropped or moved.
        inputs: Columns it reads, so that single rows and lineage know them; without them it is given all there are.
        row: The same for one row, a mapping of names to values: returns the added values by name. Needed for the
            closure of single rows only.

    Raises:
        InvalidInput: The name is empty, or the function is neither an expression nor callable.

    Example:
        >>> step = register_transformation(
        ...     "ratio", (pl.col("a260") / pl.col("a280")).alias("purity"), inputs=("a260", "a280"),
        ...     row=lambda row: {"purity": row["a260"] / row["a280"]},
        ... )
        >>> step.name
        'ratio'
    """
    if not name:
        raise InvalidInput("A transformation needs a name that is not empty; plans list it under steps.")
    if not (isinstance(function, pl.Expr) or callable(function)):
        raise InvalidInput(
            f"Transformation {name!r} must be a polars expression or a function of a polars.LazyFrame, "
            f"not a {type(function).__name__}."
        )
    step = Transformation(name, function, tuple(inputs), row)
    _REGISTERED[name] = step
    return step


def get_transformation(name: str) -> Transformation:
    """Return a registered custom step.

    Raises:
        TransformationNotFound: Nobody registered it in this process.
    """
    try:
        return _REGISTERED[name]
    except KeyError:
        raise TransformationNotFound(name, known=_REGISTERED) from None


def registered_transformations() -> tuple[str, ...]:
    """Return the names of the custom steps that this process knows, sorted."""
    return tuple(sorted(_REGISTERED))


def apply_steps(names: Iterable[str], frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return the frame after the custom steps, in order.

    Raises:
        TransformationNotFound: A step is not registered.
        ColumnNotFound: A column that a step reads is not there.
    """
    for name in names:
        frame = _applied(get_transformation(name), frame)
    return frame


@contextmanager
def naming_steps(names: Iterable[str], frame: pl.LazyFrame) -> Iterator[None]:
    """Have an error of the block name the custom step that it came of, which Polars does not know.

    Only after an error the steps are done once more, one after the other.

    Args:
        names: Of the steps.
        frame: The rows that they were applied to.

    Raises:
        InvalidInput: A step cannot make its columns of these rows.
    """
    try:
        yield
    except MLOpsError:
        raise
    except Exception:
        for name in names if _trouble(frame) is None else ():
            frame = apply_steps([name], frame)
            if (trouble := _trouble(frame)) is not None:
                raise _raised(name, trouble) from trouble
        raise


def _trouble(frame: pl.LazyFrame) -> Exception | None:
    """Return what happens when all cells are computed."""
    try:
        frame.select(pl.all().null_count()).collect(engine="streaming")
    except Exception as error:  # noqa: BLE001  (whatever a site's function raises)
        return error
    return None


def _applied(step: Transformation, frame: pl.LazyFrame) -> pl.LazyFrame:
    if step.inputs:
        columns = frame.collect_schema().names()
        for name in step.inputs:
            if name not in columns:
                raise ColumnNotFound(name, known=columns)
    made = step.function if isinstance(step.function, pl.Expr) else _called(step.name, step.function, frame)
    if isinstance(made, pl.LazyFrame):
        return _possible(step.name, made)
    if not isinstance(made, pl.Expr | Iterable):
        raise InvalidInput(
            f"The transformation {step.name!r} returned {made!r}; it has to return the LazyFrame with columns added, "
            "or the expressions that make them."
        )
    return _possible(step.name, frame.with_columns(made if isinstance(made, pl.Expr) else list(made)))


def _called(name: str, function: FrameFunction, frame: pl.LazyFrame) -> pl.LazyFrame | pl.Expr | Iterable[pl.Expr]:
    try:
        return function(frame)
    except Exception as error:
        raise _raised(name, error) from error


def _possible(name: str, frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return a frame whose columns Polars can make, as far as that shows without rows."""
    try:
        frame.collect_schema()
    except Exception as error:
        raise _raised(name, error) from error
    return frame


def _raised(name: str, error: Exception) -> InvalidInput:
    told = str(error).split(_PLAN)[0]
    return InvalidInput(f"The transformation {name!r} raised {type(error).__name__}: {told}")
