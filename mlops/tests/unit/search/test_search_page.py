"""Pages and cursors."""

from __future__ import annotations

import base64
import json
import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.search import Cursor, InvalidCursor, Order, Page, digest_of, parse_filter, parse_order
from mlops.search.cursor import CursorValue
from mlops.tests.fixtures.search import NOW, VOCABULARY, moments, numbers, texts

ORDERS = parse_order("metrics.x desc, params.y, status, created_at", VOCABULARY)
DIGEST = digest_of(None, ORDERS)


def decode(text: str, orders: tuple[Order, ...] = ORDERS, digest: str = DIGEST) -> Cursor:
    """Read a cursor for the order above."""
    return Cursor.decode(text, digest=digest, orders=orders, vocabulary=VOCABULARY)


def tampered(**changes: Any) -> str:
    """Return a cursor, well formed but for these changes."""
    keys = [[0, 1.5], [1, "auto"], [2, None], [0, NOW.isoformat()]]
    document = {"q": DIGEST, "k": keys, "i": "run-1", "t": NOW.isoformat(), **changes}
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def test_a_page_is_a_sequence() -> None:
    """It is used like a list."""
    page = Page("abc", next_cursor="x")
    assert (len(page), page[0], page[-1], page[1:], list(page)) == (3, "a", "c", ("b", "c"), ["a", "b", "c"])
    assert "b" in page
    assert page.index("c") == 2
    assert repr(page) == "Page(['a', 'b', 'c'], next_cursor='x')"


def test_pages_are_equal_when_items_and_cursor_are() -> None:
    """A list has no cursor to differ in."""
    assert Page([1, 2], "x") == Page((1, 2), "x") != Page([1, 2], "y")
    assert Page([1, 2], "x") == [1, 2]
    assert Page([1, 2]) != [2, 1]
    assert Page([1]) != 1
    assert hash(Page([1, 2])) == hash((1, 2))


def test_a_page_cannot_be_changed_but_its_items_replaced() -> None:
    """Ids become records, the cursor stays."""
    page = Page([1, 2], "x")
    assert page.replaced(["one", "two"]) == Page(["one", "two"], "x")
    with pytest.raises(AttributeError):
        page.next_cursor = None  # type: ignore[misc]


@given(
    number=st.one_of(st.none(), numbers), param=st.one_of(numbers, texts), text=st.one_of(st.none(), texts), at=moments
)
def test_cursors_survive_the_trip(number: float | None, param: float | str, text: str | None, at: Any) -> None:
    """Infinities, odd texts and microseconds come back as they went."""
    keys: tuple[tuple[int, CursorValue], ...] = (
        (1 if number is None else 0, number),
        (1 if isinstance(param, str) else 0, param),
        (2 if text is None else 0, text),
        (0, at),
    )
    cursor = Cursor(DIGEST, keys, "run-é'", NOW + timedelta(microseconds=1))
    assert decode(cursor.encode()) == cursor
    assert set(cursor.encode()) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_cursor_of_another_search_is_refused() -> None:
    """Its values would mean nothing there."""
    other = digest_of(parse_filter("status = 'a'", VOCABULARY), ORDERS)
    with pytest.raises(InvalidCursor, match="another filter or order"):
        decode(tampered(), digest=other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "%%%",
        "é",
        "bm90IGpzb24",
        base64.b64encode(b"[1]").decode(),
        base64.b64encode(b"[" * 9_000).decode(),
        "A" * 50_000,
        tampered(k=[]),
        tampered(k=[[0, 1.5]]),
        tampered(k="abcd"),
        tampered(k=None),
        tampered(k=[[0, "1"], [1, "a"], [2, None], [0, NOW.isoformat()]]),
        tampered(k=[[0, math.nan], [1, "a"], [2, None], [0, NOW.isoformat()]]),
        tampered(k=[[0, True], [1, "a"], [2, None], [0, NOW.isoformat()]]),
        tampered(k=[[0, 10**400], [1, "a"], [2, None], [0, NOW.isoformat()]]),
        tampered(k=[[3, 1.5], [1, "a"], [2, None], [0, NOW.isoformat()]]),
        tampered(k=[[0, 1.5], [1, 5], [2, None], [0, NOW.isoformat()]]),
        tampered(k=[[0, 1.5], [1, "\0"], [2, None], [0, NOW.isoformat()]]),
        tampered(k=[[0, 1.5], [1, "\ud800"], [2, None], [0, NOW.isoformat()]]),
        tampered(k=[[0, 1.5], [1, "a"], [2, None], [0, "2026-01-01"]]),
        tampered(i=5),
        tampered(t="now"),
        tampered(t="2026-01-01"),
    ],
)
def test_a_damaged_cursor_is_refused(text: str) -> None:
    """Whatever it holds, the answer is one clear error."""
    with pytest.raises(InvalidCursor, match="is not a cursor"):
        decode(text)


@given(st.one_of(st.text(max_size=80), st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode())))
def test_no_text_is_taken_for_a_cursor_by_chance(text: str) -> None:
    """Nothing else is raised either."""
    with pytest.raises(InvalidCursor):
        decode(text)
