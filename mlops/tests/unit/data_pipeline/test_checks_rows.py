"""Checks of rows: what each decision of the documentation means, on small tables."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from mlops.data_pipeline import DataSchema, MissingColumns, NamedRuleNotFound, SchemaMismatch, UnknownColumns
from mlops.data_pipeline.checking import check_rows
from mlops.data_pipeline.columns_fit import fit_columns
from mlops.data_pipeline.good_rows import bad_row_numbers, good_rows
from mlops.data_pipeline.named_rules import NamedRules
from mlops.errors import InvalidInput


def rows_of(**columns: Any) -> pl.LazyFrame:
    return pl.DataFrame(columns).with_row_index("__row__").lazy()


def reasons(rows: pl.LazyFrame, schema: DataSchema, **options: Any) -> dict[int, str]:
    checked = check_rows(rows, schema, **options)
    return dict(checked.faults.select("__row__", checked.checks.reasons()).collect().rows())


def schema_of(columns: dict[str, Any], **more: Any) -> DataSchema:
    return DataSchema(name="s", columns=columns, **more)


def test_every_reason_has_its_id() -> None:
    """Each kind of trouble is named by the column and its reason code."""
    schema = schema_of({
        "id": {"type": "string", "primary_key": True, "regex": "S-[0-9]+"},
        "dose": {"type": "float", "min": 0, "max": 10},
        "kind": {"type": "category", "allowed_values": ["blood"], "max_length": 5},
    })  # fmt: skip
    rows = rows_of(
        id=["S-1", "S-1", None, "x", "S-5"], dose=[1.0, 11.0, 1.0, float("nan"), None],
        kind=["blood", "serum!", None, "blood", "blood"],
        __raw__dose=[None, None, None, None, "much"],
    )  # fmt: skip
    assert reasons(rows, schema) == {
        1: "dose:range;kind:allowed;kind:length;id:unique",
        2: "id:not-null",
        3: "id:regex;dose:range",
        4: "dose:type",
    }


@pytest.mark.parametrize("limits", [{"min": -1}, {"max": 1}, {"min": -1, "max": 1}])
def test_nan_is_outside_of_any_bounds(limits: dict[str, float]) -> None:
    """NaN breaks a range whichever side it has; without bounds it is a value."""
    rows = rows_of(x=[0.0, float("nan"), None])
    assert reasons(rows, schema_of({"x": {"type": "float", **limits}})) == {1: "x:range"}
    assert reasons(rows, schema_of({"x": {"type": "float", "nullable": True}})) == {}


def test_rules_that_nothing_breaks_are_counted_as_none() -> None:
    """Counts hold every rule, so that a report can list what was checked."""
    checked = check_rows(rows_of(x=[1, 2]), schema_of({"x": {"type": "integer", "min": 0, "unique": True}}))
    assert (checked.counts, checked.bad_rows) == ({"x:range": 0, "x:unique": 0}, 0)


def test_a_warning_is_counted_and_its_row_is_kept() -> None:
    """A rule of severity warning flags a row without making it bad."""
    rule = {"name": "high", "expression": "x < 5", "severity": "warning"}
    rows = rows_of(x=[1, 9])
    checked = check_rows(rows, schema_of({"x": "integer"}, validation_rules=[rule]))
    assert (checked.counts, checked.bad_rows) == ({"rule:high": 1}, 0)
    assert checked.faults.select(checked.checks.is_bad().sum()).collect().item() == 0


def test_a_rule_passes_where_it_cannot_be_told() -> None:
    """A condition on an empty cell does not apply, unless it speaks of empty cells itself."""
    rules = {"known": "x < 5", "filled": "not is_null(x)"}
    assert reasons(rows_of(x=[None, 9, 1]), schema_of({"x": "integer"}, validation_rules=rules)) == {
        0: "rule:filled",
        1: "rule:known",
    }


def test_a_key_of_two_columns_repeats_only_as_a_whole() -> None:
    """Columns marked as primary key identify a row together."""
    columns = {"run": {"type": "string", "primary_key": True}, "well": {"type": "integer", "primary_key": True}}
    rows = rows_of(run=["a", "a", "b", "a"], well=[1, 2, 1, 1])
    assert reasons(rows, schema_of(columns)) == {3: "run+well:unique"}


def test_more_rules_than_a_word_has_bits() -> None:
    """Rules beyond the 64th have words of their own."""
    columns = {f"x{index}": {"type": "integer", "min": 0, "max": 9, "nullable": False} for index in range(70)}
    rows = rows_of(**{name: [1, -1 if name == "x69" else 1, None if name == "x0" else 1] for name in columns})
    assert len(check_rows(rows, schema_of(columns)).checks.word_names) == 3
    assert reasons(rows, schema_of(columns)) == {1: "x69:range", 2: "x0:not-null"}


def test_good_and_bad_rows_are_all_rows() -> None:
    """What is not bad is good, whatever flags a row besides."""
    rule = {"name": "high", "expression": "x < 5", "severity": "warning"}
    schema = schema_of({"x": {"type": "integer", "min": 0, "nullable": False}}, validation_rules=[rule])
    rows = rows_of(x=[1, -1, None, 9])
    bad = bad_row_numbers(check_rows(rows, schema))
    assert bad.to_list() == [1, 2]
    assert good_rows(rows, schema, bad).collect()["__row__"].to_list() == [0, 3]


def test_moments_are_compared_in_utc() -> None:
    """Bounds with a time zone and columns with another one, or none, mean moments in UTC."""
    schema = schema_of(
        {"t": {"type": "datetime", "min": "2024-01-01T01:00+01:00"}},
        validation_rules={"r": "t < datetime('2024-01-02')"},
    )
    moments = pl.Series(
        [
            datetime.fromisoformat("2023-12-31T23:59"),
            datetime.fromisoformat("2024-01-01"),
            datetime.fromisoformat("2024-01-02"),
        ]
    )
    expected = {0: "t:range", 2: "rule:r"}
    assert reasons(rows_of(t=moments), schema) == expected
    aware = moments.dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")
    assert reasons(rows_of(t=aware), schema) == expected


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["a", "bb"])])
def test_categories_are_text(dtype: Any) -> None:
    """Columns that Polars holds as categories are checked as the text they show."""
    schema = schema_of({"c": {"type": "category", "regex": "a", "unique": True, "allowed_values": ["a"]}})
    rows = rows_of(c=pl.Series(["a", "bb", "a"], dtype=dtype))
    assert reasons(rows, schema) == {1: "c:allowed;c:regex", 2: "c:unique"}


def test_a_fraction_bounds_whole_numbers_inwards() -> None:
    """An integer column with the bounds 0.5 and 2.5 allows 1 and 2."""
    schema = schema_of({"x": {"type": "integer", "min": 0.5, "max": 2.5}})
    assert reasons(rows_of(x=[0, 1, 2, 3, -(2**63), 2**63 - 1]), schema) == dict.fromkeys((0, 3, 4, 5), "x:range")


def test_a_missing_optional_column_is_empty() -> None:
    """Rules that need it do not apply, and nothing else is said of it."""
    schema = schema_of(
        {"x": "integer", "y": {"type": "float", "min": 0}}, validation_rules={"r": "x < y", "n": "y is null"}
    )
    checked = check_rows(rows_of(x=[1]), schema)
    assert (checked.fit.missing, checked.bad_rows) == (("y",), 0)


def test_a_missing_required_column_is_named_with_its_near_match() -> None:
    """Before any row is looked at the columns at fault are named, with columns of the table that look similar."""
    schema = schema_of({"sample_id": {"type": "string", "nullable": False}, "dose": "float"})
    with pytest.raises(
        MissingColumns, match=r"lacks column 'sample_id'.*Did you mean 'Sample_ID' for 'sample_id'"
    ) as caught:
        check_rows(rows_of(Sample_ID=["a"], dose=[1.0]), schema)
    assert caught.value.columns == ("sample_id",)


@pytest.mark.parametrize(("setting", "warnings"), [("allow", 0), ("warn", 1)])
def test_unknown_columns_are_kept(setting: str, warnings: int) -> None:
    """Unless they are refused, further columns are kept, with a warning where it is asked for."""
    fit = fit_columns(schema_of({"x": "integer"}, unknown_columns=setting), ["x", "more"])
    assert (fit.unknown, len(fit.warnings)) == (("more",), warnings)


def test_unknown_columns_can_be_refused() -> None:
    """A schema that refuses them names them, with what they may have meant."""
    with pytest.raises(UnknownColumns, match=r"'dosse'.*Did you mean 'dose' for 'dosse'\?"):
        fit_columns(schema_of({"dose": "float"}, unknown_columns="refuse"), ["dosse"])


def test_many_unknown_columns_are_one_warning() -> None:
    """A sentence for each would hide the others."""
    names = [f"c{number}" for number in range(5_000)]
    [warning] = fit_columns(schema_of({"x": "integer"}, unknown_columns="warn"), ["x", *names]).warnings
    assert warning.startswith("5000 columns are not in the schema: 'c0', 'c1', ")
    assert len(warning) < 200


@pytest.mark.parametrize(
    ("present", "said"), [(["x", "b"], "lacks column 'a',"), (["x"], "lacks 2 columns, .*: 'a', 'b'")]
)
def test_columns_that_may_be_empty_are_missed_aloud(present: list[str], said: str) -> None:
    """A header that was renamed would else empty a column without a word."""
    schema = schema_of({"x": "integer", "a": "float", "b": "float"}, unknown_columns="allow")
    [warning] = fit_columns(schema, present).warnings
    assert re.search(said, warning)


def test_a_column_of_another_type_is_refused() -> None:
    """A snapshot that was not read with this schema is not checked by it."""
    with pytest.raises(SchemaMismatch, match=r"'x' is String in the snapshot, and the schema wants date"):
        check_rows(rows_of(x=["2024-01-01"]), schema_of({"x": "date"}))


def test_named_polars_rules() -> None:
    """A schema may name a rule that was registered as a Polars expression."""
    rules = NamedRules()
    rules.register("even", lambda: pl.col("x") % 2 == 0)
    schema = schema_of({"x": "integer"}, validation_rules=[{"name": "even-x", "polars_name": "even"}])
    assert reasons(rows_of(x=[2, 3, None]), schema, named_rules=rules) == {1: "rule:even-x"}
    with pytest.raises(NamedRuleNotFound, match="'even' does not exist"):
        check_rows(rows_of(x=[1]), schema)


def test_named_rules_that_cannot_be_used_are_refused() -> None:
    """A rule that is no expression, or needs another table, or gives no Booleans, is named."""
    rules = NamedRules()
    with pytest.raises(InvalidInput, match="no Polars expression"):
        rules.register("odd", lambda: True)  # type: ignore[arg-type,return-value]
    rules.register("elsewhere", lambda: pl.col("y") > 1)
    rules.register("number", lambda: pl.col("x") + 1)
    for name, message in (("elsewhere", "does not fit the table"), ("number", "gives Int64")):
        schema = schema_of({"x": "integer"}, validation_rules=[{"name": "r", "polars_name": name}])
        with pytest.raises(InvalidInput, match=message):
            check_rows(rows_of(x=[1]), schema, named_rules=rules)


def test_fingerprints_of_named_rules_follow_their_expressions() -> None:
    """Another expression under the same name is another fingerprint; no names have none."""
    first, second = NamedRules(), NamedRules()
    first.register("r", lambda: pl.col("x") > 1)
    second.register("r", lambda: pl.col("x") > 2)
    assert first.fingerprint(["r"]) != second.fingerprint(["r"])
    assert first.fingerprint([]) == ""


def test_an_empty_table_is_good() -> None:
    """No rows break nothing."""
    schema = schema_of({"x": {"type": "date", "min": date(2024, 1, 1), "primary_key": True}})
    rows = pl.DataFrame(schema={"__row__": pl.UInt32, "x": pl.Date}).lazy()
    assert check_rows(rows, schema).bad_rows == 0


def test_a_schema_without_demands_passes_every_row() -> None:
    """Columns that may hold anything make no rules."""
    checked = check_rows(rows_of(x=[None, 1.0]), schema_of({"x": "float"}))
    assert (checked.counts, checked.bad_rows, checked.faults.collect().height) == ({}, 0, 0)


def test_an_aware_bound_of_python_is_taken_as_its_moment() -> None:
    """Bounds may be Python's own dates and datetimes."""
    spec = schema_of({"t": {"type": "datetime", "max": datetime(2024, 1, 1, tzinfo=UTC)}}).columns["t"]
    assert spec.max == "2024-01-01T00:00:00+00:00"
