"""How facts about tests look in tables, beside those of `mlops.cli.cells`."""

from __future__ import annotations

import math

from mlops.cli.output import Cell

__all__ = ["number_cell", "tone_style", "verdict_style"]

_VERDICTS = {"better": "bold green", "worse": "bold red", "invalid": "bold yellow"}
_TONES = {"good": "green", "bad": "red", "warn": "yellow", "quiet": ""}


def verdict_style(verdict: str) -> str:
    """Return the colour of a verdict."""
    return _VERDICTS.get(verdict, "")


def tone_style(tone: str) -> str:
    """Return the colour of a tone."""
    return _TONES[tone]


def number_cell(value: float, shown: str) -> Cell:
    """Return a number that may not have been measured; programs get nothing then."""
    return Cell(None if math.isnan(value) else value, shown)
