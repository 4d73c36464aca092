"""The patterns of LIKE: `%` stands for any text, `_` for one character, `\\` makes the next character ordinary."""

from __future__ import annotations

import string
from collections.abc import Iterator

__all__ = ["fold_ascii", "matches", "pattern_problem", "to_glob"]

_ANY, _ONE = object(), object()
_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_GLOB_SPECIAL = "*?["


def pattern_problem(pattern: str) -> str:
    """Return what is wrong with a pattern, or an empty string."""
    trailing = len(pattern) - len(pattern.rstrip("\\"))
    return r"the pattern ends with a lone \; write \\ for a backslash" if trailing % 2 else ""


def fold_ascii(text: str) -> str:
    """Return the text with A–Z as a–z; other letters keep their case, as in the databases."""
    return text.translate(_FOLD)


def to_glob(pattern: str) -> str:
    r"""Write a pattern for SQLite's GLOB, its only case-sensitive match.

    Example:
        >>> to_glob(r"50\%_*%")
        '50%?[*]*'
    """
    return "".join("*" if piece is _ANY else "?" if piece is _ONE else _literal(str(piece)) for piece in _read(pattern))


def _literal(sign: str) -> str:
    return f"[{sign}]" if sign in _GLOB_SPECIAL else sign


def matches(pattern: str, text: str, *, fold: bool = False) -> bool:
    """Tell whether a whole text is like the pattern; `fold` ignores the case of A–Z.

    Takes at most len(pattern) × len(text) steps: on a mismatch only the last `%` is stretched.
    """
    pieces = list(_read(fold_ascii(pattern) if fold else pattern))
    signs = fold_ascii(text) if fold else text
    at = piece = 0
    star, stretched = -1, 0
    while at < len(signs):
        if piece < len(pieces) and pieces[piece] is _ANY:
            star, stretched, piece = piece, at, piece + 1
        elif piece < len(pieces) and (pieces[piece] is _ONE or pieces[piece] == signs[at]):
            piece, at = piece + 1, at + 1
        elif star >= 0:
            stretched += 1
            piece, at = star + 1, stretched
        else:
            return False
    return all(left is _ANY for left in pieces[piece:])


def _read(pattern: str) -> Iterator[object]:
    signs = iter(pattern)
    for sign in signs:
        if sign == "\\":
            yield next(signs, "\\")
        else:
            yield _ANY if sign == "%" else _ONE if sign == "_" else sign
