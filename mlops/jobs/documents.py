"""What jobs are given and what they end with, as JSON of a size that a row can bear."""

from __future__ import annotations

from typing import Any

from mlops.errors import InvalidInput
from mlops.records import encode_json

__all__ = ["encode_document"]

_MOST = 1_000_000  # characters


def encode_document(value: Any, what: str, kind: str) -> str:
    """Return the payload or the result of a job as JSON text.

    Args:
        value: JSON values.
        what: `payload` or `result`.
        kind: The kind of the job.

    Raises:
        InvalidInput: JSON cannot hold it, or it is too long.
    """
    text = encode_json(value, where=what)
    if len(text) > _MOST:
        raise InvalidInput(
            f"The {what} of a {kind} job has {len(text)} characters as JSON; a job takes {_MOST}. "
            "Keep large things as files or artifacts and pass where they are."
        )
    return text
