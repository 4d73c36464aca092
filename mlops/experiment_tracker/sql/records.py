"""Experiments as rows: the experiment itself, and its parameters and tags once more for the search."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from mlops.database import DriverStatement, Transaction, read_moment
from mlops.experiment_tracker.entities import SYSTEM_PREFIX, Experiment, ExperimentStatus
from mlops.experiment_tracker.errors import ExperimentExists
from mlops.experiment_tracker.sql.tables import experiments, params, summaries, tags
from mlops.provenance import DatasetFingerprint
from mlops.records import FrozenDict, decode_json, encode_json
from mlops.search import text_and_number

__all__ = ["insert_experiment", "read_experiments", "read_page", "update_experiment"]

_SEARCHABLE_BYTES = 1200  # of a parameter's or tag's text: PostgreSQL's indexes take rows of up to 2,704 bytes
_JSON_COLUMNS = ("hyperparameters", "tags", "datasets")
_COLUMNS = tuple(column.name for column in experiments.columns)
_PLAIN_COLUMNS = tuple(name for name in _COLUMNS if name not in {*_JSON_COLUMNS, "schema_version"})
_MOMENTS = ("created_at", "ended_at", "deleted_at")
_PARAM_COLUMNS = ("experiment_id", "name", "text", "number")
_TAG_COLUMNS = ("experiment_id", "name", "text")


def insert_experiment(tx: Transaction, experiment: Experiment) -> None:
    """Store a new experiment; see `ExperimentStore.insert`."""
    try:
        tx.execute(sa.insert(experiments), _to_row(experiment))
    except IntegrityError as error:
        raise ExperimentExists(experiment.experiment_id) from error
    _insert_params(tx, experiment, experiment.hyperparameters)
    _insert_tags(tx, experiment, experiment.tags)


def update_experiment(tx: Transaction, before: Experiment, after: Experiment) -> None:
    """Replace an experiment; see `ExperimentStore.update`."""
    row = _to_row(after)
    tx.execute(sa.update(experiments).where(experiments.c.experiment_id == after.experiment_id).values(row))
    _insert_params(tx, after, _replaced(tx, params, after, before.hyperparameters, after.hyperparameters))
    _insert_tags(tx, after, _replaced(tx, tags, after, before.tags, after.tags))


def _replaced(
    tx: Transaction, table: sa.Table, of: Experiment, before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """Remove the rows of names that changed or went; return what is to be inserted."""
    new = {name: value for name, value in after.items() if name not in before or before[name] != value}
    gone = [name for name in before if name in new or name not in after]
    if gone:
        tx.execute(sa.delete(table).where(table.c.experiment_id == of.experiment_id, table.c.name.in_(gone)))
    return new


def _insert_params(tx: Transaction, experiment: Experiment, values: Mapping[str, Any]) -> None:
    if values:
        rows = [(experiment.experiment_id, name, *_searchable(value)) for name, value in values.items()]
        tx.insert_rows(params, _PARAM_COLUMNS, rows)


def _insert_tags(tx: Transaction, experiment: Experiment, values: Mapping[str, str]) -> None:
    if values:
        rows = [(experiment.experiment_id, name, _searchable(text)[0]) for name, text in values.items()]
        tx.insert_rows(tags, _TAG_COLUMNS, rows)


def _searchable(value: Any) -> tuple[str, float | None]:
    """Return what a search compares with: a value's text (of a long one its beginning), and its number if it is one."""
    text, number = text_and_number(value)
    return text.encode()[:_SEARCHABLE_BYTES].decode(errors="ignore"), number


def _to_row(experiment: Experiment) -> dict[str, Any]:
    row = {name: getattr(experiment, name) for name in _PLAIN_COLUMNS}
    row["hyperparameters"] = encode_json(experiment.hyperparameters)
    row["tags"] = encode_json(experiment.tags)
    row["datasets"] = encode_json([dataset.to_document() for dataset in experiment.datasets])
    row["schema_version"] = Experiment.schema_version
    return row


def read_experiments(tx: Transaction, select: sa.Select[Any], keys: Sequence[str]) -> list[Experiment]:
    """Return the experiments with these ids, in the order of `keys`, with the last value of each metric.

    Args:
        select: A statement on the experiments table; rows for ids not in `keys` must not be among its rows.
    """
    return _in_order(tx, tx.execute(select).all(), keys)


def read_page(tx: Transaction, keys: Sequence[str]) -> list[Experiment]:
    """Return the experiments with these ids as `read_experiments` does, by a statement that is compiled once."""
    return _in_order(tx, tx.run(_EXPERIMENTS[tx.dialect], (_bound(tx, list(keys)),)), keys) if keys else []


def _in_order(tx: Transaction, found: Sequence[Sequence[Any]], keys: Sequence[str]) -> list[Experiment]:
    rows = {row[0]: row for row in found}
    last = _last_values(tx, list(rows))
    return [_from_row(rows[key], last[key]) for key in keys if key in rows]


def _of_any(select: sa.Select[Any], key: sa.ColumnElement[str]) -> dict[str, DriverStatement]:
    """Return the statement, on each database, that selects rows of any number of keys."""
    listed = sa.func.json_each(sa.bindparam("keys")).table_valued("value")
    return {
        "sqlite": DriverStatement(select.where(key.in_(sa.select(listed.c.value))), ("keys",)),
        "postgresql": DriverStatement(
            select.where(key == sa.any_(sa.bindparam("keys", type_=sa.ARRAY(sa.Text)))), ("keys",)
        ),
    }


def _bound(tx: Transaction, keys: list[str]) -> str | list[str]:
    return encode_json(keys) if tx.dialect == "sqlite" else keys


_EXPERIMENTS = _of_any(sa.select(experiments), experiments.c.experiment_id)
_LAST = _of_any(
    sa.select(summaries.c.experiment_id, summaries.c.name, summaries.c.last_value), summaries.c.experiment_id
)


def _last_values(tx: Transaction, keys: list[str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {key: {} for key in keys}
    if keys:
        for key, name, value in tx.run(_LAST[tx.dialect], (_bound(tx, keys),)):
            if not name.startswith(SYSTEM_PREFIX):
                found[key][name] = math.nan if value is None else value
    return found


def _from_row(row: Sequence[Any], last: Mapping[str, float]) -> Experiment:
    """Build a record without validating once more what was validated when it was stored."""
    values = dict(zip(_COLUMNS, row, strict=True))
    values["status"] = ExperimentStatus(values["status"])
    values["hyperparameters"] = FrozenDict(decode_json(values["hyperparameters"]))
    values["tags"] = FrozenDict(decode_json(values["tags"]))
    values["datasets"] = tuple(map(DatasetFingerprint.from_document, decode_json(values["datasets"])))
    values["metrics"] = FrozenDict(last)
    for name in _MOMENTS:
        values[name] = _moment(values[name])
    return Experiment.trusted(values)


def _moment(value: str | datetime | None) -> datetime | None:
    """Read a time as a driver gives it: text on SQLite, in the session's zone on PostgreSQL."""
    if value is None:
        return None
    return read_moment(value) if isinstance(value, str) else value.astimezone(UTC)
