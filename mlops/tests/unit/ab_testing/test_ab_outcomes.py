"""Labels: what they say of a prediction, and what a further one changes; facts: the same when logged and read."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.ab_testing.entities import ABTestConfig, ABTestInteraction
from mlops.ab_testing.errors import InteractionRefused
from mlops.ab_testing.interactions import ABSENT, Facts, encode, facts_of, facts_of_logged, measured
from mlops.ab_testing.outcomes import as_text, judge, read_label, retold
from mlops.ab_testing.stored import LoggedInteraction, StoredOutcome
from mlops.ab_testing.telling import told, told_all
from mlops.errors import InvalidInput

_CONFIG = ABTestConfig(
    test_id="t",
    control_model_id="m",
    control_model_version="1.0.0",
    treatment_models=[{"model_id": "m", "version": "1.1.0"}],
    traffic_allocation={"control": 0.5, "treatment_1": 0.5},
    primary_metric="accuracy",
    strata=("site",),
    cuped="before",
)


def _facts(prediction: Any) -> Facts:
    return Facts("i", "control", "u", 1, 1, "", "2026-11-23", None, {}, None, prediction)


def _interaction(**fields: Any) -> ABTestInteraction:
    usual = {"interaction_id": "i", "test_id": "t", "variant_id": "control", "user_id": "u"}
    return ABTestInteraction(**(usual | fields))


@pytest.mark.parametrize(
    ("prediction", "label", "is_right"),
    [("a", "a", 1.0), ("a", "b", 0.0), (1, 1.0, 1.0), (True, 1, 0.0), (None, None, 1.0), ("1", 1, 0.0)],
)
def test_a_class_is_right_or_wrong(prediction: Any, label: Any, is_right: float) -> None:
    """1 is 1.0, but True is not 1 and text is no number."""
    assert judge("classification", _facts(prediction), label).values == {"accuracy": is_right}


def test_equal_classes_have_one_name() -> None:
    """The table of truths and predictions has one row for 1 and 1.0."""
    assert judge("classification", _facts(1), 1.0).confusion == ("1", "1")
    assert as_text("a b") == '"a b"'


def test_a_regression_has_two_errors() -> None:
    """Absolute and squared."""
    found = judge("regression", _facts(2.5), 4)
    assert found.values == {"absolute_error": 1.5, "squared_error": 2.25}


@pytest.mark.parametrize(
    ("prediction", "label"),
    [("2", 2), (2, "2"), (2, math.nan), (math.inf, 2), (1e300, -1e300), (10**400, 2), (2, 1e40)],
)
def test_a_regression_takes_finite_numbers(prediction: Any, label: Any) -> None:
    """Anything else is refused with the value."""
    with pytest.raises(InteractionRefused, match=r"finite|summed"):
        judge("regression", _facts(prediction), label)


@pytest.mark.parametrize("prediction", [math.nan, math.inf, [0.2, math.nan], np.float32("nan")])
def test_a_prediction_that_was_not_made_is_refused(prediction: Any) -> None:
    """It would count as a wrong one."""
    with pytest.raises(InteractionRefused, match=r"'i' .* its prediction is .*no prediction where none was"):
        measured(_interaction(response_data={"prediction": prediction}))
    assert measured(_interaction(response_data={"prediction": None, "score": 1})) == {"score": 1.0}


def test_without_a_prediction_a_label_says_nothing() -> None:
    """It is kept, but counts nowhere."""
    assert judge("classification", _facts(ABSENT), "a").values == {}


@pytest.mark.parametrize("label", ["x" * 300, "a\0b", object()])
def test_a_label_that_cannot_be_stored_is_refused(label: Any) -> None:
    """Too long, with a NUL, or no JSON."""
    with pytest.raises(InteractionRefused):
        read_label("i", label)


@pytest.mark.parametrize(
    "label", [None, math.nan, -math.inf, np.float32("nan"), np.datetime64("NaT"), [1.0, math.nan], {"score": math.inf}]
)
def test_a_missing_label_is_refused(label: Any) -> None:
    """Tables hold None and NaN where the truth is not known; it is not a wrong prediction."""
    with pytest.raises(InteractionRefused, match=r"'i7' .* its label is .*Leave out labels that are not known"):
        read_label("i7", label)


@pytest.mark.parametrize("label", ['{"$number":"NaN"}', "null", "nan", {"$number": "NaN"}, 0, False, ""])
def test_what_looks_like_a_missing_label_is_one(label: Any) -> None:
    """Text is text."""
    assert read_label("i", label)


def test_many_labels_are_read_from_whatever_has_items() -> None:
    """The first at fault is named with the number of others; tables are no mapping of ids to labels."""
    labels = {"i1": "a", "i2": math.nan, "i3": None, "i4": math.inf}
    with pytest.raises(InteractionRefused, match=r"'i2' .* nan\. .* 2 more were refused; nothing was stored"):
        told_all(labels, None)
    assert [item.label for item in told_all({"i1": "a", "i4": 3}, "t")] == ['"a"', "3"]


@pytest.mark.parametrize("labels", ["i1", ["i1", "a"], None, 7])
def test_labels_without_ids_are_refused(labels: Any) -> None:
    """The message shows what is taken."""
    with pytest.raises(InvalidInput, match="dict\\(zip"):
        told_all(labels, None)


@pytest.mark.parametrize("revision", [True, 0, -1, 1.0, "1"])
def test_revisions_are_whole_numbers(revision: Any) -> None:
    """From 1; True is none."""
    with pytest.raises(InvalidInput, match="numbered from 1"):
        told("i", "a", None, revision)


def _told(label: str) -> StoredOutcome:
    return StoredOutcome("i", "t", label, label, 1, None, 7)


@given(st.permutations([(1, "a"), (2, "b"), (3, "c"), (3, "c"), (2, "b")]))
def test_the_highest_revision_holds(told: list[tuple[int, str]]) -> None:
    """With numbers, the order in which labels come does not matter."""
    present: StoredOutcome | None = None
    for revision, label in told:
        present = retold(present, _told(label), revision=revision) or present
    assert present is not None
    assert (present.label, present.revision) == ("c", 3)


def test_the_same_label_again_changes_nothing() -> None:
    """Telling is idempotent; another label is the next revision, and the first one is remembered."""
    first = retold(None, _told("a"), revision=None)
    assert first is not None
    assert retold(first, _told("a"), revision=None) is None
    second = retold(first, _told("b"), revision=None)
    assert second is not None
    assert (second.label, second.first_label, second.revision) == ("b", "a", 2)


_SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8) | st.floats(allow_nan=False)
_DATA = st.dictionaries(
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=8),
    _SCALARS | st.lists(_SCALARS, max_size=3) | st.dictionaries(st.text("ab$", min_size=1), _SCALARS, max_size=2),
    max_size=5,
)


@given(_DATA, _DATA, st.none() | st.floats(0, 1e9), st.none() | st.booleans())
def test_facts_are_the_same_from_the_log(
    request: dict[str, Any], response: dict[str, Any], latency_ms: float | None, success: bool | None
) -> None:
    """What was counted when it was logged is what a rebuild counts, whatever the data."""
    interaction = _interaction(
        request_data={**request, "site": "north", "before": 1.5},
        response_data=response,
        latency_ms=latency_ms,
        success=success,
    )
    try:
        values = measured(interaction)
    except InteractionRefused:
        return
    logged = facts_of(_CONFIG, interaction, values, place=("control", 1, 2), at=5)
    row = LoggedInteraction("i", "control", "u", 1, 2, 5, 0, None, encode(interaction))
    read = facts_of_logged(_CONFIG, row)
    assert read == logged


def test_numbers_of_the_answer_are_metrics() -> None:
    """Nested ones by path; the prediction is none; a name of the manager's own is told apart."""
    response = {"prediction": 1, "confidence": 0.9, "cost": {"tokens": 3}, "latency_ms": 5, "flag": True, "note": "x"}
    found = measured(_interaction(response_data=response, latency_ms=7))
    assert found == {
        "latency_ms": 7.0,
        "confidence": 0.9,
        "cost.tokens": 3.0,
        "response_data.latency_ms": 5.0,
        "flag": 1.0,
    }


@pytest.mark.parametrize(
    "response",
    [
        {"a": math.nan},
        {"a": {"b": math.inf}},
        {"x" * 200: 1},
        {"a": 10**400},
        {"a": -1.5e60},
        {f"m{i}": i for i in range(99)},
        {"a": {"b": 1}, "a.b": 2},
    ],
)
def test_numbers_that_cannot_be_metrics_are_refused(response: dict[str, Any]) -> None:
    """NaN, infinity, sizes that sums cannot hold, names without end, too many at once, two of one name."""
    with pytest.raises(InteractionRefused):
        measured(_interaction(response_data=response))


@pytest.mark.parametrize(
    "request_data",
    [{"before": "much"}, {"before": math.nan}, {"before": 10**400}, {"before": 1e61}, {"site": "x" * 101}],
)
def test_what_groups_a_request_is_refused_where_it_cannot_be(request_data: dict[str, Any]) -> None:
    """A covariate is a number of which squares can be taken, a stratum a short text."""
    interaction = _interaction(request_data=request_data)
    with pytest.raises(InteractionRefused):
        facts_of(_CONFIG, interaction, {}, place=("control", 1, 1), at=5)


def test_many_fields_make_no_endless_stratum() -> None:
    """Each may be short enough, and all together too long for a key."""
    config = _CONFIG.changed(strata=("a", "b", "c"))
    interaction = _interaction(request_data=dict.fromkeys("abc", "x" * 90))
    with pytest.raises(InteractionRefused, match="250 characters"):
        facts_of(config, interaction, {}, place=("control", 1, 1), at=5)


@pytest.mark.parametrize("prediction", ["4.2", None, True, [1.0], 10**400])
def test_a_prediction_that_no_label_could_judge_is_refused_at_once(prediction: Any) -> None:
    """Not days later, when the labels of a whole night would be refused with it."""
    config = _CONFIG.changed(task="regression", primary_metric="absolute_error", secondary_metrics=())
    interaction = _interaction(response_data={"prediction": prediction})
    with pytest.raises(InteractionRefused, match="judged by numbers"):
        facts_of(config, interaction, {}, place=("control", 1, 1), at=5)
    facts_of(_CONFIG, interaction, {}, place=("control", 1, 1), at=5)
