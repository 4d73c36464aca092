"""Labels as callers tell them: each read before its transaction, one or many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlops.ab_testing.assigning import check_unit
from mlops.ab_testing.errors import InteractionRefused
from mlops.ab_testing.joining import Told
from mlops.ab_testing.outcomes import read_label
from mlops.errors import InvalidInput

__all__ = ["raise_refused", "told", "told_all"]


def told(interaction_id: str, label: Any, test_id: str | None, revision: int | None) -> Told:
    """Return a label, ready to be written.

    Raises:
        InvalidInput: The interaction's id or the revision cannot be one.
        InteractionRefused: The label cannot be one.
    """
    check_unit(interaction_id, what="interaction_id")
    if revision is not None and (type(revision) is not int or revision < 1):
        raise InvalidInput(f"revision is {revision!r}; revisions are numbered from 1.")
    return Told(interaction_id, read_label(interaction_id, label), test_id, revision)


def told_all(labels: Mapping[str, Any], test_id: str | None) -> list[Told]:
    """Return labels by their interactions, such as a dict or a series, ready to be written.

    Raises:
        InvalidInput: They are no such mapping, or an id cannot be one.
        InteractionRefused: Labels cannot be such.
    """
    if isinstance(labels, str) or not hasattr(labels, "items") or hasattr(labels, "columns"):
        raise InvalidInput(
            f"record_outcomes takes labels by the ids of their interactions, such as {{'i1': 'yes'}}, not a "
            f"{type(labels).__name__}. Of a table: dict(zip(table['interaction_id'], table['label']))."
        )
    found: list[Told] = []
    refused: list[InteractionRefused] = []
    for interaction_id, label in labels.items():
        try:
            found.append(told(interaction_id, label, test_id, None))
        except InteractionRefused as refusal:
            refused.append(refusal)
    raise_refused(refused)
    return found


def raise_refused(fates: Iterable[object]) -> None:
    """Raise the first error among the fates of items that are stored together; it tells of the others at fault.

    Raises:
        Exception: Whatever befell the first item that has an error.
    """
    errors = [fate for fate in fates if isinstance(fate, Exception)]
    if not errors:
        return
    first, others = errors[0], len(errors) - 1
    if others and isinstance(first, InteractionRefused):
        raise InteractionRefused(
            first.interaction_id, f"{first.reason} {others:,} more were refused; nothing was stored."
        )
    raise first
