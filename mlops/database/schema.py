"""Brings a database's tables to the newest version, and says how they differ from it.

A new SQLite file gets the committed script `migrations/head.sql`; Alembic is loaded only for a database that is behind.
Upgrades run in one transaction under the writer lock (SQLite) or an advisory lock (PostgreSQL), so that processes that
start together upgrade once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from mlops.database.columns import metadata
from mlops.database.errors import SchemaMismatch
from mlops.database.transaction import Transaction

if TYPE_CHECKING:
    from mlops.database.registry import Database

__all__ = ["check", "current", "head", "upgrade"]

_FOLDER = Path(__file__).with_name("migrations")
_ADVISORY_LOCK = 0x6D6C6F7073  # "mlops"; one key for all upgrades of a database


def revisions() -> tuple[str, ...]:
    """Return the known versions of the schema, oldest first, as the files of the migrations name them."""
    return tuple(sorted(file.name.split("_")[0] for file in (_FOLDER / "versions").glob("[0-9]*.py")))


def head() -> str:
    """Return the newest version of the schema."""
    return revisions()[-1]


def table_names() -> tuple[str, ...]:
    """Return the names of all tables of the newest version, whether this process has declared them or not."""
    return tuple(re.findall(r"^CREATE TABLE (\w+)", _head_script(), re.MULTILINE))


def revision_of(tx: Transaction) -> str | None:
    """Return the version of the schema that a transaction sees; None when there are none of our tables."""
    return _version(tx)


def current(database: Database) -> str | None:
    """Return the version of a database's schema; None when it has none of our tables."""
    with database.read() as tx:
        return _version(tx)


def upgrade(database: Database) -> str:
    """Create or upgrade the tables of a database; return their version.

    Raises:
        SchemaMismatch: The database belongs to a newer version of this package, or another program has tables of the
            same names in it.
    """
    if current(database) == head():
        return head()
    with database.write() as tx:
        if tx.dialect == "postgresql":
            tx.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        version = _version(tx)  # again: another process may have been quicker
        if version is not None and version not in revisions():
            raise SchemaMismatch(
                f"{database.masked_url} has schema version {version!r}; this mlops knows {', '.join(revisions())}. "
                "Upgrade the package (pip install --upgrade tracseq-mlops), or name another database if this one "
                "belongs to another program."
            )
        if version is None:
            _refuse_to_share_names(tx, database.masked_url)
        if version is None and tx.dialect == "sqlite":
            _run_head_script(tx)
        elif version != head():
            migrate(tx)
    return head()


def check(database: Database) -> list[str]:
    """Describe every difference between a database and the tables that this process has declared."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with database.read() as tx:
        context = MigrationContext.configure(tx.connection, opts={"compare_type": True, "include_object": _is_ours})
        return [_describe(difference) for difference in _flat(compare_metadata(context, metadata))]


def _is_ours(_: object, name: str | None, kind: str, reflected: bool, counterpart: object) -> bool:
    """Leave out tables that other programs keep in the same database."""
    return not (kind == "table" and reflected and counterpart is None and name not in metadata.tables)


def _flat(differences: list[Any]) -> Iterator[tuple[Any, ...]]:
    for difference in differences:
        if isinstance(difference, list):
            yield from difference
        else:
            yield difference


def _describe(difference: tuple[Any, ...]) -> str:
    what, *parts = difference
    names = [str(getattr(part, "name", part)) for part in parts if part is not None and not isinstance(part, dict)]
    return f"{str(what).replace('_', ' ')}: {' '.join(names)}"


def _version(tx: Transaction) -> str | None:
    if "alembic_version" not in _table_names(tx):
        return None
    version: str | None = tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return version


def _table_names(tx: Transaction) -> set[str]:
    sql = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if tx.dialect == "sqlite"
        else "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    )
    return {row[0] for row in tx.execute(sa.text(sql))}


def _refuse_to_share_names(tx: Transaction, masked_url: str) -> None:
    """Leave a database alone in which our names mean something else."""
    taken = set(table_names()) & _table_names(tx)
    if taken:
        raise SchemaMismatch(
            f"{masked_url} already has tables named {', '.join(sorted(taken))} that are not of mlops. "
            "Name a database of its own."
        )


def _head_script() -> str:
    return (_FOLDER / "head.sql").read_text("utf-8")


def _run_head_script(tx: Transaction) -> None:
    for statement in _head_script().split(";\n"):
        if statement.strip():
            tx.execute(sa.text(statement))


def migrate(tx: Transaction, target: str = "head") -> None:
    """Run every migration that the database lacks up to a version, in this transaction, by Alembic."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    tx.execute(sa.select(1))  # SQLAlchemy notes a transaction, and Alembic leaves the commit to its owner
    script = ScriptDirectory(str(_FOLDER))
    context = EnvironmentContext(Config(), script, fn=lambda revision, _: script._upgrade_revs(target, revision))
    with context:
        context.configure(connection=tx.connection)
        context.run_migrations()
