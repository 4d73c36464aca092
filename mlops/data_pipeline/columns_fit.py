"""Whether the columns of a table and of a schema fit together, before any row is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlops.data_pipeline.entities import DataSchema
from mlops.data_pipeline.errors import MissingColumns, UnknownColumns
from mlops.errors import near_matches

__all__ = ["ColumnFit", "fit_columns"]

_MOST_WARNINGS = 5


@dataclass(frozen=True)
class ColumnFit:
    """How the columns of a table differ from those of a schema, where that is no error.

    Attributes:
        missing: Nullable columns that the table lacks; they count as empty.
        unknown: Columns that the schema does not know.
        warnings: Sentences for the user: about missing columns, and unknown ones where the schema asks for it.
    """

    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def fit_columns(schema: DataSchema, columns: Sequence[str]) -> ColumnFit:
    """Compare the table's own columns, without those that a snapshot adds, with a schema's.

    Example:
        >>> schema = DataSchema(name="s", columns={"id": "string", "dose": "float"})
        >>> for sentence in fit_columns(schema, ["id", "Dose"]).warnings:
        ...     print(sentence)
        Column 'Dose' is not in the schema. Did you mean 'dose'? It is kept as it is.
        The input lacks column 'dose', which may be empty and so is, in every row.

    Raises:
        MissingColumns: A column that may not be empty is not there.
        UnknownColumns: There are further columns, and the schema refuses them.
    """
    missing = [name for name in schema.columns if name not in columns]
    unknown = [name for name in columns if name not in schema.columns]
    required = [name for name in missing if not schema.columns[name].nullable]
    if required:
        raise MissingColumns(required, present=columns, near={name: near_matches(name, unknown) for name in required})
    if unknown and schema.unknown_columns == "refuse":
        raise UnknownColumns(unknown, known=missing)
    warnings = _warnings(unknown, missing) if schema.unknown_columns == "warn" else []
    return ColumnFit(tuple(missing), tuple(unknown), (*warnings, *_lacking(missing)))


def _warnings(unknown: Sequence[str], missing: Sequence[str]) -> list[str]:
    if len(unknown) <= _MOST_WARNINGS:
        return [_warning(name, missing) for name in unknown]
    named = ", ".join(map(repr, unknown[:_MOST_WARNINGS]))
    return [f"{len(unknown)} columns are not in the schema: {named}, …. They are kept as they are."]


def _lacking(missing: Sequence[str]) -> list[str]:
    if len(missing) < 2:
        return [f"The input lacks column {name!r}, which may be empty and so is, in every row." for name in missing]
    named = ", ".join(map(repr, missing[:_MOST_WARNINGS])) + (", …" if len(missing) > _MOST_WARNINGS else "")
    return [f"The input lacks {len(missing)} columns, which may be empty and so are, in every row: {named}."]


def _warning(name: str, missing: Sequence[str]) -> str:
    near = near_matches(name, missing)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"Column {name!r} is not in the schema.{hint} It is kept as it is."
