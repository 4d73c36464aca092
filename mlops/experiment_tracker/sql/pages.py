"""Lists of experiments: what a search may name, and pages of the experiments found."""

from __future__ import annotations

from datetime import datetime

from mlops.database import Transaction
from mlops.database.search import KeyValues, Searchable, TableSearch
from mlops.experiment_tracker.entities import Experiment, ExperimentQuery
from mlops.experiment_tracker.sql.records import read_page
from mlops.experiment_tracker.sql.tables import experiments, params, summaries, tags
from mlops.search import (
    Attribute,
    Comparison,
    Expression,
    Operator,
    Page,
    all_of,
    parse_filter,
    parse_order,
)

__all__ = ["ExperimentPages"]

_NOT_SEARCHED = {"hyperparameters", "tags", "datasets", "schema_version"}
_LIVE = "live"

EXPERIMENTS = Searchable(
    identity=experiments.c.experiment_id,
    attributes={column.name: column for column in experiments.columns if column.name not in _NOT_SEARCHED},
    collections={
        "params": KeyValues(
            owner=params.c.experiment_id, name=params.c.name, text=params.c.text, number=params.c.number
        ),
        "tags": KeyValues(owner=tags.c.experiment_id, name=tags.c.name, text=tags.c.text),
        "metrics": KeyValues(
            owner=summaries.c.experiment_id,
            name=summaries.c.name,
            number=summaries.c.last_value,
            measures={
                "min": summaries.c.min_value,
                "max": summaries.c.max_value,
                "count": summaries.c["count"],
                "last_step": summaries.c.last_step,
            },
        ),
    },
    scopes={_LIVE: experiments.c.deleted_at.is_(None)},
    default_order="created_at DESC",
)


class ExperimentPages:
    """Finds experiments by search; keeps the statements of searches it has seen."""

    def __init__(self) -> None:
        self._search = TableSearch(EXPERIMENTS)

    def read(self, tx: Transaction, query: ExperimentQuery, *, at: datetime) -> Page[Experiment]:
        """Return a page; see `ExperimentStore.page`."""
        ids = self._search.page(
            tx,
            where=self._condition(query),
            orders=parse_order(query.order_by, self._search.vocabulary),
            scope="" if query.include_deleted else _LIVE,
            limit=query.limit,
            offset=query.offset,
            cursor=query.cursor,
            now=at,
        )
        return ids.replaced(read_page(tx, ids))

    def _condition(self, query: ExperimentQuery) -> Expression | None:
        return all_of(
            _equals("project", query.project),
            _equals("status", query.status),
            parse_filter(query.filter, self._search.vocabulary),
        )


def _equals(attribute: str, value: str | None) -> Expression | None:
    return None if value is None else Comparison(Attribute(attribute), Operator.EQ, str(value))
