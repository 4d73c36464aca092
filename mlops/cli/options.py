"""Options that several commands share, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["CsvOption", "CursorOption", "DatabaseOption", "JsonOption", "OnlyDifferencesOption"]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="URL of the database. (default: the configured one)", show_default=False),
]
OnlyDifferencesOption = Annotated[bool, typer.Option("--only-differences", help="Leave out what is the same in all.")]
CsvOption = Annotated[Path | None, typer.Option("--csv", help="Also write the table to this file.")]
CursorOption = Annotated[str | None, typer.Option(help="Go on where an earlier list ended.")]
