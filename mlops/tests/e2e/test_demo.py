"""The demonstration in real processes: as a newcomer starts it, twice into one folder, and as a command."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = [sys.executable, "-W", "error", str(ROOT / "mlops_example.py")]
COMMAND = [sys.executable, "-m", "mlops", "demo"]


def run(*words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def runs_in(folder: Path) -> int:
    connection = sqlite3.connect(folder / "mlops.db")
    [(count,)] = connection.execute("SELECT count(*) FROM experiments WHERE status = 'completed'").fetchall()
    connection.close()
    return int(count)


def test_the_example_runs_twice_into_one_folder(tmp_path: Path) -> None:
    """Each time a dozen runs and a retraining are added, the best is drawn and is right on held-out samples."""
    folder = tmp_path / "my demo"
    for expected in (13, 26):
        shown = run(*PROGRAM, str(folder)).stdout
        assert runs_in(folder) == expected
        found = re.search(r"([\d.]+)% of 1\d\d held-out biopsies right", shown)
        assert found
        assert float(found[1]) > 90
    assert (folder / "plots" / "metrics.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert "<svg" in (folder / "plots" / "metrics.svg").read_text()
    assert (folder / "plots" / "metrics.png").stat().st_size > 10_000
    assert len((folder / "comparison.csv").read_text().splitlines()) > 5


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return what `mlops demo --json` told, run twice into one folder, each with the model's moves until then."""
    place, told = tmp_path_factory.mktemp("twice"), []
    for _ in range(2):
        outcome = json.loads(run(*COMMAND, "demo here", "--json", folder=place).stdout)
        assert outcome["folder"] == str(place / "demo here")
        told.append(
            {**outcome, "moves": asked(outcome, "models", "history", outcome["registered"]["model_id"])["moves"]}
        )
    return told


def asked(outcome: dict[str, Any], *words: str) -> dict[str, Any]:
    """Return what a command answers of the demonstration's database."""
    place = ["--database", outcome["database"]]
    place += ["--project", "biopsies"] if words[0] == "models" else []
    place += ["--tracking-dir", outcome["tracking_dir"]] if words[0] == "experiments" else []
    answer: dict[str, Any] = json.loads(run(sys.executable, "-m", "mlops", *words, "--json", *place).stdout)
    return answer


def test_the_command_answers_in_json_and_leaves_what_other_commands_read(twice: list[dict[str, Any]]) -> None:
    """`mlops demo --json` names its database and best run, which `mlops experiments` then finds."""
    for outcome in twice:
        assert outcome["runs"] == 12
        assert outcome["held_out"]["accuracy"] > 0.9
        best = outcome["best"]
        shown = asked(outcome, "experiments", "show", best["experiment_id"][-8:])
        assert shown["experiment"]["name"] == best["name"]


def test_the_model_is_registered_once_however_often_the_demo_runs(twice: list[dict[str, Any]]) -> None:
    """The same content is the same version; each time it is promoted, replaced and rolled back to."""
    for outcome, moves in zip(twice, (7, 11), strict=True):
        registered = outcome["registered"]
        assert registered["versions"] == ["1.0.0", "1.0.1"]
        assert registered["production"] == "1.0.0"
        assert len(outcome["moves"]) == moves
    cards = [Path(card) for card in registered["cards"]]
    assert sorted(card.suffix for card in cards) == [".html", ".html", ".md", ".md"]
    assert all("pathologist" in card.read_text("utf-8") for card in cards)


def test_both_versions_are_compared_anew_each_time(twice: list[dict[str, Any]]) -> None:
    """Every held-out biopsy is answered once, every diagnosis counted, and the verdict claims no more than that."""
    tests = [outcome["tested"] for outcome in twice]
    for tested in tests:
        assert 100 <= tested["interactions"] <= 120
        assert tested["is_proved"]
        assert tested["verdict"] in {"undecided", "better", "worse"}
    listed = asked(twice[-1], "ab", "list")["tests"]
    assert {test["test_id"] for test in listed} == {tested["test_id"] for tested in tests}
    assert [test["status"] for test in listed] == ["completed", "completed"]
    page, picture = map(Path, tests[-1]["report"])
    assert "biopsy-triage 1.0.1 against 1.0.0" in page.read_text("utf-8")
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
