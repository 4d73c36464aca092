"""`mlops ab start`, `pause`, `resume` and `stop`: what becomes of a test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlops.cli import output
from mlops.cli.ab.access import ReasonOption, ResultsDirOption, TestArgument, find_test, open_manager
from mlops.cli.options import DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.ab_testing import ABTestConfig

__all__ = ["pause", "resume", "start", "stop"]


def start(test: TestArgument, *, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Start a test: users are assigned from now on, and how it is analysed is fixed."""
    with open_manager(database) as manager:
        moved = manager.start_test(find_test(manager, test).test_id)
    _report(moved, as_json=as_json)


def pause(
    test: TestArgument, *, reason: ReasonOption = "", database: DatabaseOption = None, as_json: JsonOption = False
) -> None:
    """Let no newcomers into a test until it is resumed; who has a variant keeps it."""
    with open_manager(database) as manager:
        moved = manager.pause_test(find_test(manager, test).test_id, reason)
    _report(moved, as_json=as_json)


def resume(
    test: TestArgument, *, reason: ReasonOption = "", database: DatabaseOption = None, as_json: JsonOption = False
) -> None:
    """Let a paused test go on."""
    with open_manager(database) as manager:
        moved = manager.resume_test(find_test(manager, test).test_id, reason)
    _report(moved, as_json=as_json)


def stop(
    test: TestArgument,
    *,
    reason: ReasonOption = "",
    results_dir: ResultsDirOption = "./ab_tests",
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a test; its final report is kept, and written into the results folder: JSON, a page and a picture."""
    from mlops.ab_testing.keeping import FILES, folder_of

    with open_manager(database, results_dir) as manager:
        found = manager.stop_test(find_test(manager, test).test_id, reason)
    if as_json:
        output.write_json(found.to_document())
    else:
        output.write_text(output.printable(f"Test {found.test_id} is {found.status}: {found.conclusion}"))
    folder = folder_of(Path(results_dir), found.test_id)
    for path in (folder / name for name in FILES):
        if path.exists():  # a folder that cannot be written to keeps no test from ending
            output.write_note(f"Wrote {path}")


def _report(test: ABTestConfig, *, as_json: bool) -> None:
    if as_json:
        output.write_json(test.to_document())
    elif output.is_terminal():
        output.write_text(output.printable(f"Test {test.test_id} ({test.name}) is {test.status}."))
    else:
        output.write_text(f"{test.test_id}\t{test.status}")
