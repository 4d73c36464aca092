"""The audit log for programs: opens the database, writes each entry in a transaction of its own, reads and verifies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from mlops import clock
from mlops.audit import journal
from mlops.audit.actor import current_actor
from mlops.audit.entries import Anchor, AuditEntry, AuditFact, AuditReport
from mlops.audit.errors import AuditBroken
from mlops.audit.verification import verify
from mlops.clock import Now
from mlops.config import MLOpsConfig
from mlops.database import Durability, GroupCommit, Transaction, configured_database
from mlops.search import Page

__all__ = ["AuditLogger"]


class AuditLogger:
    """Writes and reads the audit log of a database.

    An entry is acknowledged once it survives power loss. Safe to use from any thread and from several processes at
    once; callers at the same moment share a transaction.

    Args:
        database_url: `sqlite:///file.db` or `postgresql://user:password@host:5432/name`. None: as configured.
        config: The configuration; None loads it from the environment and the configuration file.
        now: The clock.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, AuditLogger(f"sqlite:///{folder}/lab.db") as audit:
        ...     entry = audit.log_deployment(user_id="ann", model_id="lab_classifier", environment="production")
        ...     [(entry.actor, entry.action, entry.subject_id) for entry in audit.list_entries(limit=10)]
        [('ann', 'deploy', 'lab_classifier')]
    """

    def __init__(
        self, database_url: str | None = None, *, config: MLOpsConfig | None = None, now: Now = clock.now
    ) -> None:
        self._now = now
        self._database = configured_database(database_url, config)
        self._commit = GroupCommit(self._database, _record_all, durability=Durability.RECORD)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def log(
        self,
        action: str,
        *,
        subject_kind: str,
        subject_id: str,
        project: str = "default",
        details: Mapping[str, Any] | None = None,
        actor: str | None = None,
    ) -> AuditEntry:
        """Write an entry; return it once it is committed.

        Args:
            action: What was done, a verb such as `promote`.
            subject_kind: What it was done to, a noun such as `model`.
            subject_id: Which one.
            project: The subject's project.
            details: JSON values that tell the rest; never secrets, for entries are kept for ever and read by many.
            actor: Who did it; the `current_actor` when left out.

        Raises:
            InvalidInput: Something cannot be recorded; the message says what.
            AuditBroken: The end of the log has been tampered with; nothing was written.
        """
        fact = AuditFact(
            at=self._now(),
            actor=current_actor() if actor is None else actor,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            project=project,
            details=details or {},
        )
        return self._commit.submit(fact)

    def log_model_access(self, user_id: str, model_id: str, action: str) -> AuditEntry:
        """Write that a user used a model.

        Args:
            user_id: Who.
            model_id: Which model.
            action: What for, such as `predict` or `download`.

        Raises:
            InvalidInput: One of them cannot be recorded.
        """
        return self.log(action, subject_kind="model", subject_id=model_id, actor=user_id)

    def log_deployment(self, user_id: str, model_id: str, environment: str) -> AuditEntry:
        """Write that a user deployed a model: the action `deploy`, the environment among the details.

        Raises:
            InvalidInput: One of them cannot be recorded.
        """
        details = {"environment": environment}
        return self.log("deploy", subject_kind="model", subject_id=model_id, details=details, actor=user_id)

    def list_entries(
        self,
        limit: int = 100,
        *,
        actor: str | None = None,
        action: str | None = None,
        subject_kind: str | None = None,
        subject_id: str | None = None,
        project: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        cursor: str | None = None,
    ) -> Page[AuditEntry]:
        """Return a page of entries, the newest first.

        Args:
            limit: Most entries of the page, 1 to 10,000.
            actor: Only what this one did.
            action: Only this action.
            subject_kind: Only subjects of this kind.
            subject_id: Only the subject with this id.
            project: Only subjects of this project.
            since: Only entries of this moment or later, an aware datetime.
            until: Only entries before this moment.
            cursor: `next_cursor` of the page before.

        Raises:
            InvalidInput: A limit out of range, or what is no cursor.
            AuditBroken: An entry cannot be read.
        """
        with self._database.read() as tx:
            return journal.list_entries(
                tx,
                limit=limit,
                actor=actor,
                action=action,
                subject_kind=subject_kind,
                subject_id=subject_id,
                project=project,
                since=since,
                until=until,
                cursor=cursor,
            )

    def inspect(self, *, anchor: Anchor | str | None = None) -> AuditReport:
        """Check the whole chain and report; see `mlops.audit.verify`."""
        return verify(self._database, anchor=anchor)

    def verify(self, *, anchor: Anchor | str | None = None) -> AuditReport:
        """Check the whole chain; return the report when it holds.

        Args:
            anchor: Where the log ended at an earlier time, to show whether it was written anew or cut since.

        Raises:
            AuditBroken: It does not hold; names the first position and what is wrong there.
        """
        report = self.inspect(anchor=anchor)
        if report.position is not None and report.fault is not None:
            raise AuditBroken(report.position, report.fault, report.explanation)
        return report

    def close(self) -> None:
        """Close the database, unless others of this process use it."""
        self._database.close()


def _record_all(tx: Transaction, facts: Sequence[AuditFact]) -> list[AuditEntry | Exception]:
    return [journal.record(tx, fact) for fact in facts]
