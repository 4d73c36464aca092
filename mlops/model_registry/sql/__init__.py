"""Model versions in SQL, on SQLite and PostgreSQL alike: the store that the service uses.

`tables` declares, `rows` turns versions into rows and back, `versions` finds and changes them, `history` keeps moves
and aliases, `pages` lists.
"""

from __future__ import annotations

from mlops.model_registry.sql.store import SqlModelStore

__all__ = ["SqlModelStore"]
