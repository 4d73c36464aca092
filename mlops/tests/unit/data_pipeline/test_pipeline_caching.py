"""The key under which equal runs are found."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from mlops.data_pipeline import DataSchema, FeatureEngineeringConfig, PipelineRun, ReadOptions
from mlops.data_pipeline.caching import key_of
from mlops.data_pipeline.execution import Request
from mlops.data_pipeline.named_rules import NamedRules
from mlops.data_pipeline.run_options import RunOptions
from mlops.features import TransformationNotFound, register_transformation


def key(digest: str = "d", **told: Any) -> str:
    fields: dict[str, Any] = {
        "run": PipelineRun(run_id="r", pipeline_id="p", input_data_path=told.pop("path", "/a/table.csv")),
        "schema": DataSchema(name="s", columns={"dose": "float"}),
        "config": FeatureEngineeringConfig(name="f", numeric_features=["dose"]),
        "options": RunOptions(),
        "rules": NamedRules(),
        **told,
    }
    return key_of(Request(**fields), digest)


def test_names_and_descriptions_do_not_matter() -> None:
    """What decides is the content: of input, schema and configuration."""
    same = DataSchema(name="other", version="7", description="words", columns={"dose": "float"})
    config = FeatureEngineeringConfig(name="other", numeric_features=["dose"], tags={"a": "b"})
    assert key() == key(schema=same) == key(config=config) == key(path="/elsewhere/TABLE2.CSV")
    assert key() == key(options=RunOptions(use_cache=False))


OTHERS: list[dict[str, Any]] = [
    {"digest": "other"},
    {"path": "/a/table.tsv"},
    {"path": "/a/table.csv.gz"},
    {"schema": DataSchema(name="s", columns={"dose": "integer"})},
    {"schema": DataSchema(name="s", columns={"dose": "float"}, unknown_columns="refuse")},
    {"config": None},
    {"config": FeatureEngineeringConfig(name="f", numeric_features=["dose"], split=None)},
    {"options": RunOptions(max_bad_fraction=0.5)},
    {"options": RunOptions(output_format="parquet")},
    {"options": RunOptions(read=ReadOptions(encoding="cp1252"))},
]


@pytest.mark.parametrize("other", OTHERS)
def test_whatever_decides_about_outputs_is_in_the_key(other: dict[str, Any]) -> None:
    """One difference is another key."""
    assert key(**other) != key()


def test_expressions_are_compared_and_functions_are_equal_to_nothing() -> None:
    """Not even to themselves: what they do cannot be read off them."""
    config = FeatureEngineeringConfig(name="f", numeric_features=["x"], custom_transformations=["caching-step"])
    keys = []
    for factor in (2, 2, 3):
        register_transformation("caching-step", (pl.col("dose") * factor).alias("x"))
        keys.append(key(config=config))
    assert keys[0] == keys[1] != keys[2]
    register_transformation("caching-step", lambda rows: rows.with_columns(x=pl.col("dose")))
    assert key(config=config) == ""
    unknown = FeatureEngineeringConfig(name="f", numeric_features=["x"], custom_transformations=["nobody-made-it"])
    with pytest.raises(TransformationNotFound):
        key(config=unknown)


def test_a_run_on_mended_rows_is_equal_to_nothing() -> None:
    """Its input is not one file."""
    assert key(options=RunOptions(mended_run_id="r", mended_path="/m.csv")) == ""
