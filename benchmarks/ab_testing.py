"""A/B tests: assigning, logging and reading results, against the bounds of the design."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.children import Child
from benchmarks.harness import Bench, Figure, Round, at_least, at_most, interleave
from mlops.ab_testing import ABTestConfig, ABTestInteraction, ABTestManager
from mlops.ab_testing.aggregates import Book, Cell
from mlops.ab_testing.assignment import Allocation
from mlops.ab_testing.service import ABTestManagerService
from mlops.ab_testing.sql import SqlBookStore
from mlops.stats.moments import ExactMoments
from mlops.stats.sketch import QuantileSketch

__all__ = ["CALLERS", "FIGURES", "PEER_FIGURES"]

CALLERS = 256
_CALLS = 100  # of each caller
_USERS = 10_000
_CORE_US = 1.5
_ASSIGNED_PER_S = 100_000.0
_LOGGED_PER_S = 20_000.0
_LOGGED_P99_MS = 30.0
_RESULTS_P99_MS = 15.0
_READS = 60
_VARIANTS, _METRICS = 10, 20
_FEW, _TIMES = 10_000, 1_000
_CORE_USERS, _PEER_USERS = 200_000, 20_000
_UNEVEN = 0.02  # a share so far from one half was not divided at all


def _design(treatments: int, **fields: Any) -> ABTestConfig:
    share = 1 / (treatments + 1)
    names = ["control", *(f"treatment_{number}" for number in range(1, treatments + 1))]
    usual: dict[str, Any] = {
        "test_type": "champion_challenger" if treatments == 1 else "multivariate",
        "control_model_id": "lab_classifier",
        "control_model_version": "1.0.0",
        "treatment_models": [{"model_id": "lab_classifier", "version": f"1.{n}.0"} for n in range(1, treatments + 1)],
        "traffic_allocation": dict.fromkeys(names, share),
        "primary_metric": "conversion_rate",
    }
    return ABTestConfig(**(usual | fields))


@contextmanager
def _running(folder: Path, treatments: int = 1, **fields: Any) -> Iterator[tuple[ABTestManager, str]]:
    manager = ABTestManager(f"sqlite:///{folder}/lab.db", folder / "ab_tests")
    folder.mkdir(parents=True, exist_ok=True)
    with manager.sync as service:
        test_id = service.create_test(_design(treatments, **fields))
        service.start_test(test_id)
        yield manager, test_id


def _core(bench: Bench) -> list[Round]:
    users = [f"user_{number}" for number in range(_CORE_USERS)]
    return interleave(bench, lambda: _core_us(users), lambda: _CORE_US)


def _core_us(users: list[str]) -> float:
    choose = Allocation("pepper", {"control": 0.5, "treatment_1": 0.5}, ("control", "treatment_1")).choose
    started = time.perf_counter()
    for user in users:
        choose(user)
    return (time.perf_counter() - started) / len(users) * 1e6


def _beside_growthbook(bench: Bench) -> list[Round]:
    if bench.peer is None or not bench.peer.exists():
        raise SystemExit(f"{bench.peer} is not there; `make bench-peers` makes the environment of the peers.")
    users, log = [f"user_{number}" for number in range(_CORE_USERS)], bench.fresh("growthbook")
    with Child(bench.peer, "benchmarks.growthbook_child", [], log) as growthbook:

        def theirs() -> float:
            found = growthbook.do("assign", count=_PEER_USERS)
            if abs(found["treated"] - 0.5) > _UNEVEN:
                raise RuntimeError(f"GrowthBook gave the treatment to {found['treated']:.1%} of users instead of half")
            return float(_PEER_USERS / found["seconds"])

        return interleave(bench, lambda: 1e6 / _core_us(users), theirs)


def _assigned(bench: Bench) -> list[Round]:
    users = [f"user_{number}" for number in range(_USERS)]

    async def assign(manager: ABTestManager, test_id: str) -> float:
        started = time.perf_counter()
        for user in users:
            await manager.assign_variant(test_id, user)
        return len(users) / (time.perf_counter() - started)

    with _running(bench.fresh("ab")) as (manager, test_id), asyncio.Runner() as runner:
        for user in users:
            manager.sync.assign_variant(test_id, user)
        return interleave(bench, lambda: runner.run(assign(manager, test_id)), lambda: _ASSIGNED_PER_S)


def _interactions(manager: ABTestManagerService, test_id: str, turn: int) -> list[list[ABTestInteraction]]:
    """Return what each caller logs in one turn."""
    users = {f"user_{number}" for number in range(CALLERS)}
    variants = {user: manager.assign_variant(test_id, user) for user in users}
    return [
        [
            ABTestInteraction(
                interaction_id=f"{turn}-{caller}-{number}",
                test_id=test_id,
                variant_id=variants[f"user_{caller}"],
                user_id=f"user_{caller}",
                request_data={"sample_type": "blood"},
                response_data={"prediction": "approved", "confidence": 0.5 + number % 50 / 100},
                latency_ms=100 + (caller * number) % 77,
                success=number % 50 != 0,
                conversion=number % 3 == 0,
            )
            for number in range(_CALLS)
        ]
        for caller in range(CALLERS)
    ]


async def _log_at_once(manager: ABTestManager, loads: list[list[ABTestInteraction]]) -> tuple[float, float]:
    """Return interactions a second, and the 99th percentile of what a caller waited, in ms."""
    waits: list[float] = []

    async def caller(load: list[ABTestInteraction]) -> None:
        for interaction in load:
            begun = time.perf_counter()
            await manager.log_interaction(interaction)
            waits.append(time.perf_counter() - begun)

    started = time.perf_counter()
    await asyncio.gather(*map(caller, loads))
    rate = len(waits) / (time.perf_counter() - started)
    return rate, statistics.quantiles(waits, n=100)[98] * 1000


def _logged(bench: Bench) -> list[tuple[float, float]]:
    with _running(bench.fresh("ab")) as (manager, test_id), asyncio.Runner() as runner:
        found = []
        for turn in range(bench.rounds + 1):
            loads = _interactions(manager.sync, test_id, turn)
            gc.collect()
            gc.freeze()  # what the callers will log is theirs: collecting it again and again is not measured
            found.append(runner.run(_log_at_once(manager, loads)))
            gc.unfreeze()
            bench.tick()
        report = manager.sync.verify_aggregates(test_id)
        expected = CALLERS * _CALLS * (bench.rounds + 1)
        if report.interactions != expected or not report.is_equal:
            raise RuntimeError(f"{expected:,} interactions were acknowledged, and stored is {report}")
        return found[1:]


def _logged_rate(bench: Bench) -> list[Round]:
    return [Round(rate, _LOGGED_PER_S) for rate, _ in _logged(bench)]


def _logged_p99(bench: Bench) -> list[Round]:
    return [Round(p99, _LOGGED_P99_MS) for _, p99 in _logged(bench)]


@contextmanager
def _filled(folder: Path) -> Iterator[tuple[ABTestManagerService, str]]:
    """Give a test of 10 variants × 20 metrics with 10⁴ interactions."""
    more = [f"score_{number}" for number in range(_METRICS - 4)]
    fields = {
        "secondary_metrics": tuple(more),
        "metrics": {name: {"kind": "mean", "direction": "max"} for name in more},
    }
    with _running(folder, _VARIANTS - 1, **fields) as (manager, test_id):
        service = manager.sync
        for begin in range(0, _FEW, 1000):
            service.log_interactions([_wide(service, test_id, more, number) for number in range(begin, begin + 1000)])
        yield service, test_id


def _wide(service: ABTestManagerService, test_id: str, names: list[str], number: int) -> ABTestInteraction:
    user = f"user_{number}"
    return ABTestInteraction(
        interaction_id=f"i{number}",
        test_id=test_id,
        variant_id=service.assign_variant(test_id, user),
        user_id=user,
        response_data={name: (number * (place + 7)) % 101 / 100 for place, name in enumerate(names)},
        latency_ms=100 + number % 77,
        success=number % 50 != 0,
        conversion=number % 3 == 0,
        value=number % 11,
    )


def _read_ms(service: ABTestManagerService, test_id: str) -> list[float]:
    waits = []
    for _ in range(_READS):
        started = time.perf_counter()
        service.calculate_results(test_id)
        waits.append((time.perf_counter() - started) * 1000)
    return waits


def _results_p99(bench: Bench) -> list[Round]:
    with _filled(bench.fresh("ab")) as (service, test_id):
        return interleave(
            bench,
            lambda: statistics.quantiles(_read_ms(service, test_id), n=100)[98],
            lambda: _RESULTS_P99_MS,
        )


def _results_flat(bench: Bench) -> list[Round]:
    with _filled(bench.fresh("few")) as (few, few_id), _filled(bench.fresh("many")) as (many, many_id):
        _multiply(many, many_id)
        return interleave(
            bench,
            lambda: statistics.median(_read_ms(many, many_id)),
            lambda: statistics.median(_read_ms(few, few_id)),
        )


def _multiply(service: ABTestManagerService, test_id: str) -> None:
    """Leave the statistics that a thousand times the interactions would leave."""
    books = SqlBookStore()
    with service._database.write() as tx:
        book = books.whole(tx, test_id)
        counts = {key: count * _TIMES for key, count in book.counts.items()}
        cells = {key: replace(cell, sums=_often(cell.sums), sketch=_widened(cell)) for key, cell in book.cells.items()}
        books.put(tx, test_id, Book(counts=counts, cells=cells))


def _often(sums: ExactMoments) -> ExactMoments:
    return ExactMoments(sums.n * _TIMES, sums.total * _TIMES, sums.squares * _TIMES)


def _widened(cell: Cell) -> QuantileSketch | None:
    if cell.sketch is None:
        return None
    return QuantileSketch(cell.sketch.digits, tuple((key, count * _TIMES) for key, count in cell.sketch.buckets))


FIGURES = (
    Figure(
        name="assign-core",
        workload=f"hash and allocation of {_CORE_USERS:,} users, one at a time",
        against="the design's bound",
        unit="µs",
        bound=at_most(1),
        measure=_core,
    ),
    Figure(
        name="assign-warm",
        workload=f"awaited assign_variant of {_USERS:,} users who are known",
        against="the design's bound",
        unit="1/s",
        bound=at_least(1),
        measure=_assigned,
    ),
    Figure(
        name="log-interaction",
        workload=f"{CALLERS} callers × {_CALLS} log_interaction, each acknowledged durable, statistics included",
        against="the design's bound",
        unit="1/s",
        bound=at_least(1),
        measure=_logged_rate,
    ),
    Figure(
        name="log-interaction-p99",
        workload=f"what one of {CALLERS} callers waits, 99th percentile",
        against="the design's bound",
        unit="ms",
        bound=at_most(1),
        measure=_logged_p99,
    ),
    Figure(
        name="ab-results-p99",
        workload=f"calculate_results of {_VARIANTS} variants × {_METRICS} metrics, 99th percentile of {_READS}",
        against="the design's bound",
        unit="ms",
        bound=at_most(1),
        measure=_results_p99,
    ),
    Figure(
        name="ab-results-flat",
        workload=f"calculate_results after the statistics of {_FEW * _TIMES:,} interactions, median of {_READS}",
        against=f"the same after {_FEW:,}",
        unit="ms",
        bound=at_most(1.2),
        measure=_results_flat,
    ),
)

PEER_FIGURES = (
    Figure(
        name="growthbook-assign",
        workload=f"hash and allocation of {_CORE_USERS:,} users, one at a time",
        against=f"GrowthBook: `set_attributes` and `run` of one experiment, {_PEER_USERS:,} users, nothing tracked",
        unit="1/s",
        bound=at_least(5),
        measure=_beside_growthbook,
        is_peer=True,
    ),
)
