"""The background sampler, on the real meters of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from queue import Queue

import pytest
from structlog.testing import capture_logs

from mlops.errors import InvalidInput
from mlops.experiment_tracker.system_metrics import SystemMetricsSampler, SystemProbe

PATIENCE_S = 60
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
Sample = tuple[dict[str, float], datetime]


class Collector:
    """A sink that queues what it gets."""

    def __init__(self) -> None:
        self.samples: Queue[Sample] = Queue()

    def __call__(self, values: dict[str, float], moment: datetime) -> None:
        self.samples.put((values, moment))

    def next(self) -> Sample:
        return self.samples.get(timeout=PATIENCE_S)


def test_the_probe_reads_every_meter_with_its_unit_in_the_name() -> None:
    """Shares lie between 0 and 100, and this process has memory."""
    values = SystemProbe().read()
    assert {"system/process_memory_mb", "system/cpu_percent", "system/network_sent_mb"} <= set(values)
    assert values["system/process_memory_mb"] > 1
    assert all(0 <= values[f"system/{name}_percent"] <= 100 for name in ("cpu", "memory", "disk"))


def test_a_meter_that_fails_is_left_out() -> None:
    """A folder that is not there costs only the disk."""
    values = SystemProbe("/nowhere").read()
    assert "system/disk_percent" not in values
    assert "system/memory_percent" in values


def test_the_first_sample_comes_at_once_and_has_the_clocks_moment() -> None:
    """Long before the interval is over."""
    collector = Collector()
    with SystemMetricsSampler(interval_s=3600, now=lambda: MOMENT) as sampler:
        sampler.add("run", collector)
        values, moment = collector.next()
    assert moment == MOMENT
    assert "system/process_cpu_percent" in values


def test_a_later_target_gets_its_first_sample_at_once_and_the_others_none() -> None:
    """Their rhythm stays."""
    first, second = Collector(), Collector()
    with SystemMetricsSampler(interval_s=3600) as sampler:
        sampler.add("first", first)
        first.next()
        sampler.add("second", second)
        second.next()
        assert first.samples.empty()


def test_samples_repeat_until_the_target_is_removed() -> None:
    """After remove() returns, no sample arrives; the other target's go on."""
    gone, stays = Collector(), Collector()
    with SystemMetricsSampler(interval_s=0.01) as sampler:
        sampler.add("gone", gone)
        sampler.add("stays", stays)
        gone.next()
        gone.next()
        sampler.remove("gone")
        count = gone.samples.qsize()
        stays.samples.queue.clear()
        stays.next()
        assert gone.samples.qsize() == count
        assert sampler.targets == ("stays",)


def test_the_thread_ends_with_the_last_target_and_starts_again_with_the_next() -> None:
    """A sampler without runs costs nothing."""
    others = set(threading.enumerate())  # those of other tests in this process
    sampler, collector = SystemMetricsSampler(interval_s=0.01), Collector()
    for _ in range(3):
        sampler.add("run", collector)
        collector.next()
        sampler.close()
        assert not [one for one in threading.enumerate() if one not in others and one.name == "mlops-system-metrics"]


def test_a_failing_sink_is_dropped_after_three_failures_and_the_others_stay() -> None:
    """It is logged each time."""
    stays, calls = Collector(), Collector()

    def fail(values: dict[str, float], moment: datetime) -> None:
        calls(values, moment)
        raise OSError("disk full")

    with capture_logs() as logs, SystemMetricsSampler(interval_s=0.01) as sampler:
        sampler.add("fails", fail)
        sampler.add("stays", stays)
        for _ in range(10):
            stays.next()
        assert sampler.targets == ("stays",)
    assert calls.samples.qsize() == 3
    assert [entry["event"] for entry in logs] == ["system_metrics_not_stored"] * 2 + ["system_metrics_stopped"]


def test_a_sink_may_remove_its_own_target() -> None:
    """Without waiting for itself."""
    collector = Collector()
    with SystemMetricsSampler(interval_s=0.01) as sampler:

        def once(values: dict[str, float], moment: datetime) -> None:
            sampler.remove("run")
            collector(values, moment)

        sampler.add("run", once)
        collector.next()
        assert sampler.targets == ()


def test_removing_what_is_not_there_and_closing_twice_do_nothing() -> None:
    """Ends of runs may cross."""
    sampler = SystemMetricsSampler()
    sampler.remove("nobody")
    sampler.close()
    sampler.close()


@pytest.mark.parametrize("interval_s", [0, -1, float("nan")])
def test_an_interval_that_is_not_above_zero_is_refused(interval_s: float) -> None:
    """The message says what to pass."""
    with pytest.raises(InvalidInput, match="above 0"):
        SystemMetricsSampler(interval_s=interval_s)


_FORK = """
import os, queue, sys
from mlops.experiment_tracker.system_metrics import SystemMetricsSampler
sampler, seen = SystemMetricsSampler(interval_s=3600), queue.Queue()
sampler.add("parent", lambda values, moment: seen.put(values))
seen.get(timeout=60)
child = os.fork()
if not child:
    assert sampler.targets == ()
    sampler.remove("parent")
    fresh = queue.Queue()
    sampler.add("child", lambda values, moment: fresh.put(values))
    fresh.get(timeout=60)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), sampler.targets)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_has_no_targets_and_can_start_anew_and_the_process_ends_by_itself() -> None:
    """The parent goes on, and its open sampler does not keep it alive."""
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FORK], check=False, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == ("7 ('parent',)\n", "", 0)
