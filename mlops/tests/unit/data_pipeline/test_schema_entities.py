"""Schemas, configurations and runs as records: what is accepted, what is refused and how, what a digest means."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mlops.data_pipeline import (
    ColumnSpec,
    ColumnType,
    DataSchema,
    FeatureEngineeringConfig,
    PipelineRun,
    RowRule,
    RunStatus,
    RunStep,
)
from mlops.errors import InvalidRecord


def guide_schema(**more: Any) -> DataSchema:
    columns = {
        "sample_id": {"type": "string", "nullable": False},
        "concentration": {"type": "float", "nullable": True},
        "approved": {"type": "boolean", "nullable": False},
    }
    return DataSchema(**{"schema_id": "", "name": "Lab Data Schema", "version": "1.0", "columns": columns, **more})


def test_columns_of_dicts_become_specs_in_order() -> None:
    """The guide's schema is accepted, and its columns keep their order."""
    schema = guide_schema()
    assert list(schema.columns) == ["sample_id", "concentration", "approved"]
    assert schema.columns["concentration"] == ColumnSpec(type=ColumnType.FLOAT)
    assert schema.unknown_columns == "warn"


def test_a_bare_type_is_a_column() -> None:
    """A column may be given by its type alone, or as a ColumnSpec."""
    schema = DataSchema(name="s", columns={"a": "date", "b": ColumnSpec(type="integer", unique=True)})
    assert (schema.columns["a"].type, schema.columns["b"].unique) == (ColumnType.DATE, True)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"type": "float", "min": 5, "max": 3}, r"column 'x': min 5.0 is above max 3.0.*swap"),
        ({"type": "date", "min": "2024-02-01", "max": "2024-01-01"}, "min '2024-02-01' is above max"),
        ({"type": "datetime", "min": "2024-01-01T00:00Z", "max": "2024-01-02"}, "one has a time zone"),
        ({"type": "string", "min": 3}, r"type string has no min \(3\); use min_length"),
        ({"type": "boolean", "max": 1}, r"type boolean has no max \(1\); use allowed_values"),
        ({"type": "float", "min": "low"}, "min of a column of type float: 'low' is not a number"),
        ({"type": "float", "max": float("inf")}, "not a finite number; leave it out"),
        ({"type": "integer", "min": True}, "True is not a number"),
        ({"type": "integer", "allowed_values": [1, 2.5]}, "2.5 is not a whole number"),
        ({"type": "integer", "allowed_values": [2**63]}, "beyond what 64 bits can hold"),
        ({"type": "string", "allowed_values": ["a", 1]}, "allowed_values of a column of type string: 1 is not text"),
        ({"type": "boolean", "allowed_values": ["yes"]}, "'yes' is not true or false"),
        ({"type": "date", "min": "31.01.2024"}, "no ISO date"),
        ({"type": "date", "min": datetime(2024, 1, 1, tzinfo=UTC)}, "has a time of day"),
        ({"type": "string", "regex": "[a-"}, r"regex '\[a-' does not compile"),
        ({"type": "string", "regex": "(?=a)b"}, "look-ahead.*Rust's regex crate"),
        ({"type": "string", "regex": "a)(b"}, "does not compile"),
        ({"type": "integer", "regex": "[0-9]+"}, r"regex \('\[0-9\]\+'\) is for text"),
        ({"type": "float", "max_length": 3}, "max_length"),
        ({"type": "string", "min_length": 4, "max_length": 3}, "min_length 4 is above max_length 3"),
        ({"type": "string", "min_length": -1}, "greater than or equal to 0"),
        ({"type": "string", "primary_key": True, "nullable": True}, "a primary key cannot be nullable"),
        ({"type": "float", "format": "%Y"}, "format .* is for dates"),
        ({"type": "date", "format": "YYYY-MM-DD"}, "has no part such as %Y"),
        ({"type": "flaot"}, "'flaot' is no type of a column; types are string.*Did you mean 'float'"),
        ({"type": "int"}, "Did you mean 'integer'"),
        ({"type": 3}, "column 'x'"),
        ({}, "Field 'type' is required"),
        ({"type": "float", "minimum": 3}, "Unknown field 'minimum'. Did you mean 'min'"),
        ("text", "Did you mean 'string'"),
        (3, "expected a type or a mapping"),
    ],
)
def test_a_demand_that_cannot_be_meant_is_refused(spec: Any, message: str) -> None:
    """The message names the column, the value and what would be right."""
    with pytest.raises(InvalidRecord, match=message) as caught:
        DataSchema(name="s", columns={"good": "float", "x": spec})
    assert "column 'x'" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"columns": {}}, "expected a mapping of column names"),
        ({"columns": ["a"]}, "expected a mapping of column names"),
        ({"columns": {"": "float"}}, "no name of a column"),
        ({"columns": {"__row__": "float"}}, "two underscores"),
        ({"validation_rules": {"r": "concentraton > 1"}}, "rule 'r': .*Did you mean 'concentration'"),
        ({"validation_rules": {"r": "1 < 2"}}, "names no column"),
        ({"validation_rules": {"r": ""}}, "rule 'r': it has neither"),
        ({"validation_rules": [{"name": "r", "expression": "approved", "polars_name": "p"}]}, "it has both"),
        ({"validation_rules": [{"expression": "approved"}]}, "Field 'name' is required"),
        ({"validation_rules": [RowRule(name="r", expression="approved")] * 2}, "two rules have the name 'r'"),
        ({"validation_rules": "approved"}, "expected a mapping of names to expressions"),
        ({"validation_rules": {"r": 3}}, "rule 'r': expected an expression"),
        ({"validation_rules": [3]}, "expected a rule such as"),
        ({"validation_rules": [{"name": "r", "expresion": "approved"}]}, "Did you mean 'expression'"),
        ({"unknown_columns": "drop"}, "unknown_columns"),
        ({"colums": {}}, "Did you mean 'columns'"),
    ],
)
def test_a_schema_that_cannot_be_meant_is_refused(fields: dict[str, Any], message: str) -> None:
    """Rules and the schema's own fields are checked as columns are."""
    with pytest.raises(InvalidRecord, match=message):
        guide_schema(**fields)


def test_rules_come_as_a_mapping_or_a_list() -> None:
    """All forms of writing the same rule make the same rule."""
    forms: list[Any] = [
        {"r": "concentration < 5"},
        {"r": {"expression": "concentration < 5"}},
        {"r": RowRule(name="other", expression="concentration < 5")},
        [{"name": "r", "expression": "concentration < 5"}],
        [RowRule(name="r", expression="concentration < 5")],
    ]
    made = {guide_schema(validation_rules=form).digest for form in forms}
    assert len(made) == 1


def test_a_primary_key_is_not_nullable_by_itself() -> None:
    """Marking a column as the key is enough."""
    assert ColumnSpec(type="string", primary_key=True).nullable is False


def test_values_take_the_form_of_their_type() -> None:
    """Bounds and allowed values may be Python's own, and are stored as JSON has them, each once."""
    assert ColumnSpec(type="date", min=date(2024, 1, 31)).min == "2024-01-31"
    assert ColumnSpec(type="datetime", max="2024-01-31").max == "2024-01-31T00:00:00"
    assert ColumnSpec(type="float", allowed_values=[1, 1.0, 2]).allowed_values == (1.0, 2.0)
    assert ColumnSpec(type="integer", min=2.0, max=3).max == 3
    assert ColumnSpec(type="date", format="%d.%m.%Y").format == ("%d.%m.%Y",)


def test_a_schema_survives_its_document() -> None:
    """What is stored is read back the same, and a newer writer's fields are ignored."""
    schema = guide_schema(validation_rules={"r": "concentration < 5"}, tags=["lab"])
    document = schema.to_document()
    document["columns"]["approved"]["shade"] = "blue"
    document["validation_rules"][0]["since"] = 3
    assert DataSchema.from_document({**document, "later": 1}) == schema
    assert document["digest"] == schema.digest


def test_a_digest_is_of_what_decides_about_rows() -> None:
    """Names and descriptions do not change it; demands, units, rules and the order of columns do."""
    schema = guide_schema()
    assert guide_schema(name="other", version="2", description="d", tags=["x"]).digest == schema.digest
    reverse = dict(reversed(schema.columns.items()))
    units = {**schema.columns, "concentration": ColumnSpec(type="float", units="ng/uL")}
    others = [
        guide_schema(columns=reverse),
        guide_schema(columns=units),
        guide_schema(validation_rules={"r": "approved"}),
        guide_schema(unknown_columns="refuse"),
    ]
    assert len({schema.digest, *(other.digest for other in others)}) == 5


def test_the_guides_feature_configuration_makes_a_plan() -> None:
    """Its words become those of the feature plan."""
    config = FeatureEngineeringConfig(
        config_id="", name="Lab", numeric_features=["concentration"], categorical_features=["sample_type"],
        scaling_method="standard", max_features=5, options={"tfidf": {"max_features": 7}},
    )  # fmt: skip
    plan = config.plan()
    assert (plan.numeric, plan.categorical, plan.scaling) == (("concentration",), ("sample_type",), "standard")
    assert (plan.max_features, plan.tfidf.max_features) == (5, 7)
    assert config.input_columns == ("concentration", "sample_type")
    assert FeatureEngineeringConfig.from_document(config.to_document()) == config


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"numeric_features": ["a"], "categorical_features": ["a"]}, "column 'a' is listed twice"),
        ({"numeric_features": ["a", "a"]}, "'a' is listed twice"),
        ({"numeric_features": ["a"], "target_column": "a"}, "'a' is listed twice"),
        ({"categorical_features": ["a"], "encoding_method": "target"}, "needs a target"),
        ({"scaling_method": "standart"}, "scaling_method"),
        ({"options": {"scaling": "robust"}}, "pass scaling_method="),
        ({"options": {"cyclc": True}}, "Did you mean 'cyclic'"),
        ({"split": {"method": "group"}}, "needs a column"),
        ({"numeric_feature": ["a"]}, "Did you mean 'numeric_features'"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(fields: dict[str, Any], message: str) -> None:
    """What the plan would refuse later is refused when the configuration is made."""
    with pytest.raises(InvalidRecord, match=message):
        FeatureEngineeringConfig(name="f", **fields)


def test_a_configurations_digest_is_of_what_decides_about_features() -> None:
    """Another split is another digest, another name is not."""
    config = FeatureEngineeringConfig(name="f", numeric_features=["a"])
    assert config.changed(name="g", version="2").digest == config.digest
    assert config.changed(split={"method": "random", "seed": 9}).digest != config.digest


def test_a_run_survives_its_document() -> None:
    """A run's record keeps its steps, counts and errors."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    run = PipelineRun(
        run_id="r", pipeline_id="p", input_data_path="x.csv", status="completed",
        steps=[RunStep(name="read", rows_out=3)],
        error_details={"column": "dose"}, started_at=start, ended_at=start + timedelta(seconds=2),
    )  # fmt: skip
    assert PipelineRun.from_document(run.to_document()) == run
    assert (run.status, run.is_ended, run.duration_seconds) == (RunStatus.COMPLETED, True, 2.0)
    assert run.changed(status="running", ended_at=None).duration_seconds is None
