"""Which versions of a model may go: a pure decision from what is known of them, with a reason for each.

The newest `most` versions are kept, and beside them whatever serves or may have to serve: the version in production,
what a rollback would return to, protected versions, and those with an alias. Newest means registered last, for a number
tells of compatibility and not of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlops.model_registry.entities import ModelMove, ModelStatus
from mlops.model_registry.lifecycle import ALLOWED, rollback_target
from mlops.model_registry.stored import StoredVersion
from mlops.records import Record

__all__ = ["RetentionReport", "Verdict", "judge"]


class Verdict(Record):
    """Whether a version may go, and why.

    Attributes:
        reason: A sentence.
    """

    model_id: str
    version: str
    may_go: bool
    reason: str


class RetentionReport(Record):
    """What retention did, or with `is_dry_run` would do.

    Attributes:
        most: Versions that are kept of each model because they are the newest; 0 keeps all.
        verdicts: Of every version looked at, model by model, the newest first.
    """

    most: int
    is_dry_run: bool
    verdicts: tuple[Verdict, ...] = ()

    @property
    def deleted(self) -> tuple[Verdict, ...]:
        """Those of versions that go."""
        return tuple(verdict for verdict in self.verdicts if verdict.may_go)

    @property
    def kept(self) -> tuple[Verdict, ...]:
        """Those of versions that stay."""
        return tuple(verdict for verdict in self.verdicts if not verdict.may_go)


def judge(
    versions: Iterable[StoredVersion], moves: Sequence[ModelMove], aliases: Mapping[str, str], *, most: int
) -> list[Verdict]:
    """Decide which versions of one model may go.

    Args:
        versions: All that are not deleted, in any order.
        moves: The model's moves in order; those into and out of production suffice.
        aliases: The version that each alias stands for.
        most: How many of the newest to keep; 0 keeps all.

    Returns:
        A verdict for each version, the newest first.
    """
    newest = sorted(versions, key=lambda stored: (stored.metadata.created_at, stored.version_id), reverse=True)
    target = _rollback_target(newest, moves)
    named = {version: alias for alias, version in sorted(aliases.items(), reverse=True)}
    return [_verdict(stored, place, most, target, named) for place, stored in enumerate(newest, start=1)]


def _verdict(stored: StoredVersion, place: int, most: int, target: str | None, named: Mapping[str, str]) -> Verdict:
    why = _use(stored, target, named) or _youth(place, most)
    reason = why or f"It is the {place}. newest, where the {most} newest are kept, and nothing needs it."
    return Verdict(model_id=stored.key.model_id, version=stored.version, may_go=not why, reason=reason)


def _use(stored: StoredVersion, target: str | None, named: Mapping[str, str]) -> str:
    """Return why a version stays whatever its age; empty text where nothing needs it."""
    if stored.status is ModelStatus.PRODUCTION:
        return "It is in production."
    if stored.version == target:
        return "A rollback would return to it."
    if stored.metadata.is_protected:
        return "It is protected."
    if stored.version in named:
        return f"It has the alias {named[stored.version]!r}."
    return ""


def _youth(place: int, most: int) -> str:
    if most == 0:
        return "All versions are kept."
    return f"It is among the {most} newest." if place <= most else ""


def _rollback_target(versions: Sequence[StoredVersion], moves: Sequence[ModelMove]) -> str | None:
    """Return what a rollback would return to, of those versions that still can serve."""
    usable = {
        stored.version for stored in versions if ModelStatus.PRODUCTION in (stored.status, *ALLOWED[stored.status])
    }
    return rollback_target(moves, unusable={move.version for move in moves} - usable)
