"""The folders of runs: outputs appear all at once, and what ended runs do not need goes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mlops.data_pipeline import OutputDamaged
from mlops.data_pipeline.workspace import Workspace, file_digest, unfinished_runs, verify_outputs
from mlops.errors import InvalidInput


def published(folder: Path, attempt: int = 1) -> dict[Path, str]:
    workspace = Workspace(folder, "run", attempt)
    workspace.begin()
    (workspace.work / "output.csv").write_text(f"attempt {attempt}")
    return workspace.publish()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_publishing_moves_all_files_at_once(tmp_path: Path) -> None:
    """They are told with their digests, and nothing is left where they were made."""
    [(path, digest)] = published(tmp_path).items()
    assert path == tmp_path / "runs" / "run" / "output-1" / "output.csv"
    assert digest == hashlib.sha256(b"attempt 1").hexdigest() == file_digest(path)
    assert files(tmp_path) == ["runs/run/output-1/output.csv"]


def test_an_attempt_removes_what_earlier_ones_left_half_done(tmp_path: Path) -> None:
    """But neither the snapshot nor what was published."""
    published(tmp_path, 1)
    second = Workspace(tmp_path, "run", 2)
    second.begin()
    (second.work / "half.csv").write_text("half")
    (taken := second.work / "snapshot").mkdir()
    (taken / "rows.parquet").write_text("rows")
    second.keep_snapshot(taken)
    Workspace(tmp_path, "run", 3).begin()
    assert files(tmp_path) == ["runs/run/output-1/output.csv", "unfinished/run/snapshot/rows.parquet"]


def test_a_snapshot_replaces_one_that_is_not_whole(tmp_path: Path) -> None:
    """The new one stands there, and a folder that is gone replaces nothing."""
    workspace = Workspace(tmp_path, "run", 1)
    workspace.begin()
    for text in ("old", "new"):
        (workspace.work / "taken").mkdir()
        (workspace.work / "taken" / "rows.parquet").write_text(text)
        workspace.keep_snapshot(workspace.work / "taken")
    with pytest.raises(FileNotFoundError):
        workspace.keep_snapshot(workspace.work / "taken")
    assert (workspace.snapshot / "rows.parquet").read_text() == "new"


def test_tidying_keeps_what_the_run_tells_of(tmp_path: Path) -> None:
    """Outputs of attempts that nobody acknowledged go, and without any the run has no folder."""
    for attempt in (1, 2):
        published(tmp_path, attempt)
    workspace = Workspace(tmp_path, "run", 2)
    Workspace(tmp_path, "run", 3).begin()
    workspace.tidy(kept=[workspace.output])
    assert files(tmp_path) == ["runs/run/output-2/output.csv"]
    assert unfinished_runs(tmp_path) == []
    workspace.tidy()
    workspace.tidy()
    assert not (tmp_path / "runs" / "run").exists()


def test_an_abandoned_attempt_leaves_the_others_alone(tmp_path: Path) -> None:
    """Only its own work and output go."""
    published(tmp_path, 1)
    published(tmp_path, 2)
    Workspace(tmp_path, "run", 1).abandon()
    assert files(tmp_path) == ["runs/run/output-2/output.csv"]


def test_runs_with_unfinished_work_are_found(tmp_path: Path) -> None:
    """By their ids; a folder that does not exist has none."""
    assert unfinished_runs(tmp_path / "none") == []
    Workspace(tmp_path, "b", 1).begin()
    Workspace(tmp_path, "a", 1).begin()
    (tmp_path / "unfinished" / ".not a run").mkdir()
    assert unfinished_runs(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("run_id", ["", "..", "../x", "a/b", "a\0", ".hidden", "a" * 101])
def test_only_our_ids_become_folders(tmp_path: Path, run_id: str) -> None:
    """Whatever else is called a run is refused."""
    with pytest.raises(InvalidInput, match="is no id of a run"):
        Workspace(tmp_path, run_id, 1)


def test_outputs_are_verified(tmp_path: Path) -> None:
    """One that is gone or has other bytes is told with its path."""
    digests = {str(path): digest for path, digest in published(tmp_path).items()}
    verify_outputs(digests)
    [path] = digests
    Path(path).write_text("something else")
    with pytest.raises(OutputDamaged, match="its SHA-256 is") as damaged:
        verify_outputs(digests)
    assert damaged.value.path == path
    Path(path).unlink()
    with pytest.raises(OutputDamaged, match="cannot be read"):
        verify_outputs(digests)
