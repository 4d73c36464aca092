"""Capturing the state of a git work tree, on real repositories in every odd state."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from mlops.provenance.source import LONGEST_DIFF, capture_source, parse_status, strip_credentials

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

_AUTHOR = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "protocol.file.allow=always")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *_AUTHOR, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit on `main` and one file."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "train.py").write_text("depth = 3\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "First")
    return folder


def test_a_clean_tree_has_a_commit_a_branch_and_no_changes(repository: Path) -> None:
    """The commit is the full hash."""
    source = capture_source(repository)
    assert source.state is not None
    assert (source.state.commit, source.state.branch) == (git(repository, "rev-parse", "HEAD"), "main")
    assert (source.state.is_dirty, source.state.remote_url, source.changes) == (False, None, None)


def test_changes_that_nobody_wants_are_not_looked_for(repository: Path) -> None:
    """That there are some is told all the same."""
    (repository / "train.py").write_text("depth = 5\n")
    source = capture_source(repository, with_changes=False)
    assert source.state is not None
    assert (source.state.is_dirty, source.changes) == (True, None)


def test_changes_are_a_patch_that_git_applies(repository: Path) -> None:
    """Staged and unstaged differences are in it, untracked files are named, and it rebuilds the tree."""
    (repository / "train.py").write_text("depth = 5\n")
    (repository / "new.py").write_text("staged = 1\n")
    git(repository, "add", "new.py")
    (repository / "notes ü.txt").write_text("not told")
    source = capture_source(repository)
    assert source.state is not None
    assert source.state.is_dirty
    assert source.changes is not None
    assert "#   notes ü.txt" in source.changes
    assert "not told" not in source.changes
    git(repository, "stash", "-q")
    (repository.parent / "changes.patch").write_text(source.changes)
    git(repository, "apply", "../changes.patch")
    assert (repository / "train.py").read_text() + (repository / "new.py").read_text() == "depth = 5\nstaged = 1\n"


def test_untracked_files_alone_do_not_make_a_tree_dirty(repository: Path) -> None:
    """They are named all the same."""
    (repository / "scratch.py").touch()
    source = capture_source(repository)
    assert source.state is not None
    assert not source.state.is_dirty
    assert source.changes == "# Untracked, contents not captured:\n#   scratch.py\n"


def test_a_subfolder_tells_of_the_whole_tree(repository: Path) -> None:
    """Wherever the script was started."""
    (repository / "below").mkdir()
    (repository / "train.py").write_text("depth = 9\n")
    changes = capture_source(repository / "below").changes
    assert changes is not None
    assert "+depth = 9" in changes


def test_a_repository_without_a_commit_shows_everything_as_added(tmp_path: Path) -> None:
    """There is no commit, and the branch has a name."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.py").write_text("x = 1\n")
    git(tmp_path, "add", ".")
    source = capture_source(tmp_path)
    assert source.state is not None
    assert (source.state.commit, source.state.branch, source.state.is_dirty) == (None, "main", True)
    assert source.changes is not None
    assert "+x = 1" in source.changes


def test_a_detached_head_has_no_branch(repository: Path) -> None:
    """Only the commit is known."""
    git(repository, "checkout", "-q", "--detach")
    state = capture_source(repository).state
    assert state is not None
    assert (state.branch, state.commit) == (None, git(repository, "rev-parse", "HEAD"))


def test_a_linked_work_tree_is_a_tree_of_its_own(repository: Path) -> None:
    """Its branch is told, not the main tree's."""
    git(repository, "worktree", "add", "-q", "-b", "side", "../linked")
    state = capture_source(repository.parent / "linked").state
    assert state is not None
    assert state.branch == "side"


def test_a_change_within_a_submodule_is_a_change(repository: Path) -> None:
    """The submodule's commit is told as dirty."""
    git(repository, "clone", "-q", ".", "../library")
    git(repository, "submodule", "--quiet", "add", "../library", "library")
    git(repository, "commit", "-q", "-m", "Library")
    (repository / "library" / "train.py").write_text("depth = 7\n")
    source = capture_source(repository)
    assert source.state is not None
    assert source.state.is_dirty
    assert source.changes is not None
    assert "-dirty" in source.changes


def test_a_renamed_file_is_one_change(repository: Path) -> None:
    """The old name that follows it is not taken for another entry."""
    git(repository, "mv", "train.py", "? fit.py")
    source = capture_source(repository)
    assert source.changes is not None
    assert "rename to" in source.changes
    assert "Untracked" not in source.changes


def test_a_huge_diff_is_cut_and_says_so(repository: Path) -> None:
    """It never fills the memory."""
    (repository / "train.py").write_text("x = 1\n" * LONGEST_DIFF)
    changes = capture_source(repository, timeout_s=60).changes
    assert changes is not None
    assert changes.startswith("# The diff is longer than 5,242,880 bytes")
    assert len(changes) < LONGEST_DIFF + 1000


def test_binary_content_is_not_captured(repository: Path) -> None:
    """Only that it differs."""
    (repository / "train.py").write_bytes(b"\x00\xff" * 100)
    changes = capture_source(repository).changes
    assert changes is not None
    assert "Binary files" in changes


def test_a_remote_is_told_without_credentials(repository: Path) -> None:
    """The branch's own remote wins over origin."""
    git(repository, "remote", "add", "origin", "https://ci:t0ken@git.example.org/lab/assay.git")
    state = capture_source(repository).state
    assert state is not None
    assert state.remote_url == "https://git.example.org/lab/assay.git"
    git(repository, "remote", "add", "upstream", "ssh://git@example.org/lab.git")
    git(repository, "config", "branch.main.remote", "upstream")
    state = capture_source(repository).state
    assert state is not None
    assert state.remote_url == "ssh://git@example.org/lab.git"


@pytest.mark.parametrize(
    ("url", "stripped"),
    [
        ("https://token@host/x.git", "https://host/x.git"),
        ("HTTPS://u:p@host/x@v1", "HTTPS://host/x@v1"),
        ("ssh://git:pa55@host:22/x", "ssh://git@host:22/x"),
        ("git@github.com:lab/x.git", "git@github.com:lab/x.git"),
        ("/srv/git/x@y.git", "/srv/git/x@y.git"),
        ("https://host/x@y.git", "https://host/x@y.git"),
    ],
)
def test_credentials_of_addresses_are_stripped(url: str, stripped: str) -> None:
    """User names of HTTP and passwords of anything, and no more."""
    assert strip_credentials(url) == stripped


def test_outside_a_repository_nothing_is_known(tmp_path: Path) -> None:
    """Nothing is raised either."""
    assert capture_source(tmp_path).state is None
    assert capture_source(tmp_path / "missing").state is None


def test_without_git_nothing_is_known(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without git starts runs as well."""
    monkeypatch.setenv("PATH", str(repository))
    assert capture_source(repository).state is None


def test_a_program_of_the_repository_that_hangs_does_not_hold_up_a_run(repository: Path) -> None:
    """A filter that sleeps is ended together with git, when the time is up."""
    (repository / ".gitattributes").write_text("*.py filter=slow\n")
    git(repository, "config", "filter.slow.clean", "sleep 60")
    (repository / "train.py").write_text("depth = 4\n")
    started = time.monotonic()
    assert capture_source(repository, timeout_s=0.3).state is None
    assert time.monotonic() - started < 30  # far from the filter's minute


def test_a_diff_program_of_the_repository_is_not_run(repository: Path) -> None:
    """Only git's own diff is."""
    git(repository, "config", "diff.external", "touch ran; false")
    (repository / "train.py").write_text("depth = 4\n")
    changes = capture_source(repository).changes
    assert changes is not None
    assert "+depth = 4" in changes
    assert not (repository / "ran").exists()


def test_a_status_with_conflicts_reads_as_dirty() -> None:
    """Unmerged entries are changes."""
    tree = parse_status("# branch.oid abc\0# branch.head main\0u UU N... 1 2 3 4 a b c file\0? other\0")
    assert (tree.commit, tree.branch, tree.is_dirty, tree.untracked) == ("abc", "main", True, ("other",))
