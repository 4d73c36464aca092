"""`mlops data infer`, `validate` and `profile`: look at a table without running anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.data.access import (
    EncodingOption,
    ProjectOption,
    SchemaOption,
    SeparatorOption,
    TableArgument,
    editable_document,
    inspector,
    read_options,
    schema_from,
)
from mlops.cli.options import DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.data_pipeline import DataSchema, QualityReport, Validation

__all__ = ["infer", "profile_table", "validate"]


def infer(
    table: TableArgument,
    *,
    to: Annotated[Path | None, typer.Option("--output", "-o", help="Write the schema to this JSON file.")] = None,
    name: Annotated[str, typer.Option(help="Name of the schema. (default: that of the file)")] = "",
    separator: SeparatorOption = "",
    encoding: EncodingOption = "",
    as_json: JsonOption = False,
) -> None:
    """Propose a schema that fits a table; correct it, then hold tables against it."""
    with output.working(f"Reading {table}…"):
        schema = inspector().infer(table, name=name, read=read_options(separator, encoding))
    document = editable_document(schema)
    if to is not None:
        to.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    if as_json:
        output.write_json(document)
        return
    output.write_table(
        ["column", "type", "empty cells", "what else"], [_column(*one) for one in schema.columns.items()]
    )
    if to is None:
        output.write_note("Keep it by --output schema.json, and hold tables against it: mlops data validate.")
    else:
        output.write_note(f"Wrote {to}. Look at it, then: mlops data validate {table} --schema {to}")


def validate(
    table: TableArgument,
    *,
    schema: SchemaOption = None,
    separator: SeparatorOption = "",
    encoding: EncodingOption = "",
    project: ProjectOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold the rows of a table against a schema; exit with 1 when some do not fit."""
    from mlops.errors import InvalidInput

    if schema is None:
        raise InvalidInput("Name a schema by --schema: a JSON file, as `mlops data infer` writes, or a stored one.")
    wanted = schema_from(schema, database, project)
    with output.working(f"Checking {table}…"):
        found = inspector().validate(table, wanted, read=read_options(separator, encoding))
    if as_json:
        output.write_json(vars(found))
    else:
        _write_validation(found, wanted)
    if found.bad_rows:
        raise typer.Exit(1)


def profile_table(
    table: TableArgument,
    *,
    schema: SchemaOption = None,
    html: Annotated[Path | None, typer.Option(help="Also write the report as a page to this file.")] = None,
    separator: SeparatorOption = "",
    encoding: EncodingOption = "",
    project: ProjectOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the quality of a table: a score with its parts, issues with examples, statistics of each column."""
    wanted = schema_from(schema, database, project) if schema else None
    with output.working(f"Reading {table}…"):
        report = inspector().assess(table, wanted, read=read_options(separator, encoding))
    if html is not None:
        from mlops.data_pipeline.quality import to_html

        html.write_text(to_html(report))
    if as_json:
        output.write_json(report.to_document())
        return
    write_report(report)
    if html is not None:
        output.write_note(f"Wrote {html}.")


def write_report(report: QualityReport) -> None:
    """Print a quality report as tables."""
    from mlops.data_pipeline.quality import terminal

    rows, columns = report.profile.input_rows, len(report.profile.columns)
    output.write_text(f"{rows:,} rows, {columns:,} columns, quality {report.score.value:.3f} of 1")
    output.write_table(terminal.PART_HEADS, list(terminal.part_rows(report)), title="Score", wrap=["Counted"])
    issues = list(terminal.issue_rows(report))
    if issues:
        output.write_table(terminal.ISSUE_HEADS, issues, title="Issues", wrap=["Issue", "Examples"])
    output.write_table(terminal.COLUMN_HEADS, list(terminal.column_rows(report)), title="Columns", wrap=["Values"])


def _column(name: str, spec: Any) -> list[Any]:
    told = spec.model_dump(mode="json", exclude_defaults=True, exclude={"type", "nullable"})
    more = ", ".join(f"{key} {value}" for key, value in told.items())
    return [name, str(spec.type), "allowed" if spec.nullable else "no", more]


def _write_validation(found: Validation, schema: DataSchema) -> None:
    good = found.rows - found.bad_rows
    output.write_text(f"{good:,} of {found.rows:,} rows fit {schema.name} {schema.version}; {found.bad_rows:,} do not.")
    broken = {rule: count for rule, count in found.counts.items() if count}
    if broken:
        rows = [[rule, count, _example(found.examples.get(rule, []))] for rule, count in broken.items()]
        output.write_table(["rule", "rows", "first of them"], rows, wrap=["first of them"])
    for warning in found.warnings:
        output.write_note(warning)


def _example(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    cells = {name.removeprefix("__raw__"): value for name, value in rows[0].items() if value is not None}
    row = cells.pop("__row__", None)
    return f"row {row}: " + ", ".join(f"{name} = {value!r}" for name, value in cells.items())
