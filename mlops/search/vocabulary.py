"""What may be searched: the names and kinds of a thing's attributes and collections, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlops.search.syntax import Attribute, Field, Kind, Member

__all__ = ["Collection", "Vocabulary"]


@dataclass(frozen=True)
class Collection:
    """Values by free-form name.

    Attributes:
        kind: What the values are: NUMBER, TEXT or MIXED.
        measures: Further numbers kept per name, written as functions: `min(metrics.loss)`.
    """

    kind: Kind
    measures: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The fields of one kind of document.

    Attributes:
        attributes: Kind of each attribute by its name: TEXT, NUMBER or DATE.
        collections: The collections by their names.
        default_order: The order used when none is asked for, as text.
    """

    attributes: Mapping[str, Kind]
    collections: Mapping[str, Collection] = field(default_factory=dict)
    default_order: str = ""

    def kind(self, field: Field) -> Kind:
        """Return what values a field holds; measures are numbers."""
        match field:
            case Attribute(name):
                return self.attributes[name]
            case Member(collection, _, measure):
                return Kind.NUMBER if measure else self.collections[collection].kind

    @property
    def measures(self) -> frozenset[str]:
        """Return the names of all measures of all collections."""
        return frozenset().union(*(collection.measures for collection in self.collections.values()))
