"""Tells what kind of value an expression gives, and refuses one whose kinds do not go together."""

from __future__ import annotations

from collections.abc import Mapping

from mlops.data_pipeline.errors import RuleError
from mlops.data_pipeline.patterns import pattern_problem
from mlops.data_pipeline.rule_language.functions import FUNCTIONS, NUMBERS, Function
from mlops.data_pipeline.rule_language.syntax import (
    Binary,
    Call,
    Column,
    Compare,
    IsNull,
    Kind,
    Literal,
    Logic,
    Member,
    Node,
    Not,
)
from mlops.data_pipeline.typed_values import ColumnType
from mlops.errors import did_you_mean

__all__ = ["KIND_OF_TYPE", "Kind", "check_condition", "kind_of", "shared_kind"]

KIND_OF_TYPE: Mapping[ColumnType, Kind] = {
    ColumnType.STRING: Kind.TEXT,
    ColumnType.CATEGORY: Kind.TEXT,
    ColumnType.INTEGER: Kind.INTEGER,
    ColumnType.FLOAT: Kind.FLOAT,
    ColumnType.BOOLEAN: Kind.BOOLEAN,
    ColumnType.DATE: Kind.DATE,
    ColumnType.DATETIME: Kind.DATETIME,
}


def check_condition(text: str, node: Node, columns: Mapping[str, ColumnType]) -> None:
    """Refuse an expression that is no condition over these columns.

    Raises:
        RuleError: It names a column that is not there, or joins kinds that do not go together.
    """
    _Checker(text, columns).condition(node)


def kind_of(node: Node, columns: Mapping[str, ColumnType]) -> Kind:
    """Return what a checked expression gives."""
    return _Checker("", columns).kind(node)


def shared_kind(kinds: frozenset[Kind]) -> Kind | None:
    """Return the kind as which values of several kinds can be compared; None when there is none."""
    if len(kinds) == 1:
        return next(iter(kinds))
    return Kind.FLOAT if kinds <= NUMBERS else None


class _Checker:
    def __init__(self, text: str, columns: Mapping[str, ColumnType]) -> None:
        self._text = text
        self._columns = columns

    def _error(self, node: Node, reason: str) -> RuleError:
        return RuleError(self._text, node.at, reason)

    def condition(self, node: Node) -> None:
        kind = self.kind(node)
        if kind is not Kind.BOOLEAN:
            raise self._error(node, f"expected a condition, which is true or false, and this is a {kind}")

    def kind(self, node: Node) -> Kind:
        match node:
            case Literal():
                return node.kind
            case Column():
                return self._column(node)
            case Binary():
                return self._arithmetic(node)
            case Call():
                return self._call(node)
            case Compare():
                self._compared(node)
            case Member():
                self._same(node, node.parts())
            case IsNull():
                self.kind(node.operand)
            case Logic() | Not():
                for part in node.parts():
                    self.condition(part)
        return Kind.BOOLEAN

    def _column(self, node: Column) -> Kind:
        if node.name not in self._columns:
            hint = did_you_mean(node.name, self._columns) or f"Its columns are {', '.join(self._columns)}."
            raise self._error(node, f"the schema has no column {node.name!r}. {hint}")
        return KIND_OF_TYPE[self._columns[node.name]]

    def _arithmetic(self, node: Binary) -> Kind:
        for part in node.parts():
            kind = self.kind(part)
            if kind not in NUMBERS:
                hint = "; days_between(a, b) gives the days between two dates" if "date" in kind else ""
                raise self._error(part, f"{node.sign!r} takes numbers, and this is a {kind}{hint}")
        return Kind.FLOAT

    def _compared(self, node: Compare) -> None:
        kind = self._same(node, node.parts())
        if kind is Kind.BOOLEAN and node.sign not in {"==", "!="}:
            raise self._error(node, f"{node.sign!r} needs an order, and true and false have none; use == or !=")

    def _same(self, node: Node, parts: tuple[Node, ...]) -> Kind:
        kinds = [self.kind(part) for part in parts]
        shared = shared_kind(frozenset(kinds))
        if shared is None:
            other = next(kind for kind in kinds if kind is not kinds[0])
            raise self._error(node, f"a {kinds[0]} cannot be compared with a {other}{self._hint(parts, kinds)}")
        return shared

    def _hint(self, parts: tuple[Node, ...], kinds: list[Kind]) -> str:
        """Return what was likely meant where kinds do not go together."""
        texts = [str(part.value) for part in parts if isinstance(part, Literal) and part.kind is Kind.TEXT]
        name = next((text for text in texts if text in self._columns), None)
        if name is not None:
            return f"; the column {name!r} is written `{name}`, for quotes make a text"
        moment = next((kind for kind in kinds if kind in {Kind.DATE, Kind.DATETIME}), None)
        if moment is not None and texts:
            return f"; write {'date' if moment is Kind.DATE else 'datetime'}({texts[0]!r})"
        return "; date(x) is the day of a moment" if set(kinds) == {Kind.DATE, Kind.DATETIME} else ""

    def _call(self, node: Call) -> Kind:
        function = FUNCTIONS.get(node.name)
        if function is None:
            names = sorted([*FUNCTIONS, "is_null"])
            hint = did_you_mean(node.name, names) or f"There are {', '.join(names)}."
            raise self._error(node, f"there is no function {node.name!r}. {hint}")
        self._check_count(node, function)
        for index in range(len(node.arguments)):
            self._check_argument(node, function, index)
        if node.name == "matches":
            self._check_pattern(node.arguments[1])
        return self._same(node, node.arguments) if function.gives is None else function.gives

    def _check_count(self, node: Call, function: Function) -> None:
        wanted, given = len(function.takes), len(node.arguments)
        if given < wanted or (given > wanted and not function.is_variadic):
            most = " or more" if function.is_variadic else ""
            raise self._error(node, f"{node.name} takes {wanted}{most} value(s), and {given} were given")

    def _check_argument(self, node: Call, function: Function, index: int) -> None:
        argument = node.arguments[index]
        kind, takes = self.kind(argument), function.takes[min(index, len(function.takes) - 1)]
        if kind not in takes:
            allowed = " or ".join(sorted(takes))
            raise self._error(argument, f"{node.name} takes a {allowed} here, and this is a {kind}")

    def _check_pattern(self, node: Node) -> None:
        if not isinstance(node, Literal):
            raise self._error(node, "a pattern is written out, as in matches(code, 'S-[0-9]+')")
        problem = pattern_problem(str(node.value))
        if problem:
            raise self._error(node, f"the pattern does not compile: {problem}")
