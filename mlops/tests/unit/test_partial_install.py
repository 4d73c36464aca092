"""What somebody sees who installed only a part of what the package needs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import mlops

ROOT = Path(__file__).resolve().parents[3]
HIDING = """
import importlib.util, sys
there = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {"pydantic", "typer"} else there(name, *rest)
"""


def declared() -> set[str]:
    lines = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return {line.split(">=")[0].strip() for line in lines}


def test_every_core_dependency_is_looked_for() -> None:
    """What pyproject.toml declares is what the package misses by name."""
    assert set(mlops._CORE.values()) == declared()


@pytest.mark.parametrize("module", mlops._CORE)
def test_each_is_brought_by_the_distribution_named(module: str) -> None:
    """The name that the error tells people to install is the one that brings the module."""
    assert mlops._CORE[module] in {name.lower() for name in packages_distributions()[module]}


@pytest.mark.parametrize("start", ["import mlops", "from mlops.cli import main; main()"])
def test_a_partial_install_is_named_at_once(start: str) -> None:
    """One error lists all that is missing and says how to install it."""
    done = subprocess.run([sys.executable, "-c", HIDING + start], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "mlops needs it: pydantic, typer. Install it with: pip install 'tracseq-mlops'" in done.stderr
