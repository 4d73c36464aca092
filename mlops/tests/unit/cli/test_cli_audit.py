"""`mlops audit` lists what was done, and fails when the record was changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mlops.audit import AuditLogger
from mlops.clock import now

Run = Callable[..., Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a database file with a log of three entries: one old, one of two days ago, one of now."""
    path = tmp_path / "mlops.db"
    moments = iter([datetime(2020, 1, 1, tzinfo=UTC), now() - timedelta(days=2), now()])
    with AuditLogger(f"sqlite:///{path}", now=lambda: next(moments)) as audit:
        for actor, subject in (("ann", "m1"), ("bob", "m1"), ("ann", "m2")):
            audit.log("promote", subject_kind="model", subject_id=subject, actor=actor, details={"by": "hand"})
    return path


def sequences(outcome: Any) -> list[int]:
    assert outcome.status == 0, outcome.err
    return [entry["sequence"] for entry in json.loads(outcome.out)["entries"]]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), [3, 2, 1]),
        (("--limit", "1"), [3]),
        (("--cursor", "3"), [2, 1]),
        (("--actor", "ann"), [3, 1]),
        (("--action", "archive"), []),
        (("--subject", "model:m1"), [2, 1]),
        (("--subject", "model"), [3, 2, 1]),
        (("--project", "default"), [3, 2, 1]),
        (("--since", "7d"), [3, 2]),
        (("--since", "1d ago"), [3]),
        (("--since", "2020-01-01", "--until", "2020-01-01T00:00:01+00:00"), [1]),
        (("--until", "2020-01-01"), []),
    ],
)
def test_list_narrows(file: Path, mlops: Run, words: tuple[str, ...], wanted: list[int]) -> None:
    """Each option keeps the entries that fit, the newest first."""
    assert sequences(mlops("audit", "list", "--json", *words)) == wanted


def test_a_pipe_gets_lines_and_the_way_to_more(file: Path, mlops: Run) -> None:
    """Entries are tab-separated lines; where the list goes on stands on standard error."""
    outcome = mlops("audit", "list", "--limit", "1")
    head, line = outcome.out.splitlines()
    assert head.split("\t") == ["sequence", "at", "actor", "action", "subject", "project", "details"]
    assert line.split("\t")[2:] == ["ann", "promote", "model:m2", "default", '{"by":"hand"}']
    assert "--cursor 3" in outcome.err


@pytest.mark.parametrize("words", [("--since", "soon"), ("--until", "9999999d"), ("--cursor", "x")])
def test_what_cannot_be_read_is_one_line(file: Path, mlops: Run, words: tuple[str, ...]) -> None:
    """A mistyped moment or cursor is an error with the value."""
    outcome = mlops("audit", "list", *words)
    assert outcome.status == 1
    assert outcome.err.startswith("Error: ")
    assert words[1] in outcome.err


def test_verify_prints_an_anchor_that_it_takes_again(file: Path, mlops: Run) -> None:
    """What was printed for a log that holds can be passed later."""
    outcome = mlops("audit", "verify", "--json")
    report = json.loads(outcome.out)
    assert (outcome.status, report["is_intact"], report["entries"]) == (0, True, 3)
    again = mlops("audit", "verify", "--anchor", report["anchor"])
    assert again.status == 0
    assert f"anchor\t{report['anchor']}" in again.out


def test_verify_fails_and_names_the_position(file: Path, mlops: Run) -> None:
    """A changed entry gives status 1, in words and as JSON."""
    connection = sqlite3.connect(file)
    connection.execute("UPDATE audit_entries SET actor = 'eve' WHERE sequence = 2")
    connection.commit()
    connection.close()
    outcome, as_json = mlops("audit", "verify"), mlops("audit", "verify", "--json")
    assert (outcome.status, as_json.status) == (1, 1)
    assert outcome.err.startswith("Error: broken at entry 2, changed: ")
    assert json.loads(as_json.out)["position"] == 2


@pytest.mark.parametrize("command", ["list", "verify"])
def test_a_missing_file_is_not_created(tmp_path: Path, mlops: Run, command: str) -> None:
    """Looking at a log that is not there makes none."""
    outcome = mlops("audit", command, "--database", f"sqlite:///{tmp_path}/absent.db")
    assert outcome.status == 1
    assert "does not exist" in outcome.err
    assert list(tmp_path.iterdir()) == []
