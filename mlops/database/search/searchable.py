"""How a searchable thing lies in tables: its row, and rows of named values beside it, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from mlops.database.columns import UtcDateTime
from mlops.search import Attribute, Collection, Field, Kind, Member, Vocabulary

__all__ = ["KeyValues", "RowKey", "Searchable", "row_of"]

RowKey = tuple[str, str]
"""A row of a collection: the collection and the name, or the parameter that brings the name."""


def row_of(field: Field) -> RowKey | None:
    """Return the row that holds a field; None for an attribute."""
    return (field.collection, field.name) if isinstance(field, Member) else None


@dataclass(frozen=True, eq=False, kw_only=True)
class KeyValues:
    """A table with one row per owner and name, at most.

    Searches are as fast as its indexes: the primary key (owner, name), and one per value column (name, value, owner).

    Attributes:
        owner: The column with the id of the thing the values belong to.
        name: The column with the values' name.
        number: The column of numbers. Without `text`, NULL in it is NaN; beside `text` it means "not a number".
        text: The column of texts.
        measures: Further number columns by the name of their function, such as `min`; NULL is NaN.
    """

    owner: sa.Column[Any]
    name: sa.Column[Any]
    number: sa.Column[Any] | None = None
    text: sa.Column[Any] | None = None
    measures: Mapping[str, sa.Column[Any]] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """What the values are, seen from the columns there are."""
        if self.number is None:
            return Kind.TEXT
        return Kind.NUMBER if self.text is None else Kind.MIXED

    def columns(self, measure: str) -> list[sa.Column[Any]]:
        """Return the columns that hold a measure, or the values themselves for an empty one."""
        if measure:
            return [self.measures[measure]]
        return [column for column in (self.number, self.text) if column is not None]

    def is_indexed(self, column: sa.Column[Any]) -> bool:
        """Tell whether an index leads to one name's rows in the order of a column."""
        start = [self.name.name, column.name]
        return any([each.name for each in index.columns][:2] == start for index in self.owner.table.indexes)


@dataclass(frozen=True, eq=False, kw_only=True)
class Searchable:
    """A table of things to find.

    Text columns that are searched or sorted have the type `mlops.database.Text`, so that both databases compare by code
    point. On SQLite the table keeps its rowid.

    Attributes:
        identity: The column with each thing's id, a text; the primary key.
        attributes: The columns that searches may name, by those names; their kinds follow from the columns' types.
        collections: The collections, by their names.
        scopes: Conditions that a store chooses from by name and users do not see, such as `live`: deleted_at IS NULL.
        default_order: The order of a search that asks for none, as text.
    """

    identity: sa.Column[Any]
    attributes: Mapping[str, sa.Column[Any]]
    collections: Mapping[str, KeyValues] = field(default_factory=dict)
    scopes: Mapping[str, sa.ColumnElement[bool]] = field(default_factory=dict)
    default_order: str = ""

    @property
    def table(self) -> sa.Table:
        """The table of the things."""
        return self.identity.table

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What filters and orders may name."""
        return Vocabulary(
            {name: _kind(column) for name, column in self.attributes.items()},
            {name: Collection(values.kind, frozenset(values.measures)) for name, values in self.collections.items()},
            self.default_order,
        )

    @cached_property
    def _indexed_attributes(self) -> frozenset[str]:
        """Return those whose column comes first in an index or in the primary key."""
        first = {next(iter(index.columns)).name for index in self.table.indexes}
        first |= {column.name for column in list(self.table.primary_key.columns)[:1]}
        return frozenset(name for name, column in self.attributes.items() if column.name in first)

    def is_indexed(self, field: Field) -> bool:
        """Tell whether an index leads to the values of a field in their order."""
        if isinstance(field, Attribute):
            return field.name in self._indexed_attributes
        values = self.collections[field.collection]
        return all(values.is_indexed(column) for column in values.columns(field.measure))


def _kind(column: sa.Column[Any]) -> Kind:
    if isinstance(column.type, UtcDateTime):
        return Kind.DATE
    return Kind.NUMBER if isinstance(column.type, sa.Numeric | sa.Float | sa.Integer) else Kind.TEXT
