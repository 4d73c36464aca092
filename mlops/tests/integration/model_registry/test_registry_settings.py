"""Settings of the registry, set as a site would set them, by their variables."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression

from mlops.model_registry import ModelMetadata, ModelRegistry


def test_setting_registry_path_decides_where_models_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a model lie below the configured folder."""
    monkeypatch.setenv("MLOPS_REGISTRY_PATH", str(tmp_path / "models here"))
    with ModelRegistry().sync as registry:
        registry.register_model(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), ModelMetadata(model_id="line"))
    assert any(file.is_file() for file in (tmp_path / "models here" / "blobs").rglob("*"))


def test_setting_model_default_project_is_that_of_models_that_name_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model without a project is in the configured one."""
    monkeypatch.setenv("MLOPS_MODEL_REGISTRY_DEFAULT_PROJECT", "haematology")
    with ModelRegistry().sync as registry:
        registry.register_model(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), ModelMetadata(model_id="line"))
        assert registry.get_model_metadata("line").project == "haematology"
