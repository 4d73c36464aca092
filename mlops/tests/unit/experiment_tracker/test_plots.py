"""Figures of histories: what is drawn, what is told, and that any history can be drawn."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mlops.errors import InvalidInput
from mlops.experiment_tracker.plot_labels import spread
from mlops.experiment_tracker.plot_theme import save_figure, tick_text
from mlops.experiment_tracker.plots import DENSE, plot_metrics, smooth
from mlops.figures import figure_bytes


def history(**metrics: Any) -> pd.DataFrame:
    count = len(next(iter(metrics.values())))
    steps = np.arange(count)
    moments = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(steps * 30, unit="s")
    return pd.DataFrame({"step": steps, "timestamp": moments, **metrics})


def texts(figure: Figure) -> str:
    figure.draw_without_rendering()
    return "\n".join(item.get_text() for item in figure.findobj() if hasattr(item, "get_text"))


def lines(axes: Axes) -> list[Any]:
    return [line for line in axes.lines if line.get_linestyle() != "None" and line.get_transform() is axes.transData]


def test_each_metric_has_a_panel_named_after_it() -> None:
    """In the order asked for; metrics of the machine only when asked."""
    frame = history(**{"val_loss": [2.0, 1.0], "val_f1": [0.1, 0.2], "system/cpu_percent": [5.0, 6.0]})
    titles = [axes.get_title(loc="left") for axes in plot_metrics({"a": frame}).axes]
    assert titles == ["val_loss", "val_f1"]
    asked = plot_metrics({"a": frame}, ["system/cpu_percent"])
    assert [axes.get_title(loc="left") for axes in asked.axes] == ["system/cpu_percent"]


def test_the_best_value_is_told_with_its_run_and_step() -> None:
    """By the metric's direction: least of a loss; nothing where the direction is unknown."""
    runs = {"a": history(loss=[3.0, 1.5], lr=[1.0, 2.0]), "b": history(loss=[0.5, 2.0], lr=[1.0, 2.0])}
    figure = plot_metrics(runs)
    assert [axes.get_title(loc="right") for axes in figure.axes] == ["best 0.5000 · b · step 0", ""]
    asked = plot_metrics(runs, ["lr"], directions={"lr": "max"})
    assert asked.axes[0].get_title(loc="right") == "best 2.000 · a · step 1"


def test_few_runs_in_one_panel_are_named_at_their_ends_with_their_last_value() -> None:
    """No legend is needed then."""
    figure = plot_metrics({"forest": history(f1=[0.1, 0.25]), "svm": history(f1=[0.1, 0.75])})
    assert not figure.legends
    assert {"forest  0.2500", "svm  0.7500"} <= set(texts(figure).splitlines())


def test_many_runs_or_panels_have_a_legend_outside_the_panels_with_the_title() -> None:
    """It hides no data."""
    runs = {f"run-{i}": history(f1=[0.1, 0.2], loss=[0.5, 0.4]) for i in range(3)}
    figure = plot_metrics(runs, title="Study")
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    assert all(not box.overlaps(axes.get_window_extent()) for axes in figure.axes)
    assert {"Study", "run-0", "run-1", "run-2"} <= set(texts(figure).splitlines())


def test_of_more_than_sixteen_runs_the_best_eight_are_named() -> None:
    """The others are counted, and drawn all the same."""
    figure = plot_metrics({f"run-{i:02}": history(f1=[0.0, i / 100]) for i in range(20)})
    shown = texts(figure).splitlines()
    assert "12 others" in shown
    assert [f"run-{i:02}" in shown for i in (19, 12, 11, 0)] == [True, True, False, False]
    assert len(lines(figure.axes[0])) >= 20


def test_a_dense_history_becomes_a_band_that_keeps_its_spike() -> None:
    """The line is its mean."""
    values = np.zeros(DENSE * 4)
    values[1234] = 50.0
    axes = plot_metrics({"a": history(x=values)}).axes[0]
    assert axes.collections[0].get_datalim(axes.transData).ymax == 50.0
    assert max(line.get_ydata().max() for line in lines(axes)) < 50.0


def test_several_values_of_an_epoch_become_a_band_about_their_mean() -> None:
    """One point an epoch."""
    frame = history(loss=[4.0, 2.0, 1.0, 1.0]).assign(epoch=pd.array([0, 0, 1, 1], dtype="Int64"))
    axes = plot_metrics({"a": frame}, x="epoch").axes[0]
    assert lines(axes)[0].get_xydata().tolist() == [[0.0, 3.0], [1.0, 1.0]]


def test_time_is_counted_from_each_runs_first_value_in_a_fitting_unit() -> None:
    """Runs of different days lie over each other."""
    later = history(x=[1.0] * 20)
    later["timestamp"] += pd.Timedelta(days=3)
    axes = plot_metrics({"a": history(x=[1.0] * 20), "b": later}, x="time").axes[0]
    assert axes.get_xlabel() == "time, min"
    assert [line.get_xdata()[-1] for line in lines(axes)] == [9.5, 9.5]


def test_not_measured_is_skipped_and_a_row_of_nothing_is_a_gap() -> None:
    """A line goes on where only another metric was logged, and breaks where NaN was."""
    nan = math.nan
    axes = plot_metrics({"a": history(x=[1.0, nan, 3.0, nan, 5.0], y=[nan, 1.0, nan, nan, 1.0])}, ["x"]).axes[0]
    np.testing.assert_equal(lines(axes)[0].get_ydata(), [1.0, 3.0, nan, 5.0])


def test_a_log_scale_leaves_out_what_it_cannot_show_and_says_so() -> None:
    """Zero and below become gaps."""
    axes = plot_metrics({"a": history(loss=[1.0, 0.0, -1.0, math.inf, 0.001])}, log_scale=True).axes[0]
    assert axes.get_yscale() == "log"
    assert "3 values out of range, not shown" in axes.get_xlabel()


@pytest.mark.parametrize("values", [[math.nan] * 3, [math.inf], [-1.0, 0.0]])
def test_a_history_without_a_number_to_show_says_so(values: list[float]) -> None:
    """On a log scale too."""
    assert "no numbers to show" in texts(plot_metrics({"a": history(x=values)}, log_scale=True))


@settings(max_examples=20)
@given(
    st.lists(
        st.lists(st.floats(width=32) | st.sampled_from([0.0, 1e300, -1e300]), min_size=1, max_size=30),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from([0.0, 0.6]),
    st.booleans(),
)
def test_any_history_can_be_drawn(runs: list[list[float]], smoothing: float, log_scale: bool) -> None:
    """Without a warning, whatever the values."""
    figure = plot_metrics(
        {f"r{i}": history(loss=values) for i, values in enumerate(runs)}, smoothing=smoothing, log_scale=log_scale
    )
    assert figure_bytes(figure, "png", dpi=20).startswith(b"\x89PNG")


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0, 0.99))
def test_smoothing_is_the_weighted_mean_of_the_past(values: list[float], weight: float) -> None:
    """As the definition says, point by point."""
    smoothed = smooth(np.array(values), weight)
    for t, found in enumerate(smoothed):
        weights = [weight**i for i in range(t + 1)]
        expected = sum(w * values[t - i] for i, w in enumerate(weights)) / sum(weights)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-4)


def test_smoothing_keeps_gaps_and_a_constant() -> None:
    """NaN neither spreads nor counts."""
    np.testing.assert_allclose(smooth(np.array([2.0, math.nan, 2.0]), 0.9), [2.0, math.nan, 2.0])


@given(st.lists(st.floats(0, 1), max_size=12))
def test_labels_keep_apart_and_in_order(heights: list[float]) -> None:
    """And stay where they are when there is room."""
    placed = spread(sorted(heights), gap=0.05)
    assert all(b - a >= 0.05 - 1e-9 for a, b in itertools.pairwise(placed))
    assert spread([0.1, 0.5], gap=0.05) == [0.1, 0.5]


@pytest.mark.parametrize(
    ("value", "ticks", "text"),
    [
        (0.5, [0.0, 0.5, 1.0], "0.5"),
        (0.975, [0.95, 0.975, 1.0], "0.975"),
        (25_000, [0, 25_000, 50_000], "25k"),
        (2_500_000, [0, 2_500_000, 50_000_000], "2.5M"),
        (5, [0, 5], "5"),
        (-5, [-5], "-5"),
        (2e-6, [0, 2e-6], "2.0e-06"),
        (0, [0, 2e-6], "0"),
    ],
)
def test_ticks_have_equal_decimals_and_short_thousands(value: float, ticks: list[float], text: str) -> None:
    """Numbers that a person reads at a glance."""
    assert tick_text(value, ticks) == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"histories": {}}, "no runs to plot"),
        ({"metrics": ["f2"]}, r"has a metric 'f2'\. There are: f1"),
        ({"smoothing": 1.0}, "up to, but below, 1"),
        ({"theme": "drak"}, "Did you mean 'dark'"),
        ({"x": "epoch"}, "'a' was logged without epochs"),
        ({"histories": {"a": history(x=[1.0])[["step", "timestamp"]]}}, "no metrics to plot"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_way_out(arguments: dict[str, Any], message: str) -> None:
    """Each message says what to do."""
    with pytest.raises(InvalidInput, match=message):
        plot_metrics(**{"histories": {"a": history(f1=[1.0, 2.0])}, **arguments})


@pytest.mark.parametrize("file_format", ["png", "svg", "pdf"])
def test_the_same_figure_gives_the_same_bytes(file_format: str) -> None:
    """No date, no version, no random ids."""
    first, second = (figure_bytes(plot_metrics({"a": history(f1=[0.1, 0.9])}), file_format) for _ in range(2))
    assert first == second


def test_a_figure_is_saved_in_the_format_of_its_suffix(tmp_path: Path) -> None:
    """Folders are made; another suffix is refused."""
    figure = plot_metrics({"a": history(f1=[0.1, 0.9])})
    assert save_figure(figure, tmp_path / "new" / "a.SVG").read_bytes().startswith(b"<?xml")
    with pytest.raises(InvalidInput, match="Choose one of png, svg, pdf"):
        save_figure(figure, tmp_path / "a.bmp")


def test_plotting_leaves_pyplot_and_its_settings_alone() -> None:
    """A figure made in a thread or a server touches nothing global."""
    code = """
import sys, matplotlib, pandas as pd
before = matplotlib.rcParams.copy()
from mlops.experiment_tracker.plots import plot_metrics
from mlops.figures import figure_bytes
figure_bytes(plot_metrics({"a": pd.DataFrame({"step": [0, 1], "f1": [0.1, 0.2]})}), "svg")
assert "matplotlib.pyplot" not in sys.modules
assert matplotlib.rcParams.copy() == before
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_names_are_shown_as_they_are() -> None:
    """Dollar signs are no formulas, and control characters and rare scripts no errors."""
    figure = plot_metrics({"a$x^2$": history(**{"f1_$\\alpha$": [0.1, 0.9]}), "名前\n\x1f": history(f1=[0.1, 0.2])})
    assert figure_bytes(figure, "png", dpi=20)
    assert r"a\$x^2\$" in texts_of_legend(figure)


def texts_of_legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]
