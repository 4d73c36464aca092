"""The chapter on A/B testing: two registered versions meet the held-out biopsies, and the truth arrives days later.

A replay: each biopsy is answered once, by the version that its id is assigned, and its diagnosis is told as many days
later as it took. A hundred biopsies are few; what is told at the end says so.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from mlops import clock
from mlops.cli.ab.report_page import comparison_table, variant_table
from mlops.cli.ab.reporting import write_files
from mlops.cli.demo.biopsies import COLLECTED, DIAGNOSED, PROJECT, SAMPLE, Split
from mlops.cli.demo.registry_chapter import MODEL_ID
from mlops.cli.demo.shell import typed_path

if TYPE_CHECKING:
    from mlops.ab_testing import ABTestConfig, ABTestReport
    from mlops.ab_testing.service import ABTestManagerService
    from mlops.model_registry import ModelRegistry

__all__ = ["show"]

_EFFECT = 0.03
_MOST_ASSUMED = 0.96  # accuracy that is planned with, so that a rate of 1 is not within reach of the effect
_PER_DAY = 15.0  # biopsies that this laboratory takes
_SLOWEST_MS = 1000.0
_PATIENCE_S = 60.0

Event = tuple[datetime, int, bool]  # when, row of the held-out part, whether it is the diagnosis


def show(console: Console, split: Split, versions: list[str], folder: Path) -> dict[str, Any]:
    """Tell the chapter.

    Args:
        versions: The version in production, and the one that wants to replace it.

    Returns:
        The test's id, what it concluded, and where its report is.
    """
    console.print(Rule("8  Both versions on held-out biopsies, the truth days later", align="left"))
    registry = _open_registry(folder)
    with closing(registry.sync), closing(_open_manager(folder, registry)) as manager:
        design = _design(registry, versions, size=len(split.test))
        _tell_plan(console, design)
        test_id = manager.create_test(design)
        manager.start_test(test_id)
        _Replay(manager, test_id, _models(registry, versions), split).run(console)
        report = manager.get_report(test_id)
        proved = manager.verify_aggregates(test_id)
    _tell_result(console, report, is_proved=proved.is_equal)
    place = folder / "ab_tests" / test_id  # where the report of the end is, which knew fewer labels
    written = write_files(report, html=place / "with_late_labels.html", png=place / "with_late_labels.png")
    for name, path in zip(("Report: ", "Picture:"), written, strict=True):
        console.print(f"{name} {typed_path(path)}", highlight=False, soft_wrap=True)
    console.print()
    return {
        "test_id": test_id,
        "interactions": report.interactions,
        "verdict": str(report.verdict),
        "conclusion": report.conclusion,
        "is_proved": proved.is_equal,
        "report": [str(path) for path in written],
    }


def _open_registry(folder: Path) -> ModelRegistry:
    from mlops import ModelRegistry

    return ModelRegistry(str(folder / "models"), f"sqlite:///{folder / 'mlops.db'}", project=PROJECT)


def _open_manager(folder: Path, registry: ModelRegistry) -> ABTestManagerService:
    from mlops.ab_testing import ABTestManager

    database = f"sqlite:///{folder / 'mlops.db'}"
    return ABTestManager(database, folder / "ab_tests", registry=registry, project=PROJECT).sync


def _design(registry: ModelRegistry, versions: list[str], *, size: int) -> ABTestConfig:
    from mlops.ab_testing import ABTestConfig, TestType

    serving, challenger = versions
    accuracy = registry.sync.get_model_metadata(MODEL_ID, serving).accuracy
    return ABTestConfig(
        name=f"{MODEL_ID} {challenger} against {serving}",
        description="A replay of the held-out biopsies, at the times of their collection moved to the present.",
        hypothesis="The version that learnt from more biopsies is right more often.",
        test_type=TestType.CHAMPION_CHALLENGER,
        control_model_id=MODEL_ID,
        control_model_version=serving,
        treatment_models=[{"model_id": MODEL_ID, "version": challenger}],
        traffic_allocation={"control": 0.5, "treatment_1": 0.5},
        primary_metric="accuracy",
        secondary_metrics=("recall", "mean_latency_ms"),
        positive_label=1,
        latency_threshold_ms=_SLOWEST_MS,
        error_rate_threshold=0.05,
        sequential="fixed",  # the number of biopsies is given, so that one look at all of them says the most
        maximum_sample_size=size,
        baseline_rate=min(accuracy or _MOST_ASSUMED, _MOST_ASSUMED),
        expected_traffic_per_day=_PER_DAY,
        owner="pathology",
    )


def _tell_plan(console: Console, design: ABTestConfig) -> None:
    from mlops.ab_testing import PlanRequest, plan

    asked = PlanRequest(baseline=design.baseline_rate, effect=_EFFECT, mode="fixed", traffic_per_day=_PER_DAY)
    planned = plan(asked)
    console.print(
        f"To find {100 * _EFFECT:g} points more of accuracy with a power of 80 % takes {planned.total:,} biopsies: "
        f"{planned.days:,.0f} days of {_PER_DAY:g}. There are {design.maximum_sample_size}, so that only a large "
        "difference can show."
    )


def _models(registry: ModelRegistry, versions: list[str]) -> dict[str, Any]:
    """Return the estimators of the variants."""
    names = ("control", "treatment_1")
    return {name: registry.sync.get_model(MODEL_ID, version)[0] for name, version in zip(names, versions, strict=True)}


class _Replay:
    """Answers each biopsy when it is collected and tells its diagnosis when it is known, in the order of time."""

    def __init__(self, manager: ABTestManagerService, test_id: str, models: Mapping[str, Any], split: Split) -> None:
        self._manager = manager
        self._test_id = test_id
        self._models = models
        self._split = split
        self._samples = [str(sample) for sample in split.test_samples[SAMPLE]]

    def run(self, console: Console) -> None:
        """Let everything happen; say how much of the truth is known when the last biopsy is answered."""
        from threadpoolctl import threadpool_limits

        events = self._events()
        last = max(index for index, (_, _, is_diagnosis) in enumerate(events) if not is_diagnosis)
        with threadpool_limits(limits=1, user_api="openmp"):  # one sample at a time, threads only wait for each other
            for index, (at, row, is_diagnosis) in enumerate(events):
                if is_diagnosis:
                    truth = int(self._split.test_target.iloc[row])
                    self._manager.record_outcome(self._samples[row], truth, test_id=self._test_id)
                else:
                    self._answer(row, at)
                if index == last:
                    self._tell_end(console)

    def _events(self) -> list[Event]:
        """Return what happens, moved by whole days so that the last diagnosis is known by now."""
        collected, diagnosed = self._moments(COLLECTED), self._moments(DIAGNOSED)
        moved = timedelta(days=(clock.now() - max(diagnosed)).days)
        answers = [(at + moved, row, False) for row, at in enumerate(collected)]
        return sorted([*answers, *((at + moved, row, True) for row, at in enumerate(diagnosed))])

    def _moments(self, column: str) -> list[datetime]:
        import pandas as pd

        found: list[datetime] = pd.to_datetime(self._split.test_samples[column], utc=True).dt.to_pydatetime().tolist()
        return found

    def _answer(self, row: int, at: datetime) -> None:
        """Have the version that a sample is assigned answer, and log what it said and how long it took."""
        from mlops.ab_testing import ABTestInteraction

        sample = self._samples[row]
        variant = self._manager.assign_variant(self._test_id, sample)
        assert variant is not None  # everybody takes part
        began = time.perf_counter()
        probability = float(self._models[variant].predict_proba(self._split.test.iloc[[row]])[0, 1])
        took = 1000 * (time.perf_counter() - began)
        self._manager.log_interaction(
            ABTestInteraction(
                interaction_id=sample,
                test_id=self._test_id,
                variant_id=variant,
                user_id=sample,
                response_data={"prediction": int(probability >= 0.5), "confidence": max(probability, 1 - probability)},
                latency_ms=took,
                success=True,
                timestamp=at,
            )
        )

    def _tell_end(self, console: Console) -> None:
        """Wait for the manager to end the test by itself, and say how much of the truth is known then."""
        patience = time.monotonic() + _PATIENCE_S
        while (test := self._manager.get_test_config(self._test_id)).status == "running":
            if time.monotonic() > patience:
                raise SystemExit(f"Test {self._test_id} did not end after its {test.maximum_sample_size} interactions.")
            time.sleep(0.02)
        results = self._manager.calculate_results(self._test_id)
        shares = ", ".join(f"{name} {result.label_coverage:.0%}" for name, result in results.items())
        console.print(
            f"The test has ended by itself: {test.stop_reason} Diagnoses are known for {shares}; the last come days "
            "later, and count all the same:\n"
        )


def _tell_result(console: Console, report: ABTestReport, *, is_proved: bool) -> None:
    from mlops.ab_testing.report_words import headline, titled

    console.print(variant_table(report))
    console.print()
    console.print(comparison_table(report))
    console.print(Text.assemble("\n", (headline(report), "bold"), f". {titled(report.conclusion)}"))
    console.print(Text(f"{report.sample_ratio.words} {report.label_coverage.words}"))
    if is_proved:
        console.print(Text("Every statistic equals what the log of interactions and labels makes.", "dim"))
    console.print()
