"""Appending metrics and reading them back: the busiest statements, compiled once and run on the driver's cursor."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from mlops.clock import microseconds
from mlops.database import DriverStatement, Transaction
from mlops.experiment_tracker.entities import SYSTEM_PREFIX, ExperimentMetrics, ExperimentStatus, MetricSummary
from mlops.experiment_tracker.errors import ExperimentDeleted, ExperimentEnded, ExperimentNotFound
from mlops.experiment_tracker.history import MetricColumns, to_columns
from mlops.experiment_tracker.sql.tables import experiments, metrics, summaries

__all__ = ["add_metrics", "read_columns", "read_summaries"]

Refusal = Callable[[], Exception]
Summaries = dict[tuple[str, str], list[Any]]

_METRIC_COLUMNS = ("experiment_id", "name", "step", "epoch", "value", "logged_at")
_SUMMARY_COLUMNS = (
    "experiment_id",
    "name",
    "last_value",
    "last_step",
    "last_at",
    "min_value",
    "max_value",
    "count",
)


def add_metrics(tx: Transaction, items: Sequence[ExperimentMetrics], *, logged_at: int) -> list[Exception | None]:
    """Append metrics and merge them into the summaries; see `ExperimentStore.add_metrics`."""
    refusals = _refusals(tx, {item.experiment_id for item in items})
    accepted = [item for item in items if item.experiment_id not in refusals] if refusals else items
    rows: list[tuple[Any, ...]] = []
    merged: Summaries = {}
    for item in accepted:
        _flatten(item, logged_at, rows, merged)
    if rows:
        tx.insert_rows(metrics, _METRIC_COLUMNS, rows)
        # in one order everywhere, so that two transactions on PostgreSQL never wait for each other in a circle
        tx.run_many(_upsert(tx.dialect), [(*key, *merged[key]) for key in sorted(merged)])
    return [refusals[item.experiment_id]() if item.experiment_id in refusals else None for item in items]


def _flatten(item: ExperimentMetrics, logged_at: int, rows: list[tuple[Any, ...]], merged: Summaries) -> None:
    """Add one row per value, and each value to its summary; NaN becomes NULL."""
    experiment_id, step, epoch = item.experiment_id, item.step, item.epoch
    at = logged_at if item.timestamp is None else microseconds(item.timestamp)
    for name, measured in item.measured():
        value = measured if measured == measured else None  # noqa: PLR0124  NaN alone differs from itself
        rows.append((experiment_id, name, step, epoch, value, at))
        key = (experiment_id, name)
        if (summary := merged.get(key)) is None:
            merged[key] = [value, step, at, value, value, 1]
        else:
            _merge(summary, value, step, at)


def _merge(summary: list[Any], value: float | None, step: int, at: int) -> None:
    """Bring one more value into [last value, last step, last time, minimum, maximum, count]."""
    if step >= summary[1]:
        summary[0], summary[1], summary[2] = value, step, at
    if value is not None:
        if summary[3] is None or value < summary[3]:
            summary[3] = value
        if summary[4] is None or value > summary[4]:
            summary[4] = value
    summary[5] += 1


_STATE = sa.select(
    experiments.c.experiment_id, experiments.c.status, experiments.c.deleted_at.is_not(None).label("is_deleted")
)
_STATE_OF_ONE = DriverStatement(_STATE.where(experiments.c.experiment_id == sa.bindparam("wanted")), ("wanted",))
_STATES = DriverStatement(  # locked, so that no run ends or goes between this look and the commit
    _STATE.where(
        experiments.c.experiment_id == sa.any_(sa.bindparam("wanted", type_=sa.ARRAY(sa.Text)))
    ).with_for_update(read=True, key_share=True),
    ("wanted",),
)


def _refusals(tx: Transaction, wanted: set[str]) -> dict[str, Refusal]:
    """Return, for each experiment that takes no metrics, what makes its error."""
    if tx.dialect == "postgresql":
        found = tx.run(_STATES, (list(wanted),))
    else:
        found = [row for experiment_id in wanted for row in tx.run(_STATE_OF_ONE, (experiment_id,))]
    refusals: dict[str, Refusal] = {}
    if len(found) < len(wanted):
        for experiment_id in wanted.difference(row[0] for row in found):
            refusals[experiment_id] = _not_found(experiment_id)
    for experiment_id, status, is_deleted in found:
        if is_deleted:
            refusals[experiment_id] = _deleted(experiment_id)
        elif status != ExperimentStatus.RUNNING:
            refusals[experiment_id] = _ended(experiment_id, status)
    return refusals


def _not_found(experiment_id: str) -> Refusal:
    return lambda: ExperimentNotFound(
        experiment_id, hint="start_experiment() returns the id that metrics are logged to."
    )


def _deleted(experiment_id: str) -> Refusal:
    return lambda: ExperimentDeleted(experiment_id)


def _ended(experiment_id: str, status: str) -> Refusal:
    return lambda: ExperimentEnded(experiment_id, status)


@functools.cache
def _upsert(dialect: str) -> DriverStatement:
    """Return the statement that merges a summary into the one that is there."""
    statement = _insert(dialect)(summaries).values({name: sa.bindparam(name) for name in _SUMMARY_COLUMNS})
    new, old = statement.excluded, summaries.c
    is_later = new.last_step >= old.last_step
    merged = {
        "last_value": sa.case((is_later, new.last_value), else_=old.last_value),
        "last_step": sa.case((is_later, new.last_step), else_=old.last_step),
        "last_at": sa.case((is_later, new.last_at), else_=old.last_at),
        "min_value": _closer(old.min_value, new.min_value, new.min_value < old.min_value),
        "max_value": _closer(old.max_value, new.max_value, new.max_value > old.max_value),
        "count": old["count"] + new["count"],
    }
    keys = [old.experiment_id, old.name]
    return DriverStatement(statement.on_conflict_do_update(index_elements=keys, set_=merged), _SUMMARY_COLUMNS)


def _closer(old: Any, new: Any, is_beyond: sa.ColumnElement[bool]) -> sa.Case[Any]:
    return sa.case((sa.or_(old.is_(None), is_beyond), new), else_=old)


def _insert(dialect: str) -> Callable[[sa.Table], Any]:
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert
    from sqlalchemy.dialects import postgresql  # 70 ms that SQLite's users need not spend

    return postgresql.insert


_HISTORY = (
    sa.select(metrics.c.name, metrics.c.step, metrics.c.epoch, metrics.c.value, metrics.c.logged_at)
    .where(metrics.c.experiment_id == sa.bindparam("experiment_id"))
    .order_by(metrics.c.step, metrics.c.id)
)
_SAMPLED = ("'" + SYSTEM_PREFIX + "'", "'" + SYSTEM_PREFIX[:-1] + "0'")  # "0" is the character after "/"
_UNSAMPLED = DriverStatement(
    _HISTORY.where(
        sa.or_(metrics.c.name < sa.literal_column(_SAMPLED[0]), metrics.c.name >= sa.literal_column(_SAMPLED[1]))
    ),
    ("experiment_id",),
)
_ONE_METRIC = DriverStatement(_HISTORY.where(metrics.c.name == sa.bindparam("name")), ("experiment_id", "name"))
_ALL_METRICS = DriverStatement(_HISTORY, ("experiment_id",))


def read_columns(tx: Transaction, experiment_id: str, names: Collection[str] | None) -> MetricColumns:
    """Return logged values as columns; see `ExperimentStore.metric_columns`."""
    if names is None:
        return to_columns(tx.stream(_UNSAMPLED, (experiment_id,)))
    if len(names) == 1:
        return to_columns(tx.stream(_ONE_METRIC, (experiment_id, *names)))
    wanted = set(names)
    return to_columns(row for row in tx.stream(_ALL_METRICS, (experiment_id,)) if row[0] in wanted)


def read_summaries(tx: Transaction, experiment_ids: Iterable[str]) -> dict[str, dict[str, MetricSummary]]:
    """Return the summaries of several experiments by id, then by name in order."""
    found: dict[str, dict[str, MetricSummary]] = {}
    chosen = summaries.c.experiment_id.in_(list(experiment_ids))
    rows = tx.execute(sa.select(summaries).where(chosen).order_by(summaries.c.experiment_id, summaries.c.name))
    for row in rows.mappings():
        found.setdefault(row["experiment_id"], {})[row["name"]] = MetricSummary(
            last=math.nan if row["last_value"] is None else row["last_value"],
            last_step=row["last_step"],
            min=row["min_value"],
            max=row["max_value"],
            count=row["count"],
        )
    return found
