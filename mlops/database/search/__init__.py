"""Searches as SQL, for any store that describes its tables by a `Searchable`; the language itself is `mlops.search`.

The SQL decides exactly as `mlops.search.evaluate` does, on SQLite and on PostgreSQL, which property tests check. Values
reach the database as bind parameters only.
"""

from __future__ import annotations

from mlops.database.search.pages import TableSearch
from mlops.database.search.routes import Tuning
from mlops.database.search.searchable import KeyValues, Searchable

__all__ = ["KeyValues", "Searchable", "TableSearch", "Tuning"]
