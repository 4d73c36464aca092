"""Files that commands read and write: documents in JSON, pages, pictures, tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlops.errors import InvalidInput

__all__ = ["read_document", "write_document", "write_file"]


def read_document(file: Path, *, expected: str) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Args:
        expected: What it should be, for the error.

    Raises:
        InvalidInput: It cannot be read, or holds something else.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidInput(f"There is no file {str(file)!r}.") from error
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{str(file)!r} cannot be read as JSON: {error}.") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"{str(file)!r} holds a {type(found).__name__}; expected {expected}.")
    return found


def write_document(document: dict[str, Any], file: Path) -> None:
    """Write an object as a JSON file for people. Raises as `write_file`."""
    write_file(json.dumps(document, indent=2, ensure_ascii=False) + "\n", file)


def write_file(content: str | bytes, file: Path) -> None:
    """Write a file or to a device, such as `/dev/stdout`, making folders on the way.

    Raises:
        InvalidInput: It cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise InvalidInput(f"{str(file)!r} cannot be written: {error.strerror}. Name a file that can.") from error
