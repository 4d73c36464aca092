"""What a run was started with: interpreter, machine, installed packages, command line. Git is in `source`.

Nothing here raises: what cannot be found out is left at the record's default. Secrets of the command line are masked.
"""

from __future__ import annotations

import functools
import getpass
import importlib.metadata
import os
import platform
import re
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from mlops.provenance.entities import EnvironmentCapture
from mlops.provenance.source import capture_source
from mlops.records import FrozenDict

__all__ = ["MASK", "capture_environment", "installed_packages", "mask_secrets"]

MASK = "****"
"""What stands in a captured command line where a secret stood."""

_SENSITIVE = (  # the end of a name; none may begin with an open-ended repetition, which would make searching quadratic
    r"(?:password|passwd|passphrase|pwd|secret|token|credentials?|authorization|auth"
    r"|(?:api|access|private|secret|signing|account|encryption)[-_.]?key)"
)
_SECRET_OPTION = re.compile(rf"-{{1,2}}[\w.-]*{_SENSITIVE}", re.IGNORECASE)
_SECRET_ASSIGNMENT = re.compile(rf"(-{{0,2}}[\w.-]*{_SENSITIVE}=).+", re.IGNORECASE | re.DOTALL)
_SECRET_WITHIN = re.compile(
    rf"""({_SENSITIVE}["']?\s*[:=]\s*(?:(?:bearer|basic|token)\s+)?)("[^"]*"|'[^']*'|[^\s"'&;,]+)""", re.IGNORECASE
)
_URL_PASSWORD = re.compile(r"(://[^\s/:@]{0,200}):[^\s/@]{1,500}@")


def capture_environment(
    *,
    folder: Path | None = None,
    argv: Sequence[str] | None = None,
    git_timeout_s: float = 2.0,
    with_changes: bool = True,
) -> tuple[EnvironmentCapture, str | None]:
    """Return where this process runs, and what its source differs from the commit by.

    The first call reads the metadata of all installed packages (measured: 50 ms for 90 packages); later calls ask only
    git (5 to 15 ms in a small repository).

    Args:
        folder: Where to look for a git repository, in it or above; default is the working directory.
        argv: The command line; default is this process's own.
        git_timeout_s: Seconds that git may take in all before its part is given up.
        with_changes: Whether the text of uncommitted changes is wanted; it takes one more call of git.

    Returns:
        The record, and the text of uncommitted changes: a patch that `git apply` takes, with untracked files named in
        its first lines. The text is None where nothing is changed, where there is no repository, and where it is not
        wanted.
    """
    source = capture_source(folder, timeout_s=git_timeout_s, with_changes=with_changes)
    capture = EnvironmentCapture(
        python_version=platform.python_version(),
        implementation=platform.python_implementation(),
        platform=platform.platform(),
        hostname=_hostname(),
        user=_user(),
        process_id=os.getpid(),
        argv=mask_secrets(sys.orig_argv if argv is None else argv),
        working_directory=_working_directory(),
        cpu_count=_cpu_count(),
        memory_bytes=_memory_bytes(),
        packages=installed_packages(),
        git=source.state,
    )
    return capture, source.changes


def mask_secrets(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a command line with passwords, tokens and keys replaced by `****`.

    Masked are values of options and assignments whose name ends in a word for a secret, the argument after such an
    option, headers such as `Authorization: Bearer …`, and passwords within URLs.

    Example:
        >>> mask_secrets(["train.py", "--api-key", "abc", "TOKEN=xyz", "--tokenizer=bert"])
        ('train.py', '--api-key', '****', 'TOKEN=****', '--tokenizer=bert')
    """
    masked, follows_option = [], False
    for argument in argv:
        is_value = follows_option and not argument.startswith("-")
        masked.append(MASK if is_value else _masked(argument))
        follows_option = _SECRET_OPTION.fullmatch(argument) is not None
    return tuple(masked)


def _masked(argument: str) -> str:
    whole = _SECRET_ASSIGNMENT.fullmatch(argument)
    if whole:
        return whole[1] + MASK
    return _URL_PASSWORD.sub(rf"\1:{MASK}@", _SECRET_WITHIN.sub(rf"\1{MASK}", argument))


def installed_packages() -> FrozenDict:
    """Return the distributions that this process can import, name to version, sorted by name.

    They are read again when a folder of `sys.path` has changed, as after `%pip install` in a notebook.
    """
    return _packages_in(tuple((entry, _changed_ns(entry)) for entry in sys.path))


@functools.lru_cache(maxsize=2)
def _packages_in(folders: tuple[tuple[str, int], ...]) -> FrozenDict:
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions(path=[folder for folder, _ in folders]):
        metadata = distribution.metadata
        name, version = metadata["Name"], metadata["Version"]
        if name and version:  # a half-removed package has neither
            found.setdefault(name, version)
    return FrozenDict(dict(sorted(found.items(), key=lambda item: item[0].lower())))


def _changed_ns(folder: str) -> int:
    try:
        return Path(folder or ".").stat().st_mtime_ns
    except OSError:
        return 0


def _hostname() -> str:
    try:
        return socket.gethostname()
    except OSError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user id without an account
        return ""


def _working_directory() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was removed
        return ""


def _cpu_count() -> int | None:
    """Return the processors that this process may use, which in a container or under taskset is not all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
