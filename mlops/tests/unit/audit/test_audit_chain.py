"""The hash is the documented one, and an anchor survives being written down."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.audit import GENESIS, Anchor, AuditFact, entry_hash
from mlops.errors import InvalidInput
from mlops.records import encode_json

AT = "2026-11-23T03:36:00.000000Z"
CONTENT = (7, AT, "ann", "promote", "model", "m1", "default", "{}", GENESIS)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.integers(1, 2**62),
    st.lists(TEXTS, min_size=5, max_size=5),
    st.dictionaries(TEXTS, VALUES, min_size=2, max_size=4),
)
def test_the_hash_is_the_documented_one(sequence: int, texts: list[str], details: dict[str, object]) -> None:
    """An auditor gets it from json.dumps and SHA-256 alone, for any text in any script."""
    stored = encode_json(details)
    listed = json.dumps([sequence, AT, *texts, json.loads(stored), GENESIS], separators=(",", ":"), ensure_ascii=False)
    expected = hashlib.sha256(listed.encode()).hexdigest()
    actor, action, kind, subject, project = texts
    assert entry_hash((sequence, AT, actor, action, kind, subject, project, stored, GENESIS)) == expected


@given(st.integers(0, 8), TEXTS)
def test_every_part_of_the_content_counts(index: int, text: str) -> None:
    """Another value in any place gives another hash."""
    value = CONTENT[0] + 1 + len(text) if index == 0 else f"{text}#"
    changed = (*CONTENT[:index], value, *CONTENT[index + 1 :])
    assert entry_hash(changed) != entry_hash(CONTENT)  # type: ignore[arg-type]


def test_moving_text_from_one_part_to_the_next_gives_another_hash() -> None:
    """The parts are told apart: `an`+`nb` is not `ann`+`b`."""
    parts = (*CONTENT[:2], "an", "nb", *CONTENT[4:])
    others = (*CONTENT[:2], "ann", "b", *CONTENT[4:])
    assert entry_hash(parts) != entry_hash(others)


@given(st.integers(0, 10**18 - 1), st.binary(min_size=32, max_size=32))
def test_an_anchor_survives_being_written_down(sequence: int, digest: bytes) -> None:
    """Its text gives the anchor again, also with space around it."""
    anchor = Anchor(sequence=sequence, hash=digest.hex())
    assert Anchor.parse(f" {anchor}\n") == anchor


@pytest.mark.parametrize("text", ["", "12", "12:ab", f"-1:{GENESIS}", f"1:{GENESIS}0", f"x:{GENESIS}"])
def test_what_is_no_anchor_is_refused(text: str) -> None:
    """A mistyped anchor is an error, not a broken log."""
    with pytest.raises(InvalidInput, match="is no anchor"):
        Anchor.parse(text)


@pytest.mark.parametrize("field", ["actor", "action", "subject_kind", "subject_id", "project"])
@pytest.mark.parametrize("value", ["", "a\nb", "\x7f", "a\0b", "\ud800", "x" * 251, None, 7])
def test_a_fact_has_words_in_every_place(field: str, value: object) -> None:
    """Empty, endless or unprintable words are refused, and what is no text; the message names the field."""
    good = {"actor": "ann", "action": "predict", "subject_kind": "model", "subject_id": "m1", "project": "default"}
    with pytest.raises(InvalidInput, match=f"'{field}'"):
        AuditFact(at=datetime(2026, 1, 1, tzinfo=UTC), **{**good, field: value})


def test_a_fact_has_an_aware_time() -> None:
    """A time without a zone is refused."""
    with pytest.raises(InvalidInput, match="'at'"):
        AuditFact(at=datetime(2026, 1, 1), actor="ann", action="a", subject_kind="b", subject_id="c")  # noqa: DTZ001
