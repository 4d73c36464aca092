"""Which way to a page is the shorter: along the order until the page is full, or through a rare condition's rows.

Walking the order reads about (rows wanted ÷ share of rows that fulfil the filter) rows, however large the table;
driving from a condition reads all that fulfil it, and sorts them. How rare a condition is, a probe on its index tells,
which counts up to a limit, beyond which a condition counts as fulfilled by all; shares multiply as if conditions were
independent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlops.database.search.searchable import RowKey, Searchable, row_of
from mlops.search import Field, Order

__all__ = ["WALK", "Route", "Tuning", "choose"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the choice between routes goes by.

    Attributes:
        probe_limit: How far a probe counts the rows of a condition; a thousand take some 50 µs.
        preference: Rows of a walk that are taken for one row of a drive. What a walk costs does not grow with the
            table, so that a search keeps its cost while the table does.
    """

    probe_limit: int = 1_500
    preference: float = 3


@dataclass(frozen=True, slots=True)
class Route:
    """How to get a page.

    Attributes:
        in_order: Walk along the first term of the order, rank by rank; else read `driver` and sort.
        driver: The row of a collection whose index finds the candidates; None for the things' own table.
        empty: Nothing fulfils one of the conditions.
    """

    in_order: bool
    driver: RowKey | None = None
    empty: bool = False


WALK = Route(in_order=True)
NOTHING = Route(in_order=True, empty=True)


def choose(
    orders: Sequence[Order],
    probed: Sequence[tuple[Field, int]],
    searchable: Searchable,
    *,
    size: int,
    wanted: int,
    tuning: Tuning,
) -> Route:
    """Choose the route to a page.

    Args:
        orders: The order of the search.
        probed: The indexed conditions' fields, each with the number of rows the probe counted.
        searchable: What is searched.
        size: Rows of the table, roughly.
        wanted: Rows to be found: the page and what it skips.
        tuning: The limits of the choice.
    """
    if not probed:
        return WALK
    field, fewest = min(probed, key=lambda pair: pair[1])
    if not fewest:
        return NOTHING
    first = orders[0].field if orders else None
    if fewest >= tuning.probe_limit or row_of(field) == _along(first):
        return WALK
    if first is not None and not searchable.is_indexed(first):
        walked = float(size)
    else:
        walked = _walked((count for _, count in probed if count < tuning.probe_limit), size=size, wanted=wanted)
    return WALK if walked <= tuning.preference * fewest else Route(in_order=False, driver=row_of(field))


def _along(first: Field | None) -> RowKey | None:
    return None if first is None else row_of(first)


def _walked(counts: Iterable[int], *, size: int, wanted: int) -> float:
    """Return the rows that a walk is expected to read, from the rows that fulfil each rare condition."""
    share = math.prod(min(1.0, count / max(size, 1)) for count in counts)
    return min(size, wanted / share)
