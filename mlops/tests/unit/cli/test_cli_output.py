"""What commands print, for people and for programs."""

from __future__ import annotations

import io
import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from rich.console import Console

from mlops.cli.output import (
    Cell,
    printable,
    working,
    write_error,
    write_facts,
    write_json,
    write_note,
    write_table,
)
from mlops.records import freeze

MOMENT = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)


def on_terminal(*, width: int = 80, color: bool = False, **table: object) -> str:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width, no_color=not color, color_system="standard")
    write_table(table.pop("columns"), table.pop("rows"), console=console, **table)  # type: ignore[arg-type]
    return screen.getvalue()


def test_numbers_are_right_aligned_on_a_terminal() -> None:
    """Digits of one column stand under each other; text starts at the left."""
    shown = on_terminal(columns=["run", "loss"], rows=[["a", 0.5], ["long name", 12.25], ["b", None]])
    lines = [line.rstrip() for line in shown.splitlines()]
    first, second = (next(line for line in lines if name in line) for name in ("0.5", "12.25"))
    assert len(first) == len(second)
    assert first.index("a") == second.index("long name")


def test_people_get_six_digits_and_programs_all(capsys: pytest.CaptureFixture[str]) -> None:
    """Rounding is for reading; a pipe gets what was stored."""
    assert "0.333333\n" in on_terminal(columns=["x"], rows=[[1 / 3]])
    write_table(["x", "when"], [[1 / 3, MOMENT]])
    assert capsys.readouterr().out == "x\twhen\n0.3333333333333333\t2026-03-04T05:06:07.891011+00:00\n"


def test_a_pipe_gets_tab_separated_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """None is empty, booleans are JSON's words, an empty table is its heading."""
    write_table(["a", "b", "c"], [[None, True, "x"]])
    write_table(["a"], [])
    assert capsys.readouterr().out == "a\tb\tc\n\ttrue\tx\na\n"


@given(st.lists(st.text(), min_size=2, max_size=4))
def test_no_text_of_users_breaks_a_line(cells: list[str]) -> None:
    """Tabs, line ends and control characters inside a value are escaped."""
    assert not any(
        ord(character) < 32 or 127 <= ord(character) < 160 for cell in cells for character in printable(cell)
    )


def test_text_of_users_cannot_command_the_terminal() -> None:
    """Escape sequences and markup in a name are shown, not obeyed."""
    shown = on_terminal(columns=["name"], rows=[["\x1b[31mred\x07"], ["[bold]x[/bold]"]])
    assert r"\x1b[31mred\x07" in shown
    assert "[bold]x[/bold]" in shown


def test_a_narrow_terminal_loses_nothing() -> None:
    """Long values are folded, not cut."""
    shown = on_terminal(width=30, columns=["setting", "value"], rows=[["database.url", "sqlite:///" + "x" * 60]])
    assert shown.count("x") == 60


def test_json_keeps_what_json_has_no_word_for(capsys: pytest.CaptureFixture[str]) -> None:
    """NaN and infinities are words, datetimes ISO text, frozen containers plain, secrets masked."""
    write_json({"x": [math.nan, math.inf], "at": MOMENT, "tags": freeze({"ü": ("a",)}), "key": SecretStr("hush")})
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "x": ["NaN", "Infinity"],
        "at": "2026-03-04T05:06:07.891011Z",
        "tags": {"ü": ["a"]},
        "key": "**********",
    }


def test_facts_are_lines_or_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    """Names and values of one thing have no heading."""
    write_facts({"revision": "0001", "rows": 3}, as_json=False)
    assert capsys.readouterr().out == "revision\t0001\nrows\t3\n"
    write_facts({"revision": "0001", "rows": 3}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"revision": "0001", "rows": 3}


def test_a_cell_is_short_for_people_and_exact_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal shows the words of a cell, aligned by its value; a pipe gets the value."""
    row = [Cell(1 / 3, "0.33", "bold"), Cell(None, "–")]
    assert on_terminal(columns=["x", "y"], rows=[row], header=False).replace("\x1b[1m", "").startswith("0.33")
    write_table(["x", "y"], [row])
    assert capsys.readouterr().out == "x\ty\n0.3333333333333333\t\n"


def test_columns_that_may_be_cut_give_way_first() -> None:
    """On a narrow terminal a long name is cut with an ellipsis, and the numbers beside it stay whole."""
    shown = on_terminal(columns=["name", "loss"], rows=[["n" * 60, "0.123456789"]], shorten=["name"], width=30)
    assert "0.123456789" in shown
    assert "…" in shown


def test_an_error_can_point_to_a_place(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines after the sentence keep their spaces, so that a caret stays where it belongs."""
    write_error("It cannot be read.", ["a > > b", "    ^ here\x07"])
    assert capsys.readouterr().err == "Error: It cannot be read.\n  a > > b\n      ^ here\\x07\n"


def test_remarks_leave_the_results_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Notes and signs of work go to standard error, or nowhere when that is no terminal."""
    with working("Counting…"):
        write_note("There is more.")
    assert capsys.readouterr() == ("", "There is more.\n")
