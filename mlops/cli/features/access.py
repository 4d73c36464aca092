"""The feature store that the commands work on, and the arguments and options that many of them share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli.databases import existing_database
from mlops.errors import InvalidInput

if TYPE_CHECKING:
    from mlops.feature_store import FeatureStoreService

__all__ = ["ProjectOption", "StoreDirOption", "ViewArgument", "open_store", "read_entity"]

ViewArgument = Annotated[str, typer.Argument(metavar="VIEW[@VERSION]", help="A feature view; its newest version.")]
ProjectOption = Annotated[str | None, typer.Option(help="Project of the features. (default: the configured one)")]
StoreDirOption = Annotated[
    str | None,
    typer.Option(
        "--store-dir",
        help="Folder or URL of the feature store's files. (default: the configured one)",
        show_default=False,
    ),
]


@contextmanager
def open_store(database: str | None, store_dir: str | None, project: str | None) -> Iterator[FeatureStoreService]:
    """Open a project's features in a database, and close them after the block.

    Raises:
        DatabaseNotFound: It is a SQLite file that does not exist.
    """
    from mlops.feature_store import FeatureStoreService

    hint = "Apply a feature view there first: store.apply_view(view); or name another by --database."
    url = existing_database(database, hint=hint)
    with closing(FeatureStoreService(store_dir, url, project=project)) as store:
        yield store


def read_entity(words: str, types: Mapping[str, str]) -> dict[str, Any]:
    """Read `sample_id=S-1`, or `patient=7,site=north` where several keys say which one is meant.

    Args:
        types: The type of each join key, `string` or `integer`; what is none is read as JSON, else as text.

    Raises:
        InvalidInput: It cannot be read.

    Example:
        >>> read_entity("patient=7,site=north", {"patient": "integer", "site": "string"})
        {'patient': 7, 'site': 'north'}
    """
    found: dict[str, Any] = {}
    for part in words.split(","):
        name, equals, text = part.partition("=")
        if not equals or not name:
            raise InvalidInput(f"{words!r} names no entity. Write it as sample_id=S-1, several keys with commas.")
        found[name] = _value(name, text, types.get(name))
    return found


def _value(name: str, text: str, kind: str | None) -> Any:
    if kind == "string":
        return text
    try:
        return int(text) if kind == "integer" else json.loads(text)
    except ValueError as error:
        if kind == "integer":
            raise InvalidInput(f"Key {name!r} is {text!r}; it is a whole number.") from error
        return text
