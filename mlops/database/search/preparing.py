"""Takes the values out of a search: what is left is its shape, which many searches share and one statement serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

import sqlalchemy as sa

from mlops.database.columns import write_moment
from mlops.database.search.searchable import Searchable
from mlops.search import (
    And,
    Attribute,
    Comparison,
    Expression,
    Field,
    IsNan,
    IsNull,
    Kind,
    Like,
    Literal,
    Member,
    Membership,
    Not,
    Or,
    Order,
    Parameter,
    Relative,
)
from mlops.search.patterns import to_glob

__all__ = ["Prepared", "driver_moment", "prepare"]

_EXACT = 2.0**53  # up to here every whole float is the integer it looks like


@dataclass(frozen=True, slots=True)
class Prepared:
    """A search in two halves.

    Attributes:
        where: The filter with a `Parameter` for each literal, and parameter names for the members' names.
        orders: The order, likewise.
        names: The parameters.
        values: Their values as the driver takes them, in the same order.
    """

    where: Expression | None
    orders: tuple[Order, ...]
    names: tuple[str, ...]
    values: tuple[Any, ...]


def driver_moment(moment: datetime, dialect: str) -> datetime | str:
    """Return a moment as the driver of this database takes it."""
    return write_moment(moment) if dialect == "sqlite" else moment


def prepare(
    where: Expression | None, orders: Sequence[Order], searchable: Searchable, *, dialect: str, now: datetime
) -> Prepared:
    """Take the values out of a search.

    Args:
        where: The filter.
        orders: The order.
        searchable: What is searched.
        dialect: `sqlite` or `postgresql`; patterns and moments are written for it.
        now: What `now` in the filter means.
    """
    preparation = _Preparation(searchable, dialect, now)
    left = preparation.expression(where) if where is not None else None
    terms = tuple(Order(preparation.field(order.field), order.descending) for order in orders)
    return Prepared(left, terms, tuple(preparation.names), tuple(preparation.values))


class _Preparation:
    def __init__(self, searchable: Searchable, dialect: str, now: datetime) -> None:
        self._searchable = searchable
        self._dialect = dialect
        self._now = now
        self._members: dict[str, str] = {}
        self.names: list[str] = []
        self.values: list[Any] = []

    def expression(self, expression: Expression) -> Expression:
        match expression:
            case And(terms):
                return And(tuple(map(self.expression, terms)))
            case Or(terms):
                return Or(tuple(map(self.expression, terms)))
            case Not(term):
                return Not(self.expression(term))
            case IsNull(field, negated):
                return IsNull(self.field(field), negated)
            case IsNan(field, negated):
                return IsNan(self.field(field), negated)
        return self._condition(expression)

    def _condition(self, expression: Comparison | Membership | Like) -> Expression:
        match expression:
            case Comparison(left, operator, right):
                other = self.field(right) if isinstance(right, Field) else self._literal(left, right)
                return Comparison(self.field(left), operator, other)
            case Membership(field, values, negated):
                return Membership(self.field(field), self._list(field, values), negated)
            case Like(field, pattern, fold, negated):
                as_glob = self._dialect == "sqlite" and not fold
                text = to_glob(str(pattern)) if as_glob else str(pattern)
                return Like(self.field(field), self._bind(Kind.TEXT, text), fold, negated)

    def field(self, field: Field) -> Field:
        """Put a parameter for the name of a member; equal names get the same."""
        if isinstance(field, Attribute):
            return field
        name = self._members.get(field.name)
        if name is None:
            name = self._members[field.name] = self._add(f"name{len(self._members)}", field.name)
        return Member(field.collection, name, field.measure)

    def _list(self, field: Field, values: Sequence[Literal]) -> tuple[Parameter, ...]:
        """Bind the values, per kind padded to a power of two, so that lists of many lengths share a statement."""
        parameters: list[Parameter] = []
        for group in (
            [value for value in values if isinstance(value, float)],
            [value for value in values if not isinstance(value, float)],
        ):
            padding = (1 << (len(group) - 1).bit_length()) - len(group) if group else 0
            parameters += [self._literal(field, value) for value in [*group, *group[-1:] * padding]]
        return tuple(parameters)

    def _literal(self, field: Field, value: Literal) -> Parameter:
        match value:
            case bool():
                return self._bind(Kind.TEXT, "true" if value else "false")
            case float() | int():
                return self._bind(Kind.NUMBER, self._number(field, value))
            case str():
                return self._bind(Kind.TEXT, value)
            case datetime():
                return self._bind(Kind.DATE, driver_moment(value, self._dialect))
            case Relative(offset):
                return self._bind(Kind.DATE, driver_moment(self._now + offset, self._dialect))
            case Parameter():
                raise TypeError(f"{value!r} is a parameter already")
        assert_never(value)

    def _number(self, field: Field, value: float) -> float | int:
        """PostgreSQL uses an index on integers only for integers."""
        whole = isinstance(field, Attribute) and isinstance(self._searchable.attributes[field.name].type, sa.Integer)
        return int(value) if whole and abs(value) <= _EXACT and value == int(value) else float(value)

    def _bind(self, kind: Kind, value: Any) -> Parameter:
        return Parameter(self._add(f"value{len(self.values)}", value), kind)

    def _add(self, name: str, value: Any) -> str:
        self.names.append(name)
        self.values.append(value)
        return name
