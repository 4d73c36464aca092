"""Comparing experiments: differences first, nothing lost, nothing doubled."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.comparison import best_direction, best_labels
from mlops.experiment_tracker.compare import compare
from mlops.experiment_tracker.entities import Experiment, ExperimentStatus
from mlops.provenance import DatasetFingerprint

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


def experiment(key: str = "1", name: str = "forest", **values: Any) -> Experiment:
    defaults = {"project": "p", "status": ExperimentStatus.COMPLETED, "created_at": MOMENT}
    return Experiment(**{"experiment_id": f"id-{key:>08}", "name": name, **defaults, **values})


def test_rows_that_differ_come_first_parameters_before_metrics() -> None:
    """Then the equal ones in the same order."""
    left = experiment("1", "a", hyperparameters={"depth": 3, "seed": 1}, metrics={"f1": 0.8, "auc": 0.9})
    right = experiment("2", "b", hyperparameters={"depth": 5, "seed": 1}, metrics={"f1": 0.9, "auc": 0.9})
    table = compare([left, right])
    assert list(table.index) == ["params.depth", "metrics.f1", "params.seed", "metrics.auc", *table.index[4:]]
    assert list(table.index[4:]) == ["project", "status", "created_at"]
    assert table.attrs["differs"] == ("params.depth", "metrics.f1")
    assert list(compare([left, right], only_differences=True).index) == ["params.depth", "metrics.f1"]


def test_columns_are_names_with_the_end_of_the_id_only_where_names_repeat() -> None:
    """And they lead back to the ids."""
    table = compare([experiment("1"), experiment("2"), experiment("3", "svm")])
    assert list(table.columns) == ["forest · 00000001", "forest · 00000002", "svm"]
    assert table.attrs["experiment_ids"]["svm"] == "id-00000003"


def test_an_experiment_given_twice_appears_once() -> None:
    """A column is an experiment."""
    assert compare([experiment(), experiment()]).shape[1] == 1


def test_comparing_nothing_gives_an_empty_table() -> None:
    """No special case for callers."""
    assert compare([]).shape == (0, 0)


def test_nested_parameters_are_rows_of_their_own() -> None:
    """Lists stay whole."""
    left = experiment("1", "a", hyperparameters={"optimizer": {"lr": 0.1, "betas": [0.9, 0.99]}})
    right = experiment("2", "b", hyperparameters={"optimizer": {"lr": 0.2, "betas": [0.9, 0.99]}})
    table = compare([left, right])
    assert table.attrs["differs"] == ("params.optimizer.lr",)
    assert table.loc["params.optimizer.betas", "a"] == (0.9, 0.99)


@pytest.mark.parametrize(
    ("left", "right", "differs"),
    [
        (math.nan, math.nan, False),
        (1, 1.0, False),
        (True, 1, True),
        (None, None, False),
        ([1, math.nan], [1, math.nan], False),
        ("1", 1, True),
        (math.nan, 0.0, True),
    ],
)
def test_what_counts_as_different(left: Any, right: Any, differs: bool) -> None:
    """Values as a person sees them; a setting that is missing differs from one that is None."""
    pair = [experiment("1", "a", hyperparameters={"x": left}), experiment("2", "b", hyperparameters={"x": right})]
    assert ("params.x" in compare(pair).attrs["differs"]) is differs
    assert "params.x" in compare([pair[0], experiment("3", "c")]).attrs["differs"]


def test_missing_and_none_are_told_apart_and_metrics_become_floats() -> None:
    """NaN is missing; a row of metrics converts for arithmetic."""
    left = experiment("1", "a", hyperparameters={"depth": None}, metrics={"f1": 0.5})
    table = compare([left, experiment("2", "b")])
    assert table.loc["params.depth", "a"] is None
    assert table["b"].isna()["params.depth"]
    assert table.loc["metrics.f1"].astype(float).idxmax() == "a"


def test_best_values_are_marked_by_the_direction_of_the_metric() -> None:
    """Ties share it, equal rows have none, and the caller may say the direction."""
    runs = [
        experiment(str(i), name, metrics={"loss": loss, "auc": auc, "odd": loss, "recall": 1.0})
        for i, (name, loss, auc) in enumerate([("a", 0.1, 0.9), ("b", 0.2, 0.9), ("c", math.nan, 0.8)])
    ]
    best = compare(runs, directions={"odd": "max"}).attrs["best"]
    assert best == {"metrics.loss": ("a",), "metrics.auc": ("a", "b"), "metrics.odd": ("b",)}


def test_data_status_and_duration_are_compared() -> None:
    """Another dataset, another outcome, another time."""
    data = [DatasetFingerprint(name="train", digest=digest, rows=5) for digest in ("aa", "bb")]
    left = experiment("1", "a", datasets=(data[0],), ended_at=MOMENT + timedelta(seconds=3), dataset_name="biopsies")
    right = experiment("2", "b", datasets=(data[1],), status=ExperimentStatus.RUNNING, dataset_version="2")
    differs = compare([left, right]).attrs["differs"]
    assert differs == ("datasets.train.digest", "dataset", "status", "duration_s")


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.floats() | st.none() | st.text(max_size=2)), max_size=4))
def test_every_parameter_of_every_experiment_is_in_the_table_once(parameters: list[dict[str, Any]]) -> None:
    """Nothing is lost between the two halves."""
    runs = [experiment(str(i), hyperparameters=values) for i, values in enumerate(parameters)]
    rows = [name for name in compare(runs).index if name.startswith("params.")]
    assert sorted(rows) == sorted({f"params.{name}" for values in parameters for name in values})


@pytest.mark.parametrize(
    ("metric", "direction"),
    [
        ("val_accuracy", "max"),
        ("val/log_loss", "min"),
        ("RMSE", "min"),
        ("roc_auc", "max"),
        ("latency_ms", "min"),
        ("f1", "max"),
        ("r2", "max"),
        ("f1_loss", "min"),
        ("learning_rate", None),
        ("glossary", None),
        ("", None),
    ],
)
def test_the_direction_of_a_metric_is_read_from_its_words(metric: str, direction: str | None) -> None:
    """Whole words only, the last telling one decides."""
    assert best_direction(metric) == direction


def test_no_value_is_best_among_nan() -> None:
    """NaN is never best."""
    assert best_labels({"a": math.nan}, "max") == ()


def test_none_beside_text_stays_none() -> None:
    """A parameter that is None in one run and a word in another is not turned into NaN."""
    table = compare(
        [experiment("1", hyperparameters={"penalty": None}), experiment("2", hyperparameters={"penalty": "l2"})],
        only_differences=True,
    )
    assert list(table.loc["params.penalty"]) == [None, "l2"]
