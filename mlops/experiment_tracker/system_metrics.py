"""What the machine and the process do while runs go on, sampled by one background thread.

`SystemProbe` reads the meters once; `SystemMetricsSampler` reads them at an interval and hands the values to every run
that asked for them. Storing them is the sink's business.

| metric | meaning |
|---|---|
| `system/process_cpu_percent` | processor time of this process since the last sample; 100 is one processor |
| `system/process_memory_mb` | resident memory of this process |
| `system/cpu_percent` | busy share of all processors since the last sample, 0 to 100 |
| `system/memory_percent` | used share of the machine's memory, 0 to 100 |
| `system/disk_percent` | used share of the disk that holds the working directory, 0 to 100 |
| `system/network_sent_mb`, `system/network_received_mb` | traffic of the machine since the probe was made |
| `system/load_1m` | mean number of runnable processes over the last minute |

A MB is 1,000,000 bytes. A meter that this machine does not have is left out.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Self

from mlops import clock
from mlops.errors import InvalidInput
from mlops.experiment_tracker.entities import SYSTEM_PREFIX

__all__ = ["Sink", "SystemMetricsSampler", "SystemProbe"]

Sink = Callable[[dict[str, float], datetime], None]
"""Takes the values of one sample by name, and the moment they were read."""

_MOST_FAILURES = 3
_BASELINE_S = 0.1  # processor shares are differences: the first sample needs an earlier reading
_JOIN_S = 5.0
_MEGABYTE = 1e6


class SystemProbe:
    """The meters of this machine and process.

    Example:
        >>> sorted(SystemProbe().read())[:2]
        ['system/cpu_percent', 'system/disk_percent']
    """

    def __init__(self, folder: str = ".") -> None:
        """Take the first reading of the meters that count from a beginning.

        Args:
            folder: A folder on the disk to watch.
        """
        import psutil

        self._psutil = psutil
        self._folder = folder
        self._process = psutil.Process()
        self._sent, self._received = self._network()
        self._meters: dict[str, Callable[[], float]] = {
            "process_cpu_percent": lambda: self._process.cpu_percent(None),
            "process_memory_mb": lambda: self._process.memory_info().rss / _MEGABYTE,
            "cpu_percent": lambda: psutil.cpu_percent(None),
            "memory_percent": lambda: psutil.virtual_memory().percent,
            "disk_percent": lambda: psutil.disk_usage(self._folder).percent,
            "network_sent_mb": lambda: (self._network()[0] - self._sent) / _MEGABYTE,
            "network_received_mb": lambda: (self._network()[1] - self._received) / _MEGABYTE,
            "load_1m": lambda: os.getloadavg()[0],
        }
        self.read()

    def read(self) -> dict[str, float]:
        """Return the present values by metric name; meters that fail are left out."""
        values = {}
        for name, meter in self._meters.items():
            try:
                values[SYSTEM_PREFIX + name] = float(meter())
            except (self._psutil.Error, OSError, AttributeError, NotImplementedError):
                continue  # a container without this counter, a folder that was removed
        return values

    def _network(self) -> tuple[int, int]:
        counters = self._psutil.net_io_counters()
        return (counters.bytes_sent, counters.bytes_recv) if counters else (0, 0)


class SystemMetricsSampler:
    """Hands samples of the system to the runs that asked, from one daemon thread.

    The thread starts with the first target, ends with the last, and never keeps the process alive. Sinks are called one
    after another in that thread. A sink that raises is logged, and dropped after three failures in a row. A forked
    child has no thread and no targets: what it adds starts anew. All methods may be called from any thread.

    Example:
        >>> seen = []
        >>> with SystemMetricsSampler(interval_s=60) as sampler:
        ...     sampler.add("run-1", lambda values, moment: seen.append(values))
        ...     sampler.remove("run-1")
    """

    def __init__(
        self,
        *,
        interval_s: float = 10.0,
        now: clock.Now = clock.now,
        probe: Callable[[], SystemProbe] = SystemProbe,
    ) -> None:
        """Make a sampler that does nothing yet.

        Args:
            interval_s: Seconds between samples, above 0.
            now: The clock that stamps samples.
            probe: Makes the meters, in the sampling thread.

        Raises:
            InvalidInput: The interval is not above 0.
        """
        if not interval_s > 0:
            raise InvalidInput(f"interval_s is {interval_s}. Pass a number of seconds above 0.")
        self._interval_s = interval_s
        self._now = now
        self._probe = probe
        self._sampling = _Sampling()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the present targets, in the order they were added."""
        return tuple(self._here().sinks)

    def add(self, target: str, sink: Sink) -> None:
        """Begin to hand samples to a sink; the first follows at once.

        Args:
            target: Name of the target, such as an experiment's id; one that is there already gets the new sink.
            sink: Called in the sampling thread with the values and their moment.
        """
        sampling = self._here()
        with sampling.lock:
            sampling.sinks = {**sampling.sinks, target: sink}
            sampling.failures.pop(target, None)
            sampling.wake.set()
            if sampling.thread is None:
                sampling.thread = self._started(sampling)

    def remove(self, target: str) -> None:
        """End sampling for a target; one that is not there is ignored.

        When this returns, its sink is not being called and will not be again. So do not call it while holding a lock
        that the sink waits for.
        """
        sampling = self._here()
        with sampling.delivering, sampling.lock:
            sampling.drop(target)

    def close(self) -> None:
        """End sampling for all targets and wait for the thread. The sampler can be used again."""
        sampling, self._sampling = self._here(), _Sampling()
        with sampling.lock:
            sampling.sinks = {}
            sampling.wake.set()
            thread = sampling.thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_S)

    def _here(self) -> _Sampling:
        """Return this process's state; after a fork that is a new one, as locks and threads do not come along."""
        if self._sampling.process_id != os.getpid():
            self._sampling = _Sampling()
        return self._sampling

    def _started(self, sampling: _Sampling) -> threading.Thread:
        arguments = (sampling, self._probe, self._interval_s, self._now)
        thread = threading.Thread(target=_sample, args=arguments, name="mlops-system-metrics", daemon=True)
        thread.start()
        return thread


class _Sampling:
    """What a sampler and its thread share in one process."""

    def __init__(self) -> None:
        self.process_id = os.getpid()
        self.lock = threading.Lock()  # guards the fields below
        self.delivering = threading.RLock()  # held while a sink is called; a sink may remove its own target
        self.wake = threading.Event()
        self.sinks: Mapping[str, Sink] = {}  # replaced, never changed, so that reading needs no lock
        self.failures: dict[str, int] = {}
        self.thread: threading.Thread | None = None

    def drop(self, target: str) -> None:
        self.sinks = {name: sink for name, sink in self.sinks.items() if name != target}
        self.failures.pop(target, None)
        self.wake.set()

    def has_ended(self) -> bool:
        """Tell whether nothing is left to sample for; the thread that asks must end then."""
        with self.lock:
            if not self.sinks:
                self.thread = None
            return not self.sinks


def _sample(sampling: _Sampling, make_probe: Callable[[], SystemProbe], interval_s: float, now: clock.Now) -> None:
    """Sample for all targets on schedule, and for a new one at once, until none is left."""
    probe = make_probe()
    time.sleep(_BASELINE_S)
    known: Mapping[str, Sink] = {}
    due = time.monotonic()
    while not sampling.has_ended():
        sampling.wake.clear()
        sinks = sampling.sinks
        is_due = time.monotonic() >= due
        if is_due:  # samples missed while the machine slept are not made up for
            due = max(due + interval_s, time.monotonic())
        waiting = sinks if is_due else {name: sink for name, sink in sinks.items() if known.get(name) is not sink}
        if waiting:
            _deliver_all(sampling, waiting, probe.read(), now())
        known = sinks
        sampling.wake.wait(max(0.0, due - time.monotonic()))


def _deliver_all(sampling: _Sampling, sinks: Mapping[str, Sink], values: dict[str, float], moment: datetime) -> None:
    for target, sink in sinks.items():
        with sampling.delivering:
            if sampling.sinks.get(target) is sink:  # else it was removed since the sample was taken
                _deliver(sampling, target, sink, values, moment)


def _deliver(sampling: _Sampling, target: str, sink: Sink, values: dict[str, float], moment: datetime) -> None:
    try:
        sink(dict(values), moment)
    except Exception as error:  # noqa: BLE001  a sink is the caller's code; the others' samples must go on
        _note_failure(sampling, target, error)
    else:
        sampling.failures.pop(target, None)


def _note_failure(sampling: _Sampling, target: str, error: Exception) -> None:
    import structlog  # 90 ms that only a failure costs

    with sampling.lock:
        count = sampling.failures[target] = sampling.failures.get(target, 0) + 1
        is_last = count >= _MOST_FAILURES
        if is_last:
            sampling.drop(target)
    log: Any = structlog.get_logger(__name__)
    event = "system_metrics_stopped" if is_last else "system_metrics_not_stored"
    log.warning(event, target=target, failures=count, error=repr(error))
