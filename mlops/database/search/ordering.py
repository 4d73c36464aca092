"""Orders as SQL: what to sort by, and which rows come after a cursor.

Every term of an order has a rank before its value: 0 sorts by value (a number, if the field may hold texts too), 1 by
nothing (NaN) or by text (a parameter that is no number), 2 is missing. Ranks ascend in both directions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mlops.database.search.predicates import Condition, Value, measured
from mlops.database.search.searchable import KeyValues
from mlops.search import Member

__all__ = [
    "COLUMNS_PER_TERM",
    "MISSING",
    "Term",
    "after",
    "attribute_term",
    "member_term",
    "order_by",
    "rank_condition",
]

MISSING = 2
COLUMNS_PER_TERM = 3
"""A term gives a row its rank, its number, text or date, and the text of a mixed value."""


@dataclass(frozen=True, slots=True)
class Term:
    """One term of an order in a statement.

    Attributes:
        rank: The rank, as SQL, or as a number when all rows of the statement have the same.
        values: What rows of a rank are sorted by; ranks that are not here are sorted by nothing.
        descending: Whether values descend.
    """

    rank: Value | int
    values: Mapping[int, Value]
    descending: bool

    def columns(self) -> list[Value]:
        """Return what a result row tells of this term, for the cursor; always as many columns."""
        rank = sa.literal_column(str(self.rank)) if isinstance(self.rank, int) else self.rank
        return [rank, self.values.get(0, sa.null()), self.values.get(1, sa.null())]

    def sort_keys(self) -> Iterator[Value]:
        """Return what to sort by."""
        if not isinstance(self.rank, int):
            yield self.rank
        for rank in sorted(self.values):
            yield _directed(self.values[rank], descending=self.descending)


@dataclass(frozen=True, slots=True)
class _Key:
    """A column, its direction, and where the cursor stands in it."""

    column: Value
    descending: bool
    at: Value

    def beyond(self) -> Condition:
        return self.column < self.at if self.descending else self.column > self.at

    def not_before(self) -> Condition:
        return self.column <= self.at if self.descending else self.column >= self.at


def attribute_term(column: Value, *, nullable: bool, descending: bool, rank: int | None) -> Term:
    """Return the term of an attribute; `rank` when the statement's rows all have it."""
    fixed = 0 if rank is None and not nullable else rank
    if fixed is not None:
        return Term(fixed, {} if fixed == MISSING else {0: column}, descending)
    return Term(
        sa.case((column.is_(None), sa.literal_column("2")), else_=sa.literal_column("0")), {0: column}, descending
    )


def member_term(
    values: KeyValues, row: sa.FromClause, field: Member, *, joined: bool, descending: bool, rank: int | None
) -> Term:
    """Return the term of a member whose row is in the FROM; it may be missing there when it is `joined` to the rest."""
    number = measured(values, row, field.measure)
    text = None if values.text is None or field.measure else row.c[values.text.key]
    if rank is not None:
        return Term(rank, _ranked(number, text, rank), descending)
    cases: list[tuple[Condition, Value]] = []
    if joined:
        cases.append((row.c[values.owner.key].is_(None), sa.literal_column("2")))
    if number is not None:
        cases.append((number.is_(None), sa.literal_column("1")))
    sorted_by: dict[int, Value] = {0: text if number is None else number}  # type: ignore[dict-item]  # one of them is there
    if number is not None and text is not None:
        sorted_by[1] = sa.case((number.is_(None), text))
    return Term(sa.case(*cases, else_=sa.literal_column("0")) if cases else 0, sorted_by, descending)


def _ranked(number: Value | None, text: Value | None, rank: int) -> dict[int, Value]:
    """Return what the rows of one rank are sorted by."""
    by_rank = {0: text if number is None else number, 1: None if number is None else text}
    value = by_rank.get(rank)
    return {} if value is None else {rank: value}


def rank_condition(number: Value | None, rank: int) -> Condition:
    """Return the condition that a row, which is there, has rank 0 or 1."""
    if number is None:
        return sa.true()
    return number.is_not(None) if rank == 0 else number.is_(None)


def order_by(terms: Sequence[Term], identity: Value) -> list[Value]:
    """Return the ORDER BY of a statement; ties by identity, in the direction of the last term, as indexes have it."""
    keys = [key for term in terms for key in term.sort_keys()]
    return [*keys, _directed(identity, descending=_last_descends(terms))]


def after(terms: Sequence[Term], ranks: Sequence[int], identity: Value) -> Condition:
    """Return the condition that a row comes after the cursor, whose values are the parameters `after0`…, `after_id`."""
    keys: list[_Key] = []
    for index, (term, rank) in enumerate(zip(terms, ranks, strict=True)):
        if not isinstance(term.rank, int):
            keys.append(_Key(term.rank, descending=False, at=sa.literal_column(str(rank))))
        if rank in term.values:
            column = term.values[rank]
            keys.append(_Key(column, term.descending, _typed(f"after{index}", column)))
    keys.append(_Key(identity, _last_descends(terms), _typed("after_id", identity)))
    return _after_keys(keys)


def _after_keys(keys: Sequence[_Key]) -> Condition:
    """Compare row values where the direction is one, which an index answers at any depth; else key by key."""
    first = keys[0]
    if len(keys) == 1:
        return first.beyond()
    if all(key.descending is first.descending for key in keys):
        columns, at = sa.tuple_(*(key.column for key in keys)), sa.tuple_(*(key.at for key in keys))
        return columns < at if first.descending else columns > at
    return sa.and_(first.not_before(), sa.or_(first.beyond(), _after_keys(keys[1:])))


def _typed(name: str, column: Value) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.Double() if isinstance(column.type, sa.Numeric | sa.Integer) else column.type)


def _last_descends(terms: Sequence[Term]) -> bool:
    return terms[-1].descending if terms else False


def _directed(column: Value, *, descending: bool) -> Value:
    return column.desc() if descending else column.asc()
