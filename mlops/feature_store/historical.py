"""Features as they were known at given times: training rows that no later knowledge leaks into."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from mlops.feature_store import frames
from mlops.feature_store.entities import Entity, FeatureView, OnDemandView
from mlops.feature_store.ledger import Ledger
from mlops.feature_store.on_demand import compute_rows, input_references, state_of
from mlops.feature_store.point_in_time import join_view
from mlops.feature_store.references import FeatureReference, ViewReference, output_names, read_references
from mlops.feature_store.sources import SourceReader, reading
from mlops.feature_store.store import AnyView

__all__ = ["HistoricalReader", "Request"]


class Request(NamedTuple):
    """Features asked for, found.

    Attributes:
        wanted: Every feature asked for with its view, in order.
        stored: Those that must be looked up: asked for, or inputs of others.
        entities: The entities that the views describe, by name.
        is_full: Whether columns are called `view__feature`.
    """

    wanted: dict[FeatureReference, AnyView]
    stored: dict[FeatureReference, FeatureView]
    entities: dict[str, Entity]
    is_full: bool

    def views(self) -> dict[str, FeatureView]:
        """Return the view versions that rows are looked up in, by id."""
        return {view.view_id: view for view in self.stored.values()}


class HistoricalReader:
    """Computes training rows.

    Args:
        ledger: Where views are found.
        reader: What reads their sources.
    """

    def __init__(self, ledger: Ledger, reader: SourceReader) -> None:
        self._ledger = ledger
        self._reader = reader

    def find(self, features: Sequence[str], *, full_names: bool = False) -> Request:
        """Find what is asked for.

        Raises:
            FeatureViewNotFound: A view is not there.
            FeatureNotFound: A view has no such feature.
        """
        finder = self._ledger.finder
        with self._ledger.database.read() as tx:
            wanted = finder.expanded(tx, read_references(features))
            stored = {one: view for one, view in wanted.items() if isinstance(view, FeatureView)}
            for view in wanted.values():
                if isinstance(view, OnDemandView):
                    inputs = finder.expanded(tx, input_references(view).values())
                    stored |= {one: origin for one, origin in inputs.items() if isinstance(origin, FeatureView)}
            entities = {name: finder.entity(tx, name) for name in {view.entity for view in stored.values()}}
        return Request(wanted, stored, entities, full_names)

    def features(
        self, table: Any, request: Request, *, timestamp_column: str, as_of: datetime | None = None
    ) -> pl.DataFrame:
        """Return the features of each entity row, one row each in the same order.

        Raises:
            InvalidInput: The table lacks a key, the time, or an input; or two columns would have one name.
        """
        names = output_names(tuple(request.wanted), frames.column_names(table), full_names=request.is_full)
        found = self._stored_features(table, request, timestamp_column, as_of)
        computed: dict[str, pl.DataFrame] = {}
        columns = []
        for (reference, view), name in zip(request.wanted.items(), names, strict=True):
            if isinstance(view, OnDemandView):
                if view.view_id not in computed:
                    computed[view.view_id] = compute_rows(view, _inputs(table, view, found))
                columns.append(computed[view.view_id][reference.feature].alias(name))
            else:
                columns.append(found[reference].alias(name))
        return pl.DataFrame(columns)

    def _stored_features(
        self, table: Any, request: Request, timestamp_column: str, as_of: datetime | None
    ) -> dict[FeatureReference, pl.Series]:
        by_view: dict[ViewReference, list[FeatureReference]] = {}
        for reference in request.stored:
            by_view.setdefault(reference.view, []).append(reference)
        found: dict[FeatureReference, pl.Series] = {}
        for references in by_view.values():
            view = request.stored[references[0]]
            entity, features = request.entities[view.entity], [reference.feature for reference in references]
            keys = {name: kind.column() for name, kind in entity.join_keys.items()}
            asked = frames.moments_and_keys(table, keys, timestamp_column)
            rows = self._reader.rows(view, entity, features)
            with reading(view):
                joined = join_view(asked, rows, keys=tuple(keys), features=features, ttl=view.ttl, as_of=as_of)
            found |= {reference: joined[reference.feature] for reference in references}
        return found


def _inputs(table: Any, view: OnDemandView, found: dict[FeatureReference, pl.Series]) -> pl.DataFrame:
    """Return the inputs of an on-demand view: looked up, or columns of the entity rows."""
    origins = input_references(view)
    names = state_of(view).input_names
    own = frames.as_polars(table, [name for name in names if name not in origins])
    columns = [found[origins[name]].alias(name) if name in origins else own[name] for name in names]
    return pl.DataFrame(columns)
