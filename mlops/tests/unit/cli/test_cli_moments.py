"""Moments and durations as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.cli.moments import read_duration, read_moment
from mlops.errors import InvalidInput

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@given(st.integers(0, 10**10), st.integers(-14, 14))
def test_moments_are_read_in_any_zone(seconds: int, hours: int) -> None:
    """What is written in another zone is the same moment; without a zone it is in UTC."""
    moment = datetime.fromtimestamp(seconds, timezone(timedelta(hours=hours)))
    assert read_moment(moment.isoformat(), "--at") == moment
    assert read_moment(moment.astimezone(UTC).isoformat().removesuffix("+00:00"), "--at") == moment


@pytest.mark.parametrize("text", ["2d", "2d ago", " 48 h ago "])
def test_how_long_ago_is_a_moment_too(text: str) -> None:
    """With or without the word, back from the clock."""
    assert read_moment(text, "--since", now=lambda: NOON) == NOON - timedelta(days=2)


@pytest.mark.parametrize(
    "text", ["", "ago", "yesterday", "3.5.2026", "2026", "2026-13-01", "0001-01-01T00:00+02:00", "999999w"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    """The error names the option and shows how a moment is written; a year alone is no number of days."""
    with pytest.raises(InvalidInput, match=r"--at is .*2026-05-03T14:30"):
        read_moment(text, "--at")


def test_durations_are_read() -> None:
    """Numbers with units; days without."""
    assert read_duration("30d") == read_duration("30") == timedelta(days=30)
    assert read_duration("1.5h") == timedelta(minutes=90)
    assert read_duration("10min") == read_duration("10 m") == timedelta(minutes=10)


@pytest.mark.parametrize("text", ["", "d", "-1d", "1y", "1d2h", "nan", "99999999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """The error quotes the text and shows a right one."""
    with pytest.raises(InvalidInput, match="such as 30d"):
        read_duration(text)
