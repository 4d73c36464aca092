"""Dependencies; what people do to jobs; and why a job does not run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from mlops import clock
from mlops.audit import acting_as, list_entries
from mlops.database import Database
from mlops.errors import InvalidInput
from mlops.jobs import (
    Backoff,
    JobHandler,
    JobNotFound,
    JobRunner,
    JobStateConflict,
    JobStatus,
    cancel,
    enqueue,
    explain,
    find_job,
    job_logs,
    list_jobs,
    list_workers,
    prune,
    retry,
    wait,
)
from mlops.jobs.claiming import claim
from mlops.jobs.ending import Ending, end_all, move_dependants
from mlops.tests.integration.jobs.conftest import EFFECT, KIND, LONG_S, Enqueue, claimant, job, status, until

Runner = Callable[..., JobRunner]


def end(lab: Database, job_id: str, how: str) -> None:
    """Take the job that comes first, and end it."""
    with lab.write() as tx:
        [attempt] = claim(tx, claimant(), 1)
        assert attempt.job.job_id == job_id
        end_all(tx, [Ending(attempt.lease, how, 1, error=None if how == "succeeded" else "boom")], at=clock.now())
        move_dependants(tx, [job_id], succeeded=how == "succeeded", at=clock.now())


def reasons(lab: Database, job_id: str) -> str:
    """Return why a job does not run, as one text."""
    with lab.read() as tx:
        return "\n".join(explain(tx, job_id))


def test_a_job_waits_for_all_that_it_depends_on(lab: Database, ask: Enqueue) -> None:
    """It is queued when the last of them succeeds; one that has succeeded already is no hindrance."""
    first = ask(priority=2)
    second = ask(priority=1)
    both = ask(depends_on=[second, first])
    assert (status(lab, both), job(lab, both).depends_on) == (JobStatus.WAITING, (first, second))
    with lab.write() as tx:
        for attempt in claim(tx, claimant(), 2):
            end_all(tx, [Ending(attempt.lease, "succeeded", 1, "null")], at=clock.now())
            move_dependants(tx, [attempt.job.job_id], succeeded=True, at=clock.now())
            assert find_job(tx, both).status == ("queued" if attempt.job.job_id == second else "waiting")
    assert status(lab, ask(depends_on=[first, second])) is JobStatus.QUEUED


def test_dependencies_that_end_at_once_let_go_what_waits(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """Neither of two transactions sees the other's end, and yet the job is queued."""
    gate = threading.Barrier(4)
    runner_of(JobHandler("test.together", lambda _: gate.wait(LONG_S) and None), EFFECT, workers=4)
    for _ in range(5):
        last = ask(depends_on=[ask("test.together") for _ in range(4)])
        assert wait(lab, last, LONG_S).status is JobStatus.SUCCEEDED


def test_a_failure_fails_all_that_waits_for_it(lab: Database, ask: Enqueue) -> None:
    """However far down, before and afterwards; each says because of whom."""
    first = ask()
    second = ask(depends_on=[first])
    third = ask(depends_on=[second])
    end(lab, first, "failed")
    assert (status(lab, second), status(lab, third)) == (JobStatus.FAILED, JobStatus.FAILED)
    assert first in (job(lab, second).error or "")
    assert second in (job(lab, third).error or "")
    assert status(lab, ask(depends_on=[first])) is JobStatus.FAILED


def test_a_long_chain_fails_with_its_first_job(lab: Database, ask: Enqueue) -> None:
    """However many jobs wait for one another in a row."""
    with lab.write() as tx:
        chain = [enqueue(tx, kind=KIND)]
        for _ in range(1_100):
            chain.append(enqueue(tx, kind=KIND, depends_on=chain[-1:]))
        cancel(tx, chain[0])
    assert status(lab, chain[-1]) is JobStatus.FAILED
    assert chain[-2] in (job(lab, chain[-1]).error or "")


@pytest.mark.parametrize("how", ["succeeded", "failed"])
def test_any_number_of_jobs_may_wait_for_one(lab: Database, ask: Enqueue, how: str) -> None:
    """More than are moved by one statement."""
    first = ask()
    with lab.write() as tx:
        for _ in range(1_100):
            enqueue(tx, kind="test.many", depends_on=[first])
    end(lab, first, how)
    with lab.read() as tx:
        statuses = {found.status for found in list_jobs(tx, kind="test.many", limit=2_000)}
    assert statuses == {"queued" if how == "succeeded" else "failed"}


def test_cancelling_what_has_not_begun_ends_it_at_once(lab: Database, ask: Enqueue) -> None:
    """What waits for it fails; the audit and the log tell who wanted it; twice is once."""
    job_id = ask()
    waiting = ask(depends_on=[job_id])
    with acting_as("ann"):
        for _ in range(2):
            with lab.write() as tx:
                assert cancel(tx, job_id, reason="wrong plate").status is JobStatus.CANCELLED
    assert "cancelled" in (job(lab, waiting).error or "")
    with lab.read() as tx:
        [entry] = list_entries(tx, subject_kind="job")
        [line] = job_logs(tx, job_id)
    assert (entry.actor, entry.action, entry.subject_id) == ("ann", "cancel", job_id)
    assert entry.details == {"kind": KIND, "from_status": "queued", "reason": "wrong plate"}
    assert line.message == "cancel by ann: wrong plate"


def test_any_reason_can_be_written_down(lab: Database, ask: Enqueue) -> None:
    """Also one that a database could not hold."""
    job_id = ask()
    with lab.write() as tx:
        cancel(tx, job_id, reason="half\0 a plate")
        [line] = job_logs(tx, job_id)
    assert line.message.endswith("half\N{REPLACEMENT CHARACTER} a plate")


def test_an_ended_job_cannot_be_cancelled(lab: Database, ask: Enqueue) -> None:
    """Nor can one that does not exist."""
    job_id = ask()
    end(lab, job_id, "succeeded")
    with lab.write() as tx, pytest.raises(JobStateConflict, match="succeeded"):
        cancel(tx, job_id)
    with lab.write() as tx, pytest.raises(JobNotFound):
        cancel(tx, "nowhere")


def test_a_retried_job_has_all_its_attempts_again(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """It keeps its id and log, and runs as though it were new."""
    job_id = ask(max_attempts=1, key="k")
    end(lab, job_id, "failed")
    with lab.write() as tx:
        again = retry(tx, job_id, reason="mended")
    assert (again.status, again.attempts, again.error, again.ended_at) == (JobStatus.QUEUED, 0, None, None)
    runner_of(EFFECT)
    assert wait(lab, job_id, LONG_S).status is JobStatus.SUCCEEDED
    with lab.write() as tx, pytest.raises(JobStateConflict, match="succeeded"):
        retry(tx, job_id)


def test_a_retry_waits_for_what_it_depends_on(lab: Database, ask: Enqueue) -> None:
    """The failed one comes first; its key must be free."""
    first = ask()
    second = ask(depends_on=[first], key="k")
    end(lab, first, "failed")
    with lab.write() as tx:
        with pytest.raises(JobStateConflict, match=first):
            retry(tx, second)
        retry(tx, first)
        assert retry(tx, second).status is JobStatus.WAITING
        cancel(tx, second)
        other = enqueue(tx, kind=KIND, key="k")
        with pytest.raises(JobStateConflict, match=other):
            retry(tx, second)


def test_old_jobs_are_forgotten_but_not_those_still_needed(lab: Database, ask: Enqueue) -> None:
    """Their logs and dependencies go with them."""
    old, needed = ask(priority=1), ask()
    end(lab, old, "failed")
    with lab.write() as tx:
        retry(tx, old)
        cancel(tx, old)
    end(lab, needed, "succeeded")
    ask(depends_on=[needed, ask()])
    with lab.write() as tx:
        assert prune(tx, ended_before=clock.now() - timedelta(days=1)) == 0
        assert prune(tx, ended_before=clock.now() + timedelta(seconds=1)) == 1
        assert (find_job(tx, old), find_job(tx, needed) is None) == (None, False)
        with pytest.raises(JobNotFound):
            job_logs(tx, old)


@pytest.mark.parametrize("limit", [-1, 0, 10_001])
def test_impossible_limits_are_refused(lab: Database, ask: Enqueue, limit: int) -> None:
    """Alike on both databases."""
    job_id = ask()
    with lab.write() as tx:
        with pytest.raises(InvalidInput, match=f"limit is {limit}"):
            prune(tx, ended_before=clock.now(), limit=limit)
        with pytest.raises(InvalidInput, match=f"limit is {limit}"):
            job_logs(tx, job_id, limit=limit)


def test_what_a_kept_job_depends_on_is_kept(lab: Database, ask: Enqueue) -> None:
    """The job can be retried, however long ago that one succeeded."""
    needed = ask(priority=1)
    job_id = ask(depends_on=[needed])
    end(lab, needed, "succeeded")
    between = clock.now()
    end(lab, job_id, "failed")
    with lab.write() as tx:
        assert prune(tx, ended_before=between) == 0
        assert retry(tx, job_id).status is JobStatus.QUEUED
        cancel(tx, job_id)
        assert prune(tx, ended_before=clock.now() + timedelta(seconds=1)) == 2


def test_a_job_that_nobody_can_take_says_why(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """No worker, no handler, no capability, not all of them together."""

    def alive() -> int:
        with lab.read() as tx:
            return len(list_workers(tx))

    other, gpu, together = ask("test.other"), ask(requires=["gpu"]), ask(requires=["a", "b"])
    assert "No worker is alive" in reasons(lab, other)
    runner_of(JobHandler("test.unused", id), capabilities=["gpu"])
    until(lambda: alive() == 1)
    assert "The one live worker does not take jobs of kind 'test.other'" in reasons(lab, other)
    runner_of(EFFECT, capabilities=["a"])
    runner_of(EFFECT, capabilities=["b"])

    until(lambda: alive() == 3)
    assert "None of the 3 live workers takes jobs of kind 'test.other'" in reasons(lab, other)
    assert "needs 'gpu', which no live worker has" in reasons(lab, gpu)
    assert "needs a, b together" in reasons(lab, together)
    assert "1 queued job comes before it" in reasons(lab, gpu)


def test_a_job_is_taken_once_a_handler_offers_what_it_requires(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """What a process has may come when its runner is at work already."""
    offered: set[str] = set()
    job_id, plain = ask(requires=["reagent"]), ask()
    runner = runner_of(replace(EFFECT, offers=lambda: offered))
    until(lambda: status(lab, plain) is JobStatus.SUCCEEDED)
    assert "needs 'reagent', which no live worker has" in reasons(lab, job_id)
    offered.add("reagent")
    runner.wake()
    until(lambda: status(lab, job_id) is JobStatus.SUCCEEDED)


def test_a_job_that_waits_for_a_free_worker_says_so(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """One that could take it has as many as it runs at once."""
    gate = threading.Event()
    runner_of(JobHandler("test.gated", lambda _: gate.wait(LONG_S) and None), EFFECT)
    running = ask("test.gated")
    until(lambda: status(lab, running) is JobStatus.RUNNING)
    waiting = ask()
    assert "run 1 at once, and that many are running" in reasons(lab, waiting)
    gate.set()
    wait(lab, waiting, LONG_S)


def test_a_job_that_must_wait_says_for_what(lab: Database, ask: Enqueue) -> None:
    """For its time, for another job, for its next attempt."""
    later = ask(run_at=clock.now() + timedelta(days=1))
    waiting = ask(depends_on=[later])
    assert "It is scheduled for" in reasons(lab, later)
    assert f"It waits for job {later} ({KIND}), which is queued." in reasons(lab, waiting)
    with lab.write() as tx:
        cancel(tx, later)
    assert reasons(lab, waiting) == f"It failed before it began. It depends on job {later}, which is cancelled."


def test_a_pausing_running_or_ended_job_says_so(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """With the attempt and the error."""

    def boom(context: object) -> None:
        raise RuntimeError("boom")

    release = threading.Event()
    runner = runner_of(
        JobHandler("test.bad", boom),
        JobHandler(KIND, lambda _: release.wait(LONG_S)),
        backoff=Backoff(3600, 3600),
    )
    bad, good = ask("test.bad"), ask()
    until(lambda: status(lab, good) is JobStatus.RUNNING)
    assert "Attempt 1 of 3 failed" in reasons(lab, bad)
    assert "boom" in reasons(lab, bad)
    assert f"Worker {runner.worker} runs it, attempt 1 of 3." in reasons(lab, good)
    release.set()
    wait(lab, good, LONG_S)
    assert "It succeeded in attempt 1 of 3." in reasons(lab, good)
