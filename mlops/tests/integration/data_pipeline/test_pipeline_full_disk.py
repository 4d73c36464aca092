"""A full disk under a run, on a real one: a small tmpfs mounted for the test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops.data_pipeline import PipelineFailed
from mlops.tests.integration.data_pipeline.conftest import MakePipeline, run, samples, samples_config


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


@pytest.mark.parametrize("room", [4_096, 120_000, 400_000, 600_000])
def test_a_full_disk_fails_the_run_and_leaves_nothing(
    database_url: str, make_pipeline: MakePipeline, small_disk: Path, tmp_path: Path, room: int
) -> None:
    """Wherever the run was when no room was left, it says so; with space, the next one completes."""
    pipeline = make_pipeline(database_url, data_dir=small_disk / "kept")
    bad = {"dose": [-1.0 if row % 3 else 1.0 for row in range(8_000)]}
    samples(8_000, **bad).write_csv(tmp_path / "table.csv")
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (2_097_152 - 16_384 - room))
    with pytest.raises(PipelineFailed, match="No room is left") as failed:
        run(pipeline, tmp_path / "table.csv", config=samples_config())
    assert failed.value.details["type"] == "StorageFull"
    assert not [path for path in small_disk.rglob("*") if path.is_file() and path != ballast]
    ballast.unlink()
    done = run(pipeline, tmp_path / "table.csv", config=samples_config())
    assert (done.input_rows, done.quarantined_rows) == (8_000, 5_333)
