"""How a version begins: examined, saved, given its number, and recorded in one transaction."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from mlops.errors import InvalidInput
from mlops.model_registry.entities import ModelMetadata, MoveKind
from mlops.model_registry.errors import ContentRegistered, VersionTaken
from mlops.model_registry.intake import Intake
from mlops.model_registry.ledger import Change, Ledger
from mlops.model_registry.lifecycle import FIRST_STATUS
from mlops.model_registry.shelf import ModelShelf
from mlops.model_registry.stored import StoredVersion
from mlops.model_registry.versions import SemanticVersion, VersionFacts, next_free, propose

if TYPE_CHECKING:
    from mlops.artifacts import SavedArtifact
    from mlops.provenance import EnvironmentCapture

__all__ = ["Registrar"]

_CHOSEN = "Chosen by who registered it."


class Registrar:
    """Registers versions of models."""

    def __init__(self, ledger: Ledger, shelf: ModelShelf) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._shelf = shelf

    def register(self, intake: Intake) -> tuple[StoredVersion, bool]:
        """Save and record a model; return its version, and whether that is new or had this content before.

        Raises:
            VersionTaken: Its number belongs to another content.
            ContentRegistered: Its content has another number.
            InvalidInput: The number is no semantic version, or the project is not this registry's.
        """
        told = self._placed(intake.metadata)
        number = SemanticVersion.parse(told.version) if told.version else None
        files, environment = self._saved(intake)
        with self._ledger.change(told.model_id) as change:
            told = _identified(told, files["saved"])
            same = self._store.find_same(change.tx, change.model, digest=told.canonical_digest, number=number)
            known = _known(same, told)
            if known is not None:
                change.close("register", None, {"version": known.version, "is_known": True})
                return known, False
            told = self._numbered(change, told, same)
            return self._insert(change, told, files, environment), True

    def _saved(self, intake: Intake) -> tuple[dict[str, SavedArtifact], EnvironmentCapture]:
        """Write the files, and capture the environment meanwhile: that is waiting for git, most of it."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            environment = pool.submit(_environment)
            return self._shelf.save(intake), environment.result()

    def _placed(self, told: ModelMetadata) -> ModelMetadata:
        project = self._ledger.finder.project
        if told.project not in {"", project}:
            raise InvalidInput(
                f"Model {told.model_id!r} is to go to project {told.project!r}, and this registry is of project "
                f"{project!r}. Open one with ModelRegistry(project={told.project!r})."
            )
        return told.changed(project=project)

    def _numbered(self, change: Change, told: ModelMetadata, same: list[StoredVersion]) -> ModelMetadata:
        """Return the metadata with a number and the reason for it."""
        if not told.version:
            latest = self._store.find_latest(change.tx, change.model, among_deleted=True)
            proposal = propose([] if latest is None else [_facts(latest)], _facts_of(told))
            return told.changed(version=proposal.version, version_reason=proposal.reason)
        if same:
            numbers = self._store.numbers(change.tx, change.model, among_deleted=True)
            raise VersionTaken(
                told.model_id,
                told.version,
                taken_by=same[0].version,
                next_free=next_free(told.version, numbers),
                is_deleted=same[0].deleted_at is not None,
            )
        return told.changed(version_reason=_CHOSEN)

    def _insert(
        self, change: Change, told: ModelMetadata, files: dict[str, SavedArtifact], environment: EnvironmentCapture
    ) -> StoredVersion:
        told = told.changed(
            status=FIRST_STATUS,
            created_at=change.at,
            updated_at=change.at,
            created_by=told.created_by or change.actor,
        )
        values: dict[str, Any] = dict(files)
        key = self._ledger.new_id()
        stored = StoredVersion(version_id=key, metadata=told, environment_digest=environment.digest(), **values)
        self._store.insert(change.tx, stored, environment)
        change.write_move(stored.version, None, FIRST_STATUS, MoveKind.REGISTER, reason=told.version_reason)
        self._shelf.refer(change.tx, stored)
        details = {"version": told.version, "digest": stored.saved.digest, "content": told.canonical_digest}
        change.close("register", "model.registered", {**details, "experiment_id": told.experiment_id})
        return stored


def _environment() -> EnvironmentCapture:
    from mlops.provenance.environment import capture_environment

    return capture_environment(with_changes=False)[0]


def _identified(told: ModelMetadata, saved: SavedArtifact) -> ModelMetadata:
    return told.changed(
        canonical_digest=saved.canonical_digest or saved.digest, size_bytes=saved.size_bytes, codec=saved.codec
    )


def _known(same: list[StoredVersion], told: ModelMetadata) -> StoredVersion | None:
    """Return the version that this content is already.

    Raises:
        ContentRegistered: It is one of another number than the one asked for.
    """
    for stored in same:
        if stored.deleted_at is None and stored.metadata.canonical_digest == told.canonical_digest:
            if told.version not in {"", stored.version}:
                raise ContentRegistered(told.model_id, stored.version, wanted=told.version)
            return stored
    return None


def _facts(stored: StoredVersion) -> VersionFacts:
    """Return what decides the next number; a deleted version's content may come again under another one."""
    facts = _facts_of(stored.metadata)
    if stored.deleted_at is None:
        return facts
    return VersionFacts(facts.version, facts.signature, facts.feature_columns, facts.hyperparameters, facts.algorithm)


def _facts_of(told: ModelMetadata) -> VersionFacts:
    return VersionFacts(
        version=told.version,
        signature=told.signature,
        feature_columns=told.feature_columns,
        hyperparameters=told.hyperparameters,
        algorithm=told.algorithm,
        canonical_digest=told.canonical_digest,
    )
