"""Final reports as files in the results folder, beside the copy in the database: a document, a page and a picture."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path

from mlops.ab_testing.report_data import ABTestReport
from mlops.records import encode_json

__all__ = ["FILES", "folder_of", "write_report"]

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def folder_of(results_dir: Path, test_id: str) -> Path:
    """Return the folder of a test's results: its id, or where that is no plain name, a digest of it."""
    if _PLAIN.fullmatch(test_id):
        return results_dir / test_id
    return results_dir / blake2b(test_id.encode(), digest_size=16).hexdigest()


def write_report(results_dir: Path, report: ABTestReport) -> Path:
    """Write a report as `report.json`, `report.html` and `report.png`, each whole or not at all; return their folder.

    Raises:
        OSError: The folder cannot be written to.
    """
    folder = folder_of(results_dir, report.test_id)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        unfinished = folder / f".{name}.{os.getpid()}"
        try:
            unfinished.write_bytes(content(report))
            unfinished.replace(folder / name)
        finally:
            unfinished.unlink(missing_ok=True)
    return folder


def _document(report: ABTestReport) -> bytes:
    return encode_json(report.to_document()).encode()


def _page(report: ABTestReport) -> bytes:
    from mlops.ab_testing.report_html import to_html

    return to_html(report).encode()


def _picture(report: ABTestReport) -> bytes:
    from mlops.ab_testing.report_png import to_picture

    return to_picture(report)


FILES: Mapping[str, Callable[[ABTestReport], bytes]] = {
    "report.json": _document,
    "report.html": _page,
    "report.png": _picture,
}
"""The files of a final report, and what makes each."""
