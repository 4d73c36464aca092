"""Training sets that were saved: their rows proven whenever they are read, and computed again from what they name."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import polars as pl

from mlops.artifacts import ArtifactStore, remove_references
from mlops.errors import MLOpsError
from mlops.feature_store import frames
from mlops.feature_store.entities import FeatureView, TrainingSet
from mlops.feature_store.errors import TrainingSetDamaged, TrainingSetNotFound, TrainingSetNotReproducible
from mlops.feature_store.historical import HistoricalReader, Request
from mlops.feature_store.ledger import TRAINING_SET_SAVED, Ledger
from mlops.feature_store.reports import TrainingSetReport
from mlops.feature_store.sources import SourceReader
from mlops.feature_store.store import TrainingSetStore
from mlops.feature_store.values import check_label

__all__ = ["TrainingSetKeeper"]

OWNER_KIND = "training_set"


class TrainingSetKeeper:
    """Saves training sets and brings them back.

    Args:
        ledger: What begins changes.
        store: Where they are recorded.
        artifacts: Where their rows are.
        historical: What computes rows.
        reader: What reads sources.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: TrainingSetStore,
        artifacts: ArtifactStore,
        historical: HistoricalReader,
        reader: SourceReader,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._artifacts = artifacts
        self._historical = historical
        self._reader = reader

    def save(
        self, name: str, table: Any, features: Sequence[str], *, timestamp_column: str, full_names: bool
    ) -> TrainingSet:
        """Compute rows as of now and keep them; see the service."""
        as_of, request = self._ledger.now(), self._historical.find(features, full_names=full_names)
        sources = self._sources(request)
        columns = self._historical.features(table, request, timestamp_column=timestamp_column, as_of=as_of)
        entities = frames.as_polars(table)
        rows = entities.hstack(columns)
        saved = TrainingSet(
            training_set_id=self._ledger.new_id(),
            project=self._ledger.project,
            name=check_label(name),
            digest=rows_digest(rows),
            features=tuple(f"{view.name}@{view.version}:{one.feature}" for one, view in request.wanted.items()),
            timestamp_column=timestamp_column,
            full_feature_names=full_names,
            as_of=as_of,
            rows=len(rows),
            is_pandas=not isinstance(table, pl.DataFrame | pl.LazyFrame),
            view_ids=tuple(dict.fromkeys([view.view_id for view in request.wanted.values()] + [*request.views()])),
            sources=sources,
            blobs={"entities": self._put(entities), "rows": self._put(rows)},
        )
        return self._record(saved)

    def find(self, name_or_id: str) -> TrainingSet:
        """Return what is recorded of a training set.

        Raises:
            TrainingSetNotFound: There is none.
        """
        with self._ledger.database.read() as tx:
            found = self._store.find(tx, self._ledger.project, name_or_id)
            if found is None:
                known = {saved.name for saved in self._store.list_all(tx, self._ledger.project)}
                raise TrainingSetNotFound(name_or_id, known=known)
            return found

    def list_all(self) -> list[TrainingSet]:
        """Return what is recorded of all training sets, the newest first."""
        with self._ledger.database.read() as tx:
            return self._store.list_all(tx, self._ledger.project)

    def rows(self, name_or_id: str) -> Any:
        """Return the rows of a training set, verified.

        Raises:
            TrainingSetDamaged: They are not what was saved.
        """
        saved = self.find(name_or_id)
        return _as_saved(saved, self._verified(saved))

    def reproduce(self, name_or_id: str) -> Any:
        """Compute the rows of a training set again, from what it names as of its time.

        Raises:
            TrainingSetNotReproducible: Other rows came of it.
        """
        saved = self.find(name_or_id)
        rows, problems = self._computed(saved)
        if rows is None or problems:
            raise TrainingSetNotReproducible(saved.training_set_id, problems)
        return _as_saved(saved, rows)

    def verify(self, name_or_id: str) -> TrainingSetReport:
        """Read a training set and compute it again; report what is not as it was."""
        saved, problems = self.find(name_or_id), list[str]()
        try:
            self._verified(saved)
        except MLOpsError as error:
            problems.append(str(error))
        _, differences = self._computed(saved)
        return TrainingSetReport(
            training_set_id=saved.training_set_id,
            is_sound=not problems,
            is_reproducible=not differences,
            problems=(*problems, *differences),
        )

    def delete(self, name_or_id: str) -> None:
        """Delete a training set; its rows become garbage."""
        saved = self.find(name_or_id)
        with self._ledger.change(saved.name) as change:
            self._store.delete(change.tx, saved.training_set_id)
            remove_references(change.tx, owner_kind=OWNER_KIND, owner_id=saved.training_set_id)
            change.close("delete", "training_set", saved.training_set_id, {"name": saved.name})

    def _record(self, saved: TrainingSet) -> TrainingSet:
        with self._ledger.change(saved.name) as change:
            saved = saved.changed(created_by=change.actor)
            for view_id in saved.view_ids:
                self._require(change.tx, view_id)
            self._store.insert(change.tx, saved)
            for role, digest in saved.blobs.items():
                owner = {"owner_kind": OWNER_KIND, "owner_id": saved.training_set_id}
                self._artifacts.add_reference(change.tx, digest, **owner, name=role)
            told = {"name": saved.name, "digest": saved.digest, "rows": saved.rows}
            change.close("save", "training_set", saved.training_set_id, told, topic=TRAINING_SET_SAVED)
        return saved

    def _require(self, tx: Any, view_id: str) -> None:
        """Refuse to save what names a view that was deleted meanwhile."""
        views = {one.view.view_id for one in self._ledger.catalogue.list_views(tx, self._ledger.project)}
        if view_id not in views:
            raise TrainingSetNotReproducible("(not saved)", ["A view was deleted while the rows were computed."])

    def _verified(self, saved: TrainingSet) -> pl.DataFrame:
        rows = self._read(saved, "rows")
        if rows_digest(rows) != saved.digest:
            raise TrainingSetDamaged(saved.training_set_id)
        return rows

    def _computed(self, saved: TrainingSet) -> tuple[pl.DataFrame | None, list[str]]:
        """Return the rows computed again, and why they are not the saved ones."""
        try:
            request = self._historical.find(saved.features, full_names=saved.full_feature_names)
            entities = self._read(saved, "entities")
            columns = self._historical.features(
                entities, request, timestamp_column=saved.timestamp_column, as_of=saved.as_of
            )
            sources = self._sources(request)
        except MLOpsError as error:
            return None, [str(error)]
        rows = entities.hstack(columns)
        if rows_digest(rows) == saved.digest:
            return rows, []
        changed = [name for name, digest in sources.items() if saved.sources.get(name) != digest]
        which = f"The sources of {', '.join(changed)} changed since." if changed else "The sources are the same."
        return rows, [f"Other rows came of it. {which}"]

    def _sources(self, request: Request) -> dict[str, str]:
        return {f"{view.name}@{view.version}": self._digest(view) for view in request.views().values()}

    def _digest(self, view: FeatureView) -> str:
        return "" if view.source is None else self._reader.digest(view.source)

    def _put(self, frame: pl.DataFrame) -> str:
        with self._artifacts.writer() as writer:
            frame.write_parquet(writer.stream)
        return writer.blob.digest

    def _read(self, saved: TrainingSet, role: str) -> pl.DataFrame:
        return pl.read_parquet(io.BytesIO(self._artifacts.get_bytes(saved.blobs[role])))


def rows_digest(rows: pl.DataFrame) -> str:
    """Return the identity of a table's content: columns, types and values in order, whatever file holds them."""
    from mlops.provenance.content_digest import table_digest

    return table_digest(rows.to_pandas())


def _as_saved(saved: TrainingSet, rows: pl.DataFrame) -> Any:
    return rows.to_pandas() if saved.is_pandas else rows
