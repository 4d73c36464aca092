"""What is killed at every step: registrations, promotions and restores, each with what must hold of its remains.

Run as programs by the tests, for they fork: each prints a line for every step.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from skops import io as skops_io

from mlops import audit
from mlops.config import ConfigManager, MLOpsConfig
from mlops.errors import NotFound
from mlops.model_registry import ModelMetadata, ModelRegistryService, ModelStatus
from mlops.platform import create_restore_point, restore
from mlops.provenance.environment import capture_environment
from mlops.tests.integration.model_registry.invariants import check_files, check_history, check_registry
from mlops.tests.integration.model_registry.killing import Tell, die_at_every_step, in_child

__all__ = ["promotions", "registrations", "restores"]

_ROWS = np.array([[0.0], [1.0], [2.0], [3.0]])


def registrations(folder: str, url: str, *, finely: bool = False) -> None:
    """Kill the first registration of all, in a database that is there already."""
    place, model = Path(folder), _model(0)
    _warm(model)
    in_child(lambda _: _open(place, url).close())
    empty = (place / "mlops.db").read_bytes()

    def prepare() -> None:
        shutil.rmtree(place)
        place.mkdir()
        (place / "mlops.db").write_bytes(empty)

    def register(_: Tell) -> None:
        _open(place, url).register_model(model, ModelMetadata(model_id="m", tags={"site": "north"}), sample=_ROWS)

    def look() -> str:
        with closing(_open(place, url)) as registry:
            found = _versions(registry)
            _check_nothing_is_half_there(registry, found)
            for _ in range(2):
                registry.register_model(model, ModelMetadata(model_id="m", tags={"site": "north"}), sample=_ROWS)
            assert _versions(registry) == ["1.0.0"]
            check_registry(registry, "m")
            _check_no_litter(registry, place, blobs=3)
            return "new" if found else "old"

    die_at_every_step(prepare, register, look, finely=finely)


def promotions(folder: str, url: str) -> None:
    """Kill promotions of two versions in turn, each of which archives the other."""
    place = Path(folder)
    _warm(_model(0))
    in_child(lambda _: _fill(place, url))
    turn = {"from": "1.0.1", "to": "1.0.0"}

    def prepare() -> None:
        turn["from"], turn["to"] = turn["to"], turn["from"]

    def promote(_: Tell) -> None:
        _open(place, url).promote_model("m", turn["to"], ModelStatus.PRODUCTION, reason="better")

    def look() -> str:
        with closing(_open(place, url)) as registry:
            serving, moves = registry.resolve("m", "production"), len(registry.history("m"))
            _check_sound(registry)
            assert registry.promote_model("m", turn["to"], "production").status is ModelStatus.PRODUCTION
            _check_sound(registry)
            assert len(registry.history("m")) == moves + (0 if serving == turn["to"] else 2)
            return {turn["from"]: "old", turn["to"]: "new"}[serving]

    die_at_every_step(prepare, promote, look, finely=True)


def restores(folder: str, url: str, *, finely: bool = False) -> None:
    """Kill restores of a version that was deleted since, its files too, while another one is in production."""
    place, spare = Path(folder, "site"), Path(folder, "spare")
    config = _site(place, url)
    _warm(_model(0))
    in_child(lambda _: _back_up_and_go_on(place, url, config))
    shutil.copytree(place, spare)

    def prepare() -> None:
        shutil.rmtree(place)
        shutil.copytree(spare, place)

    def put_back(tell: Tell) -> None:
        restore("latest", config, overwrite=True, progress=lambda what, *_: tell(what.replace(" ", "-")))

    def look() -> str:
        with closing(_open(place, url)) as registry:
            found = _versions(registry)
            check_registry(registry, "m")
            assert registry.resolve("m", "production") == found[0]
        restore("latest", config, overwrite=True)
        with closing(_open(place, url)) as registry:
            assert _versions(registry) == ["1.0.0"]
            assert registry.resolve("m", "production") == "1.0.0"
            check_registry(registry, "m")
        assert list(place.glob(".*restoring")) == []
        return {"1.0.1": "old", "1.0.0": "new"}["".join(found)]

    die_at_every_step(prepare, put_back, look, finely=finely)


def _warm(model: Any) -> None:
    """Have what the children need imported and read, once for all of them."""
    capture_environment(with_changes=False)
    skops_io.loads(skops_io.dumps(model), trusted=[])


def _model(seed: int) -> Any:
    return LogisticRegression(C=1.0 + seed).fit(_ROWS, [0, 0, 1, 1])


def _open(place: Path, url: str) -> ModelRegistryService:
    return ModelRegistryService(place / "models", url)


def _site(place: Path, url: str) -> MLOpsConfig:
    folders = {"registry_path": str(place / "models"), "backup_dir": str(place / "backups")}
    tracking = {"tracking_dir": str(place / "runs")}
    return ConfigManager(environ={}).load_config(
        database={"url": url}, model_registry=folders, experiment_tracking=tracking
    )


def _fill(place: Path, url: str) -> None:
    with closing(_open(place, url)) as registry:
        for seed in range(2):
            registry.register_model(_model(seed), ModelMetadata(model_id="m"))
        registry.promote_model("m", "1.0.0", ModelStatus.PRODUCTION)
        check_files(registry, "m")


def _back_up_and_go_on(place: Path, url: str, config: MLOpsConfig) -> None:
    with closing(_open(place, url)) as registry:
        registry.register_model(_model(0), ModelMetadata(model_id="m"))
        registry.promote_model("m", "1.0.0", ModelStatus.PRODUCTION)
        create_restore_point(config)
        registry.register_model(_model(1), ModelMetadata(model_id="m"))
        registry.promote_model("m", "1.0.1", ModelStatus.PRODUCTION)
        registry.update_model_status("m", "1.0.0", ModelStatus.FAILED)
        registry.delete_model("m", "1.0.0")
        assert registry._artifacts.collect_garbage(grace=timedelta(0)).blobs == 1


def _versions(registry: ModelRegistryService) -> list[str]:
    try:
        return [version.version for version in registry.list_versions("m")]
    except NotFound:
        return []


def _check_nothing_is_half_there(registry: ModelRegistryService, versions: list[str]) -> None:
    """Check that the version is there with all that belongs to it, or that there is nothing of it."""
    with registry._database.read() as tx:
        assert audit.verify(tx).is_intact
        assert len(audit.list_entries(tx)) == len(versions)
    if versions:
        check_registry(registry, "m")


def _check_sound(registry: ModelRegistryService) -> None:
    check_history(registry, "m")
    with registry._database.read() as tx:
        assert audit.verify(tx).is_intact
        assert len(audit.list_entries(tx, limit=10_000, action="promote")) == _promotions(registry)


def _promotions(registry: ModelRegistryService) -> int:
    return sum(move.to_status is ModelStatus.PRODUCTION for move in registry.history("m"))


def _check_no_litter(registry: ModelRegistryService, place: Path, *, blobs: int) -> None:
    """Check that garbage collection leaves only the version's files, once uploads have rested for an hour."""
    for upload in (place / "models" / "tmp").iterdir():
        os.utime(upload, (0, 0))
    registry._artifacts.collect_garbage(grace=timedelta(0))
    left = [path for name in ("blobs", "tmp") for path in (place / "models" / name).rglob("*") if path.is_file()]
    assert len(left) == blobs, left
