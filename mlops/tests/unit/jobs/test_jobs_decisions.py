"""What becomes of a job after an attempt, and how long it pauses: decided from values."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.clock import now
from mlops.errors import InvalidInput
from mlops.jobs import Backoff, Job, JobCancelled, JobHandler, JobStatus, JobTimedOut, LeaseLost, PermanentFailure
from mlops.jobs.attempt import Attempt, storable
from mlops.jobs.ending import Lease
from mlops.jobs.executing import Outcome, Verdict, execute, verdict_of


def an_attempt(*, attempts: int = 1, max_attempts: int = 3, is_counted: bool = True) -> Attempt:
    """Return an attempt at some job."""
    job = Job(
        job_id="j1",
        kind="test.some",
        status=JobStatus.RUNNING,
        attempts=attempts,
        max_attempts=max_attempts,
        created_at=now(),
        created_by="ann",
    )
    return Attempt(job, Lease("j1", 1, "w1"), is_counted=is_counted)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (None, Verdict.SUCCEEDED),
        (RuntimeError("boom"), Verdict.RETRIED),
        (JobTimedOut("late"), Verdict.RETRIED),
        (SystemExit(3), Verdict.RETRIED),
        (PermanentFailure("never"), Verdict.FAILED),
        (InvalidInput("no such column"), Verdict.FAILED),
        (JobCancelled("stop"), Verdict.CANCELLED),
        (LeaseLost("gone"), Verdict.NOT_OURS),
    ],
)
def test_the_verdict_follows_from_what_was_raised(error: BaseException | None, verdict: Verdict) -> None:
    """Only what may go better the next time is tried again."""
    assert verdict_of(Outcome(an_attempt(), "null", error)) is verdict


def test_the_last_attempt_that_fails_fails_the_job() -> None:
    """Attempts are limited; one taken in advance is counted all the same."""
    assert verdict_of(Outcome(an_attempt(attempts=3), error=OSError())) is Verdict.FAILED
    assert verdict_of(Outcome(an_attempt(attempts=2, is_counted=False), error=OSError())) is Verdict.FAILED
    assert verdict_of(Outcome(an_attempt(attempts=1, is_counted=False), error=OSError())) is Verdict.RETRIED


def test_an_error_after_the_wish_to_cancel_cancels() -> None:
    """A handler that was told to stop may end as it likes."""
    attempt = an_attempt()
    attempt.interrupt(JobCancelled("stop"))
    attempt.interrupt(LeaseLost("gone"))
    assert verdict_of(Outcome(attempt, error=KeyError("half done"))) is Verdict.CANCELLED


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "Count plates"}, "small letters"),
        ({"kind": "count."}, "small letters"),
        ({"run": 7}, "cannot be called"),
        ({"requires": "gpu"}, "is the text 'gpu'"),
        ({"timeout_s": 0.0}, "above 0"),
        ({"timeout_s": math.nan}, "above 0"),
    ],
)
def test_a_handler_that_could_do_nothing_is_refused(wrong: dict[str, Any], said: str) -> None:
    """Where it is made, not when a job is there for it."""
    with pytest.raises(InvalidInput, match=said):
        JobHandler(**{"kind": "plates.count", "run": print, **wrong})


def test_a_result_beyond_a_million_characters_fails_the_job() -> None:
    """Large things are files; the message says so."""
    outcome = execute(an_attempt(), lambda: "x" * 1_000_000)
    assert verdict_of(outcome) is Verdict.FAILED
    assert "result of a test.some job has 1000002 characters" in str(outcome.error)


def test_what_cannot_be_stored_as_a_result_fails_the_job() -> None:
    """A result is JSON."""
    outcome = execute(an_attempt(), object)
    assert isinstance(outcome.error, InvalidInput)
    assert verdict_of(outcome) is Verdict.FAILED


@given(st.integers(1, 1000), st.integers())
def test_pauses_grow_up_to_the_longest(attempt: int, seed: int) -> None:
    """A pause lies between half of what its attempt allows and that."""
    backoff = Backoff(first_s=2, longest_s=60)
    longest = min(60, 2.0 ** min(attempt, 10))
    assert longest / 2 <= backoff.pause_s(attempt, Random(seed)) <= longest


@pytest.mark.parametrize(("first_s", "longest_s"), [(-1, 5), (6, 5), (1, math.inf), (math.nan, 5), (1, 1e12)])
def test_impossible_pauses_are_refused(first_s: float, longest_s: float) -> None:
    """The message names what is allowed."""
    with pytest.raises(InvalidInput, match="0 ≤ first_s ≤ longest_s"):
        Backoff(first_s, longest_s)


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 30))
def test_storable_text_has_nothing_that_a_database_refuses(text: str, most: int) -> None:
    """NUL and half characters are replaced, the rest is kept up to the limit."""
    clean = storable(text, most)
    clean.encode()
    assert "\0" not in clean
    assert len(clean) == len(text) or clean.endswith("more characters)")


def test_a_handler_that_logs_without_end_is_cut_off() -> None:
    """Ten thousand lines are kept, and how many were not."""
    attempt = an_attempt()
    for number in range(10_003):
        attempt.log("info", str(number))
    lines = attempt.last_lines()
    assert [line.message for line in lines[-2:]] == ["9999", "3 more lines were not kept."]


def test_news_that_could_not_be_written_come_first_again() -> None:
    """Nothing is lost and nothing is turned round."""
    attempt = an_attempt()
    attempt.log("info", "first")
    news = attempt.take_news()
    attempt.log("info", "second")
    attempt.put_back(news)
    assert [line.message for line in attempt.last_lines()] == ["first", "second"]
