"""Lists of versions: what a search may name, and pages of the versions found."""

from __future__ import annotations

from datetime import datetime

from mlops.database import Transaction
from mlops.database.search import KeyValues, Searchable, TableSearch
from mlops.model_registry.sql.tables import metrics, models, params, tags
from mlops.model_registry.sql.versions import read_page
from mlops.model_registry.stored import ModelQuery, StoredVersion
from mlops.search import Attribute, Comparison, Expression, Operator, Page, all_of, parse_filter, parse_order

__all__ = ["VersionPages"]

_NOT_SEARCHED = {"document", "signature", "schema_version", "deleted_at"}
_LIVE = "live"
_NAMED = ("project", "model_id", "status", "model_type")

VERSIONS = Searchable(
    identity=models.c.version_id,
    attributes={column.name: column for column in models.columns if column.name not in _NOT_SEARCHED},
    collections={
        "params": KeyValues(owner=params.c.version_id, name=params.c.name, text=params.c.text, number=params.c.number),
        "tags": KeyValues(owner=tags.c.version_id, name=tags.c.name, text=tags.c.text),
        "metrics": KeyValues(owner=metrics.c.version_id, name=metrics.c.name, number=metrics.c.value),
    },
    scopes={_LIVE: models.c.deleted_at.is_(None)},
    default_order="created_at DESC",
)


class VersionPages:
    """Finds versions by search; keeps the statements of searches it has seen."""

    def __init__(self) -> None:
        self._search = TableSearch(VERSIONS)

    def read(self, tx: Transaction, query: ModelQuery, *, at: datetime) -> Page[StoredVersion]:
        """Return a page; see `ModelStore.page`."""
        keys = self._search.page(
            tx,
            where=self._condition(query),
            orders=parse_order(query.order_by, self._search.vocabulary),
            scope=_LIVE,
            limit=query.limit,
            offset=query.offset,
            cursor=query.cursor,
            now=at,
        )
        return keys.replaced(read_page(tx, keys))

    def _condition(self, query: ModelQuery) -> Expression | None:
        named = [_equals(name, getattr(query, name)) for name in _NAMED]
        return all_of(*named, parse_filter(query.filter, self._search.vocabulary))


def _equals(attribute: str, value: str | None) -> Expression | None:
    return None if value is None else Comparison(Attribute(attribute), Operator.EQ, str(value))
