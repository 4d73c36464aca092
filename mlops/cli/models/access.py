"""The registry that the commands work on, and the arguments and options that many of them share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from mlops.cli.databases import existing_database
from mlops.errors import InvalidInput

if TYPE_CHECKING:
    from mlops.model_registry import ModelRegistryService

__all__ = [
    "ModelArgument",
    "ProjectOption",
    "Reference",
    "ReferenceArgument",
    "RegistryPathOption",
    "VersionArgument",
    "open_new_registry",
    "open_registry",
    "read_reference",
]

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Id of a model.")]
ReferenceArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL[@VERSION]",
        help="A model's version: its number, an alias, a status or `latest`. (default: the one in production, else "
        "the latest)",
    ),
]
VersionArgument = Annotated[
    str, typer.Argument(metavar="VERSION", help="A version: its number, an alias, a status or `latest`.")
]
ProjectOption = Annotated[str | None, typer.Option(help="Project of the models. (default: the configured one)")]
RegistryPathOption = Annotated[
    str | None,
    typer.Option(
        "--registry-path",
        help="Folder or URL of the models' files. (default: the configured one)",
        show_default=False,
    ),
]


class Reference(NamedTuple):
    """A model and what names one of its versions; None for the one in production, else the latest."""

    model_id: str
    version: str | None


def read_reference(word: str) -> Reference:
    """Read `MODEL` or `MODEL@VERSION`; what follows the last @ is the version.

    Raises:
        InvalidInput: One of the two is missing.

    Example:
        >>> read_reference("triage@1.2.0"), read_reference("triage")
        (Reference(model_id='triage', version='1.2.0'), Reference(model_id='triage', version=None))
    """
    model_id, at, version = word.rpartition("@")
    if not at:
        return Reference(word, None)
    if not model_id or not version:
        raise InvalidInput(f"{word!r} names no version of a model. Write it as triage@1.2.0, or the model's id alone.")
    return Reference(model_id, version)


@contextmanager
def open_registry(
    database: str | None, registry_path: str | None, project: str | None
) -> Iterator[ModelRegistryService]:
    """Open a project's models in a database, and close them after the block.

    Raises:
        DatabaseNotFound: It is a SQLite file that does not exist.
    """
    hint = "Register a model there first, as `mlops demo` shows, or name another by --database."
    with open_new_registry(existing_database(database, hint=hint), registry_path, project) as registry:
        yield registry


@contextmanager
def open_new_registry(
    database: str | None, registry_path: str | None, project: str | None
) -> Iterator[ModelRegistryService]:
    """Open a project's models in a database that need not exist, and close them after the block."""
    from mlops.model_registry import ModelRegistryService

    with closing(ModelRegistryService(registry_path, database, project=project)) as registry:
        yield registry
