"""Rewrites filters without changing what they mean: negations pushed down, conditions seen one by one."""

from __future__ import annotations

from mlops.search import (
    And,
    Attribute,
    Comparison,
    Expression,
    Field,
    IsNan,
    IsNull,
    Like,
    Member,
    Membership,
    Not,
    Operator,
    Or,
)

__all__ = ["conjuncts", "holds_only_for_numbers", "required", "subject"]


def conjuncts(expression: Expression | None) -> tuple[Expression, ...]:
    """Return conditions that must all hold, NOT standing only before single ones.

    Logic here has two values, so De Morgan's laws hold. Inside a condition the deepest term comes first, because
    SQLite's parser keeps every term it has not finished on a stack of a hundred.
    """
    if expression is None:
        return ()
    pushed = _push(expression, negated=False)
    return tuple(map(_deepest_first, pushed.terms if isinstance(pushed, And) else (pushed,)))


def _push(expression: Expression, *, negated: bool) -> Expression:
    match expression:
        case Not(term):
            return _push(term, negated=not negated)
        case And(terms):
            return _joined(Or if negated else And, terms, negated=negated)
        case Or(terms):
            return _joined(And if negated else Or, terms, negated=negated)
        case IsNull(field, is_negated):
            return IsNull(field, is_negated != negated)
    return Not(expression) if negated else expression


def _joined(join: type[And | Or], terms: tuple[Expression, ...], *, negated: bool) -> Expression:
    pushed: list[Expression] = []
    for term in terms:
        inner = _push(term, negated=negated)
        pushed += inner.terms if isinstance(inner, join) else (inner,)
    return join(tuple(pushed))


def _deepest_first(expression: Expression) -> Expression:
    return _by_depth(expression)[1]


def _by_depth(expression: Expression) -> tuple[int, Expression]:
    if not isinstance(expression, And | Or):
        return 0, expression
    pairs = sorted(map(_by_depth, expression.terms), key=lambda pair: -pair[0])
    return pairs[0][0] + 1, type(expression)(tuple(term for _, term in pairs))


def subject(condition: Expression) -> Field | None:
    """Return the field by which an index finds what fulfils a condition; None when none does."""
    match condition:
        case Comparison(left, operator, right) if operator is not Operator.NE and not isinstance(right, Field):
            return left
        case Membership(field, values, negated=False) if len({getattr(value, "kind", "") for value in values}) == 1:
            return field
        case IsNull(Member() as field, negated=True) | IsNan(Member() as field, negated=False):
            return field
    return None


def required(condition: Expression) -> tuple[Field, ...]:
    """Return the fields without which a condition is false."""
    match condition:
        case Comparison(left, _, Attribute() | Member() as right):
            return left, right
        case Comparison(field) | Membership(field) | Like(field) | IsNan(field) | IsNull(field, negated=True):
            return (field,)
    return ()


def holds_only_for_numbers(condition: Expression, field: Field) -> bool:
    """Tell whether a condition on a field of numbers is false for NaN."""
    match condition:
        case Comparison(left, operator, right):
            return operator is not Operator.NE and field in (left, right)
        case Membership(of, _, negated=False) | IsNan(of, negated=True):
            return of == field
    return False
