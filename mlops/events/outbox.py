"""Publishing: an event becomes a row of the transaction that it tells of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from mlops import clock
from mlops.clock import Now
from mlops.database import DriverStatement, Transaction, write_moment
from mlops.events.entities import NewEvent
from mlops.events.tables import events, next_era, own_transaction
from mlops.records import encode_json

__all__ = ["publish"]

_COLUMNS = ("at", "topic", "subject_kind", "subject_id", "project", "payload")


def publish(
    tx: Transaction,
    *,
    topic: str,
    subject_kind: str,
    subject_id: str,
    project: str = "default",
    payload: Mapping[str, Any] | None = None,
    now: Now = clock.now,
) -> None:
    """Publish an event in the caller's transaction: it is there when, and only when, all else in it is.

    Args:
        tx: A write transaction. On PostgreSQL, later events of other transactions reach consumers only after its end.
        topic: What happens, as `noun.verb` in small letters; a constant of the domain.
        subject_kind: What it happens to, a noun such as `model`.
        subject_id: Which one.
        project: The subject's project.
        payload: JSON values that consumers need beside that.
        now: The clock.

    Raises:
        InvalidInput: Something cannot be published; the message says what.
    """
    event = NewEvent(
        at=now(),
        topic=topic,
        subject_kind=subject_kind,
        subject_id=subject_id,
        project=project,
        payload=payload or {},
    )
    at = event.at if tx.dialect == "postgresql" else write_moment(event.at)
    names = (event.topic, event.subject_kind, event.subject_id, event.project)
    tx.run(_INSERTS[tx.dialect], (at, *names, encode_json(event.payload, where="payload")))


def _insert_statement(dialect: str) -> DriverStatement:
    place: dict[str, Any] = {"era": next_era(dialect), "transaction_id": own_transaction(dialect)}
    values: dict[str, Any] = {name: sa.bindparam(name) for name in _COLUMNS}
    return DriverStatement(sa.insert(events).values({**place, **values}).inline(), _COLUMNS)


_INSERTS = {dialect: _insert_statement(dialect) for dialect in ("sqlite", "postgresql")}
