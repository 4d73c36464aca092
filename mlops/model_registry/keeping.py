"""Retention carried out: one transaction a model, decided under its lock by `retention`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlops.model_registry.entities import MoveKind
from mlops.model_registry.ledger import Change, Ledger
from mlops.model_registry.retention import RetentionReport, Verdict, judge
from mlops.model_registry.shelf import ModelShelf
from mlops.model_registry.stored import ModelKey, ModelQuery, StoredVersion

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["Keeper"]

_MOST_NAMED = 100  # versions in one audit entry; the moves have them all
_PAGE = 1000


class Keeper:
    """Deletes versions that nothing needs any more.

    Args:
        most: How many of the newest versions of a model are kept; 0 keeps all.
    """

    def __init__(self, ledger: Ledger, shelf: ModelShelf, *, most: int) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._shelf = shelf
        self._most = most

    def apply(self, model_id: str | None, *, dry_run: bool) -> RetentionReport:
        """Delete what may go of a model, or of all models of the project; see `ModelRegistry.apply_retention`."""
        verdicts: list[Verdict] = []
        for one in self._chosen(model_id):
            verdicts += self._judge_only(one) if dry_run or not self._most else self._clean(one)
        return RetentionReport(most=self._most, is_dry_run=dry_run, verdicts=tuple(verdicts))

    def _chosen(self, model_id: str | None) -> list[str]:
        finder = self._ledger.finder
        with self._ledger.database.read() as tx:
            if model_id is None:
                return self._store.names(tx, finder.project)
            if not self._store.numbers(tx, finder.key(model_id)):
                finder.get(tx, model_id, None)  # raises, and names similar models
            return [model_id]

    def _judge_only(self, model_id: str) -> list[Verdict]:
        with self._ledger.database.read() as tx:
            return self._judge(tx, self._ledger.finder.key(model_id))[0]

    def _clean(self, model_id: str) -> list[Verdict]:
        with self._ledger.change(model_id) as change:
            verdicts, versions = self._judge(change.tx, change.model)
            gone = [verdict for verdict in verdicts if verdict.may_go]
            for verdict in gone:
                change.move(versions[verdict.version], None, MoveKind.DELETE, reason=f"Retention: {verdict.reason}")
                self._shelf.release(change.tx, versions[verdict.version])
            if gone:
                self._close(change, gone)
            return verdicts

    def _close(self, change: Change, gone: list[Verdict]) -> None:
        named = [verdict.version for verdict in gone[:_MOST_NAMED]]
        change.close("retention", "model.deleted", {"versions": named, "count": len(gone), "most": self._most})

    def _judge(self, tx: Transaction, model: ModelKey) -> tuple[list[Verdict], dict[str, StoredVersion]]:
        versions = {stored.version: stored for stored in self._all_of(tx, model)}
        moves = self._store.moves(tx, model, serving_only=True)
        aliases = self._store.aliases(tx, model)
        return judge(versions.values(), moves, aliases, most=self._most), versions

    def _all_of(self, tx: Transaction, model: ModelKey) -> Iterator[StoredVersion]:
        cursor: str | None = None
        while True:
            query = ModelQuery(project=model.project, model_id=model.model_id, limit=_PAGE, cursor=cursor)
            page = self._store.page(tx, query, at=self._ledger.now())
            yield from page
            cursor = page.next_cursor
            if cursor is None:
                return
