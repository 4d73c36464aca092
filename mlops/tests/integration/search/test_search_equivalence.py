"""SQL on both databases decides and sorts exactly as the plain evaluator does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops.database import Database
from mlops.database.search import TableSearch
from mlops.database.transaction import Transaction
from mlops.search import Expression, Order, evaluate, ordered
from mlops.tests.fixtures import search as tables

Asked = tuple[Expression | None, tuple[Order, ...]]
asked = st.tuples(st.one_of(st.none(), tables.conditions(), tables.expressions), tables.orders)
same_database = settings(
    max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def expected(documents: list[dict[str, Any]], where: Expression | None, orders: tuple[Order, ...]) -> list[str]:
    """Return the ids that the evaluator finds, in order."""
    kept = [
        document
        for document in documents
        if where is None or evaluate(where, document, tables.VOCABULARY, now=tables.NOW)
    ]
    return [document["id"] for document in ordered(kept, orders, tables.VOCABULARY)]


@pytest.fixture(params=["chosen", "walk", "drive"])
def search(request: pytest.FixtureRequest) -> TableSearch:
    """Return a search that chooses its route, one that walks along the order, and one that drives from conditions."""
    return tables.SEARCHES[request.param]


@pytest.fixture
def tx(database: Database) -> Iterator[Transaction]:
    """Yield a transaction that reads the corpus."""
    with tables.filled(database, tables.CORPUS) as reading:
        yield reading


@same_database
@given(asked=asked)
def test_sql_finds_what_the_evaluator_finds(tx: Transaction, search: TableSearch, asked: Asked) -> None:
    """Any filter with any order gives the same ids, in the same order."""
    where, orders = asked
    page = search.page(tx, where=where, orders=orders, now=tables.NOW)
    assert list(page) == expected(tables.CORPUS, where, orders)
    assert page.next_cursor is None
    assert search.count(tx, where=where, now=tables.NOW) == len(page)


@settings(same_database, max_examples=50)
@given(documents=tables.documents(), asked=asked)
def test_any_documents_are_found(
    database: Database, search: TableSearch, documents: list[dict[str, Any]], asked: Asked
) -> None:
    """None, one, or values that the corpus has not got."""
    where, orders = asked
    with tables.filled(database, documents) as tx:
        page = search.page(tx, where=where, orders=orders, now=tables.NOW)
    assert list(page) == expected(documents, where, orders)


@same_database
@given(asked=asked, size=st.integers(1, 30))
def test_pages_by_cursor_join_to_the_whole_list(tx: Transaction, search: TableSearch, asked: Asked, size: int) -> None:
    """Following the cursors gives every result once, in order, in full pages."""
    where, orders = asked
    found: list[list[str]] = []
    cursor = None
    while cursor is not None or not found:
        page = search.page(tx, where=where, orders=orders, limit=size, cursor=cursor, now=tables.NOW)
        found.append(list(page))
        cursor = page.next_cursor
    assert [each for ids in found for each in ids] == expected(tables.CORPUS, where, orders)
    assert all(len(ids) == size for ids in found[:-1])


@same_database
@given(asked=asked, part=st.tuples(st.integers(1, 40), st.integers(0, 85)))
def test_pages_by_offset_are_slices_of_the_whole_list(
    tx: Transaction, search: TableSearch, asked: Asked, part: tuple[int, int]
) -> None:
    """An offset skips that many results, whichever ranks they have."""
    (where, orders), (limit, offset) = asked, part
    page = search.page(tx, where=where, orders=orders, limit=limit, offset=offset, now=tables.NOW)
    assert list(page) == expected(tables.CORPUS, where, orders)[offset : offset + limit]
