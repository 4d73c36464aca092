"""The rows of a promotion written by hand: the same tables and indexes, with nothing decided or built for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import count, cycle
from pathlib import Path
from typing import Any

from benchmarks import raw

__all__ = ["copy_database", "writer"]

_ARCHIVE = "UPDATE model_registry SET status = 'archived', updated_at = ? WHERE version_id = ?"
_PROMOTE = "UPDATE model_registry SET status = 'production', updated_at = ?, promoted_at = ? WHERE version_id = ?"


def copy_database(source: Path, target: Path) -> sqlite3.Connection:
    """Copy a database, and open the copy so that a commit survives power loss, as ours does."""
    with sqlite3.connect(source) as original, sqlite3.connect(target) as copy:
        original.backup(copy)
    original.close()
    copy.close()
    connection = raw.connect(target)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-16384")  # as ours
    return connection


def writer(connection: sqlite3.Connection, versions: tuple[str, str]) -> Callable[[], None]:
    """Return what writes and commits the rows of the last promotion once more, under new keys, for each in turn."""
    moves = _last(connection, "model_moves", "sequence", 2)
    [event], [entry] = _last(connection, "events", "position", 1), _last(connection, "audit_entries", "sequence", 1)
    ids = [_version_id(connection, version) for version in versions]
    turns, number = cycle([(ids[0], ids[1]), (ids[1], ids[0])]), count(1)

    def write() -> None:
        (promoted, archived), step = next(turns), next(number)
        moment = entry[1]
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_ARCHIVE, (moment, archived))
        connection.execute(_PROMOTE, (moment, moment, promoted))
        for place, move in enumerate(moves):
            key = (f"{move[0][:-8]}{2 * step + place:08x}", *move[1:3], move[3] + 2 * step, *move[4:])
            _insert(connection, "model_moves", key)
        _insert(connection, "events", (event[0] + step, *event[1:]))
        _insert(connection, "audit_entries", (entry[0] + step, *entry[1:]))
        connection.execute("UPDATE audit_head SET sequence = ?, hash = ?", (entry[0] + step, entry[-1]))
        connection.commit()

    return write


def _version_id(connection: sqlite3.Connection, version: str) -> str:
    [(found,)] = connection.execute("SELECT version_id FROM model_registry WHERE version = ?", [version]).fetchall()
    return str(found)


def _last(connection: sqlite3.Connection, table: str, key: str, many: int) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT * FROM {table} ORDER BY {key} DESC LIMIT ?", [many]).fetchall()


def _insert(connection: sqlite3.Connection, table: str, row: tuple[Any, ...]) -> None:
    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
