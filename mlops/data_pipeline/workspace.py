"""The folders of a run: where an attempt works, and where its outputs appear all at once.

    <data_dir>/unfinished/<run_id>/snapshot/      the input as Parquet, kept until the run ends, for whoever resumes it
    <data_dir>/unfinished/<run_id>/attempt-<n>/   where an attempt writes
    <data_dir>/runs/<run_id>/output-<n>/          what an attempt published, by one rename
    <data_dir>/inputs/<id>.parquet                a DataFrame that a run was begun on, see `inputs`

Attempts have numbers of their own, so that one which was paused and went on too late disturbs nobody. No text of a user
becomes part of a path: run ids are ours. What a process left that was killed when its run had just ended is found in
`unfinished` by the next one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlops.data_pipeline.errors import OutputDamaged
from mlops.errors import InvalidInput
from mlops.files import sync_to_disk

__all__ = ["Workspace", "file_digest", "unfinished_runs", "verify_outputs"]

_OURS = re.compile(r"[0-9a-zA-Z][0-9a-zA-Z_-]{0,99}")
_UNFINISHED = "unfinished"


class Workspace:
    """The folders of one attempt at one run.

    Args:
        data_dir: The pipeline's folder.
        run_id: The run.
        attempt: Number of the attempt; no two attempts at a run have the same.

    Attributes:
        snapshot: Folder of the snapshot, shared by all attempts.
        work: Folder that the attempt writes its outputs to.
        output: Folder that has them once they are published.
    """

    def __init__(self, data_dir: Path, run_id: str, attempt: int) -> None:
        if not _OURS.fullmatch(run_id):
            raise InvalidInput(f"{run_id[:60]!r} is no id of a run; run_pipeline() returns it.")
        self._published = data_dir.absolute() / "runs" / run_id
        self._unfinished = data_dir.absolute() / _UNFINISHED / run_id
        self.snapshot = self._unfinished / "snapshot"
        self.work = self._unfinished / f"attempt-{attempt}"
        self.output = self._published / f"output-{attempt}"

    def begin(self) -> None:
        """Make the attempt's folder, empty, and remove what earlier attempts left half done."""
        for folder in self._unfinished.glob("attempt-*"):
            shutil.rmtree(folder, ignore_errors=True)
        self.work.mkdir(parents=True)

    def keep_snapshot(self, folder: Path) -> None:
        """Move a folder that holds a whole snapshot to where later attempts look for it."""
        try:
            folder.rename(self.snapshot)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            shutil.rmtree(self.snapshot)  # it is not whole, or it would have been used
            folder.rename(self.snapshot)

    def publish(self) -> dict[Path, str]:
        """Make what is in `work` durable and visible, all at once; return each file's SHA-256 by its path then."""
        digests = {}
        for file in sorted(self.work.iterdir()):
            digests[file.name] = file_digest(file)
            sync_to_disk(file)
        sync_to_disk(self.work)
        self._published.mkdir(parents=True, exist_ok=True)
        self.work.rename(self.output)
        for folder in (self._published, self._published.parent):
            sync_to_disk(folder)
        return {self.output / name: digest for name, digest in digests.items()}

    def tidy(self, *, kept: Iterable[Path] = ()) -> None:
        """Remove all that an ended run does not need: what is unfinished, and outputs that nobody acknowledged.

        Args:
            kept: Folders of outputs that the run tells of.
        """
        wanted = {*kept}
        for folder in self._published.glob("output-*"):
            if folder not in wanted:
                shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # not empty, as it should be after a run that published
            self._published.rmdir()
        shutil.rmtree(self._unfinished, ignore_errors=True)

    def abandon(self) -> None:
        """Remove what this attempt alone made; the run goes on elsewhere."""
        for folder in (self.work, self.output):
            shutil.rmtree(folder, ignore_errors=True)


def unfinished_runs(data_dir: Path) -> list[str]:
    """Return the ids of the runs that have unfinished work in a pipeline's folder."""
    try:
        names = sorted(folder.name for folder in (data_dir / _UNFINISHED).iterdir())
    except FileNotFoundError:
        return []
    return [name for name in names if _OURS.fullmatch(name)]


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def verify_outputs(digests: Mapping[str, str]) -> None:
    """Check that files are what their run wrote.

    Args:
        digests: SHA-256 by path.

    Raises:
        OutputDamaged: One is gone or has other bytes.
    """
    for path, digest in digests.items():
        try:
            found = file_digest(Path(path))
        except OSError as error:
            raise OutputDamaged(path, f"it cannot be read ({error.strerror})") from error
        if found != digest:
            raise OutputDamaged(path, f"its SHA-256 is {found[:12]}…, and should be {digest[:12]}…")
