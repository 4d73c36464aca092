"""Options that several commands share, worded once."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from mlops.errors import InvalidInput

__all__ = ["CsvOption", "DatabaseOption", "JsonOption", "OnlyDifferencesOption", "parse_duration"]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="URL of the database. (default: the configured one)", show_default=False),
]
OnlyDifferencesOption = Annotated[bool, typer.Option("--only-differences", help="Leave out what is the same in all.")]
CsvOption = Annotated[Path | None, typer.Option("--csv", help="Also write the table to this file.")]

_DURATION = re.compile(r"(\d{1,6}(?:\.\d+)?)\s*(s|m|min|h|d|w)?")
_UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(text: str) -> timedelta:
    """Read a duration such as `30d`, `12h`, `1.5h`, `10min`; a bare number means days.

    Raises:
        InvalidInput: It cannot be read.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"{text!r} is not a duration. Write a number and s, min, h, d or w, such as 30d.")
    return timedelta(**{_UNITS[found[2] or "d"]: float(found[1])})
