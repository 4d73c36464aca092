"""Which version was in production when, read off the moves of a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mlops.model_registry.entities import ModelMove, ModelStatus

__all__ = ["ServingSpan", "serving_spans"]


@dataclass(frozen=True, slots=True)
class ServingSpan:
    """A stretch of time in which a version was in production; `end` is None while it is."""

    version: str
    start: datetime
    end: datetime | None = None


def serving_spans(moves: Iterable[ModelMove]) -> list[ServingSpan]:
    """Return when each version was in production, in order of time.

    A version that takes over ends the span of the one before; leaving production in any other way ends its own.

    Args:
        moves: Of one model, in any order.
    """
    spans: list[ServingSpan] = []
    for move in sorted(moves, key=lambda move: move.sequence):
        serving = spans[-1] if spans and spans[-1].end is None else None
        is_serving = serving is not None and serving.version == move.version
        starts = move.to_status is ModelStatus.PRODUCTION
        if serving and starts is not is_serving:  # another one takes over, or this one leaves
            spans[-1] = ServingSpan(serving.version, serving.start, move.at)
        if starts and not is_serving:
            spans.append(ServingSpan(move.version, move.at))
    return spans
