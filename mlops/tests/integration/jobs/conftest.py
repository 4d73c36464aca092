"""A table for the effects of jobs, handlers that write into it, and programs that run them elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mlops.database import Database
from mlops.jobs import Backoff, Job, JobHandler, JobRunner, JobStatus, enqueue, get_job
from mlops.jobs.claiming import Claimant

KIND = "test.effect"
LONG_S = 60.0
AT_ONCE = Backoff(first_s=0.0, longest_s=0.0)

Enqueue = Callable[..., str]


@pytest.fixture
def lab(database: Database) -> Database:
    """Return a database with a table into which handlers write."""
    with database.write() as tx:
        tx.execute(sa.text("CREATE TABLE effects (job_id TEXT NOT NULL, pid INTEGER NOT NULL)"))
        tx.execute(sa.text("CREATE TABLE wanted (job_id TEXT NOT NULL)"))
    return database


@pytest.fixture
def ask(lab: Database) -> Enqueue:
    """Return a function that enqueues a job in a transaction of its own."""

    def enqueue_one(kind: str = KIND, **options: Any) -> str:
        with lab.write() as tx:
            return enqueue(tx, kind=kind, **options)

    return enqueue_one


@pytest.fixture
def runner_of(lab: Database) -> Iterator[Callable[..., JobRunner]]:
    """Return a function that starts a runner; all are closed at the end."""
    runners: list[JobRunner] = []

    def start(*handlers: JobHandler, lease_s: float = 10.0, **options: Any) -> JobRunner:
        runner = JobRunner(lab, handlers, lease_s=lease_s, backoff=options.pop("backoff", AT_ONCE), **options)
        runner.start()
        runners.append(runner)
        return runner

    yield start
    for runner in runners:
        runner.close(timeout_s=30)


@pytest.fixture
def start_program(lab: Database) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts a program of `programs/`; those that still run at the end are killed."""
    started: list[subprocess.Popen[str]] = []

    def start(name: str, *arguments: object) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            [sys.executable, Path(__file__).parent / "programs" / name, lab.url, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "error,default::DeprecationWarning"},
        )
        started.append(program)
        return program

    yield start
    for program in started:
        with program:
            program.kill()


def write_effect(tx: Any, job_id: str) -> None:
    """Write what must be there once for each job."""
    tx.execute(sa.text("INSERT INTO effects VALUES (:job_id, :pid)"), {"job_id": job_id, "pid": os.getpid()})


def have_effect(context: Any) -> None:
    """Handle a job: its effect and its end commit together."""
    with context.commit(result="done") as tx:
        write_effect(tx, context.job_id)


EFFECT = JobHandler(KIND, have_effect)


def say(text: str) -> None:
    """Print a line, in a program, for the test that started it."""
    os.write(1, f"{text}\n".encode())


def until(condition: Callable[[], object]) -> None:
    """Wait for something that must happen."""
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def effects(database: Database) -> Counter[str]:
    """Count the effects of each job."""
    with database.read() as tx:
        return Counter(tx.execute(sa.text("SELECT job_id FROM effects")).scalars())


def job(database: Database, job_id: str) -> Job:
    """Return a job as it is now."""
    with database.read() as tx:
        return get_job(tx, job_id)


def status(database: Database, job_id: str) -> JobStatus:
    """Return a job's status."""
    return job(database, job_id).status


def claimant(*kinds: str, worker: str = "w1", lease_s: float = 10.0, capabilities: tuple[str, ...] = ()) -> Claimant:
    """Return somebody who takes jobs without a runner."""
    return Claimant(worker, kinds or (KIND,), frozenset(capabilities), lease_s)
