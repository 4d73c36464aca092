"""Experiments in SQL, on SQLite and PostgreSQL alike: the store that the service uses.

`tables` declares, `records` turns experiments into rows and back, `facts` appends and reads metrics, `pages` lists.
"""

from __future__ import annotations

from mlops.experiment_tracker.sql.store import SqlExperimentStore

__all__ = ["SqlExperimentStore"]
