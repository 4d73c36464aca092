"""Writes mlops/database/migrations/head.sql: the newest schema as one script for new SQLite files.

Run by `make generate` after a migration was added; a test compares the script with what the migrations make.
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

from mlops.database import head
from mlops.database.location import locate
from mlops.database.registry import Database
from mlops.database.schema import migrate
from mlops.database.settings import DatabaseSettings

TARGET = Path(__file__).parent.parent / "mlops" / "database" / "migrations" / "head.sql"


def head_script() -> str:
    """Migrate an empty file by Alembic and dump what it holds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "head.db"
        database = Database(locate(f"sqlite:///{file}"), DatabaseSettings())
        with database.write() as tx:
            migrate(tx)
        database.shut()
        connection = sqlite3.connect(file)
        try:
            rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name")
            statements = [row[0].rstrip() for row in rows]
        finally:
            connection.close()
    return ";\n".join([*statements, f"INSERT INTO alembic_version (version_num) VALUES ('{head()}')"]) + ";\n"


if __name__ == "__main__":
    TARGET.write_text(head_script())
    print(f"wrote {TARGET}")
