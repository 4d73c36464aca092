"""What every test starts from: no `MLOPS_*` settings of the machine, an empty current folder, databases on request.

| fixture | gives |
|---|---|
| `sqlite_url` | the URL of a SQLite file that does not exist yet |
| `postgresql_url` | the URL of a fresh PostgreSQL database, migrated, dropped afterwards |
| `database_url` | both of these, one test each |
| `valkey_url` | the URL of a Valkey without anything of the feature store |
| `database` | an open `Database` on each of these, closed afterwards |
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "mlops.tests.fixtures.isolation",
    "mlops.tests.fixtures.databases",
    "mlops.tests.fixtures.postgresql",
    "mlops.tests.fixtures.valkey",
]

# No deadlines and no speed checks: a busy machine is not a failure. CI tries the same examples every time.
settings.register_profile(
    "mlops",
    deadline=None,
    derandomize="CI" in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("mlops")
