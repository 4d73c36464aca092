"""Sites to back up and to restore into: a configuration with a database and artifact folders of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mlops.config import ConfigManager, MLOpsConfig
from mlops.database import open_database
from mlops.database.schema import table_names
from mlops.experiment_tracker import ExperimentTrackerService
from mlops.tests.fixtures.postgresql import PostgreSQLServer

_AUDIT = {"audit_entries", "audit_head"}  # a backup and a restore add entries of their own


@dataclass(frozen=True)
class Site:
    """A configuration, and what is to be seen of it."""

    config: MLOpsConfig
    folder: Path

    @property
    def points(self) -> Path:
        """The folder of restore points."""
        return Path(self.config.model_registry.backup_dir)

    def track(self, name: str, artifact: Any) -> None:
        """Record a run with metrics and an artifact."""
        with closing(ExperimentTrackerService(config=self.config)) as tracker, tracker.run(name) as run:
            run.log(auc=0.9, loss=float("nan"), step=1)
            run.log_artifact("value", artifact)

    def artifacts(self) -> dict[str, Any]:
        """Return the artifact of each run, loaded."""
        with closing(ExperimentTrackerService(config=self.config)) as tracker:
            return {run.name: tracker.load_artifact(run.experiment_id, "value") for run in tracker.list_experiments()}

    def rows(self) -> dict[str, list[Any]]:
        """Return all rows of all tables but the audit log's."""
        with open_database(self.config.database.url) as database, database.read() as tx:
            names = set(table_names()) - _AUDIT
            return {name: sorted(map(repr, tx.execute(sa.text(f'SELECT * FROM "{name}"')))) for name in names}


MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(tmp_path: Path) -> MakeSite:
    """Return what makes a site in a folder of its own; all sites share the folder of restore points."""

    def make(name: str, url: str | None = None, **sections: Any) -> Site:
        folder = tmp_path / name
        given: dict[str, Any] = {
            "database": {"url": url or f"sqlite:///{folder}/lab.db"},
            "model_registry": {"registry_path": f"{folder}/models", "backup_dir": f"{tmp_path}/backups"},
            "experiment_tracking": {
                "tracking_dir": f"{folder}/experiments",
                "capture_environment": False,
                "system_metrics_interval_s": 0.0,
            },
        }
        merged = {**sections, **{key: {**value, **sections.get(key, {})} for key, value in given.items()}}
        return Site(ConfigManager(environ={}).load_config(**merged), folder)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def two_urls(request: pytest.FixtureRequest) -> Iterator[tuple[str | None, str | None]]:
    """Yield the URLs of two databases of one kind; None stands for a file in the site's folder."""
    if request.param == "sqlite":
        yield None, None
        return
    server: PostgreSQLServer = request.getfixturevalue("postgresql_server")
    template: str = request.getfixturevalue("postgresql_template")
    with server.new_database(template=template) as one, server.new_database(template=template) as other:
        yield server.url_of(one), server.url_of(other)


@pytest.fixture
def original(make_site: MakeSite, two_urls: tuple[str | None, str | None]) -> Site:
    """Return a site with two runs, on SQLite and on PostgreSQL in turn."""
    site = make_site("original", two_urls[0])
    site.track("first", {"threshold": 0.5})
    site.track("second", "all wells read")
    return site


@pytest.fixture
def empty(make_site: MakeSite, two_urls: tuple[str | None, str | None]) -> Site:
    """Return a site with nothing in it, on a database of the same kind as `original`."""
    return make_site("empty", two_urls[1])


@pytest.fixture
def lab(make_site: MakeSite) -> Site:
    """Return a site with one run on SQLite, for what does not depend on the database."""
    site = make_site("lab")
    site.track("first", {"threshold": 0.5})
    return site


@pytest.fixture
def opened_here() -> Callable[[], set[str]]:
    """Return what tells which databases were opened since the test began and are open still."""
    from mlops.database.registry import registry

    before = set(registry._databases)
    return lambda: {str(key) for key in set(registry._databases) - before}
