"""Where a restore point's artifact stores go: as the settings say, and never two into one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlops.config import ConfigManager, MLOpsConfig
from mlops.database.backup import CopiedFile, DatabaseCopy
from mlops.errors import Corrupted, InvalidInput
from mlops.platform import RestorePoint, StoreCopy
from mlops.platform.places import target_stores

MODELS, EXPERIMENTS = "model_registry.registry_path", "experiment_tracking.tracking_dir"


def config(models: Path, experiments: Path) -> MLOpsConfig:
    return ConfigManager(environ={}).load_config(
        model_registry={"registry_path": str(models)}, experiment_tracking={"tracking_dir": str(experiments)}
    )


def point(*settings: tuple[str, ...]) -> RestorePoint:
    stores = [
        StoreCopy(number=number, store=f"s{number}", client_id="c", settings=names, root="/was/here")
        for number, names in enumerate(settings, start=1)
    ]
    return RestorePoint(
        name="point",
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
        actor="ann",
        package_version="",
        database_url="sqlite:////lab.db",
        database=DatabaseCopy(dialect="sqlite", revision="0001", files=()),
        stores=tuple(stores),
    )


def test_stores_go_where_their_settings_say_now(tmp_path: Path) -> None:
    """Each follows its setting; one that no setting named goes where it was."""
    chosen = config(tmp_path / "m", tmp_path / "e")
    found = target_stores(point((EXPERIMENTS,), (MODELS,), ()), chosen)
    assert [storage.root for _, storage in found] == [f"{tmp_path}/e", f"{tmp_path}/m", "/was/here"]


def test_one_store_of_two_settings_needs_one_place(tmp_path: Path) -> None:
    """A store that was shared cannot be torn apart."""
    both = point((EXPERIMENTS, MODELS))
    assert len(target_stores(both, config(tmp_path, tmp_path))) == 1
    with pytest.raises(InvalidInput, match="one folder in both"):
        target_stores(both, config(tmp_path / "m", tmp_path / "e"))


def test_two_stores_need_two_places(tmp_path: Path) -> None:
    """Two stores are not poured into one folder."""
    with pytest.raises(InvalidInput, match="different folders"):
        target_stores(point((EXPERIMENTS,), (MODELS,)), config(tmp_path, tmp_path))


@pytest.mark.parametrize("name", ["../mlops.db", "/etc/passwd", "a/b.copy", "mlops.db\n", "", "mlops.txt"])
def test_a_copied_files_name_leads_nowhere_else(name: str) -> None:
    """Only names that a copy gives are ever joined to its folder."""
    with pytest.raises(Corrupted):
        _ = CopiedFile(name=name, size_bytes=0, sha256="").safe_name


def test_a_manifest_survives_its_document() -> None:
    """What is written is what is read."""
    made = point((MODELS,))
    assert RestorePoint.from_document(made.to_document()) == made
