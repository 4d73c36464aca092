"""Semantic versions of models: SemVer's grammar and order, and our rules of what comes next."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.model_registry.entities import Column, ModelSignature
from mlops.model_registry.versions import (
    FIRST,
    Bump,
    SemanticVersion,
    VersionFacts,
    latest,
    next_free,
    propose,
)

ORDER = [  # rising precedence; the middle part is the example of SemVer 2.0.0, section 11
    "0.0.0", "0.0.1", "0.1.0-0", "0.1.0", "0.9.9", "0.10.0",
    "1.0.0-0", "1.0.0-2", "1.0.0-10",
    "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
    "1.0.0",
    "1.0.1-a", "1.0.1-a.b.c", "1.0.1-a-b", "1.0.1-a0", "1.0.1", "1.1.0", "1.2.0", "1.10.0", "2.0.0-x.7.z.92", "2.0.0",
    "2.1.0", "2.1.1", "10.0.0",
]  # fmt: skip
INVALID = [
    "", "1", "1.0", "v1.0.0", "1.0.0.0", "01.0.0", "1.01.0", "1.0.01", "1.0.0-", "1.0.0+", "1.0.0-01", "1.0.0-a..b",
    "1.0.0-ä", "1.0.0-a_b", " 1.0.0", "1.0.0\n", "1.0.0+a+b", "-1.0.0", "1.0.0-+b", "+1.0.0", "1.0.x", "١.0.0",
    "99999999999.0.0", "1.0.0-" + "a" * 100,
]  # fmt: skip


def precedence(text: str) -> Any:
    return SemanticVersion.parse(text).precedence


@pytest.mark.parametrize(("lower", "higher"), list(itertools.pairwise(ORDER)))
def test_order_is_that_of_semver(lower: str, higher: str) -> None:
    """Numbers compare as numbers, words by ASCII, fewer parts first, a release after its pre-releases."""
    assert precedence(lower) < precedence(higher)


def test_a_list_of_versions_sorts_as_a_whole() -> None:
    """The order is total over any set."""
    shuffled = random.Random(0).sample(ORDER, len(ORDER))
    assert sorted(shuffled, key=precedence) == ORDER


def test_words_come_after_numbers() -> None:
    """SemVer 2.0.0, 11.4.3: numeric identifiers are lower, whatever the word begins with."""
    assert precedence("1.0.0-999999") < precedence("1.0.0--") < precedence("1.0.0-0a") < precedence("1.0.0-A")


def test_build_metadata_do_not_count() -> None:
    """Two builds of one version have the same place, and are not the same version."""
    one, other = SemanticVersion.parse("1.0.0+a"), SemanticVersion.parse("1.0.0+b")
    assert one.precedence == other.precedence
    assert one != other


@pytest.mark.parametrize("text", INVALID)
def test_what_is_no_version_is_refused(text: str) -> None:
    """The grammar is SemVer's, within what databases hold."""
    with pytest.raises(InvalidInput):
        SemanticVersion.parse(text)


@pytest.mark.parametrize(
    ("text", "offered"), [("1", "1.0.0"), ("v1.2", "1.2.0"), ("01.2.3-rc.1", "1.2.3-rc.1"), ("V2.0.0 ", "2.0.0")]
)
def test_a_refusal_offers_the_version_that_was_meant(text: str, offered: str) -> None:
    """The near miss is in the message."""
    with pytest.raises(InvalidInput, match=f"Did you mean '{offered}'"):
        SemanticVersion.parse(text)


identifiers = st.from_regex(r"0|[1-9][0-9]{0,6}|[0-9]{0,2}[a-zA-Z-][0-9A-Za-z-]{0,6}", fullmatch=True)
dotted = st.lists(identifiers, max_size=4).map(".".join)
numbers = st.integers(0, 2**31 - 1)
versions = st.builds(SemanticVersion, numbers, numbers, numbers, dotted, dotted)


def textbook_key(version: SemanticVersion) -> Any:
    """Compare pre-releases as section 11 says, without our text form."""
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in version.prerelease.split(".")]
    return version.major, version.minor, version.patch, version.prerelease == "", parts


@given(versions)
def test_a_version_reads_back_from_its_text(version: SemanticVersion) -> None:
    """Printing and reading are inverse."""
    assert SemanticVersion.parse(str(version)) == version


@given(versions, versions)
def test_the_database_key_orders_as_the_textbook_does(one: SemanticVersion, other: SemanticVersion) -> None:
    """Bytes of the key compare as the identifiers do."""
    ours = (one.precedence < other.precedence, one.precedence == other.precedence)
    left, right = textbook_key(one), textbook_key(other)
    assert ours == (left < right, left == right)


@given(versions.filter(lambda version: max(version.major, version.minor, version.patch) < 2**31 - 1))
def test_a_bump_is_always_higher(version: SemanticVersion) -> None:
    """And a greater part gives a version at least as high."""
    patch, minor, major = (version.bumped(bump).precedence for bump in (Bump.PATCH, Bump.MINOR, Bump.MAJOR))
    assert version.precedence < patch <= minor <= major


@pytest.mark.parametrize(
    ("version", "patch", "minor", "major"),
    [
        ("1.2.3", "1.2.4", "1.3.0", "2.0.0"),
        ("0.3.1", "0.3.2", "0.4.0", "1.0.0"),
        ("1.2.3+build", "1.2.4", "1.3.0", "2.0.0"),
        ("1.2.3-rc.1", "1.2.3", "1.3.0", "2.0.0"),
        ("1.2.0-rc.1", "1.2.0", "1.2.0", "2.0.0"),
        ("2.0.0-rc.1", "2.0.0", "2.0.0", "2.0.0"),
        ("0.0.0", "0.0.1", "0.1.0", "1.0.0"),
    ],
)
def test_bumps(version: str, patch: str, minor: str, major: str) -> None:
    """Lower parts go to zero; a pre-release becomes the release that it announces."""
    parsed = SemanticVersion.parse(version)
    assert [str(parsed.bumped(bump)) for bump in (Bump.PATCH, Bump.MINOR, Bump.MAJOR)] == [patch, minor, major]


def signature(**columns: str) -> ModelSignature:
    """Return inputs of these types; a question mark at the end makes one optional."""
    inputs = [
        Column(name=name, dtype=dtype.rstrip("?"), is_optional=dtype.endswith("?")) for name, dtype in columns.items()
    ]
    return ModelSignature(inputs=tuple(inputs), outputs=(Column(name="prediction", dtype="int64"),))


BASE = VersionFacts(
    "1.4.2", signature(a="float64", b="float64?"), ("a", "b"), {"depth": 3, "lr": {"start": 0.1}}, "forest", "d0"
)
OTHER_OUTPUT = ModelSignature(inputs=BASE.signature.inputs, outputs=(Column(name="prediction", dtype="string"),))


@pytest.mark.parametrize(
    ("change", "version", "word"),
    [
        ({}, "1.4.3", "data or weights"),
        ({"hyperparameters": {"depth": 3.0, "lr": {"start": 0.1}}}, "1.4.3", "data or weights"),
        ({"signature": signature(b="float64?", a="float64")}, "1.5.0", "signature"),
        ({"hyperparameters": {"depth": 4, "lr": {"start": 0.1}}}, "1.5.0", "depth"),
        ({"hyperparameters": {"depth": 3, "lr": {"start": 0.2}}}, "1.5.0", "lr.start"),
        ({"hyperparameters": {"depth": 3}}, "1.5.0", "lr"),
        ({"hyperparameters": {**BASE.hyperparameters, "depth": True}}, "1.5.0", "depth"),
        ({"algorithm": "boosting"}, "1.5.0", "from forest to boosting"),
        ({"feature_columns": ("a", "b", "c")}, "1.5.0", "added c"),
        ({"feature_columns": ("a",)}, "1.5.0", "removed b"),
        ({"feature_columns": ("b", "a")}, "1.5.0", "another order"),
        ({"signature": signature(a="float64", b="float64?", c="string?")}, "1.5.0", "signature"),
        ({"signature": signature(a="float64")}, "1.5.0", "signature"),
        ({"signature": signature(a="float64?", b="float64?")}, "1.5.0", "signature"),
        ({"signature": ModelSignature()}, "1.5.0", "signature"),
        ({"signature": signature(a="float64", b="float64?", c="float64")}, "2.0.0", "'c' is new and required"),
        ({"signature": signature(b="float64?")}, "2.0.0", "'a' is gone"),
        ({"signature": signature(a="string", b="float64?")}, "2.0.0", "'a' was float64 and is string"),
        ({"signature": signature(a="float32", b="float64?")}, "2.0.0", "is float32 now"),
        ({"signature": signature(a="float64", b="float64")}, "2.0.0", "is required now"),
        ({"signature": OTHER_OUTPUT}, "2.0.0", "Output 'prediction' was int64"),
    ],
)
def test_rules_of_the_next_version(change: dict[str, Any], version: str, word: str) -> None:
    """Breaking is major, growing or other settings minor, everything else patch; the reason says what."""
    facts = {name: getattr(BASE, name) for name in VersionFacts.__dataclass_fields__}
    proposal = propose([BASE], VersionFacts(**{**facts, "version": "", "canonical_digest": "d1", **change}))
    assert proposal.version == version
    assert word in proposal.reason
    assert not proposal.is_known


def test_the_first_version_is_1_0_0() -> None:
    """There is nothing to compare it with."""
    assert propose([], BASE).version == FIRST
    assert propose([], BASE).bump is None


def test_the_same_content_is_the_same_version() -> None:
    """Even when a later version is there, and whatever else is told of it."""
    later = VersionFacts("3.0.0", canonical_digest="d9")
    proposal = propose([later, BASE], VersionFacts(algorithm="other", canonical_digest="d0"))
    assert (proposal.version, proposal.is_known) == ("1.4.2", True)


def test_content_without_identity_is_never_known() -> None:
    """Two empty digests say nothing."""
    assert not propose([VersionFacts("1.0.0")], VersionFacts()).is_known


def test_the_latest_version_decides_not_the_last_registered() -> None:
    """A fix of an old line does not take the next number of the new one."""
    assert (
        propose([VersionFacts("2.0.0"), VersionFacts("1.9.1")], VersionFacts(canonical_digest="x")).version == "2.0.1"
    )


@given(st.lists(versions.filter(lambda v: max(v.major, v.minor, v.patch) < 2**31 - 1), min_size=1, max_size=6))
def test_a_proposal_is_above_all_that_there_are(taken: list[SemanticVersion]) -> None:
    """So that it is free, and the newest."""
    proposal = propose([VersionFacts(str(version)) for version in taken], VersionFacts(canonical_digest="new"))
    assert all(precedence(proposal.version) > version.precedence for version in taken)


@pytest.mark.parametrize(
    ("wanted", "taken", "free"),
    [
        ("1.0.0", [], "1.0.0"),
        ("1.0.0", ["1.0.0"], "1.0.1"),
        ("1.0.0", ["1.0.0", "1.0.1", "1.0.3"], "1.0.2"),
        ("1.0.0+b", ["1.0.0"], "1.0.1"),
        ("1.0.0-rc.1", ["1.0.0-rc.1"], "1.0.0"),
        ("1.0.0-rc.1", ["1.0.0-rc.1", "1.0.0"], "1.0.1"),
    ],
)
def test_the_next_free_version(wanted: str, taken: list[str], free: str) -> None:
    """What a refusal of a taken number offers."""
    assert next_free(wanted, taken) == free


def test_there_is_no_latest_of_none() -> None:
    """Asking is a mistake."""
    with pytest.raises(InvalidInput, match="no version"):
        latest([])
