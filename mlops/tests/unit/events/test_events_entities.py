"""What an event may be called."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.events.entities import NewEvent

AT = datetime(2026, 5, 3, tzinfo=UTC)


@given(st.from_regex(r"[a-z][a-z0-9_]{0,30}\.[a-z][a-z0-9_]{0,30}", fullmatch=True))
def test_a_topic_is_a_noun_a_dot_and_a_verb(topic: str) -> None:
    """Small letters, digits and underscores, in two parts."""
    assert NewEvent(at=AT, topic=topic, subject_kind="model", subject_id="m1").topic == topic


@pytest.mark.parametrize(
    "topic", ["", "model", "model.", ".promoted", "a.b.c", "Model.promoted", "model promoted", "1a.b", "a.b\n", None]
)
def test_other_topics_are_refused(topic: object) -> None:
    """The message names the field."""
    with pytest.raises(InvalidInput, match="'topic'"):
        NewEvent(at=AT, topic=topic, subject_kind="model", subject_id="m1")


@pytest.mark.parametrize("field", ["subject_kind", "subject_id", "project"])
@pytest.mark.parametrize("value", ["", "a\0b", "\ud800", "x" * 251])
def test_an_event_has_words_in_every_place(field: str, value: str) -> None:
    """What one of the databases could not hold is refused on both."""
    good = {"subject_kind": "model", "subject_id": "m1", "project": "default"}
    with pytest.raises(InvalidInput, match=f"'{field}'"):
        NewEvent(at=AT, topic="model.promoted", **{**good, field: value})
