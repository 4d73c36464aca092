"""How values are shown."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlops.formatting import elide, format_duration, format_metric, format_value, unique_labels


@given(st.floats(1e-4, 9e6))
def test_a_metric_is_shown_to_four_significant_digits(value: float) -> None:
    """Within half a unit of the fourth digit, or exact to the unit from 1,000 on."""
    shown = float(format_metric(value).replace(",", ""))
    assert math.isclose(shown, value, rel_tol=5.1e-4)
    assert format_metric(-value) == f"-{format_metric(value)}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0.000"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (1e300, "1.000e+300"),
        (-2e-9, "-2.000e-09"),
        (999.96, "1,000.0"),
    ],
)
def test_odd_metrics_have_a_form(value: float, shown: str) -> None:
    """Zero, the infinities, the huge and the tiny."""
    assert format_metric(value) == shown


@given(st.text(), st.integers(3, 50))
def test_elided_text_is_never_longer_than_asked(text: str, most: int) -> None:
    """Printable text that is short stays as it is, and any text is printable afterwards."""
    assert len(elide(text, most)) <= most
    assert elide(text, most).isprintable()
    assert len(text) > most or not text.isprintable() or elide(text, most) == text


@given(st.dictionaries(st.text(min_size=1, max_size=12), st.sampled_from(["", "a", "b", "a · x"]), max_size=8))
def test_labels_are_unique(names: dict[str, str]) -> None:
    """Whatever the names and ids are."""
    labels = unique_labels(names.items())
    assert len(set(labels.values())) == len(names)


def test_nested_values_and_long_text_stay_on_one_short_line() -> None:
    """Parameters may be anything."""
    assert format_value({"a": [1, 0.5, None], "b": "x"}) == '{"a": [1, 0.5, None], "b": x}'
    assert len(format_value("x" * 500)) == 60


@given(st.floats(0, 1e9))
@example(0.06)
@example(0.9996)
def test_every_duration_has_a_unit(seconds: float) -> None:
    """Never a bare number, and never as many of a unit as make one of the next."""
    shown = format_duration(seconds)
    assert shown.split()[-1] in {"ms", "s", "min", "h"}
    assert not {"1000", "60.0"} & set(shown.split())
    assert shown.endswith(" ms") or "60" not in shown.split()
