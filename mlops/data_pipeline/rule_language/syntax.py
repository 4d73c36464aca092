"""What an expression of the rule language is made of, each part with its place in the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

__all__ = [
    "Binary",
    "Call",
    "Column",
    "Compare",
    "IsNull",
    "Kind",
    "Literal",
    "Logic",
    "Member",
    "Node",
    "Not",
    "columns_of",
]


class Kind(StrEnum):
    """What an expression gives."""

    INTEGER = "whole number"
    FLOAT = "number"
    TEXT = "text"
    BOOLEAN = "true or false"
    DATE = "date"
    DATETIME = "date with time"


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression; `at` is the character of the text, from 1, at which it stands."""

    at: int

    def parts(self) -> tuple[Node, ...]:
        """Return the parts that this one is made of."""
        return ()


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A value written out."""

    value: bool | int | float | str | date | datetime
    kind: Kind


@dataclass(frozen=True, slots=True)
class Column(Node):
    """A column of the row."""

    name: str


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Arithmetic on two numbers; `sign` is one of `+ - * /`."""

    sign: str
    left: Node
    right: Node

    def parts(self) -> tuple[Node, ...]:
        """Return both sides."""
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """A comparison; `sign` is one of `< <= > >= == !=`."""

    sign: str
    left: Node
    right: Node

    def parts(self) -> tuple[Node, ...]:
        """Return both sides."""
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """Conditions joined by `and` or `or`."""

    word: str
    conditions: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        """Return the conditions."""
        return self.conditions


@dataclass(frozen=True, slots=True)
class Not(Node):
    """The opposite of a condition."""

    condition: Node

    def parts(self) -> tuple[Node, ...]:
        """Return the condition."""
        return (self.condition,)


@dataclass(frozen=True, slots=True)
class Member(Node):
    """Whether a value is one of those listed."""

    operand: Node
    values: tuple[Literal, ...]

    def parts(self) -> tuple[Node, ...]:
        """Return the value and those listed."""
        return self.operand, *self.values


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    """Whether a value is missing."""

    operand: Node

    def parts(self) -> tuple[Node, ...]:
        """Return the value."""
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function of values."""

    name: str
    arguments: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        """Return the arguments."""
        return self.arguments


def columns_of(node: Node) -> tuple[str, ...]:
    """Return the names of the columns that an expression needs, each once, in the order in which they appear."""
    return tuple(dict.fromkeys(column.name for column in _columns(node)))


def _columns(node: Node) -> Iterator[Column]:
    if isinstance(node, Column):
        yield node
    for part in node.parts():
        yield from _columns(part)
