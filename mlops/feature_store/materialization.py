"""Last values of entities, brought from a view's source to the online store: in steps, in any order, and repeatedly.

Which rows to look at is decided by the version's watermark. A row that is not newer than what is there changes nothing,
so that two who do it at once, or one who begins again after a kill, end with the same values. Readers go over to a new
version in the transaction that says that it is filled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from mlops.audit import current_actor
from mlops.errors import InvalidInput, MLOpsError
from mlops.feature_store.entities import Entity, FeatureView, Materialization, MaterializationStatus
from mlops.feature_store.ledger import MATERIALIZED, Ledger
from mlops.feature_store.point_in_time import CREATED, EVENT, POSITION
from mlops.feature_store.references import ViewReference
from mlops.feature_store.rows import RowCodec, key_text
from mlops.feature_store.sources import SourceReader, reading
from mlops.feature_store.store import OnlineRow, OnlineStore, Watermark

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["Materializer", "Progress"]

_BATCH = 5_000
_OVERLAP = timedelta(days=7)  # a row reaches a source that is exported each night, or week, after its creation time

Progress = Callable[[int, int], object]
"""Called with the entities written so far and all of them."""


class _Work(NamedTuple):
    """A materialisation that was decided upon.

    Attributes:
        since: Rows that happened and were known by this moment were looked at before; None: none were.
        known_at: Rows that became known later are not looked at.
        advances: Whether the watermark moves on at the end.
    """

    view: FeatureView
    entity: Entity
    run: Materialization
    since: datetime | None
    known_at: datetime
    watermark: Watermark | None
    advances: bool


class Materializer:
    """Fills the online store.

    Args:
        ledger: Where views and their watermarks are.
        reader: What reads their sources.
        online: What is filled.
    """

    def __init__(self, ledger: Ledger, reader: SourceReader, online: OnlineStore) -> None:
        self._ledger = ledger
        self._reader = reader
        self._online = online

    def run(
        self, view: ViewReference, *, start: datetime | None, end: datetime | None, progress: Progress | None
    ) -> Materialization:
        """Bring the last values of a version's entities to the online store; see the service."""
        work = self._begin(view, start, end)
        try:
            run = self._transfer(work, progress or (lambda _done, _total: None))
        except Exception as error:
            self._fail(work, error)
            raise
        return self._finish(work, run)

    def _begin(self, wanted: ViewReference, start: datetime | None, end: datetime | None) -> _Work:
        now = self._ledger.now()
        with self._ledger.database.read() as tx:
            view, entity, stored = self._ledger.finder.batch_view(tx, wanted)
        until = min(end, now) if end is not None else now
        if start is not None and start >= until:
            raise InvalidInput(f"start {start.isoformat()} is not before the end, {until.isoformat()}.")
        if view.source is None:
            raise InvalidInput(f"View {view.name!r} has no source; its online values come by push alone.")
        source = self._reader.digest(view.source)
        watermark = self._valid(stored.watermark, view)
        since = _since(view, watermark, source) if start is None else None
        run = self._new_run(view, start=start or since, end=until, source=source, now=now)
        with self._ledger.change(view.name) as change:
            self._ledger.catalogue.put_run(change.tx, run)
        is_gapless = start is None or (watermark is not None and start <= watermark.known_at)
        return _Work(view, entity, run, since, now, watermark, is_gapless)

    def _valid(self, watermark: Watermark | None, view: FeatureView) -> Watermark | None:
        """Return the watermark if the values that it tells of are still there."""
        is_there = watermark is not None and self._online.token(view.view_id) == watermark.token
        return watermark if is_there else None

    def _new_run(
        self, view: FeatureView, *, start: datetime | None, end: datetime, source: str, now: datetime
    ) -> Materialization:
        return Materialization(
            run_id=self._ledger.new_id(),
            project=view.project,
            view=view.name,
            version=view.version,
            view_id=view.view_id,
            start=start,
            end=end,
            source_digest=source,
            actor=current_actor(),
            started_at=now,
            beat_at=now,
        )

    def _transfer(self, work: _Work, progress: Progress) -> Materialization:
        rows, codec = self._last_rows(work), RowCodec(work.view.features)
        run = work.run.changed(rows_read=len(rows))
        progress(0, len(rows))
        for batch in rows.iter_slices(_BATCH):
            self._online.put(work.view.view_id, list(_online_rows(batch, work.entity, codec)))
            run = run.changed(rows_written=run.rows_written + len(batch), beat_at=self._ledger.now())
            with self._ledger.change(work.view.name) as change:
                self._ledger.catalogue.put_run(change.tx, run)
            progress(run.rows_written, len(rows))
        return run

    def _last_rows(self, work: _Work) -> pl.DataFrame:
        """Return the row of each entity that counts, in order of the keys."""
        rows, run, keys = self._reader.rows(work.view, work.entity), work.run, list(work.entity.join_keys)
        times = [EVENT, *([CREATED] if work.view.created_timestamp else [])]
        chosen = rows.drop_nulls(keys).filter(
            pl.col(EVENT) <= run.end, pl.all_horizontal(pl.col(times) <= work.known_at)
        )
        if work.since is not None:
            chosen = chosen.filter(pl.any_horizontal(pl.col(times) > work.since))
        elif run.start is not None:
            chosen = chosen.filter(pl.col(EVENT) > run.start)
        ordered = chosen.sort(*keys, *times, POSITION).unique(subset=keys, keep="last", maintain_order=True)
        with reading(work.view):
            return ordered.collect(engine="streaming")

    def _finish(self, work: _Work, run: Materialization) -> Materialization:
        view, catalogue = work.view, self._ledger.catalogue
        token = work.watermark.token if work.watermark else self._ledger.new_id()
        self._online.mark(view.view_id, token)
        with self._ledger.change(view.name) as change:
            done = run.changed(status=MaterializationStatus.COMPLETED, ended_at=change.at, beat_at=change.at)
            previous = [one for one in catalogue.list_views(change.tx, view.project, view.name) if one.is_serving]
            is_newer = not previous or previous[0].view.version < view.version
            if work.advances:
                earlier = work.watermark.known_at if work.watermark else run.end
                mark = Watermark(known_at=max(earlier, run.end), source=run.source_digest, token=token)
                catalogue.set_watermark(change.tx, view.view_id, mark)
                if is_newer:
                    catalogue.serve(change.tx, view)
            catalogue.put_run(change.tx, done)
            self._note_interrupted(change.tx, done)
            told = {"version": view.version, "rows": done.rows_written, "end": done.end.isoformat()}
            change.close("materialize", "feature_view", view.name, told, topic=MATERIALIZED)
        return done

    def _fail(self, work: _Work, error: Exception) -> None:
        reason = str(error) if isinstance(error, MLOpsError) else f"{type(error).__name__}: {error}"
        with self._ledger.change(work.view.name) as change:
            ended = {"ended_at": change.at, "beat_at": change.at, "error": reason[:1000].replace("\0", "")}
            failed = work.run.changed(status=MaterializationStatus.FAILED, **ended)
            self._ledger.catalogue.put_run(change.tx, failed)

    def _note_interrupted(self, tx: Transaction, done: Materialization) -> None:
        """Mark runs whose process ended: they have not written since this one started. One that lives says so again."""
        for run in self._ledger.catalogue.list_runs(tx, done.project, done.view):
            if run.status is MaterializationStatus.RUNNING and run.beat_at < done.started_at:
                ended = run.changed(status=MaterializationStatus.INTERRUPTED, ended_at=run.beat_at)
                self._ledger.catalogue.put_run(tx, ended)


def _since(view: FeatureView, watermark: Watermark | None, source: str) -> datetime | None:
    """Return up to when rows were looked at; None where that tells nothing, since late rows bear no creation time."""
    if watermark is None:
        return None
    if watermark.source == source:
        return watermark.known_at
    return watermark.known_at - _OVERLAP if view.created_timestamp else None


def _online_rows(batch: pl.DataFrame, entity: Entity, codec: RowCodec) -> Iterator[OnlineRow]:
    created = CREATED if CREATED in batch.columns else EVENT
    times = batch.select(event=pl.col(EVENT).to_physical(), created=pl.col(created).to_physical())
    keys = batch.select(list(entity.join_keys)).iter_rows()
    values = batch.select(codec.names).iter_rows()
    for key, (event, known), row in zip(keys, times.iter_rows(), values, strict=True):
        yield OnlineRow(key_text(key), event, known, codec.encode(row))
