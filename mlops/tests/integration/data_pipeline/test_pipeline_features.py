"""Features of a run: fitted on the training part alone, out of fold where the target is used, custom steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mlops.data_pipeline import DataPipelineService, DataSchema, FeatureEngineeringConfig, PipelineFailed, PipelineRun
from mlops.features import compile_row
from mlops.tests.integration.data_pipeline.conftest import run, samples, samples_config, samples_schema

ROWS = 300
SCHEMA = DataSchema(
    name="biopsies",
    columns={
        "sample": {"type": "string", "primary_key": True}, "patient": "string", "size": "float", "site": "category",
        "taken": "datetime", "remark": "string", "malignant": "integer",
    },
)  # fmt: skip


def biopsies(seed: int = 0) -> pl.DataFrame:
    """Return a table with every kind of column, and with gaps."""
    chance = np.random.default_rng(seed)
    size = chance.normal(10, 3, ROWS).round(3)
    return pl.DataFrame(
        {
            "sample": [f"B{row}" for row in range(ROWS)],
            "patient": [f"P{row // 4}" for row in range(ROWS)],
            "size": [None if chance.random() < 0.1 else float(value) for value in size],
            "site": chance.choice(["breast", "lung", "skin"], ROWS),
            "taken": [f"2026-0{row % 9 + 1}-11T08:{row % 60:02}:00" for row in range(ROWS)],
            "remark": chance.choice(["clear margin", "dark spot", "spot of blood"], ROWS),
            "malignant": (size + chance.normal(0, 2, ROWS) > 10).astype(int),
        },
        strict=False,
    )


def config(**told: Any) -> FeatureEngineeringConfig:
    fields = {
        "name": "biopsies", "numeric_features": ["size"], "categorical_features": ["site"],
        "text_features": ["remark"], "datetime_features": ["taken"], "target_column": "malignant",
        "encoding_method": "target", "correlation_threshold": 0.99, "mutual_information": 8, **told,
    }  # fmt: skip
    return FeatureEngineeringConfig(**fields)


def disturbed(table: pl.DataFrame, is_test: list[bool]) -> pl.DataFrame:
    """Return a table whose test rows say something else altogether, but for what decides about the split."""
    other = biopsies(seed=1).with_columns(
        table["sample"], table["patient"], table["taken"], size=pl.col("size") * 1e6, site=pl.lit("elsewhere"),
        remark=pl.lit("never seen"), malignant=pl.lit(0, pl.Int64),
    )  # fmt: skip
    return table.with_row_index("n").select(
        pl.when(pl.Series(is_test)).then(other[name]).otherwise(pl.col(name)).alias(name) for name in table.columns
    )


SPLITS: dict[str, dict[str, Any] | None] = {
    "random": {"method": "random", "seed": 3},
    "group": {"method": "group", "column": "patient"},
    "time": {"method": "time", "column": "taken"},
}


@pytest.mark.parametrize("method", SPLITS)
def test_training_features_never_depend_on_the_test_part(
    sqlite_pipeline: DataPipelineService, tmp_path: Path, method: str
) -> None:
    """Change every test row: state and training features stay the same bit for bit, selection and target included."""
    table, plan = biopsies(), config(split=SPLITS[method])
    table.write_csv(tmp_path / "a.csv")
    first = run(sqlite_pipeline, tmp_path / "a.csv", SCHEMA, config=plan)
    parts = sqlite_pipeline.read_features(first.run_id).select("__part__").collect().to_series()
    disturbed(table, (parts != "train").to_list()).write_csv(tmp_path / "b.csv")
    second = run(sqlite_pipeline, tmp_path / "b.csv", SCHEMA, config=plan)
    assert second.cached_from is None
    assert Path(first.feature_state_path or "").read_bytes() == Path(second.feature_state_path or "").read_bytes()
    before, after = (sqlite_pipeline.read_features(one.run_id, "train").collect() for one in (first, second))
    assert_frame_equal(before, after, check_exact=True)
    assert 0 < len(before) < ROWS


def test_patients_stay_together(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """Of a group split no patient is in two parts."""
    biopsies().write_csv(tmp_path / "a.csv")
    done = run(sqlite_pipeline, tmp_path / "a.csv", SCHEMA, config=config(split=SPLITS["group"]))
    parts = sqlite_pipeline.read_features(done.run_id).collect()
    patients = parts.with_columns(patient=pl.col("__row__") // 4).group_by("patient").agg(pl.col("__part__").n_unique())
    assert patients["__part__"].max() == 1
    assert parts["__part__"].n_unique() == 3


def test_target_encodings_of_training_rows_are_out_of_fold(
    sqlite_pipeline: DataPipelineService, tmp_path: Path
) -> None:
    """A row's own target does not change its encoding; that of other rows is the state's."""
    table, only = biopsies(), config(split=None, mutual_information=None, text_features=[], datetime_features=[])
    table.write_csv(tmp_path / "a.csv")
    flipped = table.with_row_index("n").with_columns(
        malignant=pl.when(pl.col("n") == 7).then(1 - pl.col("malignant")).otherwise(pl.col("malignant"))
    )
    flipped.drop("n").write_csv(tmp_path / "b.csv")
    runs = [run(sqlite_pipeline, tmp_path / name, SCHEMA, config=only) for name in ("a.csv", "b.csv")]
    first, second = (sqlite_pipeline.read_features(one.run_id).collect() for one in runs)
    encoded = next(name for name in first.columns if name.startswith("site"))
    assert first[encoded][7] == second[encoded][7]
    assert first[encoded].to_list() != second[encoded].to_list()


def test_rows_of_a_group_share_their_fold(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """A patient's own rows do not tell a row its target; with hardly any group, rows are drawn one by one."""
    only = config(split=SPLITS["group"], mutual_information=None, text_features=[], datetime_features=[])
    table = biopsies()
    table.write_csv(tmp_path / "a.csv")
    runs = [run(sqlite_pipeline, tmp_path / "a.csv", SCHEMA, config=only)]
    train = sqlite_pipeline.read_features(runs[0].run_id, "train").collect()
    patient = train["__row__"][0] // 4
    flip = pl.when(pl.col("patient") == f"P{patient}").then(1 - pl.col("malignant")).otherwise(pl.col("malignant"))
    table.with_columns(malignant=flip).write_csv(tmp_path / "b.csv")
    runs.append(run(sqlite_pipeline, tmp_path / "b.csv", SCHEMA, config=only))
    theirs = pl.col("__row__") // 4 == patient
    before, after = (
        sqlite_pipeline.read_features(one.run_id, "train").filter(theirs).collect()["site"].to_list() for one in runs
    )
    assert before == after
    table.with_columns(patient=pl.Series(["P1", "P2", "P3"] * (ROWS // 3))).write_csv(tmp_path / "c.csv")
    assert run(sqlite_pipeline, tmp_path / "c.csv", SCHEMA, config=only).output_rows == ROWS


def test_the_state_gives_the_features_of_the_test_part(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """What a single row becomes at request time is what the table has for it."""
    table = biopsies()
    table.write_csv(tmp_path / "a.csv")
    done = run(sqlite_pipeline, tmp_path / "a.csv", SCHEMA, config=config(mutual_information=None))
    state = sqlite_pipeline.read_feature_state(done.run_id)
    row_of = compile_row(state)
    test = sqlite_pipeline.read_features(done.run_id, "test").collect()
    rows = sqlite_pipeline.read_output(done.run_id).collect().rows(named=True)
    for features in test.rows(named=True)[:20]:
        expected = [features[name] for name in state.feature_names]
        assert row_of(rows[features["__row__"]]) == pytest.approx(expected, rel=1e-6)


def test_the_feature_table_has_keys_parts_target_and_features(
    sqlite_pipeline: DataPipelineService, tmp_path: Path
) -> None:
    """In the order of the input, with the moments that features are joined at."""
    biopsies().write_csv(tmp_path / "a.csv")
    done = run(sqlite_pipeline, tmp_path / "a.csv", SCHEMA, config=config())
    found = sqlite_pipeline.read_features(done.run_id).collect()
    state = sqlite_pipeline.read_feature_state(done.run_id)
    assert found.columns == ["__row__", "__part__", "sample", "taken", "malignant", *state.feature_names]
    assert found["__row__"].to_list() == list(range(ROWS))
    assert done.feature_count == len(state.feature_names)


def test_custom_steps_make_columns_for_features(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """By a function or an expression, and single rows by their own function."""
    sqlite_pipeline.register_transformation(
        "log-dose",
        (pl.col("dose") + 1).log().alias("log_dose"),
        inputs=["dose"],
        row=lambda row: {"log_dose": float(np.log(row["dose"] + 1))},
    )
    samples().write_csv(tmp_path / "table.csv")
    told = samples_config(
        numeric_features=["log_dose"], custom_transformations=["log-dose"], scaling_method="none", split=None,
        categorical_features=[],
    )  # fmt: skip
    done = run(sqlite_pipeline, tmp_path / "table.csv", config=told)
    found = sqlite_pipeline.read_features(done.run_id).collect()["log_dose"].to_list()
    assert found == pytest.approx([np.log(row * 1.5 % 90 + 1) for row in range(30)])
    row_of = compile_row(sqlite_pipeline.read_feature_state(done.run_id))
    assert row_of({"dose": 4.5}) == pytest.approx([np.log(5.5)])


@pytest.mark.parametrize("step", ["drop", "move", "repeat"])
def test_custom_steps_that_lose_rows_fail_the_run(
    sqlite_pipeline: DataPipelineService, tmp_path: Path, step: str
) -> None:
    """Features are of every good row in its place, or there are none."""
    made = {"drop": lambda f: f.head(3), "move": lambda f: f.reverse(), "repeat": lambda f: pl.concat([f, f])}
    sqlite_pipeline.register_transformation(step, made[step])
    samples().write_csv(tmp_path / "table.csv")
    told = samples_config(custom_transformations=[step])
    assert f"Of 30 rows the custom transformations ({step})" in str(
        failed(sqlite_pipeline, tmp_path / "table.csv", config=told)
    )


@pytest.mark.parametrize("bad", [0, 27])
def test_a_run_whose_custom_expression_fails_names_it(
    sqlite_pipeline: DataPipelineService, tmp_path: Path, bad: int
) -> None:
    """On a row to learn from as on the latest one, which only gets features."""
    sqlite_pipeline.register_transformation("digits", pl.col("sample_id").str.slice(1).cast(pl.Int64).alias("digits"))
    samples(sample_id=["S-x" if row == bad else f"S{row}" for row in range(30)]).write_csv(tmp_path / "table.csv")
    split = {"method": "time", "column": "taken"}
    told = samples_config(numeric_features=["digits"], custom_transformations=["digits"], split=split)
    error = failed(sqlite_pipeline, tmp_path / "table.csv", config=told)
    assert error.reason.startswith("The transformation 'digits' raised InvalidOperationError: conversion from")


def failed(pipeline: DataPipelineService, *arguments: Any, **told: Any) -> PipelineFailed:
    with pytest.raises(PipelineFailed) as error:
        run(pipeline, *arguments, **told)
    return error.value


def test_named_rules_hold_rows_up(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """A Polars expression by its name: its rows are quarantined under the rule's id."""
    sqlite_pipeline.register_rule("square", lambda: pl.col("count") < 100)
    samples().write_csv(tmp_path / "table.csv")
    rules = [{"name": "few", "polars_name": "square"}]
    done: PipelineRun = run(sqlite_pipeline, tmp_path / "table.csv", samples_schema(validation_rules=rules))
    assert done.quarantined_rows == 20
    assert set(sqlite_pipeline.read_quarantine(done.run_id)["quarantine_reasons"]) == {"rule:few"}


def test_a_table_without_a_good_row_has_no_features(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """There is nothing to learn from, and the run says so."""
    samples(5, dose=[-1.0] * 5).write_csv(tmp_path / "table.csv")
    error = failed(sqlite_pipeline, tmp_path / "table.csv", config=samples_config())
    assert "no row" in error.reason or "nothing" in error.reason.lower()
