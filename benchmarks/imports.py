"""What it costs to start: imports and `mlops --help`, against an interpreter that does nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.harness import Bench, Figure, Round, at_most, interleave, timed

__all__ = ["FIGURES"]

_PYTHON = Path(sys.executable)
_STARTS = 3  # of each in a round; the quickest counts, since a start can only be delayed


def _against_nothing(bench: Bench, command: Sequence[str]) -> list[Round]:
    environment = _environment(bench)
    nothing = [str(_PYTHON), "-c", "pass"]
    return interleave(bench, lambda: _quickest(command, environment), lambda: _quickest(nothing, environment))


def _environment(bench: Bench) -> dict[str, str]:
    """Have bytecode kept, as an installation does, in a folder that the first round fills."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(bench.fresh("bytecode"))}


def _quickest(command: Sequence[str], environment: Mapping[str, str]) -> float:
    def once() -> float:
        return timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment))

    return min(once() for _ in range(_STARTS)) * 1e3


def _figure(name: str, workload: str, limit: float, command: Sequence[str]) -> Figure:
    return Figure(
        name, workload, "`python -c pass`", "ms", at_most(limit), lambda bench: _against_nothing(bench, command)
    )


def _python(code: str) -> list[str]:
    return [str(_PYTHON), "-c", code]


FIGURES = (
    _figure("import-mlops", '`python -c "import mlops"`', 12, _python("import mlops")),
    _figure(
        "import-tracker",
        '`python -c "from mlops import ExperimentTracker"`',
        40,
        _python("from mlops import ExperimentTracker"),
    ),
    _figure("command-help", "`mlops --help`", 30, [str(_PYTHON.with_name("mlops")), "--help"]),
)
