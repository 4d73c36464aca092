"""Versions looked at closely: compared, described on a card, read again and held to their own answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from mlops.errors import InvalidInput, MLOpsError
from mlops.model_registry.entities import ModelMove, ModelStatus
from mlops.model_registry.ledger import Ledger
from mlops.model_registry.parity import answer_table, answers_of, departures
from mlops.model_registry.shelf import ModelShelf
from mlops.model_registry.signature import breaks, infer_signature, mismatches
from mlops.model_registry.stored import StoredVersion, VerifyReport

if TYPE_CHECKING:
    import pandas as pd

    from mlops.comparison import Direction
    from mlops.database import Transaction
    from mlops.model_registry.card import ModelCard

__all__ = ["CardForm", "Inspector"]

CardForm = Literal["markdown", "html"]


class Inspector:
    """Looks at versions and changes nothing."""

    def __init__(self, ledger: Ledger, shelf: ModelShelf) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._shelf = shelf

    def compare(
        self,
        model_id: str,
        references: Iterable[str],
        *,
        only_differences: bool,
        directions: Mapping[str, Direction] | None,
    ) -> pd.DataFrame:
        """Return versions side by side; see `ModelRegistry.compare_versions`."""
        from mlops.model_registry.comparison import compare_versions

        with self._ledger.database.read() as tx:
            found = [self._ledger.finder.get(tx, model_id, reference) for reference in references]
            environments = {stored.version: self._environment(tx, stored) for stored in found}
        told = [stored.metadata for stored in found]
        return compare_versions(
            told, environments=environments, directions=directions, only_differences=only_differences
        )

    def card(self, model_id: str, reference: str | None, *, form: CardForm, plots: Mapping[str, Any] | None) -> str:
        """Return a version's card as text; see `ModelRegistry.model_card`."""
        if form not in {"markdown", "html"}:
            raise InvalidInput(f"{form!r} is no form of a card. Forms are markdown and html.")
        card = self._card(model_id, reference, plots or {})
        if form == "html":
            from mlops.model_registry.card_html import card_html

            return card_html(card)
        from mlops.model_registry.card_markdown import card_markdown

        return card_markdown(card)

    def _card(self, model_id: str, reference: str | None, plots: Mapping[str, Any]) -> ModelCard:
        from mlops.model_registry.card import ModelCard

        with self._ledger.database.read() as tx:
            stored = self._ledger.finder.get(tx, model_id, reference)
            moves = self._store.moves(tx, stored.key)
            number = _replaced(moves, stored.version) or self._number_before(tx, stored)
            predecessor = None if number is None else self._store.find(tx, stored.key, number)
            environment = self._environment(tx, stored)
        return ModelCard(
            metadata=stored.metadata,
            made_at=self._ledger.now(),
            predecessor=None if predecessor is None else predecessor.metadata,
            moves=moves,
            environment=environment,
            plots=plots,
            digest=stored.saved.digest,
        )

    def _number_before(self, tx: Transaction, stored: StoredVersion) -> str | None:
        numbers = self._store.numbers(tx, stored.key)
        lower = numbers[numbers.index(stored.version) + 1 :]
        return lower[0] if lower else None

    def _environment(self, tx: Transaction, stored: StoredVersion) -> Mapping[str, Any]:
        digest = stored.environment_digest
        found = None if digest is None else self._store.find_environment(tx, digest)
        return {} if found is None else found.to_document()

    def verify(self, model_id: str, reference: str | None) -> VerifyReport:
        """Read everything of a version again; see `ModelRegistry.verify`."""
        with self._ledger.database.read() as tx:
            stored = self._ledger.finder.get(tx, model_id, reference)
        checks, problems = ["files"], self._read_files(stored)
        if not problems:
            checks += ["model", "signature", *(["answers"] if stored.answers else [])]
            problems = self._try_out(stored)
        named = {"project": stored.key.project, "model_id": model_id, "version": stored.version}
        return VerifyReport(**named, checks=tuple(checks), problems=tuple(problems))

    def _read_files(self, stored: StoredVersion) -> list[str]:
        found = []
        for name, saved in stored.files().items():
            try:
                self._shelf.read(saved)
            except MLOpsError as error:
                found.append(f"The {name}: {error}")
        return found

    def _try_out(self, stored: StoredVersion) -> list[str]:
        """Return what is wrong with the model as it is loaded now."""
        try:
            model = self._shelf.load(stored.saved)
            rows = None if stored.sample is None else self._shelf.load(stored.sample)
            return _signature_problems(stored, model, rows) + self._answer_problems(stored, model, rows)
        except MLOpsError as error:
            return [f"The model: {error}"]

    def _answer_problems(self, stored: StoredVersion, model: Any, rows: Any) -> list[str]:
        if stored.answers is None:
            return []
        return departures(self._shelf.load(stored.answers), answer_table(answers_of(model, rows)))


def _signature_problems(stored: StoredVersion, model: Any, rows: Any) -> list[str]:
    told = stored.metadata
    seen = infer_signature(model=model, feature_columns=told.feature_columns)
    return breaks(told.signature, seen) + ([] if rows is None else mismatches(told.signature, rows))


def _replaced(moves: Sequence[ModelMove], version: str) -> str | None:
    """Return the version that this one replaced when it last went to production."""
    entries = [move for move in moves if move.version == version and move.to_status is ModelStatus.PRODUCTION]
    return entries[-1].replaced_version if entries else None
