"""Figures of experiments side by side."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from mlops.errors import InvalidInput
from mlops.experiment_tracker.comparison_plots import plot_comparison, plot_parallel
from mlops.experiment_tracker.entities import Experiment, ExperimentStatus
from mlops.figures import figure_bytes


def run(key: int, metrics: dict[str, float], **parameters: Any) -> Experiment:
    return Experiment(
        experiment_id=f"id-{key:08}",
        project="p",
        name=f"run-{key}",
        status=ExperimentStatus.COMPLETED,
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        metrics=metrics,
        hyperparameters=parameters,
    )


def texts(figure: Figure) -> list[str]:
    figure.draw_without_rendering()
    return [item.get_text() for item in figure.findobj() if hasattr(item, "get_text")]


def test_rows_are_ordered_best_first_and_those_without_a_number_come_last() -> None:
    """By the direction of the first metric."""
    runs = [run(1, {"loss": 0.5}), run(2, {"loss": math.nan}), run(3, {"loss": 0.1}), run(4, {"f1": 1.0})]
    axes = plot_comparison(runs, ["loss"]).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["run-3", "run-1", "run-2", "run-4"]


def test_each_metric_has_a_panel_with_every_value_in_figures() -> None:
    """Four digits, a dash where there is none."""
    shown = texts(plot_comparison([run(1, {"f1": 0.98765, "loss": 2.0}), run(2, {"loss": 1.0})]))
    assert {"f1", "loss", "0.9877", "2.000", "–"} <= set(shown)


def test_of_more_than_forty_runs_the_rest_is_counted() -> None:
    """The figure stays readable."""
    assert "and 5 more runs" in texts(plot_comparison([run(i, {"f1": i / 100}) for i in range(45)]))


def test_parallel_axes_are_the_parameters_that_differ_then_the_metric() -> None:
    """Constant parameters say nothing."""
    runs = [run(i, {"f1": i / 10}, depth=i, seed=1, kind="ab"[i % 2], net={"lr": 10.0**-i}) for i in range(4)]
    shown = texts(plot_parallel(runs, "f1"))
    assert {"depth", "kind", "net.lr", "f1", "a", "b"} <= set(shown)
    assert "seed" not in shown


def test_a_parameter_that_a_run_lacks_has_its_own_place() -> None:
    """At the foot of the axis."""
    assert "none" in texts(plot_parallel([run(1, {"f1": 0.1}, depth=3), run(2, {"f1": 0.2})], "f1"))


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.floats() | st.none() | st.booleans() | st.text(max_size=3), st.floats(-1, 1)),
        min_size=2,
        max_size=6,
    )
)
def test_any_parameters_can_be_drawn(points: list[tuple[Any, float]]) -> None:
    """Without a warning, whatever the values."""
    runs = [run(i, {"f1": metric}, x=value) for i, (value, metric) in enumerate(points)]
    assert figure_bytes(plot_parallel(runs, "f1", ["x"], theme="dark"), "png", dpi=20)
    assert figure_bytes(plot_comparison(runs), "png", dpi=20)


def test_what_cannot_be_compared_is_refused_with_a_way_out() -> None:
    """Each message says what to do."""
    runs = [run(1, {"f1": 0.1}, depth=3), run(2, {"f1": 0.2}, depth=3)]
    with pytest.raises(InvalidInput, match="no experiments to plot"):
        plot_comparison([])
    with pytest.raises(InvalidInput, match=r"has a metric 'f2'\. There are: f1"):
        plot_comparison(runs, ["f2"])
    with pytest.raises(InvalidInput, match="no metrics to plot"):
        plot_comparison([run(1, {})])
    with pytest.raises(InvalidInput, match="No parameter differs"):
        plot_parallel(runs, "f1")
    with pytest.raises(InvalidInput, match=r"'dept'\. Did you mean 'depth'"):
        plot_parallel(runs, "f1", ["dept"])
    with pytest.raises(InvalidInput, match="no finite value"):
        plot_parallel([run(1, {"f1": math.nan})], "f1")
