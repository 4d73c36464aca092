"""Jobs and the ends of processes: scripts that wait for their own, workers that are stopped, killed or elsewhere."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from mlops.database import Database
from mlops.jobs import JobRunner, JobStatus, list_jobs, list_workers, wait
from mlops.tests.integration.jobs.conftest import EFFECT, LONG_S, Enqueue, effects, job, status, until

Program = subprocess.Popen[str]
Start = Callable[..., Program]
Runner = Callable[..., JobRunner]


def heard(program: Program) -> str:
    """Return the next line that a program prints."""
    assert program.stdout is not None
    return program.stdout.readline().strip()


def tell(program: Program) -> None:
    """Let a program go on that reads a line."""
    assert program.stdin is not None
    program.stdin.write("\n")
    program.stdin.flush()


@pytest.mark.parametrize(("what", "attempts"), [("slow", 1), ("failing", 3), ("chain", 1)])
def test_a_script_does_not_end_before_its_jobs(lab: Database, start_program: Start, what: str, attempts: int) -> None:
    """Nor before those that follow from them, or their further attempts."""
    script = start_program("script.py", what)
    job_id = heard(script)
    assert script.wait(LONG_S) == 0
    done = job(lab, job_id)
    assert (done.status, done.attempts) == (JobStatus.SUCCEEDED, attempts)
    with lab.read() as tx:
        assert list_workers(tx) == []


@pytest.mark.parametrize("what", ["later", "beside"])
def test_a_script_does_not_wait_for_what_it_cannot_do_now(lab: Database, start_program: Start, what: str) -> None:
    """The job stays for another process."""
    script = start_program("script.py", what)
    job_id = heard(script)
    assert script.wait(LONG_S) == 0
    assert status(lab, job_id) is JobStatus.QUEUED


def test_a_script_ends_while_it_does_somebody_elses_job(
    lab: Database, ask: Enqueue, start_program: Start, runner_of: Runner
) -> None:
    """The job is given back, and done by the next process at once."""
    job_id = ask()
    assert start_program("script.py", "busy").wait(LONG_S) == 0
    assert (status(lab, job_id), job(lab, job_id).attempts) == (JobStatus.QUEUED, 0)
    runner_of(EFFECT)
    assert wait(lab, job_id, LONG_S).status is JobStatus.SUCCEEDED


@pytest.mark.parametrize("what", ["interrupted", "interrupted_within"])
def test_an_interrupted_script_ends_at_once(lab: Database, start_program: Start, what: str) -> None:
    """Ctrl-C means it: the job is given back as though it had not begun, and the next process does it."""
    script = start_program("script.py", what)
    job_id = heard(script)
    assert script.wait(LONG_S) == -signal.SIGINT
    assert (status(lab, job_id), job(lab, job_id).attempts) == (JobStatus.QUEUED, 0)


def test_the_next_process_goes_on_with_a_killed_ones_job(
    lab: Database, start_program: Start, runner_of: Runner
) -> None:
    """As soon as the lease has ended."""
    script = start_program("script.py", "killed")
    job_id = heard(script)
    assert script.wait(LONG_S) == -signal.SIGKILL
    runner_of(EFFECT)
    done = wait(lab, job_id, LONG_S)
    assert (done.status, done.attempts, effects(lab)) == (JobStatus.SUCCEEDED, 2, {job_id: 1})


def test_a_stopped_workers_late_commit_is_refused(
    lab: Database, ask: Enqueue, start_program: Start, runner_of: Runner
) -> None:
    """Another one has done its job meanwhile, once."""
    worker = start_program("stopped.py")
    assert heard(worker) == "ready"
    job_id = ask()
    assert heard(worker) == "begun"
    worker.send_signal(signal.SIGSTOP)
    runner_of(EFFECT, lease_s=0.5)
    assert wait(lab, job_id, LONG_S).attempts == 2
    tell(worker)
    worker.send_signal(signal.SIGCONT)
    assert heard(worker) == "refused"
    assert worker.wait(LONG_S) == 0
    assert (effects(lab), job(lab, job_id).result) == ({job_id: 1}, "done")


def test_a_worker_elsewhere_is_woken(lab: Database, ask: Enqueue, start_program: Start) -> None:
    """It does jobs that this process asks for, one after the other."""
    assert heard(start_program("worker.py", 10)) == "ready"
    for _ in range(5):
        assert wait(lab, ask(), LONG_S).status is JobStatus.SUCCEEDED


def check_under_kills(seconds: float, lab: Database, start_program: Start) -> None:
    """Have two schedulers and four workers killed and replaced at random; then let the work be finished, and look."""
    chance = random.Random(seconds)
    kinds = ["scheduler.py"] * 2 + ["worker.py"] * 4
    programs = [start_program(name, 1.0) for name in kinds]
    for program in programs:
        assert heard(program) == "ready"
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(chance.random())
        victim = chance.randrange(len(programs))
        programs[victim].kill()
        programs[victim] = start_program(kinds[victim], 1.0)
    for program, name in zip(programs, kinds, strict=True):
        if name == "scheduler.py":
            program.kill()
            program.wait()
    until(lambda: not unfinished(lab))
    check_all(lab)


def unfinished(lab: Database) -> int:
    """Count jobs that have not ended."""
    with lab.read() as tx:
        ended = sa.text("SELECT count(*) FROM jobs WHERE status IN ('waiting', 'queued', 'running')")
        count: int = tx.execute(ended).scalar_one()
        return count


def check_all(lab: Database) -> None:
    """Every job that was asked for has succeeded, and its effect is there once."""
    with lab.read() as tx:
        wanted = set(tx.execute(sa.text("SELECT job_id FROM wanted")).scalars())
        stored = {one.job_id for one in list_jobs(tx, limit=10_000, status="succeeded")}
    assert len(wanted) > 20
    assert wanted == stored
    assert effects(lab) == dict.fromkeys(wanted, 1)


def test_kills_at_random_lose_and_repeat_nothing(lab: Database, start_program: Start) -> None:
    """Some seconds of killing schedulers and workers, while their wall clocks jump."""
    check_under_kills(5, lab, start_program)


@pytest.mark.long
def test_a_minute_of_kills_loses_and_repeats_nothing(lab: Database, start_program: Start) -> None:
    """The same for a minute."""
    check_under_kills(60, lab, start_program)
