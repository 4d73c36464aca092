"""What a domain hands to a runner: a function for each kind of job, and what it takes to run it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mlops.errors import InvalidInput
from mlops.jobs.context import JobContext
from mlops.jobs.entities import check_kind, several

__all__ = ["JobHandler", "by_kind"]


@dataclass(frozen=True)
class JobHandler:
    """How one kind of job is done.

    Attributes:
        kind: The kind of job.
        run: Does it. What it returns, JSON values, becomes the job's result. It may be called again for the same job,
            so what it does in the database belongs into one `context.commit(result=…)`, and what it does elsewhere must
            bear repeating. It lets errors pass: they are logged with the job, and another attempt follows, except for
            `PermanentFailure` and `InvalidInput`, which would only happen again.
        requires: Capabilities without which this process does not take jobs of the kind.
        timeout_s: Seconds an attempt may take when the job itself does not say.
        offers: Returns capabilities that the process has at that moment beside its runner's, such as those that come
            when it runs already. Called often, from the runner's threads.

    Raises:
        InvalidInput: The kind cannot be one, `run` cannot be called, or the time is not above 0.
    """

    kind: str
    run: Callable[[JobContext], Any]
    requires: frozenset[str] = frozenset()
    timeout_s: float | None = None
    offers: Callable[[], Iterable[str]] = frozenset

    def __post_init__(self) -> None:
        check_kind(self.kind)
        object.__setattr__(self, "requires", several(self.requires, "requires"))
        if not callable(self.run):
            raise InvalidInput(f"The handler of {self.kind} jobs is {self.run!r}, which cannot be called.")
        if self.timeout_s is not None and not self.timeout_s > 0:
            raise InvalidInput(f"timeout_s is {self.timeout_s}; allowed are seconds above 0, or None for no limit.")


def by_kind(handlers: Iterable[JobHandler], capabilities: frozenset[str]) -> dict[str, JobHandler]:
    """Return the handlers that can work with these capabilities, by kind.

    Raises:
        InvalidInput: Two handlers are of the same kind.
    """
    found: dict[str, JobHandler] = {}
    for handler in handlers:
        if handler.kind in found:
            raise InvalidInput(
                f"Two handlers are of kind {handler.kind!r}; a runner takes one of each. Give one of them another name."
            )
        found[handler.kind] = handler
    return {kind: handler for kind, handler in found.items() if handler.requires <= capabilities}
