"""Saved training sets on SQLAlchemy Core."""

from __future__ import annotations

import sqlalchemy as sa

from mlops.database import Transaction
from mlops.feature_store.entities import TrainingSet
from mlops.feature_store.sql.tables import training_set_views, training_sets
from mlops.records import decode_json, encode_json

__all__ = ["SqlTrainingSets"]

_NEWEST = (training_sets.c.created_at.desc(), training_sets.c.training_set_id.desc())


class SqlTrainingSets:
    """`TrainingSetStore` in SQL; it keeps nothing between transactions."""

    def insert(self, tx: Transaction, saved: TrainingSet) -> None:
        """Store a training set with the view versions that it needs."""
        told = {name: getattr(saved, name) for name in ("training_set_id", "project", "name", "digest")}
        row = {**told, "created_at": saved.as_of, "document": encode_json(saved.to_document())}
        tx.execute(sa.insert(training_sets), row)
        needed = [(saved.training_set_id, view_id) for view_id in saved.view_ids]
        tx.insert_rows(training_set_views, ("training_set_id", "view_id"), needed)

    def find(self, tx: Transaction, project: str, name_or_id: str) -> TrainingSet | None:
        """Return the set with this id, or else the newest one with this name."""
        own = sa.select(training_sets.c.document).where(training_sets.c.project == project)
        for column in (training_sets.c.training_set_id, training_sets.c.name):
            text = tx.execute(own.where(column == name_or_id).order_by(*_NEWEST).limit(1)).scalar()
            if text is not None:
                return TrainingSet.from_document(decode_json(text))
        return None

    def list_all(self, tx: Transaction, project: str) -> list[TrainingSet]:
        """Return a project's training sets."""
        found = sa.select(training_sets.c.document).where(training_sets.c.project == project).order_by(*_NEWEST)
        return [TrainingSet.from_document(decode_json(text)) for text in tx.execute(found).scalars()]

    def delete(self, tx: Transaction, training_set_id: str) -> None:
        """Remove a training set."""
        for table in (training_set_views, training_sets):
            tx.execute(sa.delete(table).where(table.c.training_set_id == training_set_id))

    def users_of(self, tx: Transaction, view_id: str) -> list[str]:
        """Return the names of the training sets that need a view version."""
        needed = sa.select(training_sets.c.name).join(
            training_set_views, training_set_views.c.training_set_id == training_sets.c.training_set_id
        )
        return sorted(set(tx.execute(needed.where(training_set_views.c.view_id == view_id)).scalars()))
