"""A diff of schemas says of every change whether it breaks, and one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from mlops.data_pipeline import DataSchema
from mlops.data_pipeline.schema_diff import diff_schemas

TEXT, FLOAT, WHOLE, DATE = ({"type": kind} for kind in ("string", "float", "integer", "date"))


def schema(columns: dict[str, Any], **more: Any) -> DataSchema:
    return DataSchema(name="s", columns=columns, **more)


@pytest.mark.parametrize(
    ("old", "new", "verdict", "sentence"),
    [
        (FLOAT, FLOAT, "same", None),
        (FLOAT, {**FLOAT, "description": "d"}, "same", None),
        (WHOLE, FLOAT, "compatible", "Column 'x' is of type float, before integer."),
        (FLOAT, WHOLE, "breaking", "Column 'x' is of type integer, before float."),
        (TEXT, {"type": "category"}, "compatible", "Column 'x' is of type category, before string."),
        (TEXT, DATE, "breaking", "Column 'x' is of type date, before string."),
        (FLOAT, {**FLOAT, "nullable": False}, "breaking", "Column 'x' is no longer nullable."),
        ({**FLOAT, "nullable": False}, FLOAT, "compatible", "Column 'x' is now nullable."),
        (TEXT, {**TEXT, "unique": True}, "breaking", "Column 'x' is now unique."),
        ({**TEXT, "unique": True}, TEXT, "compatible", "Column 'x' is no longer unique."),
        (FLOAT, {**FLOAT, "max": 5}, "breaking", "Column 'x' allows at most 5.0, before any."),
        ({**FLOAT, "max": 5}, FLOAT, "compatible", "Column 'x' has no limit any more, before at most 5.0."),
        ({**FLOAT, "max": 5}, {**FLOAT, "max": 9}, "compatible", "Column 'x' allows at most 9.0, before 5.0."),
        ({**FLOAT, "min": 5}, {**FLOAT, "min": 9}, "breaking", "Column 'x' allows at least 9.0, before 5.0."),
        ({**DATE, "min": "2024-01-02"}, {**DATE, "min": "2024-01-01"}, "compatible",
         "Column 'x' allows at least 2024-01-01, before 2024-01-02."),
        ({**TEXT, "max_length": 5}, {**TEXT, "max_length": 4}, "breaking",
         "Column 'x' allows a length of at most 4, before 5."),
        (TEXT, {**TEXT, "allowed_values": ["a"]}, "breaking", "Column 'x' allows only 'a'."),
        ({**TEXT, "allowed_values": ["a"]}, TEXT, "compatible", "Column 'x' allows any value, before only 'a'."),
        ({**TEXT, "allowed_values": ["a"]}, {**TEXT, "allowed_values": ["a", "b"]}, "compatible",
         "Column 'x' allows 'b' too."),
        ({**TEXT, "allowed_values": ["a", "b"]}, {**TEXT, "allowed_values": ["b", "c"]}, "breaking",
         "Column 'x' allows 'c' too and no longer allows 'a'."),
        (TEXT, {**TEXT, "regex": "a+"}, "breaking", "Column 'x' matches a+, before none."),
        ({**TEXT, "regex": "a+"}, TEXT, "compatible", "Column 'x' matches none, before a+."),
        ({**FLOAT, "units": "mg"}, {**FLOAT, "units": "g"}, "breaking", "Column 'x' is in units g, before mg."),
        ({**DATE, "format": "%d.%m.%Y"}, {**DATE, "format": ["%d.%m.%Y", "%Y/%m/%d"]}, "compatible",
         "Column 'x' is written as %d.%m.%Y, %Y/%m/%d, before %d.%m.%Y."),
        (DATE, {**DATE, "format": "%d.%m.%Y"}, "breaking", "Column 'x' is written as %d.%m.%Y, before none."),
    ],
)  # fmt: skip
def test_a_change_of_a_column(old: dict[str, Any], new: dict[str, Any], verdict: str, sentence: str | None) -> None:
    """Stricter is breaking, looser is compatible, another meaning is breaking."""
    diff = diff_schemas(schema({"x": old}), schema({"x": new}))
    assert (diff.verdict, [change.sentence for change in diff.changes]) == (verdict, [sentence] if sentence else [])


@pytest.mark.parametrize(
    ("old", "new", "is_breaking", "sentence"),
    [
        (["a", "b"], ["a"], True, "Column 'b' was removed."),
        (["a"], ["a", "b"], False, "Column 'b' was added; it is optional."),
        (["a", "b"], ["b", "a"], False, "The columns stand in another order."),
    ],
)
def test_a_change_of_the_columns(old: list[str], new: list[str], is_breaking: bool, sentence: str) -> None:
    """Columns that go break, optional ones that come do not."""
    (change,) = diff_schemas(*(schema(dict.fromkeys(names, FLOAT)) for names in (old, new))).changes
    assert (change.is_breaking, change.sentence) == (is_breaking, sentence)


def test_a_required_column_breaks() -> None:
    """Tables that lack it fail from now on."""
    diff = diff_schemas(schema({"a": FLOAT}), schema({"a": FLOAT, "b": {**FLOAT, "nullable": False}}))
    assert (diff.verdict, diff.changes[0].sentence) == ("breaking", "Column 'b' was added; it is required.")


ERROR = {"name": "r", "expression": "x < 5"}
WARNING = {**ERROR, "severity": "warning"}


@pytest.mark.parametrize(
    ("old", "new", "is_breaking", "sentence"),
    [
        ([], [ERROR], True, "Rule 'r' was added: x < 5 (error)."),
        ([], [WARNING], False, "Rule 'r' was added: x < 5 (warning)."),
        ([ERROR], [], False, "Rule 'r' was removed."),
        ([ERROR], [{**ERROR, "expression": "x < 4"}], True, "Rule 'r' demands x < 4, before x < 5 (error)."),
        ([ERROR], [WARNING], False, "Rule 'r' is of severity warning, before error."),
        ([WARNING], [ERROR], True, "Rule 'r' is of severity error, before warning."),
        ([ERROR], [{"name": "r", "polars_name": "p"}], True,
         "Rule 'r' demands the registered rule 'p', before x < 5 (error)."),
    ],
)  # fmt: skip
def test_a_change_of_a_rule(old: list[Any], new: list[Any], is_breaking: bool, sentence: str) -> None:
    """Rules that send rows to quarantine break when they come or change; warnings never do."""
    (change,) = diff_schemas(
        schema({"x": FLOAT}, validation_rules=old), schema({"x": FLOAT}, validation_rules=new)
    ).changes
    assert (change.is_breaking, change.sentence, change.subject) == (is_breaking, sentence, "rule:r")


def test_refusing_unknown_columns_breaks() -> None:
    """Tables with further columns fail from now on; the other way is compatible."""
    loose, strict = schema({"x": FLOAT}), schema({"x": FLOAT}, unknown_columns="refuse")
    assert (diff_schemas(loose, strict).verdict, diff_schemas(strict, loose).verdict) == ("breaking", "compatible")


def test_breaking_changes_come_first() -> None:
    """What matters most is read first."""
    diff = diff_schemas(schema({"a": FLOAT, "b": FLOAT}), schema({"a": {**FLOAT, "max": 1}, "b": FLOAT, "c": FLOAT}))
    assert [change.is_breaking for change in diff.changes] == [True, False]
