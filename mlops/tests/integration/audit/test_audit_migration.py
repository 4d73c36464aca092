"""A database of the version before the audit log and the outbox gets them, and keeps what it has."""

from __future__ import annotations

import sqlalchemy as sa

from mlops.audit import append, verify
from mlops.database import check, open_database
from mlops.events import publish, read, subscribe

OF_0001 = ("alembic", "artifact", "experiment")


def take_back_0002(url: str) -> None:
    """Make the database what the first migration alone makes."""
    with open_database(url) as database, database.write() as tx:
        for name in sa.inspect(tx.connection).get_table_names():
            if not name.startswith(OF_0001):
                tx.execute(sa.text(f"DROP TABLE {name}"))
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
        tx.execute(sa.text("INSERT INTO experiment_environments (digest, document) VALUES ('d', '{}')"))


def test_an_older_database_is_upgraded_when_it_is_opened(database_url: str) -> None:
    """Afterwards its tables are as declared, its rows are there, and both floors work on it."""
    take_back_0002(database_url)
    with open_database(database_url) as database:
        assert [line for line in check(database) if "audit" in line or "event" in line] == []
        with database.write() as tx:
            assert tx.execute(sa.text("SELECT count(*) FROM experiment_environments")).scalar_one() == 1
            subscribe(tx, "reader")
            publish(tx, topic="schema.upgraded", subject_kind="schema", subject_id="0002")
            append(tx, action="upgrade", subject_kind="schema", subject_id="0002")
        assert verify(database).entries == 1
        assert len(read(database, "reader")) == 1
