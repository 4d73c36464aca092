"""Schedules on both databases: what people do to them, and that each due time makes one job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from mlops.audit import list_entries
from mlops.database import Database
from mlops.errors import InvalidInput
from mlops.jobs import (
    Job,
    JobHandler,
    JobRunner,
    JobSchedule,
    JobScheduleNotFound,
    get_schedule,
    list_jobs,
    list_schedules,
    pause_schedule,
    remove_schedule,
    resume_schedule,
    schedule,
)
from mlops.jobs.misfires import decide
from mlops.jobs.scheduler import Scheduler, make_due
from mlops.tests.integration.jobs.conftest import KIND, Enqueue, have_effect, until

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
Runner = Callable[..., JobRunner]


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        """Return what it shows."""
        return self.moment


@pytest.fixture
def clock() -> Clock:
    """Return a clock that shows noon."""
    return Clock()


@pytest.fixture
def schedulers(lab: Database, clock: Clock) -> Iterator[list[Scheduler]]:
    """Start two schedulers on one clock."""
    running = [Scheduler(lab, now=clock) for _ in range(2)]
    for one in running:
        one.start()
    yield running
    for one in running:
        one.stop()


def make(lab: Database, clock: Clock, **values: Any) -> JobSchedule:
    """Make a schedule."""
    with lab.write() as tx:
        return schedule(tx, **{"name": "nightly", "kind": KIND, "cron": "@hourly", **values}, now=clock)


def stored(lab: Database, name: str = "nightly") -> JobSchedule:
    """Return a schedule as it is now."""
    with lab.read() as tx:
        return get_schedule(tx, name)


def made(lab: Database) -> list[Job]:
    """Return all jobs, the oldest first."""
    with lab.read() as tx:
        return list(list_jobs(tx, limit=1000))[::-1]


def times(lab: Database) -> list[str]:
    """Return the times that jobs are for."""
    return [job.payload["scheduled_for"] for job in made(lab)]


def test_saying_the_same_again_changes_nothing(lab: Database, clock: Clock) -> None:
    """Programs declare their schedules at every start; what is due meanwhile stays due."""
    first = make(lab, clock, payload={"plate": 7}, requires=["gpu"])
    assert (first.next_at, first.enabled, first.payload["plate"]) == (NOON + HOUR, True, 7)
    clock.moment += 5 * HOUR
    assert make(lab, clock, payload={"plate": 7}, requires=["gpu"]) == first
    with lab.read() as tx:
        assert [entry.action for entry in list_entries(tx)] == ["create"]


def test_a_schedule_is_replaced_by_its_name(lab: Database, clock: Clock) -> None:
    """Another payload leaves its times, other times begin anew; one of another project is another one."""
    first = make(lab, clock)
    clock.moment += HOUR / 2
    changed = make(lab, clock, payload={"plate": 8})
    assert (changed.schedule_id, changed.next_at) == (first.schedule_id, first.next_at)
    assert make(lab, clock, cron="@daily").next_at == NOON + 12 * HOUR
    make(lab, clock, project="other")
    with lab.read() as tx:
        assert [one.project for one in list_schedules(tx)] == ["default", "other"]
        assert [one.cron for one in list_schedules(tx, project="default")] == ["@daily"]
        assert [entry.action for entry in list_entries(tx)][::-1] == ["create", "replace", "replace", "create"]


def test_a_paused_schedule_goes_on_with_its_next_time(lab: Database, clock: Clock) -> None:
    """It stays paused when it is declared again; times that passed meanwhile are not made up for."""
    make(lab, clock)
    with lab.write() as tx:
        assert pause_schedule(tx, "nightly", now=clock).next_at is None
    clock.moment += 5 * HOUR
    assert make(lab, clock, cron="30 * * * *").enabled is False
    with lab.write() as tx:
        resumed = resume_schedule(tx, "nightly", now=clock)
    assert (resumed.enabled, resumed.next_at) == (True, NOON + 5.5 * HOUR)
    with lab.read() as tx:
        assert [entry.action for entry in list_entries(tx)][::-1] == ["create", "pause", "replace", "resume"]


def test_a_removed_schedule_is_gone(lab: Database, clock: Clock) -> None:
    """And its name says what is there instead."""
    make(lab, clock)
    make(lab, clock, name="nightly2")
    with lab.write() as tx:
        remove_schedule(tx, "nightly", now=clock)
    with lab.read() as tx, pytest.raises(JobScheduleNotFound, match="nightly2"):
        get_schedule(tx, "nightly")


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"cron": "99 * * * *"}, "no time to run at"),
        ({"time_zone": "Mars/Olympus"}, "time zone"),
        ({"misfire": "perhaps"}, "run_once, skip, run_all"),
        ({"jitter_s": -1}, "jitter_s"),
        ({"payload": {"scheduled_for": 1}}, "Rename it"),
        ({"name": ""}, "name"),
        ({"payload": {"x": "y" * 999_990}}, "1000000"),
        ({"actor": ""}, "created_by"),
        ({"actor": "a" * 300}, "created_by"),
    ],
)
def test_what_cannot_be_is_refused(lab: Database, clock: Clock, values: dict[str, Any], match: str) -> None:
    """Before anything is written."""
    with pytest.raises(InvalidInput, match=match):
        make(lab, clock, **values)
    with lab.read() as tx:
        assert list_schedules(tx) == []


def test_two_schedulers_make_each_time_once(lab: Database, clock: Clock, schedulers: list[Scheduler]) -> None:
    """Of several schedules, hour after hour; the jobs are as the schedule says."""
    names = [f"s{number}" for number in range(5)]
    for name in names:
        make(lab, clock, name=name, overlap=True, payload={"name": name}, priority=3, actor="ann", max_attempts=7)
    for hour in range(1, 6):
        clock.moment = NOON + hour * HOUR
        for one in schedulers:
            one._wake(None)
        until(lambda hour=hour: len(made(lab)) >= hour * len(names))  # type: ignore[misc]
    wanted = [(name, (NOON + hour * HOUR).isoformat()) for hour in range(1, 6) for name in names]
    assert sorted((job.payload["name"], job.payload["scheduled_for"]) for job in made(lab)) == sorted(wanted)
    assert {(job.priority, job.created_by, job.max_attempts) for job in made(lab)} == {(3, "ann", 7)}
    assert stored(lab, "s0").last_at == NOON + 5 * HOUR


def test_schedulers_that_decide_at_once_make_one_job(lab: Database, clock: Clock) -> None:
    """Both have read the schedule as due; the second finds it moved on."""
    one = make(lab, clock)
    clock.moment = NOON + HOUR
    decision = decide(one, clock.moment, is_busy=False)
    assert decision is not None
    ready, found = threading.Barrier(2), list[list[str]]()

    def carry_out() -> None:
        ready.wait()
        with lab.write() as tx:
            found.append(make_due(tx, one, decision, now=clock, chance=Random(1)))

    threads = [threading.Thread(target=carry_out) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, found)) == [0, 1]
    assert len(made(lab)) == 1


def test_a_clock_that_is_set_back_repeats_nothing(lab: Database, clock: Clock, schedulers: list[Scheduler]) -> None:
    """What was dealt with is not due again; set forward, the times between follow the policy."""
    make(lab, clock, overlap=True)
    make(lab, clock, name="probe", cron="* * * * *", kind="test.probe", overlap=True)
    for jump in (HOUR, -HOUR, timedelta(), 3 * HOUR):
        clock.moment = NOON + jump
        for one in schedulers:
            one._wake(None)
        until(lambda: (stored(lab, "probe").next_at or NOON) > clock.moment)
        until(lambda: (stored(lab).next_at or NOON) > clock.moment)
    mine = [job.payload["scheduled_for"] for job in made(lab) if job.kind == KIND]
    assert mine == [(NOON + HOUR).isoformat(), (NOON + 3 * HOUR).isoformat()]


def test_no_overlap_waits_for_the_last_job(
    lab: Database, clock: Clock, schedulers: list[Scheduler], runner_of: Runner
) -> None:
    """`run_once` passes over times while a job is unfinished; `run_all` makes up for them, one after the other."""
    make(lab, clock, name="passing")
    make(lab, clock, name="catching", misfire="run_all", kind="test.catching")
    for hour in range(1, 4):
        clock.moment = NOON + hour * HOUR
        schedulers[0]._wake(None)
        until(lambda hour=hour: stored(lab, "passing").last_at == NOON + hour * HOUR)  # type: ignore[misc]
        until(lambda: len(made(lab)) == 2)
    runner_of(JobHandler(KIND, have_effect), JobHandler("test.catching", have_effect))
    until(lambda: len(made(lab)) == 4 and all(job.status.is_terminal for job in made(lab)))
    caught = [job.payload["scheduled_for"] for job in made(lab) if job.kind == "test.catching"]
    assert caught == [(NOON + hour * HOUR).isoformat() for hour in range(1, 4)]
    assert len(times(lab)) == 4


def test_jitter_delays_a_job(lab: Database, clock: Clock, schedulers: list[Scheduler]) -> None:
    """By up to so many seconds, which its worker waits for."""
    make(lab, clock, jitter_s=600)
    clock.moment = NOON + HOUR
    schedulers[0]._wake(None)
    until(lambda: made(lab))
    (job,) = made(lab)
    assert job.run_at is not None
    assert NOON + HOUR <= job.run_at <= NOON + HOUR + timedelta(seconds=600)


def test_a_runner_follows_schedules_when_told_to(lab: Database, ask: Enqueue, runner_of: Runner) -> None:
    """Its own jobs of a minute ago included; another runner does not."""
    past = datetime.now(UTC) - timedelta(minutes=2)
    with lab.write() as tx:
        schedule(tx, name="each minute", kind=KIND, cron="* * * * *", now=lambda: past)
    runner_of(JobHandler("test.other", have_effect))
    runner_of(JobHandler(KIND, have_effect), schedules=True)
    until(lambda: any(job.status == "succeeded" for job in made(lab)))
    assert stored(lab, "each minute").last_job_id == made(lab)[0].job_id


def test_what_this_machine_cannot_read_keeps_nothing_else(
    lab: Database, clock: Clock, schedulers: list[Scheduler]
) -> None:
    """A schedule in a time zone that only another machine knows is left alone."""
    import sqlalchemy as sa

    make(lab, clock, name="odd")
    make(lab, clock)
    with lab.write() as tx:
        tx.execute(sa.text("UPDATE job_schedules SET time_zone = 'Mars/Olympus' WHERE name = 'odd'"))
    clock.moment = NOON + HOUR
    schedulers[0]._wake(None)
    until(lambda: made(lab))
    assert stored(lab, "odd").next_at == NOON + HOUR


def test_killed_schedulers_leave_no_time_out_and_repeat_none(lab: Database, start_program: Callable[..., Any]) -> None:
    """Two processes on a clock that runs fast, killed and replaced at random while they make each minute's job."""
    chance, began = Random(7), datetime.now(UTC)
    with lab.write() as tx:
        schedule(tx, name="minutes", kind=KIND, cron="* * * * *", overlap=True, misfire="run_all", now=lambda: began)
    programs = [start_program("scheduling.py", began.isoformat()) for _ in range(2)]
    until(lambda: made(lab))
    for _ in range(6):
        time.sleep(chance.random())
        victim = chance.randrange(2)
        programs[victim].kill()
        programs[victim] = start_program("scheduling.py", began.isoformat())
    for program in programs:
        program.kill()
        program.wait()
    found = sorted(datetime.fromisoformat(time) for time in times(lab))
    minute = timedelta(minutes=1)
    assert found == [found[0] + number * minute for number in range(len(found))]
    assert stored(lab, "minutes").next_at == found[-1] + minute
