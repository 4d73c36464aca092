"""Entities and views applied and deleted: the same content is the same version, new content a new one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.artifacts import ArtifactStore, remove_references
from mlops.errors import Conflict, InvalidInput
from mlops.feature_store import frames
from mlops.feature_store.differences import content_of
from mlops.feature_store.entities import Entity, FeatureSource, FeatureView, OnDemandView, SourceFormat
from mlops.feature_store.errors import EntityInUse, FeatureViewInUse
from mlops.feature_store.ledger import APPLIED, DELETED, Change, Ledger
from mlops.feature_store.on_demand import check_input_types, checked, input_references
from mlops.feature_store.references import ViewReference
from mlops.feature_store.sources import SourceReader, infer_features
from mlops.feature_store.store import AnyView, OnlineStore, StoredView, TrainingSetStore
from mlops.feature_store.values import FeatureType
from mlops.records import encode_json

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["Registrar"]

OWNER_KIND = "feature_view"
_TOLD = ("tags", "owner", "description")


class Registrar:
    """Applies and deletes what is described.

    Args:
        ledger: What begins changes.
        artifacts: Where rows go that are handed over as a frame.
        reader: What reads sources.
        online: Where online values of deleted versions are removed.
        training_sets: What keeps views from being deleted.
    """

    def __init__(
        self,
        ledger: Ledger,
        artifacts: ArtifactStore,
        reader: SourceReader,
        online: OnlineStore,
        training_sets: TrainingSetStore,
    ) -> None:
        self._ledger = ledger
        self._artifacts = artifacts
        self._reader = reader
        self._online = online
        self._training_sets = training_sets

    def apply_entity(self, entity: Entity) -> Entity:
        """Keep an entity; one that views describe keeps its join keys.

        Raises:
            EntityInUse: It would get other join keys.
        """
        catalogue, wanted = self._ledger.catalogue, entity.changed(project=self._ledger.project)
        with self._ledger.change(entity.name) as change:
            present = catalogue.entities(change.tx, wanted.project).get(entity.name)
            if present == wanted:
                return present
            if present is not None and dict(present.join_keys) != dict(wanted.join_keys):
                self._refuse_if_described(change.tx, entity.name, wish="get other join keys")
            catalogue.put_entity(change.tx, wanted, change.at)
            keys = {name: str(kind) for name, kind in wanted.join_keys.items()}
            change.close("apply", "entity", entity.name, {"join_keys": keys})
        return wanted

    def delete_entity(self, name: str) -> None:
        """Remove an entity that no view describes.

        Raises:
            EntityNotFound: There is none.
            EntityInUse: Views describe it.
        """
        with self._ledger.change(name) as change:
            self._ledger.finder.entity(change.tx, name)
            self._refuse_if_described(change.tx, name, wish="be deleted")
            self._ledger.catalogue.delete_entity(change.tx, self._ledger.project, name)
            change.close("delete", "entity", name, {})

    def apply_view(self, view: FeatureView, frame: Any = None) -> FeatureView:
        """Keep a view that has a source; a frame becomes one."""
        with self._ledger.database.read() as tx:
            entity = self._ledger.finder.entity(tx, view.entity)
        source = _absolute(view.source) if frame is None else self._keep_frame(view, frame)
        wanted = view.changed(source=source, project=self._ledger.project)
        if not wanted.features and source is not None:
            raw = self._reader.scan(source, text=[name for name, kind in entity.join_keys.items() if kind == "string"])
            wanted = wanted.changed(features=infer_features(wanted, entity, raw))
        self._reader.rows(wanted, entity).collect_schema()
        applied: FeatureView = self._keep(wanted)
        return applied

    def apply_on_demand(self, view: OnDemandView) -> OnDemandView:
        """Keep a view that is computed from others; it serves at once."""
        wanted = checked(view).changed(project=self._ledger.project)
        references = input_references(wanted)
        with self._ledger.database.read() as tx:
            found = self._ledger.finder.expanded(tx, references.values())
        types: dict[str, FeatureType] = {}
        for name, reference in references.items():
            origin = found[reference]
            if isinstance(origin, OnDemandView):
                raise InvalidInput(f"{str(reference)!r} is computed on demand itself; name features that are stored.")
            types[name] = {one.name: one.dtype for one in origin.features}[reference.feature]
        check_input_types(wanted, types)
        applied: OnDemandView = self._keep(wanted)
        return applied

    def delete_view(self, view: ViewReference) -> None:
        """Delete a version, or with none named all of them. Numbers stay taken.

        Raises:
            FeatureViewNotFound: There is none.
            FeatureViewInUse: A saved training set or an on-demand view needs it; nothing is deleted.
        """
        catalogue, project = self._ledger.catalogue, self._ledger.project
        with self._ledger.change(view.name) as change:
            found = catalogue.list_views(change.tx, project, view.name)
            chosen = [stored for stored in found if view.version in (None, stored.view.version)]
            if not chosen:
                raise self._ledger.finder.missing(change.tx, view)
            self._refuse_if_needed(change.tx, view, chosen, is_last=len(chosen) == len(found))
            for stored in chosen:
                catalogue.delete_view(change.tx, stored.view.view_id, change.at)
                remove_references(change.tx, owner_kind=OWNER_KIND, owner_id=stored.view.view_id)
            self._let_another_serve(change.tx, chosen, found)
            versions = [stored.view.version for stored in chosen]
            change.close("delete", "feature_view", view.name, {"versions": versions}, topic=DELETED)
        for stored in chosen:
            self._online.drop(stored.view.view_id)

    def _let_another_serve(self, tx: Transaction, gone: list[StoredView], found: list[StoredView]) -> None:
        rest = [stored for stored in found if stored not in gone]
        if rest and any(stored.is_serving for stored in gone):
            filled = next((stored for stored in rest if stored.watermark is not None), rest[0])
            self._ledger.catalogue.serve(tx, filled.view)

    def _keep(self, wanted: Any) -> Any:
        digest = hashlib.sha256(encode_json(content_of(wanted)).encode()).hexdigest()
        with self._ledger.change(wanted.name) as change:
            present = self._ledger.catalogue.find_view(change.tx, wanted.project, ViewReference(wanted.name))
            if present is not None and type(present.view) is not type(wanted):
                raise Conflict(f"A view called {wanted.name!r} of the other kind is there. Choose another name.")
            if present is not None and present.view.digest == digest:
                return self._tell(change, present.view, wanted)
            return self._insert(change, wanted, digest, present)

    def _insert(self, change: Change, wanted: AnyView, digest: str, present: StoredView | None) -> AnyView:
        decided = {"version": change.last_version + 1, "digest": digest, "view_id": self._ledger.new_id()}
        view = wanted.changed(**decided, created_at=change.at, created_by=change.actor)
        catalogue = self._ledger.catalogue
        catalogue.insert_view(change.tx, view, is_serving=False)
        if present is None or isinstance(view, OnDemandView):
            catalogue.serve(change.tx, view)
        source = view.source if isinstance(view, FeatureView) else None
        if source is not None and source.format is SourceFormat.FRAME:
            self._artifacts.add_reference(
                change.tx, source.path, owner_kind=OWNER_KIND, owner_id=view.view_id, name="rows"
            )
        run_id = source.pipeline_run_id if source else None
        told = {"version": view.version, "digest": digest, "pipeline_run_id": run_id}
        change.close("apply", "feature_view", view.name, told, topic=APPLIED)
        return view

    def _tell(self, change: Change, present: AnyView, wanted: AnyView) -> AnyView:
        """Replace what is only told of the newest version, and what its features mean."""
        told = {name: getattr(wanted, name) for name in _TOLD}
        if isinstance(wanted, FeatureView):
            told["features"] = wanted.features
        after = present.changed(**told)
        if after != present:
            self._ledger.catalogue.update_view(change.tx, after)
            change.close("describe", "feature_view", after.name, {"version": after.version})
        return after

    def _keep_frame(self, view: FeatureView, frame: Any) -> FeatureSource:
        with self._artifacts.writer() as writer:
            frames.as_polars(frame).write_parquet(writer.stream)
        run_id = view.source.pipeline_run_id if view.source else None
        return FeatureSource(path=writer.blob.digest, format=SourceFormat.FRAME, pipeline_run_id=run_id)

    def _refuse_if_described(self, tx: Transaction, entity: str, *, wish: str) -> None:
        found = self._ledger.catalogue.list_views(tx, self._ledger.project)
        views = sorted({one.view.name for one in found if getattr(one.view, "entity", None) == entity})
        if views:
            raise EntityInUse(entity, views, wish=wish)

    def _refuse_if_needed(
        self, tx: Transaction, view: ViewReference, chosen: list[StoredView], *, is_last: bool
    ) -> None:
        users = [
            f"training set {name!r}"
            for stored in chosen
            for name in self._training_sets.users_of(tx, stored.view.view_id)
        ]
        for stored in self._ledger.catalogue.list_views(tx, self._ledger.project):
            if isinstance(stored.view, OnDemandView):
                needed = [one.view for one in input_references(stored.view).values()]
                if any(one == view or (is_last and one.name == view.name) for one in needed):
                    users.append(f"on-demand view {stored.view.name!r}")
        if users:
            raise FeatureViewInUse(view.name, view.version, dict.fromkeys(users))


def _absolute(source: FeatureSource | None) -> FeatureSource | None:
    """Return a source that means the same file from every working directory."""
    if source is None or source.format is SourceFormat.FRAME:
        return source
    return source.changed(path=str(Path(source.path).absolute()))
