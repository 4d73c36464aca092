"""Runs searches: prepares, probes, chooses the route, and collects a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

from mlops.database.columns import read_moment
from mlops.database.search.ordering import COLUMNS_PER_TERM, MISSING
from mlops.database.search.preparing import Prepared, driver_moment, prepare
from mlops.database.search.routes import WALK, Route, Tuning, choose
from mlops.database.search.searchable import Searchable, row_of
from mlops.database.search.statements import Slice, Statements
from mlops.database.transaction import DriverStatement
from mlops.errors import InvalidInput
from mlops.search import Cursor, Expression, Field, Kind, Order, Page, Vocabulary, digest_of

__all__ = ["TableSearch"]

_ALL = 2**62  # a LIMIT that means none, on both databases
_SHAPES_KEPT = 256

Row = tuple[Any, ...]


class Reader(Protocol):
    """What a search needs of a transaction."""

    @property
    def dialect(self) -> str: ...

    def run(self, statement: DriverStatement, values: Sequence[Any] = ..., /) -> list[Row]: ...


class TableSearch:
    """Finds the ids of things in tables, page by page.

    One instance serves all threads and both databases; it keeps the statements of the shapes of search it has seen.

    Args:
        searchable: How the things lie in their tables.
        tuning: When to walk along the order, and when to sort what a rare condition finds.

    Example:
        A store of runs keeps `TableSearch(Searchable(identity=runs.c.run_id, …))` and asks, in a transaction:

            where = parse_filter("metrics.accuracy > 0.9", search.vocabulary)
            orders = parse_order("metrics.accuracy desc", search.vocabulary)
            page = search.page(tx, where=where, orders=orders, limit=50, now=now())
    """

    def __init__(self, searchable: Searchable, *, tuning: Tuning = Tuning()) -> None:  # noqa: B008 (it is immutable)
        self._searchable = searchable
        self._tuning = tuning
        self._statements = lru_cache(maxsize=_SHAPES_KEPT)(self._make_statements)

    @property
    def vocabulary(self) -> Vocabulary:
        """What filters and orders may name."""
        return self._searchable.vocabulary

    def page(
        self,
        tx: Reader,
        *,
        where: Expression | None = None,
        orders: Sequence[Order] = (),
        scope: str = "",
        limit: int | None = None,
        offset: int = 0,
        cursor: str | None = None,
        now: datetime,
    ) -> Page[str]:
        """Return the ids of one page, in order.

        Pages by cursor cost the same at any depth; pages by offset count what they skip.

        Args:
            tx: The transaction to read in.
            where: The filter.
            orders: The order; by id when empty.
            scope: Name of one of the searchable's scopes.
            limit: Most ids of the page, at least 1; None for all.
            offset: How many to skip.
            cursor: `next_cursor` of the page before; not together with an offset.
            now: What `now` in the filter means; the pages after a cursor keep the first page's.

        Raises:
            InvalidInput: A limit below 1, an offset below 0, or an offset together with a cursor.
            InvalidCursor: The cursor is damaged or belongs to another search.
        """
        _check(limit, offset, cursor)
        digest = digest_of(where, orders)
        last = None
        if cursor is not None:
            last = Cursor.decode(cursor, digest=digest, orders=orders, vocabulary=self.vocabulary)
        moment = last.moment if last else now
        search = prepare(where, orders, self._searchable, dialect=tx.dialect, now=moment)
        rows = self._pager(tx, scope, search, last).rows(limit, offset)
        ids = [row[0] for row in rows]
        if limit is None or len(rows) <= limit:
            return Page(ids)
        keys = self._keys(rows[limit - 1], orders)
        return Page(ids[:limit], Cursor(digest, keys, ids[limit - 1], moment).encode())

    def count(self, tx: Reader, *, where: Expression | None = None, scope: str = "", now: datetime) -> int:
        """Return how many things fulfil a filter."""
        search = prepare(where, (), self._searchable, dialect=tx.dialect, now=now)
        return self._pager(tx, scope, search, None).count()

    def _pager(self, tx: Reader, scope: str, search: Prepared, last: Cursor | None) -> _Pager:
        return _Pager(tx, self._statements(tx.dialect, scope, _Shape(search)), search, last, self._tuning)

    def _make_statements(self, dialect: str, scope: str, shape: _Shape) -> Statements:
        return Statements(self._searchable, dialect, shape.search, scope)

    def _keys(self, row: Row, orders: Sequence[Order]) -> tuple[tuple[int, Any], ...]:
        """Return the cursor's keys of a row."""
        terms = [row[start : start + COLUMNS_PER_TERM] for start in range(1, len(row), COLUMNS_PER_TERM)]
        return tuple(
            (rank, _key_value(self.vocabulary.kind(order.field), rank, value, text))
            for order, (rank, value, text) in zip(orders, terms, strict=True)
        )


class _Shape:
    """A prepared search that equals those of the same shape, whatever their values."""

    __slots__ = ("_hash", "_key", "search")

    def __init__(self, search: Prepared) -> None:
        self.search = search
        self._key = search.where, search.orders
        self._hash = hash(self._key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shape) and self._key == other._key


class _Pager:
    """Collects the rows of one page."""

    def __init__(
        self, tx: Reader, statements: Statements, search: Prepared, last: Cursor | None, tuning: Tuning
    ) -> None:
        self._tx = tx
        self._statements = statements
        self._values = search.values
        self._tuning = tuning
        self._ranks = tuple(rank for rank, _ in last.keys) if last else None
        self._after = _after_values(last, len(search.orders), tx.dialect)

    def rows(self, limit: int | None, offset: int) -> list[Row]:
        """Return the rows of the page, and one more if there is one."""
        wanted = _ALL if limit is None else limit + 1
        route = self._route(min(_ALL, wanted + offset))
        if route.empty:
            return []
        if not route.in_order:
            return self._run(self._statements.page(Slice(route.driver, None, self._ranks)), wanted, offset)
        return self._walk(wanted, offset)

    def count(self) -> int:
        """Return the number of all rows."""
        route = self._route(_ALL)
        if route.empty:
            return 0
        return int(self._run(self._statements.count(Slice(route.driver)), _ALL, 0)[0][0])

    def _route(self, wanted: int) -> Route:
        probed = self._statements.probed
        if not probed:
            return WALK
        size, *counts = self._run(self._statements.probe(), self._tuning.probe_limit, 0)[0]
        return choose(
            self._statements.orders,
            [(field, count) for (_, field), count in zip(probed, counts, strict=True)],
            self._statements.searchable,
            size=int(size or 0),
            wanted=wanted,
            tuning=self._tuning,
        )

    def _walk(self, wanted: int, offset: int) -> list[Row]:
        """Read rank after rank of the first term until the page is full."""
        rows: list[Row] = []
        for part in self._slices():
            found = self._run(self._statements.page(part), wanted - len(rows), offset)
            rows += found
            if len(rows) >= wanted:
                break
            if offset:
                offset = 0 if found else self._left_to_skip(part, offset)
        return rows

    def _slices(self) -> list[Slice]:
        """Return the slices along the order, those before the cursor left out."""
        slices: list[Slice] = []
        for rank in self._statements.ranks():
            started = self._ranks[0] if self._ranks else None
            if rank is not None and started is not None and rank < started:
                continue
            slices.append(Slice(self._along(rank), rank, self._ranks if rank == started else None))
        return slices

    def _along(self, rank: int | None) -> tuple[str, str] | None:
        orders: Sequence[Order] = self._statements.orders
        first: Field | None = orders[0].field if orders else None
        return None if first is None or rank == MISSING else row_of(first)

    def _left_to_skip(self, part: Slice, offset: int) -> int:
        """Return what is left of an offset that reaches beyond a slice."""
        return offset - int(self._run(self._statements.count(part), _ALL, 0)[0][0])

    def _run(self, statement: DriverStatement, limit: int, offset: int) -> list[Row]:
        return self._tx.run(statement, (*self._values, limit, offset, *self._after))


def _check(limit: int | None, offset: int, cursor: str | None) -> None:
    if limit is not None and not 1 <= limit < _ALL:
        raise InvalidInput(f"limit is {limit}; a page has at least 1 result. Pass None for all.")
    if not 0 <= offset < _ALL:
        raise InvalidInput(f"offset is {offset}; it counts the results to skip, from 0.")
    if offset and cursor is not None:
        raise InvalidInput(
            "Both offset and cursor were passed. A cursor says where its page begins; leave the offset out."
        )


def _after_values(last: Cursor | None, terms: int, dialect: str) -> tuple[Any, ...]:
    """Return the values of the parameters `after_id`, `after0`…"""
    if last is None:
        return (None,) * (terms + 1)
    values = [driver_moment(value, dialect) if isinstance(value, datetime) else value for _, value in last.keys]
    return (last.identity, *values)


def _key_value(kind: Kind, rank: int, value: Any, text: Any) -> Any:
    """Return what the cursor keeps of a row's term."""
    if rank == 1 and kind is Kind.MIXED:
        return text
    if rank != 0:
        return None
    if kind is Kind.DATE:
        return read_moment(value) if isinstance(value, str) else value
    return value
