"""The crew and the keeper, without a database."""

from __future__ import annotations

import threading

from mlops.jobs.crew import Crew
from mlops.jobs.executing import Outcome
from mlops.jobs.keeper import Keeper
from mlops.tests.unit.jobs.test_jobs_decisions import an_attempt


def test_a_crew_runs_what_it_is_handed_and_reports() -> None:
    """Outcomes are taken once."""
    reported = threading.Event()
    crew = Crew(2, Outcome, reported.set)
    attempts = [an_attempt(), an_attempt(), an_attempt()]
    crew.hand(attempts)
    assert crew.wait_idle(30)
    assert reported.wait(30)
    assert {outcome.attempt for outcome in crew.take_outcomes()} == set(attempts)
    assert crew.take_outcomes() == []
    crew.close()


def test_what_waits_behind_a_long_job_is_taken_back() -> None:
    """The rest of the crew's work can go to others."""
    release, begun = threading.Event(), threading.Event()

    def run(attempt: object) -> Outcome:
        begun.set()
        release.wait(30)
        return Outcome(attempt)

    crew = Crew(1, run, lambda: None)
    first, second = an_attempt(), an_attempt()
    crew.hand([first, second])
    begun.wait(30)
    assert (crew.take_back(waiting_s=60), crew.take_back()) == ([], [second])
    assert (crew.room(), crew.running()) == (0, [first])
    release.set()
    assert crew.wait_idle(30)
    crew.close()


def test_an_abandoned_handler_is_replaced_and_not_heard() -> None:
    """Another thread does the next job, and the late outcome goes nowhere."""
    release, begun = threading.Event(), threading.Event()
    stuck, next_one = an_attempt(), an_attempt()

    def run(attempt: object) -> Outcome:
        begun.set()
        if attempt is stuck:
            release.wait(30)
        return Outcome(attempt)

    crew = Crew(1, run, lambda: None)
    crew.hand([stuck])
    begun.wait(30)
    crew.abandon(stuck)
    crew.hand([next_one])
    assert crew.wait_idle(30)
    release.set()
    assert [outcome.attempt for outcome in crew.take_outcomes()] == [next_one]
    crew.close()


def the_keepers() -> list[threading.Thread]:
    """Return the threads that keep this process alive on behalf of jobs."""
    return [thread for thread in threading.enumerate() if thread.name == "mlops-jobs-keeper"]


def test_a_keeper_lives_while_something_is_left() -> None:
    """It is no daemon, ends with the last job, and comes back with the next."""
    keeper = Keeper()
    for _ in range(2):
        keeper.add("a")
        keeper.add("b")
        [thread] = the_keepers()
        assert not thread.daemon
        keeper.discard(["a"])
        keeper.review(keeper.own(), is_any_doable=True)
        assert thread.is_alive()
        before = keeper.own()
        keeper.add("c")
        keeper.review(before, is_any_doable=False)
        assert thread.is_alive()
        keeper.review(keeper.own(), is_any_doable=False)
        thread.join(30)
        assert not thread.is_alive()
