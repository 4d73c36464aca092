"""Which changes of status there are, what kind of move each is, and which version a rollback returns to.

A table and pure functions over moves: nothing here reads a clock or a database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from mlops.errors import InvalidInput
from mlops.model_registry.entities import ModelMove, ModelStatus, MoveKind
from mlops.model_registry.errors import MoveRefused

__all__ = ["ALLOWED", "FIRST_STATUS", "check_move", "kind_of", "present_statuses", "read_status", "rollback_target"]

FIRST_STATUS = ModelStatus.VALIDATING
"""What a version is when it has been registered."""

_S = ModelStatus
ALLOWED: Mapping[ModelStatus, tuple[ModelStatus, ...]] = {
    _S.TRAINING: (_S.VALIDATING, _S.ARCHIVED, _S.FAILED),
    _S.VALIDATING: (_S.TRAINING, _S.STAGING, _S.PRODUCTION, _S.ARCHIVED, _S.FAILED),
    _S.STAGING: (_S.VALIDATING, _S.PRODUCTION, _S.ARCHIVED, _S.FAILED),
    _S.PRODUCTION: (_S.STAGING, _S.ARCHIVED, _S.FAILED),
    _S.ARCHIVED: (_S.VALIDATING, _S.STAGING, _S.PRODUCTION, _S.FAILED),
    _S.FAILED: (_S.VALIDATING, _S.ARCHIVED),
}
"""For each status, those that may follow it. A failed version has to be validated again before it serves."""

_RANK = {_S.FAILED: 0, _S.ARCHIVED: 1, _S.TRAINING: 2, _S.VALIDATING: 3, _S.STAGING: 4, _S.PRODUCTION: 5}
_KINDS = {_S.ARCHIVED: MoveKind.ARCHIVE, _S.FAILED: MoveKind.FAIL}


def read_status(status: ModelStatus | str) -> ModelStatus:
    """Return a status given as such or as its word.

    Raises:
        InvalidInput: There is no such status.
    """
    try:
        return ModelStatus(status)
    except ValueError as error:
        raise InvalidInput(f"{status!r} is not a status. Statuses are {', '.join(ModelStatus)}.") from error


def check_move(model_id: str, version: str, present: ModelStatus, wanted: ModelStatus) -> None:
    """Let a change of status pass when the table has it.

    Raises:
        MoveRefused: It does not.
    """
    if wanted not in ALLOWED[present]:
        raise MoveRefused(model_id, version, present=present, wanted=wanted, allowed=ALLOWED[present])


def kind_of(present: ModelStatus, wanted: ModelStatus) -> MoveKind:
    """Return what a change of status is called.

    Example:
        >>> kind_of(ModelStatus.VALIDATING, ModelStatus.PRODUCTION), kind_of(ModelStatus.STAGING, ModelStatus.FAILED)
        (<MoveKind.PROMOTE: 'promote'>, <MoveKind.FAIL: 'fail'>)
    """
    return _KINDS.get(wanted) or (MoveKind.PROMOTE if _RANK[wanted] > _RANK[present] else MoveKind.DEMOTE)


def present_statuses(moves: Iterable[ModelMove]) -> dict[str, ModelStatus]:
    """Return the status of each version that is not deleted, replayed from all moves of a model, in order."""
    statuses: dict[str, ModelStatus] = {}
    for move in moves:
        if move.to_status is None:
            statuses.pop(move.version, None)
        else:
            statuses[move.version] = move.to_status
    return statuses


def rollback_target(moves: Iterable[ModelMove], unusable: Collection[str] = ()) -> str | None:
    """Return the version that a rollback returns to: the one that served before; None when there is none.

    A rollback takes the version it leaves off the record of those that served, so that two rollbacks in a row go back
    two versions and never return to the one just left. Where nothing serves, it is the one that served last.

    Args:
        moves: Of one model, in order; those into and out of production suffice.
        unusable: Versions that cannot serve any more, because they failed or were deleted.
    """
    served: list[str] = []
    serving: str | None = None
    for move in moves:
        if move.to_status is ModelStatus.PRODUCTION:
            _enter(served, move)
            serving = move.version
        elif move.version == serving:
            serving = None
    earlier = [version for version in _before(served, serving) if version not in unusable]
    return earlier[-1] if earlier else None


def _enter(served: list[str], move: ModelMove) -> None:
    if move.kind is MoveKind.ROLLBACK:
        while served and served[-1] != move.version:
            served.pop()
    if not served or served[-1] != move.version:
        served.append(move.version)


def _before(served: list[str], serving: str | None) -> list[str]:
    """Return those that served before the one that does, which may also have served earlier."""
    if serving is None:
        return served
    return [version for version in served[:-1] if version != serving]
