"""How a version is named beside its number: by an alias, by its status, or as the latest; a pure topic."""

from __future__ import annotations

import re

from mlops.errors import InvalidInput
from mlops.model_registry.entities import ModelStatus
from mlops.model_registry.versions import SemanticVersion

__all__ = ["LATEST", "check_alias", "is_number", "status_named"]

LATEST = "latest"
"""Names the version with the highest number that has not failed."""

_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")


def check_alias(alias: str) -> str:
    """Return a word when it can be an alias: nothing that names versions already.

    Raises:
        InvalidInput: It is a status, `latest`, or not of 1 to 100 letters, digits, `_`, `.` and `-`.
    """
    if not isinstance(alias, str) or not _ALIAS.fullmatch(alias):
        raise InvalidInput(
            f"{alias!r} cannot be an alias. An alias begins with a letter and has up to 100 ASCII letters, digits, "
            "'_', '.' and '-', such as 'champion'."
        )
    if alias == LATEST or status_named(alias) is not None:
        raise InvalidInput(f"{alias!r} names a version by itself, so that it cannot be an alias. Choose another word.")
    return alias


def status_named(reference: str) -> ModelStatus | None:
    """Return the status that a reference is the word of."""
    return ModelStatus(reference) if reference in set(ModelStatus) else None


def is_number(reference: str) -> bool:
    """Tell whether a reference is a semantic version."""
    try:
        SemanticVersion.parse(reference)
    except InvalidInput:
        return False
    return True
