"""Cuts the text of a rule into tokens; what cannot be one is explained by the sign at which it stopped."""

from __future__ import annotations

import re
from typing import NamedTuple

from mlops.data_pipeline.errors import RuleError

__all__ = ["LONGEST_TEXT", "Token", "tokenize"]

LONGEST_TEXT = 4_000
"""Characters that the expression of a rule may have."""

_TOKEN = re.compile(
    r"""
      (?P<number> (?: [0-9]+ \.? [0-9]* | \.[0-9]+ ) (?:[eE][+-]?[0-9]+)? (?![\w.]) )
    | (?P<name>   [^\W\d] [\w.]* )
    | (?P<quoted> `[^`]+` )
    | (?P<text>   '[^']*(?:''[^']*)*' | "[^"]*(?:""[^"]*)*" )
    | (?P<sign>   <= | >= | <> | != | == | [=<>(),+*/-] )
    """,
    re.VERBOSE,
)
_SPACE = re.compile(r"\s*")
_EXPLAINED = {
    "'": "this text has no closing quote; a quote inside a text is doubled: 'it''s'",
    '"': 'this text has no closing quote; a quote inside a text is doubled: "5"" pipe"',
    "`": "this name has no closing backtick",
    "&": "write 'and'",
    "|": "write 'or'",
    "!": "write 'not', or != for unequal",
    "[": "a list of values stands in parentheses: status in ('ok', 'review')",
    "%": "there is no remainder; the signs of arithmetic are + - * /",
}


class Token(NamedTuple):
    """A piece of the text: its kind (`number`, `name`, `quoted`, `text`, `sign`, `end`) and where it begins, from 1."""

    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """The token in small letters when it is a bare name, to be compared with keywords; else an empty string."""
        return self.text.lower() if self.kind == "name" else ""

    @property
    def content(self) -> str:
        """The text within the quotes, doubled ones made single."""
        quote = self.text[0]
        return self.text[1:-1].replace(quote * 2, quote)

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text)


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a rule, the last of kind `end`.

    Raises:
        RuleError: The text is too long, or a sign cannot stand where it does.
    """
    if len(text) > LONGEST_TEXT:
        raise RuleError(text, LONGEST_TEXT, f"the rule has more than {LONGEST_TEXT} characters; make it several rules")
    tokens, at = [], _SPACE.match(text).end()  # type: ignore[union-attr]  # it matches anywhere
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise RuleError(text, at + 1, _EXPLAINED.get(text[at], f"{text[at]!r} cannot stand here"))
        tokens.append(Token(str(found.lastgroup), found.group(), at + 1))
        at = _SPACE.match(text, found.end()).end()  # type: ignore[union-attr]
    return [*tokens, Token("end", "", len(text) + 1)]
