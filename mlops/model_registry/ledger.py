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
from mlops.model_registry.entities import ModelMetadata, ModelMove, ModelStatus, MoveKind
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
    """One transaction on one model, which nobody else changes from here on to its end.

    Attributes:
        tx: The transaction.
        model: The model.
        actor: On whose behalf.
        at: When; never before the model's last move, whatever the clock says.
        serving: The number of the version that was in production at the beginning; None when there was none.
    """

    def __init__(self, tx: Transaction, model: ModelKey, store: ModelStore, *, now: Now, new_id: NewId) -> None:
        self.tx = tx
        self.model = model
        self.actor = current_actor()
        self._store = store
        self._new_id = new_id
        before = store.lock(tx, model)
        self._sequence, self.serving = before.sequence, before.serving
        self.at: datetime = now() if before.at is None else max(now(), before.at)
        self._moves: list[ModelMove] = []

    def move(
        self,
        before: StoredVersion,
        wanted: ModelStatus | None,
        kind: MoveKind,
        *,
        reason: str,
        replaced: str | None = None,
    ) -> StoredVersion:
        """Give a version another status, None for a deleted one; return it as it is then."""
        self.write_move(before.version, before.status, wanted, kind, reason=reason, replaced=replaced)
        changes: dict[str, Any] = {"updated_at": self.at}
        if wanted is not None:
            changes["status"] = wanted
        if wanted is ModelStatus.PRODUCTION:
            changes["promoted_at"] = self.at
        told = ModelMetadata.trusted({**vars(before.metadata), **changes})
        return before.trusted({**vars(before), "metadata": told, "deleted_at": self.at if wanted is None else None})

    def write_move(
        self,
        version: str,
        present: ModelStatus | None,
        wanted: ModelStatus | None,
        kind: MoveKind,
        *,
        reason: str,
        replaced: str | None = None,
    ) -> None:
        """Give a version another status by a move with the next sequence number, written when the change ends."""
        self._sequence += 1
        move = {
            "move_id": self._new_id(),
            "project": self.model.project,
            "model_id": self.model.model_id,
            "sequence": self._sequence,
            "version": version,
            "from_status": present,
            "to_status": wanted,
            "kind": kind,
            "actor": self.actor,
            "reason": reason,
            "at": self.at,
            "replaced_version": replaced,
        }
        self._moves.append(ModelMove.trusted(move))

    def write_moves(self) -> None:
        """Write the moves that are not yet."""
        if self._moves:
            self._store.append_moves(self.tx, self._moves)
            self._moves = []

    def close(self, action: str, topic: str | None, details: Mapping[str, Any]) -> None:
        """Write the moves, publish what happened and write it in the audit log: the last step of the transaction."""
        self.write_moves()
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
            change = Change(tx, model, self.store, now=self.now, new_id=self.new_id)
            yield change
            change.write_moves()

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
