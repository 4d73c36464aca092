"""The functions of the rule language, one entry each: what they take, what they give, and their Polars expression.

All give null when an argument is null, but `coalesce`, which gives its first argument that is not.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from mlops.data_pipeline.rule_language.syntax import Kind

__all__ = ["FUNCTIONS", "NUMBERS", "Function"]

NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT})
_TEXT = frozenset({Kind.TEXT})
_MOMENTS = frozenset({Kind.DATE, Kind.DATETIME})
_ANY = frozenset(Kind)
_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Function:
    """A function of the language.

    Attributes:
        takes: For each argument the kinds that it may be of.
        gives: The kind of its value; None for the kind that its arguments share.
        expression: Its Polars expression, given those of the arguments.
        meaning: What it is, for people.
        is_variadic: Whether the last argument may be repeated.
        shares_kind: Whether the arguments have to be of one kind; whole numbers and numbers go together as numbers.
    """

    takes: tuple[frozenset[Kind], ...]
    gives: Kind | None
    expression: Callable[[Sequence[pl.Expr]], pl.Expr]
    meaning: str
    is_variadic: bool = False
    shares_kind: bool = False


def _smaller(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    return _picked(left, right, left <= right)


def _larger(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    return _picked(left, right, left >= right)


def _picked(left: pl.Expr, right: pl.Expr, is_left: pl.Expr) -> pl.Expr:
    """Choose between two numbers; a null makes `is_left` null, and with it the choice; NaN is passed on."""
    chosen = pl.when(is_left).then(left).when(~is_left).then(right)
    return pl.when((left.is_nan() | right.is_nan()) & is_left.is_not_null()).then(math.nan).otherwise(chosen)


def _extreme(pick: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Callable[[Sequence[pl.Expr]], pl.Expr]:
    return lambda arguments: functools.reduce(pick, [argument.cast(pl.Float64) for argument in arguments])


def _days_between(arguments: Sequence[pl.Expr]) -> pl.Expr:
    start, end = (argument.cast(pl.Datetime("us")) for argument in arguments)
    return (end - start).dt.total_microseconds().cast(pl.Float64) / _DAY_US


def _length(arguments: Sequence[pl.Expr]) -> pl.Expr:
    return arguments[0].str.len_chars().cast(pl.Int64)


def _part(name: str) -> Callable[[Sequence[pl.Expr]], pl.Expr]:
    return lambda arguments: getattr(arguments[0].dt, name)().cast(pl.Int64)


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function((NUMBERS,), Kind.FLOAT, lambda of: of[0].cast(pl.Float64).abs(), "distance from 0"),
    "floor": Function((NUMBERS,), Kind.FLOAT, lambda of: of[0].cast(pl.Float64).floor(), "next whole number below"),
    "ceil": Function((NUMBERS,), Kind.FLOAT, lambda of: of[0].cast(pl.Float64).ceil(), "next whole number above"),
    "sqrt": Function((NUMBERS,), Kind.FLOAT, lambda of: of[0].cast(pl.Float64).sqrt(), "square root, NaN below 0"),
    "min": Function((NUMBERS,), Kind.FLOAT, _extreme(_smaller), "the smallest", is_variadic=True),
    "max": Function((NUMBERS,), Kind.FLOAT, _extreme(_larger), "the largest", is_variadic=True),
    "coalesce": Function((_ANY,), None, pl.coalesce, "the first that is not null", is_variadic=True, shares_kind=True),
    "len": Function((_TEXT,), Kind.INTEGER, _length, "number of characters"),
    "lower": Function((_TEXT,), Kind.TEXT, lambda of: of[0].str.to_lowercase(), "in small letters"),
    "upper": Function((_TEXT,), Kind.TEXT, lambda of: of[0].str.to_uppercase(), "in capital letters"),
    "trim": Function((_TEXT,), Kind.TEXT, lambda of: of[0].str.strip_chars(), "without white space at the ends"),
    "contains": Function(
        (_TEXT, _TEXT), Kind.BOOLEAN, lambda of: of[0].str.contains(of[1], literal=True), "whether a text holds another"
    ),
    "starts_with": Function(
        (_TEXT, _TEXT), Kind.BOOLEAN, lambda of: of[0].str.starts_with(of[1]), "whether it begins so"
    ),
    "ends_with": Function((_TEXT, _TEXT), Kind.BOOLEAN, lambda of: of[0].str.ends_with(of[1]), "whether it ends so"),
    "matches": Function(
        (_TEXT, _TEXT), Kind.BOOLEAN, lambda of: of[0].str.contains(of[1]), "whether a pattern matches all of a text"
    ),
    "date": Function((_MOMENTS,), Kind.DATE, lambda of: of[0].cast(pl.Date), "the day of a moment"),
    "year": Function((_MOMENTS,), Kind.INTEGER, _part("year"), "year"),
    "month": Function((_MOMENTS,), Kind.INTEGER, _part("month"), "month, 1 to 12"),
    "day": Function((_MOMENTS,), Kind.INTEGER, _part("day"), "day of the month"),
    "weekday": Function((_MOMENTS,), Kind.INTEGER, _part("weekday"), "day of the week, 1 for Monday to 7"),
    "hour": Function((frozenset({Kind.DATETIME}),), Kind.INTEGER, _part("hour"), "hour, 0 to 23"),
    "days_between": Function(
        (_MOMENTS, _MOMENTS), Kind.FLOAT, _days_between, "days from the first to the second, with fractions"
    ),
}
"""All functions by name. `is_null(x)` is not among them: it is part of the language's syntax."""
