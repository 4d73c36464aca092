"""Retention carried out on real databases, and the settings that steer it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlops.config import MLOpsConfig
from mlops.errors import NotFound
from mlops.model_registry import ModelMetadata, ModelRegistryService, MoveKind

Make = Callable[..., ModelRegistryService]


@pytest.fixture
def keeping(tmp_path: Path, database_url: str) -> Iterator[Make]:
    """Yield what opens a registry that keeps so many versions."""
    opened: list[ModelRegistryService] = []

    def make(most: int, *, cleans_up: bool = False) -> ModelRegistryService:
        section = {"max_model_versions": most, "automatic_cleanup": cleans_up}
        config = MLOpsConfig(model_registry=section)
        opened.append(ModelRegistryService(tmp_path / "models", database_url, config=config))
        return opened[-1]

    yield make
    for registry in opened:
        registry.close()


def register(registry: ModelRegistryService, count: int, *, model_id: str = "m") -> None:
    """Register so many versions; their content differs."""
    for number in range(1, count + 1):
        registry.register_model({"weights": [number]}, ModelMetadata(model_id=model_id, version=f"{number}.0.0"))


def numbers(registry: ModelRegistryService, model_id: str = "m") -> list[str]:
    return [told.version for told in registry.list_versions(model_id)]


def test_setting_max_model_versions_bounds_the_versions_retention_keeps(keeping: Make) -> None:
    """The newest stay; what went has a move that says why, and its number stays taken."""
    registry = keeping(2)
    register(registry, 4)
    report = registry.apply_retention("m")
    assert [verdict.version for verdict in report.deleted] == ["2.0.0", "1.0.0"]
    assert numbers(registry) == ["4.0.0", "3.0.0"]
    last = registry.history("m")[-1]
    assert last.kind is MoveKind.DELETE
    assert last.reason.startswith("Retention: ")


def test_setting_automatic_cleanup_applies_retention_after_registration(keeping: Make) -> None:
    """With it, registering a third version where two are kept deletes the first."""
    registry = keeping(2, cleans_up=True)
    register(registry, 3)
    assert numbers(registry) == ["3.0.0", "2.0.0"]


def test_without_automatic_cleanup_registering_deletes_nothing(keeping: Make) -> None:
    """Retention waits to be called."""
    registry = keeping(2)
    register(registry, 3)
    assert len(numbers(registry)) == 3


def test_a_dry_run_reports_and_deletes_nothing(keeping: Make) -> None:
    """The report is that of the real run, but for saying what it is."""
    registry = keeping(1)
    register(registry, 3)
    rehearsal = registry.apply_retention("m", dry_run=True)
    assert len(numbers(registry)) == 3
    assert registry.apply_retention("m").verdicts == rehearsal.verdicts
    assert rehearsal.is_dry_run
    assert len(numbers(registry)) == 1


def test_what_serves_could_serve_is_protected_or_named_survives(keeping: Make) -> None:
    """All of them are older than the one version that is kept for its youth."""
    registry = keeping(1)
    register(registry, 7)
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        registry.promote_model("m", version, "production")
    registry.protect("m", "4.0.0")
    registry.set_alias("m", "candidate", "5.0.0")
    report = registry.apply_retention("m")
    assert [verdict.version for verdict in report.deleted] == ["6.0.0", "1.0.0"]
    assert registry.rollback_model("m").version == "2.0.0"


def test_all_models_of_the_project_are_looked_at(keeping: Make) -> None:
    """Without an id every model is cleaned, each by its own count."""
    registry = keeping(1)
    register(registry, 2, model_id="a")
    register(registry, 3, model_id="b")
    assert len(registry.apply_retention().deleted) == 3
    assert numbers(registry, "a") == ["2.0.0"]
    assert numbers(registry, "b") == ["3.0.0"]
    assert registry.apply_retention().deleted == ()


def test_an_unknown_model_is_an_error(keeping: Make) -> None:
    """A misspelt id does not pass for a clean one."""
    registry = keeping(1)
    register(registry, 1, model_id="triage")
    with pytest.raises(NotFound, match="triage"):
        registry.apply_retention("triagge")
