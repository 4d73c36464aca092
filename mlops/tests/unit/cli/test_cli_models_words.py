"""Words of `mlops models`: how versions are named, moments are read, and statuses and moves look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.cli.models.access import Reference, read_reference
from mlops.cli.models.cells import status_cell, status_style
from mlops.cli.models.detail import describe_type
from mlops.cli.models.history import move_table
from mlops.cli.models.listing import Status
from mlops.cli.models.moments import read_moment
from mlops.cli.models.moving import Target
from mlops.errors import InvalidInput
from mlops.model_registry import Column, ModelMove, ModelStatus

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_options_offer_what_the_registry_knows() -> None:
    """Choices that are written again, so that the command starts quickly, are the registry's own."""
    assert [str(member) for member in Status] == [str(member) for member in ModelStatus]
    assert {str(member) for member in Target} < {str(member) for member in ModelStatus}
    assert all(status_style(status) for status in Status)


def test_a_version_that_does_not_serve_has_an_empty_dot() -> None:
    """Programs get the bare word."""
    assert [status_cell(status).shown for status in ("production", "archived")] == ["● production", "○ archived"]
    assert status_cell(ModelStatus.FAILED).value == "failed"


@given(st.text(min_size=1), st.text(min_size=1).filter(lambda text: "@" not in text))
def test_the_last_at_sign_begins_the_version(model_id: str, version: str) -> None:
    """So a model whose id has one can be named too."""
    assert read_reference(f"{model_id}@{version}") == Reference(model_id, version)


@pytest.mark.parametrize("word", ["@1.0.0", "triage@", "@"])
def test_half_a_reference_is_refused(word: str) -> None:
    """Nothing beside the sign is a mistake rather than everything."""
    with pytest.raises(InvalidInput, match=r"triage@1\.2\.0"):
        read_reference(word)


@given(st.integers(0, 10**10), st.integers(-14, 14))
def test_moments_are_read_in_any_zone(seconds: int, hours: int) -> None:
    """What is written in another zone is the same moment; without a zone it is in UTC."""
    moment = datetime.fromtimestamp(seconds, timezone(timedelta(hours=hours)))
    assert read_moment(moment.isoformat()) == moment
    assert read_moment(moment.astimezone(UTC).isoformat().removesuffix("+00:00")) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "3.5.2026", "2026-13-01", "0001-01-01T00:00+02:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """The error shows how one is written."""
    with pytest.raises(InvalidInput, match="2026-05-03T14:30"):
        read_moment(text)


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
