"""`mlops models alias`: names that stand for versions."""

from __future__ import annotations

from typing import Annotated

import typer

from mlops.cli import output
from mlops.cli.models.access import ModelArgument, ProjectOption, RegistryPathOption, open_registry
from mlops.cli.options import DatabaseOption, JsonOption
from mlops.errors import InvalidInput

__all__ = ["alias"]


def alias(
    model: ModelArgument,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The alias, such as champion.")] = None,
    version: Annotated[str | None, typer.Argument(metavar="[VERSION]", help="The version it is to stand for.")] = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Take the alias away.")] = False,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    registry_path: RegistryPathOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a version another name, take one away, or list the aliases of a model."""
    _check(name, version, remove=remove)
    with open_registry(database, registry_path, project) as registry:
        if name is not None and remove:
            registry.remove_alias(model, name)
        elif name is not None and version is not None:
            registry.set_alias(model, name, version)
        aliases = registry.list_aliases(model)
    if as_json:
        output.write_json({"model_id": model, "aliases": aliases})
    elif aliases or not output.is_terminal():
        output.write_table(["alias", "version"], sorted(aliases.items()))
    if not aliases and not as_json:
        output.write_note(f"{model} has no aliases.")


def _check(name: str | None, version: str | None, *, remove: bool) -> None:
    """Refuse words that do not go together.

    Raises:
        InvalidInput: A version is missing, or is there beside `--remove`.
    """
    if remove and (name is None or version is not None):
        raise InvalidInput("--remove takes an alias and no version: mlops models alias MODEL NAME --remove")
    if not remove and name is not None and version is None:
        raise InvalidInput(f"Which version is {name!r} to stand for? Name it after the alias, or say --remove.")
