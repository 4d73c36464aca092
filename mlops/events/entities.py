"""The nouns of the outbox: an event, and a consumer with its cursor."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from mlops.records import FrozenDict, FrozenMap, Record
from mlops.values import Term

__all__ = ["Consumer", "Event", "NewEvent", "Start"]

Topic = Annotated[str, Field(max_length=100, pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
"""A noun, a dot and a verb, in small letters: `model.promoted`."""


class NewEvent(Record):
    """Something that happened, before it has its place.

    Attributes:
        at: When.
        topic: What happened, as `noun.verb`.
        subject_kind: What it happened to, a noun such as `model`.
        subject_id: Which one.
        project: The subject's project.
        payload: What consumers need to know beside that; JSON values.
    """

    at: AwareDatetime
    topic: Topic
    subject_kind: Term
    subject_id: Term
    project: Term = "default"
    payload: FrozenMap = FrozenDict()


class Event(NewEvent):
    """Something that happened.

    Attributes:
        position: Its number, by which it is acknowledged. Numbers tell events apart; the order in which events are
            read is that of their transactions, which on PostgreSQL may differ.
    """

    position: int


class Consumer(Record):
    """Somebody who reads events.

    Attributes:
        consumer: Its name.
        unread: How many events wait for it.
        moved_at: When it subscribed, or last acknowledged an event.
    """

    consumer: Term
    unread: int = 0
    moved_at: AwareDatetime


class Start(StrEnum):
    """Where a new consumer begins."""

    BEGINNING = "beginning"
    """At the oldest event that is kept."""
    END = "end"
    """After those that can be read when it subscribes."""
