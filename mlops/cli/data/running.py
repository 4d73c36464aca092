"""`mlops data run` and `cancel`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.data.access import (
    DataDirOption,
    DecimalCommaOption,
    EncodingOption,
    HeaderLineOption,
    ImportsOption,
    NullOption,
    ProjectOption,
    QueryOption,
    RunArgument,
    SchemaOption,
    SeparatorOption,
    SheetOption,
    TableArgument,
    open_new_pipeline,
    open_pipeline,
    read_options,
    stored_config,
    stored_schema,
)
from mlops.cli.data.runs import write_run
from mlops.cli.importing import imported
from mlops.cli.options import DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.data_pipeline import DataPipelineService, ReadOptions

__all__ = ["cancel", "follow", "run"]


def run(
    table: TableArgument,
    *,
    schema: SchemaOption = None,
    features: Annotated[
        str | None, typer.Option(help="A feature configuration: a JSON file, or the id or name of a stored one.")
    ] = None,
    pipeline_id: Annotated[
        str, typer.Option("--pipeline", help="Your name for what is run again and again. (default: that of the file)")
    ] = "",
    max_bad_fraction: Annotated[
        float | None, typer.Option(min=0, max=1, help="Fail when a larger fraction of rows is bad.")
    ] = None,
    parquet_only: Annotated[bool, typer.Option("--parquet", help="Write the good rows as Parquet only.")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Do all the work, even if an equal run did it.")] = False,
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
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Process a table: validate, quarantine, assess, make features, publish. Without a schema one is inferred."""
    from mlops.data_pipeline.inspection import table_name

    for module in imports or ():
        imported(module)
    read = read_options(
        separator,
        null,
        encoding=encoding,
        decimal_comma=decimal_comma,
        sheet=sheet,
        header_line=header_line,
        query=query,
    )
    with open_new_pipeline(database, data_dir, project, workers=1) as pipeline:
        config_id = stored_config(features, pipeline)
        run_id = pipeline.run_pipeline(
            pipeline_id or table_name(table),
            table,
            stored_schema(schema, pipeline) if schema else _inferred(table, pipeline, read),
            config_id,
            max_bad_fraction=max_bad_fraction,
            read=read,
            output_format="parquet" if parquet_only else "input",
            use_cache=not no_cache,
        )
        follow(pipeline, run_id, as_json=as_json)


def cancel(
    run_id: RunArgument,
    *,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask for the end of a run; nothing of it is published."""
    with open_pipeline(database, data_dir, project) as pipeline:
        found = pipeline.cancel_run(run_id)
    write_run(found, as_json=as_json)


def follow(pipeline: DataPipelineService, run_id: str, *, as_json: bool) -> None:
    """Print a run when it has ended, with a progress bar until then; whoever interrupts the wait ends the run.

    Raises:
        PipelineFailed: It failed. As JSON the run is printed nevertheless.
        RunCancelled: It was cancelled; the same holds.
    """
    from mlops.data_pipeline import PipelineFailed, RunCancelled

    try:
        with _bar() as advance:
            run = pipeline.wait(run_id, on_progress=advance)
    except (PipelineFailed, RunCancelled):
        if as_json:
            write_run(pipeline.get_pipeline_run(run_id), as_json=True)
        raise
    except KeyboardInterrupt:
        _end(pipeline, run_id)
        raise
    write_run(run, as_json=as_json)


def _end(pipeline: DataPipelineService, run_id: str) -> None:
    from mlops.data_pipeline import RunEnded

    try:
        pipeline.cancel_run(run_id)
    except RunEnded:
        output.write_note(f"Run {run_id} had ended before.")
    else:
        output.write_note(f"Run {run_id} is cancelled at its next step; nothing of it is published.")


@contextmanager
def _bar() -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("waiting", total=1.0)
        yield lambda run: progress.update(
            task, completed=run.progress, description=run.current_step or "waiting", refresh=True
        )


def _inferred(table: str, pipeline: DataPipelineService, read: ReadOptions) -> str:
    """Store the schema that a table seems to have, under a version of its own."""
    schema = pipeline.infer_schema(table, read=read)
    stored = pipeline.create_schema(schema.changed(version=f"inferred-{schema.digest[:12]}"))
    output.write_note(f"No schema named: the table was held against what it seems to be (schema {stored}).")
    return stored
