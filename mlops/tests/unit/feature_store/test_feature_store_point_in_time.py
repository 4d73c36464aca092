"""Point-in-time joins against a search of every row by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mlops.feature_store.point_in_time import AT, CREATED, EVENT, POSITION, join_view

START = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")


class Row(NamedTuple):
    """A row of a view: key, minutes of event and creation."""

    key: str | None
    event: int
    created: int


keys = st.sampled_from(["a", "b", "c", None])
minutes = st.integers(0, 12)  # few, so that there are ties
rows_ = st.lists(st.builds(Row, keys, minutes, minutes), max_size=30)
asked_ = st.lists(st.tuples(keys, st.one_of(st.none(), minutes)), max_size=12)
ttls = st.one_of(st.none(), st.integers(1, 6).map(lambda minutes: timedelta(minutes=minutes)))


def at(minute: int) -> datetime:
    """Return a time that many minutes after the start."""
    return START + timedelta(minutes=minute)


def join(
    rows: list[Row],
    asked: list[tuple[str | None, int | None]],
    *,
    ttl: timedelta | None = None,
    as_of: int | None = None,
    creations: bool = True,
) -> list[int | None]:
    """Join, and return for each question the position of the row that counted."""
    table = pl.DataFrame(
        [(row.key, at(row.event), at(row.created), place, place) for place, row in enumerate(rows)],
        schema={"key": pl.String, EVENT: MOMENT, CREATED: MOMENT, POSITION: pl.UInt32, "value": pl.Int64},
        orient="row",
    ).drop_nulls("key")
    questions = pl.DataFrame(
        [(key, None if minute is None else at(minute)) for key, minute in asked],
        schema={"key": pl.String, AT: MOMENT},
        orient="row",
    )
    found = join_view(
        questions,
        (table if creations else table.drop(CREATED)).lazy(),
        keys=["key"],
        features=["value"],
        ttl=ttl,
        as_of=None if as_of is None else at(as_of),
    )
    return found["value"].to_list()


def search(
    rows: list[Row],
    key: str | None,
    minute: int | None,
    *,
    ttl: timedelta | None = None,
    as_of: int | None = None,
    creations: bool = True,
) -> int | None:
    """Look at every row: the latest event that had happened and was known, the last created, the last in order."""
    if key is None or minute is None:
        return None
    until = minute if as_of is None else min(minute, as_of)
    known = [
        (row.event, row.created if creations else 0, place)
        for place, row in enumerate(rows)
        if row.key == key and row.event <= until and (row.created <= until or not creations)
    ]
    if not known:
        return None
    event, _, place = max(known)
    return None if ttl is not None and at(minute) - at(event) > ttl else place


@given(rows_, asked_, ttls, st.one_of(st.none(), minutes))
def test_a_join_finds_what_a_search_of_every_row_finds(
    rows: list[Row], asked: list[tuple[str | None, int | None]], ttl: timedelta | None, as_of: int | None
) -> None:
    """Creations in any order, ties, expired values and a cut of knowledge included."""
    expected = [search(rows, *question, ttl=ttl, as_of=as_of) for question in asked]
    assert join(rows, asked, ttl=ttl, as_of=as_of) == expected


@given(rows_, asked_, ttls)
def test_a_join_without_creations_goes_by_events(
    rows: list[Row], asked: list[tuple[str | None, int | None]], ttl: timedelta | None
) -> None:
    """Of equal events the row further down counts."""
    expected = [search(rows, *question, ttl=ttl, creations=False) for question in asked]
    assert join(rows, asked, ttl=ttl, creations=False) == expected


@given(rows_, asked_, st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50), st.integers(0, 50)), max_size=10))
def test_what_happens_or_becomes_known_later_changes_no_earlier_row(
    rows: list[Row], asked: list[tuple[str | None, int | None]], later: list[tuple[str, int, int]]
) -> None:
    """Rows whose event or creation lies after every question are as good as not there."""
    last = max((minute for _, minute in asked if minute is not None), default=0)
    added = [Row(key, event, max(last + 1, created)) for key, event, created in later]
    added += [Row(key, last + 1 + event, created) for key, event, created in later]
    assert join(rows + added, asked) == join(rows, asked)


@given(rows_, asked_)
def test_there_are_as_many_rows_as_questions(rows: list[Row], asked: list[tuple[str | None, int | None]]) -> None:
    """No row is dropped and none is doubled."""
    assert len(join(rows, asked)) == len(asked)


def test_a_value_exactly_as_old_as_its_ttl_is_fresh_enough() -> None:
    """One microsecond more is too old."""
    row = [Row("a", 0, 0)]
    assert join(row, [("a", 5)], ttl=timedelta(minutes=5)) == [0]
    assert join(row, [("a", 5)], ttl=timedelta(minutes=5) - timedelta(microseconds=1)) == [None]


def test_centuries_of_many_entities_are_joined_too() -> None:
    """Where entity and time do not fit into one number."""
    count = 5_000
    rows = pl.DataFrame({"key": [f"k{at}" for at in range(count)] * 2, "value": range(2 * count)}).with_columns(
        pl.Series(EVENT, [datetime(1, 1, 1, tzinfo=UTC)] * count + [datetime(9000, 1, 1, tzinfo=UTC)] * count).cast(
            MOMENT
        )
    )
    asked = rows.head(count).select("key", pl.lit(datetime(2026, 1, 1, tzinfo=UTC)).cast(MOMENT).alias(AT))
    found = join_view(asked, rows.lazy().with_row_index(POSITION), keys=["key"], features=["value"])
    assert found["value"].to_list() == list(range(count))
