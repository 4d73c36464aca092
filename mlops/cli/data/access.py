"""The pipeline that the commands work on, and the arguments and options that many of them share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli.databases import existing_database
from mlops.cli.files import read_document

if TYPE_CHECKING:
    from mlops.data_pipeline import (
        ColumnSpec,
        DataPipelineService,
        DataSchema,
        FeatureEngineeringConfig,
        ReadOptions,
    )
    from mlops.data_pipeline.inspection import Inspector

__all__ = [
    "DataDirOption",
    "DecimalCommaOption",
    "EncodingOption",
    "HeaderLineOption",
    "ImportsOption",
    "NullOption",
    "ProjectOption",
    "QueryOption",
    "RunArgument",
    "SchemaOption",
    "SeparatorOption",
    "SheetOption",
    "TableArgument",
    "editable_document",
    "inspector",
    "open_new_pipeline",
    "open_pipeline",
    "read_options",
    "schema_from",
    "stored_config",
    "stored_schema",
]

TableArgument = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="A file: CSV, TSV or JSON lines, gzipped or not, Excel or Parquet; with --query the URL of a database.",
    ),
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Id of a run.")]
SchemaOption = Annotated[
    str | None, typer.Option("--schema", help="A schema: a JSON file, or the id or name of a stored one.")
]
ProjectOption = Annotated[str | None, typer.Option(help="Project of the runs. (default: the configured one)")]
DataDirOption = Annotated[
    str | None, typer.Option("--data-dir", help="Folder of outputs. (default: the configured one)", show_default=False)
]
SeparatorOption = Annotated[str, typer.Option(help="The character between cells. (default: detected)")]
EncodingOption = Annotated[str, typer.Option(help="How the text is encoded, such as cp1252. (default: detected)")]
DecimalCommaOption = Annotated[bool, typer.Option("--decimal-comma", help="Numbers are written 1,5.")]
SheetOption = Annotated[str, typer.Option(help="Name of the worksheet. (default: the first one)")]
HeaderLineOption = Annotated[
    int, typer.Option(min=1, help="Line of the columns' names; what instruments write above it is left out.")
]
NullOption = Annotated[
    list[str] | None,
    typer.Option(metavar="WORD", help="A cell that means no value, such as Undetermined; may be repeated."),
]
ImportsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        metavar="MODULE",
        help="Import this module first; it registers rules and transformations. May be repeated.",
    ),
]
QueryOption = Annotated[str, typer.Option(help="One SELECT, for a database.")]


_DECIDED = ("schema_version", "column_order", "digest", "created_at", "created_by")
"""What stored documents say beside what people decide."""


@contextmanager
def open_pipeline(
    database: str | None, data_dir: str | None, project: str | None, *, workers: int = 0
) -> Iterator[DataPipelineService]:
    """Open a project's pipeline in a database, and close it after the block.

    Raises:
        DatabaseNotFound: It is a SQLite file that does not exist.
    """
    hint = "Run a table there first: mlops data run TABLE, or name another by --database."
    with open_new_pipeline(existing_database(database, hint=hint), data_dir, project, workers=workers) as pipeline:
        yield pipeline


@contextmanager
def open_new_pipeline(
    database: str | None, data_dir: str | None, project: str | None, *, workers: int = 0
) -> Iterator[DataPipelineService]:
    """Open a project's pipeline in a database that need not exist, and close it after the block."""
    from mlops.data_pipeline import DataPipelineService

    with closing(DataPipelineService(database, data_dir, project=project, workers=workers)) as pipeline:
        yield pipeline


def read_options(separator: str, null: list[str] | None, **told: Any) -> ReadOptions:
    """Return how a table is to be read.

    Args:
        separator: Also `\\t` as it is typed.
        null: Cells that mean no value, beside the usual ones.
        told: What else `ReadOptions` takes.
    """
    from mlops.data_pipeline.reading import NULL_WORDS, ReadOptions

    nulls = (*NULL_WORDS, *(word for word in null or () if word not in NULL_WORDS))
    return ReadOptions(separator=separator.replace("\\t", "\t"), null_values=nulls, **told)


def schema_from(word: str, database: str | None, project: str | None) -> DataSchema:
    """Return the schema of a JSON file, or the stored one of this id or name."""
    if _is_file(word):
        return _schema_of_file(word)
    with open_pipeline(database, None, project) as pipeline:
        return pipeline.get_schema(word)


def stored_schema(word: str, pipeline: DataPipelineService) -> str:
    """Return the id of a schema, which is stored first when it comes from a file."""
    return pipeline.create_schema(_schema_of_file(word)) if _is_file(word) else word


def stored_config(word: str | None, pipeline: DataPipelineService) -> str | None:
    """Return the id of a feature configuration, which is stored first when it comes from a file."""
    from mlops.data_pipeline import FeatureEngineeringConfig

    if word is None or not _is_file(word):
        return word
    document = _of_file(word)
    config: FeatureEngineeringConfig = FeatureEngineeringConfig(**document)
    return pipeline.create_feature_config(config)


def inspector() -> Inspector:
    """Return what looks at tables without a database."""
    from mlops import clock
    from mlops.data_pipeline.inspection import Inspector
    from mlops.data_pipeline.named_rules import NamedRules

    return Inspector(NamedRules(), now=clock.now)


def _schema_of_file(word: str) -> DataSchema:
    from mlops.data_pipeline import DataSchema

    return DataSchema(**_of_file(word))


def editable_document(schema: DataSchema) -> dict[str, Any]:
    """Return a schema as a document for people to edit: its columns in order, without what goes without saying."""
    document = _without(schema.to_document(), *_DECIDED)
    columns = {name: _told(spec) for name, spec in schema.columns.items()}
    return {name: value for name, value in document.items() if value or name == "validation_rules"} | {
        "columns": columns
    }


def _told(spec: ColumnSpec) -> dict[str, Any]:
    told = spec.model_dump(mode="json", exclude_defaults=True)
    return {"type": str(spec.type), "nullable": spec.nullable, **told}


def _of_file(word: str) -> dict[str, Any]:
    found = read_document(Path(word), expected="an object, as `mlops data infer` writes")
    return _without(found, *_DECIDED)


def _is_file(word: str) -> bool:
    return word.endswith(".json") or Path(word).is_file()


def _without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}
