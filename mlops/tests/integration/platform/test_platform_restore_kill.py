"""`kill -9` of a backup or a restore at many moments: the old state or the new, and running it again ends it."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from mlops.platform import create_restore_point, list_restore_points, restore
from mlops.tests.fixtures.programs import finish, start
from mlops.tests.integration.platform.conftest import MakeSite, Site

_KILLED = """
    import os, pickle, signal, sys
    import mlops.database.backup_sqlite as backup_sqlite
    from mlops.config import ConfigManager
    from mlops.platform import create_restore_point, restore

    backup_sqlite._PAGES = 8
    action, stage, piece, sections = sys.argv[1], sys.argv[2], int(sys.argv[3]), eval(sys.argv[4])
    config = ConfigManager(environ={}).load_config(**sections)

    def kill(at, done, total):
        global piece
        if at == stage:
            piece -= 1
            if piece < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    if action == "backup":
        create_restore_point(config, progress=kill)
    else:
        restore("latest", config, overwrite=True, progress=kill)
"""


def sections(site: Site) -> dict[str, Any]:
    tracking = site.config.experiment_tracking
    return {
        "database": {"url": site.config.database.url},
        "model_registry": {
            "registry_path": site.config.model_registry.registry_path,
            "backup_dir": site.config.model_registry.backup_dir,
        },
        "experiment_tracking": {"tracking_dir": tracking.tracking_dir, "capture_environment": False},
    }


def kill(action: str, site: Site, stage: str, piece: int) -> None:
    """Run the action in a process of its own that kills itself at a piece of a stage."""
    finish(start(_KILLED, action, stage, piece, repr(sections(site))), status=-signal.SIGKILL)


@pytest.mark.parametrize(
    ("stage", "piece"),
    [("verify artifacts", 0), ("restore artifacts", 1), ("restore database", 0), ("restore database", 4)],
)
def test_a_killed_restore_leaves_the_old_state_and_can_be_run_again(original: Site, stage: str, piece: int) -> None:
    """Before the commit everything is as before, artifacts included; the next run restores as if nothing had been."""
    backed_up = original.rows()
    create_restore_point(original.config)
    original.track("later", "newer content")
    before, artifacts = original.rows(), original.artifacts()
    kill("restore", original, stage, piece)
    assert original.rows() == before
    assert original.artifacts() == artifacts
    restore("latest", original.config, overwrite=True)
    assert original.rows() == backed_up
    assert list(original.folder.glob(".*restoring")) == []


def test_a_restore_killed_after_its_commit_is_done(make_site: MakeSite) -> None:
    """The last piece of SQLite's backup commits: after it the new state is there, log or no log."""
    site = make_site("lab")
    site.track("first", 1)
    backed_up = site.rows()
    create_restore_point(site.config)
    site.track("later", 2)
    pieces: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlops.database.backup_sqlite._PAGES", 8)
        restore("latest", site.config, overwrite=True, progress=lambda at, *_: pieces.append(at == "restore database"))
    site.track("later", 2)
    kill("restore", site, "restore database", sum(pieces) - 1)
    assert site.rows() == backed_up


def test_a_restore_into_an_empty_place_that_was_killed_can_be_run_again(original: Site, empty: Site) -> None:
    """What a killed restore left there, a store without a database, does not count as content."""
    create_restore_point(original.config)
    kill("restore", empty, "restore artifacts", 1)
    restore("latest", empty.config)
    assert empty.rows() == original.rows()
    assert empty.artifacts() == original.artifacts()


@pytest.mark.parametrize(("stage", "piece"), [("copy database", 1), ("copy artifacts", 1)])
def test_a_killed_backup_is_no_restore_point(original: Site, stage: str, piece: int) -> None:
    """Half a restore point has no name; the next backup sweeps it away."""
    kill("backup", original, stage, piece)
    assert list_restore_points(original.config) == []
    point = create_restore_point(original.config)
    assert sorted(path.name for path in original.points.iterdir()) == [".lock", point.name]
