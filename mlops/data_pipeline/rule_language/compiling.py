"""Compiles a checked condition to a Polars expression that is true, false, or null where it cannot be told.

Two things differ from what Polars does by itself: NaN is equal to nothing and has no order, as IEEE 754 has it (Polars
holds it for the largest number), and all arithmetic is in double precision, so that no whole number overflows.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

import polars as pl

from mlops.data_pipeline.patterns import full_match
from mlops.data_pipeline.rule_language.functions import FUNCTIONS
from mlops.data_pipeline.rule_language.kinds import kind_of, shared_kind
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

__all__ = ["compile_condition"]

_ARITHMETIC: Mapping[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_DTYPES: Mapping[Kind, pl.DataType] = {
    Kind.INTEGER: pl.Int64(),
    Kind.FLOAT: pl.Float64(),
    Kind.TEXT: pl.String(),
    Kind.BOOLEAN: pl.Boolean(),
    Kind.DATE: pl.Date(),
    Kind.DATETIME: pl.Datetime("us"),
}


def compile_condition(
    node: Node, columns: Mapping[str, ColumnType], cells: Callable[[str], pl.Expr] = pl.col
) -> pl.Expr:
    """Return the expression of a condition that `check_condition` accepted.

    Args:
        node: The condition.
        columns: Types of the schema's columns.
        cells: The expression of a column's cells; they have to be Int64, Float64, String, Boolean, Date or Datetime
            in microseconds without a time zone, after the column's type.

    Example:
        >>> from mlops.data_pipeline.rule_language.parser import parse_rule
        >>> condition = compile_condition(parse_rule("a < 2 * b"), {"a": ColumnType.FLOAT, "b": ColumnType.FLOAT})
        >>> pl.DataFrame({"a": [1.0, 9.0, None], "b": [2.0, 2.0, 2.0]}).select(condition).to_series().to_list()
        [True, False, None]
    """
    return _Compiler(columns, cells).expression(node)


class _Compiler:
    def __init__(self, columns: Mapping[str, ColumnType], cells: Callable[[str], pl.Expr]) -> None:
        self._columns = columns
        self._cells = cells

    def _kind(self, node: Node) -> Kind:
        return kind_of(node, self._columns)

    def expression(self, node: Node) -> pl.Expr:
        return self._parts[type(node)](self, node)

    def _literal(self, node: Literal) -> pl.Expr:
        return pl.lit(_plain(node), dtype=_DTYPES[node.kind])

    def _column(self, node: Column) -> pl.Expr:
        return self._cells(node.name)

    def _arithmetic(self, node: Binary) -> pl.Expr:
        return _ARITHMETIC[node.sign](self._as(node.left, Kind.FLOAT), self._as(node.right, Kind.FLOAT))

    def _is_null(self, node: IsNull) -> pl.Expr:
        return self.expression(node.operand).is_null()

    def _denied(self, node: Not) -> pl.Expr:
        return ~self.expression(node.condition)

    def _joined(self, node: Logic) -> pl.Expr:
        join = operator.and_ if node.word == "and" else operator.or_
        return functools.reduce(join, [self.expression(part) for part in node.conditions])

    def _as(self, node: Node, kind: Kind) -> pl.Expr:
        """Compile a part as a kind: whole numbers become doubles where these are asked for."""
        if kind is Kind.FLOAT and isinstance(node, Literal):
            return pl.lit(float(node.value), dtype=pl.Float64)  # type: ignore[arg-type]  # a number, as was checked
        expression = self.expression(node)
        return expression.cast(pl.Float64) if kind is Kind.FLOAT and self._kind(node) is Kind.INTEGER else expression

    def _common(self, parts: tuple[Node, ...]) -> Kind:
        shared = shared_kind(frozenset(map(self._kind, parts)))
        assert shared is not None  # as was checked
        return shared

    def _compared(self, node: Compare) -> pl.Expr:
        kind = self._common(node.parts())
        first, second = (node.right, node.left) if node.sign in {">", ">="} else (node.left, node.right)
        left, right = self._as(first, kind), self._as(second, kind)
        nan_side = self._may_be_nan(second, kind)
        if node.sign in {"==", "!="}:
            is_equal = _unless_nan(right, left, left == right) if nan_side else left == right
            return is_equal if node.sign == "==" else ~is_equal
        is_ordered = left < right if node.sign in {"<", ">"} else left <= right
        return _unless_nan(right, left, is_ordered) if nan_side else is_ordered

    def _may_be_nan(self, node: Node, kind: Kind) -> bool:
        return kind is Kind.FLOAT and not isinstance(node, Literal) and self._kind(node) is Kind.FLOAT

    def _member(self, node: Member) -> pl.Expr:
        kind = self._common(node.parts())
        values = [float(plain) if kind is Kind.FLOAT else plain for plain in map(_plain, node.values)]
        return self._as(node.operand, kind).is_in(pl.Series(values, dtype=_DTYPES[kind]).implode())

    def _call(self, node: Call) -> pl.Expr:
        function = FUNCTIONS[node.name]
        if function.shares_kind:
            kind = self._common(node.arguments)
            return function.expression([self._as(argument, kind) for argument in node.arguments])
        if node.name == "matches":
            subject, pattern = node.arguments
            assert isinstance(pattern, Literal)  # as was checked
            return function.expression([self.expression(subject), pl.lit(full_match(str(pattern.value)))])
        return function.expression([self.expression(argument) for argument in node.arguments])

    _parts: ClassVar[Mapping[type[Node], Callable[..., pl.Expr]]] = {
        Literal: _literal,
        Column: _column,
        Binary: _arithmetic,
        Compare: _compared,
        Member: _member,
        IsNull: _is_null,
        Call: _call,
        Not: _denied,
        Logic: _joined,
    }


def _plain(literal: Literal) -> Any:
    value = literal.value
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value  # UTC, as the parser made it


def _unless_nan(side: pl.Expr, other: pl.Expr, comparison: pl.Expr) -> pl.Expr:
    """Make a comparison false where a side is NaN; where the other is null it stays null."""
    return pl.when(side.is_nan() & other.is_not_null()).then(statement=False).otherwise(comparison)
