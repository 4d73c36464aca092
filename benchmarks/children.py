"""Child processes that measure on request: a JSON line asks, a JSON line answers. Standard library only.

The child's own output goes to a file, so that a chatty library cannot disturb the conversation.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["Child", "serve"]

Answer = Mapping[str, Any]


class Child:
    """A Python process running one module of this package that calls `serve`."""

    def __init__(self, python: Path, module: str, arguments: Sequence[str], log: Path) -> None:
        self._log = log
        command = [str(python), "-m", module, *arguments]
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self.answer()  # it is ready

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()

    def ask(self, task: str, **values: Any) -> None:
        """Have the child begin a task; the answer is read by `answer`."""
        if self._process.stdin is None:
            raise RuntimeError("the child has no standard input")
        self._process.stdin.write(json.dumps({"task": task, **values}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """Wait for the answer to the last task.

        Raises:
            RuntimeError: The child ended instead; the message has the end of its log.
        """
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended early:\n{self._log.read_text()[-4000:]}")
        return json.loads(line)

    def do(self, task: str, **values: Any) -> Any:
        """Have a task done and return its answer."""
        self.ask(task, **values)
        return self.answer()


def serve(tasks: Mapping[str, Callable[..., Answer]]) -> None:
    """Answer requests on standard input until it ends; the child's half."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    print(json.dumps({"ready": True}), file=replies, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(tasks[request.pop("task")](**request)), file=replies, flush=True)
