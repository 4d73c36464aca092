"""Handlers in processes of their own: heard, fenced, limited, and gone when they must be."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops.database import Database
from mlops.errors import InvalidInput
from mlops.jobs import JobContext, JobHandler, JobProgress, JobRunner, JobStatus, cancel, isolated, job_logs, wait
from mlops.tests.integration.jobs import isolated_handlers
from mlops.tests.integration.jobs.conftest import KIND, LONG_S, Enqueue, effects, job, until

Runner = Callable[..., JobRunner]


def lines(lab: Database, job_id: str) -> list[str]:
    """Return what a job logged."""
    with lab.read() as tx:
        return [line.message for line in job_logs(tx, job_id)]


def pids(lab: Database, job_id: str) -> list[int]:
    """Return the processes that a job told of."""
    return [int(line.split()[1]) for line in lines(lab, job_id) if line.startswith("pid ")]


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and was not reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def run(runner_of: Runner, function: Callable[[JobContext], Any] | str, **options: Any) -> None:
    """Start a runner for a function in a process of its own."""
    limit = options.pop("memory_limit_mb", None)
    runner_of(JobHandler(KIND, isolated(function, memory_limit_mb=limit), timeout_s=options.pop("timeout_s", None)))


def test_another_process_does_the_job_and_is_heard(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """Result, words and progress come back; it works on behalf of whoever asked."""
    run(runner_of, isolated_handlers.report)
    job_id = ask(payload={"plate": 7, "odd": float("nan")}, actor="ann")
    done = wait(lab, job_id, LONG_S)
    assert done.error is None
    assert done.result["pid"] != os.getpid()
    assert {**done.result, "pid": 0} == {"pid": 0, "actor": "ann", "attempt": 1, "plate": 7}
    assert (lines(lab, job_id), done.progress) == (["begun"], JobProgress(done=1, total=2, message="half"))


def test_its_commit_is_fenced_and_ends_the_job(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """An error after it changes nothing."""
    run(runner_of, isolated_handlers.effect)
    job_id = ask()
    done = wait(lab, job_id, LONG_S)
    assert (done.status, done.result, effects(lab)) == (JobStatus.SUCCEEDED, "done", {job_id: 1})
    until(lambda: any("after the commit" in line for line in lines(lab, job_id)))


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("raise", "JobProcessFailed: ValueError: boom"),
        ("permanent", "PermanentFailure: never"),
        ("exit", "JobProcessFailed: SystemExit: 3"),
        ("crash", "SIGSEGV"),
        ("quit", "with status 7"),
    ],
)
def test_its_failures_are_told(lab: Database, ask: Enqueue, runner_of: Runner, how: str, error: str) -> None:
    """With the traceback in the log where there is one; only a permanent one ends the attempts."""
    run(runner_of, isolated_handlers.fail)
    job_id = ask(payload={"how": how}, max_attempts=2)
    done = wait(lab, job_id, LONG_S)
    assert (done.status, done.attempts) == (JobStatus.FAILED, 1 if how == "permanent" else 2)
    assert error in (done.error or "")
    assert how != "raise" or "in fail" in lines(lab, job_id)[0]


def test_too_much_memory_ends_it(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """The job fails without another attempt, and says what the limit was."""
    run(runner_of, isolated_handlers.grow, memory_limit_mb=300)
    done = wait(lab, ask(), LONG_S)
    assert (done.status, done.attempts) == (JobStatus.FAILED, 1)
    assert "its limit is 300 MB" in (done.error or "")


def test_a_time_limit_kills_what_does_not_look(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """With the processes that it started."""
    runner_of(JobHandler(KIND, isolated(isolated_handlers.hang), timeout_s=4.0), lease_s=1.0)
    job_id = ask(max_attempts=1)
    done = wait(lab, job_id, LONG_S)
    assert done.status is JobStatus.FAILED
    assert "longer than its limit of 4 s" in (done.error or "")
    assert len(pids(lab, job_id)) == 2
    until(lambda: not any(is_alive(pid) for pid in pids(lab, job_id)))


def test_what_stays_after_its_commit_is_ended(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """The job has succeeded; its process goes when nobody waits for it any more, as at its time limit."""
    runner = runner_of(JobHandler(KIND, isolated(isolated_handlers.commit_and_hang)))
    done = wait(lab, ask(), LONG_S)
    assert (done.status, is_alive(done.result)) == (JobStatus.SUCCEEDED, True)
    runner.close(timeout_s=0)
    until(lambda: not is_alive(done.result))


def test_what_no_job_can_keep_stays_in_its_process(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """The worker is not made to read it: lines are cut there, and the job says how long its result may be."""
    run(runner_of, isolated_handlers.say_too_much)
    job_id = ask()
    done = wait(lab, job_id, LONG_S)
    assert (done.status, "has 50000002 characters" in (done.error or "")) == (JobStatus.FAILED, True)
    assert all(len(line) < 30_000 for line in lines(lab, job_id))


def test_a_cancelled_one_may_clean_up(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """It is told at its next check."""
    run(runner_of, isolated_handlers.check_for_ever)
    job_id = ask()
    until(lambda: pids(lab, job_id))
    with lab.write() as tx:
        cancel(tx, job_id)
    assert wait(lab, job_id, LONG_S).status is JobStatus.CANCELLED
    assert "cleaned up" in lines(lab, job_id)
    until(lambda: not is_alive(pids(lab, job_id)[0]))


def test_a_cancelled_one_that_does_not_look_is_killed(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """A moment later."""
    runner_of(JobHandler(KIND, isolated(isolated_handlers.hang)), lease_s=1.0)
    job_id = ask()
    until(lambda: len(pids(lab, job_id)) == 2)
    with lab.write() as tx:
        cancel(tx, job_id)
    assert wait(lab, job_id, LONG_S).status is JobStatus.CANCELLED
    until(lambda: not any(is_alive(pid) for pid in pids(lab, job_id)))


def test_a_closed_runner_takes_its_processes_along(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """The job is given back."""
    runner = runner_of(JobHandler(KIND, isolated(isolated_handlers.hang)), lease_s=1.0)
    job_id = ask()
    until(lambda: len(pids(lab, job_id)) == 2)
    runner.close(timeout_s=0)
    until(lambda: not is_alive(pids(lab, job_id)[0]))
    assert (job(lab, job_id).status, job(lab, job_id).attempts) == (JobStatus.QUEUED, 0)


def test_a_killed_worker_takes_its_process_along(
    lab: Database, ask: Enqueue, start_program: Callable[..., subprocess.Popen[str]]
) -> None:
    """The kernel and the pipe see to that, whatever the handler is at."""
    worker = start_program("isolating.py")
    job_id = ask()
    until(lambda: len(pids(lab, job_id)) == 2)
    child = pids(lab, job_id)[0]
    assert is_alive(child)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    until(lambda: not is_alive(child))


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("mlops.no_such_module:run", "ModuleNotFoundError"),
        ("mlops.tests.integration.jobs.isolated_handlers:NO_FUNCTION", "no function"),
    ],
)
def test_what_is_no_function_there_fails_the_job(
    lab: Database, ask: Enqueue, runner_of: Runner, target: str, error: str
) -> None:
    """At once, without further attempts."""
    run(runner_of, target)
    done = wait(lab, ask(), LONG_S)
    assert (done.status, done.attempts) == (JobStatus.FAILED, 1)
    assert error in (done.error or "")


def test_what_another_process_cannot_import_is_refused() -> None:
    """A lambda, a function inside another one, something of the program itself."""

    def inner(context: JobContext) -> None:
        """Do nothing."""

    def of_program(context: JobContext) -> None:
        """Do nothing."""

    of_program.__module__, of_program.__qualname__ = "__main__", "of_program"
    for function in (inner, lambda _: None, of_program):
        with pytest.raises(InvalidInput, match="top of a module"):
            isolated(function)
    with pytest.raises(InvalidInput, match="above 0"):
        isolated("lab.batches:recompute", memory_limit_mb=0)
    for name in ("lab.batches", "lab.batches:", ":recompute"):
        with pytest.raises(InvalidInput, match="names no function"):
            isolated(name)
