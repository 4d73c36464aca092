"""What the service needs of a store of experiments; `sql` has the one that is used."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from mlops.experiment_tracker.entities import (
    Experiment,
    ExperimentArtifact,
    ExperimentMetrics,
    ExperimentQuery,
    MetricSummary,
)
from mlops.experiment_tracker.history import MetricColumns
from mlops.provenance import EnvironmentCapture
from mlops.search import Page

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["ExperimentStore"]


class ExperimentStore(Protocol):
    """Reads and writes experiments inside the caller's transaction.

    Obligations: every write is part of the transaction it is given and has no other effect; nothing is cached between
    transactions, so one store serves any number of threads. An implementation returns equal records for what was
    stored, with NaN and the infinities as they were, whichever database is under it.
    """

    def insert(self, tx: Transaction, experiment: Experiment) -> None:
        """Store a new experiment with its parameters and tags.

        Raises:
            ExperimentExists: Its id is taken.
        """

    def find(self, tx: Transaction, experiment_id: str) -> Experiment | None:
        """Return an experiment, deleted or not; None when there is none."""

    def find_for_update(self, tx: Transaction, experiment_id: str) -> Experiment | None:
        """Return an experiment like `find`, and keep everybody else from changing it until the transaction ends."""

    def update(self, tx: Transaction, before: Experiment, after: Experiment) -> None:
        """Replace an experiment read by `find_for_update`. Metrics are not touched."""

    def page(self, tx: Transaction, query: ExperimentQuery, *, at: datetime) -> Page[Experiment]:
        """Return a page of experiments.

        Args:
            at: What `now` means in the filter.

        Raises:
            InvalidInput: The filter, the order or the cursor cannot be read.
        """

    def projects(self, tx: Transaction) -> list[str]:
        """Return the names of projects with experiments that are not deleted, sorted."""

    def add_metrics(
        self, tx: Transaction, items: Sequence[ExperimentMetrics], *, logged_at: int
    ) -> list[Exception | None]:
        """Append metrics and bring the summaries up to date.

        Args:
            logged_at: Microseconds since 1970, for metrics without a time of their own.

        Returns:
            One entry per item, in order: None for a stored one, the error for one whose experiment does not exist, is
            deleted or has ended. Refused items store nothing and keep no other from being stored.
        """

    def metric_columns(self, tx: Transaction, experiment_id: str, names: Collection[str] | None) -> MetricColumns:
        """Return every logged value in order of step, then of arrival; `None` leaves out what the machine sampled."""

    def summaries(self, tx: Transaction, experiment_id: str) -> dict[str, MetricSummary]:
        """Return the summary of each metric, sampled ones too, in order of their names."""

    def add_artifact(self, tx: Transaction, artifact: ExperimentArtifact) -> None:
        """Append an artifact; earlier ones of the same name stay."""

    def artifacts(self, tx: Transaction, experiment_id: str) -> list[ExperimentArtifact]:
        """Return the artifacts of an experiment, oldest first."""

    def remember_environment(self, tx: Transaction, environment: EnvironmentCapture) -> str:
        """Store an environment unless an equal one is there; return its digest."""

    def find_environment(self, tx: Transaction, digest: str) -> EnvironmentCapture | None:
        """Return a stored environment."""

    def deleted_before(self, tx: Transaction, moment: datetime, *, most: int | None) -> list[str]:
        """Return up to `most` ids, or all of them, of experiments that were deleted before a moment, oldest first."""

    def remove(self, tx: Transaction, experiment_ids: Sequence[str]) -> None:
        """Remove experiments for good with all their rows, and environments that no experiment has any more."""
