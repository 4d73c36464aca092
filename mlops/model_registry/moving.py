"""Versions on their way through the lifecycle: promoted, taken back, rolled back, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops.errors import InvalidInput
from mlops.model_registry.entities import ModelStatus, MoveKind
from mlops.model_registry.errors import NothingToRollBackTo, VersionInUse
from mlops.model_registry.ledger import Change, Ledger, check_reason
from mlops.model_registry.lifecycle import ALLOWED, check_move, kind_of, read_status, rollback_target
from mlops.model_registry.shelf import ModelShelf
from mlops.model_registry.stored import StoredVersion

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["Mover"]

_TOPICS = {
    MoveKind.PROMOTE: "model.promoted",
    MoveKind.DEMOTE: "model.demoted",
    MoveKind.ARCHIVE: "model.archived",
    MoveKind.FAIL: "model.failed",
    MoveKind.ROLLBACK: "model.rolled_back",
    MoveKind.DELETE: "model.deleted",
}
_MOST_NAMED = 100  # versions in one audit entry; the moves have them all


class Mover:
    """Moves versions; each move is one transaction, with its audit entry and its event."""

    def __init__(self, ledger: Ledger, shelf: ModelShelf) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._shelf = shelf

    def promote(self, model_id: str, reference: str, status: ModelStatus | str, *, reason: str) -> StoredVersion:
        """Raise a version; see `ModelRegistry.promote_model`."""
        return self._move(model_id, reference, status, reason=reason, only_upwards=True)

    def transition(self, model_id: str, reference: str, status: ModelStatus | str, *, reason: str) -> StoredVersion:
        """Give a version any status that may follow its own; see `ModelRegistry.update_model_status`."""
        return self._move(model_id, reference, status, reason=reason, only_upwards=False)

    def _move(
        self, model_id: str, reference: str, status: ModelStatus | str, *, reason: str, only_upwards: bool
    ) -> StoredVersion:
        wanted, why = read_status(status), check_reason(reason)
        with self._ledger.change(model_id) as change:
            before = self._ledger.finder.get(change.tx, model_id, reference)
            if before.status is wanted:
                return before
            check_move(model_id, before.version, before.status, wanted)
            kind = kind_of(before.status, wanted)
            if only_upwards and kind is not MoveKind.PROMOTE:
                raise InvalidInput(
                    f"Version {before.version!r} of model {model_id!r} is {before.status}; to become {wanted} would be "
                    f"no promotion. Call update_model_status({model_id!r}, {before.version!r}, {str(wanted)!r})."
                )
            return self._carry_out(change, before, wanted, kind, why)

    def rollback(self, model_id: str, *, reason: str) -> StoredVersion:
        """Return to the version that served before; see `ModelRegistry.rollback_model`."""
        why = check_reason(reason)
        with self._ledger.change(model_id) as change:
            target = self._target(change.tx, model_id)
            if target is None:
                self._ledger.finder.require(change.tx, model_id)
                raise NothingToRollBackTo(model_id)
            return self._carry_out(change, target, ModelStatus.PRODUCTION, MoveKind.ROLLBACK, why)

    def delete(self, model_id: str, reference: str | None) -> None:
        """Delete a version, or all of a model; see `ModelRegistry.delete_model`."""
        with self._ledger.change(model_id) as change:
            chosen = self._chosen(change, model_id, reference)
            self._refuse_used(change.tx, model_id, chosen, all_of_them=reference is None)
            for stored in chosen:
                self._remove(change, stored)
            self._drop_aliases(change, {stored.version for stored in chosen})
            versions = [stored.version for stored in chosen[:_MOST_NAMED]]
            change.close("delete", _TOPICS[MoveKind.DELETE], {"versions": versions, "count": len(chosen)})

    def _chosen(self, change: Change, model_id: str, reference: str | None) -> list[StoredVersion]:
        get = self._ledger.finder.get
        if reference is not None:
            return [get(change.tx, model_id, reference)]
        self._ledger.finder.require(change.tx, model_id)
        numbers = self._store.numbers(change.tx, change.model)
        return [get(change.tx, model_id, number) for number in numbers]

    def _carry_out(
        self, change: Change, before: StoredVersion, wanted: ModelStatus, kind: MoveKind, reason: str
    ) -> StoredVersion:
        replaced = self._step_aside(change, before, reason) if wanted is ModelStatus.PRODUCTION else None
        after = change.move(before, wanted, kind, reason=reason, replaced=replaced)
        details = {"version": after.version, "from": str(before.status), "to": str(wanted), "replaced": replaced}
        change.close(str(kind), _TOPICS[kind], {**details, "reason": reason})
        return after

    def _step_aside(self, change: Change, successor: StoredVersion, reason: str) -> str | None:
        """Archive the version in production, if there is one; return its number."""
        if change.serving in {None, successor.version}:
            return None
        change.write_move(change.serving, ModelStatus.PRODUCTION, ModelStatus.ARCHIVED, MoveKind.ARCHIVE, reason=reason)
        return change.serving

    def _target(self, tx: Transaction, model_id: str) -> StoredVersion | None:
        """Return the version that a rollback would return to now."""
        model = self._ledger.finder.key(model_id)
        moves = self._store.moves(tx, model, serving_only=True)
        unusable: set[str] = set()
        while (number := rollback_target(moves, unusable)) is not None:
            found = self._store.find(tx, model, number)
            if found and found.deleted_at is None and ModelStatus.PRODUCTION in ALLOWED[found.status]:
                return found
            unusable.add(number)
        return None

    def _refuse_used(self, tx: Transaction, model_id: str, chosen: list[StoredVersion], *, all_of_them: bool) -> None:
        target = None if all_of_them else self._target(tx, model_id)
        for stored in chosen:
            why, remedy = _use_of(stored, is_target=target is not None and target.version == stored.version)
            if why:
                raise VersionInUse(model_id, stored.version, why=why, remedy=remedy)

    def _remove(self, change: Change, stored: StoredVersion) -> None:
        change.move(stored, None, MoveKind.DELETE, reason="")
        self._shelf.release(change.tx, stored)

    def _drop_aliases(self, change: Change, versions: set[str]) -> None:
        for alias, version in self._store.aliases(change.tx, change.model).items():
            if version in versions:
                self._store.put_alias(change.tx, change.model, alias, None)


def _use_of(stored: StoredVersion, *, is_target: bool) -> tuple[str, str]:
    """Return why a version may not be deleted, and what to do; two empty texts when it may."""
    if stored.status is ModelStatus.PRODUCTION:
        return "is in production", "Promote another version first, or archive it by update_model_status."
    if stored.metadata.is_protected:
        return "is protected", "Call unprotect first."
    if is_target:
        return "is what a rollback would return to", "Mark it as failed first if it must never serve again."
    return "", ""
