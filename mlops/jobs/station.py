"""What the threads of one runner share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from mlops.clock import Now
from mlops.database import Database, Transaction
from mlops.jobs.backoff import Backoff
from mlops.jobs.claiming import Claimant
from mlops.jobs.executing import Outcome, settle

__all__ = ["Station"]


@dataclass(frozen=True)
class Station:
    """What the threads of one runner share.

    Attributes:
        database: Where the jobs are.
        claimant: Who takes them.
        backoff: Pauses before another attempt.
        chance: Randomness of the pauses.
        now: The clock of the calendar.
    """

    database: Database
    claimant: Claimant
    backoff: Backoff
    chance: Random
    now: Now

    def settle(self, tx: Transaction, outcomes: Iterable[Outcome]) -> None:
        """Write down how attempts went; those of jobs that other workers have are only reported."""
        for refused in settle(tx, outcomes, self.backoff, self.chance, now=self.now):
            self.log().warning("an attempt's outcome was refused", job_id=refused.job.job_id, attempt=refused.number)

    def log(self) -> Any:
        """Return the logger, which knows whose it is."""
        import structlog  # 90 ms that only trouble costs

        return structlog.get_logger("mlops.jobs").bind(worker=self.claimant.worker)
