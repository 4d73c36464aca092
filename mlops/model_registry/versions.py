"""Semantic versions of models: how they are written, how they are ordered, and which one comes next.

Reference: Semantic Versioning 2.0.0, https://semver.org/spec/v2.0.0.html. A model's public interface is what it takes
and what it answers, so that a number tells a caller whether a new version can take an old one's place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mlops.comparison import changed_names
from mlops.errors import InvalidInput
from mlops.model_registry.entities import ModelSignature
from mlops.model_registry.signature import breaks

__all__ = ["FIRST", "Bump", "Proposal", "SemanticVersion", "VersionFacts", "latest", "next_free", "propose"]

FIRST = "1.0.0"
"""The version that the first one of a model is given."""

_LONGEST = 100
_LARGEST = 2**31 - 1  # what an integer column holds
_NUMBER = r"(0|[1-9][0-9]*)"
_IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
_LOOSE = re.compile(r"\s*[vV]?\.?([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:\.([0-9]{1,9}))?(.*)")
_NAMED = 3  # changed settings that a reason lists by name


class Bump(StrEnum):
    """Which part of a version number goes up."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"


@dataclass(frozen=True, slots=True)
class SemanticVersion:
    """A version number in its parts.

    Two versions that differ in build metadata only are different versions of the same precedence, so that there are no
    comparison operators here: sort by `precedence`.

    Attributes:
        prerelease: Text after the hyphen, such as `rc.1`; empty for a release.
        build: Text after the plus sign; it does not count in the order.

    Example:
        >>> version = SemanticVersion.parse("1.4.0-rc.2+lab7")
        >>> version.minor, version.prerelease, version.build, str(version.bumped(Bump.PATCH))
        (4, 'rc.2', 'lab7', '1.4.0')
        >>> SemanticVersion.parse("1.0.0-alpha").precedence < SemanticVersion.parse("1.0.0").precedence
        True
    """

    major: int
    minor: int
    patch: int
    prerelease: str = ""
    build: str = ""

    @classmethod
    def parse(cls, text: str) -> SemanticVersion:
        """Read a version.

        Raises:
            InvalidInput: It is not a semantic version; the message offers one where it can.
        """
        match = _VERSION.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST else None
        if match is None:
            raise InvalidInput(_refusal(text))
        major, minor, patch = (int(part) for part in match.group(1, 2, 3))
        if max(major, minor, patch) > _LARGEST:
            raise InvalidInput(f"Version {text!r} has a number above {_LARGEST}, which databases cannot hold.")
        return cls(major, minor, patch, match[4] or "", match[5] or "")

    def __str__(self) -> str:
        prerelease = f"-{self.prerelease}" if self.prerelease else ""
        build = f"+{self.build}" if self.build else ""
        return f"{self.major}.{self.minor}.{self.patch}{prerelease}{build}"

    @property
    def precedence(self) -> tuple[int, int, int, str]:
        """The place in the order of versions; tuples of these compare as SemVer 2.0.0 section 11 says."""
        return self.major, self.minor, self.patch, self.prerelease_key

    @property
    def prerelease_key(self) -> str:
        """The pre-release as ASCII text whose byte order is the order of versions, for a database column.

        Numbers are written with their length before them; a release comes after all its pre-releases.

        Example:
            >>> sorted(["rc.10", "rc.9", "rc", "alpha", ""], key=lambda p: SemanticVersion(1, 0, 0, p).prerelease_key)
            ['alpha', 'rc', 'rc.9', 'rc.10', '']
        """
        if not self.prerelease:
            return "~"
        return "!".join(
            f"0{len(part):02}{part}" if part.isdigit() else f"1{part}" for part in self.prerelease.split(".")
        )

    def bumped(self, bump: Bump) -> SemanticVersion:
        """Return the next version of this kind; a pre-release of it becomes the release that it announces."""
        is_announced = self.prerelease != ""
        if bump is Bump.PATCH:
            return SemanticVersion(self.major, self.minor, self.patch + (not is_announced))
        if bump is Bump.MINOR:
            return SemanticVersion(self.major, self.minor + (not (is_announced and self.patch == 0)), 0)
        is_announced = is_announced and self.minor == self.patch == 0
        return SemanticVersion(self.major + (not is_announced), 0, 0)


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """What decides the number of a version.

    Attributes:
        version: Its number; empty for one that is to be given one.
        canonical_digest: Identity of the model's content; empty when not known.
    """

    version: str = ""
    signature: ModelSignature = field(default_factory=ModelSignature)
    feature_columns: tuple[str, ...] = ()
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    algorithm: str = ""
    canonical_digest: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A number for a version, and why it has it.

    Attributes:
        bump: The part that went up; None for a first version, and for content that is registered already.
        is_known: Whether this very content is registered already, under this number.
    """

    version: str
    reason: str
    bump: Bump | None = None
    is_known: bool = False


def propose(previous: Sequence[VersionFacts], new: VersionFacts) -> Proposal:
    """Return the number that a new version should have.

    The same content is the same version. Otherwise the new one is compared with the latest: major when its signature
    breaks what callers rely on, minor when the signature grew, or features, hyperparameters or algorithm changed, patch
    when only data or weights did. The number is above all previous ones.

    Args:
        previous: All versions of the model that there ever were, in any order; their numbers stay taken.
        new: The version to be numbered.
    """
    known = [old for old in previous if new.canonical_digest and old.canonical_digest == new.canonical_digest]
    if known:
        version = latest([old.version for old in known])
        return Proposal(version, f"The same content is registered as {version}.", is_known=True)
    if not previous:
        return Proposal(FIRST, "The first version of this model.")
    number = latest([old.version for old in previous])
    old = next(facts for facts in previous if facts.version == number)
    bump, reasons = _changes(old, new)
    version = str(SemanticVersion.parse(number).bumped(bump))
    return Proposal(version, f"{bump.capitalize()} after {number}: {' '.join(reasons)}", bump)


def latest(versions: Collection[str]) -> str:
    """Return the version of highest precedence; of several that differ in build only, the last in text order.

    Raises:
        InvalidInput: There are none, or one is not a semantic version.
    """
    if not versions:
        raise InvalidInput("There is no version to choose the latest of.")
    return max(versions, key=lambda text: (SemanticVersion.parse(text).precedence, text))


def next_free(wanted: str, taken: Collection[str]) -> str:
    """Return `wanted` when its number is free, else the first free patch version after it.

    A version that differs from a taken one in build metadata only is taken: nobody could tell which of them is later.
    """
    used = {SemanticVersion.parse(text).precedence for text in taken}
    version = SemanticVersion.parse(wanted)
    while version.precedence in used:
        version = version.bumped(Bump.PATCH)
    return str(version)


def _changes(old: VersionFacts, new: VersionFacts) -> tuple[Bump, list[str]]:
    """Return the greatest part that must go up and the sentences that say why."""
    broken = breaks(old.signature, new.signature)
    if broken:
        return Bump.MAJOR, broken
    grown = []
    if old.signature != new.signature:
        grown.append("The signature changed in a way that callers need not notice.")
    if old.feature_columns != new.feature_columns:
        grown.append(_feature_change(old.feature_columns, new.feature_columns))
    if old.algorithm != new.algorithm:
        grown.append(f"The algorithm changed from {old.algorithm or 'none told'} to {new.algorithm or 'none told'}.")
    names = changed_names(old.hyperparameters, new.hyperparameters)
    if names:
        grown.append(f"Hyperparameters changed: {_listed(names)}.")
    return (Bump.MINOR, grown) if grown else (Bump.PATCH, ["Only data or weights changed."])


def _feature_change(old: tuple[str, ...], new: tuple[str, ...]) -> str:
    added, gone = [name for name in new if name not in old], [name for name in old if name not in new]
    parts = [f"{word} {_listed(names)}" for word, names in (("added", added), ("removed", gone)) if names]
    return f"Features {' and '.join(parts)}." if parts else "Features are in another order."


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _refusal(text: object) -> str:
    rule = "A version is three numbers with dots, such as 1.4.0, with an optional pre-release such as 1.4.0-rc.1."
    if isinstance(text, str) and len(text) > _LONGEST:
        return f"A version of {len(text)} characters is too long; {_LONGEST} are the most. {rule}"
    loose = _LOOSE.fullmatch(text) if isinstance(text, str) else None
    hint = ""
    if loose:
        numbers = ".".join(str(int(part or 0)) for part in loose.group(1, 2, 3))
        tail = loose[4].strip()
        hint = f" Did you mean {numbers + tail!r}?" if _VERSION.fullmatch(numbers + tail) else ""
    return f"{text!r} is not a semantic version.{hint} {rule}"
