"""Retention decides from values alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.artifacts import SavedArtifact
from mlops.model_registry import ModelMetadata, ModelMove, ModelStatus, MoveKind
from mlops.model_registry.retention import Verdict, judge
from mlops.model_registry.stored import StoredVersion

AT = datetime(2026, 5, 3, 9, 30, tzinfo=UTC)
S = ModelStatus


def version(number: int, status: ModelStatus = S.VALIDATING, **told: object) -> StoredVersion:
    """Return version `number`.0.0, registered in the hour of its number."""
    values = {"created_at": AT + timedelta(hours=number), **told}
    metadata = ModelMetadata(model_id="m", project="p", version=f"{number}.0.0", status=status, **values)
    saved = SavedArtifact(codec="json", digest="0" * 64, size_bytes=1)
    return StoredVersion(version_id=f"{number:04}", metadata=metadata, saved=saved)


def served(*numbers: int) -> list[ModelMove]:
    """Return the moves by which versions went to production one after another."""
    return [
        ModelMove(
            move_id=str(place), project="p", model_id="m", sequence=place, version=f"{number}.0.0",
            to_status=S.PRODUCTION, kind=MoveKind.PROMOTE, at=AT,
        )
        for place, number in enumerate(numbers, start=1)
    ]  # fmt: skip


def gone(verdicts: Iterable[Verdict]) -> list[str]:
    return [verdict.version for verdict in verdicts if verdict.may_go]


def test_the_newest_are_kept_and_the_rest_may_go() -> None:
    """Of five versions the two registered last stay."""
    assert gone(judge(map(version, range(1, 6)), [], {}, most=2)) == ["3.0.0", "2.0.0", "1.0.0"]


def test_newest_means_registered_last_not_numbered_highest() -> None:
    """A patch of an old line that came today is new."""
    late = version(1, created_at=AT + timedelta(days=9))
    assert gone(judge([late, version(2), version(3)], [], {}, most=1)) == ["3.0.0", "2.0.0"]


def test_nothing_goes_when_all_are_kept_or_none_is_there() -> None:
    """Zero keeps all, and no version is no trouble."""
    assert gone(judge(map(version, range(1, 6)), [], {}, most=0)) == []
    assert judge([], [], {}, most=3) == []


@pytest.mark.parametrize(
    ("kept", "aliases", "word"),
    [
        (version(1, S.PRODUCTION), {}, "in production"),
        (version(1, is_protected=True), {}, "protected"),
        (version(1), {"champion": "1.0.0"}, "alias 'champion'"),
    ],
)
def test_what_is_needed_stays_and_the_reason_says_why(kept: StoredVersion, aliases: dict[str, str], word: str) -> None:
    """Age alone deletes nothing that serves, is protected or is named."""
    verdicts = judge([kept, version(2), version(3)], [], aliases, most=1)
    assert gone(verdicts) == ["2.0.0"]
    assert word in verdicts[-1].reason


def test_the_rollback_target_stays() -> None:
    """What served before the version in production is not deleted; what served before that may be."""
    versions = [version(1, S.ARCHIVED), version(2, S.ARCHIVED), version(3, S.PRODUCTION), version(4)]
    verdicts = judge(versions, served(1, 2, 3), {}, most=1)
    assert gone(verdicts) == ["1.0.0"]
    assert "rollback" in verdicts[2].reason


@pytest.mark.parametrize("lost", [[], [version(2, S.FAILED)]])
def test_the_rollback_target_is_one_that_still_can_serve(lost: list[StoredVersion]) -> None:
    """When the version before was deleted or failed, the one before it is kept instead."""
    versions = [version(1, S.ARCHIVED), *lost, version(3, S.PRODUCTION), version(4)]
    assert "1.0.0" not in gone(judge(versions, served(1, 2, 3), {}, most=1))


@given(
    statuses=st.lists(st.sampled_from([S.VALIDATING, S.STAGING, S.ARCHIVED, S.FAILED]), max_size=12),
    most=st.integers(1, 14),
    protected=st.sets(st.integers(1, 12)),
)
def test_every_version_has_one_verdict_and_at_least_the_newest_stay(
    statuses: list[ModelStatus], most: int, protected: set[int]
) -> None:
    """Whatever the statuses: nothing newer than the limit goes, and nothing protected."""
    versions = [version(n, status, is_protected=n in protected) for n, status in enumerate(statuses, start=1)]
    verdicts = judge(versions, [], {}, most=most)
    assert [verdict.version for verdict in verdicts] == [stored.version for stored in reversed(versions)]
    assert not any(verdict.may_go for verdict in verdicts[:most])
    assert set(gone(verdicts)) == {f"{n}.0.0" for n in range(1, len(statuses) - most + 1) if n not in protected}
