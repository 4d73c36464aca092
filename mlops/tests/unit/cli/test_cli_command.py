"""The `mlops` command itself: usage, version, errors, exit status."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mlops.cli import main
from mlops.cli.app import build_command
from mlops.errors import Corrupted

Run = Callable[..., Any]


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    inside = getattr(command, "commands", None)
    if inside is None:
        yield path, command
    for name, member in (inside or {}).items():
        yield from commands(member, (*path, name))


LEAVES = dict(commands(build_command()))


def failing_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def load_config(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("mlops.config.ConfigManager.load_config", load_config)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_offers_json_and_explains_itself(path: tuple[str, ...]) -> None:
    """No command prints only for people, and none is without help."""
    options = {name for parameter in LEAVES[path].params for name in parameter.opts}
    assert "--json" in options
    assert LEAVES[path].help
    assert all(parameter.help for parameter in LEAVES[path].params)


def test_the_version_is_printed(mlops: Run) -> None:
    """`mlops --version` names the program and its release."""
    outcome = mlops("--version")
    assert outcome.status == 0
    assert re.fullmatch(r"mlops \d+\.\d+\.\d+\S*\n", outcome.out)


@pytest.mark.parametrize("words", [("cnfig",), ("config", "show", "--orign"), ("db", "upgrade", "--url")])
def test_wrong_usage_has_status_2(mlops: Run, words: tuple[str, ...]) -> None:
    """Words that the command does not know are not an error of the work."""
    outcome = mlops(*words)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err


def test_our_errors_are_one_line_without_a_traceback(mlops: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line ends and control characters in a message do not break the line, and passwords are masked."""
    failing_with(monkeypatch, Corrupted("the blob at\ns3://ann:hush@host/x\x1b[2J is not what was stored"))
    outcome = mlops("config", "show")
    assert outcome.status == 1
    assert outcome.err == "Error: the blob at s3://ann:***@host/x\\x1b[2J is not what was stored\n"


def test_markup_in_a_message_is_text(mlops: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Square brackets in a message are printed, not obeyed."""
    failing_with(monkeypatch, Corrupted("[red]x[/red] [1, 2]"))
    assert mlops("config", "show").err == "Error: [red]x[/red] [1, 2]\n"


def test_an_unexpected_error_is_admitted_without_a_traceback(mlops: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours is called one, and the way to see more is named."""
    failing_with(monkeypatch, ZeroDivisionError("division by zero"))
    outcome = mlops("config", "show")
    assert outcome.status == 1
    assert "failed in a way it should not: ZeroDivisionError: division by zero. `mlops --debug …`" in outcome.err
    assert "Traceback" not in outcome.err


def test_debug_lets_the_error_out_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --debug Python prints the traceback, because the error is not caught."""
    failing_with(monkeypatch, Corrupted("torn"))
    with pytest.raises(Corrupted, match="torn"):
        main(["--debug", "config", "show"])


def test_an_interrupt_has_status_130(mlops: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends the command as a shell expects, without a traceback."""
    failing_with(monkeypatch, KeyboardInterrupt())
    outcome = mlops("config", "show")
    assert outcome.status == 130
    assert "Traceback" not in outcome.err
