"""`mlops models card`: what a person must know of a version before using it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops.cli import output
from mlops.cli.files import write_file
from mlops.cli.models.access import (
    ProjectOption,
    ReferenceArgument,
    RegistryPathOption,
    open_registry,
    read_reference,
)
from mlops.cli.options import DatabaseOption, JsonOption
from mlops.errors import InvalidInput

if TYPE_CHECKING:
    from mlops.model_registry import ModelRegistryService

__all__ = ["write_card"]

_HTML = {".html", ".htm"}
_MARKDOWN = {".md", ".markdown"}


def write_card(
    model: ReferenceArgument,
    *,
    target: Annotated[
        Path | None, typer.Option("--output", help="An .html or .md file. (default: Markdown on standard output)")
    ] = None,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    registry_path: RegistryPathOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the model card of a version: metrics, data, intended use, limitations, signature, history, lineage."""
    is_html = target is not None and _is_html(target)
    with open_registry(database, registry_path, project) as registry:
        version, card = _card(registry, model, is_html=is_html)
    if target is None:
        _print(card, version, as_json=as_json)
        return
    write_file(card, target)
    if as_json:
        output.write_json({**version, "path": str(target)})
    else:
        output.write_text(f"Wrote {target}" if output.is_terminal() else str(target))


def _is_html(target: Path) -> bool:
    ending = target.suffix.lower()
    if ending not in _HTML | _MARKDOWN:
        raise InvalidInput(f"{target.name!r} ends in neither .html nor .md, which are the forms of a card.")
    return ending in _HTML


def _card(registry: ModelRegistryService, model: str, *, is_html: bool) -> tuple[dict[str, str], str]:
    model_id, wanted = read_reference(model)
    version = registry.resolve(model_id, wanted)
    with output.working("Writing the card…"):
        card = registry.model_card(model_id, version, form="html" if is_html else "markdown")
    return {"model_id": model_id, "version": version}, card


def _print(card: str, version: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        output.write_json({**version, "markdown": card})
    elif output.is_terminal():
        from rich.markdown import Markdown

        output.write_rendered(Markdown("\n".join(map(output.printable, card.splitlines()))))
    else:
        output.write_text(card)
