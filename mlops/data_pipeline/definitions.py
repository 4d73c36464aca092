"""Schemas and feature configurations as they are kept: versions that never change, the same content stored once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mlops import audit
from mlops.audit import current_actor
from mlops.clock import NewId, Now
from mlops.data_pipeline.entities import SERVER_FIELDS, DataSchema, FeatureEngineeringConfig
from mlops.data_pipeline.errors import FeatureConfigExists, FeatureConfigNotFound, SchemaExists, SchemaNotFound
from mlops.data_pipeline.store import PipelineStore
from mlops.errors import Conflict, InvalidInput, NotFound

if TYPE_CHECKING:
    from mlops.database import Database, Transaction

__all__ = ["Definitions", "Kind", "feature_configs", "schemas"]

T = TypeVar("T", DataSchema, FeatureEngineeringConfig)


@dataclass(frozen=True)
class Kind(Generic[T]):
    """What tells schemas and configurations apart.

    Attributes:
        noun: Its name in the audit log.
        key: The field of its id.
        find: By `project`, and id or name and version.
        insert: Stores one, unless its id or its version is taken.
        each: A project's, by name.
    """

    noun: str
    key: str
    find: Callable[..., T | None]
    insert: Callable[[Transaction, T], bool]
    each: Callable[..., list[T]]
    not_found: type[NotFound]
    exists: Callable[..., Conflict]


def schemas(store: PipelineStore) -> Kind[DataSchema]:
    """Return the kind of data schemas."""
    return Kind(
        "data_schema", "schema_id", store.find_schema, store.insert_schema, store.list_schemas, SchemaNotFound,
        SchemaExists,
    )  # fmt: skip


def feature_configs(store: PipelineStore) -> Kind[FeatureEngineeringConfig]:
    """Return the kind of feature configurations."""
    return Kind(
        "feature_config", "config_id", store.find_config, store.insert_config, store.list_configs,
        FeatureConfigNotFound, FeatureConfigExists,
    )  # fmt: skip


class Definitions(Generic[T]):
    """Stores and finds one kind of definition in one project."""

    def __init__(self, database: Database, kind: Kind[T], *, project: str, now: Now, new_id: NewId) -> None:
        self._database = database
        self._kind: Kind[T] = kind
        self._project = project
        self._now = now
        self._new_id = new_id

    def create(self, item: T) -> str:
        """Store a definition and return its id; one of equal content, name and version that is there already is it."""
        _refuse_server_fields(item)
        project = item.project or self._project
        with self._database.write() as tx:
            same_version = self._version(tx, project, item)
            if same_version is not None:
                return self._same(same_version, item, project)
            wanted = getattr(item, self._kind.key)
            stored = item.changed(
                **{self._kind.key: wanted or self._new_id()},
                project=project,
                created_at=self._now(),
                created_by=current_actor(),
            )
            if not self._kind.insert(tx, stored):
                meanwhile = self._version(tx, project, item)  # by somebody else at the same time
                if meanwhile is not None:
                    return self._same(meanwhile, item, project)
                raise InvalidInput(f"{self._kind.key} {wanted!r} is taken. Leave it empty to be given one.")
            identity: str = getattr(stored, self._kind.key)
            self._tell(tx, stored, identity)
            return identity

    def get(self, reference: str, version: str = "", *, project: str = "") -> T:
        """Return the definition with this id or name; of a name the given version, or the newest."""
        project = project or self._project
        with self._database.read() as tx:
            found = None if version else self._find(tx, project, reference)
            found = found or self._kind.find(tx, project=project, name=reference, version=version)
            if found is None:
                known = {item.name for item in self._kind.each(tx, project=project)}
                wanted = f"{reference} {version}".strip()
                raise self._kind.not_found(wanted, known=sorted(known))
            return found

    def all(self, name: str = "") -> list[T]:
        """Return the project's definitions by name, the newest version of each first."""
        with self._database.read() as tx:
            found: list[T] = self._kind.each(tx, project=self._project, name=name)
            return found

    def _version(self, tx: Transaction, project: str, item: T) -> T | None:
        return self._kind.find(tx, project=project, name=item.name, version=item.version)

    def _find(self, tx: Transaction, project: str, identity: str) -> T | None:
        found: T | None = self._kind.find(tx, project=project, **{self._kind.key: identity})
        return found

    def _same(self, stored: T, item: T, project: str) -> str:
        """Return the id of what is stored when it means the same."""
        wanted = getattr(item, self._kind.key)
        identity: str = getattr(stored, self._kind.key)
        if stored.digest != item.digest or (wanted and wanted != identity):
            raise self._kind.exists(item.name, item.version, project=project)
        return identity

    def _tell(self, tx: Transaction, stored: T, identity: str) -> None:
        details: Mapping[str, Any] = {"name": stored.name, "version": stored.version, "digest": stored.digest}
        audit.append(
            tx,
            action="create",
            subject_kind=self._kind.noun,
            subject_id=identity,
            project=stored.project,
            details=details,
            now=self._now,
        )


def _refuse_server_fields(item: DataSchema | FeatureEngineeringConfig) -> None:
    for name in sorted(SERVER_FIELDS):
        if getattr(item, name) not in (None, ""):
            raise InvalidInput(f"{name} is decided by the pipeline; leave it out when creating.")
