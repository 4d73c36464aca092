"""Times as text on SQLite: fixed width, UTC, in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.database import read_moment, write_moment
from mlops.database.errors import NaiveTime

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES)  # noqa: DTZ001


@given(MOMENTS)
def test_moments_survive_as_text_in_utc(moment: datetime) -> None:
    """What was written is read back as the same instant, in UTC."""
    read = read_moment(write_moment(moment))
    assert read == moment
    assert read.tzinfo is UTC


@given(MOMENTS, MOMENTS)
def test_text_sorts_as_time_does(one: datetime, other: datetime) -> None:
    """Comparing the texts is comparing the instants, whatever zones they came in."""
    assert (write_moment(one) < write_moment(other)) == (one < other)
    assert len(write_moment(one)) == len("2026-11-23T03:36:00.000000Z")


def test_naive_times_are_refused() -> None:
    """A time without a zone is nobody's: it is refused, not guessed."""
    with pytest.raises(NaiveTime, match="has no time zone"):
        write_moment(datetime(2026, 1, 1))  # noqa: DTZ001
