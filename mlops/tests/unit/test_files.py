"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops.files import sync_to_disk, whole_file, write_whole


def test_a_file_appears_with_all_of_its_content(tmp_path: Path) -> None:
    """Until the block ends what was there before is there still."""
    target = tmp_path / "report.json"
    write_whole(target, b"old")
    with whole_file(target) as draft:
        draft.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("is_durable", [True, False])
def test_a_block_that_fails_leaves_nothing(tmp_path: Path, is_durable: bool) -> None:
    """Neither the file nor its draft."""

    def write_half() -> None:
        with whole_file(tmp_path / "report.json", is_durable=is_durable) as draft:
            draft.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_the_longest_names_can_be_written(tmp_path: Path) -> None:
    """The draft's name does not grow with the file's."""
    write_whole(tmp_path / ("n" * 255), b"")
    assert [len(path.name) for path in tmp_path.iterdir()] == [255]


def test_files_and_folders_are_synced(tmp_path: Path) -> None:
    """One that is not there is an error, not nothing."""
    sync_to_disk(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_to_disk(tmp_path / "absent")
