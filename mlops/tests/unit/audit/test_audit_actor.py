"""The actor goes with the work, and only with it."""

from __future__ import annotations

import asyncio
import contextvars
import os
import pwd
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.audit import acting_as, current_actor
from mlops.errors import InvalidInput

ACCOUNT = pwd.getpwuid(os.getuid()).pw_name


def test_the_account_is_the_default_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody becomes another actor by setting a variable."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "director")
    assert current_actor() == ACCOUNT


def test_an_account_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container whose user has no account the id stands for it."""
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert current_actor() == "uid 4000000000"


def test_blocks_nest_and_end_with_errors() -> None:
    """The innermost name counts; each block's end restores the one around it, also when it raises."""

    def fail_as_bob() -> None:
        with acting_as("bob"):
            assert current_actor() == "bob"
            raise ZeroDivisionError

    with acting_as("ann"):
        with pytest.raises(ZeroDivisionError):
            fail_as_bob()
        assert current_actor() == "ann"
    assert current_actor() == ACCOUNT


def test_the_actor_survives_a_thread_hop() -> None:
    """`asyncio.to_thread` takes the name along, for each task its own."""

    async def work(name: str) -> str:
        with acting_as(name):
            await asyncio.sleep(0)
            return await asyncio.to_thread(current_actor)

    async def both() -> list[str]:
        return list(await asyncio.gather(work("ann"), work("bob")))

    assert asyncio.run(both()) == ["ann", "bob"]


def test_a_thread_started_by_hand_takes_the_actor_only_with_the_context() -> None:
    """Without the context a thread acts as the account; with it, as the name."""
    found: list[str] = []

    def look() -> None:
        found.append(current_actor())

    with acting_as("ann"):
        context = contextvars.copy_context()
        for target in (look, lambda: context.run(look)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert found == [ACCOUNT, "ann"]


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[31m", "a\0", "x" * 251, None, 7])
def test_what_is_no_name_is_refused(name: object) -> None:
    """A name that could not be told apart or shown is refused before the block begins."""
    with pytest.raises(InvalidInput, match="cannot be an actor"), acting_as(name):  # type: ignore[arg-type]
        pass


@given(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=250))
def test_any_printable_name_is_the_actor_inside(name: str) -> None:
    """Names of all scripts are kept as they are."""
    with acting_as(name):
        assert current_actor() == name
