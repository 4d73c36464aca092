"""A full disk, on a real one: a small tmpfs mounted for the test."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mlops.database import Database, Durability, GroupCommit, open_database
from mlops.errors import StorageFull
from mlops.tests.fixtures.points import POINTS, create_points, insert, stored, write_points


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder on a disk of one megabyte; without the right to mount, the tests that need it are skipped."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"FULL DISK NOT TESTED: mounting a small tmpfs is not permitted here ({mounted.stderr.strip()})")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def small_database(small_disk: Path) -> Iterator[Database]:
    """Yield a database on a small disk, with the table of points and one point."""
    with open_database(f"sqlite:///{small_disk}/mlops.db") as database:
        create_points(database)
        with database.write() as tx:
            insert(tx, [0])
        yield database


def fill(folder: Path) -> Path:
    """Take all the room that is left; return the file to remove."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096) == 4096:
                pass
        except OSError:
            return ballast
    return ballast


def insert_much(tx: Any, first: int) -> None:
    """Insert more than the disk can hold."""
    tx.insert_rows(POINTS, ("id", "text"), [(number, "x" * 10_000) for number in range(first, first + 300)])


@pytest.mark.parametrize("durability", list(Durability))
def test_a_full_disk_keeps_nothing_half_written(small_database: Database, durability: Durability) -> None:
    """A transaction too large for the disk is refused with what to do, and leaves no trace; smaller ones still work."""
    for _ in range(3):
        with pytest.raises(StorageFull, match="free some space and try again"), small_database.write(durability) as tx:
            insert_much(tx, 1)
        assert stored(small_database) == [0]
    with small_database.write(durability) as tx:
        insert(tx, [1])
    assert stored(small_database) == [0, 1]


def test_writing_goes_on_once_there_is_space(small_disk: Path, small_database: Database) -> None:
    """While nothing fits every write fails and reads go on; after space was freed the same database writes again."""
    ballast = fill(small_disk)
    for _ in range(2):
        with pytest.raises(StorageFull), small_database.write() as tx:
            insert_much(tx, 1)
        assert stored(small_database) == [0]
    ballast.unlink()
    with small_database.write() as tx:
        insert(tx, [1])
    assert stored(small_database) == [0, 1]
    with small_database.read() as tx:
        assert tx.execute(sa.text("PRAGMA integrity_check")).scalar_one() == "ok"


def test_a_full_disk_answers_a_whole_group(small_disk: Path, small_database: Database) -> None:
    """Every caller of a group learns that the disk is full, and none of their items is stored."""
    commit = GroupCommit(small_database, write_points)

    async def main() -> list[Any]:
        joins = [commit.join((number, "x" * 10_000)) for number in range(1, 300)]
        return await asyncio.gather(*joins, return_exceptions=True)

    ballast = fill(small_disk)
    assert {type(outcome) for outcome in asyncio.run(main())} == {StorageFull}
    assert stored(small_database) == [0]
    ballast.unlink()
    assert commit.submit((1, "x")) == 1


def test_a_new_database_on_a_full_disk_is_refused(small_disk: Path) -> None:
    """No half-made schema: once there is space, the same URL opens as new."""
    ballast = fill(small_disk)
    with pytest.raises(StorageFull):
        open_database(f"sqlite:///{small_disk}/new.db")
    ballast.unlink()
    with open_database(f"sqlite:///{small_disk}/new.db") as database:
        create_points(database)
        assert stored(database) == []
