"""Several processes on one registry, some of them killed: nothing half-written is ever seen."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from pathlib import Path

import pytest

from mlops.model_registry import ModelMetadata, ModelRegistryService, ModelStatus
from mlops.tests.fixtures.programs import finish, start
from mlops.tests.integration.model_registry.invariants import check_registry

PROMOTER = """
    import sys
    from mlops.model_registry import ModelRegistryService, ModelStatus
    folder, url, first, rounds = sys.argv[1:]
    with ModelRegistryService(folder, url) as registry:
        for turn in range(int(rounds)):
            number = f"1.0.{(int(first) + turn) % 3}"
            registry.promote_model("m", number, ModelStatus.PRODUCTION, reason=first)
"""

REGISTRAR = """
    import sys
    from mlops.model_registry import ModelMetadata, ModelRegistryService
    folder, url, first, rounds = sys.argv[1:]
    with ModelRegistryService(folder, url) as registry:
        for turn in range(int(rounds)):
            registry.register_model({"weights": int(first) + turn}, ModelMetadata(model_id="m"))
"""

WORKER = """
    import itertools, sys
    import numpy as np
    from mlops.model_registry import ModelMetadata, ModelRegistryService, ModelStatus
    folder, url, run = sys.argv[1:]
    with ModelRegistryService(folder, url) as registry:
        print("ready", flush=True)
        for turn in itertools.count():
            model = np.full(100_000, int(run) * 1_000_000 + turn)
            number = f"{run}.{turn}.0"
            registry.register_model(model, ModelMetadata(model_id="m", version=number))
            print("registered", number, flush=True)
            registry.promote_model("m", number, ModelStatus.PRODUCTION)
            print("promoted", number, flush=True)
"""


def test_two_processes_promote_at_once(tmp_path: Path, database_url: str) -> None:
    """They take turns: one version serves at any moment, and each names the one before it."""
    with ModelRegistryService(tmp_path / "models", database_url) as registry:
        for place in range(3):
            registry.register_model({"weights": place}, ModelMetadata(model_id="m"))
        finish(*(start(PROMOTER, tmp_path / "models", database_url, first, 20) for first in (0, 1)))
        check_registry(registry, "m")
        reasons = {move.reason for move in registry.history("m") if move.to_status is ModelStatus.PRODUCTION}
        assert reasons == {"0", "1"}


def test_two_processes_register_at_once(tmp_path: Path, database_url: str) -> None:
    """Each content has a number of its own; what both register is one version."""
    with ModelRegistryService(tmp_path / "models", database_url) as registry:
        finish(*(start(REGISTRAR, tmp_path / "models", database_url, first, 10) for first in (0, 5)))
        check_registry(registry, "m")
        assert len(registry.list_versions("m")) == 15


def kill_and_look(folder: Path, url: str, repetitions: int) -> None:
    """Kill a process that registers and promotes, so many times, at random moments; look after each."""
    chance = random.Random(repetitions)
    acknowledged: set[str] = set()
    for run in range(1, repetitions + 1):
        program = start(WORKER, folder, url, run)
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.0, 0.4))
        program.kill()
        lines = [line.split() for line in program.communicate()[0].splitlines()]
        acknowledged |= {number for what, number in lines if what == "registered"}
        with ModelRegistryService(folder, url) as registry:
            if acknowledged:
                check_registry(registry, "m")
                assert acknowledged <= {version.version for version in registry.list_versions("m")}
            promoted = [number for what, number in lines if what == "promoted"]
            if promoted:
                assert int(registry.resolve("m", "production").split(".")[1]) >= int(promoted[-1].split(".")[1])
    with ModelRegistryService(folder, url) as registry:
        registry._artifacts.collect_garbage(grace=timedelta(0))
        files = [path for path in (folder / "blobs").rglob("*") if path.is_file()]
        assert len(files) == len(registry.list_versions("m"))
        check_registry(registry, "m")


def test_a_kill_leaves_nothing_half_written(tmp_path: Path, database_url: str) -> None:
    """What was acknowledged is there, and all that is there is whole."""
    kill_and_look(tmp_path / "models", database_url, 3)


@pytest.mark.long
def test_many_kills_leave_nothing_half_written(tmp_path: Path, database_url: str) -> None:
    """The same, often enough to meet every step."""
    kill_and_look(tmp_path / "models", database_url, 60)
