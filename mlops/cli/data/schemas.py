"""`mlops data diff`: what another version of a schema breaks."""

from __future__ import annotations

from typing import Annotated

import typer

from mlops.cli import output
from mlops.cli.data.access import ProjectOption, schema_from
from mlops.cli.options import DatabaseOption, JsonOption

__all__ = ["diff"]

_HELP = "A schema: a JSON file, or the id or name of a stored one."


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=_HELP)],
    new: Annotated[str, typer.Argument(metavar="NEW", help=_HELP)],
    *,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what changed from one schema to another; exit with 1 when rows that fitted the old one may fail."""
    from mlops.data_pipeline.schema_diff import diff_schemas

    before, after = (schema_from(word, database, project) for word in (old, new))
    found = diff_schemas(before, after)
    if as_json:
        output.write_json({**found.to_document(), "verdict": found.verdict})
    else:
        output.write_text(f"{before.name} {before.version} to {after.name} {after.version}: {found.verdict}")
        rows = [["breaking" if change.is_breaking else "compatible", change.sentence] for change in found.changes]
        if rows:
            output.write_table(["kind", "change"], rows, wrap=["change"])
    if found.is_breaking:
        raise typer.Exit(1)
