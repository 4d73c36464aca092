"""The feature store: orders the steps of every operation and owns its transaction.

Which row of history counts is decided in `point_in_time`, what online values are to be thought of in `online`; rows of
tables are the stores'. This is the synchronous truth: everything runs in the caller's thread. The asynchronous class is
generated from it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from mlops import clock
from mlops.artifacts import ArtifactStore
from mlops.clock import NewId, Now
from mlops.config import ConfigManager, MLOpsConfig
from mlops.config.settings import SecuritySettings
from mlops.database import Database, configured_database
from mlops.feature_store import frames
from mlops.feature_store.applying import Registrar
from mlops.feature_store.differences import ViewDifference, difference
from mlops.feature_store.entities import Entity, FeatureView, Materialization, OnDemandView, TrainingSet
from mlops.feature_store.finding import Finder
from mlops.feature_store.historical import HistoricalReader
from mlops.feature_store.inspection import Inspector
from mlops.feature_store.ledger import Ledger
from mlops.feature_store.materialization import Materializer
from mlops.feature_store.online import OnlineFeatures, OnlineReader
from mlops.feature_store.pushing import push_rows
from mlops.feature_store.references import ViewReference, read_view
from mlops.feature_store.reports import FeatureDrift, FeatureHistory, FeatureStatistics, TrainingSetReport
from mlops.feature_store.sources import SourceReader
from mlops.feature_store.sql import SqlFeatureCatalogue, SqlOnlineStore, SqlTrainingSets, serving_version
from mlops.feature_store.store import OnlineStore
from mlops.feature_store.training_sets import TrainingSetKeeper
from mlops.feature_store.values import read_moment
from mlops.jobs import JobContext, JobHandler

__all__ = ["MATERIALIZE", "FeatureStoreService"]

MATERIALIZE = "features.materialize"
"""Kind of the jobs that bring a view's last values to the online store."""


class FeatureStoreService:
    """Keeps features of entities: how they are made, what they were at any time, and what they are now.

    Views are named as `counts`, which means the newest version in training and the one that serves online, or as
    `counts@2`; features as `counts:reads`, all of a view as `counts:*`. Safe to use from any thread and from several
    processes at once. What is acknowledged survives power loss, online values `kill -9`.

    Args:
        store_dir: Where rows and training sets are kept: a folder, or any fsspec URL. None: as configured.
        database_url: `sqlite:///file.db` or `postgresql://user:password@host:5432/name`. None: as configured.
        redis_url: Where online values are kept: `redis://host:6379/0`. None: as configured, else in the database.
        project: The project whose features these are. None: as configured.
        config: The configuration; None loads it from the environment and the configuration file.
        now: The clock.
        new_id: The source of ids.
    """

    def __init__(
        self,
        store_dir: str | os.PathLike[str] | None = None,
        database_url: str | None = None,
        *,
        redis_url: str | None = None,
        project: str | None = None,
        config: MLOpsConfig | None = None,
        now: Now = clock.now,
        new_id: NewId = clock.new_id,
    ) -> None:
        settings = config or ConfigManager().load_config()
        self._is_closed = False
        self._database = configured_database(database_url, settings)
        try:
            root = store_dir or settings.feature_store.store_dir
            self._artifacts = _artifact_store(root, settings.security, self._database, now=now, new_id=new_id)
            self._serving = partial(serving_version, self._database)
            self._online = self._open_online(redis_url or settings.database.redis_url)
        except BaseException:
            self._database.close()
            raise
        finder = Finder(SqlFeatureCatalogue(), project=project or settings.feature_store.default_project)
        self._ledger = Ledger(self._database, SqlFeatureCatalogue(), finder, now=now, new_id=new_id)
        reader, training_sets = SourceReader(self._artifacts), SqlTrainingSets()
        self._registrar = Registrar(self._ledger, self._artifacts, reader, self._online, training_sets)
        self._historical = HistoricalReader(self._ledger, reader)
        self._training_sets = TrainingSetKeeper(self._ledger, training_sets, self._artifacts, self._historical, reader)
        self._materializer = Materializer(self._ledger, reader, self._online)
        self._reader = OnlineReader(self._database, finder, self._online, self._serving, now=now)
        self._inspector = Inspector(self._ledger, reader, self._online, self._serving)

    def __enter__(self) -> FeatureStoreService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"FeatureStore({self._artifacts.root!r}, {self._database.masked_url!r}, project={self._ledger.project!r})"
        )

    def close(self) -> None:
        """Let go of the database and of Redis. Twice is once."""
        if not self._is_closed:
            self._is_closed = True
            self._online.close()
            self._database.close()

    def apply_entity(self, entity: Entity) -> Entity:
        """Keep what features describe, or replace what is told of it.

        Raises:
            EntityInUse: It would get other join keys while views describe it.
        """
        return self._registrar.apply_entity(entity)

    def get_entity(self, name: str) -> Entity:
        """Return an entity.

        Raises:
            EntityNotFound: There is none; the error names similar ones.
        """
        with self._database.read() as tx:
            return self._ledger.finder.entity(tx, name)

    def list_entities(self) -> list[Entity]:
        """Return the project's entities by name."""
        with self._database.read() as tx:
            return list(self._ledger.catalogue.entities(tx, self._ledger.project).values())

    def delete_entity(self, name: str) -> None:
        """Remove an entity that no view describes.

        Raises:
            EntityInUse: Views describe it.
        """
        self._registrar.delete_entity(name)

    def apply_view(self, view: FeatureView, frame: Any = None) -> FeatureView:
        """Keep a view. The same content is the same version; new content is a new one, which serves once it is filled.

        Tags, owner and descriptions are no content: they are replaced in place.

        Args:
            view: The view; fields that the store decides are left alone.
            frame: Its rows, a pandas or Polars DataFrame, where they are in no file. They are kept with the store.

        Returns:
            The version that has this content, its features filled in where none were named.

        Raises:
            EntityNotFound: Its entity was not applied.
            SourceUnavailable: The source cannot be read.
            InvalidInput: The source lacks a column, or one has another type.
        """
        return self._registrar.apply_view(view, frame)

    def apply_on_demand(self, view: OnDemandView) -> OnDemandView:
        """Keep a view whose features are computed when they are asked for, by a state fitted in training.

        Raises:
            InvalidInput: An input is none of the state's, or no stored feature of a type that it computes with.
        """
        return self._registrar.apply_on_demand(view)

    def get_view(self, view: str) -> FeatureView | OnDemandView:
        """Return a view, the newest version unless the name says which: `counts@2`.

        Raises:
            FeatureViewNotFound: There is none; the error names similar ones.
        """
        with self._database.read() as tx:
            return self._ledger.finder.view(tx, read_view(view)).view

    def list_views(self) -> list[FeatureView | OnDemandView]:
        """Return the newest version of every view of the project, by name."""
        return self._inspector.list_views()

    def diff_versions(self, view: str, before: int, after: int) -> ViewDifference:
        """Return how a version of a view differs from an earlier one, and whether its readers would notice."""
        with self._database.read() as tx:
            found = [self._ledger.finder.view(tx, ViewReference(view, version)).view for version in (before, after)]
        return difference(*found)

    def delete_view(self, view: str) -> None:
        """Delete a view with its online values, or one version: `counts@2`. Numbers stay taken.

        Raises:
            FeatureViewInUse: A saved training set or an on-demand view needs it; nothing is deleted.
        """
        self._registrar.delete_view(read_view(view))

    def get_historical_features(
        self,
        entity_rows: Any,
        features: Sequence[str],
        *,
        timestamp_column: str = "event_timestamp",
        as_of: datetime | None = None,
        full_feature_names: bool = False,
    ) -> Any:
        """Add features to entity rows as they were known at each row's time.

        Of a view's rows that had happened and were known by then, the one with the latest event counts. Rows are never
        dropped or moved: what is late, expired or not there is null.

        Args:
            entity_rows: A pandas or Polars DataFrame with the join keys and a time, in UTC where it has no zone.
            features: Such as `["counts:reads", "patient:*"]`.
            timestamp_column: The column of the time.
            as_of: Leave out what became known after this moment too.
            full_feature_names: Call columns `counts__reads` instead of `reads`.

        Returns:
            The same rows in the same order, of the same kind, with a column for each feature.

        Raises:
            FeatureNotFound: A view has no such feature.
            InvalidInput: A key or the time is not there or of another type; two columns would have one name.
        """
        request = self._historical.find(features, full_names=full_feature_names)
        cut = None if as_of is None else read_moment(as_of, where="as_of")
        found = self._historical.features(entity_rows, request, timestamp_column=timestamp_column, as_of=cut)
        return frames.add_columns(entity_rows, found)

    def save_training_set(
        self,
        name: str,
        entity_rows: Any,
        features: Sequence[str],
        *,
        timestamp_column: str = "event_timestamp",
        full_feature_names: bool = False,
    ) -> TrainingSet:
        """Compute historical features as they are known now, and keep the rows, what was asked, and of what.

        Rows that become known later change nothing in it.

        Returns:
            What was recorded: an id, the digest of the rows, the views' versions and the digests of their sources.
        """
        return self._training_sets.save(
            name, entity_rows, features, timestamp_column=timestamp_column, full_names=full_feature_names
        )

    def get_training_set(self, name_or_id: str) -> Any:
        """Return the rows of a training set, verified; a name means the newest of that name.

        Raises:
            TrainingSetNotFound: There is none.
            TrainingSetDamaged: The rows are not what was saved.
        """
        return self._training_sets.rows(name_or_id)

    def describe_training_set(self, name_or_id: str) -> TrainingSet:
        """Return what was recorded of a training set."""
        return self._training_sets.find(name_or_id)

    def list_training_sets(self) -> list[TrainingSet]:
        """Return what was recorded of all training sets, the newest first."""
        return self._training_sets.list_all()

    def reproduce_training_set(self, name_or_id: str) -> Any:
        """Compute the rows of a training set again from the same versions, as of the time when it was saved.

        Raises:
            TrainingSetNotReproducible: Other rows came of it, because a source changed; the error says which.
        """
        return self._training_sets.reproduce(name_or_id)

    def verify_training_set(self, name_or_id: str) -> TrainingSetReport:
        """Read a training set and compute it again; report what is not as it was."""
        return self._training_sets.verify(name_or_id)

    def delete_training_set(self, name_or_id: str) -> None:
        """Delete a training set; the views that it needed may be deleted then."""
        self._training_sets.delete(name_or_id)

    def materialize(
        self,
        view: str,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        progress: Callable[[int, int], object] | None = None,
    ) -> Materialization:
        """Bring the last values of a view's entities to the online store, those of the newest version or of `counts@2`.

        Without a start it goes on where the last one ended, late rows included. The last event wins, so that it may be
        done twice, by two at once, or again after a kill. A version that is filled serves from then on; the values of
        the one before stay until the next one is filled.

        Args:
            start: Look at events after this moment only.
            end: Look at events up to this moment; None for now.
            progress: Called with the entities written and all of them.

        Raises:
            SourceUnavailable: The source cannot be read.
            OnlineStoreUnavailable: Redis does not answer.
        """
        since, until = (None if at is None else read_moment(at, where="start or end") for at in (start, end))
        done = self._materializer.run(read_view(view), start=since, end=until, progress=progress)
        self._inspector.drop_outdated(done.view)
        return done

    def job_handlers(self) -> list[JobHandler]:
        """Return what materialises views as jobs, for a runner of many parts: kind `features.materialize`.

        Schedule it with the payload `{"view": "counts"}`; each job goes on where the last one ended.
        """
        return [JobHandler(MATERIALIZE, self._materialize_as_job)]

    def _materialize_as_job(self, job: JobContext) -> dict[str, Any]:
        def tell(done: int, total: int) -> None:
            job.check()
            job.progress(done, total, "entities")

        return self.materialize(str(job.payload["view"]), progress=tell).to_document()

    def push(self, view: str, rows: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> int:
        """Put single rows into the online store at once: dicts of join keys, features and the event's time, else now.

        Features that are left out become missing; a row older than what is there changes nothing, and one that is yet
        to come is refused. The source should get the rows too, so that training sees what serving saw.

        Returns:
            How many rows were given.

        Raises:
            InvalidInput: A name is unknown or a value has another type; nothing was put.
        """
        given = [rows] if isinstance(rows, Mapping) else list(rows)
        return push_rows(self._ledger, self._online, read_view(view), given)

    def get_online_features(
        self,
        entities: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        features: Sequence[str],
        *,
        full_feature_names: bool = False,
    ) -> OnlineFeatures:
        """Return the last values of features for one entity or many, each with its status.

        Values older than the view's TTL are returned and marked as stale.

        Args:
            entities: A dict of join keys, or a list of them; with them what on-demand features take from the request.
            features: Such as `["counts:reads", "patient:*"]`.
            full_feature_names: Call features `counts__reads` instead of `reads`.

        Raises:
            FeatureNotFound: The version that serves has no such feature.
            InvalidInput: A key is not there or of another type.
        """
        given = [entities] if isinstance(entities, Mapping | str) else entities
        return self._reader.read(given, features, full_names=full_feature_names)

    def compute_statistics(
        self, view: str, start: datetime | None = None, end: datetime | None = None
    ) -> list[FeatureStatistics]:
        """Compute and keep statistics of a view's features for each day of events between two days, both included."""
        since, until = (None if at is None else read_moment(at, where="start or end") for at in (start, end))
        return self._inspector.compute_statistics(read_view(view), start=since, end=until)

    def list_statistics(self, view: str) -> list[FeatureStatistics]:
        """Return statistics kept of a view, the latest day first, a thousand at most."""
        return self._inspector.list_statistics(read_view(view))

    def measure_drift(self, training_set: str, features: Sequence[str] | None = None) -> list[FeatureDrift]:
        """Compare what is online now with a training set: the population stability index of each stored feature.

        Args:
            training_set: Its name or id.
            features: Names of the set's columns; None for all that come from views with a source.
        """
        saved = self._training_sets.find(training_set)
        return self._inspector.measure_drift(saved, self._training_sets.rows(training_set), features)

    def history(self, view: str) -> FeatureHistory:
        """Return what became of a view: versions, materialisations and days with statistics, the newest first.

        Raises:
            FeatureViewNotFound: There is none.
        """
        return self._inspector.history(read_view(view).name)

    def _open_online(self, redis_url: str | None) -> OnlineStore:
        if redis_url is None:
            return SqlOnlineStore(self._database)
        from mlops.feature_store.redis import RedisOnlineStore

        return RedisOnlineStore(redis_url, self._serving)


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
