"""Experiments in notebooks and terminals: complete, escaped, readable."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from mlops.experiment_tracker.entities import Experiment, ExperimentStatus
from mlops.experiment_tracker.rendering import (
    experiment_html,
    experiments_html,
    sparkline,
)
from mlops.provenance import DatasetFingerprint

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVIL = "<script>alert('x')</script>\"'&"
VOID = {"circle", "path"}


def experiment(key: str = "1", **values: Any) -> Experiment:
    defaults: dict[str, Any] = {"name": "forest", "project": "biopsies", "status": "completed", "created_at": MOMENT}
    return Experiment(**{"experiment_id": f"id-{key:>08}", **defaults, **values})


class Reader(HTMLParser):
    """Collects tags and attributes, and checks that every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


texts = st.sampled_from([EVIL, "</td></table>", "<img src=x onerror=alert(1)>", "é ü", ""]) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=20
)
names = texts.map(lambda text: "".join(c for c in text if c.isprintable()).strip() or "x")


@given(names, texts, st.dictionaries(names, texts, max_size=3), st.dictionaries(names, st.floats(), max_size=3))
def test_nothing_from_users_becomes_markup(
    name: str, text: str, words: dict[str, str], metrics: dict[str, float]
) -> None:
    """No tag and no attribute but our own, and all of them closed, wherever the text stands."""
    run = experiment(
        name=name, description=text, error=text, hyperparameters=words, tags=words, metrics=metrics,
        created_by=text, algorithm=text, datasets=(DatasetFingerprint(name=name, digest="00"),),
    )  # fmt: skip
    for html in (experiment_html(run), experiments_html([run])):
        reader = Reader(html)
        assert not reader.open
        assert reader.tags <= {"style", "div", "span", "h4", "table", "thead", "tbody", "tr", "th", "td", "pre"}
        assert reader.attributes <= {"class"}


def test_an_experiment_shows_all_there_is_to_know() -> None:
    """Status as a word, metrics with four digits, the error, the data and the tags."""
    html = experiment_html(
        experiment(
            status=ExperimentStatus.FAILED,
            ended_at=MOMENT + timedelta(seconds=75),
            metrics={"val_accuracy": 0.973141},
            hyperparameters={"max_depth": 5},
            tags={"draft": "true", "site": "Basel"},
            datasets=(DatasetFingerprint(name="train", digest="ab" * 32, rows=1234, columns=30),),
            error="ValueError: no samples",
        )
    )
    for part in ("failed", "1 min 15 s", "0.9731", "max_depth", "draft<", "site: Basel", "1,234 × 30", "no samples"):
        assert part in html


def test_a_history_is_drawn_beside_its_metric() -> None:
    """Only where one is given."""
    run = experiment(metrics={"loss": 0.5, "f1": 0.9})
    assert experiment_html(run, histories={"loss": [3.0, 2.0, 0.5]}).count("<svg") == 1
    assert "<svg" not in experiment_html(run)


@given(st.lists(st.floats(), max_size=400))
@example([-1.7e308, 1.7e308])
def test_a_sparkline_stays_within_its_frame(values: list[float]) -> None:
    """For any history; empty where it has no number."""
    svg = sparkline(values)
    assert bool(svg) == any(math.isfinite(value) for value in values)
    assert "nan" not in svg
    assert "inf" not in svg


def test_a_list_shows_the_metrics_that_most_experiments_have_and_how_many_there_are() -> None:
    """At most eight of them."""
    runs = [experiment(str(i), metrics={"common": 0.5, f"own-{i}": 1.0}) for i in range(12)]
    html = experiments_html(runs, total=4000)
    assert "common" in html
    assert html.count("own-") == 7
    assert "12 of 4,000 experiments" in html


def test_no_experiments_says_so() -> None:
    """Instead of an empty table."""
    assert "No experiments." in experiments_html([])
