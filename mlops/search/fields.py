"""The lower half of the parser: walking the tokens, and reading fields and literals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NoReturn

from mlops.errors import did_you_mean
from mlops.search.errors import SearchSyntaxError
from mlops.search.lexer import Token, TokenKind, tokenize
from mlops.search.literals import LONGEST_OFFSET, duration
from mlops.search.syntax import Attribute, Field, Literal, Member, Relative
from mlops.search.vocabulary import Vocabulary

__all__ = ["FieldReader"]

_INFINITE = ("inf", "infinity")
_CONSTANTS = {"true": True, "false": False}
_LITERAL_WORDS = frozenset({"true", "false", "now", "null", "nan", *_INFINITE})
_KEYWORDS = _LITERAL_WORDS | {"and", "or", "not", "in", "is", "like", "ilike"}
_LITERAL_KINDS = (TokenKind.TEXT, TokenKind.NUMBER, TokenKind.DURATION)
_NO_COMPARISON = {
    "nan": "nothing compares with NaN; write: metrics.loss is nan",
    "null": "nothing compares with null; write: is null or is not null",
}


class FieldReader:
    """Reads tokens from left to right.

    Args:
        text: What to read.
        vocabulary: The fields there are.

    Attributes:
        token: The token that comes next.
    """

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text = text
        self.vocabulary = vocabulary
        self._tokens = iter(tokenize(text))
        self.token = next(self._tokens)

    def advance(self) -> Token:
        """Return the token that comes next and step over it."""
        token = self.token
        if token.kind is not TokenKind.END:
            self.token = next(self._tokens)
        return token

    def accept_word(self, word: str) -> bool:
        """Step over a keyword if it comes next."""
        if self.token.word != word:
            return False
        self.advance()
        return True

    def accept_sign(self, sign: str) -> bool:
        """Step over a sign if it comes next."""
        if self.token.kind is not TokenKind.SIGN or self.token.text != sign:
            return False
        self.advance()
        return True

    def fail(self, reason: str, token: Token | None = None) -> NoReturn:
        """Raise SearchSyntaxError at a token, by default the one that comes next."""
        raise SearchSyntaxError(self.text, (token or self.token).column, reason)

    def at_literal(self) -> bool:
        """Tell whether a literal comes next."""
        token = self.token
        return token.kind in _LITERAL_KINDS or token.word in _LITERAL_WORDS or token.text in ("+", "-")

    def literal(self) -> Literal:
        """Read a literal."""
        token = self.advance()
        if token.text in ("+", "-"):
            return self._number() * (-1 if token.text == "-" else 1)
        if token.kind is TokenKind.TEXT:
            return token.text[1:-1].replace("''", "'")
        if token.kind is TokenKind.DURATION:
            self.fail(f"a duration stands after now: now - {token}", token)
        if token.word in _NO_COMPARISON:
            self.fail(_NO_COMPARISON[token.word], token)
        if token.word in _CONSTANTS:
            return _CONSTANTS[token.word]
        return self._now() if token.word == "now" else self._finite(token)

    def _number(self) -> float:
        token = self.token
        if token.kind is not TokenKind.NUMBER and token.word not in _INFINITE:
            self.fail("expected a number after the sign")
        return self._finite(self.advance())

    def _finite(self, token: Token) -> float:
        number = float(token.text)
        if math.isinf(number) and token.word not in _INFINITE:
            self.fail("this number is beyond the range of double precision; write inf for infinity", token)
        return number

    def _now(self) -> Relative:
        offset = timedelta()
        while self.token.text in ("+", "-"):
            sign = -1 if self.advance().text == "-" else 1
            token = self.token
            step = self._duration()
            offset += sign * step
            if abs(offset) > LONGEST_OFFSET:
                self.fail("a search looks at most a hundred years back or ahead", token)
        return Relative(offset)

    def _duration(self) -> timedelta:
        if self.token.kind is not TokenKind.DURATION:
            self.fail("expected a duration such as 7d, 12h, 30m, 45s or 2w")
        step = duration(self.token.text)
        if step is None:
            self.fail("a search looks at most a hundred years back or ahead")
        self.advance()
        return step

    def field(self, *, right_of: Field | None = None) -> Field:
        """Read a field; `right_of` is the other side of the comparison, for a better message."""
        token = self.token
        if token.kind is not TokenKind.NAME or token.word in _KEYWORDS:
            wanted = "a value or a field" if right_of else "a field, such as status or metrics.loss"
            self.fail(f"expected {wanted}, not {token}")
        self.advance()
        if self.accept_sign("("):
            return self._measured(token)
        return self._named(token, right_of)

    def _measured(self, function: Token) -> Field:
        name = function.word
        if name not in self.vocabulary.measures:
            self.fail(_unknown("function", function.text, sorted(self.vocabulary.measures)), function)
        inner = self.token
        field = self.field()
        if not isinstance(field, Member) or name not in self.vocabulary.collections[field.collection].measures:
            self.fail(f"{name}() takes a field of a collection that has it, such as {name}(metrics.loss)", inner)
        if not self.accept_sign(")"):
            self.fail(f"expected ) after {inner}")
        return Member(field.collection, field.name, name)

    def _named(self, token: Token, right_of: Field | None) -> Field:
        first, dot, rest = token.text.partition(".")
        if not dot and first in self.vocabulary.attributes:
            return Attribute(first)
        if first not in self.vocabulary.collections:
            self.fail(self._unknown_field(token.text, right_of), token)
        if not rest:
            self.fail(f"{first} holds many values; say which, as in {first}.name", token)
        return Member(first, self._unquoted(rest, token))

    def _unquoted(self, name: str, token: Token) -> str:
        quote = name[-1]
        if quote not in '`"':
            return name
        if name[0] != quote:
            self.fail("quote the whole name after the first dot", token)
        if len(name) == 2:
            self.fail("the name between the quotes is empty", token)
        return name[1:-1].replace(quote * 2, quote)

    def _unknown_field(self, name: str, right_of: Field | None) -> str:
        if right_of is not None and "." not in name:
            return f"there is no field {name!r}; if it is a text, write it in single quotes: '{name}'"
        first, dot, _ = name.partition(".")
        if dot:
            return _unknown("collection", first, list(self.vocabulary.collections))
        known = [*self.vocabulary.attributes, *self.vocabulary.collections]
        return _unknown("field", name, known)


def _unknown(kind: str, name: str, known: Sequence[str]) -> str:
    shown = name if len(name) <= 60 else name[:59] + "…"
    return f"there is no {kind} {shown!r}. {did_you_mean(shown, known) or _list(known)}"


def _list(known: Iterable[str]) -> str:
    names = ", ".join(known)
    return f"There are {names}." if names else "There are none."
