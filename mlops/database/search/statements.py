"""The statements that answer searches of one shape, built when first needed and kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from mlops.database.search.joins import OrderedJoin
from mlops.database.search.ordering import (
    MISSING,
    Term,
    after,
    attribute_term,
    member_term,
    order_by,
    rank_condition,
)
from mlops.database.search.predicates import Condition, Predicates, Value, measured, row_link
from mlops.database.search.preparing import Prepared
from mlops.database.search.searchable import KeyValues, RowKey, Searchable, row_of
from mlops.database.search.shapes import conjuncts, holds_only_for_numbers, required, subject
from mlops.database.transaction import DriverStatement
from mlops.search import Attribute, Expression, Field, IsNull, Kind, Order

__all__ = ["Slice", "Statements"]


_MOST_JOINS = 8  # beyond, conditions look rows up by EXISTS: planners stop reordering at about as many joins


@dataclass(frozen=True, slots=True)
class Slice:
    """Which rows a statement gives, and where it begins to look.

    Attributes:
        driver: The row of a collection whose index the statement walks; None for the things' own table.
        rank: The rank, in the first term of the order, of all rows of the statement; None for all ranks.
        after: The ranks of the cursor the rows come after; None for no cursor.
    """

    driver: RowKey | None = None
    rank: int | None = None
    after: tuple[int, ...] | None = None


@dataclass(slots=True)
class _Frame:
    """The FROM of a statement: the driving table and what is joined to it."""

    source: sa.FromClause
    identity: Value
    bound: dict[RowKey, sa.FromClause] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)


class Statements:
    """The statements of one shape of search on one database.

    Args:
        searchable: What is searched.
        dialect: `sqlite` or `postgresql`.
        search: A prepared search of this shape; its values are not looked at.
        scope: Name of the scope, or an empty string.

    Attributes:
        conjuncts: The conditions that must all hold.
        probed: The conditions that the probe counts, each with the field by whose index it does.
        orders: The order.
        searchable: What is searched.
    """

    def __init__(self, searchable: Searchable, dialect: str, search: Prepared, scope: str) -> None:
        self.conjuncts = conjuncts(search.where)
        self.orders = search.orders
        self.probed = tuple(self._indexed(searchable))
        self._searchable = self.searchable = searchable
        self._dialect = dialect
        self._scope = [searchable.scopes[scope]] if scope else []
        cursor = [f"after{index}" for index in range(len(search.orders))]
        self._parameters = (*search.names, "limit", "offset", "after_id", *cursor)
        self._pages: dict[Slice, DriverStatement] = {}
        self._counts: dict[Slice, DriverStatement] = {}
        self._probe: DriverStatement | None = None

    def _indexed(self, searchable: Searchable) -> Iterator[tuple[Expression, Field]]:
        """Find what is worth a probe; a condition on the very values the order walks along bounds the walk as it is."""
        along = self.orders[0].field if self.orders else None
        for condition in self.conjuncts:
            field = subject(condition)
            if field is not None and field != along and searchable.is_indexed(field):
                yield condition, field

    def page(self, part: Slice) -> DriverStatement:
        """Return the statement whose rows are the id, then `COLUMNS_PER_TERM` columns per term of the order."""
        if part not in self._pages:
            self._pages[part] = DriverStatement(self._page(part), self._parameters)
        return self._pages[part]

    def count(self, part: Slice) -> DriverStatement:
        """Return the statement that counts the rows of a slice, up to a limit."""
        if part not in self._counts:
            self._counts[part] = DriverStatement(self._count(part), self._parameters)
        return self._counts[part]

    def probe(self) -> DriverStatement:
        """Return the statement that tells the table's rough size and counts each indexed condition up to a limit."""
        if self._probe is None:
            counts = [self._capped(condition, field) for condition, field in self.probed]
            self._probe = DriverStatement(sa.select(self._size(), *counts), self._parameters)
        return self._probe

    def ranks(self) -> tuple[int | None, ...]:
        """Return the ranks that rows can have in the first term of the order, ascending; (None,) without an order."""
        if not self.orders:
            return (None,)
        first = self.orders[0].field
        ranks = [0]
        if self._may_have_rank_1(first):
            ranks.append(1)
        if self._may_be_missing(first):
            ranks.append(MISSING)
        return tuple(ranks)

    def _may_have_rank_1(self, first: Field) -> bool:
        kind = self._searchable.vocabulary.kind(first)
        if isinstance(first, Attribute) or kind is Kind.TEXT:
            return False
        return kind is Kind.MIXED or not any(holds_only_for_numbers(each, first) for each in self.conjuncts)

    def _may_be_missing(self, first: Field) -> bool:
        if isinstance(first, Attribute) and not self._searchable.attributes[first.name].nullable:
            return False
        return all(first not in required(each) for each in self.conjuncts)

    def _page(self, part: Slice) -> sa.Select[Any]:
        frame = self._frame(part.driver)
        terms = [self._term(frame, order, None) for order in self.orders[1:]]
        if self.orders:
            terms.insert(0, self._term(frame, self.orders[0], part.rank))
        if part.after is not None:
            frame.conditions.append(after(terms, part.after, frame.identity))
        columns = [column for term in terms for column in term.columns()]
        statement = sa.select(frame.identity, *columns).select_from(frame.source)
        statement = statement.where(*self._conditions(frame, part.rank)).order_by(*order_by(terms, frame.identity))
        return statement.limit(sa.bindparam("limit")).offset(sa.bindparam("offset"))

    def _count(self, part: Slice) -> sa.Select[Any]:
        frame = self._frame(part.driver)
        rows: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(frame.source)
        return _count_up_to_limit(rows.where(*self._conditions(frame, part.rank)))

    def _frame(self, driver: RowKey | None) -> _Frame:
        """Join the things' table and the rows without which the filter is false; the table comes after the rows,
        which are read from indexes that hold all they are asked for."""
        table, identity = self._searchable.table, self._searchable.identity
        frame = _Frame(table, identity) if driver is None else self._row_frame(driver)
        for key in self._required_rows():
            if key not in frame.bound:
                values = self._values(key)
                row = frame.bound[key] = values.owner.table.alias()
                frame.source = OrderedJoin(frame.source, row, row_link(values, row, key, frame.identity))
        if driver is not None:
            frame.source = OrderedJoin(frame.source, table, frame.identity == identity)
        return frame

    def _required_rows(self) -> list[RowKey]:
        keys = (row_of(field) for condition in self.conjuncts for field in required(condition))
        return [key for key in dict.fromkeys(keys) if key is not None][:_MOST_JOINS]

    def _conditions(self, frame: _Frame, rank: int | None) -> list[Condition]:
        predicates = Predicates(self._searchable, self._dialect, frame.identity, frame.bound)
        conditions = [*frame.conditions, *map(predicates.condition, self.conjuncts), *self._scope]
        if rank is not None:
            conditions.append(self._has_rank(frame, predicates, self.orders[0].field, rank))
        return conditions

    def _has_rank(self, frame: _Frame, predicates: Predicates, first: Field, rank: int) -> Condition:
        if isinstance(first, Attribute):
            column = self._searchable.attributes[first.name]
            if not column.nullable:
                return sa.true()
            return column.is_(None) if rank == MISSING else column.is_not(None)
        if rank == MISSING:
            return predicates.condition(IsNull(first))
        key = first.collection, first.name
        return rank_condition(measured(self._values(key), frame.bound[key], first.measure), rank)

    def _term(self, frame: _Frame, order: Order, rank: int | None) -> Term:
        field, descending = order.field, order.descending
        if isinstance(field, Attribute):
            column = self._searchable.attributes[field.name]
            return attribute_term(column, nullable=bool(column.nullable), descending=descending, rank=rank)
        if rank == MISSING:
            return Term(MISSING, {}, descending)
        key = field.collection, field.name
        values, row = self._values(key), frame.bound.get(key)
        joined = row is None
        if row is None:
            row = self._join(frame, values, key)
        return member_term(values, row, field, joined=joined, descending=descending, rank=rank)

    def _join(self, frame: _Frame, values: KeyValues, key: RowKey) -> sa.FromClause:
        """Outer-join a row that the order needs."""
        row = values.owner.table.alias()
        frame.source = sa.outerjoin(frame.source, row, row_link(values, row, key, frame.identity))
        return row

    def _values(self, key: RowKey) -> KeyValues:
        return self._searchable.collections[key[0]]

    def _capped(self, condition: Expression, field: Field) -> Value:
        key = row_of(field)
        frame = _Frame(self._searchable.table, self._searchable.identity) if key is None else self._row_frame(key)
        predicates = Predicates(self._searchable, self._dialect, frame.identity, frame.bound)
        rows: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(frame.source)
        return _count_up_to_limit(rows.where(*frame.conditions, predicates.condition(condition))).scalar_subquery()

    def _row_frame(self, key: RowKey) -> _Frame:
        """Return the rows of one name alone, without the things' table."""
        values = self._values(key)
        row = values.owner.table.alias()
        named = row.c[values.name.key] == sa.bindparam(key[1])
        return _Frame(row, row.c[values.owner.key], {key: row}, [named])

    def _size(self) -> Value:
        """Return the number of rows of the things' table, roughly: SQLite's greatest rowid, PostgreSQL's statistics."""
        table = self._searchable.table
        if self._dialect == "postgresql":
            oid = sa.func.to_regclass(sa.literal_column(f"'{table.name}'"))
            statistics = sa.table("pg_class", sa.column("oid"), sa.column("reltuples"))
            return sa.select(statistics.c.reltuples).where(statistics.c.oid == oid).scalar_subquery()
        return sa.select(sa.func.max(sa.literal_column("_rowid_"))).select_from(table).scalar_subquery()


def _count_up_to_limit(rows: sa.Select[Any]) -> sa.Select[Any]:
    """Count rows up to the parameter `limit`; without an offset SQLAlchemy would bind one that is not ours."""
    limited = rows.limit(sa.bindparam("limit")).offset(sa.literal_column("0"))
    return sa.select(sa.func.count()).select_from(limited.subquery())
