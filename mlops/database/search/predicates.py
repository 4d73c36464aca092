"""Conditions of a filter as SQL. Every value is a bind parameter; nothing a user wrote becomes SQL text.

A condition on a collection is an EXISTS on its primary key, or, when the statement's driving row is that very row, a
plain condition on its columns. SQL's third truth value may come out of a condition, where it counts as false; before a
NOT it is made false.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mlops.database.search.searchable import KeyValues, RowKey, Searchable
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
    Member,
    Membership,
    Not,
    Operator,
    Or,
    Parameter,
)

__all__ = ["Condition", "Predicates", "measured", "row_link"]

Condition = sa.ColumnElement[bool]
Value = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the values of a field come from: columns, and the row that must be looked up for them."""

    forms: Mapping[Kind, Value]
    table: sa.FromClause | None = None
    link: Condition | None = None
    present: Condition | None = None


def row_link(values: KeyValues, row: sa.FromClause, key: RowKey, owner: Value) -> Condition:
    """Return the condition that a row is the one with this key of this owner."""
    return sa.and_(row.c[values.owner.key] == owner, row.c[values.name.key] == sa.bindparam(key[1]))


def measured(values: KeyValues, row: sa.FromClause, measure: str) -> Value | None:
    """Return the number column of a measure, or the values' own for an empty one."""
    column = values.measures[measure] if measure else values.number
    return None if column is None else row.c[column.key]


class Predicates:
    """Turns conditions into SQL for one statement.

    Args:
        searchable: What is searched.
        dialect: `sqlite` or `postgresql`.
        identity: The column of the statement's driving table that holds the thing's id.
        bound: Rows of collections that are part of the statement's FROM.
    """

    def __init__(
        self, searchable: Searchable, dialect: str, identity: Value, bound: Mapping[RowKey, sa.FromClause]
    ) -> None:
        self._searchable = searchable
        self._dialect = dialect
        self._identity = identity
        self._bound = bound

    def condition(self, expression: Expression) -> Condition:
        """Return a condition that is true exactly when the filter is."""
        match expression:
            case And(terms):
                return sa.and_(*map(self.condition, terms))
            case Or(terms):
                return sa.or_(*map(self.condition, terms))
            case Not(term):
                return _negation(self.condition(term))
            case IsNull(field, negated):
                return self._is_present(field) if negated else _negation(self._is_present(field))
        return self._single(expression)

    def _single(self, expression: Comparison | Membership | Like | IsNan) -> Condition:
        match expression:
            case Comparison(left, operator, right):
                return self._comparison(left, operator, right)
            case Membership(field, values, negated):
                return self._test(field, lambda source: _is_among(source, values), negated=negated)
            case Like(field, pattern, fold, negated):
                return self._test(field, lambda source: self._is_like(source, pattern, fold=fold), negated=negated)
            case IsNan(field, negated):
                return self._with([field], lambda source: _is_nan(source, negated=negated))

    def _comparison(self, left: Field, operator: Operator, right: object) -> Condition:
        negated = operator is Operator.NE
        positive = Operator.EQ if negated else operator
        if not isinstance(right, Field):
            value = _parameter(right)
            return self._test(left, lambda source: _against(source, positive, value), negated=negated)
        kinds = tuple(map(self._searchable.vocabulary.kind, (left, right)))

        def decide(first: _Source, second: _Source) -> Condition:
            condition = _between(first, positive, second, kinds)
            return _and_present(_negation(condition), first, second) if negated else condition

        return self._with([left, right], decide)

    def _test(self, field: Field, decide: Callable[[_Source], Condition], *, negated: bool) -> Condition:
        """Decide on a field that is there; negated, it is there and the decision is no."""
        if not negated:
            return self._with([field], decide)
        return self._with([field], lambda source: _and_present(_negation(decide(source)), source))

    def _with(self, fields: Sequence[Field], decide: Callable[..., Condition]) -> Condition:
        """Decide on the fields' columns, looking up the rows that the statement has not got."""
        sources = [self._source(field) for field in fields]
        condition = decide(*sources)
        tables = [source.table for source in sources if source.table is not None]
        if not tables:
            return condition
        links = [source.link for source in sources if source.link is not None]
        rows: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(*tables).where(*links, condition)
        if self._dialect == "postgresql":
            # OFFSET keeps the planner from turning it into a join: with two hundred joins it plans for minutes.
            rows = rows.offset(sa.literal_column("0"))
        return sa.exists(rows.correlate_except(*tables))

    def _is_present(self, field: Field) -> Condition:
        return self._with([field], lambda source: sa.true() if source.present is None else source.present)

    def _source(self, field: Field) -> _Source:
        if isinstance(field, Attribute):
            column = self._searchable.attributes[field.name]
            return _Source({self._searchable.vocabulary.kind(field): column}, present=column.is_not(None))
        values = self._searchable.collections[field.collection]
        key = field.collection, field.name
        if (row := self._bound.get(key)) is not None:
            return _Source(_forms(values, row, field))
        row = values.owner.table.alias()
        return _Source(_forms(values, row, field), row, row_link(values, row, key, self._identity))

    def _is_like(self, source: _Source, pattern: object, *, fold: bool) -> Condition:
        """SQLite's LIKE folds A–Z and its GLOB does not; PostgreSQL's ILIKE folds A–Z alone in the collation "C"."""
        text = source.forms[Kind.TEXT]
        parameter: sa.BindParameter[str] = sa.bindparam(_parameter(pattern).name)
        if self._dialect == "sqlite":
            return text.like(parameter, escape="\\") if fold else text.op("GLOB", is_comparison=True)(parameter)
        return text.ilike(parameter) if fold else text.like(parameter)


def _forms(values: KeyValues, row: sa.FromClause, field: Member) -> dict[Kind, Value]:
    number = measured(values, row, field.measure)
    forms: dict[Kind, Value] = {} if number is None else {Kind.NUMBER: number}
    if values.text is not None and not field.measure:
        forms[Kind.TEXT] = row.c[values.text.key]
    return forms


def _negation(condition: Condition) -> Condition:
    if isinstance(condition, sa.Exists):
        return ~condition
    return sa.not_(sa.func.coalesce(condition, sa.false()))


def _and_present(condition: Condition, *sources: _Source) -> Condition:
    return sa.and_(*(source.present for source in sources if source.present is not None), condition)


def _parameter(value: object) -> Parameter:
    if not isinstance(value, Parameter):
        raise TypeError(f"{value!r} is a literal; a statement is made from a prepared search")
    return value


def _bind(parameter: Parameter, column: Value) -> sa.BindParameter[Any]:
    """A number travels as itself: declared as an integer, PostgreSQL would round it to the column's type."""
    return sa.bindparam(parameter.name, type_=sa.Double() if parameter.kind is Kind.NUMBER else column.type)


def _against(source: _Source, operator: Operator, parameter: Parameter) -> Condition:
    column = source.forms[parameter.kind]
    condition: Condition = operator.compare(column, _bind(parameter, column))
    return condition


def _is_among(source: _Source, values: Sequence[object]) -> Condition:
    parameters = list(map(_parameter, values))
    lists: list[Condition] = []
    for kind in dict.fromkeys(parameter.kind for parameter in parameters):
        column = source.forms[kind]
        lists.append(column.in_([_bind(parameter, column) for parameter in parameters if parameter.kind is kind]))
    return sa.or_(*lists)


def _is_nan(source: _Source, *, negated: bool) -> Condition:
    number = source.forms[Kind.NUMBER]
    return number.is_not(None) if negated else number.is_(None)


def _between(first: _Source, operator: Operator, second: _Source, kinds: tuple[Kind, ...]) -> Condition:
    """Compare two fields by the form that both have; two mixed ones by numbers, or by texts if neither is a number."""
    shared = [kind for kind in (Kind.NUMBER, Kind.TEXT, Kind.DATE) if kind in first.forms and kind in second.forms]
    condition: Condition = operator.compare(first.forms[shared[0]], second.forms[shared[0]])
    if kinds != (Kind.MIXED, Kind.MIXED):
        return condition
    neither = sa.and_(first.forms[Kind.NUMBER].is_(None), second.forms[Kind.NUMBER].is_(None))
    by_text: Condition = operator.compare(first.forms[Kind.TEXT], second.forms[Kind.TEXT])
    return sa.or_(condition, sa.and_(neither, by_text))
