"""What can be wrong with the audit log.

Corrupted
└── AuditBroken     an entry is not what was written, is gone, or stands where it does not belong
"""

from __future__ import annotations

from mlops.errors import Corrupted

__all__ = ["AuditBroken"]


class AuditBroken(Corrupted):
    """The chain of the audit log does not hold.

    Attributes:
        position: Sequence number of the first entry at which it does not.
        fault: What is wrong there, a word of `Fault`.
    """

    def __init__(self, position: int, fault: str, explanation: str) -> None:
        self.position = position
        self.fault = fault
        super().__init__(
            f"The audit log is broken at entry {position} ({fault}): {explanation} "
            "Keep this database as evidence, and compare it with a backup from before."
        )
