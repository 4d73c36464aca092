"""Asking for jobs and taking them: which, in what order, and by whom."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa

from mlops import clock
from mlops.audit import acting_as
from mlops.database import Database
from mlops.errors import InvalidInput
from mlops.jobs import JobNotFound, JobStatus, enqueue, find_job, find_unfinished, list_jobs
from mlops.jobs.claiming import claim, is_any_doable, is_claimable, next_due_s
from mlops.jobs.ending import Ending, end_all
from mlops.tests.integration.jobs.conftest import KIND, Enqueue, claimant, job


def take(lab: Database, *kinds: str, most: int = 100, **options: object) -> list[str]:
    """Take jobs and return their ids, in order."""
    with lab.write() as tx:
        return [attempt.job.job_id for attempt in claim(tx, claimant(*kinds, **options), most)]


def test_a_job_is_what_was_asked_for(lab: Database) -> None:
    """Everything survives storage."""
    asked = {"payload": {"path": "试.csv", "limit": float("inf")}, "priority": 3, "requires": ["gpu", "a"]}
    with acting_as("ann"), lab.write() as tx:
        job_id = enqueue(tx, kind=KIND, timeout_s=5.5, max_attempts=7, project="north", **asked)
    found = job(lab, job_id)
    assert (found.payload, found.priority, found.requires) == (asked["payload"], 3, {"gpu", "a"})
    assert (found.timeout_s, found.max_attempts, found.project, found.created_by) == (5.5, 7, "north", "ann")
    assert (found.status, found.attempts, found.result) == (JobStatus.QUEUED, 0, None)


def test_a_transaction_that_fails_asks_for_nothing(lab: Database) -> None:
    """The job belongs to the caller's transaction."""
    with suppress(RuntimeError), lab.write() as tx:
        job_id = enqueue(tx, kind=KIND)
        raise RuntimeError
    with lab.read() as tx:
        assert find_job(tx, job_id) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "Bad Kind"}, "kind"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"payload": {"x": object()}}, "payload"),
        ({"payload": {"x": "y" * 1_000_001}}, "1000000"),
        ({"depends_on": [f"j{number}" for number in range(10_001)]}, "depends_on"),
        ({"run_at": clock.now().replace(tzinfo=None)}, "run_at"),
    ],
)
def test_what_cannot_be_a_job_is_refused(ask: Enqueue, options: dict[str, object], message: str) -> None:
    """The message names the field or the limit."""
    with pytest.raises(InvalidInput, match=message):
        ask(**options)


def test_higher_priorities_come_first_then_older_jobs(lab: Database, ask: Enqueue) -> None:
    """Several are taken at once, in that order."""
    ids = [ask(priority=priority) for priority in (0, 5, 0, -1, 5)]
    assert take(lab, most=2) == [ids[1], ids[4]]
    assert take(lab) == [ids[0], ids[2], ids[3]]
    assert take(lab) == []


def test_only_known_kinds_with_met_requirements_are_taken(lab: Database, ask: Enqueue) -> None:
    """A worker needs all of what a job requires, and may have more."""
    plain, gpu = ask(), ask(requires=["gpu"])
    both, other = ask(requires=["gpu", 'it\'s "big"']), ask(kind="test.other")
    assert take(lab) == [plain]
    assert take(lab, capabilities=("gpu", "x")) == [gpu]
    assert take(lab, KIND, "test.other", capabilities=('it\'s "big"', "gpu")) == [both, other]


def test_a_job_is_not_taken_before_its_time(lab: Database, ask: Enqueue) -> None:
    """`run_at` is a moment of the calendar, and the wait for it is known."""
    job_id = ask(run_at=clock.now() + timedelta(hours=1))
    with lab.read() as tx:
        assert not is_claimable(tx, claimant())
        assert 3500 < (next_due_s(tx, claimant()) or 0) <= 3600
        assert next_due_s(tx, claimant("test.other")) is None
        assert is_claimable(tx, claimant(), now=lambda: clock.now() + timedelta(hours=2))
    assert job(lab, job_id).status is JobStatus.QUEUED


def test_what_this_worker_cannot_take_is_not_waited_for(lab: Database, ask: Enqueue) -> None:
    """Though its time has come: the runner would look again without end."""
    ask(run_at=clock.now(), requires=["gpu"])
    with lab.read() as tx:
        assert (is_claimable(tx, claimant()), next_due_s(tx, claimant())) == (False, None)


def test_a_script_may_ask_for_any_number_of_jobs(lab: Database, ask: Enqueue) -> None:
    """Whether one of them is left to be done is found out however many it asked for."""
    many = [f"z{number}" for number in range(70_000)]
    later, job_id = ask(run_at=clock.now() + timedelta(days=1)), ask()
    with lab.read() as tx:
        assert not is_any_doable(tx, claimant(), [*many, later])
        assert is_any_doable(tx, claimant(), [*many, later, job_id])


def test_a_key_stands_for_one_unfinished_job(lab: Database, ask: Enqueue) -> None:
    """Another project, another kind, or the end of the first make a second one."""
    first = ask(key="nightly")
    assert ask(key="nightly", payload={"other": 1}) == first
    assert len({first, ask(key="nightly", project="north"), ask("test.other", key="nightly"), ask()}) == 4
    with lab.write() as tx:
        assert find_unfinished(tx, kind=KIND, key="nightly") == first
        attempt = claim(tx, claimant(), 1)[0]
        assert attempt.job.job_id == first
        assert enqueue(tx, kind=KIND, key="nightly") == first
        end_all(tx, [Ending(attempt.lease, "succeeded", 1, "null")], at=clock.now())
        assert enqueue(tx, kind=KIND, key="nightly") != first


def test_a_dependency_must_exist(ask: Enqueue) -> None:
    """The message names it."""
    with pytest.raises(JobNotFound, match="nowhere"):
        ask(depends_on=["nowhere"])


@pytest.mark.parametrize("name", ["requires", "depends_on"])
def test_a_text_is_not_taken_for_several_names(ask: Enqueue, name: str) -> None:
    """Its letters would be; such a job nobody could ever take."""
    with pytest.raises(InvalidInput, match=rf"{name} is the text 'gpu'.*\['gpu'\]"):
        ask(**{name: "gpu"})


def test_every_taking_up_raises_the_token(lab: Database, ask: Enqueue) -> None:
    """Jobs taken in advance are not counted as attempted, and only new ones are taken so."""
    job_id = ask()
    with lab.write() as tx:
        [attempt] = claim(tx, claimant(), 5, in_advance=True)
        assert (attempt.number, attempt.job.attempts, attempt.lease.token) == (1, 0, 1)
        tx.execute(sa.text("UPDATE jobs SET status = 'queued', held_until = NULL"))
        assert claim(tx, claimant(), 5, in_advance=True) == []
        [attempt] = claim(tx, claimant(), 5)
    assert (attempt.job.job_id, attempt.number, attempt.lease.token) == (job_id, 1, 2)


def test_a_job_that_may_begin_once_is_not_taken_in_advance(lab: Database, ask: Enqueue) -> None:
    """Its worker could be killed in it before the attempt is counted, and another one would begin it again."""
    ask(max_attempts=1)
    twice = ask(max_attempts=2)
    with lab.write() as tx:
        assert [one.job.job_id for one in claim(tx, claimant(), 5, in_advance=True)] == [twice]


def test_lists_go_by_page_and_filter(lab: Database, ask: Enqueue) -> None:
    """The newest come first; a page past the end is empty."""
    ids = [ask() for _ in range(5)]
    ask("test.other", project="north")
    with lab.read() as tx:
        first = list_jobs(tx, kind=KIND, limit=3)
        second = list_jobs(tx, kind=KIND, limit=3, cursor=first.next_cursor)
        assert [found.job_id for found in [*first, *second]] == ids[::-1]
        assert second.next_cursor is None
        assert len(list_jobs(tx, project="north", status="queued")) == 1
        assert list_jobs(tx, status=JobStatus.FAILED) == []
        with pytest.raises(InvalidInput, match="succeeded"):
            list_jobs(tx, status="done")
        with pytest.raises(InvalidInput, match="'nonsense' is no cursor"):
            list_jobs(tx, cursor="nonsense")
