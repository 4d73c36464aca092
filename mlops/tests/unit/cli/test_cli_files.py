"""Files that commands read and write."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops.cli.files import read_document, write_document, write_file
from mlops.errors import InvalidInput


def test_folders_are_made_on_the_way(tmp_path: Path) -> None:
    """What is written is read again, letters of any alphabet as they are."""
    file = tmp_path / "a" / "b" / "schema.json"
    write_document({"name": "Größe"}, file)
    assert "Größe" in file.read_text("utf-8")
    assert read_document(file, expected="a schema") == {"name": "Größe"}


def test_a_link_stays_one(tmp_path: Path) -> None:
    """What it leads to is written: a device such as /dev/stdout is one."""
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to("real")
    write_file(b"page", tmp_path / "link")
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "real").read_bytes()) == (True, b"page")


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """A file is no folder."""
    (tmp_path / "page").touch()
    with pytest.raises(InvalidInput, match=r"page\.html' cannot be written: .*Name a file that can"):
        write_file("", tmp_path / "page" / "page.html")


@pytest.mark.parametrize(("content", "trouble"), [("[1]", "holds a list; expected a design"), ("{", "read as JSON")])
def test_what_is_no_document_is_refused(tmp_path: Path, content: str, trouble: str) -> None:
    """The error says what was expected."""
    file = tmp_path / "design.json"
    with pytest.raises(InvalidInput, match="There is no file"):
        read_document(file, expected="a design")
    file.write_text(content)
    with pytest.raises(InvalidInput, match=trouble):
        read_document(file, expected="a design")
