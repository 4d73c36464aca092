"""Who did what: entries written in the transaction of what they tell of, chained by hashes, so that changes show.

Services call `append` last in their own transaction; programs that only have something to report use `AuditLogger`.

Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, AuditLogger(f"sqlite:///{folder}/lab.db") as audit:
    ...     with acting_as("ann"):
    ...         entry = audit.log("approve", subject_kind="model", subject_id="lab_classifier")
    ...     entry.sequence, entry.actor, audit.verify().entries
    (1, 'ann', 1)
"""

from __future__ import annotations

from mlops.audit.actor import acting_as, current_actor
from mlops.audit.chain import GENESIS, entry_hash
from mlops.audit.entries import Anchor, AuditEntry, AuditFact, AuditReport, Fault
from mlops.audit.errors import AuditBroken
from mlops.audit.journal import append, list_entries, record
from mlops.audit.logger import AuditLogger
from mlops.audit.verification import verify

__all__ = [
    "GENESIS",
    "Anchor",
    "AuditBroken",
    "AuditEntry",
    "AuditFact",
    "AuditLogger",
    "AuditReport",
    "Fault",
    "acting_as",
    "append",
    "current_actor",
    "entry_hash",
    "list_entries",
    "record",
    "verify",
]
