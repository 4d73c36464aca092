"""Versions found and changed, by statements that are compiled once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mlops.database import DriverStatement, Transaction
from mlops.model_registry.entities import ModelStatus
from mlops.model_registry.sql.rows import COLUMNS, from_row, to_row
from mlops.model_registry.sql.tables import metrics, models, params, tags
from mlops.model_registry.stored import ModelKey, StoredVersion
from mlops.model_registry.versions import SemanticVersion
from mlops.records import encode_json
from mlops.search import text_and_number

__all__ = ["find", "find_latest", "find_same", "insert", "numbers", "read_page", "update"]

_SEARCHABLE_BYTES = 1200  # of a parameter's or tag's text: PostgreSQL's indexes take rows of up to 2,704 bytes
_ORDER = (models.c.major.desc(), models.c.minor.desc(), models.c.patch.desc(), models.c.prerelease.desc())
_LIVE = models.c.deleted_at.is_(None)
_ONE, _NONE = sa.literal_column("1", sa.Integer), sa.literal_column("0", sa.Integer)  # no parameters of their own
_MODEL = (models.c.project == sa.bindparam("project"), models.c.model_id == sa.bindparam("model_id"))


def _word(status: ModelStatus) -> sa.ColumnElement[str]:
    return sa.literal_column(f"'{status}'", sa.Text)


def _latest(*conditions: sa.ColumnElement[bool]) -> DriverStatement:
    query = sa.select(models).where(*_MODEL, *conditions).order_by(*_ORDER).limit(_ONE).offset(_NONE)
    return DriverStatement(query, ("project", "model_id"))


def _numbers(*conditions: sa.ColumnElement[bool]) -> DriverStatement:
    query = sa.select(models.c.version).where(*_MODEL, *conditions).order_by(*_ORDER)
    return DriverStatement(query, ("project", "model_id"))


_INSERT = DriverStatement(sa.insert(models).values({name: sa.bindparam(name) for name in COLUMNS}).inline(), COLUMNS)
_REPLACE = DriverStatement(
    sa.update(models)
    .where(models.c.version_id == sa.bindparam("own_id"))
    .values({name: sa.bindparam(name) for name in COLUMNS}),
    (*COLUMNS, "own_id"),
)
_FIND = DriverStatement(
    sa.select(models).where(*_MODEL, models.c.version == sa.bindparam("wanted")), ("project", "model_id", "wanted")
)
_LATEST = {status: _latest(models.c.status == _word(status), _LIVE) for status in ModelStatus}
_LATEST_USABLE = _latest(models.c.status != _word(ModelStatus.FAILED), _LIVE)
_LATEST_EVER = _latest()
_NUMBERS = {False: _numbers(_LIVE), True: _numbers()}
_PLACE = ("major", "minor", "patch", "prerelease")
_SAME_CONTENT = DriverStatement(
    sa.select(models).where(*_MODEL, models.c.canonical_digest == sa.bindparam("content"), _LIVE),
    ("project", "model_id", "content"),
)
_SAME_NUMBER = DriverStatement(
    sa.select(models).where(*_MODEL, *(models.c[name] == sa.bindparam(name) for name in _PLACE)),
    ("project", "model_id", *_PLACE),
)


def insert(tx: Transaction, stored: StoredVersion) -> None:
    """Store a new version with what a search names of it."""
    tx.run(_INSERT, to_row(stored, tx.dialect))
    for table, rows in _named_values(stored).items():
        if rows:
            tx.insert_rows(table, tuple(column.name for column in table.columns), rows)


def update(tx: Transaction, before: StoredVersion, after: StoredVersion) -> None:
    """Replace a version."""
    tx.run(_REPLACE, (*to_row(after, tx.dialect), after.version_id))
    old, new = _named_values(before), _named_values(after)
    for table, rows in new.items():
        _replace_values(tx, table, after.version_id, old[table], rows)


def find(tx: Transaction, model: ModelKey, version: str) -> StoredVersion | None:
    """Return a version, deleted or not."""
    return _one(tx.run(_FIND, (*model, version)))


def find_latest(
    tx: Transaction, model: ModelKey, *, status: ModelStatus | None, among_deleted: bool
) -> StoredVersion | None:
    """Return the version with the highest number; see `ModelStore.find_latest`."""
    statement = _LATEST_EVER if among_deleted else _LATEST_USABLE if status is None else _LATEST[status]
    return _one(tx.run(statement, model))


def find_same(tx: Transaction, model: ModelKey, *, digest: str, number: SemanticVersion | None) -> list[StoredVersion]:
    """Return versions of the same content, and those of the same place in the order, each once."""
    rows = tx.run(_SAME_CONTENT, (*model, digest))
    if number is not None:
        rows += tx.run(_SAME_NUMBER, (*model, number.major, number.minor, number.patch, number.prerelease_key))
    return list({stored.version_id: stored for stored in map(from_row, rows)}.values())


def numbers(tx: Transaction, model: ModelKey, *, among_deleted: bool) -> list[str]:
    """Return the numbers of a model's versions, the highest first."""
    return [row[0] for row in tx.run(_NUMBERS[among_deleted], model)]


def read_page(tx: Transaction, keys: Sequence[str]) -> list[StoredVersion]:
    """Return the versions with these keys, in their order."""
    if not keys:
        return []
    bound = encode_json(list(keys)) if tx.dialect == "sqlite" else list(keys)
    found = {stored.version_id: stored for stored in map(from_row, tx.run(_OF_ANY[tx.dialect], (bound,)))}
    return [found[key] for key in keys if key in found]


_LISTED = sa.func.json_each(sa.bindparam("keys")).table_valued("value")
_OF_ANY = {
    "sqlite": DriverStatement(sa.select(models).where(models.c.version_id.in_(sa.select(_LISTED.c.value))), ("keys",)),
    "postgresql": DriverStatement(
        sa.select(models).where(models.c.version_id == sa.any_(sa.bindparam("keys", type_=sa.ARRAY(sa.Text)))),
        ("keys",),
    ),
}


def _one(rows: Sequence[Sequence[Any]]) -> StoredVersion | None:
    return from_row(rows[0]) if rows else None


def _named_values(stored: StoredVersion) -> dict[sa.Table, list[tuple[Any, ...]]]:
    """Return the rows of the collections that searches name."""
    told, key = stored.metadata, stored.version_id
    return {
        params: [(key, name, *_searchable(value)) for name, value in told.hyperparameters.items()],
        tags: [(key, name, _searchable(text)[0]) for name, text in told.tags.items()],
        metrics: [(key, name, None if value != value else value) for name, value in told.measured().items()],  # noqa: PLR0124 (NULL is NaN)
    }


def _searchable(value: Any) -> tuple[str, float | None]:
    text, number = text_and_number(value)
    return text.encode()[:_SEARCHABLE_BYTES].decode(errors="ignore"), number


def _replace_values(
    tx: Transaction, table: sa.Table, key: str, old: Sequence[tuple[Any, ...]], new: Sequence[tuple[Any, ...]]
) -> None:
    """Write those rows that changed, and remove those that are gone."""
    if list(old) == list(new):
        return
    tx.execute(sa.delete(table).where(table.c.version_id == key))
    if new:
        tx.insert_rows(table, tuple(column.name for column in table.columns), new)
