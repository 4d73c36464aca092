"""Words of `mlops models`: how versions are named, and how moves look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.cli.models.access import Reference, read_reference
from mlops.cli.models.detail import describe_type
from mlops.cli.models.history import move_table
from mlops.errors import InvalidInput
from mlops.model_registry import Column, ModelMove

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@given(st.text(min_size=1), st.text(min_size=1).filter(lambda text: "@" not in text))
def test_the_last_at_sign_begins_the_version(model_id: str, version: str) -> None:
    """So a model whose id has one can be named too."""
    assert read_reference(f"{model_id}@{version}") == Reference(model_id, version)


@pytest.mark.parametrize("word", ["@1.0.0", "triage@", "@"])
def test_half_a_reference_is_refused(word: str) -> None:
    """Nothing beside the sign is a mistake rather than everything."""
    with pytest.raises(InvalidInput, match=r"triage@1\.2\.0"):
        read_reference(word)


def move(**fields: Any) -> ModelMove:
    plain = {"move_id": "m", "project": "p", "model_id": "triage", "sequence": 1, "version": "1.0.0", "at": NOON}
    return ModelMove(**{**plain, **fields})


def test_moves_are_told_by_what_a_version_became() -> None:
    """Registered, moved, taken back, deleted: each looks its own way."""
    moves = [
        move(kind="register", to_status="validating"),
        move(kind="promote", from_status="validating", to_status="production"),
        move(kind="rollback", from_status="archived", to_status="production"),
        move(kind="delete", from_status="archived"),
    ]
    what = move_table(moves).columns[2]
    assert [str(cell) for cell in what.cells] == ["registered", "→ production", "↩ production", "deleted"]


def test_a_plain_column_is_told_by_its_type_alone() -> None:
    """Sizes and whether it may be missing stand there only where they say something."""
    assert describe_type(Column(name="a", dtype="float64")) == "float64"
    assert describe_type(Column(name="a", dtype="string", is_optional=True)) == "string, optional"
