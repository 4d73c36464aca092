"""Point-in-time joins: for each entity row the last row of a view that had happened and was known at its time.

A row is known from `max(event, created)` on. Of the rows known at a time the one with the latest event counts, among
equal events the one created last, among equal ones the one further down in the source. Where rows became known in
another order than they happened, the best row known so far is carried along, so that the answer stays exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

__all__ = ["AT", "CREATED", "EVENT", "POSITION", "KnownRows", "join_view", "latest_known"]

AT, EVENT, CREATED, POSITION, _CODE = "__at__", "__event__", "__created__", "__position__", "__code__"
_FIRST, _LAST = "__first__", "__last__"
_NEVER = np.iinfo(np.int64).min
_MICROSECOND = timedelta(microseconds=1)
Integers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class KnownRows:
    """Rows of a view as arrays of one length, in the order of the source.

    Attributes:
        code: Which entity, from 0.
        event: Microseconds since 1970 at which the row is true.
        created: Microseconds since 1970 at which it became known; None: with its event.
    """

    code: Integers
    event: Integers
    created: Integers | None


def latest_known(rows: KnownRows, code: Integers, at: Integers) -> Integers:
    """Return for each entity and time the index of the row that counts, -1 where there is none.

    Args:
        rows: The rows of a view.
        code: The entities asked for; -1 for one that has no rows.
        at: The times asked for, in microseconds since 1970.

    Example:
        >>> one = np.zeros(2, np.int64)
        >>> late = KnownRows(one, event=np.array([10, 20]), created=np.array([10, 90]))
        >>> latest_known(late, np.zeros(3, np.int64), np.array([5, 50, 90])).tolist()
        [-1, 0, 1]
    """
    if not len(rows.code):
        return np.full(len(code), -1, np.int64)
    known = rows.event if rows.created is None else np.maximum(rows.event, rows.created)
    order = _stable_order(rows.code, known)
    bounds = np.searchsorted(rows.code[order], np.arange(int(rows.code.max()) + 2))
    is_there = (code >= 0) & (code < len(bounds) - 1)
    place = np.where(is_there, code, 0)
    first, end = np.where(is_there, bounds[place], 0), np.where(is_there, bounds[place + 1], 0)
    last = _last_not_after(known[order], at, first, end)
    return np.where(last >= first, _best_so_far(rows, order)[last], -1)


def _stable_order(code: Integers, time: Integers) -> Integers:
    """Return the order by entity, then by time; equal ones stay as they are.

    Where both fit into one number of 63 bits, which is so for 100,000 entities over 2 years, that is sorted instead.
    """
    first = int(time.min())
    time_bits = (int(time.max()) - first).bit_length()
    if time_bits + int(code.max()).bit_length() > 63:
        return np.lexsort((time, code))
    return _argsort((code << time_bits) | (time - first))


def _argsort(values: Integers) -> Integers:
    """Return `numpy.argsort(values, kind="stable")`, in less than half the time."""
    ordered = pl.DataFrame({"value": values}).with_row_index("place").sort("value", maintain_order=True)
    return ordered["place"].to_numpy().astype(np.int64)


def _best_so_far(rows: KnownRows, order: Integers) -> Integers:
    """Return for each place in order of knowledge the best row known by then; a running maximum within an entity."""
    if rows.created is None or _is_in_order_of_events(rows, rows.created, order):
        return order
    by_event = np.lexsort((rows.created, rows.event, rows.code))
    rank = np.empty(len(order), np.int64)
    rank[by_event] = np.arange(len(order))
    return by_event[np.maximum.accumulate(rank[order])]  # ranks of a later entity are all greater


def _is_in_order_of_events(rows: KnownRows, created: Integers, order: Integers) -> bool:
    code, event, made = (values[order] for values in (rows.code, rows.event, created))
    is_earlier = order[1:] < order[:-1]
    for values in (made, event):
        is_earlier = (values[1:] < values[:-1]) | ((values[1:] == values[:-1]) & is_earlier)
    return not (is_earlier & (code[1:] == code[:-1])).any()


def _last_not_after(values: Integers, wanted: Integers, first: Integers, end: Integers) -> Integers:
    """Bisect for all at once: the last index of [first, end) with a value ≤ wanted, first - 1 when there is none."""
    low, high = first.copy(), end.copy()
    while (is_open := low < high).any():
        middle = (low + high) // 2
        is_before = values[np.minimum(middle, len(values) - 1)] <= wanted
        low = np.where(is_open & is_before, middle + 1, low)
        high = np.where(is_open & ~is_before, middle, high)
    return low - 1


def join_view(
    asked: pl.DataFrame,
    rows: pl.LazyFrame,
    *,
    keys: Sequence[str],
    features: Sequence[str],
    ttl: timedelta | None = None,
    as_of: datetime | None = None,
) -> pl.DataFrame:
    """Return the features of each entity row, in its place: one row each, nulls where nothing counts.

    Args:
        asked: Entity rows: the keys and the column `AT`, a UTC time in microseconds. Null keys and times get nulls.
        rows: Rows of the view: keys of the same types, `EVENT`, `POSITION`, `CREATED` where that is known, features.
        ttl: A row whose event is older than this counts as none; exactly as old is fresh enough.
        as_of: Rows that happened or became known after this moment do not exist.
    """
    times = [EVENT, *([CREATED] if CREATED in rows.collect_schema().names() else [])]
    entities = _entities(asked, keys, ttl, as_of)
    joined = rows.join(entities.lazy(), on=list(keys), how="inner")
    wanted = joined.filter(*_in_window(times, has_beginning=ttl is not None))
    found = wanted.select(_CODE, POSITION, *times, *features).collect(engine="streaming")
    at = asked[AT].to_physical().fill_null(_NEVER).to_numpy()
    index = _latest_of(found, _codes_of(asked, entities, keys), at)
    if ttl is not None:
        index = _unexpired(index, found[EVENT].to_physical().to_numpy(), at, ttl)
    return found.select(pl.col(list(features)).gather(pl.Series(index).replace(-1, None)))


def _entities(asked: pl.DataFrame, keys: Sequence[str], ttl: timedelta | None, as_of: datetime | None) -> pl.DataFrame:
    """Return each entity with a code, and from when to when its rows can count, which leaves out most of a source."""
    first, last = pl.col(AT).min().alias(_FIRST), pl.col(AT).max().alias(_LAST)
    found = asked.drop_nulls([*keys, AT]).group_by(list(keys)).agg(first, last)
    if as_of is not None:
        found = found.with_columns(pl.min_horizontal(_LAST, pl.lit(as_of)).cast(found.schema[_LAST]).alias(_LAST))
    if ttl is not None:
        found = found.with_columns(pl.col(_FIRST) - ttl)
    return found.with_row_index(_CODE)


def _in_window(times: Sequence[str], *, has_beginning: bool) -> list[pl.Expr]:
    """Return what is true of rows that were known by the end, and happened no earlier than the beginning."""
    is_known = pl.all_horizontal(pl.col(times) <= pl.col(_LAST))
    return [is_known, pl.col(EVENT) >= pl.col(_FIRST)] if has_beginning else [is_known]


def _latest_of(found: pl.DataFrame, code: Integers, at: Integers) -> Integers:
    """Return for each entity and time the index in `found` that counts; rows come in any order."""
    order = np.argsort(_values(found, POSITION), kind="stable")  # long runs in order, which it merges
    created = _values(found, CREATED)[order] if CREATED in found.columns else None
    rows = KnownRows(_values(found, _CODE)[order], _values(found, EVENT)[order], created)
    best = latest_known(rows, code, at)
    is_found = best >= 0
    best[is_found] = order[best[is_found]]
    return best


def _values(found: pl.DataFrame, name: str) -> Integers:
    return found[name].to_physical().to_numpy().astype(np.int64, copy=False)


def _codes_of(asked: pl.DataFrame, entities: pl.DataFrame, keys: Sequence[str]) -> Integers:
    codes = entities.select(*keys, _CODE)
    joined = asked.select(keys).join(codes, on=list(keys), how="left", maintain_order="left")
    return joined[_CODE].cast(pl.Int64).fill_null(-1).to_numpy()


def _unexpired(index: Integers, event: Integers, at: Integers, ttl: timedelta) -> Integers:
    is_found = index >= 0
    age = at[is_found] - event[index[is_found]]
    index[is_found] = np.where(age > ttl // _MICROSECOND, -1, index[is_found])
    return index
