"""Tables in memory that were kept for runs: which of them go."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlops.data_pipeline.inputs import remove_unused_inputs

MOMENT = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with tables of before the moment and of after it."""
    for name, second in [("a.parquet", -5), ("b.parquet", -1), ("c.part", -1), ("d.parquet", 1), ("of mine.txt", -9)]:
        file = tmp_path / name
        file.write_bytes(b"")
        os.utime(file, (0, MOMENT.timestamp() + second))
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_old_tables_that_nobody_uses_go(folder: Path) -> None:
    """Names count, since the folder may have been moved; what is not the pipeline's is left alone."""
    assert remove_unused_inputs(folder, before=MOMENT, used=lambda: ["/moved/since/b.parquet", "s3://elsewhere/x"]) == 2
    assert names(folder) == ["b.parquet", "d.parquet", "of mine.txt"]


def test_nobody_is_asked_while_nothing_is_old(tmp_path: Path) -> None:
    """Nor is a folder needed."""

    def used() -> list[str]:
        raise AssertionError

    assert remove_unused_inputs(tmp_path / "nowhere", before=MOMENT, used=used) == 0
    (tmp_path / "a.parquet").write_bytes(b"")
    assert remove_unused_inputs(tmp_path, before=MOMENT, used=used) == 0


def test_what_another_process_removes_meanwhile_is_no_error(folder: Path) -> None:
    """Both wanted it gone."""

    def used() -> list[str]:
        (folder / "a.parquet").unlink()
        return []

    remove_unused_inputs(folder, before=MOMENT, used=used)
    assert names(folder) == ["d.parquet", "of mine.txt"]
