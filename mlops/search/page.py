"""One page of a longer list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Generic, TypeVar, overload

__all__ = ["Page"]

T = TypeVar("T")
U = TypeVar("U")


class Page(Sequence[T], Generic[T]):
    """An immutable sequence of results that knows where the next page begins.

    It is used like a list; it equals a page with the same items and cursor, and a list or tuple with the same items.

    Args:
        items: The results of this page, in order.
        next_cursor: What to pass as `cursor` for the next page; None on the last.

    Example:
        >>> page = Page(["a", "b"], next_cursor="eyJx")
        >>> len(page), page[0], page == ["a", "b"]
        (2, 'a', True)
    """

    __slots__ = ("_items", "_next_cursor")

    def __init__(self, items: Iterable[T] = (), next_cursor: str | None = None) -> None:
        self._items = tuple(items)
        self._next_cursor = next_cursor

    @property
    def next_cursor(self) -> str | None:
        """The opaque text that asks for the next page; None on the last."""
        return self._next_cursor

    def replaced(self, items: Iterable[U]) -> Page[U]:
        """Return a page of other items at the same place, such as the records of these ids."""
        return Page(items, self._next_cursor)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...

    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Page):
            return self._items == other._items and self._next_cursor == other._next_cursor
        return self._items == tuple(other) if isinstance(other, list | tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._items)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: as the items' own class draws a page of them, or as text."""
        draw = getattr(type(self._items[0]), "_page_html_", None) if self._items else None
        return str(draw(self._items)) if draw else f"<pre>{escape(repr(self))}</pre>"

    def __repr__(self) -> str:
        return f"Page({list(self._items)!r}, next_cursor={self._next_cursor!r})"
