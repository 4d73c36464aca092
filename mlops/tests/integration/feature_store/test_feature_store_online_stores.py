"""What every online store owes, on SQLite, PostgreSQL and Valkey."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from mlops.database import Database, open_database
from mlops.feature_store import OnlineStoreUnavailable
from mlops.feature_store.redis import RedisOnlineStore
from mlops.feature_store.references import ViewReference
from mlops.feature_store.sql import SqlFeatureCatalogue, SqlOnlineStore, serving_version
from mlops.feature_store.sql.online import _PAGE
from mlops.feature_store.store import OnlineRow, OnlineStore
from mlops.tests.integration.feature_store.views import serving_view

VIEW = ViewReference("counts")


@pytest.fixture(params=["sqlite", "postgresql", "valkey"])
def online(request: pytest.FixtureRequest) -> Iterator[OnlineStore]:
    """Yield a store in which version `v1` of the view `counts` serves."""
    kind = "sqlite" if request.param == "valkey" else request.param
    database: Database = open_database(request.getfixturevalue(f"{kind}_url"))
    with database.write() as tx:
        SqlFeatureCatalogue().insert_view(tx, serving_view("v1"), is_serving=True)
    if request.param == "valkey":
        store: OnlineStore = RedisOnlineStore(request.getfixturevalue("valkey_url"), partial(serving_version, database))
    else:
        store = SqlOnlineStore(database)
    yield store
    store.close()
    database.close()


def row(key: str, event: int, created: int, payload: str) -> OnlineRow:
    """Return a row."""
    return OnlineRow(key, event, created, payload.encode())


def read(online: OnlineStore, *keys: str) -> dict[str, bytes]:
    """Return the values that readers get."""
    view_id, found = online.read("default", VIEW, keys)
    assert view_id == "v1"
    return {key: payload for key, (_, payload) in found.items()}


def test_what_was_put_is_read_by_key(online: OnlineStore) -> None:
    """Keys that are not there are left out, odd ones are as good as others."""
    rows = [row(key, 5, 5, key) for key in ("=S-1", "=", "=ä'\"%_\n", '["a",1]')]
    online.put("v1", rows)
    assert read(online, *(one.key for one in rows), "=nobody") == {one.key: one.payload for one in rows}


@pytest.mark.parametrize(
    ("later", "wins"),
    [((9, 0), True), ((5, 9), True), ((5, 5), True), ((5, 4), False), ((4, 99), False), ((-1, 0), False)],
)
def test_the_later_event_wins_then_the_later_creation_then_the_later_put(
    online: OnlineStore, later: tuple[int, int], wins: bool
) -> None:
    """Whatever comes in which order."""
    online.put("v1", [row("=a", 5, 5, "first")])
    online.put("v1", [row("=a", *later, "second")])
    assert read(online, "=a") == {"=a": b"second" if wins else b"first"}


def test_times_before_1970_and_far_ahead_keep_their_order(online: OnlineStore) -> None:
    """To the microsecond."""
    far = 253_402_300_799_999_999
    online.put("v1", [row("=a", -far, 0, "old"), row("=b", far - 1, 0, "near")])
    online.put("v1", [row("=a", -far + 1, 0, "newer"), row("=b", far, 0, "far")])
    online.put("v1", [row("=b", far - 1, 9, "late")])
    assert read(online, "=a", "=b") == {"=a": b"newer", "=b": b"far"}


def test_a_thousand_keys_are_read_at_once(online: OnlineStore) -> None:
    """In any order, with keys that are not there and keys that come twice."""
    online.put("v1", [row(f"={at}", 1, 1, str(at)) for at in range(1200)])
    found = read(online, *(f"={at}" for at in range(1500, -1, -1)), "=7", "=7")
    assert found == {f"={at}": str(at).encode() for at in range(1200)}


def test_values_of_another_version_are_its_own(online: OnlineStore) -> None:
    """Neither read nor dropped with those of the one that serves."""
    online.put("v1", [row("=a", 1, 1, "one")])
    online.put("v2", [row("=a", 2, 2, "two")])
    online.drop("v2")
    assert read(online, "=a") == {"=a": b"one"}
    assert list(online.scan("v2")) == []


def test_a_scan_gives_every_row_and_no_mark(online: OnlineStore) -> None:
    """More than one page of them."""
    rows = {row(f"={at}", at, at + 1, str(at)) for at in range(_PAGE + 5)}
    online.put("v1", list(rows))
    online.mark("v1", "token")
    assert set(online.scan("v1")) == rows


def test_a_mark_goes_when_the_values_go(online: OnlineStore) -> None:
    """And can be replaced before."""
    assert online.token("v1") is None
    online.mark("v1", "first")
    online.mark("v1", "second")
    assert online.token("v1") == "second"
    online.drop("v1")
    assert online.token("v1") is None


def test_no_view_serves_nothing(online: OnlineStore) -> None:
    """Its id is None, whatever keys are asked for."""
    assert online.read("default", ViewReference("nothing"), ["=a"]) == (None, {})
    assert online.read("default", ViewReference("counts", 9), ["=a"]) == (None, {})


def test_a_server_that_is_not_there_is_said_to_be() -> None:
    """With the setting that names it."""
    store = RedisOnlineStore("redis://127.0.0.1:1/0", lambda _project, _view: "v1")
    with pytest.raises(OnlineStoreUnavailable, match=r"database\.redis_url"):
        store.read("default", VIEW, ["=a"])
    store.close()
