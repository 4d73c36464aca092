"""`kill -9` of a writer at a random moment: acknowledged ⊆ stored ⊆ attempted, and nothing twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from mlops.database import Database, open_database
from mlops.tests.fixtures.points import stored

NURSERY = Path(__file__).parent / "programs" / "nursery.py"


class Nursery:
    """A process whose children write until they are killed."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, NURSERY, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        """End it."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()

    def run_and_kill(self, run: int, after: int) -> set[int]:
        """Let a child write until it acknowledged `after` items, kill it, and return all that it acknowledged."""
        assert self._process.stdin is not None
        print(run, file=self._process.stdin, flush=True)
        acknowledged: set[int] = set()
        child = 0
        for line in takewhile(lambda line: line != "ended", self._lines()):
            if line.startswith("pid "):
                child = int(line.removeprefix("pid "))
            else:
                acknowledged.add(int(line))
            if child and len(acknowledged) >= after:
                os.kill(child, signal.SIGKILL)
                child = 0
        return acknowledged

    def _lines(self) -> Iterator[str]:
        assert self._process.stdout is not None
        return (line.rstrip("\n") for line in self._process.stdout)


def attempted(acknowledged: set[int], run: int) -> set[int]:
    """Return what may be stored: each worker's acknowledged items and its next one."""
    found: set[int] = set()
    for first in range(run * 1_000_000, run * 1_000_000 + 8 * 10_000, 10_000):
        count = len([number for number in acknowledged if first <= number < first + 10_000])
        found.update(range(first, first + count + 1))
    return found


def check_after_kills(url: str, repetitions: int) -> None:
    """Kill a writer so many times on one database, and look after each."""
    nursery = Nursery(url)
    chance = random.Random(repetitions)
    try:
        for run in range(1, repetitions + 1):
            acknowledged = nursery.run_and_kill(run, after=chance.choice([1, 5, 40, chance.randrange(1, 1500)]))
            with open_database(url) as database:
                check(stored(database), acknowledged, run)
    finally:
        nursery.close()


def check(ids: list[int], acknowledged: set[int], run: int) -> None:
    """Compare what is stored with what one run acknowledged."""
    mine = [number for number in ids if number >= run * 1_000_000]
    assert len(mine) == len(set(mine))
    assert acknowledged <= set(mine)
    assert set(mine) <= attempted(acknowledged, run)


def test_kill_of_a_writer_loses_nothing_acknowledged(sqlite_url: str) -> None:
    """Twenty kills of a process that writes from threads and a loop, on one file."""
    check_after_kills(sqlite_url, 20)


@pytest.mark.long
def test_two_hundred_kills_lose_nothing_acknowledged(sqlite_url: str) -> None:
    """Two hundred kills on one file."""
    check_after_kills(sqlite_url, 200)


def test_kill_of_a_client_loses_nothing_acknowledged(postgresql_points: Database) -> None:
    """Five kills of a process that writes to PostgreSQL."""
    check_after_kills(postgresql_points.url, 5)
