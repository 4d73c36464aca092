"""`mlops data infer`, `validate` and `profile`: look at a table without running anything."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.data.access import (
    DecimalCommaOption,
    EncodingOption,
    HeaderLineOption,
    ImportsOption,
    NullOption,
    ProjectOption,
    QueryOption,
    SchemaOption,
    SeparatorOption,
    SheetOption,
    TableArgument,
    editable_document,
    inspector,
    read_options,
    schema_from,
)
from mlops.cli.data.runs import write_notes
from mlops.cli.files import write_document, write_file
from mlops.cli.importing import imported
from mlops.cli.options import DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.data_pipeline import DataSchema, QualityReport, ReadOptions, Validation

__all__ = ["infer", "profile_table", "validate"]


def infer(
    table: TableArgument,
    *,
    to: Annotated[Path | None, typer.Option("--output", "-o", help="Write the schema to this JSON file.")] = None,
    name: Annotated[str, typer.Option(help="Name of the schema. (default: that of the file)")] = "",
    separator: SeparatorOption = "",
    encoding: EncodingOption = "",
    decimal_comma: DecimalCommaOption = False,
    sheet: SheetOption = "",
    header_line: HeaderLineOption = 1,
    null: NullOption = None,
    query: QueryOption = "",
    as_json: JsonOption = False,
) -> None:
    """Propose a schema that fits a table; correct it, then hold tables against it."""
    read = read_options(
        separator,
        null,
        encoding=encoding,
        decimal_comma=decimal_comma,
        sheet=sheet,
        header_line=header_line,
        query=query,
    )
    with output.working(f"Reading {table}…"):
        schema, notes = inspector().propose(table, name=name, read=read)
    document = editable_document(schema)
    if to is not None:
        write_document(document, to)
    if as_json:
        output.write_json(document)
        return
    output.write_table(
        ["column", "type", "empty cells", "what else"], [_column(*one) for one in schema.columns.items()]
    )
    write_notes(notes)
    if to is None:
        output.write_note("Keep it by --output schema.json, and hold tables against it: mlops data validate.")
    else:
        output.write_note(
            f"Wrote {to}. Look at it, then: mlops data validate {table} --schema {to}{_said_options(read)}"
        )


def validate(
    table: TableArgument,
    *,
    schema: SchemaOption = None,
    imports: ImportsOption = None,
    separator: SeparatorOption = "",
    encoding: EncodingOption = "",
    decimal_comma: DecimalCommaOption = False,
    sheet: SheetOption = "",
    header_line: HeaderLineOption = 1,
    null: NullOption = None,
    query: QueryOption = "",
    project: ProjectOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold the rows of a table against a schema; exit with 1 when some do not fit."""
    from mlops.errors import InvalidInput

    for module in imports or ():
        imported(module)
    if schema is None:
        raise InvalidInput("Name a schema by --schema: a JSON file, as `mlops data infer` writes, or a stored one.")
    wanted = schema_from(schema, database, project)
    read = read_options(
        separator,
        null,
        encoding=encoding,
        decimal_comma=decimal_comma,
        sheet=sheet,
        header_line=header_line,
        query=query,
    )
    with output.working(f"Checking {table}…"):
        found = inspector().validate(table, wanted, read=read)
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
    imports: ImportsOption = None,
    separator: SeparatorOption = "",
    encoding: EncodingOption = "",
    decimal_comma: DecimalCommaOption = False,
    sheet: SheetOption = "",
    header_line: HeaderLineOption = 1,
    null: NullOption = None,
    query: QueryOption = "",
    project: ProjectOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the quality of a table: a score with its parts, issues with examples, statistics of each column."""
    for module in imports or ():
        imported(module)
    wanted = schema_from(schema, database, project) if schema else None
    read = read_options(
        separator,
        null,
        encoding=encoding,
        decimal_comma=decimal_comma,
        sheet=sheet,
        header_line=header_line,
        query=query,
    )
    with output.working(f"Reading {table}…"):
        report = inspector().assess(table, wanted, read=read)
    if html is not None:
        from mlops.data_pipeline.quality import to_html

        write_file(to_html(report), html)
    if as_json:
        output.write_json(report.to_document())
        return
    write_report(report)
    if html is not None:
        output.write_note(f"Wrote {html}")


def write_report(report: QualityReport) -> None:
    """Print a quality report as tables."""
    from mlops.data_pipeline.quality import terminal
    from mlops.data_pipeline.quality.formatting import count, rounded_down

    rows, columns = count(report.profile.input_rows, "row"), count(len(report.profile.columns), "column")
    output.write_text(f"{rows}, {columns}, quality {rounded_down(report.score.value, 3)} of 1")
    output.write_table(terminal.PART_HEADS, list(terminal.part_rows(report)), title="Score", wrap=["Counted"])
    issues = list(terminal.issue_rows(report))
    if issues:
        output.write_table(terminal.ISSUE_HEADS, issues, title="Issues", wrap=["Issue", "Examples"])
    output.write_table(terminal.COLUMN_HEADS, list(terminal.column_rows(report)), title="Columns", wrap=["Values"])
    _write_more(len(report.issues) - terminal.MOST_ISSUES, "issues")
    _write_more(len(report.profile.columns) - terminal.MOST_COLUMNS, "columns")
    write_notes(report.subject.notes)


def _write_more(rest: int, what: str) -> None:
    if rest > 0:
        output.write_note(f"There are {rest:,} more {what}; --html and --json have them.")


def _column(name: str, spec: Any) -> list[Any]:
    told = spec.model_dump(mode="json", exclude_defaults=True, exclude={"type", "nullable", "description"})
    more = [f"{key.replace('_', ' ')} {_words(value)}".rstrip() for key, value in told.items()]
    return [
        name,
        str(spec.type),
        "allowed" if spec.nullable else "no",
        "; ".join([*more, spec.description]).strip("; "),
    ]


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is True else str(value)


def _said_options(read: ReadOptions) -> str:
    """Return the options of a command that read a table in the same way."""
    from mlops.data_pipeline.reading import NULL_WORDS

    told = read.model_dump(mode="json", exclude_defaults=True, exclude={"null_values"})
    words = [
        f"--{name.replace('_', '-')}" + ("" if value is True else f" {shlex.quote(str(value))}")
        for name, value in told.items()
    ]
    words += [f"--null {shlex.quote(word)}" for word in read.null_values if word not in NULL_WORDS]
    return "".join(f" {word}" for word in words)


def _write_validation(found: Validation, schema: DataSchema) -> None:
    good = found.rows - found.bad_rows
    output.write_text(f"{good:,} of {found.rows:,} rows fit {schema.name} {schema.version}; {found.bad_rows:,} do not.")
    broken = {rule: count for rule, count in found.counts.items() if count}
    if broken:
        rows = [[rule, count, _example(found.examples.get(rule, []))] for rule, count in broken.items()]
        output.write_table(["rule", "rows", "first of them"], rows, wrap=["first of them"])
    write_notes(found.notes)
    write_notes(found.warnings)


def _example(rows: list[dict[str, Any]]) -> str:
    from mlops.data_pipeline.inspection import LINE
    from mlops.data_pipeline.snapshot_columns import RAW, ROW

    if not rows:
        return ""
    cells = {name.removeprefix(RAW): value for name, value in rows[0].items() if value is not None}
    row, line = cells.pop(ROW), cells.pop(LINE, None)
    place = f"row {row + 1:,}" if line is None else f"line {line:,}"
    return f"{place}: {', '.join(f'{name} = {value!r}' for name, value in cells.items())}".removesuffix(": ")
