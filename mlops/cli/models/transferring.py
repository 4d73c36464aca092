"""`mlops models export` and `import`: a version as one signed file that goes from site to site."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from mlops.cli import output
from mlops.cli.models.access import (
    ProjectOption,
    ReferenceArgument,
    RegistryPathOption,
    open_new_registry,
    open_registry,
    read_reference,
)
from mlops.cli.options import DatabaseOption, JsonOption

__all__ = ["export_version", "import_version"]


def export_version(
    model: ReferenceArgument,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="File to write.")],
    *,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    registry_path: RegistryPathOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a version with its files, history and environment to one file, signed by this site."""
    model_id, wanted = read_reference(model)
    with open_registry(database, registry_path, project) as registry, output.working("Exporting…"):
        version, key = registry.resolve(model_id, wanted), registry.transfer_key()
        path = registry.export_version(model_id, version, target)
    if as_json:
        output.write_json({"model_id": model_id, "version": version, "path": str(path), "key": key})
        return
    output.write_text(f"Wrote {path}" if output.is_terminal() else str(path))
    output.write_note(f"Another site takes it in with: mlops models import {shlex.quote(str(path))} --trust {key}")


def import_version(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="File that `mlops models export` wrote.")],
    *,
    trust: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY",
            help="Public key of a site whose models may be taken in, as its export tells; may be repeated. A model can "
            "run code when it is loaded: trust a site as its code.",
        ),
    ] = None,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    registry_path: RegistryPathOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register the version in an exported file, all of it proven first; it is to be validated here. Twice is once."""
    with open_new_registry(database, registry_path, project) as registry, output.working("Importing…"):
        version = registry.import_version(source, trust=trust or ())
    if as_json:
        output.write_json({"model": version.to_document()})
    elif output.is_terminal():
        output.write_text(output.printable(f"{version.model_id} {version.version} is here, {version.status}."))
    else:
        output.write_text(f"{output.printable(version.model_id)}\t{version.version}\t{version.status}")
