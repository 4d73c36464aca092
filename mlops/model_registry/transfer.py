"""Versions that travel between sites as one signed file.

A version leaves with all that is told of it, its history, its environment and its files. It arrives as a new version of
the same model id and number, first of all to be validated: what it was elsewhere, it is not yet here. Whatever a file
says is proven before the registry keeps anything of it: who signed it, the digest and size of every content, that the
model loads here from types on our list. Pickles are not run; they are signed anew, for the caller has trusted the site.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.artifacts import ArtifactStore
from mlops.artifacts.parts import check_loadable, check_own, list_parts, refer_to_parts, signed_by
from mlops.errors import InvalidInput
from mlops.model_registry.entities import ModelMetadata, MoveKind
from mlops.model_registry.errors import ContentRegistered, VersionTaken
from mlops.model_registry.export_file import ExportFile, open_export, write_export
from mlops.model_registry.export_manifest import Content, ExportManifest, read_manifest
from mlops.model_registry.ledger import Change, Ledger
from mlops.model_registry.lifecycle import FIRST_STATUS
from mlops.model_registry.shelf import OWNER_KIND, ModelShelf
from mlops.model_registry.site_keys import SiteKey, read_trust
from mlops.model_registry.stored import StoredVersion
from mlops.model_registry.versions import SemanticVersion, next_free

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["MOST_BYTES", "Transfer"]

MOST_BYTES = 64 << 30
"""Bytes of all contents of one file together, unless the caller allows more."""

_LONGEST_NAME = 250  # of a person, in the reason of a move
_ORIGIN = "origin"  # the manifest that a version came with, kept like a file of it


class Transfer:
    """Gives versions to other sites and takes them from there."""

    def __init__(self, ledger: Ledger, shelf: ModelShelf, artifacts: ArtifactStore) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._shelf = shelf
        self._artifacts = artifacts

    def key(self) -> SiteKey:
        """Return this site's key pair."""
        return SiteKey(self._artifacts.signing_key)

    def export(self, model_id: str, reference: str | None, path: str | os.PathLike[str]) -> Path:
        """Write a version to a file; see `ModelRegistry.export_version`."""
        key = self.key()
        with self._ledger.database.read() as tx:
            stored = self._ledger.finder.get(tx, model_id, reference)
            manifest = self._manifest(tx, stored, key)
        target = write_export(path, manifest.encode(), manifest.contents(), self._artifacts.open, key=key)
        with self._ledger.change(model_id) as change:
            details = {"version": stored.version, "digest": stored.saved.digest, "site": key.public}
            change.close("export", None, details)
        return target

    def take_in(
        self, path: str | os.PathLike[str], *, trust: str | Iterable[str], most_bytes: int = MOST_BYTES
    ) -> StoredVersion:
        """Register the version that a file holds; see `ModelRegistry.import_version`."""
        trusted = read_trust(trust) | {self.key().public}
        with open_export(path, trusted=trusted) as file:
            manifest = read_manifest(file)
            _check_contents(file, manifest, most_bytes)
            known = self._known_already(manifest)
            if not known:
                self._put_contents(file, manifest)
            return self._record(file, manifest)

    def _manifest(self, tx: Transaction, stored: StoredVersion, key: SiteKey) -> ExportManifest:
        for saved in stored.files().values():
            check_own(saved, self._artifacts.signing_key)  # what was slipped in here must not leave under our name
        files = {name: signed_by(saved, None) for name, saved in stored.files().items()}
        blobs = {blob for saved in files.values() for blob in list_parts(saved, self._artifacts.get_bytes)}
        digest = stored.environment_digest
        return ExportManifest(
            site=key.public,
            metadata=stored.metadata,
            moves=tuple(move for move in self._store.moves(tx, stored.key) if move.version == stored.version),
            environment=None if digest is None else self._store.find_environment(tx, digest),
            saved=files.pop("model"),
            **files,
            blobs=tuple(Content(digest=blob.digest, size_bytes=blob.size_bytes) for blob in sorted(blobs)),
        )

    def _known_already(self, manifest: ExportManifest) -> bool:
        """Tell whether the content is registered; raise as `_known` does, before anything is kept."""
        with self._ledger.database.read() as tx:
            return self._known(tx, manifest.metadata) is not None

    def _known(self, tx: Transaction, told: ModelMetadata) -> StoredVersion | None:
        """Return the version that an arriving one is already.

        Raises:
            VersionTaken: Its number belongs to another content here.
            ContentRegistered: Its content has another number here.
        """
        model = self._ledger.finder.key(told.model_id)
        number = SemanticVersion.parse(told.version)
        same = self._store.find_same(tx, model, digest=told.canonical_digest, number=number)
        for stored in same:
            if stored.deleted_at is None and stored.metadata.canonical_digest == told.canonical_digest:
                if stored.version != told.version:
                    raise ContentRegistered(told.model_id, stored.version, wanted=told.version)
                return stored
        if same:
            free = next_free(told.version, self._store.numbers(tx, model, among_deleted=True))
            is_deleted = same[0].deleted_at is not None
            raise VersionTaken(
                told.model_id, told.version, taken_by=same[0].version, next_free=free, is_deleted=is_deleted
            )
        return None

    def _put_contents(self, file: ExportFile, manifest: ExportManifest) -> None:
        """Keep the contents and the manifest; until the version is recorded, nothing refers to them."""
        for blob in manifest.contents():
            with file.open(blob.digest) as content:
                if self._artifacts.put_stream(content) != blob:
                    raise file.damaged(f"the content of {blob.digest} changed while it was read")
        self._artifacts.put_bytes(file.manifest)

    def _record(self, file: ExportFile, manifest: ExportManifest) -> StoredVersion:
        with self._ledger.change(manifest.metadata.model_id) as change:
            known = self._known(change.tx, manifest.metadata)
            origin = {"site": file.site, "signature": file.signature}
            if known is not None:
                change.close("import", None, {**origin, "version": known.version, "is_known": True})
                return known
            stored = self._arrived(change, manifest)
            self._store.insert(change.tx, stored, manifest.environment)
            change.write_move(stored.version, None, FIRST_STATUS, MoveKind.IMPORT, reason=_told_of_origin(manifest))
            self._keep_files(change.tx, file, stored)
            details = {
                "version": stored.version,
                "digest": stored.saved.digest,
                "content": stored.metadata.canonical_digest,
            }
            change.close("import", "model.registered", {**details, **origin})
            return stored

    def _arrived(self, change: Change, manifest: ExportManifest) -> StoredVersion:
        """Return the version as this site keeps it: what was told of it, and none of its rank or protection."""
        told = manifest.metadata.changed(
            project=change.model.project,
            status=FIRST_STATUS,
            created_at=change.at,
            updated_at=change.at,
            promoted_at=None,
            is_protected=False,
        )
        environment = manifest.environment
        digest = None if environment is None else environment.digest()
        key = self._artifacts.signing_key
        files: dict[str, Any] = {name: signed_by(saved, key) for name, saved in manifest.files().items()}
        return StoredVersion(version_id=self._ledger.new_id(), metadata=told, environment_digest=digest, **files)

    def _keep_files(self, tx: Transaction, file: ExportFile, stored: StoredVersion) -> None:
        self._shelf.refer(tx, stored)
        for saved in stored.files().values():
            refer_to_parts(tx, saved, file.read, store=self._artifacts.store_id)
        origin = hashlib.sha256(file.manifest).hexdigest()
        self._artifacts.add_reference(tx, origin, owner_kind=OWNER_KIND, owner_id=stored.version_id, name=_ORIGIN)


def _check_contents(file: ExportFile, manifest: ExportManifest, most_bytes: int) -> None:
    """Prove that all contents are there, are what they should be, and are no more than the version's files need."""
    blobs = manifest.contents()
    if [blob.digest for blob in blobs] != sorted({blob.digest for blob in blobs}):
        raise file.damaged("its manifest lists contents twice or out of order")
    total = sum(blob.size_bytes for blob in blobs)
    if total > most_bytes:
        raise InvalidInput(
            f"The export holds {total} bytes, where at most {most_bytes} are taken in. "
            "Pass most_bytes= to allow more, once you know why it is so large."
        )
    file.check_blobs(blobs)
    saved = manifest.files().values()
    if {blob for one in saved for blob in list_parts(one, file.read)} != set(blobs):
        raise file.damaged("it holds other contents than the version's files consist of")
    for one in saved:
        check_loadable(one, file.read)


def _told_of_origin(manifest: ExportManifest) -> str:
    told = manifest.metadata
    since = told.created_at.isoformat(timespec="seconds") if told.created_at else "an unknown time"
    by = f" by {told.created_by[:_LONGEST_NAME]}" if told.created_by else ""
    return f"From the site {manifest.site}, where it was registered{by} at {since} and was {told.status}."
