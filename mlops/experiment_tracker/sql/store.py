"""The store of experiments on SQLAlchemy Core."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlops.database import Transaction
from mlops.experiment_tracker.entities import (
    Experiment,
    ExperimentArtifact,
    ExperimentMetrics,
    ExperimentQuery,
    MetricSummary,
)
from mlops.experiment_tracker.history import MetricColumns
from mlops.experiment_tracker.sql import facts, records
from mlops.experiment_tracker.sql.pages import ExperimentPages
from mlops.experiment_tracker.sql.tables import artifacts, environments, experiments, metrics, params, summaries, tags
from mlops.provenance import EnvironmentCapture
from mlops.records import FrozenDict, decode_json, encode_json
from mlops.search import Page

__all__ = ["SqlExperimentStore"]


class SqlExperimentStore:
    """`ExperimentStore` in SQL; beside prepared statements it keeps nothing between transactions."""

    def __init__(self) -> None:
        self._pages = ExperimentPages()

    def insert(self, tx: Transaction, experiment: Experiment) -> None:
        """Store a new experiment."""
        records.insert_experiment(tx, experiment)

    def find(self, tx: Transaction, experiment_id: str) -> Experiment | None:
        """Return an experiment, deleted or not."""
        return _one(records.read_experiments(tx, _by_id(experiment_id), [experiment_id]))

    def find_for_update(self, tx: Transaction, experiment_id: str) -> Experiment | None:
        """Return an experiment and lock its row; on SQLite the transaction is the only writer anyway."""
        return _one(records.read_experiments(tx, _by_id(experiment_id).with_for_update(), [experiment_id]))

    def update(self, tx: Transaction, before: Experiment, after: Experiment) -> None:
        """Replace an experiment."""
        records.update_experiment(tx, before, after)

    def page(self, tx: Transaction, query: ExperimentQuery, *, at: datetime) -> Page[Experiment]:
        """Return a page of experiments."""
        return self._pages.read(tx, query, at=at)

    def projects(self, tx: Transaction) -> list[str]:
        """Return the projects in use."""
        chosen = sa.select(experiments.c.project).where(experiments.c.deleted_at.is_(None)).distinct()
        return sorted(tx.execute(chosen).scalars())

    def add_metrics(
        self, tx: Transaction, items: Sequence[ExperimentMetrics], *, logged_at: int
    ) -> list[Exception | None]:
        """Append metrics."""
        return facts.add_metrics(tx, items, logged_at=logged_at)

    def metric_columns(self, tx: Transaction, experiment_id: str, names: Collection[str] | None) -> MetricColumns:
        """Return logged values as columns."""
        return facts.read_columns(tx, experiment_id, names)

    def summaries(self, tx: Transaction, experiment_id: str) -> dict[str, MetricSummary]:
        """Return the summary of each metric."""
        return facts.read_summaries(tx, [experiment_id]).get(experiment_id, {})

    def add_artifact(self, tx: Transaction, artifact: ExperimentArtifact) -> None:
        """Append an artifact."""
        row = {name: getattr(artifact, name) for name in ExperimentArtifact.model_fields}
        tx.execute(sa.insert(artifacts), row | {"details": encode_json(artifact.details)})

    def artifacts(self, tx: Transaction, experiment_id: str) -> list[ExperimentArtifact]:
        """Return the artifacts, oldest first."""
        chosen = sa.select(artifacts).where(artifacts.c.experiment_id == experiment_id)
        rows = tx.execute(chosen.order_by(artifacts.c.created_at, artifacts.c.artifact_id)).mappings()
        return [_to_artifact(dict(row)) for row in rows]

    def remember_environment(self, tx: Transaction, environment: EnvironmentCapture) -> str:
        """Store an environment under the digest of its document."""
        document = encode_json(environment.to_document())
        digest = hashlib.sha256(document.encode()).hexdigest()
        known = sa.select(environments.c.digest).where(environments.c.digest == digest)
        if tx.execute(known).scalar_one_or_none() is None:
            tx.execute(_insert_unless_there(tx), {"digest": digest, "document": document})
        return digest

    def find_environment(self, tx: Transaction, digest: str) -> EnvironmentCapture | None:
        """Return a stored environment."""
        document = tx.execute(sa.select(environments.c.document).where(environments.c.digest == digest)).scalar()
        return None if document is None else EnvironmentCapture.from_document(decode_json(document))

    def deleted_before(self, tx: Transaction, moment: datetime, *, most: int | None) -> list[str]:
        """Return ids of experiments that were deleted before a moment."""
        chosen = sa.select(experiments.c.experiment_id).where(experiments.c.deleted_at < moment)
        return list(tx.execute(chosen.order_by(experiments.c.deleted_at).limit(most)).scalars())

    def remove(self, tx: Transaction, experiment_ids: Sequence[str]) -> None:
        """Remove experiments for good."""
        chosen = experiments.c.experiment_id.in_(experiment_ids)
        digests = set(tx.execute(sa.select(experiments.c.environment_digest).where(chosen)).scalars()) - {None}
        for table in (metrics, summaries, params, tags, artifacts, experiments):
            tx.execute(sa.delete(table).where(table.c.experiment_id.in_(experiment_ids)))
        _drop_unused(tx, digests)


def _one(found: list[Experiment]) -> Experiment | None:
    return found[0] if found else None


def _by_id(experiment_id: str) -> sa.Select[Any]:
    return sa.select(experiments).where(experiments.c.experiment_id == experiment_id)


def _insert_unless_there(tx: Transaction) -> sa.Insert:
    from sqlalchemy.dialects import postgresql, sqlite

    insert = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    return insert(environments).on_conflict_do_nothing()


def _to_artifact(row: dict[str, Any]) -> ExperimentArtifact:
    return ExperimentArtifact(**row | {"details": FrozenDict(decode_json(row["details"]))})


def _drop_unused(tx: Transaction, digests: set[str]) -> None:
    """Remove those of these environments that no experiment has any more."""
    used = sa.select(experiments.c.environment_digest).where(experiments.c.environment_digest.in_(digests))
    unused = digests.difference(tx.execute(used).scalars())
    tx.execute(sa.delete(environments).where(environments.c.digest.in_(unused)))
