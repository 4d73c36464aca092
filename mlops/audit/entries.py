"""The nouns of the audit log: what is reported, the entry made of it, and what a verification found."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime

from mlops.errors import InvalidInput
from mlops.records import FrozenDict, FrozenMap, Record
from mlops.values import Term

__all__ = ["Anchor", "AuditEntry", "AuditFact", "AuditReport", "Fault"]

_ANCHOR = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


class AuditFact(Record):
    """Something that was done, before it has its place in the log.

    Attributes:
        at: When.
        actor: Who did it: a user, or the account a service runs as.
        action: What was done, a verb such as `promote`.
        subject_kind: What it was done to, a noun such as `model`.
        subject_id: Which one.
        project: The subject's project.
        details: Whatever else tells the story, such as versions and reasons; kept for ever, so never a secret.
    """

    at: AwareDatetime
    actor: Term
    action: Term
    subject_kind: Term
    subject_id: Term
    project: Term = "default"
    details: FrozenMap = FrozenDict()


class AuditEntry(AuditFact):
    """An entry of the log.

    Attributes:
        sequence: Its place, counted from 1 over the whole database.
        previous_hash: The hash of the entry before it; `GENESIS` at the first.
        hash: SHA-256 over all of the above; see `entry_hash`.
    """

    sequence: int
    previous_hash: str
    hash: str


class Fault(StrEnum):
    """What can be wrong at a place of the log."""

    CHANGED = "changed"
    """The content, or its hash, is not what was written."""
    MISSING = "missing"
    """Entries are gone from the middle or the beginning."""
    LINK = "wrong link"
    """It does not continue the entry before it: one of the two was replaced."""
    REORDERED = "reordered"
    """It was written as another number."""
    INSERTED = "inserted"
    """It stands where the log cannot have an entry."""
    CUT = "cut tail"
    """Entries are gone from the end."""
    HEAD = "wrong head"
    """The row that says where the log ends is gone, or disagrees with the last entry."""
    ANCHOR = "wrong anchor"
    """The log was written anew, or cut, since the anchor was noted."""


class Anchor(Record):
    """Where the log ended at some time. Noted outside the database, it shows that all before it is still the same.

    Example:
        >>> str(Anchor.parse("2:" + "ab" * 32))[:10]
        '2:abababab'
    """

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` gives.

        Raises:
            InvalidInput: It is no anchor.
        """
        found = _ANCHOR.fullmatch(text.strip())
        if found is None:
            raise InvalidInput(
                f"{text[:80]!r} is no anchor. Pass one as a verification printed it: a number, a colon, 64 hex digits."
            )
        return cls(sequence=int(found[1]), hash=found[2])


class AuditReport(Record):
    """What a verification found.

    Attributes:
        entries: How many entries hold, counted from the first.
        anchor: The last of them, to be noted elsewhere; None for an empty log.
        position: The first entry at which the chain does not hold; None when all of it does.
        fault: What is wrong there.
        explanation: The same in a sentence, with the values.
    """

    entries: int
    anchor: Anchor | None = None
    position: int | None = None
    fault: Fault | None = None
    explanation: str = ""

    @property
    def is_intact(self) -> bool:
        """Whether the whole chain holds."""
        return self.fault is None
