"""Tests and what was logged in them as the store keeps them; nothing here is part of the public surface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import Field

from mlops.ab_testing.entities import ABTestConfig, TestStatus
from mlops.records import Record

__all__ = ["ABTestQuery", "Exposure", "LoggedInteraction", "StoredOutcome", "StoredTest"]


@dataclass(frozen=True, slots=True)
class StoredTest:
    """A test and what only the manager needs of it.

    Attributes:
        revision: Grows with every change of any test of the database.
        forced: Variant by user, for testing; their interactions are not analysed.
        sequence: Number of its last move.
    """

    config: ABTestConfig
    revision: int = 0
    forced: Mapping[str, str] = field(default_factory=dict)
    sequence: int = 0


class Exposure(NamedTuple):
    """The variant that a user was assigned first, and in which phase."""

    variant: str
    phase: int


class LoggedInteraction(NamedTuple):
    """One row of the log.

    Attributes:
        phase: Of the user's first exposure.
        logged_phase: That was open when it was logged.
        at: Microseconds since 1970.
        document: Everything else of the interaction as JSON, as `interactions.encode` wrote it.
    """

    interaction_id: str
    variant: str
    user_id: str
    phase: int
    logged_phase: int
    at: int
    is_forced: int
    request_id: str | None
    document: str


class StoredOutcome(NamedTuple):
    """The truth of one interaction.

    Attributes:
        label: JSON of the label told last.
        first_label: JSON of the label told first.
        revision: Of the label told last.
        arrival: Number of the label among the test's, in the order in which they met their interactions; None: parked.
        told_at: Microseconds since 1970.
    """

    interaction_id: str
    test_id: str
    label: str
    first_label: str
    revision: int
    arrival: int | None
    told_at: int


class ABTestQuery(Record):
    """What `list_tests` is asked."""

    filter: str | None = None
    project: str | None = None
    status: TestStatus | None = None
    order_by: str | None = None
    limit: int = Field(50, ge=1, le=10_000)
    offset: int = Field(0, ge=0)
    cursor: str | None = None
