"""When schedules are due: cron fields in time zones, on ordinary days and on those on which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.jobs.timetable import Timetable

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu"]
MINUTE = timedelta(minutes=1)
moments = st.integers(1_735_700_000, 1_830_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
minutes = st.integers(0, 59)
hours = st.integers(0, 23)


def times(table: Timetable, after: datetime, count: int) -> list[datetime]:
    """Return the next times."""
    found: list[datetime] = []
    for _ in range(count):
        found.append(table.next(found[-1] if found else after))
    return found


def walls(cron: str, zone: str, after: str, count: int) -> list[str]:
    """Return the next times as clocks on the wall there show them."""
    begin = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    return [f"{time.astimezone(ZoneInfo(zone)):%d %H:%M%z}" for time in times(Timetable(cron, zone), begin, count)]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("30 2 * * *", ["28 02:30+0100", "29 03:00+0200", "30 02:30+0200"]),
        ("*/30 2 * * *", ["28 02:00+0100", "28 02:30+0100", "29 03:00+0200", "30 02:00+0200"]),
        ("0 * 29 * *", ["29 00:00+0100", "29 01:00+0100", "29 03:00+0200", "29 04:00+0200"]),
    ],
)
def test_a_time_that_does_not_exist(cron: str, expected: list[str]) -> None:
    """With its hour named it is due when the gap ends, once; with `*` it is passed over."""
    assert walls(cron, "Europe/Berlin", "2026-03-28T00:00", len(expected)) == expected


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("30 2 * * *", ["25 02:30+0200", "26 02:30+0100"]),
        ("*/30 2 * * *", ["25 02:00+0200", "25 02:30+0200", "26 02:00+0100"]),
        ("30 * * * *", ["25 01:30+0200", "25 02:30+0200", "25 02:30+0100", "25 03:30+0100"]),
    ],
)
def test_a_time_that_comes_twice(cron: str, expected: list[str]) -> None:
    """With its hour named it is due the first time; with `*` both times."""
    assert walls(cron, "Europe/Berlin", "2026-10-25T01:00", len(expected)) == expected


def test_a_day_that_does_not_exist() -> None:
    """Samoa had no 30 December 2011: what was due then is due when the 31st begins, before what is due on that day."""
    assert walls("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00", 4) == [
        "29 12:00-1000",
        "31 00:00+1400",
        "31 12:00+1400",
        "01 12:00+1400",
    ]


@settings(max_examples=20)
@given(minute=minutes, hour=hours, zone=st.sampled_from(ZONES), year=st.integers(2025, 2027))
def test_a_named_time_is_due_once_a_day(minute: int, hour: int, zone: str, year: int) -> None:
    """Whatever the clocks do, and in order."""
    begin = datetime(year, 3, 1, tzinfo=ZoneInfo(zone)) - MINUTE / 2
    found = times(Timetable(f"{minute} {hour} * * *", zone), begin, 45)
    days = [time.astimezone(ZoneInfo(zone)).date() for time in found]
    assert days == [begin.date() + timedelta(days=number) for number in range(1, 46)]
    assert all(earlier < later for earlier, later in pairwise(found))


@settings(max_examples=20)
@given(step=st.sampled_from([7, 15, 60]), every=st.sampled_from(["*", "*/3"]), zone=st.sampled_from(ZONES), at=moments)
def test_elapsed_time_is_followed_minute_by_minute(step: int, every: str, zone: str, at: datetime) -> None:
    """What begins its hours with `*` is due in each minute whose wall time fits."""
    found = times(Timetable(f"*/{step} {every} * * *" if step < 60 else f"0 {every} * * *", zone), at, 6)
    expected, time = [], at.replace(second=0, microsecond=0)
    while len(expected) < 6:
        time += MINUTE
        wall = time.astimezone(ZoneInfo(zone))
        if wall.minute % step == 0 and wall.hour % (3 if "/" in every else 1) == 0:
            expected.append(time)
    assert found == expected


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("begin", [datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)])
def test_elapsed_time_is_followed_when_clocks_change(zone: str, begin: datetime) -> None:
    """From hour to hour, each time exactly an hour, or what a change of half an hour makes of it."""
    found = times(Timetable("0 * * * *", zone), begin, 900)
    steps = {later - earlier for earlier, later in pairwise(found)}
    half = timedelta(minutes=30)
    assert steps <= ({MINUTE * 60} if "Lord" not in zone else {MINUTE * 60, half, half * 3})


@settings(max_examples=20)
@given(cron=st.sampled_from(["*/7 * * * *", "0 3 * * *", "15 8-17 * * 1-5", "0 0 29 2 *"]), at=moments, days=hours)
def test_the_newest_times_are_the_last_of_all(cron: str, at: datetime, days: int) -> None:
    """As many as wanted, none before the first or after the last moment."""
    table, last, every = Timetable(cron, "Europe/Berlin"), at + timedelta(days=days), list[datetime]()
    time = table.next(at - timedelta(microseconds=1))
    while time <= last:
        every.append(time)
        time = table.next(time)
    assert table.newest(at, last, 5) == every[-5:]


@pytest.mark.parametrize(
    "cron",
    ["", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "H * * * *", "0 R * * *", "@reboot", "ab * * * *"],
)
def test_what_is_no_time_is_refused(cron: str) -> None:
    """Seconds, chance and days that never come included."""
    with pytest.raises(InvalidInput):
        Timetable(cron)


@pytest.mark.parametrize(("zone", "hint"), [("Europe/Berlni", "Europe/Berlin"), ("/etc/passwd", "UTC"), ("", "UTC")])
def test_an_unknown_time_zone_is_refused(zone: str, hint: str) -> None:
    """With a near match where there is one."""
    with pytest.raises(InvalidInput, match=hint):
        Timetable("@daily", zone)
