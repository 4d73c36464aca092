"""The logger does what the guide shows, on whatever database is configured."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from mlops.audit import AuditBroken, AuditLogger, Fault, acting_as
from mlops.audit.tables import audit_entries
from mlops.config import ConfigManager
from mlops.database import open_database
from mlops.errors import Corrupted, InvalidInput


def test_the_guides_calls_are_entries(database_url: str) -> None:
    """Access and deployment name the user, the model and what was done."""
    with AuditLogger(database_url) as audit:
        audit.log_model_access(user_id="user123", model_id="lab_classifier", action="predict")
        audit.log_deployment(user_id="user123", model_id="lab_classifier", environment="production")
        deployment, access = audit.list_entries(limit=10)
        assert audit.verify().entries == 2
    assert (access.actor, access.action, access.subject_kind) == ("user123", "predict", "model")
    assert (deployment.action, deployment.details["environment"]) == ("deploy", "production")


def test_the_configured_database_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without arguments the settings decide, those of the process or those handed in."""
    monkeypatch.setenv("MLOPS_DATABASE_URL", f"sqlite:///{tmp_path}/configured.db")
    with AuditLogger() as audit, AuditLogger(config=ConfigManager().load_config()) as same:
        audit.log("approve", subject_kind="model", subject_id="m1")
        assert len(same.list_entries()) == 1
    assert (tmp_path / "configured.db").exists()


def test_the_actor_is_taken_where_the_call_is_made(sqlite_url: str) -> None:
    """The name goes along a thread hop, and an explicit one comes first."""

    async def work() -> None:
        with acting_as("ann"):
            await asyncio.to_thread(audit.log, "approve", subject_kind="model", subject_id="m1")
            audit.log("approve", subject_kind="model", subject_id="m1", actor="bob")

    with AuditLogger(sqlite_url) as audit:
        asyncio.run(work())
        assert [entry.actor for entry in audit.list_entries()] == ["bob", "ann"]


def test_callers_at_once_each_get_their_own_entry(database_url: str) -> None:
    """Entries that share a transaction are told apart, and a bad one fails alone."""
    with AuditLogger(database_url) as audit, ThreadPoolExecutor(8) as threads:

        def work(number: int) -> str | None:
            details = {"blob": "x" * 70_000} if number % 10 == 7 else {"number": number}
            try:
                return audit.log("count", subject_kind="number", subject_id=str(number), details=details).subject_id
            except InvalidInput:
                return None

        results = list(threads.map(work, range(60)))
        assert results == [None if number % 10 == 7 else str(number) for number in range(60)]
        assert audit.verify().entries == 54


def test_a_broken_log_raises_and_names_the_position(database_url: str) -> None:
    """`verify` raises what the API knows as corrupted data; `inspect` reports the same."""
    with AuditLogger(database_url) as audit, open_database(database_url) as database:
        for number in range(4):
            audit.log("count", subject_kind="number", subject_id=str(number))
        with database.write() as tx:
            tx.execute(sa.delete(audit_entries).where(audit_entries.c.sequence == 2))
        with pytest.raises(AuditBroken, match=r"broken at entry 2 \(missing\): entry 2 is gone") as caught:
            audit.verify()
        assert isinstance(caught.value, Corrupted)
        assert (caught.value.position, caught.value.fault) == (2, Fault.MISSING)
        assert audit.inspect().position == 2


def test_what_cannot_be_recorded_is_refused(sqlite_url: str) -> None:
    """An access by nobody is an error that names the field, not an entry."""
    with AuditLogger(sqlite_url) as audit:
        with pytest.raises(InvalidInput, match="'actor'"):
            audit.log_model_access(user_id="", model_id="m1", action="predict")
        assert audit.list_entries() == []
