"""A runner: results, errors, retries, limits, cancelling, and what a handler may say."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from mlops import clock
from mlops.audit import current_actor
from mlops.database import Database
from mlops.errors import InvalidInput
from mlops.jobs import (
    Backoff,
    JobContext,
    JobHandler,
    JobNotEnded,
    JobProgress,
    JobRunner,
    JobStatus,
    PermanentFailure,
    Waker,
    cancel,
    enqueue,
    job_logs,
    wait,
)
from mlops.jobs.claiming import claim
from mlops.jobs.wakers import default_waker
from mlops.tests.integration.jobs.conftest import (
    EFFECT,
    KIND,
    LONG_S,
    Enqueue,
    effects,
    have_effect,
    job,
    status,
    until,
    write_effect,
)

Runner = Callable[..., JobRunner]


@pytest.fixture
def often_switched() -> Iterator[None]:
    """Have Python switch between threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def logged(lab: Database, job_id: str) -> list[tuple[int, str, str]]:
    """Return attempt, level and message of all lines."""
    with lab.read() as tx:
        return [(line.attempt, line.level, line.message) for line in job_logs(tx, job_id)]


def test_a_handlers_result_and_words_are_kept(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """What it returns is the result; it works on behalf of whoever asked."""

    def handle(context: JobContext) -> Any:
        context.log("begun")
        context.log("odd", level="warning")
        context.progress(2, total=4, message="halfway")
        return {"actor": current_actor(), "plate": context.payload["plate"], "attempt": context.attempt}

    runner_of(JobHandler(KIND, handle))
    job_id = ask(payload={"plate": 7}, actor="ann")
    done = wait(lab, job_id, LONG_S)
    assert (done.status, done.error, done.attempts) == (JobStatus.SUCCEEDED, None, 1)
    assert done.result == {"actor": "ann", "plate": 7, "attempt": 1}
    assert done.ended_at is not None
    assert logged(lab, job_id) == [(1, "info", "begun"), (1, "warning", "odd")]


def test_progress_shows_while_the_handler_works(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """It is carried to the database by the heart, as log lines are."""
    release = threading.Event()

    def handle(context: JobContext) -> None:
        context.progress(1, total=3, message="first")
        context.log("first")
        release.wait(LONG_S)

    runner_of(JobHandler(KIND, handle), lease_s=0.5)
    job_id = ask()
    until(lambda: job(lab, job_id).progress != JobProgress() and logged(lab, job_id))
    assert job(lab, job_id).progress == JobProgress(done=1, total=3, message="first")
    release.set()
    assert wait(lab, job_id, LONG_S).status is JobStatus.SUCCEEDED


def test_a_failed_attempt_is_followed_by_another(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """The error stands in the log with its traceback, and is gone from a job that succeeded."""

    def handle(context: JobContext) -> str:
        if context.attempt < 3:
            raise RuntimeError(f"boom {context.attempt} \0")
        return "at last"

    runner_of(JobHandler(KIND, handle))
    job_id = ask()
    done = wait(lab, job_id, LONG_S)
    assert (done.status, done.result, done.attempts, done.error) == (JobStatus.SUCCEEDED, "at last", 3, None)
    [(one, level, first), (two, _, second)] = logged(lab, job_id)
    assert (one, two, level) == (1, 2, "error")
    assert "Traceback" in first
    assert "boom 1" in first
    assert "boom 2" in second


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (RuntimeError("boom"), 2),
        (SystemExit("boom"), 2),
        (PermanentFailure("boom"), 1),
        (InvalidInput("boom"), 1),
    ],
)
def test_attempts_end_when_they_are_used_up_or_useless(
    lab: Database, ask: Enqueue, runner_of: Runner, error: BaseException, attempts: int
) -> None:
    """The job keeps the last error; the worker goes on with the next job."""

    def handle(context: JobContext) -> None:
        raise error

    runner_of(JobHandler(KIND, handle), JobHandler("test.next", have_effect))
    failed, following = ask(max_attempts=2), ask("test.next")
    done = wait(lab, failed, LONG_S)
    assert (done.status, done.attempts) == (JobStatus.FAILED, attempts)
    assert "boom" in (done.error or "")
    assert wait(lab, following, LONG_S).status is JobStatus.SUCCEEDED


def test_a_job_pauses_before_its_next_attempt(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """Meanwhile it is queued, and others are done."""

    def handle(context: JobContext) -> None:
        raise RuntimeError("boom")

    runner_of(JobHandler("test.bad", handle), EFFECT, backoff=Backoff(first_s=3600, longest_s=3600))
    bad, good = ask("test.bad", priority=1), ask()
    wait(lab, good, LONG_S)
    with pytest.raises(JobNotEnded, match="queued"):
        wait(lab, bad, 0.01)
    assert job(lab, bad).error == "RuntimeError: boom"


def test_effects_commit_with_the_end_or_not_at_all(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """An error inside the block undoes both; one after it changes nothing any more."""

    def handle(context: JobContext) -> None:
        with context.commit(result="kept") as tx:
            write_effect(tx, context.job_id)
            if context.attempt == 1:
                raise RuntimeError("before the commit")
        raise RuntimeError("after the commit")

    runner_of(JobHandler(KIND, handle))
    job_id = ask()
    done = wait(lab, job_id, LONG_S)
    assert (done.status, done.result, done.attempts) == (JobStatus.SUCCEEDED, "kept", 2)
    assert effects(lab) == {job_id: 1}


def test_a_result_found_inside_the_transaction_ends_the_job(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """`finish` does what `commit(result=…)` does; a job can ask for the next one in it."""

    def handle(context: JobContext) -> None:
        with context.commit() as tx:
            write_effect(tx, context.job_id)
            context.finish(tx, {"next": enqueue(tx, kind="test.next", depends_on=[context.job_id])})

    runner_of(JobHandler(KIND, handle), JobHandler("test.next", have_effect))
    first = wait(lab, ask(), LONG_S)
    assert wait(lab, first.result["next"], LONG_S).status is JobStatus.SUCCEEDED


def test_a_handler_that_checks_ends_at_its_time_limit(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """The job's own limit counts before the handler's."""

    def handle(context: JobContext) -> None:
        while True:
            context.check()

    runner_of(JobHandler(KIND, handle, timeout_s=3600), lease_s=1)
    done = wait(lab, ask(timeout_s=0.05, max_attempts=1), LONG_S)
    assert done.status is JobStatus.FAILED
    assert "longer than its limit of 0.05 s" in (done.error or "")


def test_a_handler_that_heeds_no_limit_is_left_behind(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """Another thread does the next job, and what the late one commits is refused."""
    release, refused = threading.Event(), []

    def handle(context: JobContext) -> None:
        release.wait(LONG_S)
        try:
            with context.commit(result="late") as tx:
                write_effect(tx, context.job_id)
        except BaseException as error:
            refused.append(type(error).__name__)
            raise

    runner = runner_of(JobHandler("test.stuck", handle), EFFECT, lease_s=0.5)
    stuck, following = ask("test.stuck", timeout_s=0.05, max_attempts=1), ask()
    assert wait(lab, stuck, LONG_S).status is JobStatus.FAILED
    assert wait(lab, following, LONG_S).status is JobStatus.SUCCEEDED
    release.set()
    runner.close()
    until(lambda: refused)
    assert (refused, effects(lab)) == (["JobTimedOut"], {following: 1})


def test_a_running_job_is_cancelled_when_its_handler_checks(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """Its cleaning up is done, and it is not tried again."""
    begun, cleaned = threading.Event(), threading.Event()

    def handle(context: JobContext) -> None:
        begun.set()
        try:
            while True:
                context.check()
        finally:
            cleaned.set()

    runner_of(JobHandler(KIND, handle))
    job_id = ask()
    assert begun.wait(LONG_S)
    with lab.write() as tx:
        assert cancel(tx, job_id).cancel_requested
    assert wait(lab, job_id, LONG_S).status is JobStatus.CANCELLED
    assert cleaned.is_set()
    assert not job(lab, job_id).cancel_requested


def test_a_cancelled_job_commits_nothing(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """The wish is seen by the transaction itself, before any check."""

    def handle(context: JobContext) -> None:
        with lab.write() as tx:
            cancel(tx, context.job_id)
        with context.commit(result="done") as tx:
            write_effect(tx, context.job_id)

    runner_of(JobHandler(KIND, handle))
    job_id = ask()
    assert wait(lab, job_id, LONG_S).status is JobStatus.CANCELLED
    assert not effects(lab)


@pytest.mark.parametrize("done", [float("nan"), float("inf")])
def test_progress_without_a_number_is_refused(lab: Database, ask: Enqueue, runner_of: Runner, done: float) -> None:
    """In the handler that says it, and not later by the database, at the cost of all."""
    runner_of(JobHandler(KIND, lambda context: context.progress(done)))
    assert "done" in (wait(lab, ask(), LONG_S).error or "")


def test_closing_waits_for_what_runs_and_takes_nothing_more(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """What waits stays queued, unattempted."""
    begun, release = threading.Event(), threading.Event()

    def handle(context: JobContext) -> None:
        begun.set()
        release.wait(LONG_S)

    runner = runner_of(JobHandler(KIND, handle))
    first, second = ask(), ask()
    assert begun.wait(LONG_S)
    threading.Timer(0.05, release.set).start()
    runner.close()
    assert (status(lab, first), status(lab, second)) == (JobStatus.SUCCEEDED, JobStatus.QUEUED)
    assert job(lab, second).attempts == 0


def test_closing_at_once_gives_back_what_runs(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """Another runner begins it again without an attempt lost; the first one's commit is refused."""
    begun, release, refused = threading.Event(), threading.Event(), threading.Event()

    def handle(context: JobContext) -> None:
        begun.set()
        release.wait(LONG_S)
        try:
            with context.commit(result="late") as tx:
                write_effect(tx, context.job_id)
        finally:
            refused.set()

    runner = runner_of(JobHandler(KIND, handle))
    job_id = ask()
    assert begun.wait(LONG_S)
    runner.close(timeout_s=0)
    assert (status(lab, job_id), job(lab, job_id).attempts) == (JobStatus.QUEUED, 0)
    runner_of(EFFECT)
    assert wait(lab, job_id, LONG_S).attempts == 1
    release.set()
    assert refused.wait(LONG_S)
    assert effects(lab) == {job_id: 1}


@pytest.mark.parametrize("attempt", range(5))
def test_closing_waits_for_a_job_that_is_just_being_taken(
    lab: Database, ask: Enqueue, often_switched: None, attempt: int
) -> None:
    """Once its handler has begun, its end is written down, though nothing ran yet when the runner was closed."""
    job_id, taking, begun = ask(), threading.Event(), []

    def slow_clock() -> datetime:
        if sys._getframe(1).f_code is claim.__code__:
            taking.set()
            time.sleep(0.05)
        return clock.now()

    def handle(context: JobContext) -> None:
        begun.append(context.attempt)
        time.sleep(0.1)

    runner = JobRunner(lab, [JobHandler(KIND, handle)], now=slow_clock)
    runner.start()
    assert taking.wait(LONG_S)
    runner.close()
    assert (status(lab, job_id), begun) in [(JobStatus.SUCCEEDED, [1]), (JobStatus.QUEUED, [])]


def test_a_sleep_that_fails_does_not_end_a_runner(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """Whatever its waker does, jobs are taken and written down."""

    class Restless:
        look_every_s = 1.0

        def wait(self, timeout_s: float) -> None:
            raise OSError("no descriptor is left")

        def wake(self) -> None:
            """Do nothing."""

        def close(self) -> None:
            """Do nothing."""

    runner_of(EFFECT, waker=lambda _: Restless())
    assert wait(lab, ask(), LONG_S).status is JobStatus.SUCCEEDED
    assert wait(lab, ask(), LONG_S).status is JobStatus.SUCCEEDED


def test_an_error_that_cannot_be_shown_ends_its_own_job_only(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """Its name is kept, and what ended beside it stays ended."""

    class Speechless(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def handle(context: JobContext) -> None:
        raise Speechless

    runner_of(JobHandler("test.speechless", handle), EFFECT)
    failed = wait(lab, ask("test.speechless", max_attempts=1), LONG_S)
    assert (failed.status, "Speechless" in (failed.error or "")) == (JobStatus.FAILED, True)
    assert wait(lab, ask(), LONG_S).attempts == 1


def test_a_runner_can_be_started_twice_and_again(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """Starting is idempotent; after a close it begins anew under another id."""
    runner = runner_of(EFFECT)
    first = runner.worker
    runner.start()
    assert runner.worker == first
    runner.close()
    runner.close()
    assert runner.worker is None
    job_id = ask()
    runner.start()
    assert runner.worker != first
    assert wait(lab, job_id, LONG_S).worker == runner.worker


def test_a_runner_sleeps_on_another_waker_after_each_start(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """One that was closed is not used again."""
    made: list[Waker] = []

    def waker_of(database: Database) -> Waker:
        made.append(default_waker(database))
        return made[-1]

    runner = runner_of(EFFECT, waker=waker_of)
    runner.close()
    runner.start()
    assert wait(lab, ask(), LONG_S).status is JobStatus.SUCCEEDED
    assert len(made) == 2


def test_many_short_jobs_are_each_done_once(lab: Database, runner_of: Runner) -> None:
    """Two runners with two workers each, taking in advance, share them."""
    runner_of(EFFECT, workers=2)
    runner_of(EFFECT, workers=2)
    with lab.write() as tx:
        ids = [enqueue(tx, kind=KIND) for _ in range(300)]
    for job_id in ids:
        assert wait(lab, job_id, LONG_S).attempts == 1
    assert effects(lab) == dict.fromkeys(ids, 1)


def test_two_handlers_of_one_kind_are_refused(lab: Database) -> None:
    """So is a runner without workers, or with leases that never end."""
    with pytest.raises(InvalidInput, match=KIND):
        JobRunner(lab, [EFFECT, EFFECT])
    with pytest.raises(InvalidInput, match="workers"):
        JobRunner(lab, [EFFECT], workers=0)
    for lease_s in (0.0, float("nan"), float("inf")):
        with pytest.raises(InvalidInput, match="lease_s"):
            JobRunner(lab, [EFFECT], lease_s=lease_s)


def test_a_handler_without_its_requirements_is_left_out(lab: Database) -> None:
    """A process takes the kinds that it can do."""
    handlers = [EFFECT, JobHandler("test.gpu", sys.exit, requires=frozenset({"gpu"}))]
    assert JobRunner(lab, handlers).kinds == (KIND,)
    assert JobRunner(lab, handlers, capabilities=["gpu"]).kinds == (KIND, "test.gpu")
