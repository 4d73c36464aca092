"""`mlops ab report`: what was found, on the terminal, as a page and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops.cli import output
from mlops.cli.ab.access import TestArgument, find_test, open_manager
from mlops.cli.files import write_file
from mlops.cli.options import DatabaseOption, JsonOption
from mlops.errors import InvalidInput

if TYPE_CHECKING:
    from mlops.ab_testing import ABTestReport

__all__ = ["report", "write_files"]

_PICTURES = (".png", ".svg", ".pdf")


def report(
    test: TestArgument,
    *,
    html: Annotated[Path | None, typer.Option(help="Also write it as a page to this file.", show_default=False)] = None,
    png: Annotated[
        Path | None, typer.Option(help="Also draw it to this file: .png, .svg or .pdf.", show_default=False)
    ] = None,
    dark: Annotated[bool, typer.Option("--dark", help="Draw the picture in dark colours.")] = False,
    final: Annotated[bool, typer.Option("--final", help="The report as it was when the test was stopped.")] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report what a test has found: verdict, differences with intervals, guardrails, traffic, labels."""
    from mlops.cli.ab.report_page import comparison_heads, comparison_rows, report_page

    _check_picture(png)
    with open_manager(database) as manager:
        test_id = find_test(manager, test).test_id
        found = manager.get_final_report(test_id) if final else manager.get_report(test_id)
    written = write_files(found, html=html, png=png, dark=dark)
    if as_json:
        output.write_json(found.to_document())
    elif output.is_terminal():
        output.write_rendered(*report_page(found))
    else:
        output.write_table(comparison_heads(), comparison_rows(found))
    for path in written:
        output.write_note(f"Wrote {path}")


def write_files(
    found: ABTestReport, *, html: Path | None = None, png: Path | None = None, dark: bool = False
) -> list[Path]:
    """Write a report as a page and as a picture, making folders on the way; return what was written."""
    written: list[Path] = []
    if html is not None:
        from mlops.ab_testing.report_html import to_html

        write_file(to_html(found), html)
        written.append(html)
    if png is not None:
        from mlops.ab_testing.report_png import to_picture

        content = to_picture(found, png.suffix.lower().lstrip("."), theme="dark" if dark else "light")
        write_file(content, png)
        written.append(png)
    return written


def _check_picture(png: Path | None) -> None:
    """Refuse a file that no picture can be, before anything is computed."""
    if png is not None and png.suffix.lower() not in _PICTURES:
        raise InvalidInput(f"--png {png} names no picture. Let it end in {', '.join(_PICTURES)}.")
