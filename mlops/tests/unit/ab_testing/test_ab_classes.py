"""Tables of truths and predictions stay small, whatever classes are told."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from mlops.ab_testing.aggregates import Book
from mlops.ab_testing.classes import LONGEST_CLASS, MOST_CLASSES, OTHER, Classes
from mlops.ab_testing.confusion import scores
from mlops.ab_testing.entities import ABTestConfig
from mlops.ab_testing.interactions import Facts
from mlops.ab_testing.method import choose
from mlops.ab_testing.outcomes import judge
from mlops.ab_testing.results import report
from mlops.ab_testing.tallying import Rules, Tally
from mlops.tests.fixtures.ab_evidence import NOW, design, gathered, rates


def _counted(config: ABTestConfig, told: list[tuple[object, object]]) -> set[str]:
    """Return the rows that labels make."""
    tally = Tally(Rules(config, choose(config)), lambda _: {})
    for number, (prediction, label) in enumerate(told):
        facts = Facts(f"i{number}", "control", "ann", 1, 1, "", "2026-11-23", None, {}, None, prediction)
        tally.add_label(facts, judge("classification", facts, label))
    counts = tally.applied(Book()).counts
    return {key.name for key in counts if key.kind == "confusion"}


def test_a_stream_of_numbers_does_not_widen_the_table() -> None:
    """The classes beyond the limit are one."""
    rows = _counted(design(), [(number / 7, number / 7) for number in range(5_000)])
    assert len(rows) == MOST_CLASSES + 1
    assert '["*","*",1]' in rows


def test_a_positive_label_leaves_four_rows() -> None:
    """It and all others are all that its scores need."""
    config = design(positive_label=1, primary_metric="recall")
    rows = _counted(config, [(number % 50, number % 49) for number in range(2_000)])
    assert rows == {'["1","1",1]', '["1","*",1]', '["*","1",1]', '["*","*",1]'}


def test_a_long_answer_is_no_class() -> None:
    """A text of a million characters is counted, and not kept."""
    assert Classes(None, ()).counted_as('"' + "x" * 10**6 + '"') == (OTHER, False)
    assert Classes(None, ()).counted_as("1" * LONGEST_CLASS)[0] != OTHER


@given(st.lists(st.text(max_size=2), max_size=300))
def test_a_class_stays_what_it_was_counted_as(names: list[str]) -> None:
    """Else a revision would take away from a row to which nothing was added."""
    classes = Classes(None, ())
    first = {name: classes.counted_as(name)[0] for name in names}
    assert {name: classes.counted_as(name)[0] for name in names} == first


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_the_scores_of_a_positive_label_are_those_of_the_whole_table(told: list[tuple[int, int]]) -> None:
    """Putting the other classes together changes none of them."""
    whole: dict[tuple[str, str], float] = {}
    joined: dict[tuple[str, str], float] = {}
    for pair in told:
        truth, prediction = (str(each) for each in pair)
        short = tuple(each if each == "1" else OTHER for each in (truth, prediction))
        whole[truth, prediction] = whole.get((truth, prediction), 0) + 1
        joined[short[0], short[1]] = joined.get((short[0], short[1]), 0) + 1
    assert repr(scores(whole, 1)) == repr(scores(joined, 1))


def test_no_average_is_taken_over_classes_that_are_not_apart() -> None:
    """Precision, recall and F1 are not known then, and the report says why."""
    table = {('"a"', '"a"'): 5.0, (OTHER, OTHER): 3.0}
    assert all(math.isnan(score) for score in scores(table, None))
    config = design(secondary_metrics=["recall"])
    evidence = gathered(config, {"accuracy": rates([8, 8], [5, 5])}, confusion=(table, table))
    assert any("100 classes" in words for words in report(config, choose(config), evidence, now=NOW).cautions)


def test_a_positive_label_is_one_class_as_a_whole_number_and_as_a_double() -> None:
    """1 and 1.0 are equal, and so are their scores."""
    assert scores({("1", "1"): 2.0, ("0", "1"): 2.0}, 1.0) == scores({("1", "1"): 2.0, ("0", "1"): 2.0}, 1)
