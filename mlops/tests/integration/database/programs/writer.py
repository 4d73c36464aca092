"""Writes points by group commit from threads and an event loop, and prints the id of each once it is acknowledged.

    writer.py URL RUN COUNT

Every worker counts up from its own first id, RUN * 1,000,000 + worker * 10,000, one item after the other, so that what
it attempted is what it printed and one more.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading

from mlops.database import GroupCommit, open_database
from mlops.tests.fixtures.points import create_points, write_points

THREADS = 3
TASKS = 5


def acknowledge(number: int) -> None:
    """Print an id in one system call, so that a kill never splits a line."""
    os.write(1, f"{number}\n".encode())


def submit_in_turn(commit: GroupCommit[tuple[int, str], int], first: int, count: int) -> None:
    """Work as a thread does."""
    for number in range(first, first + count):
        acknowledge(commit.submit((number, "thread")))


async def join_in_turn(commit: GroupCommit[tuple[int, str], int], first: int, count: int) -> None:
    """Work as a task does."""
    for number in range(first, first + count):
        acknowledge(await commit.join((number, "task")))


async def join_all(commit: GroupCommit[tuple[int, str], int], run: int, count: int) -> None:
    """Run the tasks."""
    firsts = [run * 1_000_000 + worker * 10_000 for worker in range(THREADS, THREADS + TASKS)]
    await asyncio.gather(*(join_in_turn(commit, first, count) for first in firsts))


def write(url: str, run: int, count: int) -> None:
    """Write `count` points per worker."""
    with open_database(url) as database:
        create_points(database)
        commit: GroupCommit[tuple[int, str], int] = GroupCommit(database, write_points, most=64)  # type: ignore[arg-type]
        firsts = [run * 1_000_000 + worker * 10_000 for worker in range(THREADS)]
        threads = [threading.Thread(target=submit_in_turn, args=(commit, first, count)) for first in firsts]
        for thread in threads:
            thread.start()
        asyncio.run(join_all(commit, run, count))
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
