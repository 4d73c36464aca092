"""What may be handed to the tracker, and what is refused with a reason."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.errors import InvalidRecord
from mlops.experiment_tracker import ExperimentConfig, ExperimentMetrics, ExperimentStatus
from mlops.experiment_tracker.entities import METRIC_FIELDS
from mlops.values import check_name, measured_value, storable

names = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=30).filter(str.isprintable)
numbers = st.floats(allow_nan=False)


def test_measured_gives_fields_and_custom_metrics_together() -> None:
    """Fields and custom metrics are one list of names and values."""
    metrics = ExperimentMetrics(experiment_id="e", train_loss=0.5, custom_metrics={"val/auc": 1})
    assert metrics.measured() == [("train_loss", 0.5), ("val/auc", 1.0)]


def test_measured_leaves_out_what_was_not_measured() -> None:
    """None means not measured, whether it is given or left out."""
    metrics = ExperimentMetrics(experiment_id="e", train_loss=None, custom_metrics={"a": None, "b": 2})
    assert metrics.measured() == [("b", 2.0)]


def test_measured_keeps_nan_as_a_value() -> None:
    """NaN was measured."""
    ((name, value),) = ExperimentMetrics(experiment_id="e", val_loss=math.nan).measured()
    assert name == "val_loss"
    assert math.isnan(value)


def test_custom_metric_wins_over_the_field_of_its_name() -> None:
    """One name has one value in one record."""
    metrics = ExperimentMetrics(experiment_id="e", train_loss=1.0, custom_metrics={"train_loss": 2.0})
    assert metrics.measured() == [("train_loss", 2.0)]


@pytest.mark.parametrize(
    "value", [0.5, np.float32(0.5), np.float64(0.5), np.array(0.5), np.array([0.5]), np.float16(0.5)]
)
def test_numbers_of_numpy_are_accepted(value: Any) -> None:
    """Scalars, 0-d arrays and arrays of one element are numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ExperimentMetrics(experiment_id="e", train_loss=value).measured() == [("train_loss", 0.5)]


def test_booleans_are_ones_and_zeros() -> None:
    """A flag logged late in a training must not end it."""
    assert measured_value(True) == 1.0
    assert measured_value(np.bool_(False)) == 0.0


@pytest.mark.parametrize("value", ["0.5", [1.0], np.array([1.0, 2.0]), 1j, 10**400, object(), {"a": 1}])
def test_what_is_not_one_number_is_refused(value: Any) -> None:
    """The error names the field and shows the value."""
    with pytest.raises(InvalidRecord, match="'train_loss': a metric is"):
        ExperimentMetrics(experiment_id="e", train_loss=value)


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "x" * 251, "\0", 7])
def test_what_cannot_be_a_name_is_refused(name: Any) -> None:
    """Names are 1 to 250 printable characters without spaces around."""
    with pytest.raises(ValueError, match="name"):
        check_name(name)


@pytest.mark.parametrize("name", ["val/acc", "précision", "损失", "a b", "a'b\"c", "x" * 250])
def test_any_printable_name_is_accepted(name: str) -> None:
    """Slashes, quotes and letters of any language are fine."""
    assert check_name(name) == name


@pytest.mark.parametrize("step", [2**63, -(2**63) - 1, 1.5, "x"])
def test_steps_beyond_64_bits_are_refused(step: Any) -> None:
    """A step fits the integers of both databases."""
    with pytest.raises(InvalidRecord, match="'step'"):
        ExperimentMetrics(experiment_id="e", step=step)


def test_mistyped_field_is_refused_with_the_near_match() -> None:
    """A typing error in a metric's name must not be lost in silence."""
    misspelt: Any = {"experiment_id": "e", "train_los": 1.0}
    with pytest.raises(InvalidRecord, match="Did you mean 'train_loss'"):
        ExperimentMetrics(**misspelt)


def test_list_of_words_becomes_tags() -> None:
    """A word alone is a tag with the value `true`."""
    assert ExperimentConfig(name="x", tags=["draft", "demo"]).tags == {"draft": "true", "demo": "true"}


def test_tag_values_become_text() -> None:
    """Numbers and booleans are written as text."""
    tags: Any = {"fold": 3, "final": True}
    assert dict(ExperimentConfig(name="x", tags=tags).tags) == {"fold": "3", "final": "true"}


@pytest.mark.parametrize(
    "fields",
    [
        {"description": "a\0b"},
        {"notes": "\ud800"},
        {"hyperparameters": {"a": "x\0"}},
        {"hyperparameters": {"": 1}},
        {"hyperparameters": {"a": object()}},
        {"tags": "draft"},
        {"tags": {"a": []}},
        {"name": ""},
        {"experiment_id": "x" * 101},
    ],
)
def test_what_a_database_cannot_hold_is_refused(fields: dict[str, Any]) -> None:
    """What PostgreSQL would refuse is refused before, on SQLite too."""
    with pytest.raises(InvalidRecord):
        ExperimentConfig(**{"name": "x", **fields})


def test_storable_replaces_what_cannot_be_stored() -> None:
    """Texts of exceptions are kept as well as they can be."""
    assert storable("a\0b\ud800c") == "a�b?c"


@given(st.dictionaries(st.sampled_from(METRIC_FIELDS), numbers), st.dictionaries(names, numbers, max_size=5))
def test_metrics_survive_their_document(fields: dict[str, Any], custom: dict[str, float]) -> None:
    """A record read back from its JSON document is equal, infinities included."""
    metrics = ExperimentMetrics(experiment_id="e", custom_metrics=custom, **fields)
    again = ExperimentMetrics.from_document(metrics.to_document())
    assert dict(again.measured()) == dict(metrics.measured()) == {**fields, **custom}


@given(st.sampled_from(ExperimentStatus), st.sampled_from(ExperimentStatus))
def test_every_transition_begins_or_ends_at_running(one: ExperimentStatus, other: ExperimentStatus) -> None:
    """A run ends once, and an ended one can only be resumed."""
    assert one.may_become(other) == (one.has_ended != other.has_ended)
