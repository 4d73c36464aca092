"""Moves and aliases in SQL, by statements that are compiled once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlops.database import DriverStatement, Transaction
from mlops.model_registry.entities import ModelMove, ModelStatus, MoveKind
from mlops.model_registry.sql.rows import driver_moment, moment
from mlops.model_registry.sql.tables import aliases, moves
from mlops.model_registry.stored import ModelKey

__all__ = ["append_moves", "last_move", "put_alias", "read_aliases", "read_moves"]

_COLUMNS = tuple(column.name for column in moves.columns)
_ALIAS = ("project", "model_id", "alias")
_MODEL = (moves.c.project == sa.bindparam("project"), moves.c.model_id == sa.bindparam("model_id"))
_PRODUCTION = sa.literal_column(f"'{ModelStatus.PRODUCTION}'", sa.Text)
_SERVING = sa.or_(moves.c.to_status == _PRODUCTION, moves.c.from_status == _PRODUCTION)

_ONE, _NONE = sa.literal_column("1", sa.Integer), sa.literal_column("0", sa.Integer)  # no parameters of their own


def _select(*, serving_only: bool) -> sa.Select[Any]:
    return sa.select(moves).where(*_MODEL, *((_SERVING,) if serving_only else ()))


def _all(*, serving_only: bool) -> DriverStatement:
    return DriverStatement(_select(serving_only=serving_only).order_by(moves.c.sequence), ("project", "model_id"))


def _last(*, serving_only: bool, until: bool) -> DriverStatement:
    newest_first = _select(serving_only=serving_only).order_by(moves.c.sequence.desc())
    query = newest_first.limit(_ONE).offset(_NONE)
    if not until:
        return DriverStatement(query, ("project", "model_id"))
    past = moves.c.at <= sa.bindparam("until")
    return DriverStatement(query.where(past), ("project", "model_id", "until"))


_INSERT = DriverStatement(sa.insert(moves).values({name: sa.bindparam(name) for name in _COLUMNS}).inline(), _COLUMNS)
_ALL = {only: _all(serving_only=only) for only in (False, True)}
_LAST = {(only, until): _last(serving_only=only, until=until) for only in (False, True) for until in (False, True)}
_ALIASES = DriverStatement(
    sa.select(aliases.c.alias, aliases.c.version)
    .where(aliases.c.project == sa.bindparam("project"), aliases.c.model_id == sa.bindparam("model_id"))
    .order_by(aliases.c.alias),
    ("project", "model_id"),
)
_REMOVE_ALIAS = DriverStatement(
    sa.delete(aliases).where(*(aliases.c[name] == sa.bindparam(name) for name in _ALIAS)), _ALIAS
)


def append_moves(tx: Transaction, added: Sequence[ModelMove]) -> None:
    """Append moves."""
    tx.run_many(_INSERT, [_to_row(move, tx.dialect) for move in added])


def read_moves(tx: Transaction, model: ModelKey, *, serving_only: bool) -> list[ModelMove]:
    """Return the moves of a model in order."""
    return [_from_row(row) for row in tx.run(_ALL[serving_only], model)]


def last_move(tx: Transaction, model: ModelKey, *, serving_only: bool, until: datetime | None) -> ModelMove | None:
    """Return the last move of a model."""
    statement = _LAST[serving_only, until is not None]
    bound = () if until is None else (driver_moment(until, tx.dialect),)
    rows = tx.run(statement, (*model, *bound))
    return _from_row(rows[0]) if rows else None


def read_aliases(tx: Transaction, model: ModelKey) -> dict[str, str]:
    """Return the version of each alias, sorted by alias."""
    return {row[0]: row[1] for row in tx.run(_ALIASES, model)}


def put_alias(tx: Transaction, model: ModelKey, alias: str, version: str | None) -> None:
    """Replace an alias, or remove it."""
    tx.run(_REMOVE_ALIAS, (*model, alias))
    if version is not None:
        tx.insert_rows(aliases, (*_ALIAS, "version"), [(*model, alias, version)])


def _to_row(move: ModelMove, dialect: str) -> tuple[Any, ...]:
    values = dict(move) | {"at": driver_moment(move.at, dialect), "kind": str(move.kind)}
    values |= {name: None if values[name] is None else str(values[name]) for name in ("from_status", "to_status")}
    return tuple(values[name] for name in _COLUMNS)


_STATUSES: dict[str | None, ModelStatus | None] = {None: None, **{str(status): status for status in ModelStatus}}
_KINDS = {str(kind): kind for kind in MoveKind}


def _from_row(row: Sequence[Any]) -> ModelMove:
    """Build a move without validating once more what was validated when it was stored."""
    values = dict(zip(_COLUMNS, row, strict=True))
    values["at"] = moment(values["at"])
    values["kind"] = _KINDS[values["kind"]]
    values["from_status"] = _STATUSES[values["from_status"]]
    values["to_status"] = _STATUSES[values["to_status"]]
    return ModelMove.trusted(values)
