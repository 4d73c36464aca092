"""Clients of Redis: what URLs they take, and what they keep to themselves."""

from __future__ import annotations

import traceback

import pytest

from mlops.errors import InvalidInput
from mlops.redis_client import redis_client


@pytest.mark.parametrize("url", ["http://lab", "redis://:secret#word@lab:6379/0", "redis://lab:secret/0", "secret"])
def test_a_url_that_is_none_of_redis_is_refused_without_repeating_it(url: str) -> None:
    """It may hold a password, and so may the library's own error."""
    with pytest.raises(InvalidInput, match="Write redis://host:6379/0") as refused:
        redis_client(url, timeout_s=1)
    assert "secret" not in "".join(traceback.format_exception_only(refused.value))
    assert refused.value.__suppress_context__


def test_a_client_sends_nothing_before_it_is_asked() -> None:
    """A server that is not there is not looked for."""
    redis_client("redis://127.0.0.1:1/0", timeout_s=1).close()
