"""Cuts the text of a filter or an order into tokens.

One regular expression does the work; what it cannot take is explained by the sign at which it stopped.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from mlops.search.errors import SearchSyntaxError

__all__ = ["LONGEST_TEXT", "Token", "TokenKind", "tokenize"]

LONGEST_TEXT = 10_000
"""Characters that a filter or an order may have."""


class TokenKind(StrEnum):
    """What a token is."""

    NAME = "name"
    TEXT = "text"
    NUMBER = "number"
    DURATION = "duration"
    SIGN = "sign"
    END = "end"


class Token(NamedTuple):
    """A piece of the text and the column (from 1) at which it begins."""

    kind: TokenKind
    text: str
    column: int

    @property
    def word(self) -> str:
        """The token in small letters when it is a name, to be compared with keywords; else an empty string."""
        return self.text.lower() if self.kind is TokenKind.NAME else ""

    def __str__(self) -> str:
        return "the end" if self.kind is TokenKind.END else self.text


_TOKEN = re.compile(
    r"""
      (?P<duration> [0-9]+ (?:\.[0-9]+)? [smhdw] (?![\w.]) )
    | (?P<number>   (?: [0-9]+ \.? [0-9]* | \.[0-9]+ ) (?:[eE][+-]?[0-9]+)? (?![\w.]) )
    | (?P<name>     [^\W\d] [\w/.]* (?: (?<=\.) (?: `[^`]*(?:``[^`]*)*` | "[^"]*(?:""[^"]*)*" ) )? )
    | (?P<text>     '[^']*(?:''[^']*)*' )
    | (?P<sign>     <= | >= | <> | != | == | [=<>(),+-] )
    """,
    re.VERBOSE,
)
_SPACE = re.compile(r"\s*")
_EXPLAINED = {
    "'": "this text has no closing quote; a quote inside a text is doubled: 'it''s'",
    '"': "double quotes hold a name after a dot, as in metrics.\"val acc\"; a text stands in single quotes: 'draft'",
    "`": "backticks hold a name after a dot, as in metrics.`val acc`, and come in pairs",
    "!": "expected != here",
    "&": "write AND",
    "|": "write OR",
}


def tokenize(text: str) -> list[Token]:
    """Cut a text into tokens, the last of which is of kind END.

    Raises:
        SearchSyntaxError: A sign that begins no token, a quote that is not closed, or too long a text.
    """
    if len(text) > LONGEST_TEXT:
        reason = f"the text has {len(text):,} characters, and {LONGEST_TEXT:,} are allowed"
        raise SearchSyntaxError(text, LONGEST_TEXT + 1, reason)
    _refuse_unstorable(text)
    tokens: list[Token] = []
    at = _skip_space(text, 0)
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise SearchSyntaxError(text, at + 1, _explain(text, at))
        tokens.append(Token(TokenKind(match.lastgroup or ""), match.group(), at + 1))
        at = _skip_space(text, match.end())
    tokens.append(Token(TokenKind.END, "", len(text.rstrip()) + 1))
    return tokens


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _refuse_unstorable(text: str) -> None:
    """No database holds these in a text, so that nothing could ever equal them."""
    if text.isascii() and "\0" not in text:
        return
    for at, sign in enumerate(text):
        if sign == "\0" or "\ud800" <= sign <= "\udfff":
            raise SearchSyntaxError(text, at + 1, f"the character {sign!r} cannot be part of a search")


def _explain(text: str, at: int) -> str:
    sign = text[at]
    if sign.isdigit() or sign == ".":
        return "this is not a number; a text stands in single quotes"
    return _EXPLAINED.get(sign, f"unexpected {sign!r}")
