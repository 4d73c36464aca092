"""Regular expressions of schemas and rules, in the syntax of the engine that runs them: Rust's regex crate."""

from __future__ import annotations

__all__ = ["full_match", "pattern_problem"]


def full_match(pattern: str) -> str:
    """Return the pattern that matches a text only as a whole."""
    return rf"\A(?:{pattern})\z"


def pattern_problem(pattern: str) -> str:
    """Return why a pattern does not compile; empty when it does.

    Example:
        >>> pattern_problem("[a-z"), pattern_problem("[a-z]+")
        ('unclosed character class', '')
    """
    import polars as pl

    for tried in (pattern, full_match(pattern)):
        try:
            pl.Series([""]).str.contains(tried)
        except pl.exceptions.ComputeError as error:
            return str(error).split("error: ")[-1].split("\n")[0]
    return ""
