"""Which runs of this process have their machine watched, from their start to their end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from mlops.clock import Now
from mlops.errors import Conflict, NotFound
from mlops.experiment_tracker.entities import Experiment, ExperimentMetrics
from mlops.experiment_tracker.system_metrics import SystemMetricsSampler

__all__ = ["Sampling"]


class Sampling:
    """Logs samples of the machine to open runs, at the step of whole seconds since the run's creation.

    Args:
        log: Stores one sample.
        interval_s: Seconds between samples; 0 turns sampling off.
        now: The clock that stamps samples.
    """

    def __init__(self, log: Callable[[ExperimentMetrics], None], *, interval_s: float, now: Now) -> None:
        self._log = log
        self._sampler = SystemMetricsSampler(interval_s=interval_s, now=now) if interval_s else None

    def start(self, experiment: Experiment) -> None:
        """Begin to sample for a run."""
        if self._sampler is not None:
            self._sampler.add(experiment.experiment_id, lambda values, at: self._store(experiment, values, at))

    def stop(self, experiment_id: str) -> None:
        """Stop sampling for a run; must not be called inside a transaction, for which a sample may be waiting."""
        if self._sampler is not None:
            self._sampler.remove(experiment_id)

    def close(self) -> None:
        """Stop sampling for all runs."""
        if self._sampler is not None:
            self._sampler.close()

    def _store(self, experiment: Experiment, values: dict[str, float], at: datetime) -> None:
        step = (at - experiment.created_at) // timedelta(seconds=1)
        sample = ExperimentMetrics(
            experiment_id=experiment.experiment_id, step=step, timestamp=at, custom_metrics=values
        )
        try:
            self._log(sample)
        except (Conflict, NotFound):  # another process has ended, deleted or removed the run
            self.stop(experiment.experiment_id)
