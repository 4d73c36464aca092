"""Time and ids: the only two doors of chance."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops import clock


def test_now_is_aware_and_utc() -> None:
    """A moment without a zone never enters the system here."""
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_microseconds_are_exact_both_ways(moment: datetime) -> None:
    """No moment is rounded, before 1970 neither."""
    assert clock.from_microseconds(clock.microseconds(moment)) == moment


def test_microseconds_of_a_naive_time_are_refused() -> None:
    """A naive time has no place on the line."""
    with pytest.raises(TypeError):
        clock.microseconds(datetime(2026, 1, 1))  # noqa: DTZ001


def test_ids_are_uuids_of_version_seven() -> None:
    """Ids follow RFC 9562: version, variant, and the millisecond in front."""
    before = time.time_ns() // 1_000_000
    identifier = UUID(clock.new_id())
    assert (identifier.version, identifier.variant) == (7, "specified in RFC 4122")
    assert before <= (identifier.int >> 80) <= time.time_ns() // 1_000_000 + 1_000
    assert str(identifier) == str(identifier).lower()


def test_ids_sort_in_order_of_creation() -> None:
    """Many ids within one millisecond are still in order, and none comes twice."""
    ids = [clock.new_id() for _ in range(20_000)]
    assert ids == sorted(set(ids))


def test_ids_of_many_threads_are_unique_and_in_order_for_each() -> None:
    """Threads share one sequence: none of them sees its ids go back."""
    made: list[list[str]] = []

    def work() -> None:
        made.append([clock.new_id() for _ in range(3000)])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(ids == sorted(ids) for ids in made)
    assert len({identifier for ids in made for identifier in ids}) == 6 * 3000


def test_ids_do_not_go_back_when_time_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock set back an hour, or standing still, leaves the order of ids as it was."""
    ids = [clock.new_id()]
    real = time.time_ns()
    for moment in (real - 3600 * 10**9, real - 3600 * 10**9, 0, real + 10**9, real):
        monkeypatch.setattr(time, "time_ns", lambda moment=moment: moment)
        ids += [clock.new_id() for _ in range(10)]
    assert ids == sorted(set(ids))


def test_ids_run_into_the_next_millisecond_when_one_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """More ids than a millisecond has numbers for keep order and version."""
    frozen = time.time_ns() + 10**12
    monkeypatch.setattr(time, "time_ns", lambda: frozen)
    source = clock._IdSource()
    ids = [source.next() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert {UUID(identifier).version for identifier in ids} == {7}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_makes_other_ids() -> None:
    """Parent and child go on from the same point and never meet, even when the lock was held at the fork."""
    reading, writing = os.pipe()
    with clock._ids._lock:
        child = os.fork()
        if child == 0:
            os.write(writing, "\n".join(clock.new_id() for _ in range(500)).encode())
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        theirs = pipe.read().split()
    ours = [clock.new_id() for _ in range(500)]
    assert len(theirs) == 500
    assert not set(theirs) & set(ours)
