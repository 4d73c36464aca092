"""Changes of single experiments: read under lock, decided by `lifecycle`, written back in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mlops.artifacts import remove_references
from mlops.clock import Now, microseconds
from mlops.errors import InvalidInput
from mlops.experiment_tracker import lifecycle
from mlops.experiment_tracker.entities import (
    SYSTEM_PREFIX,
    Experiment,
    ExperimentMetrics,
    ExperimentQuery,
    ExperimentStatus,
)
from mlops.experiment_tracker.errors import ExperimentNotFound
from mlops.experiment_tracker.store import ExperimentStore

if TYPE_CHECKING:
    from mlops.database import Database, Transaction

__all__ = ["OWNER_KIND", "FinalMetrics", "Ledger"]

OWNER_KIND = "experiment"
"""By this word the artifact store knows that experiments refer to a blob."""

FinalMetrics = Mapping[str, float] | ExperimentMetrics

_REMOVED_AT_ONCE = 50  # experiments in one transaction, so that others get their turn between
_LOOKED_AT = 200  # newest experiments that a mistaken id is compared with


class Ledger:
    """Reads and changes experiments by their ids.

    Attributes:
        database: Where the transactions run.
        store: What reads and writes in them.
    """

    def __init__(self, database: Database, store: ExperimentStore, *, now: Now) -> None:
        self.database = database
        self.store = store
        self._now = now

    def get(self, tx: Transaction, experiment_id: str) -> Experiment:
        """Return an experiment, deleted or not.

        Raises:
            ExperimentNotFound: There is none; the error names similar ids and names.
        """
        return self._found(tx, experiment_id, self.store.find(tx, experiment_id))

    def lock(self, tx: Transaction, experiment_id: str) -> Experiment:
        """Return an experiment that is not deleted, and keep others from changing it until the transaction ends.

        Raises:
            ExperimentNotFound: There is none.
            ExperimentDeleted: It is deleted.
        """
        experiment = self._found(tx, experiment_id, self.store.find_for_update(tx, experiment_id))
        lifecycle.refuse_deleted(experiment)
        return experiment

    def change(self, experiment_id: str, decide: Callable[[Experiment], Experiment]) -> Experiment:
        """Replace an experiment by what `decide` makes of it; nothing is written when that raises."""
        with self.database.write() as tx:
            before = self._found(tx, experiment_id, self.store.find_for_update(tx, experiment_id))
            after = decide(before)
            if after is not before:
                self.store.update(tx, before, after)
            return after

    def end(
        self,
        experiment_id: str,
        status: ExperimentStatus,
        *,
        error: str | None = None,
        final_metrics: FinalMetrics | None = None,
    ) -> Experiment:
        """End an experiment, with its last measurements, in one transaction."""
        with self.database.write() as tx:
            before = self.lock(tx, experiment_id)
            after = lifecycle.ended(before, status, at=self._now(), error=error)
            if final_metrics is not None:
                self.append(tx, [self._final(tx, experiment_id, final_metrics)])
            self.store.update(tx, before, after)
            return self.get(tx, experiment_id)

    def append(self, tx: Transaction, items: Sequence[ExperimentMetrics]) -> None:
        """Append metrics in this transaction; raise the first refusal, which takes the whole transaction back."""
        for refusal in self.write_metrics(tx, items):
            if refusal is not None:
                raise refusal

    def write_metrics(self, tx: Transaction, items: Sequence[ExperimentMetrics]) -> list[Exception | None]:
        """Append the metrics of a group commit; return one refusal or None per item."""
        return self.store.add_metrics(tx, items, logged_at=microseconds(self._now()))

    def remove_deleted(self, older_than: timedelta, *, dry_run: bool) -> tuple[str, ...]:
        """Remove experiments deleted at least this long ago, and what they refer to, for good; return their ids."""
        if older_than < timedelta():
            raise InvalidInput(f"older_than is {older_than}; pass timedelta(0) or more.")
        moment = self._now() - older_than
        if not dry_run:
            return tuple(experiment_id for group in self._removals(moment) for experiment_id in group)
        with self.database.read() as tx:
            return tuple(self.store.deleted_before(tx, moment, most=None))

    def _removals(self, moment: datetime) -> Iterator[list[str]]:
        while True:
            with self.database.write() as tx:
                gone = self.store.deleted_before(tx, moment, most=_REMOVED_AT_ONCE)
                self.store.remove(tx, gone)
                for experiment_id in gone:
                    remove_references(tx, owner_kind=OWNER_KIND, owner_id=experiment_id)
            if not gone:
                return
            yield gone

    def _final(self, tx: Transaction, experiment_id: str, final: FinalMetrics) -> ExperimentMetrics:
        if isinstance(final, ExperimentMetrics):
            if final.experiment_id != experiment_id:
                raise InvalidInput(
                    f"The final metrics are of experiment {final.experiment_id!r}, not of {experiment_id!r}. "
                    "Pass metrics of the experiment that ends, or a mapping of names to numbers."
                )
            return final
        step = last_step(self.store, tx, experiment_id)
        return ExperimentMetrics(experiment_id=experiment_id, step=step or 0, custom_metrics=final)

    def _found(self, tx: Transaction, experiment_id: str, experiment: Experiment | None) -> Experiment:
        if experiment is not None:
            return experiment
        newest = self.store.page(tx, ExperimentQuery(limit=_LOOKED_AT), at=self._now())
        known = [text for other in newest for text in (other.experiment_id, other.name)]
        raise ExperimentNotFound(str(experiment_id), known=known, hint="list_experiments() shows the ids.")


def last_step(store: ExperimentStore, tx: Transaction, experiment_id: str) -> int | None:
    """Return the greatest step that was logged, of metrics not sampled from the machine; None when there is none."""
    summaries = store.summaries(tx, experiment_id)
    steps = [summary.last_step for name, summary in summaries.items() if not name.startswith(SYSTEM_PREFIX)]
    return max(steps, default=None)
