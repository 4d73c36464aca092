"""A full disk under a backup or a restore, on a real one: a small tmpfs mounted for the test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops.errors import StorageFull
from mlops.platform import create_restore_point, list_restore_points, restore
from mlops.tests.integration.platform.conftest import MakeSite, Site


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder on a disk of 2 MB; without the right to mount, the tests that need it are skipped."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"FULL DISK NOT TESTED: mounting a small tmpfs is not permitted here ({mounted.stderr.strip()})")
    yield folder
    subprocess.run(["umount", folder], check=True)


def leave(folder: Path, room: int) -> Path:
    """Fill the disk but for some bytes; return the file to remove."""
    ballast = folder / "ballast"
    status = subprocess.run(["df", "--output=avail", "-B1", folder], capture_output=True, text=True, check=True)
    ballast.write_bytes(b"x" * (int(status.stdout.split()[1]) - room))
    return ballast


@pytest.mark.parametrize("room", [16_384, 400_000])
def test_a_backup_onto_a_full_disk_leaves_nothing(lab: Site, small_disk: Path, room: int) -> None:
    """Whether the database or an artifact is what does not fit; with space, the next backup is whole."""
    lab.track("large", b"x" * 500_000)
    registry = lab.config.model_registry.changed(backup_dir=f"{small_disk}/backups")
    config = lab.config.changed(model_registry=registry)
    ballast = leave(small_disk, room)
    with pytest.raises(StorageFull):
        create_restore_point(config)
    assert [path.name for path in (small_disk / "backups").iterdir()] == [".lock"]
    ballast.unlink()
    assert list_restore_points(config) == []
    assert create_restore_point(config).blobs == 2


@pytest.mark.parametrize("room", [200_000, 450_000])
def test_a_restore_onto_a_full_disk_keeps_the_old_state(
    lab: Site, make_site: MakeSite, small_disk: Path, room: int
) -> None:
    """Whatever does not fit, rows and artifacts are as before; with space, the restore succeeds."""
    target = make_site("small")
    target.track("before", "old")
    create_restore_point(target.config)
    before, artifacts = target.rows(), target.artifacts()
    target.track("after", "new")
    state = target.rows()
    ballast = leave(small_disk, room)
    with pytest.raises(StorageFull):
        restore("latest", target.config, overwrite=True)
    assert target.rows() == state
    ballast.unlink()
    restore("latest", target.config, overwrite=True)
    assert (target.rows(), target.artifacts()) == (before, artifacts)
