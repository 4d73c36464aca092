"""Compiles a schema to expressions over a snapshot that find every bad row and its reasons in one pass.

Each demand of the schema is a rule with an id such as `dose:range`, and one bit in the fault words of a row: 64-bit
numbers, as many as the rules need. Words are made for rows only that break something, which most do not. What a rule
cannot tell because a cell is empty it lets pass; a cell that did not parse breaks `type` and nothing else, and a row
that is broken as such breaks its fault and nothing else.

Uniqueness needs all rows at once and is found before by `duplicates`: the first row of a value is good, whatever else
is wrong with it, and every later one breaks `unique`.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from mlops.data_pipeline.cells import bound_literal, cell_expression, literals
from mlops.data_pipeline.column_spec import ColumnSpec
from mlops.data_pipeline.entities import DataSchema
from mlops.data_pipeline.named_rules import NamedRules
from mlops.data_pipeline.patterns import full_match
from mlops.data_pipeline.row_rules import RowRule
from mlops.data_pipeline.rule_language import compile_condition, parse_rule
from mlops.data_pipeline.snapshot_columns import FAULT, ROW, raw_name
from mlops.data_pipeline.typed_values import ColumnType
from mlops.errors import InvalidInput

__all__ = ["KNOWN_FAULTS", "REASONS", "Check", "Checks", "compile_checks", "unique_keys"]

KNOWN_FAULTS = ("ragged", "quotes", "encoding", "nul", "json")
"""Reasons for which a row is broken as such."""

_WORD = 64


@dataclass(frozen=True)
class Check:
    """One rule that rows are held against.

    Attributes:
        rule_id: `<column>:<reason>`, `rule:<name>` or `row:<fault>`; unique in the schema.
        column: The column; those of a key of several joined by `+`; empty for rules across columns and faults.
        reason: The reason code: `not-null`, `type`, `range`, `allowed`, `regex`, `length`, `unique`, `rule:<name>`,
            one of `KNOWN_FAULTS`, or `broken`.
        is_error: Whether breaking it makes the row bad; else it is only counted.
        broken: Expression that is true where the rule is broken; false or null elsewhere.
    """

    rule_id: str
    column: str
    reason: str
    is_error: bool
    broken: pl.Expr


class Checks:
    """The rules of a schema, compiled for one snapshot.

    Attributes:
        rules: The rules in the order of their bits.
    """

    def __init__(self, rules: Sequence[Check]) -> None:
        self.rules = tuple(rules)
        self._bits = {check.rule_id: divmod(index, _WORD) for index, check in enumerate(self.rules)}

    @property
    def word_names(self) -> tuple[str, ...]:
        """Names of the columns of fault words."""
        return tuple(f"__faults_{word}__" for word in range(-(-len(self.rules) // _WORD)))

    def is_flagged(self) -> pl.Expr:
        """Return what is true of rows that break any rule, warnings included; never null."""
        return _any([check.broken for check in self.rules])

    def words(self) -> list[pl.Expr]:
        """Return the fault words; bit `i % 64` of word `i // 64` is set where rule `i` is broken."""
        return [
            _packed(self.rules[word * _WORD : (word + 1) * _WORD]).alias(name)
            for word, name in enumerate(self.word_names)
        ]

    def faults(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return `__row__` and the fault words of the rows that break any rule; one pass that streams."""
        return rows.filter(self.is_flagged()).select(ROW, *self.words())

    def is_broken(self, rule_id: str) -> pl.Expr:
        """Return what is true, over a frame with fault words, of rows that break this rule."""
        word, bit = self._bits[rule_id]
        return (pl.col(self.word_names[word]) & pl.lit(1 << bit, dtype=pl.UInt64)) != 0

    def is_bad(self) -> pl.Expr:
        """Return what is true, over a frame with fault words, of rows that break an error's rule; never null."""
        masks = [0] * len(self.word_names)
        for index, check in enumerate(self.rules):
            masks[index // _WORD] |= int(check.is_error) << index % _WORD
        words = zip(self.word_names, masks, strict=True)
        return _any([(pl.col(name) & pl.lit(mask, dtype=pl.UInt64)) != 0 for name, mask in words if mask])

    def reasons(self) -> pl.Expr:
        """Return, over a frame with fault words, the ids of the broken rules as one text, `;` between them."""
        ids = [pl.when(self.is_broken(check.rule_id)).then(pl.lit(check.rule_id)) for check in self.rules]
        return pl.concat_str(ids, separator=";", ignore_nulls=True) if ids else pl.lit("")

    def count(self, faults: pl.LazyFrame | pl.DataFrame) -> dict[str, int]:
        """Return how many rows break each rule, rules that nothing breaks included, in the order of the rules."""
        if not self.rules:
            return {}
        sums = [self.is_broken(check.rule_id).sum().alias(check.rule_id) for check in self.rules]
        return dict(faults.lazy().select(sums).collect(engine="streaming").row(0, named=True))


def unique_keys(schema: DataSchema, types: Mapping[str, pl.DataType]) -> dict[str, list[pl.Expr]]:
    """Return the keys whose repetition breaks a rule: names, those of several columns joined by `+`, to expressions."""
    keys: list[tuple[str, ...]] = [(name,) for name, spec in schema.columns.items() if spec.unique]
    keys += [schema.primary_key] if schema.primary_key and schema.primary_key not in keys else []
    return {
        "+".join(key): [cell_expression(name, schema.columns[name].type, types[name]) for name in key]
        for key in keys
        if all(name in types for name in key)
    }


def compile_checks(
    schema: DataSchema,
    types: Mapping[str, pl.DataType],
    *,
    duplicates: Mapping[str, pl.Series] | None = None,
    named_rules: NamedRules | None = None,
) -> Checks:
    """Compile a schema for a snapshot that has its required columns (`columns_fit.fit_columns` has seen to it).

    Args:
        schema: What rows have to be.
        types: The snapshot's columns, its own ones included, to their types: `rows.collect_schema()`.
        duplicates: For each of `unique_keys` the numbers of the rows that repeat it, of `find_duplicates`.
        named_rules: The Polars rules that the schema may name.

    Raises:
        NamedRuleNotFound: The schema names a rule that is not registered.
        InvalidInput: A registered rule needs a column that is not there, or does not give Booleans.
        SchemaMismatch: A column of the snapshot is not of the schema's type.
    """
    found = list(_column_checks(schema, types))
    found += [_unique_check(key, rows) for key, rows in (duplicates or {}).items()]
    found += [_rule_check(rule, schema, types, named_rules or NamedRules()) for rule in schema.validation_rules]
    if FAULT not in types:
        return Checks(found)
    whole = [_unless_faulty(check) for check in found]
    return Checks([*_fault_checks(), *whole])


def _column_checks(schema: DataSchema, types: Mapping[str, pl.DataType]) -> Iterator[Check]:
    for name, spec in schema.columns.items():
        if name not in types:
            continue  # all empty, which it may be
        cells, has_raw = cell_expression(name, spec.type, types[name]), raw_name(name) in types
        raw = pl.col(raw_name(name))
        if has_raw:
            yield Check(f"{name}:type", name, "type", is_error=True, broken=raw.is_not_null())
        if not spec.nullable:
            empty = cells.is_null() & raw.is_null() if has_raw else cells.is_null()
            yield Check(f"{name}:not-null", name, "not-null", is_error=True, broken=empty)
        for reason, demand in _DEMANDS.items():
            broken = demand(spec, cells)
            if broken is not None:
                yield Check(f"{name}:{reason}", name, reason, is_error=True, broken=broken)


def _range(spec: ColumnSpec, cells: pl.Expr) -> pl.Expr | None:
    outside = []
    if spec.min is not None:
        outside.append(cells < bound_literal(spec.type, spec.min, is_lower=True))
    if spec.max is not None:
        outside.append(cells > bound_literal(spec.type, spec.max, is_lower=False))
    if outside and spec.type is ColumnType.FLOAT:
        outside.append(cells.is_nan())
    return functools.reduce(operator.or_, outside) if outside else None


def _allowed(spec: ColumnSpec, cells: pl.Expr) -> pl.Expr | None:
    return ~cells.is_in(literals(spec.type, spec.allowed_values).implode()) if spec.allowed_values else None


def _regex(spec: ColumnSpec, cells: pl.Expr) -> pl.Expr | None:
    return ~cells.str.contains(full_match(spec.regex)) if spec.regex else None


def _length(spec: ColumnSpec, cells: pl.Expr) -> pl.Expr | None:
    shortest, longest = spec.min_length, spec.max_length
    if not shortest and longest is None:
        return None
    length = cells.str.len_chars()
    too_short = [length < shortest] if shortest else []
    return functools.reduce(operator.or_, [*too_short, *([length > longest] if longest is not None else [])])


_DEMANDS: Mapping[str, Callable[[ColumnSpec, pl.Expr], pl.Expr | None]] = {
    "range": _range,
    "allowed": _allowed,
    "regex": _regex,
    "length": _length,
}

REASONS = ("not-null", "type", *_DEMANDS, "unique", *KNOWN_FAULTS, "broken")
"""All reason codes but `rule:<name>`."""


def _unique_check(key: str, rows: pl.Series) -> Check:
    repeats = pl.col(ROW).is_in(rows.implode()) if len(rows) else pl.lit(value=False)
    return Check(f"{key}:unique", key, "unique", is_error=True, broken=repeats)


def _rule_check(rule: RowRule, schema: DataSchema, types: Mapping[str, pl.DataType], named: NamedRules) -> Check:
    if rule.polars_name:
        condition = _named_condition(rule.polars_name, named, types)
    else:
        kinds = {name: spec.type for name, spec in schema.columns.items()}
        condition = compile_condition(
            parse_rule(rule.expression), kinds, lambda name: cell_expression(name, kinds[name], types.get(name))
        )
    reason = f"rule:{rule.name}"
    return Check(reason, "", reason, is_error=rule.severity == "error", broken=~condition)


def _named_condition(name: str, named: NamedRules, types: Mapping[str, pl.DataType]) -> pl.Expr:
    condition = named.expression(name)
    try:
        given = pl.LazyFrame(schema=dict(types)).select(condition).collect_schema().dtypes()
    except pl.exceptions.PolarsError as error:
        raise InvalidInput(f"Rule {name!r} does not fit the table: {str(error).splitlines()[0]}.") from error
    if given != [pl.Boolean]:
        raise InvalidInput(f"Rule {name!r} gives {', '.join(map(str, given))}; a rule gives one Boolean for every row.")
    return condition


def _fault_checks() -> list[Check]:
    fault = pl.col(FAULT)
    known = [Check(f"row:{name}", "", name, is_error=True, broken=fault == name) for name in KNOWN_FAULTS]
    other = fault.is_not_null() & ~fault.is_in(pl.Series(KNOWN_FAULTS).implode())
    return [*known, Check("row:broken", "", "broken", is_error=True, broken=other)]


def _unless_faulty(check: Check) -> Check:
    broken = check.broken & pl.col(FAULT).is_null()
    return Check(check.rule_id, check.column, check.reason, is_error=check.is_error, broken=broken)


def _any(conditions: Sequence[pl.Expr]) -> pl.Expr:
    return pl.any_horizontal(*conditions).fill_null(value=False) if conditions else pl.lit(value=False)


def _packed(checks: Sequence[Check]) -> pl.Expr:
    zero = pl.lit(0, dtype=pl.UInt64)
    bits = (
        pl.when(check.broken).then(pl.lit(1 << bit, dtype=pl.UInt64)).otherwise(zero)
        for bit, check in enumerate(checks)
    )
    return functools.reduce(operator.or_, bits)
