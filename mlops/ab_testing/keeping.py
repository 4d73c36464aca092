"""Final reports as files in the results folder, beside the copy in the database."""

from __future__ import annotations

import os
import re
from hashlib import blake2b
from pathlib import Path

from mlops.ab_testing.entities import ABTestConfig
from mlops.ab_testing.report_data import ABTestReport
from mlops.records import encode_json

__all__ = ["folder_of", "write_report"]

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def folder_of(results_dir: Path, test_id: str) -> Path:
    """Return the folder of a test's results: its id, or where that is no plain name, a digest of it."""
    if _PLAIN.fullmatch(test_id):
        return results_dir / test_id
    return results_dir / blake2b(test_id.encode(), digest_size=16).hexdigest()


def write_report(results_dir: Path, config: ABTestConfig, report: ABTestReport) -> Path:
    """Write a report as `report.json`, whole or not at all; return its path."""
    folder = folder_of(results_dir, config.test_id)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "report.json"
    unfinished = folder / f".report.json.{os.getpid()}"
    unfinished.write_text(encode_json(report.to_document()), encoding="utf-8")
    unfinished.replace(target)
    return target
