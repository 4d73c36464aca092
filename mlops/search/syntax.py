"""What a filter and an order are once they are read: small frozen trees that carry no text of their source.

Literals are plain Python values; the parser has made sure that each fits the field it is compared with.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

__all__ = [
    "And",
    "Attribute",
    "Comparison",
    "Expression",
    "Field",
    "IsNan",
    "IsNull",
    "Kind",
    "Like",
    "Literal",
    "Member",
    "Membership",
    "Not",
    "Operator",
    "Or",
    "Order",
    "Parameter",
    "Relative",
    "all_of",
]


class Kind(StrEnum):
    """What values a field holds."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    MIXED = "text or number"
    """Free-form values, such as parameters: each has a text, and a number has its number too."""


class Operator(StrEnum):
    """The comparisons."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="

    @property
    def swapped(self) -> Operator:
        """The operator that says the same with its sides exchanged."""
        return _SWAPPED.get(self, self)

    @property
    def compare(self) -> Callable[[Any, Any], Any]:
        """The function of `operator` that decides it."""
        return _COMPARE[self]


_SWAPPED = {
    Operator.LT: Operator.GT,
    Operator.GT: Operator.LT,
    Operator.LE: Operator.GE,
    Operator.GE: Operator.LE,
}
_COMPARE: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """A field that every document has at most one of, such as `status`."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """A named value in a collection, such as `metrics.loss`, or one of its measures (`min`); "" is the value itself."""

    collection: str
    name: str
    measure: str = ""


Field: TypeAlias = Attribute | Member


@dataclass(frozen=True, slots=True)
class Relative:
    """A moment counted from the moment of evaluation: `now - 7d`."""

    offset: timedelta


@dataclass(frozen=True, slots=True)
class Parameter:
    """A place that an executor fills with a value later, so that one prepared statement serves many searches."""

    name: str
    kind: Kind


Literal: TypeAlias = float | str | bool | datetime | Relative | Parameter


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`; false when a field is missing."""

    left: Field
    operator: Operator
    right: Field | Literal


@dataclass(frozen=True, slots=True)
class Membership:
    """`field [not] in (values)`; false when the field is missing, negated or not."""

    field: Field
    values: tuple[Literal, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """`field [not] like pattern`, or `ilike` when `fold`; false when the field is missing, negated or not."""

    field: Field
    pattern: str | Parameter
    fold: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsNull:
    """`field is null`: the field is missing; negated: it is there."""

    field: Field
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsNan:
    """`field is nan`: it is there and not a number; negated: it is there and a number."""

    field: Field
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """True when the term is false."""

    term: Expression


@dataclass(frozen=True, slots=True)
class And:
    """True when all terms are."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when a term is."""

    terms: tuple[Expression, ...]


Expression: TypeAlias = Comparison | Membership | Like | IsNull | IsNan | Not | And | Or


@dataclass(frozen=True, slots=True)
class Order:
    """One term of an order."""

    field: Field
    descending: bool = False


def all_of(*expressions: Expression | None) -> Expression | None:
    """Join conditions by AND, leaving out those that are None.

    Example:
        >>> in_project = Comparison(Attribute("project"), Operator.EQ, "default")
        >>> all_of(in_project, None) is in_project
        True
    """
    terms = tuple(expression for expression in expressions if expression is not None)
    return And(terms) if len(terms) > 1 else terms[0] if terms else None
