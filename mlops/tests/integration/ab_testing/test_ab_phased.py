"""Shares that change while a test runs, through the whole way: users, interactions, statistics, results."""

from __future__ import annotations

from typing import Any

import pytest

from mlops.ab_testing import ABTestInteraction
from mlops.ab_testing.service import ABTestManagerService
from mlops.tests.integration.ab_testing.conftest import Start


def _log(manager: ABTestManagerService, test_id: str, users: range, converts: range, **request: Any) -> None:
    """Log one interaction of each user; of every ten users of an arm so many convert."""
    seen: dict[str, int] = {}
    found = []
    for number in users:
        variant = manager.assign_variant(test_id, f"u{number}")
        assert variant is not None
        place = seen[variant] = seen.get(variant, -1) + 1
        found.append(
            ABTestInteraction(
                interaction_id=f"i{number}",
                test_id=test_id,
                user_id=f"u{number}",
                variant_id=variant,
                conversion=place % 10 in converts,
                request_data=request,
            )
        )
    manager.log_interactions(found)


def test_a_drift_beside_changed_shares_is_no_difference(manager: ABTestManagerService, start: Start) -> None:
    """Conversion falls from 90 to 50 % for everybody, and the treatment becomes small: the arms do not differ."""
    test_id = start()
    _log(manager, test_id, range(400), range(9))
    manager.change_allocation(test_id, {"control": 0.9, "treatment_1": 0.1}, "a doubt")
    _log(manager, test_id, range(400, 1000), range(5))
    results = manager.calculate_results(test_id)
    plain = results["treatment_1"].conversion_rate - results["control"].conversion_rate
    got = results["treatment_1"].comparison
    assert got is not None
    assert plain > 0.1
    assert abs(got.difference) < 0.04
    assert (got.is_significant, got.method) == (False, "mantel_haenszel, asymptotic")
    report = manager.get_report(test_id)
    assert any("within phases" in caution for caution in report.cautions)
    assert dict(report.sample_ratio.logged) == {"control": 1.0, "treatment_1": 1.0}
    assert manager.verify_aggregates(test_id).is_equal


def test_a_drift_is_no_difference_in_any_stratum(manager: ABTestManagerService, start: Start) -> None:
    """The final report shows each site over its phases, compared within them; what is stored reads back the same."""
    test_id = start(strata=("site",))
    _log(manager, test_id, range(400), range(9), site="Turin")
    manager.change_allocation(test_id, {"control": 0.9, "treatment_1": 0.1}, "a doubt")
    _log(manager, test_id, range(400, 1000), range(5), site="Turin")
    _log(manager, test_id, range(1000, 1100), range(5), site="Basel")
    turin, basel = manager.stop_test(test_id).strata
    assert (turin.stratum, turin.control_count + turin.count) == ("Turin", 1000)
    assert (basel.stratum, basel.control_count + basel.count) == ("Basel", 100)
    assert turin.value - turin.control > 0.1
    assert abs(turin.difference) < 0.04
    assert manager.get_final_report(test_id).strata == (turin, basel)


def test_users_who_never_log_are_seen(manager: ABTestManagerService, start: Start) -> None:
    """What an arm loses after assignment is told by the share of its users that logged anything, by phase."""
    test_id = start()
    variants = {f"u{number}": manager.assign_variant(test_id, f"u{number}") for number in range(600)}
    kept = [user for number, (user, variant) in enumerate(variants.items()) if variant != "control" or number % 3]
    manager.log_interactions(
        [
            ABTestInteraction(interaction_id=f"i{user}", test_id=test_id, user_id=user, variant_id=variants[user] or "")
            for user in kept
        ]
    )
    found = manager.get_report(test_id).sample_ratio
    assert found.logged["treatment_1"] == 1.0
    assert found.logged["control"] == pytest.approx(2 / 3, abs=0.08)
    assert (found.is_mismatch, found.is_loss) == (True, True)


def _interactions(manager: ABTestManagerService, test_id: str, users: range, level: int) -> list[ABTestInteraction]:
    """Return five interactions of each user, of which so many of ten go well; nothing is logged."""
    variants = {number: manager.assign_variant(test_id, f"u{number}") for number in users}
    return [
        ABTestInteraction(
            interaction_id=f"{number}-{turn}",
            test_id=test_id,
            user_id=f"u{number}",
            variant_id=variant or "",
            latency_ms=100.0 + number % 7,
            conversion=(number + 3 * turn) % 10 < level,
            request_data={"before": float(number % 5)},
            response_data={"prediction": (number + turn) % 2, "pages": level + (number + turn) % 4},
        )
        for turn in range(5)
        for number, variant in variants.items()
    ]


def _roll_out(manager: ABTestManagerService, test_id: str, *, order: int = 1) -> None:
    """Log two steps of a rollout, the users of the first one going on in the second; labels come late, early and twice.

    Args:
        order: 1 or -1, in which all that comes together comes.
    """
    early = _interactions(manager, test_id, range(150), level=9)
    manager.log_interactions(early[:450][::order])
    manager.change_allocation(test_id, {"control": 0.3, "treatment_1": 0.7}, "all is well")
    late = [*early[450:], *_interactions(manager, test_id, range(150, 350), level=5)]
    truths = {each.interaction_id: int(each.interaction_id[0]) % 2 for each in (*early, *late)}
    manager.record_outcomes({name: truths[name] for name in [*truths][300:750][::order]}, test_id=test_id)
    manager.log_interactions(late[::order])
    manager.record_outcomes({name: 1 - truths[name] for name in [*truths][350:450]}, test_id=test_id)
    manager.record_outcomes({name: truths[name] for name in [*truths][:1000:2][::order]}, test_id=test_id)


_DELTA, _CUPED, _RATES = "stratified_delta_method", "stratified_cuped", "mantel_haenszel"
_RATIO: dict[str, Any] = {"kind": "ratio", "numerator": "pages", "denominator": "latency_ms", "direction": "max"}
_DESIGNS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "clusters": (
        {"cluster": True, "secondary_metrics": ["accuracy", "pace"], "metrics": {"pace": _RATIO}},
        {"conversion_rate": _DELTA, "accuracy": _DELTA, "pace": _DELTA},
    ),
    "covariates": (
        {"cuped": "before", "secondary_metrics": ["accuracy"]},
        {"conversion_rate": _CUPED, "accuracy": _CUPED},
    ),
    "scores": (
        {"positive_label": 1, "secondary_metrics": ["f1_score", "precision", "recall"]},
        {"f1_score": _DELTA, "precision": _RATES, "recall": _RATES},
    ),
    "ratios": ({"primary_metric": "pace", "metrics": {"pace": _RATIO}}, {"pace": _DELTA}),
}


@pytest.mark.parametrize("kind", _DESIGNS)
@pytest.mark.parametrize("order", [1, -1])
def test_what_units_log_belongs_to_the_phase_in_which_they_came(
    manager: ABTestManagerService, start: Start, kind: str, order: int
) -> None:
    """In whichever order interactions, labels and corrections come: statistics are those of the log, by phase."""
    fields, methods = _DESIGNS[kind]
    test_id = start(traffic_allocation={"control": 0.7, "treatment_1": 0.3}, **fields)
    _roll_out(manager, test_id, order=order)
    assert manager.verify_aggregates(test_id).differences == ()
    results = manager.calculate_results(test_id)["treatment_1"].comparisons
    assert {name: results[name].method.split(",")[0] for name in methods} == methods
    report = manager.get_report(test_id)
    assert not any("over all phases together" in caution for caution in report.cautions)
    assert not report.label_coverage.is_imbalanced


def test_a_drift_of_clusters_is_no_difference(manager: ABTestManagerService, start: Start) -> None:
    """Conversion falls from 90 to 50 % for everybody, and the treatment becomes large: within steps nothing differs."""
    test_id = start(traffic_allocation={"control": 0.7, "treatment_1": 0.3}, cluster=True)
    _roll_out(manager, test_id)
    results = manager.calculate_results(test_id)
    got = results["treatment_1"].comparison
    assert got is not None
    assert results["treatment_1"].conversion_rate - results["control"].conversion_rate < -0.1
    assert abs(got.difference) < 0.03
    assert (got.is_significant, got.method) == (False, "stratified_delta_method, asymptotic")
