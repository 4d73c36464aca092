"""Final reports as files in the results folder, beside the copy in the database: a document, a page and a picture."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path

from mlops.ab_testing.report_data import ABTestReport
from mlops.files import write_whole
from mlops.records import decode_json, encode_json

__all__ = ["FILES", "ReportFiles", "draw", "folder_of"]

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DOCUMENT, _PICTURE = "report.json", "report.png"
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from mlops.ab_testing.keeping import draw; draw(sys.argv[2])"
)
_PATIENCE_S = 120.0


def folder_of(results_dir: Path, test_id: str) -> Path:
    """Return the folder of a test's results: its id, or where that is no plain name, a digest of it."""
    if _PLAIN.fullmatch(test_id):
        return results_dir / test_id
    return results_dir / blake2b(test_id.encode(), digest_size=16).hexdigest()


class ReportFiles:
    """Writes final reports as `report.json`, `report.html` and `report.png`, each whole or not at all.

    Where they cannot be written, a warning is logged: the report is in the database.

    Args:
        results_dir: The folder with one folder for each test.
    """

    def __init__(self, results_dir: Path) -> None:
        self._results_dir = results_dir
        self._writers: set[threading.Thread] = set()

    def write(self, report: ABTestReport) -> None:
        """Write a report in this thread."""
        self._write(report, lambda folder: write_whole(folder / _PICTURE, _picture(report)))

    def write_aside(self, report: ABTestReport) -> None:
        """Write a report in a thread, its picture drawn by another process: those who log are not held up."""
        thread = threading.Thread(target=self._write, args=(report, _draw_elsewhere), name="mlops-ab-report")
        self._writers = {writer for writer in self._writers if writer.is_alive()} | {thread}
        thread.start()

    def close(self) -> None:
        """Wait for what is being written."""
        for writer in self._writers:
            writer.join()

    def _write(self, report: ABTestReport, picture: Callable[[Path], object]) -> None:
        folder = folder_of(self._results_dir, report.test_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in FILES.items():
                if name != _PICTURE:
                    write_whole(folder / name, content(report))
            picture(folder)
        except OSError as error:
            import structlog

            structlog.get_logger(__name__).warning(
                "the final report is stored, but its files could not be written; `mlops ab report --final` makes them",
                test_id=report.test_id,
                results_dir=str(self._results_dir),
                error=str(error),
            )


def draw(folder: str) -> None:
    """Draw the picture of the report that a folder holds.

    Raises:
        OSError: The folder cannot be read or written to.
    """
    path = Path(folder)
    report = ABTestReport.from_document(decode_json((path / _DOCUMENT).read_text("utf-8")))
    write_whole(path / _PICTURE, _picture(report))


def _draw_elsewhere(folder: Path) -> None:
    """Draw the picture of a report in a process of its own, and wait for it.

    Raises:
        OSError: It could not.
    """
    command = [sys.executable, "-c", _BOOT, json.dumps(sys.path), str(folder)]
    try:
        subprocess.run(  # noqa: S603 (this Python, our own words)
            command, check=True, timeout=_PATIENCE_S, stdin=subprocess.DEVNULL, capture_output=True
        )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(f"the picture was not drawn: {lines[-1] if lines else error}") from error
    except subprocess.TimeoutExpired as error:
        raise OSError(f"the picture was not drawn within {_PATIENCE_S:g} seconds") from error


def _document(report: ABTestReport) -> bytes:
    return encode_json(report.to_document()).encode()


def _page(report: ABTestReport) -> bytes:
    from mlops.ab_testing.report_html import to_html

    return to_html(report).encode()


def _picture(report: ABTestReport) -> bytes:
    from mlops.ab_testing.report_png import to_picture

    return to_picture(report)


FILES: Mapping[str, Callable[[ABTestReport], bytes]] = {
    _DOCUMENT: _document,
    "report.html": _page,
    _PICTURE: _picture,
}
"""The files of a final report, and what makes each."""
