"""Several processes at one test: the same assignment everywhere, and nothing acknowledged is lost by a kill."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

from mlops.ab_testing import ABTestManager
from mlops.tests.integration.ab_testing.conftest import design

_PROGRAMS = Path(__file__).parent / "programs"
_KILLS = 20


def _started(program: str, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(_PROGRAMS / program), *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_processes_assign_the_same_users_alike(database_url: str, tmp_path: Path) -> None:
    """Three processes meet the same newcomers at the same time: one exposure each, and one answer."""
    with ABTestManager(database_url, tmp_path).sync as manager:
        test_id = manager.create_test(design())
        manager.start_test(test_id)
        words = ("assigning_process.py", database_url, str(tmp_path), test_id, "200")
        with _started(*words) as one, _started(*words) as two, _started(*words) as three:
            for process in (one, two, three):
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
            answers = [process.communicate()[0] for process in (one, two, three)]
        assert len(set(answers)) == 1
        assert answers[0].strip().split(",") == [manager.assign_variant(test_id, f"user_{n}") for n in range(200)]
        assert manager.verify_aggregates(test_id).is_equal


def test_a_kill_loses_nothing_and_counts_nothing_twice(database_url: str, tmp_path: Path) -> None:
    """Twenty processes killed while they log: every acknowledged interaction is there once, with its label."""
    with ABTestManager(database_url, tmp_path).sync as manager:
        test_id = manager.create_test(design())
        manager.start_test(test_id)
        acknowledged: set[str] = set()
        chance = random.Random(7)
        for number in range(_KILLS):
            with _started("logging_process.py", database_url, str(tmp_path), test_id, f"p{number}") as process:
                acknowledged |= _killed(process, after=chance.uniform(0.05, 0.3))
        with manager._database.read() as tx:
            stored = [row.interaction_id for row in manager._log.interactions(tx, test_id)]
        report = manager.verify_aggregates(test_id)
        results = manager.calculate_results(test_id)
        assert len(stored) == len(set(stored))
        assert acknowledged <= set(stored)
        assert len(acknowledged) > 20
        assert report.differences == ()
        assert sum(result.sample_size for result in results.values()) == len(stored)
        assert sum(result.labelled for result in results.values()) >= len(acknowledged)


def _killed(process: subprocess.Popen[str], *, after: float) -> set[str]:
    """Kill a process some time after its first acknowledgement; return everything that it acknowledged."""
    assert process.stdout is not None
    first = process.stdout.readline()
    timer = threading.Timer(after, process.send_signal, [signal.SIGKILL])
    timer.start()
    rest = process.stdout.read()
    timer.join()
    lines = (first + rest).split("\n")
    return {line for line in lines[:-1] if line}  # a line that was cut off was not told to anybody
