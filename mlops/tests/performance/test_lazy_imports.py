"""Starting costs little because heavy packages are loaded by what uses them; `make bench` measures the time itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "alembic",
    "cloudpickle",
    "cryptography",
    "fsspec",
    "matplotlib",
    "pandas",
    "psutil",
    "pyarrow",
    "rich",
    "scipy",
    "skops",
    "sklearn",
    "typer",
}
ALSO_HEAVY_FOR_THE_PACKAGE = {"numpy", "pydantic", "sqlalchemy", "structlog", "asyncio"}


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that are loaded after a statement in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_package_loads_nothing_heavy() -> None:
    """`import mlops` loads none of the packages that the parts need."""
    assert loaded_by("import mlops") & (HEAVY | ALSO_HEAVY_FOR_THE_PACKAGE) == set()


@pytest.mark.parametrize("statement", ["from mlops import ExperimentTracker", "from mlops import ConfigManager"])
def test_a_part_loads_only_what_every_use_of_it_needs(statement: str) -> None:
    """What only some calls need is not loaded by an import."""
    assert loaded_by(statement) & HEAVY == set()


def test_help_loads_no_part() -> None:
    """`mlops --help` answers without the database and without configuration files' machinery."""
    lines = ["import contextlib, sys", "from mlops.cli import main", "sys.argv[1:] = ['--help']"]
    statement = "\n".join([*lines, "with contextlib.suppress(SystemExit): main()"])
    assert loaded_by(statement) & {"sqlalchemy", "pandas", "matplotlib", "sklearn", "alembic"} == set()
