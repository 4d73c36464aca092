"""A/B tests in SQL, on SQLite and PostgreSQL alike: the stores that the service uses.

`tables` declares, `tests` keeps tests and their moves, `log` what was logged in them, `books` their statistics.
"""

from __future__ import annotations

from mlops.ab_testing.sql.books import SqlBookStore
from mlops.ab_testing.sql.log import SqlLogStore
from mlops.ab_testing.sql.tests import SqlTestStore

__all__ = ["SqlBookStore", "SqlLogStore", "SqlTestStore"]
