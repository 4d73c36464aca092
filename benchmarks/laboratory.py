"""Fills a database with many runs for the search figures, by the thousand rows a statement."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from mlops import experiment_tracker
from mlops.clock import microseconds
from mlops.database import Database, metadata, open_database, write_moment

__all__ = ["METRICS", "PARAMETERS", "fill"]

PARAMETERS = 10
METRICS = 10
_WORDS = ("x", "y", "z", "w")
_START = datetime(2026, 1, 1, tzinfo=UTC)
_RUNS_A_TRANSACTION = 5_000
_DECLARED_BY = experiment_tracker.__name__  # importing it puts its tables on `metadata`

Row = tuple[Any, ...]


class _Run(NamedTuple):
    """The rows of one run."""

    experiment: Row
    params: list[Row]
    summaries: list[Row]
    metrics: list[Row]


_COLUMNS = {
    "experiments": (
        *("experiment_id", "project", "name", "description", "status", "model_type", "framework", "algorithm"),
        *("dataset_name", "dataset_version", "created_by", "notes", "created_at", "hyperparameters", "tags"),
        *("datasets", "schema_version"),
    ),
    "experiment_params": ("experiment_id", "name", "text", "number"),
    "experiment_metric_summaries": (
        *("experiment_id", "name", "last_value", "last_step", "last_at", "min_value", "max_value", "count"),
    ),
    "experiment_metrics": ("experiment_id", "name", "step", "value", "logged_at"),
}


def fill(url: str, runs: int, *, seed: int = 7) -> None:
    """Store `runs` runs: p1 is one of four words, the other parameters are numbers; metrics are uniform in [0, 1).

    `metrics.m0 > 0.9 and params.p1 = 'x'` so holds for one run in forty.
    """
    source = random.Random(seed)
    with open_database(url) as database:
        for begin in range(0, runs, _RUNS_A_TRANSACTION):
            _store(database, [_run(number, source) for number in range(begin, min(begin + _RUNS_A_TRANSACTION, runs))])


def _store(database: Database, runs: list[_Run]) -> None:
    rows = {
        "experiments": [run.experiment for run in runs],
        "experiment_params": [row for run in runs for row in run.params],
        "experiment_metric_summaries": [row for run in runs for row in run.summaries],
        "experiment_metrics": [row for run in runs for row in run.metrics],
    }
    with database.write() as tx:
        for table, columns in _COLUMNS.items():
            tx.insert_rows(metadata.tables[table], columns, rows[table])


def _run(number: int, source: random.Random) -> _Run:
    moment = _START + timedelta(seconds=number)
    stamp = microseconds(moment)
    key = f"{stamp // 1000:012x}"
    experiment_id = f"{key[:8]}-{key[8:]}-7000-8000-{source.getrandbits(48):012x}"
    params = dict(_parameters(source))
    values = [(f"m{index}", source.random()) for index in range(METRICS)]
    document = json.dumps(params, sort_keys=True, separators=(",", ":"))
    texts = ("default", f"run {number}", "", "completed", "classifier", "sklearn", "forest", "biopsies", "1", "lab", "")
    return _Run(
        (experiment_id, *texts, write_moment(moment), document, "{}", "[]", 1),
        [(experiment_id, name, *_searchable(value)) for name, value in params.items()],
        [(experiment_id, name, value, 0, stamp, value, value, 1) for name, value in values],
        [(experiment_id, name, 0, value, stamp) for name, value in values],
    )


def _parameters(source: random.Random) -> Iterator[tuple[str, str | int]]:
    for index in range(PARAMETERS):
        yield f"p{index}", source.choice(_WORDS) if index == 1 else source.randrange(1_000)


def _searchable(value: str | int) -> tuple[str, float | None]:
    return (value, None) if isinstance(value, str) else (str(value), float(value))
