"""Which metrics find room in a list, and how long reasons are shown."""

from __future__ import annotations

import io

from rich.console import Console

from mlops.cli.metric_columns import fitting_metrics, telling_metrics
from mlops.cli.output import write_table


def test_one_metric_is_shown_however_narrow_the_terminal() -> None:
    """A list of models without any metric would tell little."""
    assert fitting_metrics(["accuracy", "f1"], -20) == ["accuracy"]
    assert fitting_metrics([], 100) == []


def test_a_pipe_gets_four_metrics() -> None:
    """There is no width to fill."""
    assert fitting_metrics(list("abcdef"), None) == list("abcd")


def test_known_metrics_come_before_others_that_as_many_have() -> None:
    """The fields' order is the order of the list."""
    assert telling_metrics([{"auc": 1, "recall": 1, "accuracy": 1}], ["accuracy", "recall"])[-1] == "auc"


def test_a_column_may_go_on_in_the_next_line_while_others_stay_whole() -> None:
    """Dates are not broken for a long reason."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=40, no_color=True)
    write_table(["when", "why"], [["2026-01-02 12:00:00", "many words " * 8]], wrap=["why"], console=console)
    shown = screen.getvalue()
    assert "2026-01-02 12:00:00" in shown
    assert shown.count("many") == 8
