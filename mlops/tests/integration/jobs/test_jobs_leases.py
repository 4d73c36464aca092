"""Leases: whose job it is when workers fall silent, and when wall clocks jump."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from mlops import clock
from mlops.database import Database
from mlops.jobs import JobContext, JobHandler, JobRunner, JobStatus, LeaseLost, cancel, explain, job_logs, wait
from mlops.jobs.attempt import Attempt
from mlops.jobs.claiming import claim, has_lost, next_due_s, sweep
from mlops.jobs.ending import Ending, end_all, give_back, queue_again
from mlops.records import encode_json
from mlops.tests.integration.jobs.conftest import (
    EFFECT,
    KIND,
    LONG_S,
    Enqueue,
    claimant,
    effects,
    job,
    status,
    write_effect,
)

Runner = Callable[..., JobRunner]


def take(lab: Database, worker: str, lease_s: float) -> Attempt:
    """Take the one job there is."""
    with lab.write() as tx:
        [attempt] = claim(tx, claimant(worker=worker, lease_s=lease_s), 1)
        return attempt


def let_go(lab: Database) -> int:
    """Look for jobs whose worker is gone."""
    with lab.write() as tx:
        return sweep(tx) if has_lost(tx) else 0


def jumping() -> Callable[[], datetime]:
    """Return a clock that jumps by days at every look."""
    jumps = itertools.cycle([0, 3, -3, 400, -400])
    return lambda: clock.now() + timedelta(days=next(jumps))


def test_a_silent_workers_job_goes_to_the_next_one(lab: Database, ask: Enqueue) -> None:
    """What the first one still writes is refused, in every way of writing."""
    job_id = ask()
    late = take(lab, "w1", lease_s=0.0)
    assert let_go(lab) == 1
    assert (status(lab, job_id), let_go(lab)) == (JobStatus.QUEUED, 0)
    assert take(lab, "w2", lease_s=60).number == 2
    context = JobContext(late, lab)
    with pytest.raises(LeaseLost), context.commit(result="late") as tx:
        write_effect(tx, job_id)
    with lab.write() as tx:
        assert end_all(tx, [Ending(late.lease, "succeeded", 1, "null")], at=clock.now()) == []
        assert not queue_again(tx, late.lease, "boom", attempt=1, pause_s=0)
        assert not give_back(tx, late.lease, attempts=0)
    with pytest.raises(LeaseLost, match=job_id):
        context.check()
    assert (job(lab, job_id).worker, effects(lab)) == ("w2", {})


def test_jobs_that_end_together_are_fenced_one_by_one(lab: Database, ask: Enqueue) -> None:
    """Of two attempts at the same job only the one that has it ends it; what others ended with it stays ended."""
    other = ask(priority=1)
    job_id = ask()
    with lab.write() as tx:
        ended, late = claim(tx, claimant(lease_s=0.0), 2)
        end_all(tx, [Ending(ended.lease, "failed", 1, error="no plate 🧬")], at=clock.now())
    assert let_go(lab) == 1
    last = take(lab, "w1", lease_s=60)
    result = encode_json({"name": 'µ 🧬 "quoted" \\ \0 end', "seen": math.nan, "file": "half \ud800"})
    endings = [Ending(attempt.lease, "succeeded", attempt.number, result) for attempt in (ended, late, last)]
    with lab.write() as tx:
        assert end_all(tx, endings, at=clock.now()) == endings[2:]
    assert (job(lab, other).status, job(lab, other).error) == (JobStatus.FAILED, "no plate 🧬")
    assert (job(lab, job_id).attempts, encode_json(job(lab, job_id).result)) == (2, result)


def test_a_late_worker_whom_nobody_has_replaced_may_commit(lab: Database, ask: Enqueue) -> None:
    """Only a taking over ends its right."""
    job_id = ask()
    context = JobContext(take(lab, "w1", lease_s=0.0), lab)
    with context.commit(result="late") as tx:
        write_effect(tx, job_id)
    assert (let_go(lab), status(lab, job_id), effects(lab)) == (0, JobStatus.SUCCEEDED, {job_id: 1})


def test_a_job_that_loses_all_its_workers_fails(lab: Database, ask: Enqueue) -> None:
    """It says so; what waits for it fails too."""
    job_id = ask(max_attempts=2)
    waiting = ask(depends_on=[job_id])
    for _ in range(2):
        take(lab, "w1", lease_s=0.0)
        assert let_go(lab) == 1
    assert (status(lab, job_id), status(lab, waiting)) == (JobStatus.FAILED, JobStatus.FAILED)
    assert "lost its worker" in (job(lab, job_id).error or "")
    with lab.read() as tx:
        assert [line.attempt for line in job_logs(tx, job_id)] == [1, 2]


def test_a_job_to_be_cancelled_ends_with_its_worker(lab: Database, ask: Enqueue) -> None:
    """Nobody begins it again."""
    job_id = ask()
    take(lab, "w1", lease_s=0.0)
    with lab.write() as tx:
        cancel(tx, job_id)
        assert "not heard of" in explain(tx, job_id)[0]
    assert let_go(lab) == 1
    assert status(lab, job_id) is JobStatus.CANCELLED


def test_leases_of_another_boot_have_ended(lab: Database, ask: Enqueue) -> None:
    """On SQLite the clock begins anew with the machine; on PostgreSQL it is the server's."""
    ask()
    take(lab, "w1", lease_s=3600)
    assert let_go(lab) == 0
    with lab.write() as tx:
        tx.execute(sa.text("UPDATE jobs SET held_boot = 'before'"))
    assert let_go(lab) == 1


@pytest.mark.parametrize("days", [-400, 400])
def test_a_jump_of_the_wall_clock_neither_steals_nor_holds_up(lab: Database, ask: Enqueue, days: int) -> None:
    """Leases, and pauses before the next attempt, do not look at it; a job without `run_at` is due whatever it says."""
    job_id = ask()

    def jumped() -> datetime:
        return clock.now() + timedelta(days=days)

    with lab.write() as tx:
        [attempt] = claim(tx, claimant(lease_s=3600), 1, now=jumped)
        assert not has_lost(tx)
        queue_again(tx, attempt.lease, "boom", attempt=1, pause_s=3600)
        assert claim(tx, claimant(), 1, now=jumped) == []
        assert 3590 < (next_due_s(tx, claimant(), now=jumped) or 0) <= 3600
        tx.execute(sa.text("UPDATE jobs SET held_until = 0"))
        [attempt] = claim(tx, claimant(lease_s=0.0), 1, now=jumped)
        assert sweep(tx, now=jumped) == 1
    assert status(lab, job_id) is JobStatus.QUEUED


def test_a_job_once_begun_is_not_held_by_its_date(lab: Database, ask: Enqueue) -> None:
    """Though the clock has gone back behind it."""
    ask(run_at=clock.now())
    take(lab, "w1", lease_s=0.0)
    let_go(lab)
    with lab.write() as tx:
        assert len(claim(tx, claimant(), 1, now=lambda: clock.now() - timedelta(days=1))) == 1


def test_runners_work_on_while_their_clocks_jump(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """Jobs that last several leases are neither taken over nor lost."""

    def handle(context: JobContext) -> None:
        time.sleep(0.7)
        with context.commit(result="done") as tx:
            write_effect(tx, context.job_id)

    for _ in range(2):
        runner_of(JobHandler(KIND, handle), workers=2, lease_s=0.5, now=jumping())
    ids = [ask() for _ in range(6)]
    assert [wait(lab, job_id, LONG_S).attempts for job_id in ids] == [1] * 6
    assert effects(lab) == dict.fromkeys(ids, 1)


def test_a_long_commit_keeps_all_jobs_of_its_worker(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """Others must not take over what its heart could not renew meanwhile."""
    both = threading.Barrier(2)

    def slow(context: JobContext) -> None:
        both.wait(LONG_S)
        with context.commit(result="done") as tx:
            write_effect(tx, context.job_id)
            time.sleep(1.5)

    def beside(context: JobContext) -> None:
        both.wait(LONG_S)
        time.sleep(1.7)

    runner_of(JobHandler("test.slow", slow), JobHandler("test.beside", beside), workers=2, lease_s=0.6)
    runner_of(EFFECT, lease_s=0.6)
    ids = [ask("test.slow"), ask("test.beside")]
    assert [wait(lab, job_id, LONG_S).attempts for job_id in ids] == [1, 1]


def test_a_commit_beyond_its_time_limit_costs_no_other_job(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """The heart does not wait for a row that a late handler has locked, and what that one commits is kept."""
    both = threading.Barrier(2)

    def late(context: JobContext) -> None:
        both.wait(LONG_S)
        with context.commit(result="done") as tx:
            write_effect(tx, context.job_id)
            time.sleep(2.0)

    def beside(context: JobContext) -> None:
        both.wait(LONG_S)
        time.sleep(2.2)

    runner_of(JobHandler("test.late", late, timeout_s=0.2), JobHandler("test.beside", beside), workers=2, lease_s=0.6)
    runner_of(EFFECT, lease_s=0.6)
    ids = [ask("test.late"), ask("test.beside")]
    assert [wait(lab, job_id, LONG_S).attempts for job_id in ids] == [1, 1]
    assert effects(lab) == {ids[0]: 1}
