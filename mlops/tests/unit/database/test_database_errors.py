"""The translation of drivers' errors: what is the database's trouble, and what is the caller's."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest

from mlops.database import DatabaseBusy, DatabaseSettings, DatabaseUnavailable, UnsupportedLocation
from mlops.database.errors import translate, unusable
from mlops.errors import Corrupted, InvalidInput, StorageFull


def sqlite_error(code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> sqlite3.Error:
    """Return an error as the driver raises it."""
    error = kind("what SQLite said")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        (sqlite3.SQLITE_FULL, StorageFull),
        (sqlite3.SQLITE_BUSY, DatabaseBusy),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, DatabaseBusy),
        (sqlite3.SQLITE_LOCKED, DatabaseBusy),
        (sqlite3.SQLITE_IOERR_READ, DatabaseUnavailable),
        (sqlite3.SQLITE_CANTOPEN, DatabaseUnavailable),
        (sqlite3.SQLITE_READONLY, DatabaseUnavailable),
        (sqlite3.SQLITE_CORRUPT, Corrupted),
        (sqlite3.SQLITE_NOTADB, UnsupportedLocation),
    ],
)
def test_troubles_of_sqlite_are_translated(code: int, ours: type[Exception]) -> None:
    """Each of SQLite's operational codes, extended ones too, becomes one error of ours."""
    assert type(translate(sqlite_error(code), "sqlite:///a.db")) is ours


@pytest.mark.parametrize("code", [sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG])
def test_faults_of_the_data_are_not_translated(code: int) -> None:
    """A constraint or a wrong statement is its author's and stays what it is."""
    assert translate(sqlite_error(code), "sqlite:///a.db") is None


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (psycopg.errors.DiskFull("no space"), StorageFull),
        (psycopg.errors.AdminShutdown("bye"), DatabaseUnavailable),
        (psycopg.errors.DeadlockDetected("deadlock"), DatabaseUnavailable),
        (psycopg.OperationalError("the connection is closed"), DatabaseUnavailable),
    ],
)
def test_troubles_of_postgresql_are_translated(error: Exception, ours: type[Exception]) -> None:
    """Lost connections and full disks become errors of ours."""
    assert type(translate(error, "postgresql://h/db")) is ours


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.ProgramLimitExceeded("index row size 4000 exceeds maximum 2712"),
        psycopg.errors.UniqueViolation("twice"),
        psycopg.errors.NumericValueOutOfRange("out of range"),
        ValueError("ours"),
    ],
)
def test_faults_of_the_data_stay_on_postgresql(error: Exception) -> None:
    """A value too large for an index is the item's fault although psycopg calls it operational."""
    assert translate(error, "postgresql://h/db") is None


def test_a_full_disk_is_told_from_a_folder_that_is_closed() -> None:
    """A file that cannot be made names its trouble and the remedy."""
    assert type(unusable(OSError(28, "No space left on device", "a.db"), "sqlite:///a.db")) is StorageFull
    assert "folder that you may write to" in str(unusable(OSError(13, "Permission denied", "a.db"), "sqlite:///a.db"))


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [
        ({"pool_size": 0}, "pool_size ≤ max_connections"),
        ({"pool_size": 5, "max_connections": 4}, "pool_size ≤ max_connections"),
        ({"lock_timeout_s": 0.0}, "seconds above 0, up to 86400"),
        ({"lock_timeout_s": float("nan")}, "seconds above 0, up to 86400"),
    ],
)
def test_limits_that_cannot_be_are_refused(limits: dict[str, float], allowed: str) -> None:
    """More connections kept than allowed, or none at all, is a mistake and not silently mended."""
    with pytest.raises(InvalidInput, match=allowed):
        DatabaseSettings(**limits)  # type: ignore[arg-type]
