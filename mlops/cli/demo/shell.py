"""What one would type in the reader's own shell."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

__all__ = ["shell_command", "typed_path"]


def shell_command() -> str:
    """Return what starts `mlops` in the reader's shell."""
    if shutil.which("mlops"):
        return "mlops"
    beside = Path(sys.executable).with_name("mlops")
    return shlex.quote(typed_path(beside)) if beside.exists() else f"{shlex.quote(sys.executable)} -m mlops"


def typed_path(path: Path) -> str:
    """Return a path as one would type it in the current folder."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
