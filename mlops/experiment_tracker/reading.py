"""What was recorded, read back: histories, summaries, environments, several experiments at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from mlops.errors import InvalidInput, did_you_mean
from mlops.experiment_tracker.entities import Experiment, MetricPoint, MetricSummary
from mlops.experiment_tracker.errors import EnvironmentNotFound, MetricNotFound
from mlops.experiment_tracker.history import history_frame, history_points
from mlops.experiment_tracker.ledger import Ledger
from mlops.formatting import unique_labels
from mlops.provenance import EnvironmentCapture

if TYPE_CHECKING:
    import pandas as pd

    from mlops.database import Transaction

__all__ = ["RecordReader"]


class RecordReader:
    """Reads what experiments recorded, each call on one snapshot of the database."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._database = ledger.database
        self._store = ledger.store

    def frame(
        self, experiment_id: str, names: Collection[str] | None = None, max_points: int | None = None
    ) -> pd.DataFrame:
        """Return a history as a table; see `ExperimentTracker.get_experiment_metrics`."""
        with self._database.read() as tx:
            self._check(tx, experiment_id, names)
            columns = self._store.metric_columns(tx, experiment_id, names)
        return history_frame(columns, max_points)

    def points(self, experiment_id: str, name: str, max_points: int | None = None) -> list[MetricPoint]:
        """Return every value of one metric."""
        with self._database.read() as tx:
            self._check(tx, experiment_id, [name])
            columns = self._store.metric_columns(tx, experiment_id, [name])
        return history_points(columns, max_points)

    def summaries(self, experiment_id: str) -> dict[str, MetricSummary]:
        """Return the summary of each metric."""
        with self._database.read() as tx:
            self._ledger.get(tx, experiment_id)
            return self._store.summaries(tx, experiment_id)

    def histories(self, experiment_ids: Iterable[str], metrics: Collection[str] | None) -> dict[str, pd.DataFrame]:
        """Return the histories of several experiments by a label that tells them apart, for a figure.

        A metric that only some of them have is left out of the others' tables.

        Raises:
            InvalidInput: None of them has a metric of one of the names.
        """
        found = self.experiments(experiment_ids)
        labels = unique_labels((experiment.experiment_id, experiment.name) for experiment in found)
        known = {experiment_id: self.summaries(experiment_id) for experiment_id in labels}
        _refuse_unknown(metrics or (), {name for summaries in known.values() for name in summaries})
        histories = {}
        for experiment_id, label in labels.items():
            names = None if metrics is None else [name for name in metrics if name in known[experiment_id]]
            histories[label] = self.frame(experiment_id, names)
        return histories

    def experiments(self, experiment_ids: Iterable[str]) -> list[Experiment]:
        """Return several experiments in the order asked for, each once."""
        with self._database.read() as tx:
            return [self._ledger.get(tx, experiment_id) for experiment_id in dict.fromkeys(experiment_ids)]

    def environment(self, experiment_id: str) -> EnvironmentCapture:
        """Return where an experiment was started.

        Raises:
            EnvironmentNotFound: None was captured.
        """
        with self._database.read() as tx:
            digest = self._ledger.get(tx, experiment_id).environment_digest
            environment = None if digest is None else self._store.find_environment(tx, digest)
        if environment is None:
            raise EnvironmentNotFound(experiment_id)
        return environment

    def _check(self, tx: Transaction, experiment_id: str, names: Collection[str] | None) -> None:
        self._ledger.get(tx, experiment_id)
        if names is None:
            return
        if isinstance(names, str):
            raise InvalidInput(f"names is the text {names!r}; pass a list of metric names: [{names!r}].")
        known = tuple(self._store.summaries(tx, experiment_id))
        for name in names:
            if name not in known:
                raise MetricNotFound(name, experiment_id=experiment_id, known=known)


def _refuse_unknown(metrics: Collection[str], known: Collection[str]) -> None:
    for name in metrics:
        if name not in known:
            hint = did_you_mean(name, sorted(known)) or f"They have: {', '.join(sorted(known)) or 'none'}."
            raise InvalidInput(f"None of the experiments has logged a metric {name!r}. {hint}")
