"""A report on a terminal: verdict, variants, comparisons, guardrails; comparisons as exact rows for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlops.cli.ab.cells import number_cell, tone_style, verdict_style
from mlops.cli.output import Cell, make_table, printable
from mlops.cli.page_parts import heading, pairs

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from mlops.ab_testing import ABTestReport, VariantComparison
    from mlops.ab_testing.measures import Measure
    from mlops.ab_testing.report_data import GuardrailStatus, StratumComparison

__all__ = ["comparison_heads", "comparison_rows", "comparison_table", "report_page", "variant_table"]

_EXACT = (
    "difference", "lower", "upper", "p_value", "adjusted_p_value", "always_valid_p_value", "always_valid_lower",
    "always_valid_upper", "effect_size", "probability_best", "verdict",
)  # fmt: skip
_FIELDS = (
    ("accuracy", "accuracy"), ("precision", "precision"), ("recall", "recall"), ("f1", "f1_score"),
    ("errors", "error_rate"), ("p95 ms", "p95_latency_ms"), ("conversion", "conversion_rate"), ("value", "mean_value"),
    ("abs. error", "mean_absolute_error"),
)  # fmt: skip


def report_page(report: ABTestReport) -> Iterator[RenderableType]:
    """Yield the parts of the page from top to bottom; parts with nothing in them are left out."""
    yield from _verdict(report)
    yield heading("Variants")
    yield variant_table(report)
    yield heading("Against control")
    yield comparison_table(report)
    yield from _strata(report)
    yield from _rails(report)
    yield heading("Can it be believed?")
    yield pairs(dict(_checks(report)))
    yield heading("Method")
    yield from _lines(report.methods)


def _verdict(report: ABTestReport) -> Iterator[RenderableType]:
    from rich.text import Text

    from mlops.ab_testing.report_words import headline, headline_tone, sentences

    yield Text(printable(report.name or report.test_id), "dim")
    yield Text(printable(headline(report)), f"bold {tone_style(headline_tone(report))}".strip())
    yield from (Text(printable(words)) for words in sentences(report))
    if report.stop_reason:
        yield Text(printable(f"{report.status.capitalize()}: {report.stop_reason}"), "dim")
    yield Text(f"{report.interactions:,} interactions, {report.status}, test {report.test_id}", "dim")


def _lines(lines: tuple[str, ...]) -> Iterator[RenderableType]:
    from rich.text import Text

    for line in lines:
        yield Text(printable(line), "dim")


def variant_table(report: ABTestReport) -> Table:
    """Return what was measured of each variant; columns that nobody has are left out."""
    from mlops.ab_testing.report_words import measure_named, model_name, percent, value, variants_of

    names = variants_of(report)
    told = [(head, field) for head, field in _FIELDS if any(_is_known(report, name, field) for name in names)]
    rows = []
    for name in names:
        result = report.results[name]
        values = [number_cell(getattr(result, field), value(result, measure_named(report, field))) for _, field in told]
        labels = number_cell(result.label_coverage, percent(result.label_coverage))
        rows.append([Cell(name, name, "bold"), model_name(result), result.sample_size, labels, *values])
    return make_table(["variant", "model", "interactions", "labels", *(head for head, _ in told)], rows)


def _is_known(report: ABTestReport, name: str, field: str) -> bool:
    return not math.isnan(getattr(report.results[name], field))


def comparison_table(report: ABTestReport) -> Table:
    """Return every named metric of every treatment against control."""
    heads = ("metric", "variant", "difference", "interval", "p", "adjusted", "P(best)", "verdict")
    return make_table(heads, [_compared(report, name, found) for name, found in _named(report)])


def _named(report: ABTestReport) -> Iterator[tuple[str, VariantComparison]]:
    """Yield the comparisons of metrics that the design names, by metric and then by treatment."""
    from mlops.ab_testing.report_words import variants_of

    for metric in dict.fromkeys(one.name for one in report.method.metrics):
        for name in variants_of(report):
            found = report.results[name].comparisons.get(metric)
            if found is not None:
                yield name, found


def _compared(report: ABTestReport, name: str, found: VariantComparison) -> list[Any]:
    from mlops.ab_testing.report_words import (
        beside,
        change,
        deciding_difference,
        deciding_limits,
        interval,
        measure_named,
        p_value,
        percent,
        single_p_value,
    )

    measure: Measure = measure_named(report, found.metric)
    near, limits = beside(report, measure), deciding_limits(report, found)
    difference, p = deciding_difference(report, found), single_p_value(report, found)
    return [
        found.metric,
        name,
        number_cell(difference, change(measure, difference, beside=near)),
        interval(measure, limits, beside=near),
        number_cell(p, p_value(p)),
        number_cell(found.adjusted_p_value, p_value(found.adjusted_p_value)),
        number_cell(found.probability_best, percent(found.probability_best)),
        Cell(str(found.verdict), found.verdict.replace("_", " "), verdict_style(found.verdict)),
    ]


def _strata(report: ABTestReport) -> Iterator[RenderableType]:
    """Yield the primary metric in each of the largest strata, and that this is no test."""
    from mlops.ab_testing.report_strata import NOT_TESTED, largest_strata, more_strata

    if strata := largest_strata(report):
        yield heading(f"{report.primary_metric} by stratum")
        variants = ["variant"] if len(report.results) > 2 else []
        heads = ["stratum", *variants, "values", "control", "treatment", "difference", "interval"]
        rows = [_stratum(report, each, has_variant=bool(variants)) for each in strata]
        yield make_table(heads, rows, wrap=["stratum", "variant", "interval"])
        yield from _lines(tuple(filter(None, (NOT_TESTED, more_strata(report)))))


def _stratum(report: ABTestReport, found: StratumComparison, *, has_variant: bool) -> list[Any]:
    from mlops.ab_testing.report_strata import stratum_change, stratum_value
    from mlops.ab_testing.report_words import measure_named

    measure = measure_named(report, found.metric)
    size, limits = stratum_change(report, found)
    return [
        found.stratum,
        *([found.variant] if has_variant else []),
        f"{found.control_count:,} + {found.count:,}",
        number_cell(found.control, stratum_value(measure, found.control)),
        number_cell(found.value, stratum_value(measure, found.value)),
        number_cell(found.difference, size),
        limits,
    ]


def _rails(report: ABTestReport) -> Iterator[RenderableType]:
    if report.guardrails:
        yield heading("Guardrails")
        yield make_table(["state", "what"], [_rail(report, rail) for rail in report.guardrails], wrap=["what"])


def _rail(report: ABTestReport, rail: GuardrailStatus) -> list[Any]:
    from mlops.ab_testing.report_rails import rail_state

    state, tone = rail_state(report, rail)
    return [Cell(rail.is_violated, state, tone_style(tone)), rail.words]


def _checks(report: ABTestReport) -> Iterator[tuple[str, str]]:
    yield "traffic", printable(report.sample_ratio.words or "Nothing has arrived yet.")
    yield "labels", printable(report.label_coverage.words or "None are known yet.")
    for number, words in enumerate(report.cautions, start=1):
        yield f"caution {number}", printable(words)


def comparison_heads() -> tuple[str, ...]:
    """Return the headings of `comparison_rows`."""
    return ("variant", "metric", *_EXACT)


def comparison_rows(report: ABTestReport) -> list[list[Any]]:
    """Return every comparison with full precision, for programs."""
    return [
        [name, found.metric, *(_exact(getattr(found, field)) for field in _EXACT)]
        for name, result in report.results.items()
        for found in result.comparisons.values()
    ]


def _exact(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
