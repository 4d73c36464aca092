"""The limit below every figure: Python's own `sqlite3` on the package's own tables, with nothing in between.

Connections are as fast as `sqlite3` gets while a killed process loses no commit: write-ahead log, `synchronous=NORMAL`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlops.database

__all__ = ["INSERT_METRIC", "connect", "create", "metric_row", "metric_rows"]

EXPERIMENT_ID = "019ab0c1-5d00-7000-8000-00000000beef"
INSERT_METRIC = (
    "INSERT INTO experiment_metrics (experiment_id, name, step, epoch, value, logged_at) VALUES (?, ?, ?, ?, ?, ?)"
)

Row = tuple[Any, ...]


def connect(path: Path) -> sqlite3.Connection:
    """Open a database as fast as it is safe."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def create(path: Path) -> sqlite3.Connection:
    """Make a new database with the package's tables and indexes."""
    script = Path(mlops.database.__file__).with_name("migrations") / "head.sql"
    connection = connect(path)
    connection.executescript(script.read_text())
    connection.commit()
    return connection


def metric_row(step: int, *, name: str = "train_loss", experiment_id: str = EXPERIMENT_ID) -> Row:
    """Return a row of the metrics table as the tracker writes it."""
    return (experiment_id, name, step, None, 1.0 / (step + 1), 1_780_000_000_000_000 + step)


def metric_rows(count: int) -> Sequence[Row]:
    """Return prepared rows of one metric, in order of steps."""
    return [metric_row(step) for step in range(count)]
