"""On whose behalf the code at hand works: a name that an edge sets and that goes with the work through threads.

`asyncio.to_thread` and tasks take it along; a thread that is started by hand begins with the default.
"""

from __future__ import annotations

import contextvars
import functools
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager

from mlops.errors import InvalidInput

__all__ = ["acting_as", "current_actor"]

_LONGEST = 250
_actor: contextvars.ContextVar[str | None] = contextvars.ContextVar("the actor in the audit log", default=None)


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """Have everything that the block does recorded under this name.

    Args:
        name: A user or a service, as it was authenticated: 1 to 250 printable characters.

    Raises:
        InvalidInput: It cannot be a name.

    Example:
        >>> with acting_as("ann"):
        ...     current_actor()
        'ann'
    """
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > _LONGEST:
        raise InvalidInput(f"{name!r} cannot be an actor. Pass a name of 1 to {_LONGEST} printable characters.")
    token = _actor.set(name)
    try:
        yield
    finally:
        _actor.reset(token)


def current_actor() -> str:
    """Return the name set by `acting_as`; without one, the account that owns this process, whatever `$USER` says."""
    return _actor.get() or _account(os.getuid())


@functools.lru_cache(maxsize=8)  # the system reads its list of accounts anew each time
def _account(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:  # a container's user id without an account
        return f"uid {user_id}"
