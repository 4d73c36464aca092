"""The demonstration in real processes: as a newcomer starts it, twice into one folder, and as a command."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = [sys.executable, "-W", "error", str(ROOT / "mlops_example.py")]
COMMAND = [sys.executable, "-m", "mlops", "demo"]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(words, capture_output=True, text=True, timeout=280, check=False)
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


def test_the_command_answers_in_json_and_leaves_what_other_commands_read(tmp_path: Path) -> None:
    """`mlops demo --json` names its database and best run, which `mlops experiments` then finds."""
    outcome = json.loads(run(*COMMAND, "demo here", "--json").stdout)
    assert outcome["runs"] == 12
    assert outcome["held_out"]["accuracy"] > 0.9
    assert outcome["folder"] == str(tmp_path / "demo here")
    place = ["--database", outcome["database"], "--tracking-dir", outcome["tracking_dir"]]
    key = outcome["best"]["experiment_id"]
    shown = run(sys.executable, "-m", "mlops", "experiments", "show", key[-8:], "--json", *place).stdout
    assert json.loads(shown)["experiment"]["name"] == outcome["best"]["name"]


def test_the_model_is_registered_once_however_often_the_demo_runs(tmp_path: Path) -> None:
    """The same content is the same version; each time it is promoted, replaced and rolled back to."""
    for moves in (7, 11):
        registered = json.loads(run(*COMMAND, "demo here", "--json").stdout)["registered"]
        assert registered["versions"] == ["1.0.0", "1.0.1"]
        assert registered["production"] == "1.0.0"
        place = ["--database", f"sqlite:///{tmp_path / 'demo here' / 'mlops.db'}", "--project", "biopsies"]
        history = [sys.executable, "-m", "mlops", "models", "history", registered["model_id"], "--json", *place]
        assert len(json.loads(run(*history).stdout)["moves"]) == moves
    cards = [Path(card) for card in registered["cards"]]
    assert sorted(card.suffix for card in cards) == [".html", ".html", ".md", ".md"]
    assert all("pathologist" in card.read_text("utf-8") for card in cards)


def test_both_versions_are_compared_anew_each_time(tmp_path: Path) -> None:
    """Every held-out biopsy is answered once, every diagnosis counted, and the verdict claims no more than that."""
    seen = set()
    for number in (1, 2):
        tested = json.loads(run(*COMMAND, "demo here", "--json").stdout)["tested"]
        seen.add(tested["test_id"])
        assert len(seen) == number
        assert 100 <= tested["interactions"] <= 120
        assert tested["is_proved"]
        assert tested["verdict"] in {"undecided", "better", "worse"}
    place = ["--database", f"sqlite:///{tmp_path / 'demo here' / 'mlops.db'}"]
    listed = json.loads(run(sys.executable, "-m", "mlops", "ab", "list", "--json", *place).stdout)["tests"]
    assert {test["test_id"] for test in listed} == seen
    assert {test["status"] for test in listed} == {"completed"}
    page, picture = map(Path, tested["report"])
    assert "biopsy-triage 1.0.1 against 1.0.0" in page.read_text("utf-8")
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
