"""What can be asked of the outbox that is not there.

NotFound
├── ConsumerNotFound    nobody subscribed by this name
└── EventNotFound       no event has this position, or it was pruned
"""

from __future__ import annotations

from mlops.errors import NotFound

__all__ = ["ConsumerNotFound", "EventNotFound"]


class ConsumerNotFound(NotFound):
    """A consumer that did not subscribe."""

    kind = "consumer"


class EventNotFound(NotFound):
    """An event that never was, or was pruned after every consumer had read it."""

    kind = "event"
