"""Two pieces of work at once: each of them alone leaves processors idle while it waits for its slowest thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context

__all__ = ["alongside"]


@contextmanager
def alongside(work: Callable[[], object]) -> Iterator[None]:
    """Do something in a thread of its own while the block runs; neither is left behind when the other fails.

    A plain thread, because executors take no work while the interpreter ends, and runs are finished then.

    Raises:
        Exception: What `work` raised, unless the block raised something itself.
    """
    failed: list[BaseException] = []

    def carefully() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (handed to the thread that waits)
            failed.append(error)

    thread = threading.Thread(target=copy_context().run, args=(carefully,), name="mlops-alongside")
    thread.start()
    try:
        yield
    finally:
        thread.join()
    if failed:
        raise failed[0]
