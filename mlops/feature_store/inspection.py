"""What there is to see of views: their versions, what became of them, their statistics, and how online values drift."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from mlops.errors import InvalidInput
from mlops.feature_store import frames
from mlops.feature_store.entities import FeatureView, TrainingSet
from mlops.feature_store.ledger import Ledger
from mlops.feature_store.references import ViewReference, output_names, read_references
from mlops.feature_store.reports import FeatureDrift, FeatureHistory, FeatureStatistics
from mlops.feature_store.rows import RowCodec
from mlops.feature_store.sources import SourceReader, reading
from mlops.feature_store.statistics import daily_statistics, drift_of
from mlops.feature_store.store import AnyView, OnlineStore

__all__ = ["Inspector"]

_DECODE_AT_ONCE = 10_000


class Inspector:
    """Looks at views.

    Args:
        ledger: Where they are.
        reader: What reads their sources.
        online: Where their last values are.
        serving: Returns the id of the version that serves.
    """

    def __init__(
        self,
        ledger: Ledger,
        reader: SourceReader,
        online: OnlineStore,
        serving: Callable[[str, ViewReference], str | None],
    ) -> None:
        self._ledger = ledger
        self._reader = reader
        self._online = online
        self._serving = serving

    def list_views(self) -> list[AnyView]:
        """Return the newest version of every view."""
        with self._ledger.database.read() as tx:
            found = self._ledger.catalogue.list_views(tx, self._ledger.project)
        newest: dict[str, AnyView] = {}
        for stored in found:
            newest.setdefault(stored.view.name, stored.view)
        return list(newest.values())

    def history(self, name: str) -> FeatureHistory:
        """Return what became of a view."""
        catalogue, project = self._ledger.catalogue, self._ledger.project
        with self._ledger.database.read() as tx:
            versions = catalogue.list_views(tx, project, name)
            if not versions:
                raise self._ledger.finder.missing(tx, ViewReference(name))
            serving = next((stored.view.version for stored in versions if stored.is_serving), None)
            kept = [one for stored in versions for one in catalogue.list_statistics(tx, stored.view.view_id)]
            return FeatureHistory(
                view=name,
                versions=tuple(stored.view for stored in versions),
                serving_version=serving,
                materializations=tuple(catalogue.list_runs(tx, project, name)),
                statistics=tuple(kept),
            )

    def compute_statistics(
        self, view: ViewReference, *, start: datetime | None, end: datetime | None
    ) -> list[FeatureStatistics]:
        """Compute and keep statistics of days."""
        with self._ledger.database.read() as tx:
            found, entity, _ = self._ledger.finder.batch_view(tx, view)
        with reading(found):
            computed = daily_statistics(found, self._reader.rows(found, entity), start=start, end=end)
        with self._ledger.change(found.name) as change:
            self._ledger.catalogue.put_statistics(change.tx, found.view_id, computed)
        return computed

    def list_statistics(self, view: ViewReference) -> list[FeatureStatistics]:
        """Return statistics that are kept."""
        with self._ledger.database.read() as tx:
            found = self._ledger.finder.view(tx, view).view
            return self._ledger.catalogue.list_statistics(tx, found.view_id)

    def drop_outdated(self, name: str) -> None:
        """Remove online values of versions older than the one that served before the one that serves."""
        with self._ledger.database.read() as tx:
            versions = self._ledger.catalogue.list_views(tx, self._ledger.project, name)
        serving = next((at for at, stored in enumerate(versions) if stored.is_serving), len(versions))
        for stored in versions[serving + 2 :]:
            if self._online.token(stored.view.view_id) is not None:
                self._online.drop(stored.view.view_id)

    def measure_drift(self, saved: TrainingSet, rows: Any, wanted: Sequence[str] | None) -> list[FeatureDrift]:
        """Compare columns of a training set with what is online now."""
        references = read_references(saved.features)
        names = output_names(references, full_names=saved.full_feature_names)
        if isinstance(wanted, str):
            raise InvalidInput(f"features is {wanted!r}; pass a list such as [{wanted!r}].")
        unknown = [name for name in wanted or () if name not in names]
        if unknown:
            raise InvalidInput(f"{unknown[0]!r} is no feature of the training set, which has {', '.join(names)}.")
        trained, found = frames.as_polars(rows, names), []
        online: dict[str, dict[str, list[Any]]] = {}
        for reference, name in zip(references, names, strict=True):
            if wanted is None or name in wanted:
                view = reference.view.name
                if view not in online:
                    online[view] = self._online_columns(view)
                if reference.feature in online[view]:
                    found.append(drift_of(name, trained[name].to_list(), online[view][reference.feature]))
        return found

    def _online_columns(self, name: str) -> dict[str, list[Any]]:
        """Return all online values of the version that serves, by feature; nothing for what is computed on demand."""
        view_id = self._serving(self._ledger.project, ViewReference(name))
        with self._ledger.database.read() as tx:
            if view_id is None:
                raise self._ledger.finder.missing(tx, ViewReference(name))
            view = self._ledger.finder.by_id(tx, name, view_id)
        if not isinstance(view, FeatureView):
            return {}
        codec = RowCodec(view.features)
        payloads = [row.payload for row in self._online.scan(view_id)]
        rows = [
            row
            for begin in range(0, len(payloads), _DECODE_AT_ONCE)
            for row in codec.decode_all(payloads[begin : begin + _DECODE_AT_ONCE])
        ]
        return {feature: [row[at] for row in rows] for at, feature in enumerate(codec.names)}
