"""`mlops features get`: what features of entities are now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.features.access import ProjectOption, StoreDirOption, open_store, read_entity
from mlops.cli.options import DatabaseOption, JsonOption
from mlops.cli.output import Cell

if TYPE_CHECKING:
    from mlops.feature_store import OnlineFeatures

__all__ = ["get"]

_STYLES = {"present": "", "stale": "yellow", "missing": "dim"}


def get(
    features: Annotated[list[str], typer.Argument(metavar="VIEW:FEATURE...", help="Features; * for all of a view.")],
    *,
    entity: Annotated[
        list[str], typer.Option(metavar="KEY=VALUE", help="An entity, several keys with commas; may be repeated.")
    ],
    project: ProjectOption = None,
    database: DatabaseOption = None,
    store_dir: StoreDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read features of entities from the online store; stale values are marked, missing ones are empty."""
    with open_store(database, store_dir, project) as store:
        types = {name: str(kind) for one in store.list_entities() for name, kind in one.join_keys.items()}
        entities = [read_entity(words, types) for words in entity]
        found = store.get_online_features(entities, features)
    if as_json:
        output.write_json({"entities": [_document(entities[at], found, at) for at in range(len(found))]})
        return
    rows = [[entity[at], *_cells(found, at)] for at in range(len(found))]
    output.write_table(["entity", *found.names], rows)
    if any("stale" in statuses for statuses in found.statuses):
        output.write_note("Values marked with * are older than the TTL of their view; materialise it.")


def _document(entity: dict[str, Any], found: OnlineFeatures, at: int) -> dict[str, Any]:
    statuses = {name: str(status) for name, status in found.status(at).items()}
    return {"entity": entity, "features": found[at], "statuses": statuses}


def _cells(found: OnlineFeatures, at: int) -> list[Cell]:
    pairs = zip(found.values[at], found.statuses[at], strict=True)
    return [Cell(value, _shown(value, str(status)), _STYLES[status]) for value, status in pairs]


def _shown(value: Any, status: str) -> str:
    text = "–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"{text}*" if status == "stale" else text
