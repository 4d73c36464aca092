"""Changes of versions: decided under a lock, written with moves, event and audit entry in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops import audit, events
from mlops.audit import current_actor
from mlops.clock import NewId, Now
from mlops.errors import InvalidInput
from mlops.model_registry.entities import ModelMove, ModelStatus, MoveKind
from mlops.model_registry.finding import Finder
from mlops.model_registry.store import ModelStore
from mlops.model_registry.stored import ModelKey, StoredVersion
from mlops.values import check_text

if TYPE_CHECKING:
    from mlops.database import Database, Transaction

__all__ = ["Change", "Ledger", "check_reason"]

_LONGEST_REASON = 4000
_SUBJECT = "model"


class Change:
    """One transaction on one model, which nobody else changes meanwhile.

    Attributes:
        tx: The transaction.
        model: The model.
        actor: On whose behalf.
        at: When; never before the model's last move, whatever the clock says.
    """

    def __init__(self, tx: Transaction, model: ModelKey, store: ModelStore, *, now: Now, new_id: NewId) -> None:
        self.tx = tx
        self.model = model
        self.actor = current_actor()
        self._store = store
        self._new_id = new_id
        last = store.last_move(tx, model)
        self._sequence = last.sequence if last else 0
        self.at: datetime = max(now(), last.at) if last else now()

    def move(
        self,
        before: StoredVersion,
        wanted: ModelStatus | None,
        kind: MoveKind,
        *,
        reason: str,
        replaced: str | None = None,
    ) -> StoredVersion:
        """Give a version another status, None for a deleted one, and write the move down."""
        changes: dict[str, Any] = {"updated_at": self.at}
        if wanted is not None:
            changes["status"] = wanted
        if wanted is ModelStatus.PRODUCTION:
            changes["promoted_at"] = self.at
        after = before.model_copy(
            update={
                "metadata": before.metadata.model_copy(update=changes),
                "deleted_at": self.at if wanted is None else None,
            }
        )
        self._store.update(self.tx, before, after)
        self.write_move(after, before.status, wanted, kind, reason=reason, replaced=replaced)
        return after

    def write_move(
        self,
        of: StoredVersion,
        present: ModelStatus | None,
        wanted: ModelStatus | None,
        kind: MoveKind,
        *,
        reason: str,
        replaced: str | None = None,
    ) -> None:
        """Append a move with the next sequence number."""
        self._sequence += 1
        move = ModelMove(
            move_id=self._new_id(),
            project=self.model.project,
            model_id=self.model.model_id,
            sequence=self._sequence,
            version=of.version,
            from_status=present,
            to_status=wanted,
            kind=kind,
            actor=self.actor,
            reason=reason,
            at=self.at,
            replaced_version=replaced,
        )
        self._store.append_moves(self.tx, [move])

    def close(self, action: str, topic: str | None, details: Mapping[str, Any]) -> None:
        """Publish what happened and write it in the audit log: the last step of the transaction."""
        told = {name: value for name, value in details.items() if value not in (None, "")}
        subject = {"subject_kind": _SUBJECT, "subject_id": self.model.model_id, "project": self.model.project}
        if topic is not None:
            events.publish(self.tx, topic=topic, payload={**told, "actor": self.actor}, now=lambda: self.at, **subject)
        audit.append(self.tx, action=action, details=told, actor=self.actor, now=lambda: self.at, **subject)


class Ledger:
    """Begins changes of models.

    Attributes:
        database: Where the transactions run.
        store: What reads and writes in them.
        finder: What finds versions.
    """

    def __init__(self, database: Database, store: ModelStore, finder: Finder, *, now: Now, new_id: NewId) -> None:
        self.database = database
        self.store = store
        self.finder = finder
        self.now = now
        self.new_id = new_id

    @contextmanager
    def change(self, model_id: str) -> Iterator[Change]:
        """Begin a transaction on a model; it commits at the end of the block."""
        model = self.finder.key(model_id)
        with self.database.write() as tx:
            self.store.lock(tx, model)
            yield Change(tx, model, self.store, now=self.now, new_id=self.new_id)

    def revise(
        self,
        model_id: str,
        reference: str,
        action: str,
        decide: Callable[[StoredVersion], StoredVersion],
        details: Mapping[str, Any],
    ) -> StoredVersion:
        """Replace what is told of a version by what `decide` makes of it; what changes nothing leaves no trace."""
        with self.change(model_id) as change:
            before = self.finder.get(change.tx, model_id, reference)
            decided = decide(before)
            if decided == before:
                return before
            after = decided.told(updated_at=change.at)
            self.store.update(change.tx, before, after)
            change.close(action, "model.updated", {"version": after.version, "action": action, **details})
            return after

    def list_moves(self, model_id: str) -> list[ModelMove]:
        """Return the moves of a model, which must have had a version."""
        with self.database.read() as tx:
            found = self.store.moves(tx, self.finder.key(model_id))
            if not found:
                self.finder.require(tx, model_id)
            return found


def check_reason(reason: str) -> str:
    """Return a reason that can be stored.

    Raises:
        InvalidInput: It is no text, is too long, or has characters that no database holds.
    """
    if not isinstance(reason, str) or len(reason) > _LONGEST_REASON:
        raise InvalidInput(f"A reason is text of at most {_LONGEST_REASON} characters, not {str(reason)[:60]!r}.")
    try:
        return check_text(reason)
    except ValueError as error:
        raise InvalidInput(f"The reason cannot be stored: {error}.") from error
