"""Single rows put into the online store as they come, without waiting for the next materialisation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from mlops.clock import microseconds
from mlops.errors import InvalidInput, did_you_mean
from mlops.feature_store.entities import Entity, FeatureView
from mlops.feature_store.ledger import Ledger
from mlops.feature_store.references import ViewReference
from mlops.feature_store.rows import RowCodec, key_reader
from mlops.feature_store.store import OnlineRow, OnlineStore
from mlops.feature_store.values import check_value, read_moment

__all__ = ["push_rows"]

_CLOCKS_DIFFER = timedelta(minutes=5)


def push_rows(ledger: Ledger, online: OnlineStore, view: ViewReference, rows: Sequence[Mapping[str, Any]]) -> int:
    """Put rows into the version that serves, and into the newest one, which may be being filled; see the service."""
    now = ledger.now()
    with ledger.database.read() as tx:
        newest, entity, _ = ledger.finder.batch_view(tx, view)
        found = ledger.catalogue.list_views(tx, ledger.project, view.name)
        serving = [one.view for one in found if one.is_serving and isinstance(one.view, FeatureView)]
        others = [(one, ledger.finder.entity(tx, one.entity)) for one in serving if one.view_id != newest.view_id]
    for row in rows:
        _check_names(newest, entity, row)
    prepared = [(newest.view_id, [_online_row(newest, entity, row, now) for row in rows])]
    for older, of in others if view.version is None else []:
        prepared.append((older.view_id, list(_fitting(older, of, rows, now))))
    for view_id, ready in prepared:
        online.put(view_id, ready)
    return len(rows)


def _fitting(
    view: FeatureView, entity: Entity, rows: Sequence[Mapping[str, Any]], now: datetime
) -> Iterator[OnlineRow]:
    """Yield rows that were meant for a newer version; where a value has no place in this one, what is there stays."""
    for row in rows:
        with contextlib.suppress(InvalidInput):
            yield _online_row(view, entity, row, now)


def _check_names(view: FeatureView, entity: Entity, row: Mapping[str, Any]) -> None:
    if not isinstance(row, Mapping):
        raise InvalidInput(f"{row!r} is no row. Pass a dict of join keys, features and {view.event_timestamp!r}.")
    known = {*entity.join_keys, *view.feature_names, view.event_timestamp, view.created_timestamp}
    for name in row:
        if name not in known:
            names = sorted(filter(None, known))
            hint = did_you_mean(name, names) or f"It has {', '.join(names)}."
            raise InvalidInput(f"View {view.name!r} has no column {name!r}. {hint}")


def _online_row(view: FeatureView, entity: Entity, row: Mapping[str, Any], now: datetime) -> OnlineRow:
    """Return a row as it is kept; what an older version does not have is left out, what it misses is null."""
    event = _time(row, view.event_timestamp, now)
    created = _time(row, view.created_timestamp, now) if view.created_timestamp else event
    values = [check_value(one.name, one.dtype, row.get(one.name)) for one in view.features]
    key = key_reader(entity.join_keys)(row)
    return OnlineRow(key, microseconds(event), microseconds(created), RowCodec(view.features).encode(values))


def _time(row: Mapping[str, Any], column: str, now: datetime) -> datetime:
    value = row.get(column)
    moment = now if value is None else read_moment(value, where=column)
    if moment > now + _CLOCKS_DIFFER:  # it would hide all that comes until then
        raise InvalidInput(
            f"{column} is {moment.isoformat()}, which is still to come: it is {now.isoformat()}. Times without a zone "
            "are taken as UTC."
        )
    return moment
