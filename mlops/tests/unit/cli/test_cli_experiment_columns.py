"""Which columns a list of experiments has, ages, and words that repeat what the tracker knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops import figures
from mlops.cli.cells import format_age
from mlops.cli.experiments.cells import experiment_status_cell
from mlops.cli.experiments.columns import cell_of, missing_columns, parse_columns, telling_metrics
from mlops.cli.experiments.plotting import ThemeName, XAxis
from mlops.errors import InvalidInput
from mlops.experiment_tracker import Experiment, plots

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def experiment(metrics: Mapping[str, float] | None = None, **fields: Any) -> Experiment:
    plain = {"experiment_id": "e1", "project": "p", "name": "run", "status": "completed", "created_at": NOON}
    return Experiment(**{**plain, **fields}, metrics=metrics or {})


def test_options_offer_what_the_tracker_knows() -> None:
    """Choices that are written again, so that the command starts quickly, are the tracker's own."""
    assert {str(member) for member in XAxis} == set(get_args(plots.XAxis))
    assert {str(member) for member in ThemeName} == set(get_args(figures.ThemeName))


def test_validation_metrics_that_most_runs_have_come_first() -> None:
    """What few runs have, and what is measured on training data, is left to the end."""
    runs = [experiment({"train_loss": 1, "val_loss": 1, "val_accuracy": 1}), experiment({"val_loss": 1, "zoo": 2})]
    assert telling_metrics(runs) == ["val_loss", "val_accuracy", "zoo", "train_loss"]


def test_metrics_that_are_searched_for_come_before_all_others() -> None:
    """Who filters or orders by a metric sees it, in the order of the words."""
    runs = [experiment({"val_loss": 1, "train_loss": 1, "odd name": 1})]
    search = "min(metrics.`odd name`) < 3 and metrics.train_loss > 0"
    assert telling_metrics(runs, search=search) == ["odd name", "train_loss", "val_loss"]


def test_columns_are_read_from_any_part_of_an_experiment() -> None:
    """Metrics, parameters, tags and attributes; None where there is nothing."""
    run = experiment({"loss": 0.123456}, hyperparameters={"layers": [2, 3]}, tags={"kind": "a"}, framework="x")
    names = parse_columns("metrics.loss, params.layers,tags.kind,framework,notes")
    cells = [cell_of(run, name, NOON) for name in names]
    assert [cell.value for cell in cells] == [0.123456, (2, 3), "a", "x", None]
    assert cells[0].shown == "0.1235"


@pytest.mark.parametrize("text", ["metric.loss", "metrics.", "nme", "projct"])
def test_a_column_that_cannot_be_is_refused(text: str) -> None:
    """The error lists what can be."""
    with pytest.raises(InvalidInput, match=r"cannot be a column\..*metrics\.NAME"):
        parse_columns(text)


def test_a_column_without_any_value_is_remarked() -> None:
    """A mistyped metric is told apart from one that was not measured."""
    runs = [experiment({"val_loss": 1.0})]
    assert list(missing_columns(runs, ["metrics.val_loss", "project"])) == []
    [remark] = missing_columns(runs, ["metrics.val_los"])
    assert "Did you mean 'metrics.val_loss'?" in remark


def test_deleted_runs_look_deleted() -> None:
    """People see the deletion, programs the status."""
    cell = experiment_status_cell(experiment(deleted_at=NOON))
    assert (cell.value, cell.shown) == ("completed", "○ completed, deleted")


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=2000)))
def test_an_age_is_short(age: timedelta) -> None:
    """Whatever the age, it fits a narrow column."""
    assert 1 <= len(format_age(NOON - age, NOON)) <= 10


def test_a_moment_to_come_is_now() -> None:
    """A clock that jumps back gives no negative age."""
    assert format_age(NOON + timedelta(hours=1), NOON) == "now"
