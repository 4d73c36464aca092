"""Reads filters and orders: recursive descent over the tokens, with every check that needs the column at hand.

The grammar, keywords in any case:

    filter     = all { OR all }
    all        = negation { AND negation }
    negation   = NOT negation | "(" filter ")" | condition
    condition  = value operator value                       operator: = == != <> < <= > >=
               | field [NOT] IN "(" literal { "," literal } ")"
               | field [NOT] (LIKE | ILIKE) text
               | field IS [NOT] (NULL | NAN)
    field      = name | collection.name | measure(collection.name)
    literal    = number | 'text' | TRUE | FALSE | INF | NOW { (+|-) duration }
    order      = field [ASC | DESC] { "," field [ASC | DESC] }
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NoReturn, TypeVar

from mlops.search.errors import SearchSyntaxError
from mlops.search.fields import FieldReader
from mlops.search.lexer import TokenKind
from mlops.search.literals import fitted, kinds_meet, spell
from mlops.search.patterns import pattern_problem
from mlops.search.syntax import (
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
    Operator,
    Or,
    Order,
)
from mlops.search.vocabulary import Vocabulary

__all__ = ["DEEPEST_NESTING", "MOST_CONDITIONS", "MOST_ORDERS", "parse_filter", "parse_order"]

DEEPEST_NESTING = 50
"""Levels of parentheses and NOT that a filter may have, so that no executor runs out of stack."""

MOST_CONDITIONS = 200
"""Conditions that a filter may have; `in (…)` with any number of values is one."""

MOST_ORDERS = 8
"""Fields that an order may have."""

_OPERATORS = {**{operator.value: operator for operator in Operator}, "==": Operator.EQ, "<>": Operator.NE}
_EXPECTED_OPERATOR = "expected an operator (=, !=, <, <=, >, >=), in, like, ilike or is null after {field}"

T = TypeVar("T", And, Or)


def parse_filter(text: str | None, vocabulary: Vocabulary) -> Expression | None:
    """Read a filter; None for an empty one.

    Raises:
        SearchSyntaxError: It cannot be read; the message points at the column.

    Example:
        >>> runs = Vocabulary({"status": Kind.TEXT})
        >>> parse_filter("status = 'failed'", runs)
        Comparison(left=Attribute(name='status'), operator=<Operator.EQ: '='>, right='failed')
    """
    if text is None or not text.strip():
        return None
    return _read_filter(text, vocabulary)


@lru_cache(maxsize=256)
def _read_filter(text: str, vocabulary: Vocabulary) -> Expression:
    """Dashboards and pages ask the same again and again."""
    return _FilterParser(text, vocabulary).parse()


def parse_order(order_by: str | Sequence[str] | None, vocabulary: Vocabulary) -> tuple[Order, ...]:
    """Read an order, given as one text or as a list of them; the vocabulary's own when there is none.

    A field that comes twice counts where it comes first.

    Raises:
        SearchSyntaxError: It cannot be read; the message points at the column.
    """
    text = order_by if isinstance(order_by, str) else ", ".join(order_by or ())
    text = text if text.strip() else vocabulary.default_order
    return _read_order(text, vocabulary) if text else ()


@lru_cache(maxsize=256)
def _read_order(text: str, vocabulary: Vocabulary) -> tuple[Order, ...]:
    return _OrderParser(text, vocabulary).parse()


class _OrderParser(FieldReader):
    def parse(self) -> tuple[Order, ...]:
        orders: dict[Field, Order] = {}
        while True:
            start = self.token
            order = self._order()
            orders.setdefault(order.field, order)
            if len(orders) > MOST_ORDERS:
                self.fail(f"an order has at most {MOST_ORDERS} fields", start)
            if not self.accept_sign(","):
                break
        if self.token.kind is not TokenKind.END:
            self.fail("expected asc, desc, a comma or the end")
        return tuple(orders.values())

    def _order(self) -> Order:
        field = self.field()
        if self.accept_word("desc"):
            return Order(field, descending=True)
        self.accept_word("asc")
        return Order(field)


class _FilterParser(FieldReader):
    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        super().__init__(text, vocabulary)
        self._depth = 0
        self._conditions = 0

    def parse(self) -> Expression:
        expression = self._any()
        if self.token.kind is not TokenKind.END:
            self._fail_after_condition()
        return expression

    def _any(self) -> Expression:
        return self._chain("or", Or, self._all)

    def _all(self) -> Expression:
        return self._chain("and", And, self._negation)

    def _chain(self, word: str, join: type[T], read: Callable[[], Expression]) -> Expression:
        terms = [read()]
        while self.accept_word(word):
            terms.append(read())
        return join(tuple(terms)) if len(terms) > 1 else terms[0]

    def _negation(self) -> Expression:
        if self.token.word == "not":
            return Not(self._nested(self._negation))
        if self.token.text == "(":
            return self._nested(self._parenthesised)
        return self._condition()

    def _parenthesised(self) -> Expression:
        expression = self._any()
        if not self.accept_sign(")"):
            self._fail_after_condition()
        return expression

    def _nested(self, read: Callable[[], Expression]) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST_NESTING:
            self.fail(f"parentheses and NOT are nested more than {DEEPEST_NESTING} deep")
        self.advance()
        expression = read()
        self._depth -= 1
        return expression

    def _fail_after_condition(self) -> NoReturn:
        if self.token.text in _OPERATORS:
            self.fail("a comparison has two sides; write a < b and b < c for a < b < c")
        if self.token.text == ")" and not self._depth:
            self.fail("this closes no parenthesis")
        self.fail(f"expected AND, OR or {')' if self._depth else 'the end'}, not {self.token}")

    def _condition(self) -> Expression:
        start = self.token
        self._conditions += 1
        if self._conditions > MOST_CONDITIONS:
            self.fail(
                f"a filter has at most {MOST_CONDITIONS} conditions; a list of values is one: status in ('a', 'b')"
            )
        if self.at_literal():
            return self._literal_first()
        field = self.field()
        if self.token.text in _OPERATORS:
            return self._comparison(field)
        return self._worded(field, start.column)

    def _literal_first(self) -> Expression:
        start = self.token
        value = self.literal()
        if self.token.text not in _OPERATORS:
            self.fail("expected an operator such as = or < between a value and a field")
        operator = _OPERATORS[self.advance().text]
        if self.at_literal():
            self.fail("one side of a comparison must be a field, such as status or metrics.loss")
        field = self.field()
        return Comparison(field, operator.swapped, self._fit(field, value, start.column))

    def _comparison(self, field: Field) -> Expression:
        operator = _OPERATORS[self.advance().text]
        start = self.token
        if self.at_literal():
            return Comparison(field, operator, self._fit(field, self.literal(), start.column))
        other = self.field(right_of=field)
        left, right = self.vocabulary.kind(field), self.vocabulary.kind(other)
        if not kinds_meet(left, right):
            self.fail(f"{spell(field)} ({left}) cannot be compared with {spell(other)} ({right})", start)
        return Comparison(field, operator, other)

    def _fit(self, field: Field, value: Literal, column: int) -> Literal:
        try:
            return fitted(field, self.vocabulary.kind(field), value)
        except ValueError as error:
            raise SearchSyntaxError(self.text, column, str(error)) from None

    def _worded(self, field: Field, column: int) -> Expression:
        if self.accept_word("is"):
            return self._is(field, column)
        negated = self.accept_word("not")
        if self.accept_word("in"):
            return self._membership(field, negated)
        if self.token.word in ("like", "ilike"):
            return self._like(field, column, negated)
        return self._fail_after_field(field, negated=negated)

    def _fail_after_field(self, field: Field, *, negated: bool) -> NoReturn:
        expected = "expected in, like or ilike after not" if negated else _EXPECTED_OPERATOR.format(field=spell(field))
        self.fail(expected + self._quoting_hint(field))

    def _quoting_hint(self, field: Field) -> str:
        if isinstance(field, Member) and self.token.text in ("-", "+", "("):
            return f"; a name with other signs is quoted: {field.collection}.`{field.name}{self.token}…`"
        return ""

    def _is(self, field: Field, column: int) -> Expression:
        negated = self.accept_word("not")
        if self.accept_word("null"):
            return IsNull(field, negated)
        if self.token.word != "nan":
            self.fail("expected null, nan, not null or not nan after is")
        if isinstance(field, Attribute) or self.vocabulary.kind(field) is not Kind.NUMBER:
            raise SearchSyntaxError(self.text, column, f"{spell(field)} is never NaN; only metrics can be")
        self.advance()
        return IsNan(field, negated)

    def _membership(self, field: Field, negated: bool) -> Expression:
        if not self.accept_sign("("):
            self.fail("expected ( and a list of values after in")
        values = [self._listed(field)]
        while self.accept_sign(","):
            values.append(self._listed(field))
        if not self.accept_sign(")"):
            self.fail("expected a comma or ) in the list of values")
        return Membership(field, tuple(values), negated)

    def _listed(self, field: Field) -> Literal:
        start = self.token
        if not self.at_literal():
            self.fail("expected a value: a number, a text in single quotes, true, false or now - 7d")
        return self._fit(field, self.literal(), start.column)

    def _like(self, field: Field, column: int, negated: bool) -> Expression:
        fold = self.advance().word == "ilike"
        pattern = self.token
        if self.vocabulary.kind(field) not in (Kind.TEXT, Kind.MIXED):
            raise SearchSyntaxError(self.text, column, f"{spell(field)} is not a text, and like compares texts")
        if pattern.kind is not TokenKind.TEXT:
            self.fail("expected a pattern in single quotes, such as 'lab%', after like")
        text = str(self.literal())
        if problem := pattern_problem(text):
            self.fail(problem, pattern)
        return Like(field, text, fold, negated)
