"""A log with some entries, and a way to try changes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest

from mlops.audit import append
from mlops.database import Database, Transaction

ENTRIES = 7

Tampering = Callable[[], AbstractContextManager[Transaction]]


class Undo(Exception):
    """Ends a transaction without a trace."""


@pytest.fixture
def log(database: Database) -> Database:
    """Return a database whose log has seven entries."""
    with database.write() as tx:
        for number in range(1, ENTRIES + 1):
            append(
                tx,
                action="promote",
                subject_kind="model",
                subject_id=f"m{number}",
                actor="ann",
                details={"to": "production", "reason": f"试 {number}"},
            )
    return database


@pytest.fixture
def tampering(log: Database) -> Tampering:
    """Return a context with a transaction in which the log can be changed; at its end all is as before."""

    @contextmanager
    def tamper() -> Iterator[Transaction]:
        with suppress(Undo), log.write() as tx:
            yield tx
            raise Undo

    return tamper
