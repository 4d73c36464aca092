"""The search of the figures as SQL written by hand, as quick as SQLite answers it with the covering indexes there are.

By m0, the index of summaries has the runs in order, and the fiftieth that also has the parameter ends the walk. By m1,
which the filter does not bound, a walk looks at forty runs for each that qualifies: few runs are quicker filtered and
sorted, many are quicker walked.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

__all__ = ["BY_M0", "BY_M1_OF_FEW", "BY_M1_OF_MANY", "fetch"]

BY_M0 = """
    SELECT e.*
    FROM experiment_metric_summaries AS m0
    CROSS JOIN experiment_params AS p1
    CROSS JOIN experiments AS e
    WHERE m0.name = 'm0' AND m0.last_value > 0.9
      AND p1.experiment_id = m0.experiment_id AND p1.name = 'p1' AND p1.text = 'x'
      AND e.experiment_id = m0.experiment_id AND e.deleted_at IS NULL
    ORDER BY m0.last_value DESC
    LIMIT ?
"""
BY_M1_OF_MANY = """
    SELECT e.*
    FROM experiment_metric_summaries AS m1
    CROSS JOIN experiment_metric_summaries AS m0
    CROSS JOIN experiment_params AS p1
    CROSS JOIN experiments AS e
    WHERE m1.name = 'm1'
      AND m0.experiment_id = m1.experiment_id AND m0.name = 'm0' AND m0.last_value > 0.9
      AND p1.experiment_id = m1.experiment_id AND p1.name = 'p1' AND p1.text = 'x'
      AND e.experiment_id = m1.experiment_id AND e.deleted_at IS NULL
    ORDER BY m1.last_value DESC
    LIMIT ?
"""
BY_M1_OF_FEW = """
    SELECT e.*
    FROM experiment_metric_summaries AS m0
    CROSS JOIN experiment_params AS p1
    CROSS JOIN experiment_metric_summaries AS m1
    CROSS JOIN experiments AS e
    WHERE m0.name = 'm0' AND m0.last_value > 0.9
      AND p1.experiment_id = m0.experiment_id AND p1.name = 'p1' AND p1.text = 'x'
      AND m1.experiment_id = m0.experiment_id AND m1.name = 'm1'
      AND e.experiment_id = m0.experiment_id AND e.deleted_at IS NULL
    ORDER BY m1.last_value DESC
    LIMIT ?
"""
_LAST = "SELECT experiment_id, name, last_value FROM experiment_metric_summaries WHERE experiment_id IN ({})"


def fetch(connection: sqlite3.Connection, page: str, limit: int) -> list[dict[str, Any]]:
    """Return attributes, parameters and last metrics of a page of runs as plain dicts."""
    cursor = connection.execute(page, (limit,))
    names = [column[0] for column in cursor.description]
    runs = {row[0]: dict(zip(names, row, strict=True)) for row in cursor}
    for run in runs.values():
        run["hyperparameters"] = json.loads(run["hyperparameters"])
        run["tags"] = json.loads(run["tags"])
        run["metrics"] = {}
    marks = ",".join("?" * len(runs))
    for experiment_id, name, value in connection.execute(_LAST.format(marks), list(runs)):
        runs[experiment_id]["metrics"][name] = value
    return list(runs.values())
