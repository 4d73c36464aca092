"""Which decision follows from which evidence, in which order."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from mlops.ab_testing.arrival import exact_p_values
from mlops.ab_testing.blocks import planned_block_of
from mlops.ab_testing.entities import Phase
from mlops.ab_testing.evidence import Exposures
from mlops.ab_testing.method import choose
from mlops.ab_testing.stopping import decide
from mlops.stats import e_process
from mlops.stats.arms import Counts
from mlops.tests.fixtures.ab_evidence import NOW, blocked, design, gathered, means, rates, values

_GOOD = {"accuracy": rates([5000, 5000], [4500, 4650])}
_BAD = {"accuracy": rates([5000, 5000], [4650, 4500])}
_SAME = {"accuracy": rates([60_000, 60_000], [54_000, 54_030])}
_OPEN = {"accuracy": rates([500, 500], [450, 455])}


def decided(config, metrics, *, now=NOW, **more):
    """Return the decision on evidence under the method that the design chooses."""
    return decide(config, choose(config), gathered(config, metrics, **more), now=now)


@pytest.mark.parametrize(
    ("fields", "metrics", "days", "expected"),
    [
        ({}, _OPEN, 0, ("continue", "")),
        ({}, _GOOD, 0, ("stop", "success")),
        ({}, _BAD, 0, ("stop", "harm")),
        ({}, _SAME, 0, ("continue", "")),
        ({"minimum_detectable_effect": 0.01}, _SAME, 0, ("stop", "futility")),
        ({"minimum_detectable_effect": 0.2}, _OPEN, 0, ("stop", "futility")),
        ({"minimum_sample_size": 5001}, _GOOD, 0, ("continue", "")),
        ({"minimum_sample_size": 5000}, _GOOD, 0, ("stop", "success")),
        ({"maximum_sample_size": 10_000}, _GOOD, 0, ("stop", "maximum_sample")),
        ({"maximum_sample_size": 1001}, _OPEN, 0, ("continue", "")),
        ({"planned_duration_days": 3}, _OPEN, 3, ("stop", "duration")),
        ({"planned_duration_days": 3}, _OPEN, 2.9, ("continue", "")),
        ({"sequential": "fixed", "maximum_sample_size": 20_000}, _GOOD, 0, ("continue", "")),
        ({"status": "paused"}, _GOOD, 0, ("continue", "")),
    ],
)
def test_the_table_of_decisions(fields, metrics, days, expected):
    """Every cause has its decision, and says why."""
    got = decided(design(**fields), metrics, now=NOW + timedelta(days=days))
    assert (got.action, got.cause) == expected
    assert got.reason
    assert got.action == "continue" or "so far" not in got.reason


def test_a_mismatch_of_the_split_decides_nothing():
    """Success is not believed; the reason says why."""
    got = decided(design(), _GOOD, exposures=(Exposures(np.array([0.5, 0.5]), np.array([5600.0, 4400.0])),))
    assert got.action == "continue"
    assert "designed shares" in got.reason


def test_an_error_rate_above_its_limit_stops():
    """Guardrails come before everything else, minimum sample and success included."""
    metrics = _GOOD | {"success": rates([500, 500], [495, 420])}
    got = decided(design(error_rate_threshold=0.05, minimum_sample_size=10**6), metrics, n=[500, 500])
    assert (got.action, got.cause, got.variant) == ("stop", "guardrail", "treatment_1")
    assert "error_rate of treatment_1, 16.0 %, is above its limit of 5.0 %" in got.reason


@pytest.mark.parametrize(("failures", "action"), [(25, "continue"), (40, "continue"), (90, "stop")])
def test_a_limit_is_violated_only_beyond_chance(failures, action):
    """At the limit nothing happens, a little above not yet."""
    metrics = {"success": rates([500, 500], [480, 500 - failures])}
    assert decided(design(error_rate_threshold=0.05), metrics).action == action


def test_slow_answers_stop():
    """The 95th percentile is held against its threshold, whatever the law of latencies."""
    rng = np.random.default_rng(1)
    arms = [100 * np.exp(0.5 * rng.standard_normal(1000)), 150 * np.exp(0.5 * rng.standard_normal(1000))]
    for threshold, action in ((280, "stop"), (400, "continue")):
        got = decided(design(latency_threshold_ms=threshold), {"latency_ms": values(arms)})
        assert got.action == action


@pytest.mark.parametrize(
    ("bound", "latencies", "action"),
    [
        ({"limit": 120, "action": "pause"}, [100, 130], "pause"),
        ({"limit": 140}, [100, 130], "continue"),
        ({}, [100, 130], "stop"),
        ({"margin": 50}, [100, 130], "continue"),
        ({}, [130, 100], "continue"),
    ],
)
def test_any_metric_can_be_guarded(bound, latencies, action):
    """By a limit, by a margin to control, or by being no worse; one action stops and the other pauses."""
    rail = {"metric": "mean_latency_ms"} | bound
    metrics = {"latency_ms": means([500, 500], latencies, [20, 20])}
    assert decided(design(guardrail_metrics=[rail]), metrics).action == action


def test_a_guardrail_where_more_is_better():
    """Accuracy below its limit is a violation, above it none."""
    for limit, action in ((0.95, "stop"), (0.85, "continue")):
        rail = {"metric": "accuracy", "limit": limit}
        config = design(primary_metric="conversion_rate", guardrail_metrics=[rail])
        metrics = {"accuracy": rates([1000, 1000], [900, 900]), "conversion": rates([1000, 1000], [100, 100])}
        assert decided(config, metrics).action == action


def test_a_quantile_no_worse_than_control():
    """A guardrail on p95 without a limit compares with control."""
    rng = np.random.default_rng(1)
    arms = [100 * np.exp(0.5 * rng.standard_normal(3000)), 200 * np.exp(0.5 * rng.standard_normal(3000))]
    config = design(guardrail_metrics=["p95_latency_ms"])
    assert decided(config, {"latency_ms": values(arms)}).cause == "guardrail"
    assert decided(config, {"latency_ms": values(arms[::-1])}).action == "continue"


def _canary(failing, length=6000):
    rng = np.random.default_rng(7)
    variants = (rng.random(length) < 0.05).astype(int)
    events = (rng.random(length) >= np.array([0.02, failing])[variants]).astype(int)
    config = design(
        test_type="canary",
        primary_metric="success_rate",
        traffic_allocation={"control": 0.95, "treatment_1": 0.05},
    )
    n = [int((variants == arm).sum()) for arm in (0, 1)]
    happened = [int(events[variants == arm].sum()) for arm in (0, 1)]
    return decided(config, {"success": rates(n, happened, blocks=blocked(variants, events, 2))}, units=n)


def test_a_canary_that_fails_is_stopped_without_being_told():
    """Being no worse than control is a guardrail that canaries always have."""
    assert _canary(0.10).cause == "guardrail"
    assert _canary(0.02).action == "continue"


def test_a_canary_that_falls_late_is_stopped_too():
    """Its guardrail forgets the good times, which without restarts outweigh the bad ones for longer."""
    rng = np.random.default_rng(11)
    variants = (rng.random(24_000) < 0.05).astype(int)
    failing = np.where((variants == 1) & (np.arange(24_000) >= 20_000), 0.10, 0.02)
    blocks = blocked(variants, (rng.random(24_000) >= failing).astype(int), 2)
    p_value = float(exact_p_values(blocks, "less")[0])
    from_the_start = e_process.start(e_process.equality("less"))
    for n, mean in zip(np.asarray(blocks.n), np.nan_to_num(blocks.mean), strict=True):
        arms = [Counts(size, round(size * rate)) for size, rate in zip(n, mean, strict=True)]
        from_the_start = e_process.update(from_the_start, *arms, nulls=e_process.equality("less"))
    assert p_value <= 0.05
    assert p_value < e_process.p_values(from_the_start)[0] / 5


def _looks(length, rates_of):
    config = design(sequential="planned_looks", maximum_sample_size=4000, looks=4)
    variants, turns = np.arange(4000) % 2, np.arange(4000) // 2
    rate = np.array(rates_of)[variants]
    events = (np.floor((turns + 1) * rate) > np.floor(turns * rate)).astype(int)  # as even as can be
    cut = blocked(variants[:length], events[:length], 2, cut=lambda i: planned_block_of(i, looks=4, maximum=4000))
    n = [int((variants[:length] == arm).sum()) for arm in (0, 1)]
    happened = [int(events[:length][variants[:length] == arm].sum()) for arm in (0, 1)]
    return decided(config, {"accuracy": rates(n, happened, blocks=cut)})


@pytest.mark.parametrize(
    ("length", "rates_of", "cause"),
    [
        (900, (0.5, 0.8), ""),
        (1001, (0.5, 0.8), "success"),
        (1001, (0.8, 0.5), "harm"),
        (2001, (0.5, 0.49), "futility"),
        (1001, (0.5, 0.53), ""),
    ],
)
def test_planned_looks_decide_at_looks(length, rates_of, cause):
    """Before the first look nothing; at a look its boundaries."""
    got = _looks(length, rates_of)
    assert got.cause == cause
    assert got.look == (None if length < 1000 else length // 1000)


def test_the_best_of_several_need_not_wait_for_the_rest():
    """One clear winner ends the test; two that lead together go on against each other."""
    clear = {"accuracy": rates([5000] * 3, [4400, 4700, 4450])}
    together = {"accuracy": rates([5000] * 3, [4400, 4650, 4560])}
    assert decided(design(2), clear).variant == "treatment_1"
    assert decided(design(2), together).cause in {"success", ""}
    split = {"accuracy": rates([5000] * 3, [4400, 4700, 4700])}
    assert decided(design(2), split).variant in {"treatment_1", "treatment_2"}


def _rollout(step, *, hours=24.0, seen=(900, 100), metrics=_OPEN):
    share = (0.1, 0.5)[step]
    phase = Phase(number=step + 1, allocation={"control": 1 - share, "treatment_1": share}, opened_at=NOW, step=step)
    config = design(
        test_type="gradual_rollout",
        steps=[{"share": 0.1, "minimum_interactions": 100, "minimum_hours": 24}, {"share": 0.5}],
        phases=[phase],
    )
    counts = np.array(seen, dtype=float)
    exposures = (Exposures(np.array([1 - share, share]), counts, counts),)
    return decided(config, metrics, exposures=exposures, now=NOW + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("options", "may", "reason"),
    [
        ({}, True, "all 2 guardrails are kept"),
        ({"hours": 23.0}, False, "has not lasted 24 hours"),
        ({"seen": (891, 99)}, False, "99 of 100 interactions"),
        ({"seen": (300, 700)}, False, "designed shares"),
    ],
)
def test_the_next_step_of_a_rollout(options, may, reason):
    """It is taken when interactions, time and guardrails allow."""
    got = _rollout(0, **options)
    assert (got.action, got.may_advance) == ("continue", may)
    assert reason in got.advance_reason


def test_a_rollout_ends_at_its_last_step_only():
    """Success at the first step is a reason to go on, at the last one to stop."""
    rng = np.random.default_rng(3)
    variants = np.arange(10_000) % 2
    events = (rng.random(10_000) < np.array([0.90, 0.94])[variants]).astype(int)
    better = {"accuracy": rates([5000, 5000], [4500, 4700], blocks=blocked(variants, events, 2))}
    assert _rollout(0, metrics=better).action == "continue"
    assert _rollout(1, metrics=better, seen=(5000, 5000)).cause == "success"
    assert not _rollout(1).may_advance


def _whole(seen, *, step=1, **fields):
    steps = [{"share": 0.1}, {"share": 1.0, "minimum_interactions": 100, "minimum_hours": 24}]
    share = steps[step]["share"]
    phase = Phase(number=2, allocation={"control": 1 - share, "treatment_1": share}, opened_at=NOW, step=step)
    config = design(test_type="gradual_rollout", steps=steps, phases=[phase], **fields)
    counts = np.array([0, seen], dtype=float)
    exposures = (Exposures(np.array([1 - share, share]), counts, counts),) if step else ()
    return decided(config, _OPEN, exposures=exposures, now=NOW + timedelta(hours=24))


def test_a_rollout_to_everybody_is_complete():
    """Once its last step had its interactions and its time; not where results are judged at a planned end."""
    got = _whole(100)
    assert (got.action, got.cause) == ("stop", "rollout")
    assert got.reason.endswith("Step 2 had its interactions and its time, and all 2 guardrails are kept.")
    assert _whole(100, primary_metric="error_rate").reason.endswith("its guardrail is kept.")
    assert _whole(99).action == "continue"
    assert _whole(100, step=0).action == "continue"
    assert _whole(100, sequential="fixed", maximum_sample_size=10_000).action == "continue"


def test_the_end_of_the_time_is_a_planned_end():
    """From that moment on."""
    config = design(ends_at=NOW + timedelta(hours=2))
    assert decided(config, _OPEN, now=NOW + timedelta(hours=1)).action == "continue"
    got = decided(config, _OPEN, now=NOW + timedelta(hours=2))
    assert (got.action, got.cause) == ("stop", "duration")
    assert "UTC" in got.reason


def test_metrics_that_decide_nothing_change_no_decision():
    """A secondary metric, and a number that nobody named, may be there or not."""
    config = design(secondary_metrics=["mean_latency_ms"], latency_threshold_ms=500, minimum_detectable_effect=0.01)
    more = {"latency_ms": values([[1.0, 2.0] * 50, [3.0, 4.0] * 50]), "score": values([[1.0, 2.0], [3.0, 4.0]])}
    for primary in (_GOOD, _BAD, _SAME, _OPEN):
        assert decided(config, primary | more) == decided(config, primary | {"latency_ms": more["latency_ms"]})
        assert decided(config, primary).cause == decided(config, primary | more).cause
