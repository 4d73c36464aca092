"""Reads the text of a rule into its syntax tree, by recursive descent: one method a level of precedence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from mlops.data_pipeline.errors import RuleError
from mlops.data_pipeline.rule_language.lexer import Token, tokenize
from mlops.data_pipeline.rule_language.syntax import (
    Binary,
    Call,
    Column,
    Compare,
    IsNull,
    Kind,
    Literal,
    Logic,
    Member,
    Node,
    Not,
)

__all__ = ["parse_rule"]

_MOST_TOKENS = 600  # keeps the tree shallow enough for every recursive walk over it
_DEEPEST = 40
_COMPARISONS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": "==", "==": "==", "!=": "!=", "<>": "!="}
_WORDS = frozenset({"and", "or", "not", "in", "is", "null", "none"})
_LARGEST = 2**63


def parse_rule(text: str) -> Node:
    """Return the syntax tree of a rule; whether its types go together is not looked at here.

    Raises:
        RuleError: It cannot be read; the error says where and why.
    """
    tokens = tokenize(text)
    if len(tokens) > _MOST_TOKENS:
        raise RuleError(text, tokens[_MOST_TOKENS].at, f"more than {_MOST_TOKENS} parts; make it several rules")
    return _Parser(text, tokens).whole()


class _Parser:
    def __init__(self, text: str, tokens: list[Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._either()
        if self._peek.kind != "end":
            raise self._error(f"expected an operator or the end, not {self._peek}")
        return node

    @property
    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._peek
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _error(self, reason: str, at: int | None = None) -> RuleError:
        return RuleError(self._text, self._peek.at if at is None else at, reason)

    def _sign(self, sign: str) -> Token:
        if self._peek.kind != "sign" or self._peek.text != sign:
            raise self._error(f"expected {sign!r}, not {self._peek}")
        return self._take()

    def _either(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f"more than {_DEEPEST} levels of parentheses; make it several rules")
        node = self._joined("or", lambda: self._joined("and", self._denied))
        self._depth -= 1
        return node

    def _joined(self, word: str, read: Callable[[], Node]) -> Node:
        conditions, at = [read()], self._peek.at
        while self._peek.word == word:
            self._take()
            conditions.append(read())
        return conditions[0] if len(conditions) == 1 else Logic(at, word, tuple(conditions))

    def _denied(self) -> Node:
        denials = []
        while self._peek.word == "not":
            denials.append(self._take().at)
        node = self._comparison()
        for at in reversed(denials):
            node = Not(at, node)
        return node

    def _comparison(self) -> Node:
        first, at = self._sum(), self._peek.at
        if self._peek.word == "is":
            return self._is_null(first)
        if self._peek.word in {"in", "not"}:
            return self._member(first)
        found: list[Node] = []
        while self._peek.kind == "sign" and self._peek.text in _COMPARISONS:
            token = self._take()
            second = self._sum()
            found.append(Compare(token.at, _COMPARISONS[token.text], first, second))
            first = second
        return first if not found else found[0] if len(found) == 1 else Logic(at, "and", tuple(found))

    def _is_null(self, operand: Node) -> Node:
        at = self._take().at
        is_denied = self._peek.word == "not" and bool(self._take())
        if self._peek.word not in {"null", "none"}:
            raise self._error(f"expected 'null' after 'is', not {self._peek}")
        self._take()
        return Not(at, IsNull(at, operand)) if is_denied else IsNull(at, operand)

    def _member(self, operand: Node) -> Node:
        at, is_denied = self._peek.at, self._take().word == "not"
        if is_denied and self._take().word != "in":
            raise self._error("expected 'in' after 'not'", at)
        self._sign("(")
        values = [self._listed()]
        while self._peek.text == ",":
            self._take()
            values.append(self._listed())
        self._sign(")")
        member = Member(at, operand, tuple(values))
        return Not(at, member) if is_denied else member

    def _listed(self) -> Literal:
        at, node = self._peek.at, self._negated()
        if not isinstance(node, Literal):
            raise self._error("a list holds values written out, such as 'ok' or 3", at)
        return node

    def _sum(self) -> Node:
        return self._arithmetic("+-", lambda: self._arithmetic("*/", self._negated))

    def _arithmetic(self, signs: str, read: Callable[[], Node]) -> Node:
        node = read()
        while self._peek.kind == "sign" and self._peek.text in signs:
            token = self._take()
            node = Binary(token.at, token.text, node, read())
        return node

    def _negated(self) -> Node:
        signs = []
        while self._peek.kind == "sign" and self._peek.text == "-":
            signs.append(self._take().at)
        node = self._primary()
        for at in reversed(signs):
            node = _minus(at, node)
        return node

    def _primary(self) -> Node:
        token = self._take()
        match token.kind:
            case "number":
                return self._number(token)
            case "text":
                return Literal(token.at, token.content, Kind.TEXT)
            case "quoted":
                return Column(token.at, token.text[1:-1])
            case "name" if token.word not in _WORDS:
                return self._named(token)
            case "sign" if token.text == "(":
                node = self._either()
                self._sign(")")
                return node
        raise self._error(_unexpected(token), token.at)

    def _number(self, token: Token) -> Literal:
        if not token.text.isdigit():
            return Literal(token.at, self._finite(token), Kind.FLOAT)
        if int(token.text) >= _LARGEST:
            raise self._error("a whole number beyond 64 bits; write it with a point for a double", token.at)
        return Literal(token.at, int(token.text), Kind.INTEGER)

    def _finite(self, token: Token) -> float:
        number = float(token.text)
        if number in {float("inf"), float("-inf")}:
            raise self._error("a number beyond what a double can hold", token.at)
        return number

    def _named(self, token: Token) -> Node:
        if self._peek.kind == "sign" and self._peek.text == "(":
            return self._call(token)
        if token.word in {"true", "false"}:
            return Literal(token.at, token.word == "true", Kind.BOOLEAN)
        return Column(token.at, token.text)

    def _call(self, token: Token) -> Node:
        self._sign("(")
        arguments = [] if self._peek.text == ")" else [self._either()]
        while self._peek.kind == "sign" and self._peek.text == ",":
            self._take()
            arguments.append(self._either())
        self._sign(")")
        name = token.word
        if name in {"date", "datetime"} and len(arguments) == 1 and isinstance(arguments[0], Literal):
            return self._moment(token, arguments[0])
        if name == "is_null" and len(arguments) == 1:
            return IsNull(token.at, arguments[0])
        return Call(token.at, name, tuple(arguments))

    def _moment(self, token: Token, written: Literal) -> Literal:
        is_date, text = token.word == "date", written.value
        try:
            if is_date:
                return Literal(token.at, date.fromisoformat(str(text)), Kind.DATE)
            moment = datetime.fromisoformat(str(text))
        except ValueError as error:
            example = "date('2024-01-31')" if is_date else "datetime('2024-01-31T08:00')"
            raise self._error(f"{text!r} is no ISO date; write {example}", written.at) from error
        return Literal(token.at, moment if moment.tzinfo is None else moment.astimezone(UTC), Kind.DATETIME)


def _minus(at: int, node: Node) -> Node:
    if isinstance(node, Literal) and isinstance(node.value, int | float) and node.kind is not Kind.BOOLEAN:
        return Literal(at, -node.value, node.kind)
    return Binary(at, "-", Literal(at, 0, Kind.INTEGER), node)


def _unexpected(token: Token) -> str:
    if token.word in {"null", "none"}:
        return "nothing is equal to null; write is_null(column)"
    if token.kind == "name":
        return f"expected a value, not the word {token}; a column of this name stands in backticks"
    return f"expected a value, a column or '(', not {token}"
