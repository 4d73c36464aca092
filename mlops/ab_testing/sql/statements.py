"""Statements that differ between the databases: many keys in one query, and rows that replace others."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from mlops.database import DriverStatement, Transaction

__all__ = ["Among", "Upsert", "chosen"]


class Among:
    """A query for rows whose column is one of many keys.

    Args:
        query: Makes the query of the condition.
        column: The column.
        parameters: Names of the query's other parameters, which come before the keys.
    """

    def __init__(
        self,
        query: Callable[[sa.ColumnElement[bool]], sa.Select[Any]],
        column: sa.Column[str],
        parameters: Sequence[str] = ("test_id",),
    ) -> None:
        names = (*parameters, "keys")
        listed = sa.func.json_each(sa.bindparam("keys")).table_valued("value")
        array = sa.bindparam("keys", type_=sa.ARRAY(sa.Text))
        self._statements = {
            "sqlite": DriverStatement(query(column.in_(sa.select(listed.c.value))), names),
            "postgresql": DriverStatement(query(column == sa.any_(array)), names),
        }

    def run(self, tx: Transaction, keys: Collection[str], *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows."""
        if not keys:
            return []
        asked = list(keys) if tx.dialect == "postgresql" else json.dumps(list(keys))
        return tx.run(self._statements[tx.dialect], (*values, asked))


class Upsert:
    """A statement that stores a row in place of the one with the same key."""

    def __init__(self, table: sa.Table) -> None:
        self._table = table
        self._statements: dict[str, DriverStatement] = {}

    def run(self, tx: Transaction, rows: Sequence[Sequence[Any]]) -> None:
        """Store rows that have all columns, in an order that is the same for all writers."""
        if rows:
            tx.run_many(self._statement(tx.dialect), sorted(rows, key=self._key))

    def _key(self, row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(row)[: len(self._table.primary_key)]

    def _statement(self, dialect: str) -> DriverStatement:
        if dialect not in self._statements:
            names = tuple(column.name for column in self._table.columns)
            values: dict[str, Any] = {name: sa.bindparam(name) for name in names}
            insert: Any = _insert(dialect)(self._table).values(values).inline()
            keys = [column.name for column in self._table.primary_key]
            rest = {name: insert.excluded[name] for name in names if name not in keys}
            self._statements[dialect] = DriverStatement(
                insert.on_conflict_do_update(index_elements=keys, set_=rest), names
            )
        return self._statements[dialect]


def _insert(dialect: str) -> Callable[[sa.Table], Any]:
    if dialect == "sqlite":
        return sqlite.insert
    from sqlalchemy.dialects import postgresql  # 70 ms that SQLite's users need not spend

    return postgresql.insert


def chosen(table: sa.Table, columns: Sequence[str], keys: Sequence[str]) -> DriverStatement:
    """Return the query of some columns of the rows with these key columns."""
    where = [table.c[name] == sa.bindparam(name) for name in keys]
    return DriverStatement(sa.select(*(table.c[name] for name in columns)).where(*where), keys)
