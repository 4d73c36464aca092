"""Capturing the machine and the command line: complete, quiet about secrets, and never in the way."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.provenance.environment import MASK, capture_environment, installed_packages, mask_secrets


def test_the_capture_describes_this_process(tmp_path: Path) -> None:
    """Interpreter, process, processors and packages are those of the test."""
    capture, changes = capture_environment(folder=tmp_path)
    assert capture.python_version == ".".join(map(str, sys.version_info[:3]))
    assert capture.process_id == os.getpid()
    assert capture.cpu_count is not None
    assert capture.cpu_count >= 1
    assert capture.memory_bytes is not None
    assert capture.memory_bytes > 2**20
    assert "numpy" in capture.packages
    assert (capture.git, changes) == (None, None)


def test_the_capture_survives_its_document() -> None:
    """What is stored reads back equal."""
    capture, _ = capture_environment()
    assert type(capture).from_document(capture.to_document()) == capture


def test_equal_environments_have_one_digest() -> None:
    """Another package makes another one."""
    first, second = capture_environment()[0], capture_environment()[0]
    assert first.digest() == second.digest()
    assert first.changed(packages={**first.packages, "extra": "1.0"}).digest() != first.digest()


def test_a_removed_working_directory_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script whose folder is gone still starts its run."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    capture, changes = capture_environment()
    assert (capture.working_directory, capture.git, changes) == ("", None, None)


def test_a_user_id_without_an_account_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container started with a number for a user."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 987_654)
    assert capture_environment()[0].user == ""


def test_packages_are_read_again_when_a_folder_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package installed within the session appears; a half-removed one does not."""
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "fresh-package" not in installed_packages()
    info = tmp_path / "fresh_package-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fresh-package\nVersion: 1.2\n")
    (tmp_path / "broken-0.dist-info").mkdir()
    assert installed_packages()["fresh-package"] == "1.2"
    assert None not in installed_packages()


@pytest.mark.parametrize(
    ("argv", "masked"),
    [
        (["--password=a b=c"], ["--password=****"]),
        (["--password", "abc", "--epochs", "3"], ["--password", "****", "--epochs", "3"]),
        (["--password", "--epochs"], ["--password", "--epochs"]),
        (["DB_PASSWORD=abc"], ["DB_PASSWORD=****"]),
        (["--aws-secret-access-key=abc"], ["--aws-secret-access-key=****"]),
        (["Authorization: Bearer abc"], ["Authorization: Bearer ****"]),
        (["postgresql://lab:pa55@db/x"], ["postgresql://lab:****@db/x"]),
        (["--url=postgresql://lab:pa55@db/x"], ["--url=postgresql://lab:****@db/x"]),
        (["https://h/?token=abc&x=1"], ["https://h/?token=****&x=1"]),
        (["run(api_key='abc', depth=3)"], ["run(api_key=****, depth=3)"]),
        (['{"token": "a b", "n": 1}'], ['{"token": ****, "n": 1}']),
        (["--tokenizer=bert", "--secretary=eve", "--password-file=/run/x"],) * 2,
        (["train.py", "--keyword", "x", "monkey=3", ""],) * 2,
    ],
)
def test_secrets_of_the_command_line_are_masked(argv: list[str], masked: list[str]) -> None:
    """Values whose name ends in a word for a secret, and nothing else."""
    assert list(mask_secrets(argv)) == masked


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=5).filter(lambda text: text[0] not in "-=*")
)
def test_no_part_of_a_password_option_survives(secret: str) -> None:
    """Whatever the password is made of."""
    assert mask_secrets([f"--password={secret}"]) == (f"--password={MASK}",)
    assert mask_secrets(["--api-key", secret]) == ("--api-key", MASK)
