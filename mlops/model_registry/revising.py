"""What may be told of a version after it was registered: each decision returns the version as it will be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mlops.errors import InvalidInput
from mlops.model_registry.entities import METRIC_FIELDS
from mlops.model_registry.stored import StoredVersion

__all__ = ["Decision", "as_tags", "with_metrics", "with_notes", "with_protection", "with_tags"]

Decision = Callable[[StoredVersion, Mapping[str, Any]], StoredVersion]
"""Takes a version and what is told of it now."""


def with_metrics(before: StoredVersion, metrics: Mapping[str, float]) -> StoredVersion:
    """Return the version with metrics added and replaced.

    Raises:
        InvalidInput: They are no mapping, or one is no number.
    """
    if not isinstance(metrics, Mapping):
        raise InvalidInput(f"Metrics are a mapping of names to numbers, not {metrics!r}.")
    fields = {name: value for name, value in metrics.items() if name in METRIC_FIELDS}
    further = {name: value for name, value in metrics.items() if name not in fields}
    return before.told(**fields, metrics={**before.metadata.metrics, **further})


def as_tags(tags: Mapping[str, str | None] | Iterable[str]) -> Mapping[str, str | None]:
    """Return tags as a mapping; a word alone means `true`."""
    return tags if isinstance(tags, Mapping) else dict.fromkeys([tags] if isinstance(tags, str) else tags, "true")


def with_tags(before: StoredVersion, tags: Mapping[str, str | None]) -> StoredVersion:
    """Return the version with tags added and replaced; None removes one."""
    merged = {**before.metadata.tags, **tags}
    return before.told(tags={name: text for name, text in merged.items() if text is not None})


def with_notes(before: StoredVersion, notes: Mapping[str, str]) -> StoredVersion:
    """Return the version with other notes."""
    return before.told(notes=notes["notes"])


def with_protection(before: StoredVersion, protection: Mapping[str, bool]) -> StoredVersion:
    """Return the version protected, or not."""
    return before.told(is_protected=protection["is_protected"])
