"""The last values of entities in Redis or Valkey: the online store where `database.redis_url` is configured.

A view version is one hash; a field holds event, creation and values of one entity. What serves is still said by the
database. Values that Redis loses take the version's mark with them, so that the next materialisation fills all again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mlops.feature_store.errors import OnlineStoreUnavailable
from mlops.feature_store.references import ViewReference
from mlops.feature_store.store import OnlineRow
from mlops.redis_client import redis_client

__all__ = ["RedisOnlineStore"]

_MARK = "mark"  # a field that is no entity's: theirs begin with = or [
_AT_ONCE = 500
_WIDTH = 20  # digits of a time
_OFFSET = 1 << 63  # makes times before 1970 sort as text too
_TIMEOUT_S = 5.0

# Times are compared as text of fixed width: Redis' numbers are doubles, too coarse for microseconds of far dates.
_PUT = """
for i = 1, #ARGV, 2 do
  local present = redis.call('HGET', KEYS[1], ARGV[i])
  if not present or string.sub(present, 1, 40) <= string.sub(ARGV[i + 1], 1, 40) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
"""


class RedisOnlineStore:
    """`OnlineStore` on a Redis server.

    Args:
        url: `redis://user:password@host:6379/0`.
        serving: Returns the id of the version of a project's view that serves, or of the one named.
    """

    def __init__(self, url: str, serving: Callable[[str, ViewReference], str | None]) -> None:
        self._serving = serving
        self._client = redis_client(url, timeout_s=_TIMEOUT_S)
        self._put = self._client.register_script(_PUT)

    def put(self, view_id: str, rows: Sequence[OnlineRow]) -> None:
        """Keep rows that are not older than those that are there; each five hundred are put at once."""
        for begin in range(0, len(rows), _AT_ONCE):
            part = rows[begin : begin + _AT_ONCE]
            with self._translated():
                self._put(keys=[_hash(view_id)], args=[text for row in part for text in (row.key, _value(row))])

    def read(
        self, project: str, view: ViewReference, keys: Sequence[str]
    ) -> tuple[str | None, dict[str, tuple[int, bytes]]]:
        """Return the id of the version and the values found in it."""
        view_id = self._serving(project, view)
        if view_id is None or not keys:
            return view_id, {}
        with self._translated():
            values: list[bytes | None] = self._client.hmget(_hash(view_id), list(keys))  # type: ignore[assignment]
        found = zip(keys, values, strict=True)
        return view_id, {key: (_event(value), value[2 * _WIDTH :]) for key, value in found if value is not None}

    def scan(self, view_id: str) -> Iterator[OnlineRow]:
        """Yield all rows of a version; one that changes meanwhile may come twice."""
        with self._translated():
            for key, value in self._client.hscan_iter(_hash(view_id), count=_AT_ONCE):
                if key != _MARK.encode():
                    created = int(value[_WIDTH : 2 * _WIDTH]) - _OFFSET
                    yield OnlineRow(key.decode("utf-8", "surrogatepass"), _event(value), created, value[2 * _WIDTH :])

    def token(self, view_id: str) -> str | None:
        """Return the mark among a version's values."""
        with self._translated():
            found: Any = self._client.hget(_hash(view_id), _MARK)
        return None if found is None else bytes(found).decode()

    def mark(self, view_id: str, token: str) -> None:
        """Leave a mark among a version's values."""
        with self._translated():
            self._client.hset(_hash(view_id), _MARK, token)

    def drop(self, view_id: str) -> None:
        """Remove a version's values without making the server wait for it."""
        with self._translated():
            self._client.unlink(_hash(view_id))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from redis.exceptions import RedisError

        try:
            yield
        except RedisError as error:
            raise OnlineStoreUnavailable(
                f"The Redis server of database.redis_url failed: {str(error).rstrip('.')}. Look whether it runs and is "
                "reachable; materialise again afterwards."
            ) from error


def _hash(view_id: str) -> str:
    return f"mlops:features:{view_id}"


def _value(row: OnlineRow) -> bytes:
    return f"{row.event + _OFFSET:0{_WIDTH}}{row.created + _OFFSET:0{_WIDTH}}".encode() + row.payload


def _event(value: bytes) -> int:
    return int(value[:_WIDTH]) - _OFFSET
