"""Line charts of text."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from mlops.cli.text_plot import draw_lines

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


def plain(series: dict[str, list[tuple[float, float]]], **options: object) -> list[str]:
    return [line.plain for line in draw_lines(series, title="loss", **options)]  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.floats(-1e308, 1e308), NUMBERS), max_size=30), st.integers(30, 120), st.booleans())
def test_any_numbers_give_lines_of_the_width_asked_for(
    points: list[tuple[float, float]], width: int, log_scale: bool
) -> None:
    """No history breaks the chart: every line fits, and there are as many as asked for."""
    lines = plain({"run": sorted(points)}, width=width, height=5, log_scale=log_scale)
    assert len(lines) in {1, 1 + 5 + 2 + 1}
    assert all(len(line) <= width + 14 for line in lines)


def test_a_falling_line_begins_at_the_top_and_ends_at_the_bottom() -> None:
    """Larger values are higher up, later steps farther to the right."""
    lines = plain({"run": [(0.0, 1.0), (10.0, 0.0)]}, width=40, height=4)
    first, last = lines[1].partition("│")[2], lines[4].partition("│")[2]
    assert not first[0].isspace()
    assert not last[-1].isspace()
    assert first[-1].isspace()


def test_axes_name_their_ends() -> None:
    """The least and greatest values and steps stand beside the axes."""
    lines = plain({"run": [(0.0, 1.0), (19.0, 0.25)]}, width=40, height=4)
    assert lines[1].strip().startswith("1.000")
    assert lines[4].strip().startswith("0.2500")
    assert lines[6].split() == ["0", "19"]


def test_every_series_has_its_colour_and_its_name() -> None:
    """Two runs are told apart by colour, and the legend says which is which."""
    drawn = draw_lines({"a": [(0, 0), (1, 1)], "b": [(0, 1), (1, 0)]}, title="loss")
    legend = drawn[-2:]
    assert [line.plain.split()[-1] for line in legend] == ["a", "b"]
    assert len({str(line.spans[0].style) for line in legend}) == 2


def test_nothing_to_draw_is_said() -> None:
    """A history of NaN, or of nothing above 0 on a log scale, is no empty frame."""
    assert plain({"run": [(0, math.nan)]}) == ["loss: no values to draw"]
    assert plain({"run": [(0, -1.0)]}, log_scale=True) == ["loss: no values to draw"]
