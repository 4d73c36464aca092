"""The model registry: orders the steps of every operation and owns its transaction.

What may happen to a version is decided in `lifecycle` and `versions`, rows are the store's, files the shelf's. This is
the synchronous truth: everything runs in the caller's thread. The asynchronous class is generated from it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops import clock
from mlops.artifacts import ArtifactStore
from mlops.clock import NewId, Now
from mlops.config import ConfigManager, MLOpsConfig
from mlops.database import Database, configured_database
from mlops.model_registry import revising
from mlops.model_registry.aliasing import AliasBook
from mlops.model_registry.entities import ModelMetadata, ModelMove, ModelStatus, RegisteredVersion
from mlops.model_registry.errors import VersionNotFound
from mlops.model_registry.finding import Finder
from mlops.model_registry.inspection import CardForm, Inspector
from mlops.model_registry.intake import examine
from mlops.model_registry.keeping import Keeper
from mlops.model_registry.ledger import Ledger
from mlops.model_registry.lifecycle import read_status
from mlops.model_registry.moving import Mover
from mlops.model_registry.registration import Registrar
from mlops.model_registry.retention import RetentionReport
from mlops.model_registry.shelf import ModelShelf
from mlops.model_registry.sql import SqlModelStore
from mlops.model_registry.stored import ModelQuery, StoredVersion, VerifyReport
from mlops.model_registry.transfer import MOST_BYTES, Transfer
from mlops.search import Page

if TYPE_CHECKING:
    import pandas as pd

    from mlops.comparison import Direction
    from mlops.config.settings import SecuritySettings

__all__ = ["ModelRegistryService"]


class ModelRegistryService:
    """Keeps versions of models: their files, what is told of them, and a complete history of what became of them.

    A version is named by its number, by an alias, by a status such as `production`, or as `latest`; where a version may
    be left out, the one in production is meant, else the latest. Safe to use from any thread and from several processes
    at once. What is acknowledged survives power loss.

    Args:
        registry_path: Where the files go: a folder, or any fsspec URL. None: as configured.
        database_url: `sqlite:///file.db` or `postgresql://user:password@host:5432/name`. None: as configured.
        project: The project whose models these are. None: as configured.
        config: The configuration; None loads it from the environment and the configuration file.
        now: The clock.
        new_id: The source of ids.
    """

    def __init__(
        self,
        registry_path: str | os.PathLike[str] | None = None,
        database_url: str | None = None,
        *,
        project: str | None = None,
        config: MLOpsConfig | None = None,
        now: Now = clock.now,
        new_id: NewId = clock.new_id,
    ) -> None:
        settings = config or ConfigManager().load_config()
        self._now = now
        self._is_closed = False
        self._database = configured_database(database_url, settings)
        try:
            root = registry_path or settings.model_registry.registry_path
            self._artifacts = _artifact_store(root, settings.security, self._database, now=now, new_id=new_id)
        except BaseException:
            self._database.close()
            raise
        self._store = SqlModelStore()
        self._finder = Finder(self._store, project=project or settings.model_registry.default_project)
        self._ledger = Ledger(self._database, self._store, self._finder, now=now, new_id=new_id)
        self._shelf = ModelShelf(self._artifacts)
        self._registrar = Registrar(self._ledger, self._shelf)
        self._mover = Mover(self._ledger, self._shelf)
        self._aliases = AliasBook(self._ledger)
        self._inspector = Inspector(self._ledger, self._shelf)
        self._keeper = Keeper(self._ledger, self._shelf, most=settings.model_registry.max_model_versions)
        self._cleans_up = settings.model_registry.automatic_cleanup
        self._transfer = Transfer(self._ledger, self._shelf, self._artifacts)

    def __enter__(self) -> ModelRegistryService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        project = self._finder.project
        return f"ModelRegistry({self._artifacts.root!r}, {self._database.masked_url!r}, project={project!r})"

    def close(self) -> None:
        """Let go of the database. Twice is once."""
        if not self._is_closed:
            self._is_closed = True
            self._database.close()

    def register_model(
        self,
        model: Any,
        metadata: ModelMetadata,
        config: Mapping[str, Any] | None = None,
        *,
        sample: Any = None,
        training_data: Any = None,
        experiment_id: str | None = None,
    ) -> str:
        """Keep a version of a model. The same content is the same version: registering it again changes nothing.

        A version without a number is given one: major if the input signature breaks, minor if features,
        hyperparameters or algorithm changed, patch if only data or weights did. `register_version` tells which it is.

        Args:
            model: The model, or the `pathlib.Path` of its file or folder.
            metadata: What is told of it; fields that the registry decides are left alone.
            config: Hyperparameters, beside those in the metadata.
            sample: Some rows as the model takes them. They tell its signature; a few are kept with its answers.
            training_data: What it was trained on; their digest is kept, and they are the sample where none is given.
            experiment_id: The run that trained it.

        Returns:
            The model's id.

        Raises:
            VersionTaken: The number belongs to another content; the error has the next free one.
            ContentRegistered: This content has another number already.
            InvalidInput: Something told cannot be, or the model cannot be saved or refuses the sample.

        Warns:
            UnfittedModelWarning: It was never fitted; it is registered all the same.
        """
        more = {"sample": sample, "training_data": training_data, "experiment_id": experiment_id}
        return self.register_version(model, metadata, config, **more).metadata.model_id

    def register_version(
        self,
        model: Any,
        metadata: ModelMetadata,
        config: Mapping[str, Any] | None = None,
        *,
        sample: Any = None,
        training_data: Any = None,
        experiment_id: str | None = None,
    ) -> RegisteredVersion:
        """Do what `register_model` does, with the same arguments and errors, and tell more of it.

        Returns:
            The version that holds the content now, and whether it was made for it or was there before.
        """
        more = {"sample": sample, "training_data": training_data, "experiment_id": experiment_id}
        stored, is_new = self._registrar.register(examine(model, metadata, config=config, **more))
        return RegisteredVersion(metadata=self._cleaned_up(stored), is_new=is_new)

    def get_model(self, model_id: str, version: str | None = None) -> tuple[Any, ModelMetadata]:
        """Return a model, its files verified, and what is told of it.

        Raises:
            ModelNotFound: The model has no version; the error names similar ids.
            VersionNotFound: It has none of this name.
            ArtifactNotFound: Its files are gone.
            ArtifactCorrupted: Its files are damaged; nothing was loaded.
            SignatureRefused: It is a pickle that this installation has not signed; nothing was unpickled.
        """
        stored = self._get(model_id, version)
        return self._shelf.load(stored.saved), stored.metadata

    def get_model_metadata(self, model_id: str, version: str | None = None) -> ModelMetadata:
        """Return what is told of a version. Raises as `get_model`, but no file is read."""
        return self._get(model_id, version).metadata

    def get_production_model(self, model_type: str) -> tuple[Any, ModelMetadata]:
        """Return the model of a type that is in production, the one promoted last if there are several.

        Raises:
            VersionNotFound: There is none.
        """
        query = self._query(status=ModelStatus.PRODUCTION, model_type=model_type, order_by="promoted_at DESC", limit=1)
        found = self._page(query)
        if not found:
            raise VersionNotFound.of_type(model_type, project=self._finder.project)
        return self._shelf.load(found[0].saved), found[0].metadata

    def get_production_version(self, model_id: str, at: datetime | None = None) -> ModelMetadata:
        """Return the version in production, now or at a moment, even if it was deleted since.

        Args:
            at: The moment, an aware datetime: `datetime(2026, 5, 3, tzinfo=UTC)`.

        Raises:
            VersionNotFound: None was.
        """
        with self._database.read() as tx:
            return self._finder.serving(tx, model_id, at).metadata

    def list_models(
        self,
        filter: str | None = None,
        *,
        status: ModelStatus | str | None = None,
        model_type: str | None = None,
        order_by: str | None = None,
        limit: int = 50,
        offset: int = 0,
        cursor: str | None = None,
    ) -> Page[ModelMetadata]:
        """Return a page of the project's versions, newest first unless `order_by` says otherwise.

        Args:
            filter: A condition such as `metrics.accuracy > 0.9 and tags.site = 'north' and status != 'failed'`.
            order_by: Fields with ASC or DESC, such as `metrics.accuracy DESC, created_at`.
            limit: Most versions to return, 1 to 10,000.
            cursor: The `next_cursor` of the page before; fast at any depth, where a large `offset` is not.

        Returns:
            A sequence with a `next_cursor`, which is None on the last page.

        Raises:
            SearchSyntaxError: The filter or the order cannot be read; the error points at the column.
        """
        wanted = None if status is None else read_status(status)
        chosen = {"filter": filter, "status": wanted, "model_type": model_type, "order_by": order_by}
        page = self._page(self._query(**chosen, limit=limit, offset=offset, cursor=cursor))
        return page.replaced(stored.metadata for stored in page)

    def list_versions(self, model_id: str, *, limit: int = 1000, cursor: str | None = None) -> Page[ModelMetadata]:
        """Return a model's versions, the highest number first.

        Raises:
            ModelNotFound: The model has none.
        """
        order = "major DESC, minor DESC, patch DESC, prerelease DESC"
        with self._database.read() as tx:
            self._finder.require(tx, model_id)
        page = self._page(self._query(model_id=model_id, order_by=order, limit=limit, cursor=cursor))
        return page.replaced(stored.metadata for stored in page)

    def list_projects(self) -> list[str]:
        """Return the names of all projects that have models, sorted."""
        with self._database.read() as tx:
            return self._store.names(tx, None)

    def promote_model(
        self, model_id: str, version: str, status: ModelStatus | str, *, reason: str = ""
    ) -> ModelMetadata:
        """Raise a version to a status; the version in production is archived for the next one, in one transaction.

        A version that has the status already stays as it is.

        Raises:
            MoveRefused: The lifecycle does not allow it; the error tells what is.
            VersionNotFound: There is no such version.
        """
        return self._mover.promote(model_id, version, status, reason=reason).metadata

    def update_model_status(
        self, model_id: str, version: str, status: ModelStatus | str, *, reason: str = ""
    ) -> ModelMetadata:
        """Give a version any status that the lifecycle allows after its own, downwards too; see `promote_model`."""
        return self._mover.transition(model_id, version, status, reason=reason).metadata

    def rollback_model(self, model_id: str, *, reason: str = "") -> ModelMetadata:
        """Return to the version that served before the one in production, which is archived.

        Rolling back again goes back further; a version that failed since is passed over.

        Returns:
            The version that serves now.

        Raises:
            NothingToRollBackTo: None served before.
        """
        return self._mover.rollback(model_id, reason=reason).metadata

    def delete_model(self, model_id: str, version: str | None = None) -> None:
        """Delete a version, or with None all versions of a model. Its number stays taken and its history stays.

        Raises:
            VersionInUse: It is in production, protected, or what a rollback would return to; nothing is deleted.
        """
        self._mover.delete(model_id, version)

    def history(self, model_id: str) -> list[ModelMove]:
        """Return everything that happened to a model's versions, in order: who moved what, when and why."""
        return self._ledger.list_moves(model_id)

    def update_performance_metrics(self, model_id: str, version: str, metrics: Mapping[str, float]) -> ModelMetadata:
        """Add and replace metrics of a version; names such as `accuracy` are those of the metadata's fields."""
        return self._revise(model_id, version, "update_metrics", revising.with_metrics, metrics)

    def set_tags(self, model_id: str, version: str, tags: Mapping[str, str | None] | Iterable[str]) -> ModelMetadata:
        """Add and replace tags; None removes one, a word alone means `true`."""
        return self._revise(model_id, version, "set_tags", revising.with_tags, revising.as_tags(tags))

    def set_notes(self, model_id: str, version: str, notes: str) -> ModelMetadata:
        """Replace a version's notes."""
        return self._revise(model_id, version, "set_notes", revising.with_notes, {"notes": notes})

    def protect(self, model_id: str, version: str) -> ModelMetadata:
        """Keep a version from being deleted."""
        return self._revise(model_id, version, "protect", revising.with_protection, {"is_protected": True})

    def unprotect(self, model_id: str, version: str) -> ModelMetadata:
        """Let a version be deleted again."""
        return self._revise(model_id, version, "unprotect", revising.with_protection, {"is_protected": False})

    def set_alias(self, model_id: str, alias: str, version: str) -> ModelMetadata:
        """Give a version another name, which goes wherever a version goes; a name that is taken moves here.

        Raises:
            InvalidInput: The word cannot be an alias.
        """
        return self._aliases.put(model_id, alias, version).metadata

    def remove_alias(self, model_id: str, alias: str) -> None:
        """Take a name away from the version that has it.

        Raises:
            AliasNotFound: The model has no such alias.
        """
        self._aliases.remove(model_id, alias)

    def list_aliases(self, model_id: str) -> dict[str, str]:
        """Return the version that each alias of a model stands for."""
        return self._aliases.all_of(model_id)

    def resolve(self, model_id: str, version: str | None = None) -> str:
        """Return the number of the version that an alias, a status or `latest` stands for."""
        return self._get(model_id, version).version

    def verify(self, model_id: str, version: str | None = None) -> VerifyReport:
        """Read all files of a version again, check their digests, load the model, and have it answer its sample.

        What is wrong stands in the report's `problems`; nothing is changed.
        """
        return self._inspector.verify(model_id, version)

    def compare_versions(
        self,
        model_id: str,
        versions: Iterable[str],
        *,
        only_differences: bool = False,
        directions: Mapping[str, Direction] | None = None,
    ) -> pd.DataFrame:
        """Return versions side by side, one row a field, one column a version; rows that differ come first.

        Args:
            only_differences: Leave out rows that are equal everywhere.
            directions: Whether `max` or `min` is better, by metric, where its name does not tell.
        """
        return self._inspector.compare(model_id, versions, only_differences=only_differences, directions=directions)

    def model_card(
        self,
        model_id: str,
        version: str | None = None,
        *,
        form: CardForm = "markdown",
        plots: Mapping[str, Any] | None = None,
    ) -> str:
        """Return what a person must know of a version before using it, as Markdown or as one self-contained page.

        Args:
            plots: By title, matplotlib figures or the bytes of PNG or SVG pictures.
        """
        return self._inspector.card(model_id, version, form=form, plots=plots)

    def apply_retention(self, model_id: str | None = None, *, dry_run: bool = False) -> RetentionReport:
        """Delete old versions beyond the newest `max_model_versions` of a model, or with None of each model.

        A version in production, a rollback's target, a protected version and one with an alias stay in any case.

        Args:
            dry_run: Only report what would go.

        Raises:
            ModelNotFound: The model has no version.
        """
        return self._keeper.apply(model_id, dry_run=dry_run)

    def transfer_key(self) -> str:
        """Return the public key that other sites must trust to import what this one exports."""
        return self._transfer.key().public

    def export_version(self, model_id: str, version: str | None, path: str | os.PathLike[str]) -> Path:
        """Write a version, with its files, history and environment, to one file signed by this site.

        Raises:
            SignatureRefused: It is a pickle that this installation has not signed.
            InvalidInput: The path cannot be written.
        """
        return self._transfer.export(model_id, version, path)

    def import_version(
        self, path: str | os.PathLike[str], *, trust: str | Iterable[str] = (), most_bytes: int = MOST_BYTES
    ) -> ModelMetadata:
        """Register the version in an exported file, all of it proven before anything is kept. Twice is once.

        It keeps its number and what is told of it, and is to be validated here.

        Args:
            trust: Public keys of sites, as their `transfer_key` tells; this site's own is always trusted. A model may
                run code when it is loaded: trust a site as you would trust its code.
            most_bytes: Refuse a file with more content than this.

        Raises:
            SiteNotTrusted: Another site signed it.
            ExportDamaged: It is not what was signed.
            UntrustedTypes: The model has types that are not on our list.
            VersionTaken: Its number belongs to another content here.
            ContentRegistered: Its content has another number here.
        """
        return self._cleaned_up(self._transfer.take_in(path, trust=trust, most_bytes=most_bytes))

    def _cleaned_up(self, registered: StoredVersion) -> ModelMetadata:
        """Apply retention after a registration, where that is configured."""
        if self._cleans_up:
            self._keeper.apply(registered.key.model_id, dry_run=False)
        return registered.metadata

    def _get(self, model_id: str, version: str | None) -> StoredVersion:
        with self._database.read() as tx:
            return self._finder.get(tx, model_id, version)

    def _query(self, **chosen: Any) -> ModelQuery:
        return ModelQuery(project=self._finder.project, **chosen)

    def _page(self, query: ModelQuery) -> Page[StoredVersion]:
        with self._database.read() as tx:
            return self._store.page(tx, query, at=self._now())

    def _revise(
        self, model_id: str, version: str, action: str, decide: revising.Decision, told: Mapping[str, Any]
    ) -> ModelMetadata:
        return self._ledger.revise(model_id, version, action, lambda before: decide(before, told), told).metadata


def _artifact_store(
    root: str | os.PathLike[str], keys: SecuritySettings, database: Database, *, now: Now, new_id: NewId
) -> ArtifactStore:
    return ArtifactStore(
        root,
        database=database,
        signing_key=keys.signing_key.get_secret_value() if keys.signing_key else None,
        encryption_key=keys.encryption_key.get_secret_value() if keys.encryption_key else None,
        now=now,
        new_id=new_id,
    )
