"""The `mlops` command: argv in, text or JSON out, one readable line when something is wrong.

Every group of commands is a file of this package with a function `group()`; `app` lists them. Commands call services
and print through `output`. What is heavy is imported inside the commands, so that `mlops --help` answers at once.

Exit status: 0 done, 1 an error that the message explains, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from mlops.cli import output
from mlops.cli.app import Session, build_command
from mlops.cli.errors import AmbiguousName
from mlops.errors import MLOpsError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Args:
        arguments: Words after `mlops`; those of the process when not given.

    Raises:
        SystemExit: Always, with the exit status. With `--debug` an error leaves as it is, with its traceback.
    """
    session = Session()
    try:
        build_command().main(args=arguments, prog_name="mlops", obj=session)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if session.debug:
            raise
        output.write_error(*_explain(error))
        sys.exit(1)
    sys.exit(0)


def _explain(error: Exception) -> tuple[str, Sequence[str]]:
    """Return what is wrong in one line, and further lines that show where, or what there is to choose from."""
    from mlops.search import SearchSyntaxError

    match error:
        case SearchSyntaxError():
            return "The search cannot be read.", str(error).splitlines()
        case AmbiguousName():
            return str(error), error.candidates
        case MLOpsError() | OSError():
            return str(error), ()
    return f"mlops failed in a way it should not: {type(error).__name__}: {error}. `mlops --debug …` shows where.", ()
