"""Writes docs/reference/cli.md: every command and option of `mlops`, read off the application. Run by `make docs`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlops.cli.app import build_command

TARGET = Path(__file__).parent.parent / "docs" / "reference" / "cli.md"
_INTRODUCTION = """\
<!-- written by tools/generate_cli_reference.py; run `make docs` after a change of mlops/cli -->
# The `mlops` command

On a terminal commands print tables; into a pipe, tab-separated lines with every digit; with `--json`, JSON. Logs and
errors go to standard error, as JSON lines unless it is a terminal for the logs, and as one line for an error; more
follow where they point to a place in a filter, or list what a word may mean. Colours follow `NO_COLOR`.

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | an error, explained; `mlops --debug …` adds the traceback |
| 2 | wrong usage |
| 130 | interrupted |
"""


def cli_page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_INTRODUCTION, *_describe(build_command(), "mlops")])


def _describe(command: Any, path: str) -> Iterator[str]:
    """Yield the lines about a command, then those about the commands inside it."""
    shown = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    arguments = [parameter for parameter in shown if parameter.param_type_name == "argument"]
    inside = getattr(command, "commands", {})
    usage = " ".join([path, *map(_argument, arguments), "[options]", *(["<command>"] if inside else [])])
    yield from (f"## `{path}`", "", inspect.cleandoc(command.help or ""), "", f"    {usage}", "")
    if shown:
        yield from ("| option | |", "|---|---|", *map(_row, shown), "")
    for name, member in inside.items():
        yield from _describe(member, f"{path} {name}")


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"| `{_argument(parameter)}` | {parameter.help or ''} |"
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    has_default = parameter.default is not None and not parameter.is_flag
    default = f" Default: `{parameter.default}`." if has_default else ""
    return f"| {names} | {parameter.help or ''}{default} |"


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    return f"<{name}>" if parameter.required else f"[{name}]"


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(cli_page(), encoding="utf-8")
    print(f"wrote {TARGET}")
