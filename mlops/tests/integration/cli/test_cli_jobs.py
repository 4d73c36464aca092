"""`mlops jobs`: what it shows of jobs and schedules, and what it does to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mlops.database import Database, open_database
from mlops.jobs import JobHandler, JobRunner, PermanentFailure, enqueue, schedule, wait
from mlops.tests.fixtures.command import Outcome

Mlops = Callable[..., Outcome]
LONG_S = 60.0


@pytest.fixture
def lab(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Return the configured database."""
    monkeypatch.setenv("MLOPS_DATABASE_URL", sqlite_url)
    with open_database(sqlite_url) as database:
        yield database


def ask(lab: Database, kind: str = "lab.count", **options: Any) -> str:
    """Enqueue a job."""
    with lab.write() as tx:
        return enqueue(tx, kind=kind, **options)


def count(job: Any) -> Any:
    """Handle a job, or fail."""
    job.log("first\nof two \x1b[31m lines")
    job.progress(3, total=4, message="plates")
    if job.payload.get("fails"):
        raise PermanentFailure("No plates.")
    return {"plates": 4}


@pytest.fixture
def ended(lab: Database) -> tuple[str, str]:
    """Return a job that has succeeded and one that has failed."""
    with JobRunner(lab, [JobHandler("lab.count", count)]):
        jobs = ask(lab, payload={"plate": 7}), ask(lab, payload={"fails": True})
        for job_id in jobs:
            wait(lab, job_id, LONG_S)
    return jobs


def test_list_shows_jobs_and_finds_some(lab: Database, ended: tuple[str, str], mlops: Mlops) -> None:
    """The newest first; as tabs, as JSON, page by page."""
    done = mlops("jobs", "list")
    head, *rows = [line.split("\t") for line in done.out.splitlines()]
    assert head[:3] == ["job_id", "kind", "status"]
    assert [row[0] for row in rows] == [ended[1], ended[0]]
    assert [row[2] for row in rows] == ["failed", "succeeded"]
    found = json.loads(mlops("jobs", "list", "--status", "failed", "--json").out)
    assert [one["job_id"] for one in found["jobs"]] == [ended[1]]
    page = mlops("jobs", "list", "--limit", "1")
    assert f"--cursor {ended[1]}" in page.err
    assert mlops("jobs", "list", "--kind", "other").err.strip() == "No job matches."


def test_show_tells_what_keeps_a_job(lab: Database, ended: tuple[str, str], mlops: Mlops) -> None:
    """A queued one says why, a failed one its error; JSON has both."""
    waiting = ask(lab, requires=["gpu"])
    assert "No worker is alive. Start one: `mlops worker`." in mlops("jobs", "show", waiting).err
    failed = mlops("jobs", "show", ended[1])
    assert "No plates." in failed.out
    document = json.loads(mlops("jobs", "show", ended[0], "--json").out)
    assert (document["status"], document["result"]) == ("succeeded", {"plates": 4})
    assert document["explanation"] == ["It succeeded in attempt 1 of 3."]
    missing = mlops("jobs", "show", "nothing")
    assert (missing.status, "'nothing' does not exist" in missing.err) == (1, True)


def test_logs_are_lines_without_control_characters(lab: Database, ended: tuple[str, str], mlops: Mlops) -> None:
    """One for each entry; `--follow` ends with the job."""
    for words in (("--follow",), ()):
        (line,) = mlops("jobs", "logs", ended[0], *words).out.splitlines()
        assert line.split("\t")[1:] == ["1", "info", "first\\nof two \\x1b[31m lines"]
    first, *_ = mlops("jobs", "logs", ended[1], "--json").out.splitlines()
    assert json.loads(first)["sequence"] == 1


def test_cancel_and_retry_say_what_became_of_the_job(lab: Database, ended: tuple[str, str], mlops: Mlops) -> None:
    """What cannot be done is refused in a line."""
    queued = ask(lab)
    assert mlops("jobs", "cancel", queued, "--reason", "wrong plate").out.strip().endswith("is cancelled.")
    assert mlops("jobs", "retry", queued).out.strip().endswith("is queued.")
    assert json.loads(mlops("jobs", "cancel", queued, "--json").out)["status"] == "cancelled"
    refused = mlops("jobs", "retry", ended[0])
    assert (refused.status, "only failed and cancelled jobs are retried" in refused.err) == (1, True)


def test_schedules_are_listed_paused_resumed_and_removed(lab: Database, mlops: Mlops) -> None:
    """The list after the change is shown."""
    with lab.write() as tx:
        schedule(tx, name="nightly", kind="lab.count", cron="0 2 * * *", time_zone="Europe/Berlin")
    line = mlops("jobs", "schedules").out.splitlines()[1].split("\t")
    assert line[:4] == ["nightly", "lab.count", "0 2 * * *", "Europe/Berlin"]
    paused = json.loads(mlops("jobs", "schedules", "--pause", "nightly", "--json").out)["schedules"]
    assert [one["enabled"] for one in paused] == [False]
    resumed = json.loads(mlops("jobs", "schedules", "--resume", "nightly", "--json").out)["schedules"]
    assert [one["next_at"] is None for one in resumed] == [False]
    assert mlops("jobs", "schedules", "--remove", "nightly").out.count("\n") == 1
    assert mlops("jobs", "schedules", "--remove", "nightly").status == 1
    assert "exclude each other" in mlops("jobs", "schedules", "--pause", "a", "--remove", "b").err


def test_a_terminal_sees_tables(lab: Database, ended: tuple[str, str], mlops: Mlops, as_terminal: None) -> None:
    """With ages, dots and percentages."""
    with lab.write() as tx:
        schedule(tx, name="nightly", kind="lab.count", cron="0 2 * * *")
    listed = mlops("jobs", "list").out
    assert "● failed" in listed
    assert "75% plates" in listed
    assert "in " in mlops("jobs", "schedules").out
    assert mlops("jobs", "logs", ended[0]).out.endswith("first\nof two \\x1b[31m lines\n")


@pytest.fixture
def as_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have rich believe that a person looks, at something wide and without colours."""
    for name, value in {"FORCE_COLOR": "1", "NO_COLOR": "1", "COLUMNS": "200", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)


def test_a_database_that_is_not_there_is_not_made(sqlite_url: str, mlops: Mlops) -> None:
    """The command says what to do."""
    done = mlops("jobs", "list", "--database", sqlite_url)
    assert (done.status, "mlops worker" in done.err) == (1, True)
