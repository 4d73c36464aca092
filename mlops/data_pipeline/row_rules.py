"""Conditions across the columns of one row, as part of a schema: an expression, or the name of a registered one.

A row breaks a rule only when the condition is false. Where it cannot be told because a cell that it needs is empty, the
rule does not apply and the row passes; write `is_null(x)` into the condition to speak of empty cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import model_validator

from mlops.data_pipeline.errors import RuleError
from mlops.data_pipeline.rule_language import check_condition, columns_of, parse_rule
from mlops.data_pipeline.typed_values import ColumnType
from mlops.errors import InvalidRecord
from mlops.records import Record
from mlops.values import Name, OptionalName, Words, short_repr

__all__ = ["RowRule", "check_rules", "rules_of"]


class RowRule(Record):
    """A condition that good rows fulfil.

    Attributes:
        name: Unique in the schema; rows that break the rule carry it in their reason, as `rule:<name>`.
        expression: The condition over the schema's columns, such as `dose <= 2 * max_dose or is_null(reviewer)`.
        polars_name: Instead of an expression, the name under which a Polars expression was registered.
        description: For people.
        severity: `error` sends rows that break it to quarantine; `warning` counts them and keeps them.

    Example:
        >>> RowRule(name="dose", expression="dose <= 2 * max_dose").severity
        'error'
    """

    name: Name
    expression: Words = ""
    polars_name: OptionalName = ""
    description: Words = ""
    severity: Literal["error", "warning"] = "error"

    @model_validator(mode="after")
    def _has_one_condition(self) -> Self:
        if bool(self.expression.strip()) == bool(self.polars_name):
            both = "both an expression and" if self.polars_name else "neither an expression nor"
            raise ValueError(f"it has {both} a polars_name; give one of them")
        return self


def rules_of(value: object) -> object:
    """Return rules as a tuple of `RowRule`, from a mapping of names to conditions or a list of rules.

    Raises:
        ValueError: A rule cannot be made; the message names it.
    """
    if isinstance(value, Mapping):
        return tuple(_rule({"name": name, **_condition(name, rule)}) for name, rule in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(rule if isinstance(rule, RowRule) else _rule(rule) for rule in value)
    raise ValueError(f"expected a mapping of names to expressions, or a list of rules, not {short_repr(value)}")


def _condition(name: object, rule: object) -> Mapping[str, Any]:
    if isinstance(rule, str):
        return {"expression": rule}
    if isinstance(rule, RowRule):
        return rule.changed(name=name).model_dump()
    if isinstance(rule, Mapping):
        return rule
    raise ValueError(f"rule {name!r}: expected an expression or a mapping, not {short_repr(rule)}")


def _rule(values: object) -> RowRule:
    if not isinstance(values, Mapping):
        raise ValueError(f"expected a rule such as {{'name': …, 'expression': …}}, not {short_repr(values)}")
    try:
        return RowRule(**values)
    except InvalidRecord as error:
        raise ValueError(f"rule {values.get('name', '')!r}: {' '.join(error.problems)}") from error


def check_rules(rules: Sequence[RowRule], columns: Mapping[str, ColumnType]) -> None:
    """Refuse rules that share a name, or whose expression does not fit the columns.

    Raises:
        ValueError: The message names the rule and the place in its expression.
    """
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two rules have the name {name!r}; every rule has its own")
    for rule in rules:
        if rule.expression:
            _check_expression(rule, columns)


def _check_expression(rule: RowRule, columns: Mapping[str, ColumnType]) -> None:
    try:
        node = parse_rule(rule.expression)
        check_condition(rule.expression, node, columns)
    except RuleError as error:
        raise ValueError(f"rule {rule.name!r}: {error}") from error
    if not columns_of(node):
        raise ValueError(f"rule {rule.name!r}: {rule.expression!r} names no column, so that it says nothing of a row")
