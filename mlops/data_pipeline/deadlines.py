"""How long somebody wants to wait for a run."""

from __future__ import annotations

import time

from mlops.data_pipeline.entities import PipelineRun
from mlops.jobs import JobNotEnded

__all__ = ["Deadline"]


class Deadline:
    """The end of somebody's patience.

    Args:
        timeout_s: In so many seconds; None is never.
    """

    def __init__(self, timeout_s: float | None) -> None:
        self._timeout_s = timeout_s
        self._at = None if timeout_s is None else time.monotonic() + timeout_s

    def within(self, longest_s: float) -> float:
        """Return the seconds that are left, so many at most."""
        return longest_s if self._at is None else min(longest_s, max(0.0, self._at - time.monotonic()))

    def check(self, run: PipelineRun) -> None:
        """Return while there is time left.

        Raises:
            JobNotEnded: There is none, and the run goes on.
        """
        if self._at is not None and time.monotonic() > self._at:
            raise JobNotEnded(run.job_id or run.run_id, run.status, self._timeout_s or 0.0)
