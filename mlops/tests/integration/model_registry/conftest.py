"""Registries on real databases, SQLite and PostgreSQL in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlops.clock import now as system_now
from mlops.model_registry import ModelRegistryService

MakeRegistry = Callable[..., ModelRegistryService]


@pytest.fixture
def make_registry(tmp_path: Path) -> Iterator[MakeRegistry]:
    """Yield what opens a registry on a database; all of them are closed afterwards."""
    opened: list[ModelRegistryService] = []

    def make(url: str, *, project: str | None = None, now: Callable[..., object] = system_now) -> ModelRegistryService:
        opened.append(ModelRegistryService(tmp_path / "models", url, project=project, now=now))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for registry in opened:
        registry.close()


@pytest.fixture
def registry(make_registry: MakeRegistry, database_url: str) -> ModelRegistryService:
    """Return a registry on SQLite and on PostgreSQL in turn."""
    return make_registry(database_url)


@pytest.fixture
def sqlite_registry(make_registry: MakeRegistry, sqlite_url: str) -> ModelRegistryService:
    """Return a registry on SQLite, for what does not depend on the database."""
    return make_registry(sqlite_url)
