"""The manager of tests that the commands work on, and the arguments and options that many of them share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli.databases import existing_database
from mlops.cli.files import read_document

if TYPE_CHECKING:
    from mlops.ab_testing import ABTestConfig
    from mlops.ab_testing.service import ABTestManagerService

__all__ = [
    "ProjectOption",
    "ReasonOption",
    "ResultsDirOption",
    "TestArgument",
    "find_test",
    "open_manager",
    "open_new_manager",
    "read_design",
]

TestArgument = Annotated[
    str, typer.Argument(metavar="TEST", help="A test: its id, the end of its id, or its name where only one has it.")
]
ProjectOption = Annotated[str | None, typer.Option(help="Project of the tests. (default: all)")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it stands in the test's history.")]
ResultsDirOption = Annotated[
    str, typer.Option("--results-dir", help="Folder of final reports; each test has one in it.")
]

_MOST = 1000  # tests among which a name or the end of an id is looked for


@contextmanager
def open_manager(database: str | None, results_dir: str = "./ab_tests") -> Iterator[ABTestManagerService]:
    """Open the tests of a database, and close them after the block.

    Raises:
        DatabaseNotFound: It is a SQLite file that does not exist.
    """
    hint = "Create a test there first: mlops ab create DESIGN, or name another by --database."
    with open_new_manager(existing_database(database, hint=hint), results_dir) as manager:
        yield manager


@contextmanager
def open_new_manager(
    database: str | None, results_dir: str = "./ab_tests", *, registry: Any = None
) -> Iterator[ABTestManagerService]:
    """Open the tests of a database that need not exist, and close them after the block."""
    from mlops.ab_testing import ABTestManager

    with closing(ABTestManager(database, results_dir, registry=registry).sync) as manager:
        yield manager


def find_test(manager: ABTestManagerService, word: str) -> ABTestConfig:
    """Return the test that a word names.

    Raises:
        ABTestNotFound: There is none.
        AmbiguousName: Several have this name, or an id that ends so.
    """
    from mlops.ab_testing import ABTestNotFound
    from mlops.cli.errors import AmbiguousName

    try:
        return manager.get_test_config(word)
    except ABTestNotFound:
        found = [one for one in manager.list_tests(limit=_MOST) if one.name == word or one.test_id.endswith(word)]
        if not found:
            raise
    if len(found) > 1:
        raise AmbiguousName(word, kind="test", candidates=[f"{one.test_id}  {one.name}" for one in found[:10]])
    return found[0]


def read_design(file: Path) -> ABTestConfig:
    """Return the design that a JSON file holds.

    Raises:
        InvalidInput: It cannot be read, holds something else, or has a field that no design has.
    """
    from mlops.ab_testing import ABTestConfig
    from mlops.ab_testing.entities import SERVER_FIELDS

    found = read_document(file, expected="an object with a design's fields")
    return ABTestConfig(**{name: value for name, value in found.items() if name not in SERVER_FIELDS})
