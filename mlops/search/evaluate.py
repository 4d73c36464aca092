"""Decides a filter, and sorts by an order, over plain documents: what the databases must agree with.

A document is a mapping of attributes to text, numbers, aware datetimes or None, and of collections to mappings of names
to values. A value of a collection with measures is a number, or a mapping of "value" and the measures.

The rules, the same for every executor:

- Logic has two values. A condition on something missing is false, so NOT of it is true.
- `!=`, `not in` and `not like` mean: it is there, and it is not equal, not among, not like.
- NaN is there and equal to nothing, itself included; `is nan` finds it. Only metrics are NaN.
- A parameter is compared with a number by its number, with a text by its text, with true or false by its JSON text. Two
  parameters are compared by their numbers if both have one, by their texts if neither has, and else are not equal.
- Texts compare by code point; LIKE minds case, ILIKE ignores that of A–Z.
- An order puts missing values last, in both directions; before them NaN, and for parameters texts after numbers. What
  is equal in all its fields is sorted by identity, in the direction of its last field.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from mlops.search.patterns import matches
from mlops.search.syntax import (
    And,
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
    Order,
    Relative,
)
from mlops.search.values import text_and_number
from mlops.search.vocabulary import Vocabulary

__all__ = ["Document", "evaluate", "ordered"]

Document = Mapping[str, Any]
D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a comparison sees of a value: whichever of these it has."""

    number: float | None = None
    text: str | None = None
    moment: datetime | None = None
    mixed: bool = False


def evaluate(expression: Expression, document: Document, vocabulary: Vocabulary, *, now: datetime) -> bool:
    """Tell whether a document fulfils a filter.

    Args:
        expression: The filter, as `parse_filter` returns it.
        document: The document, as the module describes it.
        vocabulary: The one the filter was read with.
        now: The moment that `now` in the filter means.

    Example:
        >>> from mlops.clock import now
        >>> from mlops.search.syntax import Attribute
        >>> runs = Vocabulary({"status": Kind.TEXT})
        >>> failed = Comparison(Attribute("status"), Operator.EQ, "failed")
        >>> evaluate(failed, {"status": "failed"}, runs, now=now())
        True
    """
    return _Evaluation(document, vocabulary, now).decide(expression)


class _Evaluation:
    def __init__(self, document: Document, vocabulary: Vocabulary, now: datetime) -> None:
        self._document = document
        self._vocabulary = vocabulary
        self._now = now

    def decide(self, expression: Expression) -> bool:
        match expression:
            case And(terms):
                return all(map(self.decide, terms))
            case Or(terms):
                return any(map(self.decide, terms))
            case Not(term):
                return not self.decide(term)
            case IsNull(field, negated):
                return (self._see(field) is None) != negated
            case IsNan(field, negated):
                seen = self._see(field)
                return seen is not None and _is_nan(seen) != negated
        return self._condition(expression)

    def _condition(self, expression: Comparison | Membership | Like) -> bool:
        match expression:
            case Comparison(left, operator, right):
                return self._compare(self._see(left), operator, self._operand(right))
            case Membership(field, values, negated):
                seen = self._see(field)
                found = seen is not None and any(_holds(seen, Operator.EQ, self._literal(value)) for value in values)
                return seen is not None and found != negated
            case Like(field, pattern, fold, negated):
                seen = self._see(field)
                alike = seen is not None and matches(str(pattern), seen.text or "", fold=fold)
                return seen is not None and alike != negated

    def _compare(self, left: _Seen | None, operator: Operator, right: _Seen | None) -> bool:
        if left is None or right is None:
            return False
        if operator is Operator.NE:
            return not _holds(left, Operator.EQ, right)
        return _holds(left, operator, right)

    def _operand(self, operand: object) -> _Seen | None:
        return self._see(operand) if isinstance(operand, Field) else self._literal(operand)

    def _literal(self, value: Any) -> _Seen:
        match value:
            case bool():
                return _Seen(text="true" if value else "false")
            case float() | int():
                return _Seen(number=float(value))
            case str():
                return _Seen(text=value)
            case datetime():
                return _Seen(moment=value)
            case Relative(offset):
                return _Seen(moment=self._now + offset)
        raise TypeError(f"{value!r} is not a literal that can be evaluated")

    def _see(self, field: Field) -> _Seen | None:
        return _see(self._document, field, self._vocabulary)


def _holds(left: _Seen, operator: Operator, right: _Seen) -> bool:
    """Compare by the first form that both sides have; a number and a text have none in common."""
    if left.number is not None and right.number is not None:
        return bool(operator.compare(left.number, right.number))
    if left.mixed and right.mixed and (left.number is None) != (right.number is None):
        return False
    if left.text is not None and right.text is not None:
        return bool(operator.compare(left.text, right.text))
    if left.moment is not None and right.moment is not None:
        return bool(operator.compare(left.moment, right.moment))
    return False


def _is_nan(seen: _Seen) -> bool:
    return seen.number is not None and math.isnan(seen.number)


def _see(document: Document, field: Field, vocabulary: Vocabulary) -> _Seen | None:
    """Return what a comparison sees of a field; None when it is missing."""
    value = _value(document, field)
    if value is None and not _is_kept_null(document, field, vocabulary):
        return None
    match vocabulary.kind(field):
        case Kind.NUMBER:
            return _Seen(number=float(value))
        case Kind.TEXT:
            return _Seen(text=str(value))
        case Kind.DATE:
            return _Seen(moment=value)
        case Kind.MIXED:
            text, number = text_and_number(value)
            return _Seen(number=number, text=text, mixed=True)


def _value(document: Document, field: Field) -> Any:
    if not isinstance(field, Member):
        return document.get(field.name)
    value = document.get(field.collection, {}).get(field.name)
    return value.get(field.measure or "value") if isinstance(value, Mapping) and "value" in value else value


def _is_kept_null(document: Document, field: Field, vocabulary: Vocabulary) -> bool:
    """A parameter may be None, which is a value like any other."""
    if not isinstance(field, Member) or vocabulary.kind(field) is not Kind.MIXED:
        return False
    return field.name in document.get(field.collection, {})


def ordered(
    documents: Iterable[D], orders: Sequence[Order], vocabulary: Vocabulary, *, identity: str = "id"
) -> list[D]:
    """Sort documents by an order, ties by identity in the direction of the last term.

    Args:
        documents: What to sort; each has its identity as an attribute.
        orders: The order, as `parse_order` returns it.
        vocabulary: The one the order was read with.
        identity: Name of the attribute that no two documents share.
    """
    backwards = bool(orders) and orders[-1].descending
    result = sorted(documents, key=lambda document: str(document[identity]), reverse=backwards)
    for order in reversed(orders):
        result = _sorted_by(order, result, vocabulary)
    return result


def _sorted_by(order: Order, documents: Sequence[D], vocabulary: Vocabulary) -> list[D]:
    """Sort stably: numbers, texts and dates by value, then what has none, then what is missing."""
    ranks: tuple[list[tuple[Any, D]], ...] = ([], [], [])
    for document in documents:
        rank, key = _sort_key(_see(document, order.field, vocabulary))
        ranks[rank].append((key, document))
    for pairs in ranks:
        pairs.sort(key=lambda pair: pair[0], reverse=order.descending)
    return [document for pairs in ranks for _, document in pairs]


def _sort_key(seen: _Seen | None) -> tuple[int, Any]:
    if seen is None:
        return 2, 0
    if _is_nan(seen):
        return 1, 0
    if seen.mixed and seen.number is None:
        return 1, seen.text
    return 0, next(form for form in (seen.number, seen.text, seen.moment) if form is not None)
