"""`kill -9` at every step of a registration, a promotion and a restore leaves the old state or the new."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops.tests.fixtures.programs import start
from mlops.tests.integration.model_registry.killing import Kill, read_kills

_PROGRAM = """
    import sys
    from mlops.tests.integration.model_registry import kill_scenes
    scene, folder, url, *more = sys.argv[1:]
    getattr(kill_scenes, scene)(folder, url, **dict.fromkeys(more, True))
"""
_PATIENCE_S = 600


def play(scene: str, folder: Path, url: str, *more: str) -> list[Kill]:
    """Kill the work of a scene at each of its steps; return where that was and what was found."""
    program = start(_PROGRAM, scene, folder, url, *more)
    printed, errors = program.communicate(timeout=_PATIENCE_S)
    assert program.returncode == 0, errors
    return read_kills(printed)


def check(kills: list[Kill], *met: str) -> None:
    """Check that these steps were met, and that the work was not done up to one of them and wholly from there on."""
    outcomes = [kill.outcome for kill in kills]
    assert outcomes == sorted(outcomes, reverse=True)  # old, …, new
    assert set(outcomes) == {"old", "new"}
    assert {f"before-{name}" for name in met} <= {kill.step for kill in kills}
    assert kills[-1] == Kill(None, "new")


def site(folder: Path) -> tuple[Path, str]:
    """Make a folder whose database is in it."""
    folder.mkdir()
    return folder, f"sqlite:///{folder / 'mlops.db'}"


def test_a_registration_killed_at_any_step_is_whole_or_nothing(tmp_path: Path) -> None:
    """The first one in a store, with a sample; registered again, it is there once and nothing else is."""
    check(play("registrations", *site(tmp_path / "site")), "fsync", "link", "replace", "unlink", "commit")


def test_a_promotion_killed_at_any_step_leaves_one_version_in_production(tmp_path: Path, database_url: str) -> None:
    """It and the history agree, with one audit entry a promotion."""
    kills = play("promotions", tmp_path / "models", database_url)
    check(kills, "run", "run_many", "commit")
    assert len(kills) > 10


def test_a_restore_killed_at_any_step_leaves_the_old_state_or_the_new(tmp_path: Path) -> None:
    """Also where files have to come back; restored again, nothing of the killed one is left."""
    _, url = site(tmp_path / "site")
    check(play("restores", tmp_path, url), "fsync", "replace", "mkdir", "commit")


@pytest.mark.long
@pytest.mark.parametrize("scene", ["registrations", "restores"])
def test_a_kill_between_two_steps_is_no_other(tmp_path: Path, scene: str) -> None:
    """The same at each statement, and right after each step."""
    folder, url = site(tmp_path / "site")
    kills = play(scene, folder if scene == "registrations" else tmp_path, url, "finely")
    check(kills, "fsync", "replace", "run", "commit")
    assert {"after-fsync", "after-commit"} <= {kill.step for kill in kills}
