"""Searching tables: pages, scopes, cursors, odd texts, limits, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from mlops.database import Database
from mlops.database.transaction import Transaction
from mlops.errors import InvalidInput
from mlops.search import InvalidCursor, Page, evaluate, parse_filter, parse_order
from mlops.search.parser import DEEPEST_NESTING, MOST_CONDITIONS
from mlops.tests.fixtures.search import NOW, SEARCH, TEXTS, VOCABULARY, filled

HOSTILE = "x'; DROP TABLE sought_runs; --"


def run(number: int, **values: Any) -> dict[str, Any]:
    """Return a run that began that many hours ago."""
    return {"id": f"run-{number}", "name": f"run {number}", "created_at": NOW - timedelta(hours=number), **values}


RUNS = [
    run(1, metrics={"acc": 0.9, HOSTILE: 1.0}, params={"kind": HOSTILE}, tags={"team": "Größe"}),
    run(2, metrics={"acc": 0.8}, params={"kind": "b"}, status="failed"),
    run(3, metrics={"acc": 0.7}, deleted_at=NOW),
    run(4, status="failed", version=3),
]


@pytest.fixture
def tx(database: Database) -> Iterator[Transaction]:
    """Yield a transaction that reads the runs above."""
    with filled(database, RUNS) as reading:
        yield reading


def find(tx: Transaction, text: str | None = None, order_by: str | None = None, **options: Any) -> Page[str]:
    """Search by text."""
    where, orders = parse_filter(text, VOCABULARY), parse_order(order_by, VOCABULARY)
    return SEARCH.page(tx, where=where, orders=orders, **{"now": NOW, **options})


def test_without_anything_all_are_found_in_the_default_order(tx: Transaction) -> None:
    """Newest first."""
    assert find(tx) == ["run-1", "run-2", "run-3", "run-4"]


def test_scopes_keep_out_what_users_do_not_see(tx: Transaction) -> None:
    """A store chooses; the language does not name them."""
    assert find(tx, scope="live") == ["run-1", "run-2", "run-4"]
    assert find(tx, "metrics.acc > 0", "metrics.acc", scope="deleted") == ["run-3"]
    assert SEARCH.count(tx, scope="live", now=NOW) == 3


def test_user_texts_never_become_sql(tx: Transaction) -> None:
    """Names and values with quotes find what is called so, and harm nothing."""
    quoted = HOSTILE.replace("'", "''")
    assert find(tx, f"params.kind = '{quoted}'") == ["run-1"]
    assert find(tx, f"metrics.`{HOSTILE}` >= 1", f"metrics.`{HOSTILE}`") == ["run-1"]
    assert find(tx, f"name like '%{quoted}%' or tags.`{HOSTILE}` is not null") == []
    assert len(find(tx)) == len(RUNS)


def test_one_shape_serves_other_values(tx: Transaction) -> None:
    """Statements are shared between searches, values are not."""
    assert find(tx, "metrics.acc > 0.85", "metrics.acc") == ["run-1"]
    assert find(tx, "metrics.acc > 0.75", "metrics.acc") == ["run-2", "run-1"]
    assert find(tx, "version = 3") == ["run-4"]
    assert find(tx, "version = 2.5") == []
    assert find(tx, "version < inf") == ["run-4"]


def test_a_filter_that_nothing_fulfils_gives_an_empty_page(tx: Transaction) -> None:
    """There is no next one either."""
    page = find(tx, "params.kind = 'nothing' and metrics.acc > 0", limit=10)
    assert (list(page), page.next_cursor) == ([], None)
    assert SEARCH.count(tx, where=parse_filter("params.kind = 'nothing'", VOCABULARY), now=NOW) == 0


def test_an_offset_past_the_end_gives_an_empty_page(tx: Transaction) -> None:
    """Whatever the order."""
    assert find(tx, None, "metrics.acc", offset=50) == []
    assert find(tx, offset=4) == []


def test_a_page_that_ends_with_the_list_has_no_cursor(tx: Transaction) -> None:
    """No one is sent for an empty page."""
    assert find(tx, limit=4).next_cursor is None
    assert find(tx, limit=3).next_cursor is not None


def test_a_cursor_keeps_the_moment_of_the_first_page(tx: Transaction) -> None:
    """`now` means the same on every page, however long the reader takes."""
    text = "created_at > now - 150m"
    first = find(tx, text, limit=1)
    later = find(tx, text, limit=1, cursor=first.next_cursor, now=NOW + timedelta(hours=1))
    assert (list(first), list(later)) == (["run-1"], ["run-2"])
    assert find(tx, text, now=NOW + timedelta(hours=1)) == ["run-1"]


def test_a_cursor_of_another_search_is_refused(tx: Transaction) -> None:
    """Whether the filter differs or the order."""
    cursor = find(tx, limit=1).next_cursor
    with pytest.raises(InvalidCursor, match="another filter or order"):
        find(tx, "status = 'failed'", cursor=cursor)
    with pytest.raises(InvalidCursor, match="another filter or order"):
        find(tx, None, "name", cursor=cursor)


def test_new_things_do_not_disturb_the_pages(database: Database) -> None:
    """What comes in before the cursor is not seen, and nothing is seen twice."""
    with filled(database, RUNS) as tx:
        cursor = find(tx, limit=2).next_cursor
    with filled(database, [run(0), *RUNS]) as tx:
        assert find(tx, limit=2, cursor=cursor) == ["run-3", "run-4"]


@pytest.mark.parametrize("word", ["like", "ilike", "not like"])
def test_patterns_match_as_in_the_evaluator(database: Database, word: str) -> None:
    """Signs that mean something to GLOB or to LIKE are ordinary when they are escaped, or mean nothing to us."""
    documents = [run(number, name=text) for number, text in enumerate([*TEXTS, "A?", "ax", "b*", "[a]"])]
    patterns = [*TEXTS[:11], "[a]%", "[a]*", "a?", "a*", "%*", r"a\%", r"a\_b", r"%\\%", "É%", "_", "%É", "A%"]
    with filled(database, documents) as tx:
        for pattern in patterns:
            where = parse_filter(f"name {word} '{pattern}'", VOCABULARY)
            assert where is not None
            expected = [each["id"] for each in documents if evaluate(where, each, VOCABULARY, now=NOW)]
            assert sorted(SEARCH.page(tx, where=where, now=NOW)) == sorted(expected), pattern


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "limit is 0"),
        ({"limit": -5}, "limit is -5"),
        ({"offset": -1}, "offset is -1"),
        ({"offset": 1, "cursor": "x"}, "offset and cursor"),
        ({"limit": 2**63}, "limit is"),
    ],
)
def test_senseless_pages_are_refused(tx: Transaction, options: dict[str, Any], message: str) -> None:
    """With what would make sense."""
    with pytest.raises(InvalidInput, match=message):
        find(tx, **options)


def _nested(levels: int) -> str:
    text = "status = 'failed'"
    for level in range(levels):
        text = f"({text} {'or' if level % 2 else 'and'} tags.t{level} is null)"
    return text


@pytest.mark.parametrize(
    "text",
    [
        _nested(DEEPEST_NESTING),
        "not (" * (DEEPEST_NESTING // 2) + "status = 'failed'" + ")" * (DEEPEST_NESTING // 2),
        " or ".join(f"metrics.m{number} > params.p{number}" for number in range(MOST_CONDITIONS)),
        " and ".join(f"metrics.m{number} > params.p{number}" for number in range(MOST_CONDITIONS)),
        " or ".join(f"not (tags.t{number} = 'a' and status = 'b')" for number in range(MOST_CONDITIONS // 2)),
        f"status in ({', '.join(map(repr, map(str, range(1_200))))})",
    ],
)
def test_the_largest_filters_run(tx: Transaction, text: str) -> None:
    """What the language allows, both databases take."""
    found = find(tx, text, "metrics.acc desc, params.kind, tags.team, status, version, ended_at, name, created_at")
    assert SEARCH.count(tx, where=parse_filter(text, VOCABULARY), now=NOW) == len(found)
