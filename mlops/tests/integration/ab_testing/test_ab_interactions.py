"""Logging: once each, refused with reasons, counted in the same transaction as it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import pytest

from mlops.ab_testing import (
    ABTestInteraction,
    ABTestManager,
    ABTestNotFound,
    ABTestNotRunning,
    InteractionConflict,
    InteractionRefused,
    VariantMismatch,
    VariantNotFound,
)
from mlops.ab_testing.service import ABTestManagerService
from mlops.errors import InvalidInput
from mlops.records import encode_json
from mlops.tests.integration.ab_testing.conftest import Start, design

Log = Callable[..., ABTestInteraction]


def _total(manager: ABTestManagerService, test_id: str) -> int:
    return sum(result.sample_size for result in manager.calculate_results(test_id).values())


def test_the_same_again_changes_nothing(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """Logging is idempotent by the interaction's id."""
    test_id = start()
    interaction = log(test_id, 1)
    manager.log_interaction(interaction)
    manager.log_interactions([interaction, interaction])
    assert _total(manager, test_id) == 1


def test_another_content_is_a_conflict(start: Start, log: Log) -> None:
    """An id stands for one interaction."""
    test_id = start()
    log(test_id, 1)
    with pytest.raises(InteractionConflict, match="i1"):
        log(test_id, 1, latency_ms=999.0)


def test_another_variant_is_refused(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """Only the variant that was assigned is counted."""
    test_id = start()
    wrong = "control" if manager.assign_variant(test_id, "user_1") == "treatment_1" else "treatment_1"
    with pytest.raises(VariantMismatch, match=wrong):
        log(test_id, 1, variant_id=wrong)
    with pytest.raises(VariantNotFound, match="treatment_1"):
        log(test_id, 1, variant_id="treatment_9")
    assert _total(manager, test_id) == 0


def test_results_hold_what_was_measured(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """Counts, rates, means and quantiles are those of the interactions."""
    test_id = start()
    logged = [log(test_id, number) for number in range(80)]
    results = manager.calculate_results(test_id)
    for variant, result in results.items():
        own = [each for each in logged if each.variant_id == variant]
        latencies = [float(each.latency_ms or 0) for each in own]
        assert (result.sample_size, result.users) == (len(own), len(own))
        assert result.mean_latency_ms == pytest.approx(sum(latencies) / len(own))
        assert result.conversion_rate == pytest.approx(sum(bool(each.conversion) for each in own) / len(own))
        assert result.error_rate == 0
        assert result.metrics["confidence"].count == len(own)
        assert result.p95_latency_ms == pytest.approx(106, rel=0.02)


_RATIO = {"kind": "ratio", "numerator": "confidence", "denominator": "latency_ms"}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"cluster": True},
        {"strata": ("site", "lot")},
        {"cuped": "before"},
        {
            "secondary_metrics": ("ratio",),
            "metrics": {"ratio": _RATIO},
        },
        {"traffic_allocation": {"control": 0.95, "treatment_1": 0.05}},
        {"metrics": {"confidence": {"kind": "quantile"}}, "secondary_metrics": ("confidence",)},
    ],
    ids=["plain", "clustered", "stratified", "covariate", "ratio", "e-process", "quantile"],
)
def test_the_log_makes_the_same_statistics(
    manager: ABTestManagerService, start: Start, log: Log, fields: dict[str, Any]
) -> None:
    """Whatever the design, what grew with the log equals what the whole log makes; rebuilding changes nothing."""
    test_id = start(**fields)
    for number in range(130):
        request = {"site": f"s{number % 2}", "lot": number % 3, "before": number / 3}
        log(test_id, number, user_id=f"user_{number % 17}", request_data=request)
    for number in range(0, 130, 2):
        manager.record_outcome(f"i{number}", "yes" if number % 4 else "no")
    manager.record_outcome("i4", "yes")
    before = manager.calculate_results(test_id)
    assert manager.verify_aggregates(test_id).differences == ()
    assert manager.rebuild_aggregates(test_id).is_equal
    assert repr(manager.calculate_results(test_id)) == repr(before)


def test_a_damaged_statistic_is_found_and_mended(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """Verification names what is wrong; a rebuild puts it right."""
    test_id = start()
    for number in range(5):
        log(test_id, number)
    with manager._database.write() as tx:
        from mlops.ab_testing.sql.tables import cells

        tx.execute(cells.delete().where(cells.c.metric == "latency_ms"))
    assert any("latency_ms" in words for words in manager.verify_aggregates(test_id).differences)
    assert not manager.rebuild_aggregates(test_id).is_equal
    assert manager.verify_aggregates(test_id).is_equal


def test_only_live_tests_take_interactions(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """The error says what to do."""
    planned = manager.create_test(design())
    with pytest.raises(ABTestNotRunning, match="start_test"):
        log(planned, 1, variant_id="control")
    over = start()
    manager.stop_test(over)
    with pytest.raises(ABTestNotRunning, match="completed"):
        log(over, 1, variant_id="control")
    with pytest.raises(ABTestNotFound):
        log("nowhere", 1, variant_id="control")


def test_a_batch_is_all_or_nothing(manager: ABTestManagerService, start: Start) -> None:
    """One refusal takes the whole batch back."""
    test_id = start()
    good = [_raw(manager, test_id, number) for number in range(3)]
    with pytest.raises(VariantNotFound):
        manager.log_interactions([*good, good[0].changed(interaction_id="bad", variant_id="none")])
    assert _total(manager, test_id) == 0
    manager.log_interactions(good)
    assert _total(manager, test_id) == 3


def test_poisoned_callers_fail_alone(database_url: str, tmp_path: Path) -> None:
    """Among many concurrent callers each learns the fate of its own interaction."""

    async def log_all() -> tuple[list[BaseException | None], int, bool]:
        async with ABTestManager(database_url, tmp_path) as manager:
            test_id = await manager.create_test(design())
            await manager.start_test(test_id)
            items = [_raw(manager.sync, test_id, number) for number in range(60)]
            poisoned = [
                item.changed(variant_id="nobody") if number % 7 == 0 else item for number, item in enumerate(items)
            ]
            fates = await asyncio.gather(*map(manager.log_interaction, poisoned), return_exceptions=True)
            return fates, _total(manager.sync, test_id), (await manager.verify_aggregates(test_id)).is_equal

    fates, total, is_equal = asyncio.run(log_all())
    assert [isinstance(fate, VariantNotFound) for fate in fates] == [number % 7 == 0 for number in range(60)]
    assert (total, is_equal) == (51, True)


def test_a_number_that_is_none_is_refused(start: Start, log: Log) -> None:
    """NaN in an answer, or a covariate that is text."""
    test_id = start(cuped="before")
    with pytest.raises(InteractionRefused, match="nan"):
        log(test_id, 1, response_data={"score": float("nan")})
    with pytest.raises(InteractionRefused, match="covariate"):
        log(test_id, 2, request_data={"before": "much"})


def test_values_that_the_design_rules_out_are_refused(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """A proportion that is none, and a value beyond its bounds; nothing of it is stored, forced variants included."""
    test_id = start(metrics={"passed": {"kind": "proportion"}, "score": {"lower": 0, "upper": 1}})
    manager.force_variant(test_id, "user_9", "control")
    for number in (1, 9):
        with pytest.raises(InteractionRefused, match=r"'passed' is 0.5; it is a proportion"):
            log(test_id, number, response_data={"passed": 0.5})
        with pytest.raises(InteractionRefused, match=r"'score' is 1.5; the design allows 0.0 to 1.0"):
            log(test_id, number, response_data={"score": 1.5})
    log(test_id, 1, response_data={"passed": True, "score": 1})
    assert _total(manager, test_id) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": "Žofie · 検体 🧪 " + "é" * 200},
        {"interaction_id": "' OR 1=1 --", "request_id": "r\u00e9"},
        {"response_data": {"größe": 1e60, "prediction": "x" * 1_000_000}},
        {"request_data": {"note": "\u0000" + "n" * 1_000_000}},
        {"latency_ms": 0.0},
    ],
    ids=["unicode", "quotes", "large", "long", "zero"],
)
def test_strange_interactions_are_counted_like_others(
    manager: ABTestManagerService, start: Start, log: Log, fields: dict[str, Any]
) -> None:
    """What may be logged is counted once, joined to its label, and the log makes the same."""
    test_id = start(cluster=True)
    interaction = log(test_id, 1, **fields)
    log(test_id, 2, user_id=interaction.user_id, response_data=interaction.response_data)
    manager.record_outcome(interaction.interaction_id, "yes")
    assert _total(manager, test_id) == 2
    assert manager.verify_aggregates(test_id).is_equal


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": "u" * 10**6},
        {"interaction_id": ""},
        {"interaction_id": "a\x00b"},
        {"request_id": "a\x00b"},
        {"latency_ms": -1.0},
        {"latency_ms": float("nan")},
        {"value": float("inf")},
    ],
    ids=["long", "empty", "nul", "nul-request", "negative", "nan", "infinite"],
)
def test_impossible_interactions_cannot_be_made(fields: dict[str, Any]) -> None:
    """The field is named before anything reaches the database."""
    usual = {"interaction_id": "i", "test_id": "t", "variant_id": "control", "user_id": "u"}
    with pytest.raises(InvalidInput, match=next(iter(fields))):
        ABTestInteraction(**(usual | fields))


@pytest.mark.parametrize("year", [1, 1970, 9999])
def test_a_moment_that_cannot_be_is_refused(start: Start, log: Log, year: int) -> None:
    """Statistics are kept by day, and nobody may name days without end."""
    test_id = start()
    with pytest.raises(InteractionRefused, match=f"timestamp is of {year:04}-01-01"):
        log(test_id, 1, timestamp=datetime(year, 1, 1, 12, tzinfo=UTC))


def test_ids_do_not_become_metrics(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """A test has at most 200 metrics; the 201st name is refused, and nothing of it is stored."""
    test_id = start()
    for number in range(4):
        log(test_id, number, response_data={f"metric_{number}_{index}": 1 for index in range(49)})
    with pytest.raises(InteractionRefused, match="200 metrics"):
        log(test_id, 9, response_data={f"other_{index}": 1 for index in range(20)})
    assert _total(manager, test_id) == 4


def test_anything_but_an_interaction_is_refused(manager: ABTestManagerService) -> None:
    """The message shows how it is done."""
    with pytest.raises(InvalidInput, match="ABTestInteraction"):
        manager.log_interaction({"interaction_id": "i"})  # type: ignore[arg-type]


def _raw(manager: ABTestManagerService, test_id: str, number: int) -> ABTestInteraction:
    user = f"user_{number}"
    variant = manager.assign_variant(test_id, user)
    assert variant is not None
    return ABTestInteraction(
        interaction_id=f"i{number}", test_id=test_id, variant_id=variant, user_id=user, success=True
    )


_WORDS = (
    "Prüfung µ",
    "日本語 テスト",
    "тест & <b>x</b>",
    'עברית "q"',
    "😀 🏥",
    "e\u0301 combined",
    "{{7*7}}",
)


@pytest.mark.parametrize("word", _WORDS)
def test_letters_of_all_scripts_go_through_to_the_page(
    manager: ABTestManagerService, start: Start, tmp_path: Path, word: str
) -> None:
    """As ids, stratum, metric, class, hypothesis and reason; statistics, report and page have them."""
    test_id = start(test_id=word, name=word, strata=("site",), primary_metric="accuracy", hypothesis=word)
    for number in range(6):
        user, name = f"{word} {number}", f"i {word} {number}"
        variant = manager.assign_variant(test_id, user)
        fields = {"interaction_id": name, "test_id": test_id, "user_id": user, "request_id": name}
        answer = {"prediction": word, f"m {word}": float(number)}
        manager.log_interaction(
            ABTestInteraction(variant_id=variant, request_data={"site": word}, response_data=answer, **fields)
        )
        manager.record_outcome(name, word if number % 2 else "other", test_id=test_id)
    assert manager.verify_aggregates(test_id).differences == ()
    assert manager.rebuild_aggregates(test_id).is_equal
    report = manager.stop_test(test_id, word)
    assert (report.test_id, report.stop_reason, report.interactions) == (word, word, 6)
    assert encode_json(manager.get_final_report(test_id).to_document()) == encode_json(report.to_document())
    assert sum(result.labelled for result in report.results.values()) == 6
    [page] = (tmp_path / "ab_tests").glob("*/report.html")
    text = page.read_text("utf-8")
    assert {f"m {word}" in result.metrics for result in report.results.values()} == {True}
    assert escape(word) in text
    assert escape(f"m {word}") in text
    assert "<b>x</b>" not in text
    assert (page.parent / "report.png").read_bytes().startswith(b"\x89PNG")
