"""Entities, views and what became of them, on SQLAlchemy Core."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlops.database import Transaction
from mlops.feature_store.entities import Entity, FeatureView, Materialization, OnDemandView
from mlops.feature_store.references import ViewReference
from mlops.feature_store.reports import FeatureStatistics
from mlops.feature_store.sql.tables import entities, runs, statistics, views
from mlops.feature_store.store import AnyView, StoredView, Watermark
from mlops.records import Record, decode_json, encode_json

__all__ = ["SqlFeatureCatalogue"]

_KINDS: dict[str, type[AnyView]] = {"batch": FeatureView, "on_demand": OnDemandView}
_MOST_RUNS = 100
_MOST_STATISTICS = 1_000
_LIVE = views.c.deleted_at.is_(None)


class SqlFeatureCatalogue:
    """`FeatureCatalogue` in SQL; it keeps nothing between transactions."""

    def lock(self, tx: Transaction, project: str, name: str) -> int:
        """Keep others from changing a view; a writer on SQLite is alone anyway."""
        if tx.dialect == "postgresql":
            key = sa.func.hashtextextended(encode_json(["feature", project, name]), 6)
            tx.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
        named = (views.c.project == project, views.c.name == name)
        return tx.execute(sa.select(sa.func.max(views.c.version)).where(*named)).scalar() or 0

    def put_entity(self, tx: Transaction, entity: Entity, at: datetime) -> None:
        """Store an entity, or replace it."""
        self.delete_entity(tx, entity.project, entity.name)
        row = {"project": entity.project, "name": entity.name, "document": _text(entity), "updated_at": at}
        tx.execute(sa.insert(entities), row)

    def entities(self, tx: Transaction, project: str) -> dict[str, Entity]:
        """Return a project's entities by name."""
        found = sa.select(entities.c.document).where(entities.c.project == project).order_by(entities.c.name)
        read = (Entity.from_document(decode_json(text)) for text in tx.execute(found).scalars())
        return {entity.name: entity for entity in read}

    def delete_entity(self, tx: Transaction, project: str, name: str) -> None:
        """Remove an entity."""
        tx.execute(sa.delete(entities).where(entities.c.project == project, entities.c.name == name))

    def insert_view(self, tx: Transaction, view: AnyView, *, is_serving: bool) -> None:
        """Store a new version."""
        kind = "batch" if isinstance(view, FeatureView) else "on_demand"
        told = {name: getattr(view, name) for name in ("view_id", "project", "name", "version", "digest", "created_at")}
        row = {**told, "kind": kind, "document": _text(view), "is_serving": int(is_serving)}
        tx.execute(sa.insert(views), row)

    def update_view(self, tx: Transaction, view: AnyView) -> None:
        """Replace what is told of a version."""
        tx.execute(sa.update(views).where(views.c.view_id == view.view_id).values(document=_text(view)))

    def find_view(self, tx: Transaction, project: str, view: ViewReference) -> StoredView | None:
        """Return a version, the newest when none is named."""
        found = sa.select(views).where(views.c.project == project, views.c.name == view.name, _LIVE)
        if view.version is not None:
            found = found.where(views.c.version == view.version)
        row = tx.execute(found.order_by(views.c.version.desc()).limit(1)).mappings().first()
        return None if row is None else _stored(row)

    def list_views(self, tx: Transaction, project: str, name: str | None = None) -> list[StoredView]:
        """Return all versions."""
        found = sa.select(views).where(views.c.project == project, _LIVE)
        if name is not None:
            found = found.where(views.c.name == name)
        rows = tx.execute(found.order_by(views.c.name, views.c.version.desc())).mappings()
        return [_stored(row) for row in rows]

    def serve(self, tx: Transaction, view: AnyView) -> None:
        """Let a version be the one that online readers get."""
        named = (views.c.project == view.project, views.c.name == view.name, views.c.is_serving == 1)
        tx.execute(sa.update(views).where(*named).values(is_serving=0))
        tx.execute(sa.update(views).where(views.c.view_id == view.view_id).values(is_serving=1))

    def delete_view(self, tx: Transaction, view_id: str, at: datetime) -> None:
        """Mark a version as deleted."""
        changes = {"deleted_at": at, "is_serving": 0, "watermark": None}
        tx.execute(sa.update(views).where(views.c.view_id == view_id).values(changes))
        tx.execute(sa.delete(statistics).where(statistics.c.view_id == view_id))

    def set_watermark(self, tx: Transaction, view_id: str, watermark: Watermark) -> None:
        """Remember how far a version is in the online store."""
        tx.execute(sa.update(views).where(views.c.view_id == view_id).values(watermark=_text(watermark)))

    def put_run(self, tx: Transaction, run: Materialization) -> None:
        """Store a materialisation, or replace it."""
        tx.execute(sa.delete(runs).where(runs.c.run_id == run.run_id))
        told = {name: getattr(run, name) for name in ("run_id", "project", "view", "view_id", "started_at")}
        tx.execute(sa.insert(runs), {**told, "status": str(run.status), "document": _text(run)})

    def list_runs(self, tx: Transaction, project: str, view: str) -> list[Materialization]:
        """Return a view's last materialisations."""
        found = sa.select(runs.c.document).where(runs.c.project == project, runs.c.view == view)
        newest = found.order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(_MOST_RUNS)
        return [Materialization.from_document(decode_json(text)) for text in tx.execute(newest).scalars()]

    def put_statistics(self, tx: Transaction, view_id: str, found: Sequence[FeatureStatistics]) -> None:
        """Store statistics of days, or replace them."""
        rows = [(view_id, one.feature, one.day.isoformat(), _text(one)) for one in found]
        key = ("view_id", "feature", "day")
        same = sa.and_(*(statistics.c[name] == sa.bindparam(f"own_{name}") for name in key))
        if rows:
            own = [{f"own_{name}": value for name, value in zip(key, row, strict=False)} for row in rows]
            tx.execute(sa.delete(statistics).where(same), own)
            tx.insert_rows(statistics, (*key, "document"), rows)

    def list_statistics(self, tx: Transaction, view_id: str) -> list[FeatureStatistics]:
        """Return the last statistics of a version."""
        found = sa.select(statistics.c.document).where(statistics.c.view_id == view_id)
        latest = found.order_by(statistics.c.day.desc(), statistics.c.feature).limit(_MOST_STATISTICS)
        return [FeatureStatistics.from_document(decode_json(text)) for text in tx.execute(latest).scalars()]


def _text(record: Record) -> str:
    return encode_json(record.to_document())


def _stored(row: Any) -> StoredView:
    view = _KINDS[row["kind"]].from_document(decode_json(row["document"]))
    told = row["watermark"]
    watermark = None if told is None else Watermark.from_document(decode_json(told))
    return StoredView(view, bool(row["is_serving"]), watermark)
