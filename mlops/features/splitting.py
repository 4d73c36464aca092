"""Dividing the rows of a table into training, validation and test, so that nothing leaks from one into another.

Every draw is a documented hash (SplitMix64 of the row's number, BLAKE2b of a group's name) under a seed, never a
running random generator: the same rows fall into the same parts on any machine, in any order, in one piece or in many,
and rows that are added later move nobody under `random` and `group`. Nothing here looks at features; fitting on the
training part is the caller's.

Reference: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (SplitMix64).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, model_validator

from mlops.errors import InvalidInput, did_you_mean
from mlops.records import Record

__all__ = ["PART", "PARTS", "ROW", "Split", "split"]

PARTS = ("train", "validation", "test")
PART = "__part__"
ROW = "__row__"

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
_Words = NDArray[np.uint64]
_SPACE = 1 << 64  # how many hashes there are
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


class Split(Record):
    """How the rows of a table are divided.

    Attributes:
        method: What decides where a row goes.
            `random` draws every row for itself by its number. Shares are near the fractions, not exact: on a few dozen
            rows prefer `stratified`.
            `stratified` draws within each class of `column`: every class is divided to within one row of the fractions.
            `group` draws the values of `column` (patients, say), and all rows of a value go together. The fractions are
            of groups. With too few groups to fill every part by chance they are counted off in the order of the hash.
            `time` cuts by `column`: no row of an earlier part is later than any row of a later part, and equal times
            stay together, which moves a cut away from the exact fraction where many are equal.
        train: Fraction of training rows, above 0. The three fractions add up to 1.
        validation: Fraction of validation rows, 0 for none.
        test: Fraction of test rows, 0 for none.
        seed: Another seed is another draw. `time` has no use for it.
        column: The class, group or time that the method needs.
        nulls: What becomes of rows without a value in `column`: `refuse` raises, because a row of an unknown patient or
            time may leak into any part; `train` puts them all in training.
    """

    method: Literal["random", "stratified", "group", "time"] = "random"
    train: float = Field(default=0.7, gt=0, le=1)
    validation: float = Field(default=0.15, ge=0, lt=1)
    test: float = Field(default=0.15, ge=0, lt=1)
    seed: int = Field(default=0, ge=0, lt=_SPACE)
    column: str | None = None
    nulls: Literal["refuse", "train"] = "refuse"

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        total = math.fsum(self.fractions)
        if not math.isclose(total, 1.0, abs_tol=1e-9):
            raise ValueError(f"train + validation + test must be 1, and they are {total:g}")
        if (self.method == "random") != (self.column is None):
            needed = "has no use for a column" if self.method == "random" else "needs a column"
            raise ValueError(f"a {self.method} split {needed}")
        return self

    @property
    def fractions(self) -> tuple[float, float, float]:
        """Training, validation and test, as fractions of 1."""
        return self.train, self.validation, self.test


def split(frame: Frame, how: Split) -> Frame:
    """Return the frame with a last column `__part__`, an Enum of "train", "validation" and "test".

    Rows are known by their number in `__row__` (integers, as a snapshot has them) and by their position without it. A
    lazy frame stays lazy and streams; `stratified`, `group` and `time` read that one column first to find the cuts.

    Raises:
        InvalidInput: The column is missing, has nulls or NaN (and `nulls` is "refuse"), cannot be ordered (`time`), or
            has too few members of a class or too few groups or times for the parts asked for.

    Example:
        >>> visits = pl.DataFrame({"patient": ["a", "b", "a", "c", "b"]})
        >>> parts = split(visits, Split(method="group", column="patient", seed=4))
        >>> parts.group_by("patient").agg(pl.col("__part__").n_unique())["__part__"].to_list()
        [1, 1, 1]
    """
    schema = frame.lazy().collect_schema()
    _check_columns(schema, how)
    lazy = frame.lazy() if ROW in schema else frame.lazy().with_row_index(ROW)
    divided = lazy.with_columns(_part_expression(lazy, how).alias(PART))
    divided = divided if ROW in schema else divided.drop(ROW)
    return divided.collect() if isinstance(frame, pl.DataFrame) else divided


def _check_columns(schema: pl.Schema, how: Split) -> None:
    if PART in schema:
        raise InvalidInput(f"The table has a column {PART!r} already. Rename or drop it, then split.")
    if ROW in schema and not schema[ROW].is_integer():
        raise InvalidInput(f"Column {ROW!r} is {schema[ROW]}; the numbers of rows are integers. Rename or cast it.")
    if how.column is not None and how.column not in schema:
        known = [name for name in schema if name != ROW]
        hint = did_you_mean(how.column, known) or f"Its columns are {', '.join(known)}."
        raise InvalidInput(f"The table has no column {how.column!r} to split by. {hint}")


def _part_expression(lazy: pl.LazyFrame, how: Split) -> pl.Expr:
    if how.column is None:
        return _part_of(_row_hash(how.seed), *_cuts(how))
    _check_nulls(lazy, how)
    by_column = {"stratified": _stratified, "group": _grouped, "time": _timed}[how.method]
    known = ~_missing(lazy, how.column)
    return pl.when(known).then(by_column(lazy.filter(known), how, how.column)).otherwise(_part("train"))


def _missing(lazy: pl.LazyFrame, column: str) -> pl.Expr:
    is_float = lazy.collect_schema()[column].is_float()
    null = pl.col(column).is_null()
    return null | pl.col(column).is_nan() if is_float else null


def _check_nulls(lazy: pl.LazyFrame, how: Split) -> None:
    if how.nulls == "train":
        return
    count = int(lazy.select(_missing(lazy, str(how.column)).sum()).collect(engine="streaming").item())
    if count:
        raise InvalidInput(
            f"{count} rows have no {how.column!r}, by which the table is to be split; in any part they could leak into "
            "another. Forbid nulls there in the schema, so that such rows are quarantined, or split with nulls='train'."
        )


def _part(name: str) -> pl.Expr:
    return pl.lit(name, dtype=pl.Enum(PARTS))


def _part_of(position: pl.Expr, validation_from: Any, test_from: Any) -> pl.Expr:
    """Place a position among two cuts; a cut that is null is beyond every position."""
    is_test, is_validation = position >= test_from, position >= validation_from
    return pl.when(is_test).then(_part("test")).when(is_validation).then(_part("validation")).otherwise(_part("train"))


def _cuts(how: Split) -> tuple[pl.Expr, pl.Expr]:
    """Return from which hash on a row is for validation, and from which for test."""
    test_from = round((1.0 - how.test) * _SPACE)
    validation_from = round(how.train * _SPACE) if how.validation else test_from
    validation, test = (pl.lit(cut if cut < _SPACE else None, dtype=pl.UInt64) for cut in (validation_from, test_from))
    return validation, test


def _row_hash(seed: int) -> pl.Expr:
    return pl.col(ROW).map_batches(
        lambda rows: pl.Series(_hash_rows(rows.to_numpy(), seed)), return_dtype=pl.UInt64, is_elementwise=True
    )


def _hash_rows(rows: NDArray[Any], seed: int) -> _Words:
    """Hash row numbers, one to one: two rows never have the same hash."""
    start = _splitmix(np.array([seed], dtype=np.uint64))
    return _splitmix(start + rows.astype(np.uint64))


def _splitmix(words: _Words) -> _Words:
    mixed = (words + np.uint64(1)) * _GOLDEN  # arrays of numpy wrap around in silence, which is meant
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_1
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
    return mixed ^ (mixed >> np.uint64(31))


def _stratified(lazy: pl.LazyFrame, how: Split, column: str) -> pl.Expr:
    """Cut each class at the hashes that leave each part as many of its rows as it is due."""
    name = pl.col(column).cast(pl.String)
    hashes = (
        lazy.select(name.alias("class"), _row_hash(how.seed).alias("hash"))
        .group_by("class")
        .agg(pl.col("hash").sort())
        .sort("class")
        .collect(engine="streaming")
    )
    sizes = dict(zip(hashes["class"].to_list(), hashes["hash"].list.len().to_list(), strict=True))
    _check_classes(sizes, column)
    counts = _divide_classes(list(sizes.values()), how.fractions)
    ends = np.cumsum(np.array(counts, dtype=np.int64).reshape(-1, len(PARTS)), axis=1)
    validation, test = (
        _mapped(name, hashes["class"], hashes["hash"].list.get(pl.Series(ends[:, part]), null_on_oob=True))
        for part in (0, 1)
    )
    return _part_of(_row_hash(how.seed), validation, test)


def _mapped(name: pl.Expr, keys: pl.Series, values: pl.Series) -> pl.Expr:
    if keys.is_empty():  # a table without rows
        return pl.lit(None, dtype=values.dtype)
    return name.map_batches(  # replace_strict by itself would bring the whole column into memory
        lambda names: names.replace_strict(keys, values, default=None, return_dtype=values.dtype),
        return_dtype=values.dtype,
        is_elementwise=True,
    )


def _check_classes(sizes: Mapping[str, int], column: str) -> None:
    single = [name for name, size in sizes.items() if size < 2]
    if single:
        shown = ", ".join(map(repr, single[:5])) + (", …" if len(single) > 5 else "")
        raise InvalidInput(
            f"{len(single)} of {len(sizes)} classes of {column!r} have a single row, which no two parts can share: "
            f"{shown}. Merge or leave out rare classes; a measured quantity is no class: split at random instead."
        )


def _divide_classes(sizes: Sequence[int], fractions: Sequence[float]) -> list[list[int]]:
    """Return how many rows of each class each part gets: whole numbers within one of the exact share.

    What rounding takes from a part is carried over to the next class, so that many small classes do not all round the
    same way and leave a part empty.
    """
    owed = [0.0] * len(fractions)
    counts = []
    for size in sizes:
        exact = [size * fraction for fraction in fractions]
        count = [math.floor(share + 1e-9) for share in exact]
        owed = [due + share - given for due, share, given in zip(owed, exact, count, strict=True)]
        for part in sorted(range(len(owed)), key=lambda part: -owed[part])[: size - sum(count)]:
            count[part] += 1
            owed[part] -= 1.0
        counts.append(count)
    return counts


def _grouped(lazy: pl.LazyFrame, how: Split, column: str) -> pl.Expr:
    name = pl.col(column).cast(pl.String)
    groups = lazy.select(name.unique()).collect(engine="streaming").to_series().sort()
    hashed = pl.Series("hash", [_hash_text(group, how.seed) for group in groups], dtype=pl.UInt64)
    parts = pl.select(_part_of(pl.lit(hashed), *_cuts(how))).to_series()
    wanted = [part for part, fraction in zip(PARTS, how.fractions, strict=True) if fraction]
    if not groups.is_empty() and not set(wanted) <= set(parts):
        parts = _counted_off(hashed, how, wanted, column)
    return _mapped(name, groups, parts)


def _hash_text(text: str, seed: int) -> int:
    key = seed.to_bytes(8, "little")
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, key=key).digest(), "little")


def _counted_off(hashed: pl.Series, how: Split, wanted: Sequence[str], column: str) -> pl.Series:
    """Deal out few groups in the order of their hashes, at least one to every part that is wanted."""
    if len(hashed) < len(wanted):
        raise InvalidInput(
            f"Column {column!r} has {len(hashed)} groups, too few for {len(wanted)} parts ({', '.join(wanted)}): a "
            "group is never divided. Ask for fewer parts, or split by another method."
        )
    fractions = [fraction for fraction in how.fractions if fraction]
    spare = len(hashed) - len(wanted)
    counts = [1 + more for more in _divide_classes([spare], fractions)[0]]
    dealt = [part for part, count in zip(wanted, counts, strict=True) for _ in range(count)]
    order = (hashed.rank("ordinal") - 1).to_list()
    return pl.Series("part", [dealt[place] for place in order], dtype=pl.Enum(PARTS))


def _timed(lazy: pl.LazyFrame, how: Split, column: str) -> pl.Expr:
    dtype = lazy.collect_schema()[column]
    if not (dtype.is_temporal() or dtype.is_numeric()):
        raise InvalidInput(
            f"Column {column!r} is {dtype}; a split by time needs dates, datetimes or numbers. "
            "Give it such a type in the schema."
        )
    times = lazy.select(pl.col(column).sort()).collect(engine="streaming").to_series()
    starts = np.flatnonzero((times != times.shift(1)).fill_null(value=False).to_numpy())
    chosen = _cut_places(len(times), starts, how, column)
    cuts = [pl.lit(None if place is None else times[place], dtype=dtype) for place in chosen]
    return _part_of(pl.col(column), *cuts)


def _cut_places(size: int, starts: NDArray[np.int64], how: Split, column: str) -> tuple[int | None, int | None]:
    """Return where in the ordered rows validation and test begin: the changes of time nearest to their fractions."""
    cuts_needed = (how.validation > 0) + (how.test > 0)
    if size and len(starts) < cuts_needed:
        raise InvalidInput(
            f"Column {column!r} has {len(starts) + 1} distinct times, too few for {cuts_needed + 1} parts: rows of "
            "the same time stay together. Ask for fewer parts, or split by another method."
        )
    if not size or not cuts_needed:
        return None, None
    test = _nearest(starts[how.validation > 0 :], size * (1.0 - how.test)) if how.test else None
    if not how.validation:
        return test, test
    before = starts if test is None else starts[starts < test]
    return _nearest(before, size * how.train), test


def _nearest(places: NDArray[np.int64], wanted: float) -> int:
    return int(places[np.argmin(np.abs(places - wanted))])
