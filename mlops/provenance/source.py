"""Which source a run was started from, as git tells it: commit, branch, remote, and the changes not committed.

Git is asked by its command, with a time limit, without taking locks and without running programs that the repository's
configuration names for diffs. Contents of untracked and of binary files are not captured.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlops.provenance.entities import GitState

__all__ = ["LONGEST_DIFF", "SourceCapture", "WorkTree", "capture_source", "parse_status", "strip_credentials"]

LONGEST_DIFF = 5 * 1024 * 1024
"""Bytes of a diff that are kept; the rest is cut off with a note."""

_MOST_UNTRACKED = 1000
_CHUNK = 1 << 16
_MOST_OUTPUT = 32 * 1024 * 1024
_GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")
_DIFF = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-relative", "--submodule=short")
_HTTP_USER = re.compile(r"^(https?://)[^/]*@", re.IGNORECASE)
_PASSWORD = re.compile(r"^([a-z][a-z0-9+.-]*://[^/:@]*):[^/]*@", re.IGNORECASE)


@dataclass(frozen=True)
class SourceCapture:
    """The source's state, and its uncommitted changes as text; both None outside a repository."""

    state: GitState | None = None
    changes: str | None = None


@dataclass(frozen=True)
class WorkTree:
    """What `git status` tells: commit and branch, whether tracked files are changed, and which files are untracked."""

    commit: str | None
    branch: str | None
    is_dirty: bool
    untracked: tuple[str, ...]


class _GitFailed(Exception):
    """Git is not there, took too long, or refused."""


def capture_source(folder: Path | None = None, *, timeout_s: float = 2.0, with_changes: bool = True) -> SourceCapture:
    """Return what git knows of a folder; an empty capture where it knows nothing. Never raises.

    Linked work trees, detached heads, repositories without a commit and changed submodules are all states like others.

    Args:
        folder: A folder inside the work tree; default is the working directory.
        timeout_s: Seconds for all calls of git together; what was found by then is returned.
        with_changes: Whether the text of uncommitted changes is wanted; it takes one more call.
    """
    git = _Git(folder, time.monotonic() + timeout_s)
    try:
        tree = parse_status(_text(git.run("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal")))
    except _GitFailed:
        return SourceCapture()
    return SourceCapture(
        GitState(commit=tree.commit, branch=tree.branch, is_dirty=tree.is_dirty, remote_url=_remote(git, tree.branch)),
        _changes(git, tree) if with_changes else None,
    )


def parse_status(output: str) -> WorkTree:
    """Read the output of `git status --porcelain=v2 --branch -z`."""
    headers: dict[str, str] = {}
    untracked: list[str] = []
    is_dirty = False
    entries = iter(output.split("\0"))
    for entry in entries:
        kind, _, rest = entry.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            headers[name] = value
        elif kind == "?":
            untracked.append(rest)
        elif kind in {"1", "2", "u"}:
            is_dirty = True
            if kind == "2":
                next(entries, None)  # the name before the file was renamed
    commit, branch = headers.get("branch.oid"), headers.get("branch.head")
    return WorkTree(
        None if commit == "(initial)" else commit,
        None if branch == "(detached)" else branch,
        is_dirty,
        tuple(untracked),
    )


def strip_credentials(url: str) -> str:
    """Return a remote's address without user names of HTTP and without passwords.

    Example:
        >>> strip_credentials("https://ci:t0ken@git.example.org/lab/assay.git")
        'https://git.example.org/lab/assay.git'
    """
    return _PASSWORD.sub(r"\1@", _HTTP_USER.sub(r"\1", url))


def _remote(git: _Git, branch: str | None) -> str | None:
    """Return the address of the branch's own remote, else of `origin`, else of the first one."""
    try:
        lines = _text(git.run("config", "-z", "--get-regexp", r"^(remote\..*\.url|branch\..*\.remote)$")).split("\0")
    except _GitFailed:
        return None
    settings: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition("\n")
        settings.setdefault(key, value)
    urls = {key[len("remote.") : -len(".url")]: value for key, value in settings.items() if key.startswith("remote.")}
    tracked = settings.get(f"branch.{branch}.remote", "origin")
    url = urls.get(tracked) or urls.get("origin") or next(iter(urls.values()), None)
    return strip_credentials(url) if url else None


def _changes(git: _Git, tree: WorkTree) -> str | None:
    notes = _untracked_notes(tree.untracked)
    diff = b""
    if tree.is_dirty:
        try:
            diff = git.run(*_DIFF, tree.commit or _empty_tree(git), limit=LONGEST_DIFF + 1)
        except _GitFailed as error:
            notes.append(f"# The differences could not be had: {error}.")
    if len(diff) > LONGEST_DIFF:
        notes.append(f"# The diff is longer than {LONGEST_DIFF:,} bytes and is cut off there.")
        diff = diff[:LONGEST_DIFF]
    return "".join(f"{note}\n" for note in notes) + _text(diff) or None


def _untracked_notes(untracked: Sequence[str]) -> list[str]:
    if not untracked:
        return []
    notes = ["# Untracked, contents not captured:"]
    notes += [f"#   {name if name.isprintable() else repr(name)}" for name in untracked[:_MOST_UNTRACKED]]
    if len(untracked) > _MOST_UNTRACKED:
        notes.append(f"#   and {len(untracked) - _MOST_UNTRACKED:,} more")
    return notes


def _empty_tree(git: _Git) -> str:
    """Return the name of the tree without files, which depends on the repository's hash function."""
    return _text(git.run("hash-object", "-t", "tree", os.devnull)).strip()


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")


class _Git:
    """Calls of git in one folder that together end by a deadline."""

    def __init__(self, folder: Path | None, deadline: float) -> None:
        self._folder = folder
        self._deadline = deadline

    def run(self, *arguments: str, limit: int = _MOST_OUTPUT) -> bytes:
        """Return at most `limit` bytes of what git prints.

        Raises:
            _GitFailed: It is not installed, did not end in time, or ended with an error.
        """
        try:
            process = subprocess.Popen(  # noqa: S603  our own arguments, no shell
                [*_GIT, *arguments],
                cwd=self._folder,
                env={**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # so that filters it started can be ended with it
            )
        except OSError as error:
            raise _GitFailed(str(error)) from error
        with process:
            output = self._read(process, limit, arguments[0])
        if process.returncode != 0 and len(output) < limit:
            raise _GitFailed(f"git {arguments[0]} ended with status {process.returncode}")
        return output

    def _read(self, process: subprocess.Popen[bytes], limit: int, command: str) -> bytes:
        output = bytearray()
        for chunk in self._chunks(process, command):
            output += chunk[: limit - len(output)]
            if len(output) == limit:
                _end(process)
                break
        return bytes(output)

    def _chunks(self, process: subprocess.Popen[bytes], command: str) -> Iterator[bytes]:
        """Yield what git prints as it comes; no thread watches the time, for starting one takes as long as git does."""
        assert process.stdout is not None
        descriptor, poll = process.stdout.fileno(), select.poll()
        poll.register(descriptor, select.POLLIN)
        while poll.poll(max(0.0, self._deadline - time.monotonic()) * 1000):
            chunk = os.read(descriptor, _CHUNK)
            if not chunk:
                return
            yield chunk
        _end(process)
        import structlog  # 90 ms that only a failure costs

        structlog.get_logger(__name__).warning("git_took_too_long", command=command)
        raise _GitFailed(f"git {command} took too long")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and what it started; nobody has waited for it yet, so its number is still its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
