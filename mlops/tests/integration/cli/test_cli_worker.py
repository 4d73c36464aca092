"""`mlops worker` as a process: it does jobs, stops when told to, and what it leaves behind is taken up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mlops import clock
from mlops.database import Database
from mlops.jobs import JobStatus, enqueue, explain, get_job, schedule, wait

LONG_S = 60.0
MODULE = """
import time
import sqlalchemy as sa
from mlops.jobs import JobHandler

def write(job):
    with job.commit(result={"attempt": job.attempt}) as tx:
        tx.execute(sa.text("INSERT INTO effects VALUES (:job_id)"), {"job_id": job.job_id})

def slow(job):
    job.log("begun")
    for _ in range(job.payload["seconds"] * 100 if job.attempt == 1 else 1):
        time.sleep(0.01)
        job.check()
    write(job)

def register(platform):
    platform.add_job_handlers([
        JobHandler("lab.write", write), JobHandler("lab.slow", slow),
        JobHandler("lab.fit", write, requires=frozenset({"gpu"})),
    ])
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def lab(database: Database, tmp_path: Path) -> Database:
    """Return a database for effects, beside a program's module of handlers."""
    (tmp_path / "lab_jobs.py").write_text(MODULE)
    with database.write() as tx:
        tx.execute(sa.text("CREATE TABLE effects (job_id TEXT NOT NULL)"))
    return database


@pytest.fixture
def start(lab: Database, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts `mlops worker`; those that still run at the end are killed."""
    started: list[subprocess.Popen[str]] = []

    def worker(*words: str, imports: str = "lab_jobs") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", "from mlops.cli import main; main()", "worker", "--import", imports, *words],
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "MLOPS_DATABASE_URL": lab.url},
        )
        started.append(process)
        return process

    yield worker
    for process in started:
        with process:
            process.kill()


def heard(process: subprocess.Popen[str], event: str) -> dict[str, Any]:
    """Return the first line of a worker's log with an event."""
    assert process.stderr is not None
    for line in process.stderr:
        if event in line:
            found: dict[str, Any] = json.loads(line)
            return found
    raise AssertionError(f"the worker ended without saying {event!r}")


def ask(lab: Database, kind: str = "lab.write", **options: Any) -> str:
    """Enqueue a job."""
    with lab.write() as tx:
        return enqueue(tx, kind=kind, **options)


def effects(lab: Database) -> list[str]:
    """Return the jobs whose effect is there."""
    with lab.read() as tx:
        return list(tx.execute(sa.text("SELECT job_id FROM effects ORDER BY job_id")).scalars())


def test_a_worker_does_the_jobs_of_a_programs_module(lab: Database, start: Start) -> None:
    """It says in JSON what it does, and ends at SIGTERM with status 0."""
    worker = start("--workers", "2", "--capability", "gpu")
    begun = heard(worker, "worker does jobs")
    assert {"lab.write", "lab.slow", "lab.fit"} < set(begun["kinds"])
    jobs = sorted(ask(lab, kind) for kind in ("lab.write", "lab.fit"))
    for job_id in jobs:
        assert wait(lab, job_id, LONG_S).status is JobStatus.SUCCEEDED
    assert heard(worker, "job is done")["job"] in jobs
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(LONG_S) == 0
    assert effects(lab) == jobs


def test_drain_ends_when_nothing_is_left(lab: Database, start: Start) -> None:
    """What a schedule makes due is done too; what needs something else stays, and says so."""
    with lab.write() as tx:
        hour_ago = clock.now() - timedelta(hours=1)
        schedule(tx, name="due", kind="lab.write", cron="* * * * *", now=lambda: hour_ago)
    jobs = sorted(ask(lab) for _ in range(5))
    beyond = ask(lab, "lab.fit")
    assert start("--drain").wait(LONG_S) == 0
    assert effects(lab)[:5] == jobs
    assert len(effects(lab)) in {6, 7}  # another minute may have begun
    with lab.read() as tx:
        assert get_job(tx, beyond).status is JobStatus.QUEUED
        assert explain(tx, beyond)[0].startswith("No worker is alive")


def test_a_stopped_worker_finishes_or_gives_back(lab: Database, start: Start) -> None:
    """A job that ends within the grace is finished; a longer one goes to the next worker at once."""
    worker = start("--grace", "30")
    heard(worker, "worker does jobs")
    short = ask(lab, "lab.slow", payload={"seconds": 1})
    heard(worker, "job begins")
    worker.send_signal(signal.SIGINT)
    assert worker.wait(LONG_S) == 0
    assert effects(lab) == [short]
    worker = start("--grace", "0")
    heard(worker, "worker does jobs")
    long = ask(lab, "lab.slow", payload={"seconds": 600})
    heard(worker, "job begins")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(LONG_S) == 0
    with lab.read() as tx:
        given_back = get_job(tx, long)
    assert (given_back.status, given_back.attempts) == (JobStatus.QUEUED, 0)


def test_a_killed_workers_job_is_taken_up_by_the_next(lab: Database, start: Start) -> None:
    """As soon as its lease has run out; its effect is there once."""
    worker = start()
    heard(worker, "worker does jobs")
    job_id = ask(lab, "lab.slow", payload={"seconds": 600})
    heard(worker, "job begins")
    worker.kill()
    worker.wait()
    start()
    done = wait(lab, job_id, LONG_S)
    assert (done.status, done.result, effects(lab)) == (JobStatus.SUCCEEDED, {"attempt": 2}, [job_id])


def test_a_module_that_is_not_there_is_said(lab: Database, start: Start, tmp_path: Path) -> None:
    """By name, with the folder that was looked in; an error inside a module is its own."""
    worker = start(imports="lab_jbos.plates")
    assert worker.wait(LONG_S) == 1
    assert worker.stderr is not None
    assert f"there is no module 'lab_jbos' in {tmp_path}" in worker.stderr.read()
    (tmp_path / "needy.py").write_text("import no_such_thing\n")
    worker = start(imports="needy")
    assert worker.wait(LONG_S) == 1
    assert worker.stderr is not None
    assert "No module named 'no_such_thing'" in worker.stderr.read()
