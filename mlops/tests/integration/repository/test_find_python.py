"""How `make` chooses the Python that .venv is made with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[4] / "tools" / "find_python.sh"


def find(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the script where only one folder holds programs."""
    return subprocess.run(
        ["/bin/sh", str(SCRIPT)], env={"PATH": str(folder)}, capture_output=True, text=True, check=False
    )


def test_a_machine_without_python_is_told_what_to_install(tmp_path: Path) -> None:
    """Without a suitable Python the script fails and names the version and the package."""
    done = find(tmp_path)
    assert done.returncode == 1
    assert "No Python >= 3.11" in done.stderr
    assert "python3-venv" in done.stderr


def test_a_python_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    """A version manager's shim without its Python is not taken for one."""
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    (tmp_path / "python3").symlink_to(os.path.realpath(sys.executable))
    assert find(tmp_path).stdout.strip() == str(tmp_path / "python3")
