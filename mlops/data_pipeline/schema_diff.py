"""What changed from one version of a schema to another, and whether what relied on the old one still holds.

A change is breaking when rows that the old version let pass may fail now, or when what passes may mean something else:
a column is gone, has another type or other units. Everything else is compatible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlops.data_pipeline.column_spec import ColumnSpec
from mlops.data_pipeline.entities import DataSchema
from mlops.data_pipeline.row_rules import RowRule
from mlops.data_pipeline.typed_values import TEXT_TYPES, ColumnType, python_value
from mlops.records import Record

__all__ = ["SchemaChange", "SchemaDiff", "diff_schemas"]


class SchemaChange(Record):
    """One change.

    Attributes:
        subject: Name of the column, `rule:<name>`, or empty for the schema as a whole.
        field: What of it changed, such as `max`; empty when the whole was added or removed.
        is_breaking: Whether what relied on the old version may not hold any more.
        sentence: The change for people.
    """

    subject: str
    field: str = ""
    is_breaking: bool
    sentence: str


class SchemaDiff(Record):
    """All changes from one version to another, breaking ones first.

    Attributes:
        old: The old version.
        new: The new version.
    """

    old: str
    new: str
    changes: tuple[SchemaChange, ...] = ()

    @property
    def is_breaking(self) -> bool:
        """Whether any change is breaking."""
        return any(change.is_breaking for change in self.changes)

    @property
    def verdict(self) -> str:
        """`same`, `compatible` or `breaking`."""
        return "breaking" if self.is_breaking else "compatible" if self.changes else "same"


def diff_schemas(old: DataSchema, new: DataSchema) -> SchemaDiff:
    """Compare what two schemas demand; names, descriptions, tags and the like are left out.

    Example:
        >>> old = DataSchema(name="s", columns={"dose": {"type": "float", "max": 10}})
        >>> new = DataSchema(name="s", version="2.0", columns={"dose": {"type": "float", "max": 5}})
        >>> diff = diff_schemas(old, new)
        >>> diff.verdict, diff.changes[0].sentence
        ('breaking', "Column 'dose' allows at most 5.0, before 10.0.")
    """
    found = [*_columns(old, new), *_rules(old, new), *_whole(old, new)]
    ordered = sorted(found, key=lambda change: not change.is_breaking)
    return SchemaDiff(old=old.version, new=new.version, changes=tuple(ordered))


def _columns(old: DataSchema, new: DataSchema) -> Iterator[SchemaChange]:
    for name, spec in old.columns.items():
        if name not in new.columns:
            yield SchemaChange(subject=name, is_breaking=True, sentence=f"Column {name!r} was removed.")
        else:
            yield from _column(name, spec, new.columns[name])
    for name, spec in new.columns.items():
        if name not in old.columns:
            kind = "optional" if spec.nullable else "required"
            sentence = f"Column {name!r} was added; it is {kind}."
            yield SchemaChange(subject=name, is_breaking=not spec.nullable, sentence=sentence)


def _column(name: str, old: ColumnSpec, new: ColumnSpec) -> Iterator[SchemaChange]:
    for field, (breaks, told) in _FIELDS.items():
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            sentence = f"Column {name!r} {told(before, after)}."
            yield SchemaChange(subject=name, field=field, is_breaking=breaks(old, new), sentence=sentence)


def _rules(old: DataSchema, new: DataSchema) -> Iterator[SchemaChange]:
    before = {rule.name: rule for rule in old.validation_rules}
    after = {rule.name: rule for rule in new.validation_rules}
    for name in dict.fromkeys([*before, *after]):
        change = _rule(name, before.get(name), after.get(name))
        if change is not None:
            yield change


def _rule(name: str, old: RowRule | None, new: RowRule | None) -> SchemaChange | None:
    subject = f"rule:{name}"
    if new is None:
        return SchemaChange(subject=subject, is_breaking=False, sentence=f"Rule {name!r} was removed.")
    is_error = new.severity == "error"
    if old is None:
        sentence = f"Rule {name!r} was added: {_condition(new)} ({new.severity})."
        return SchemaChange(subject=subject, is_breaking=is_error, sentence=sentence)
    if _condition(old) != _condition(new):
        sentence = f"Rule {name!r} demands {_condition(new)}, before {_condition(old)} ({new.severity})."
        return SchemaChange(subject=subject, field="expression", is_breaking=is_error, sentence=sentence)
    if old.severity != new.severity:
        sentence = f"Rule {name!r} is of severity {new.severity}, before {old.severity}."
        return SchemaChange(subject=subject, field="severity", is_breaking=is_error, sentence=sentence)
    return None


def _condition(rule: RowRule) -> str:
    return rule.expression or f"the registered rule {rule.polars_name!r}"


def _whole(old: DataSchema, new: DataSchema) -> Iterator[SchemaChange]:
    if old.unknown_columns != new.unknown_columns:
        yield SchemaChange(
            subject="",
            field="unknown_columns",
            is_breaking=new.unknown_columns == "refuse",
            sentence=f"Unknown columns: {new.unknown_columns}, before {old.unknown_columns}.",
        )
    if _is_reordered(old, new):
        yield SchemaChange(
            subject="", field="columns", is_breaking=False, sentence="The columns stand in another order."
        )


def _is_reordered(old: DataSchema, new: DataSchema) -> bool:
    return [name for name in old.columns if name in new.columns] != [
        name for name in new.columns if name in old.columns
    ]


def _type_breaks(old: ColumnSpec, new: ColumnSpec) -> bool:
    is_wider = old.type is ColumnType.INTEGER and new.type is ColumnType.FLOAT
    return not is_wider and not {old.type, new.type} <= TEXT_TYPES


def _becomes(field: str) -> Callable[[ColumnSpec, ColumnSpec], bool]:
    return lambda _old, new: bool(getattr(new, field))


def _limit_breaks(field: str, *, is_lower: bool) -> Callable[[ColumnSpec, ColumnSpec], bool]:
    def breaks(old: ColumnSpec, new: ColumnSpec) -> bool:
        before, after = _limit(old, field), _limit(new, field)
        if after is None or before is None:
            return after is not None
        try:
            return bool(after > before) if is_lower else bool(after < before)
        except TypeError:  # another type, or a time zone on one side only: nothing to compare
            return True

    return breaks


def _limit(spec: ColumnSpec, field: str) -> Any:
    value = getattr(spec, field)
    return value if value is None or "length" in field else python_value(spec.type, value)


def _values_break(old: ColumnSpec, new: ColumnSpec) -> bool:
    if not new.allowed_values or not old.allowed_values:
        return bool(new.allowed_values)
    return not set(old.allowed_values) <= set(new.allowed_values)


def _formats_break(old: ColumnSpec, new: ColumnSpec) -> bool:
    return new.format[: len(old.format)] != old.format or not old.format


def _always(_old: ColumnSpec, _new: ColumnSpec) -> bool:
    return True


def _flag(word: str) -> Callable[[Any, Any], str]:
    return lambda _before, after: f"is {'now' if after else 'no longer'} {word}"


def _limited(words: str) -> Callable[[Any, Any], str]:
    return lambda before, after: (
        f"has no limit any more, before {words} {before}"
        if after is None
        else f"allows {words} {after}, {_was(before)}"
    )


def _was(before: Any) -> str:
    return f"before {before}" if before not in {None, ""} else "before any"


def _valued(before: tuple[Any, ...], after: tuple[Any, ...]) -> str:
    if not after or not before:
        return f"allows only {_listed(after)}" if after else f"allows any value, before only {_listed(before)}"
    gone = [value for value in before if value not in after]
    come = [value for value in after if value not in before]
    told = [f"allows {_listed(come)} too"] if come else []
    told += [f"no longer allows {_listed(gone)}"] if gone else []
    return " and ".join(told) or "lists its allowed values in another order"


def _listed(values: Any) -> str:
    shown = ", ".join(map(repr, values[:10]))
    return f"{shown} and {len(values) - 10} more" if len(values) > 10 else shown


def _replaced(words: str) -> Callable[[Any, Any], str]:
    return lambda before, after: f"{words} {_shown(after)}, before {_shown(before)}"


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) and value else str(value or "none")


_Breaks = Callable[[ColumnSpec, ColumnSpec], bool]
_Told = Callable[[Any, Any], str]
_FIELDS: Mapping[str, tuple[_Breaks, _Told]] = {
    "type": (_type_breaks, _replaced("is of type")),
    "nullable": (lambda _old, new: not new.nullable, _flag("nullable")),
    "unique": (_becomes("unique"), _flag("unique")),
    "primary_key": (_always, _flag("part of the primary key")),
    "min": (_limit_breaks("min", is_lower=True), _limited("at least")),
    "max": (_limit_breaks("max", is_lower=False), _limited("at most")),
    "min_length": (_limit_breaks("min_length", is_lower=True), _limited("a length of at least")),
    "max_length": (_limit_breaks("max_length", is_lower=False), _limited("a length of at most")),
    "allowed_values": (_values_break, _valued),
    "regex": (_becomes("regex"), _replaced("matches")),
    "units": (_always, _replaced("is in units")),
    "format": (_formats_break, _replaced("is written as")),
}
"""For each field of a column: whether its change breaks, and the words for it."""
