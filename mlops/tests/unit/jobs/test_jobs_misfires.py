"""What a scheduler does about missed times: decided from values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.jobs import JobSchedule, Misfire
from mlops.jobs.misfires import MOST_MISSED, ON_TIME, decide, next_of

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
misfires = st.sampled_from(Misfire)
delays = st.timedeltas(timedelta(0), timedelta(days=30))


def hourly(**values: Any) -> JobSchedule:
    """Return a schedule that is due at noon."""
    own = {"created_at": NOON, "updated_at": NOON, "created_by": "ann", "next_at": NOON}
    return JobSchedule(
        **{"schedule_id": "s1", "name": "hourly", "kind": "test.some", "cron": "@hourly", **own, **values}
    )


@given(misfire=misfires, late=st.timedeltas(timedelta(0), ON_TIME))
def test_what_is_on_time_makes_one_job(misfire: Misfire, late: timedelta) -> None:
    """Whatever becomes of missed times."""
    decision = decide(hourly(misfire=misfire), NOON + late, is_busy=False)
    assert decision == ((NOON,), NOON, NOON + HOUR)


@pytest.mark.parametrize(
    ("misfire", "overlap", "times", "last", "following"),
    [
        ("run_once", False, [3], 3, 4),
        ("skip", False, [], 3, 4),
        ("run_all", True, [0, 1, 2, 3], 3, 4),
        ("run_all", False, [0], 0, 1),
    ],
)
def test_missed_times_follow_the_policy(
    misfire: str, overlap: bool, times: list[int], last: int, following: int
) -> None:
    """One job for all, none, one for each at once, or one for each after the other."""
    decision = decide(hourly(misfire=misfire, overlap=overlap), NOON + 3.5 * HOUR, is_busy=False)
    assert decision == (tuple(NOON + hour * HOUR for hour in times), NOON + last * HOUR, NOON + following * HOUR)


@pytest.mark.parametrize(("misfire", "passed_over"), [("run_once", True), ("skip", True), ("run_all", False)])
def test_no_overlap_passes_over_a_time_or_waits(misfire: str, passed_over: bool) -> None:
    """While the last job is unfinished no other one is made."""
    decision = decide(hourly(misfire=misfire), NOON, is_busy=True)
    assert decision == (((), NOON, NOON + HOUR) if passed_over else None)
    assert decide(hourly(misfire=misfire, overlap=True), NOON, is_busy=True) == ((NOON,), NOON, NOON + HOUR)


def test_only_so_many_missed_times_are_made_up_for() -> None:
    """The newest ones."""
    decision = decide(hourly(misfire="run_all", overlap=True), NOON + 1000 * HOUR, is_busy=False)
    assert decision is not None
    assert (len(decision.times), decision.times[-1]) == (MOST_MISSED, NOON + 1000 * HOUR)


@given(misfire=misfires, overlap=st.booleans(), delays=st.lists(delays, max_size=8))
def test_no_time_is_ever_dealt_with_twice(misfire: Misfire, overlap: bool, delays: list[timedelta]) -> None:
    """However the clock jumps, back as well: a schedule only goes on."""
    one, made = hourly(misfire=misfire, overlap=overlap), list[datetime]()
    for delay in delays:
        if (decision := decide(one, NOON + delay, is_busy=False)) is not None:
            assert decision.next_at > decision.last_at >= one.next_at
            made += decision.times
            one = one.model_copy(update={"next_at": decision.next_at, "last_at": decision.last_at})
    assert made == sorted(set(made))


def test_a_paused_schedule_makes_nothing() -> None:
    """Nor does one whose time has not come."""
    assert decide(hourly(enabled=False), NOON, is_busy=False) is None
    assert decide(hourly(next_at=None), NOON, is_busy=False) is None
    assert decide(hourly(), NOON - ON_TIME, is_busy=False) is None


def test_a_schedule_that_is_made_again_repeats_no_time() -> None:
    """With the clock set back meanwhile it goes on after what was dealt with."""
    assert next_of("@hourly", "UTC", now=NOON - 5 * HOUR, last_at=NOON) == NOON + HOUR
    assert next_of("@hourly", "UTC", now=NOON, last_at=None) == NOON + HOUR
