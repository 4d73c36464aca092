"""The programs of examples/ do what they say, in an empty folder, as often as one likes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs_twice(example: Path, tmp_path: Path) -> None:
    """An example ends well without a warning, and again on what its first run left."""
    for _ in range(2):
        command = [sys.executable, "-W", "error", str(example)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout
