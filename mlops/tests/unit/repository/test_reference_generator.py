"""How docstrings and signatures become the pages of the reference."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from mlops import clock, errors
from mlops.records import Record

TOOLS = Path(__file__).resolve().parents[4] / "tools"


@pytest.fixture(scope="module")
def generator() -> dict[str, Any]:
    """Return the names that the script defines."""
    return runpy.run_path(str(TOOLS / "generate_reference.py"))


class Sample(Record):
    """A record with one field of each kind."""

    name: str
    size: int | None = None


def measure(self: Any, name: str, /, *rest: int, unit: str = "ml", **more: float) -> float:
    """Measure."""
    return 0.0


def test_sections_become_markdown(generator: dict[str, Any]) -> None:
    """Arguments become a list, examples a block, and the text between them stays."""
    doc = """Return it.

    Args:
        name: What it is called,
            in two lines.

    Raises:
        ValueError: It is empty.

    Example:
        >>> 1 + 1
        2
    """
    assert generator["prose"](doc) == (
        "Return it.\n\n**Args**\n\n- `name`: What it is called,\n  in two lines.\n\n"
        "**Raises**\n\n- `ValueError`: It is empty.\n\n```pycon\n>>> 1 + 1\n2\n```"
    )


def test_a_signature_is_shown_as_written_without_self(generator: dict[str, Any]) -> None:
    """Kinds of arguments, types and defaults are those of the source."""
    shown = generator["signature"]("measure", measure)
    assert shown == "def measure(name: str, /, *rest: int, unit: str = 'ml', **more: float) -> float"


def test_a_record_has_a_table_of_fields(generator: dict[str, Any]) -> None:
    """Each field stands with its type and default, and a bar in a type does not end the cell."""
    table = generator["fields_table"](Sample, generator["field_names"](Sample))
    assert table.splitlines()[2:] == ["| `name` | `str` | required |", "| `size` | `int \\| None` | `None` |"]


@pytest.mark.parametrize("module", [clock, errors])
def test_a_page_has_every_public_name_once(generator: dict[str, Any], module: Any) -> None:
    """The names of `__all__` are the page's headings."""
    heads = [line[5:-1] for line in generator["page"](module).splitlines() if line.startswith("### `")]
    assert sorted(heads) == sorted(module.__all__)
