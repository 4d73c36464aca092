"""Moves and aliases in SQL, by statements that are compiled once."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlops.database import DriverStatement, Transaction
from mlops.model_registry.entities import ModelMove, ModelStatus, MoveKind
from mlops.model_registry.sql.rows import driver_moment, moment
from mlops.model_registry.sql.tables import aliases, models, moves
from mlops.model_registry.stored import ModelKey, Standing
from mlops.records import encode_json

__all__ = ["append_moves", "last_serving_move", "lock", "put_alias", "read_aliases", "read_moves", "read_standing"]

_COLUMNS = tuple(column.name for column in moves.columns)
_in_order = operator.itemgetter(*_COLUMNS)
_PLACE_OF_TIME = _COLUMNS.index("at")
_ALIAS = ("project", "model_id", "alias")
_MODEL = (moves.c.project == sa.bindparam("project"), moves.c.model_id == sa.bindparam("model_id"))
_PRODUCTION = sa.literal_column(f"'{ModelStatus.PRODUCTION}'", sa.Text)
_SERVING = sa.or_(moves.c.to_status == _PRODUCTION, moves.c.from_status == _PRODUCTION)

_ONE, _NONE = sa.literal_column("1", sa.Integer), sa.literal_column("0", sa.Integer)  # no parameters of their own


def _select(*, serving_only: bool) -> sa.Select[Any]:
    return sa.select(moves).where(*_MODEL, *((_SERVING,) if serving_only else ()))


def _all(*, serving_only: bool) -> DriverStatement:
    return DriverStatement(_select(serving_only=serving_only).order_by(moves.c.sequence), ("project", "model_id"))


def _last_serving(*, until: bool) -> DriverStatement:
    newest_first = _select(serving_only=True).order_by(moves.c.sequence.desc())
    query = newest_first.limit(_ONE).offset(_NONE)
    if not until:
        return DriverStatement(query, ("project", "model_id"))
    past = moves.c.at <= sa.bindparam("until")
    return DriverStatement(query.where(past), ("project", "model_id", "until"))


def _serving_version() -> sa.ScalarSelect[str]:
    """Return the number of the version in production, for a query of moves."""
    is_serving = (models.c.status == _PRODUCTION, models.c.deleted_at.is_(None))
    same_model = (models.c.project == moves.c.project, models.c.model_id == moves.c.model_id)
    return sa.select(models.c.version).where(*same_model, *is_serving).correlate(moves).scalar_subquery()


_INSERT = DriverStatement(sa.insert(moves).values({name: sa.bindparam(name) for name in _COLUMNS}).inline(), _COLUMNS)
_ALL = {only: _all(serving_only=only) for only in (False, True)}
_LAST_SERVING = {until: _last_serving(until=until) for until in (False, True)}
_ALIASES = DriverStatement(
    sa.select(aliases.c.alias, aliases.c.version)
    .where(aliases.c.project == sa.bindparam("project"), aliases.c.model_id == sa.bindparam("model_id"))
    .order_by(aliases.c.alias),
    ("project", "model_id"),
)
_REMOVE_ALIAS = DriverStatement(
    sa.delete(aliases).where(*(aliases.c[name] == sa.bindparam(name) for name in _ALIAS)), _ALIAS
)


_LOCK = DriverStatement(
    sa.select(
        sa.func.pg_advisory_xact_lock(
            sa.func.hashtextextended(sa.bindparam("name", type_=sa.Text), sa.literal_column("3"))
        )
    ),
    ("name",),
)
_STANDING = DriverStatement(
    sa.select(moves.c.sequence, moves.c.at, _serving_version())
    .where(*_MODEL)
    .order_by(moves.c.sequence.desc())
    .limit(_ONE)
    .offset(_NONE),
    ("project", "model_id"),
)
_KEY = ("project", "model_id", "version")


def _change(**values: Any) -> DriverStatement:
    key = (models.c[name] == sa.bindparam(f"of_{name}") for name in _KEY)
    names = dict.fromkeys(value.key for value in values.values() if isinstance(value, sa.BindParameter))
    return DriverStatement(sa.update(models).where(*key).values(values), (*names, *(f"of_{name}" for name in _KEY)))


_STATUS: sa.BindParameter[Any] = sa.bindparam("new_status")
_AT: sa.BindParameter[Any] = sa.bindparam("moved_at")
_MOVE = _change(status=_STATUS, updated_at=_AT)
_PROMOTE = _change(status=_STATUS, updated_at=_AT, promoted_at=_AT)
_DELETE = _change(updated_at=_AT, deleted_at=_AT)


def lock(tx: Transaction, model: ModelKey) -> None:
    """Keep others from changing a model; a writer on SQLite is alone anyway."""
    if tx.dialect == "postgresql":
        tx.run(_LOCK, (encode_json(list(model)),))


def read_standing(tx: Transaction, model: ModelKey) -> Standing:
    """Return where a model stands."""
    rows = tx.run(_STANDING, model)
    if not rows:
        return Standing()
    sequence, at, serving = rows[0]
    return Standing(sequence, moment(at), serving)


def append_moves(tx: Transaction, added: Sequence[ModelMove]) -> None:
    """Append moves, and give the versions that were there already the state that these tell."""
    rows = [_to_row(move, tx.dialect) for move in added]
    for move, row in zip(added, rows, strict=True):
        if move.from_status is not None:
            _change_state(tx, move, at=row[_PLACE_OF_TIME])
    tx.run_many(_INSERT, rows)


def _change_state(tx: Transaction, move: ModelMove, *, at: Any) -> None:
    key = (move.project, move.model_id, move.version)
    if move.to_status is None:
        tx.run(_DELETE, (at, *key))
    else:
        statement = _PROMOTE if move.to_status is ModelStatus.PRODUCTION else _MOVE
        tx.run(statement, (str(move.to_status), at, *key))


def read_moves(tx: Transaction, model: ModelKey, *, serving_only: bool) -> list[ModelMove]:
    """Return the moves of a model in order."""
    return [_from_row(row) for row in tx.run(_ALL[serving_only], model)]


def last_serving_move(tx: Transaction, model: ModelKey, *, until: datetime | None) -> ModelMove | None:
    """Return the last move into or out of production."""
    bound = () if until is None else (driver_moment(until, tx.dialect),)
    rows = tx.run(_LAST_SERVING[until is not None], (*model, *bound))
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
    values = vars(move) | {"at": driver_moment(move.at, dialect), "kind": str(move.kind)}
    values |= {name: None if values[name] is None else str(values[name]) for name in ("from_status", "to_status")}
    row: tuple[Any, ...] = _in_order(values)
    return row


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
