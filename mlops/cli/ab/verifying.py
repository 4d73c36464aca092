"""`mlops ab verify`: whether a test's statistics are those that its log makes."""

from __future__ import annotations

from typing import Annotated

import typer

from mlops.cli import output
from mlops.cli.ab.access import TestArgument, find_test, open_manager
from mlops.cli.options import DatabaseOption, JsonOption

__all__ = ["verify"]


def verify(
    test: TestArgument,
    *,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Replace statistics that differ by the log's.")] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a test's statistics again from its log and compare; the exit status is 1 when they differ."""
    with open_manager(database) as manager:
        test_id = find_test(manager, test).test_id
        with output.working("Reading the log"):
            found = manager.rebuild_aggregates(test_id) if rebuild else manager.verify_aggregates(test_id)
    if as_json:
        output.write_json(found.to_document())
    else:
        counted = f"{found.interactions:,} interactions and {found.labels:,} labels"
        said = "are those that its log makes" if found.is_equal else "differ from its log"
        mended = "; they were replaced" if rebuild and not found.is_equal else ""
        output.write_text(f"The statistics of test {test_id} {said}: {counted}{mended}.")
        for line in found.differences:
            output.write_text(output.printable(line))
    if not found.is_equal and not rebuild:
        raise typer.Exit(1)
