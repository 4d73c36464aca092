"""What can go wrong in the data pipeline.

NotFound
├── SchemaNotFound
├── FeatureConfigNotFound
├── PipelineRunNotFound
└── NamedRuleNotFound        a schema names a Polars rule that was not registered
Conflict
├── SchemaExists             this name and version belong to other content; versions never change
├── FeatureConfigExists
├── RunEnded                 the run is over, so that it cannot be cancelled
└── RunNotCompleted          it has no output yet
InvalidInput
├── RuleError                the expression of a row rule; points at the column of the text
├── SchemaMismatch           the table and the schema do not fit as a whole; nothing was run
│   ├── MissingColumns
│   └── UnknownColumns
├── UnreadableInput          the file is not what it is said to be; says where
│   └── UnsupportedFormat
└── TooManyBadRows           more rows failed than `max_bad_fraction` allows
Corrupted
└── OutputDamaged            a kept output is not what was written
MLOpsError
├── PipelineFailed           a run that was waited for did not complete
└── RunCancelled
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlops.errors import Conflict, Corrupted, InvalidInput, MLOpsError, NotFound, did_you_mean

__all__ = [
    "FeatureConfigExists",
    "FeatureConfigNotFound",
    "MissingColumns",
    "NamedRuleNotFound",
    "OutputDamaged",
    "PipelineFailed",
    "PipelineRunNotFound",
    "RuleError",
    "RunCancelled",
    "RunEnded",
    "RunNotCompleted",
    "SchemaExists",
    "SchemaMismatch",
    "SchemaNotFound",
    "TooManyBadRows",
    "UnknownColumns",
    "UnreadableInput",
    "UnsupportedFormat",
]

_SHOWN = 10  # names that a message lists


class SchemaNotFound(NotFound):
    """No schema has this id, or this name and version."""

    kind = "schema"


class FeatureConfigNotFound(NotFound):
    """No feature configuration has this id, or this name and version."""

    kind = "feature configuration"


class PipelineRunNotFound(NotFound):
    """No pipeline run has this id."""

    kind = "pipeline run"


class NamedRuleNotFound(NotFound):
    """A schema names a Polars rule that nobody registered in this process."""

    kind = "rule"

    def __init__(self, name: str, *, known: Iterable[str] = ()) -> None:
        super().__init__(
            name,
            known=known,
            hint=f"Register it first: register_rule({name!r}, function); commands do so by --import MODULE.",
        )


class _Exists(Conflict):
    what = ""

    def __init__(self, name: str, version: str, *, project: str) -> None:
        self.name = name
        self.version = version
        self.project = project
        super().__init__(
            f"Version {version!r} of {self.what} {name!r} exists in project {project!r} with other content, and a "
            "version never changes. Give this one another version."
        )


class SchemaExists(_Exists):
    """A schema of this name and version exists with other content.

    Attributes:
        name: The schema's name.
        version: The version asked for.
        project: The project.
    """

    what = "schema"


class FeatureConfigExists(_Exists):
    """A feature configuration of this name and version exists with other content.

    Attributes:
        name: The configuration's name.
        version: The version asked for.
        project: The project.
    """

    what = "feature configuration"


class RunEnded(Conflict):
    """The run is over.

    Attributes:
        run_id: The run.
        status: How it ended.
    """

    def __init__(self, run_id: str, status: str) -> None:
        self.run_id = run_id
        self.status = status
        super().__init__(f"Pipeline run {run_id!r} is {status}; only a pending or running one can be cancelled.")


class RunNotCompleted(Conflict):
    """The run has no output.

    Attributes:
        run_id: The run.
        status: What it is now.
    """

    def __init__(self, run_id: str, status: str) -> None:
        self.run_id = run_id
        self.status = status
        super().__init__(f"Pipeline run {run_id!r} is {status} and has no output; wait({run_id!r}) waits for its end.")


class RuleError(InvalidInput):
    """The expression of a row rule cannot be read, or its types do not go together.

    Attributes:
        text: The expression.
        column: Where the trouble begins, in characters from 1.
        reason: What is wrong there and what would be right.
    """

    def __init__(self, text: str, column: int, reason: str) -> None:
        self.text = text
        self.column = column
        self.reason = reason
        super().__init__(f"{_around(text, column)} at character {column}: {reason}")


class SchemaMismatch(InvalidInput):
    """The columns of a table and of a schema do not fit together; no row was looked at.

    Attributes:
        columns: Names of the columns at fault.
    """

    def __init__(self, columns: Sequence[str], reason: str) -> None:
        self.columns = tuple(columns)
        super().__init__(reason)


class MissingColumns(SchemaMismatch):
    """The table lacks columns that the schema requires.

    Attributes:
        near: For each missing column that has some, the columns of the table that look similar.
    """

    def __init__(self, missing: Sequence[str], *, present: Sequence[str], near: Mapping[str, Sequence[str]]) -> None:
        self.near = dict(near)
        hints = [f"Did you mean {' or '.join(map(repr, found))} for {name!r}?" for name, found in near.items() if found]
        has = f"It has {_listed(present)}." if present else "It has no columns."
        remedy = "Rename the column in the input, or make it nullable in the schema."
        reason = f"The input lacks {_columns(missing)}, which the schema requires. {has}"
        super().__init__(missing, " ".join([reason, *hints, remedy]))


class UnknownColumns(SchemaMismatch):
    """The table has columns that the schema does not know and refuses."""

    def __init__(self, unknown: Sequence[str], *, known: Sequence[str]) -> None:
        hints = [hint.replace("?", f" for {name!r}?") for name in unknown[:3] if (hint := did_you_mean(name, known))]
        reason = f"The input has {_columns(unknown)}, which the schema does not know and refuses."
        remedy = "Add them to the schema, remove them, or set unknown_columns to 'warn'."
        super().__init__(unknown, " ".join([reason, *hints, remedy]))


class UnreadableInput(InvalidInput):
    """An input that cannot be read as what it is said to be.

    Attributes:
        path: The file, or the query's database without its password.
        line: Line of the file where the trouble is, from 1; None when it is of the whole.
        column: Name of the column at fault; None when it is of no single one.
    """

    def __init__(self, path: str, reason: str, *, line: int | None = None, column: str | None = None) -> None:
        self.path = path
        self.line = line
        self.column = column
        places = [f"line {line}"] if line is not None else []
        places += [f"column {column!r}"] if column is not None else []
        where = f", {', '.join(places)}" if places else ""
        super().__init__(f"{path!r}{where}: {reason}")


class UnsupportedFormat(UnreadableInput):
    """The input's format is not one that the pipeline reads."""


class TooManyBadRows(InvalidInput):
    """More rows failed than the run allows.

    Attributes:
        bad_rows: Rows that failed.
        rows: All rows.
        limit: Largest fraction of bad rows that was allowed.
        rule: Id of the rule that most rows broke.
        column: Its column; empty when it is of several or of the whole row.
        samples: Some of the cells that broke it, as text.
    """

    def __init__(
        self,
        bad_rows: int,
        rows: int,
        *,
        limit: float,
        most_common: str = "",
        column: str = "",
        samples: Sequence[str | None] = (),
    ) -> None:
        self.rule = most_common
        self.column = column
        self.samples = tuple(samples)
        self.bad_rows = bad_rows
        self.rows = rows
        self.limit = limit
        share = bad_rows / rows if rows else 0.0
        cells = f", such as {', '.join(map(repr, self.samples))}" if self.samples else ""
        common = f" Most failed {most_common}{cells}." if most_common else ""
        super().__init__(
            f"{bad_rows} of {rows} rows ({share:.2%}) failed the schema, and max_bad_fraction allows {limit:.2%}."
            f"{common} Mend the input, correct the schema, or raise max_bad_fraction."
        )


class OutputDamaged(Corrupted):
    """A kept output of a run is not what the run wrote.

    Attributes:
        path: The file.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(f"{path!r} is not what its run wrote: {reason}. Run the pipeline again to have it made anew.")


class PipelineFailed(MLOpsError):
    """A run that was waited for failed.

    Attributes:
        run_id: The run.
        reason: Its error.
        details: The failing column, sample values and the like.
    """

    def __init__(self, run_id: str, reason: str, *, details: Mapping[str, Any] | None = None) -> None:
        self.run_id = run_id
        self.reason = reason
        self.details = dict(details or {})
        super().__init__(f"Pipeline run {run_id!r} failed: {reason}")


class RunCancelled(MLOpsError):
    """A run that was waited for was cancelled.

    Attributes:
        run_id: The run.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"Pipeline run {run_id!r} was cancelled; nothing of it was published.")


def _columns(names: Sequence[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more


def _around(text: str, column: int, most: int = 60) -> str:
    """Return the part of a text around a place, quoted."""
    start = max(0, min(column - 1 - most // 2, len(text) - most))
    shown = text[start : start + most]
    return repr(f"{'…' if start else ''}{shown}{'…' if start + most < len(text) else ''}")
