"""`mlops ab create`: a design from a JSON file becomes a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from mlops.cli import output
from mlops.cli.ab.access import open_new_manager, read_design
from mlops.cli.options import DatabaseOption, JsonOption

__all__ = ["create"]


def create(
    design: Annotated[Path, typer.Argument(metavar="DESIGN", help="A JSON file with the fields of ABTestConfig.")],
    *,
    start: Annotated[bool, typer.Option("--start", help="Start it at once.")] = False,
    registry_path: Annotated[
        str | None,
        typer.Option("--registry-path", help="Folder of a registry that the versions must be in.", show_default=False),
    ] = None,
    project: Annotated[str | None, typer.Option(help="Project of the test and of the registry's models.")] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a test from a design, after checking that it can answer its question."""
    wanted = read_design(design)
    if project is not None:
        wanted = wanted.changed(project=project)
    with (
        _registry(registry_path, database, project) as registry,
        open_new_manager(database, registry=registry) as manager,
    ):
        test_id = manager.create_test(wanted)
        test = manager.start_test(test_id) if start else manager.get_test_config(test_id)
    if as_json:
        output.write_json(test.to_document())
    elif output.is_terminal():
        rest = "It runs." if start else f"Start it with: mlops ab start {test_id}"
        output.write_text(f"Test {test_id} is created. {rest}")
    else:
        output.write_text(test_id)


@contextmanager
def _registry(registry_path: str | None, database: str | None, project: str | None) -> Iterator[object]:
    """Open the registry in a folder, if one is named, and close it after the block."""
    if registry_path is None:
        yield None
        return
    from mlops.model_registry import ModelRegistry

    registry = ModelRegistry(registry_path, database, project=project)
    with closing(registry.sync):
        yield registry
