"""Where a page ended, as an opaque text that the next request brings back.

A cursor is not secret and not signed: it holds the sort values of the last result, and is checked like any input.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlops.search.errors import InvalidCursor
from mlops.search.syntax import Expression, Kind, Order
from mlops.search.vocabulary import Vocabulary

__all__ = ["Cursor", "CursorValue", "digest_of"]

CursorValue = float | str | datetime | None

_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last result of a page.

    Attributes:
        digest: That of the search it belongs to, from `digest_of`.
        keys: For each term of the order, the rank (0 a value, 1 NaN or a parameter's text, 2 missing) and the value.
        identity: The last result's id.
        moment: What `now` meant on the first page, so that it means the same on all.
    """

    digest: str
    keys: tuple[tuple[int, CursorValue], ...]
    identity: str
    moment: datetime

    def encode(self) -> str:
        """Write the cursor as text that is safe in a URL."""
        keys = [[rank, value.isoformat() if isinstance(value, datetime) else value] for rank, value in self.keys]
        document = {"q": self.digest, "k": keys, "i": self.identity, "t": self.moment.isoformat()}
        text = json.dumps(document, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str, *, digest: str, orders: Sequence[Order], vocabulary: Vocabulary) -> Cursor:
        """Read a cursor for a search.

        Raises:
            InvalidCursor: It is damaged, or belongs to a search with another filter or order.
        """
        document = _document(text)
        if document.get("q") != digest:
            raise InvalidCursor(
                "The cursor belongs to a search with another filter or order. "
                "Repeat the filter and order_by it was given for, or leave the cursor out to begin at the first page."
            )
        try:
            keys = document["k"]
            kinds = [vocabulary.kind(order.field) for order in orders]
            checked = tuple(_checked(kind, *key) for kind, key in zip(kinds, keys, strict=True))
            return cls(digest, checked, _storable(document["i"]), _aware(document["t"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise _damaged(text) from error


def digest_of(where: Expression | None, orders: Sequence[Order]) -> str:
    """Return a short fingerprint of a filter and an order, equal for equal searches."""
    return hashlib.blake2b(repr((where, tuple(orders))).encode(), digest_size=9).hexdigest()


def _document(text: str) -> dict[str, Any]:
    try:
        if len(text) > _LONGEST:
            raise _damaged(text)
        document = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as error:
        raise _damaged(text) from error
    if not isinstance(document, dict):
        raise _damaged(text)
    return document


def _checked(kind: Kind, rank: object, value: object) -> tuple[int, CursorValue]:
    """Return a key whose value is of the type that the database will compare it with."""
    if type(rank) is not int or rank not in (0, 1, 2):
        raise ValueError("unknown rank")
    if rank == 2 or (rank == 1 and kind is not Kind.MIXED):
        return rank, None
    if kind is Kind.DATE:
        return rank, _aware(value)
    if kind is Kind.NUMBER or (kind is Kind.MIXED and rank == 0):
        return rank, _number(value)
    return rank, _storable(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise ValueError("expected a number")
    return value if isinstance(value, float) else float(value)


def _storable(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("expected a text")
    value.encode()  # a lone surrogate, which no database takes, raises a ValueError here
    return value


def _aware(value: object) -> datetime:
    moment = datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise ValueError("expected a time zone")
    return moment


def _damaged(text: str) -> InvalidCursor:
    shown = text if len(text) <= 40 else text[:39] + "…"
    return InvalidCursor(
        f"{shown!r} is not a cursor. Pass the next_cursor of a page unchanged, "
        "or leave it out to begin at the first page."
    )
