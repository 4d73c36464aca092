"""`mlops config show`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops.config import catalogue

Run = Callable[..., Any]


def table(text: str) -> dict[str, list[str]]:
    rows = [line.split("\t") for line in text.splitlines()]
    return {row[0]: row[1:] for row in rows}


def test_every_setting_is_shown_with_its_value(mlops: Run) -> None:
    """The listing has a line per setting, in the order of the reference."""
    shown = table(mlops("config", "show").out)
    assert list(shown) == ["setting", *(setting.name for setting in catalogue())]
    assert shown["database.pool_size"] == ["5", ""]


def test_a_setting_without_effect_says_what_it_waits_for(mlops: Run) -> None:
    """An announced setting does not look as if it did something."""
    shown = table(mlops("config", "show").out)
    assert shown["deployment.default_replicas"][-1] == "no effect yet: arrives with the deployment manager"


def test_origins_are_shown_on_demand(mlops: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --origin each value says whether it came from a variable, the file or the default."""
    monkeypatch.setenv("MLOPS_TRACKING_DIR", "runs")
    Path("mlops_config.json").write_text('{"staging": {"database": {"pool_size": 9}}}')
    shown = table(mlops("config", "show", "--origin", "--environment", "staging").out)
    assert shown["experiment_tracking.tracking_dir"][:2] == ["runs", "variable MLOPS_TRACKING_DIR"]
    assert shown["database.pool_size"][:2] == ["9", f"file {Path('mlops_config.json').absolute()}"]
    assert shown["database.url"][1] == "default"


def test_json_has_values_of_their_own_types(mlops: Run) -> None:
    """Numbers, booleans and absent values stay what they are; origins are there when asked for."""
    document = json.loads(mlops("config", "show", "--json", "--origin").out)
    assert document["environment"] == "development"
    assert document["settings"]["database.pool_size"] == {"value": 5, "origin": "default", "note": ""}
    assert document["settings"]["experiment_tracking.capture_environment"]["value"] is True
    assert document["settings"]["security.signing_key"]["value"] is None


@pytest.mark.parametrize("words", [(), ("--json",), ("--origin",)])
def test_secrets_are_masked(mlops: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    """Neither keys nor passwords in URLs are printed, nor logged beside the listing."""
    monkeypatch.setenv("MLOPS_DATABASE_URL", "postgresql://ann:s3cr3t@db/lab")
    monkeypatch.setenv("MLOPS_REDIS_URL", "redis://:s3cr3t@cache")
    monkeypatch.setenv("MLOPS_JWT_SECRET", "s3cr3t")
    outcome = mlops("config", "show", *words)
    assert "postgresql://ann:***@db/lab" in outcome.out
    assert "s3cr3t" not in outcome.out + outcome.err


def test_a_mistake_in_the_configuration_is_one_line_on_stderr(mlops: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command explains the mistake, prints nothing else, and fails with status 1."""
    monkeypatch.setenv("MLOPS_DATABSE_URL", "x")
    outcome = mlops("config", "show")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith("Error: Variable MLOPS_DATABSE_URL is not a setting. Did you mean MLOPS_DATABASE_URL")
    assert outcome.err.count("\n") == 1
