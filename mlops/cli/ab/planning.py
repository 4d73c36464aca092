"""`mlops ab plan`: how large a test must be, how long it takes, and what a size can find."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.options import JsonOption
from mlops.cli.output import Cell

if TYPE_CHECKING:
    from mlops.ab_testing import Plan

__all__ = ["Kind", "Mode", "plan_test"]


class Kind(StrEnum):
    """What is compared, again: importing A/B testing for it would slow down every command's start."""

    PROPORTION = "proportion"
    MEAN = "mean"
    QUANTILE = "quantile"


class Mode(StrEnum):
    """How looks are accounted for."""

    ALWAYS_VALID = "always_valid"
    PLANNED_LOOKS = "planned_looks"
    FIXED = "fixed"


_Effect = Annotated[
    float | None, typer.Option(help="Least difference worth finding, such as 0.02.", show_default=False)
]
_Deviation = Annotated[
    float | None, typer.Option(help="Standard deviation, of means and quantiles.", show_default=False)
]
_Share = Annotated[float | None, typer.Option(help="Share of control. (default: equal shares)", show_default=False)]
_Size = Annotated[int | None, typer.Option(help="Also: what so many interactions can find.", show_default=False)]
_Traffic = Annotated[float | None, typer.Option(help="Interactions of all variants per day.", show_default=False)]


def plan_test(
    *,
    baseline: Annotated[float, typer.Option(help="Rate or mean of control now, such as 0.90.", show_default=False)],
    effect: _Effect = None,
    kind: Annotated[Kind, typer.Option(help="What is compared.")] = Kind.PROPORTION,
    deviation: _Deviation = None,
    quantile: Annotated[float, typer.Option(help="Which quantile.")] = 0.95,
    less_is_better: Annotated[bool, typer.Option("--less-is-better", help="As of errors and latencies.")] = False,
    treatments: Annotated[int, typer.Option(min=1, max=50, help="Treatments beside control.")] = 1,
    share: _Share = None,
    mode: Annotated[Mode, typer.Option(help="How looks are accounted for.")] = Mode.ALWAYS_VALID,
    looks: Annotated[int, typer.Option(min=1, max=100, help="Number of planned looks.")] = 5,
    confidence: Annotated[float, typer.Option(help="One minus the probability of a false alarm.")] = 0.95,
    power: Annotated[float, typer.Option(help="Probability of finding the effect where it is there.")] = 0.8,
    size: _Size = None,
    traffic: _Traffic = None,
    per_user: Annotated[float, typer.Option(help="Interactions of one user, for clustered tests.")] = 1.0,
    correlation: Annotated[float, typer.Option(help="Correlation of interactions of one user.")] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Tell how large a test must be, how long it takes, and what a given size can find."""
    from mlops.ab_testing import PlanRequest, plan

    found = plan(
        PlanRequest(
            kind=str(kind),
            baseline=baseline,
            deviation=deviation,
            effect=effect,
            better="min" if less_is_better else "max",
            quantile=quantile,
            allocation=_allocation(treatments, share),
            mode=str(mode),
            looks=looks,
            confidence_level=confidence,
            power=power,
            size=size,
            traffic_per_day=traffic,
            interactions_per_user=per_user,
            intra_class_correlation=correlation,
        )
    )
    if as_json:
        output.write_json(found.to_document())
        return
    output.write_facts(_facts(found), as_json=False)
    if found.words and output.is_terminal():
        output.write_note(found.words)


def _allocation(treatments: int, share: float | None) -> dict[str, float]:
    own = 1 / (treatments + 1) if share is None else share
    return {"control": own} | {f"treatment_{number}": (1 - own) / treatments for number in range(1, treatments + 1)}


def _facts(found: Plan) -> dict[str, Any]:
    """Return what is known of a plan."""
    facts: dict[str, Any] = {}
    if found.total is not None:
        facts["interactions"] = Cell(found.total, f"{found.total:,}")
        facts |= {f"of {name}": Cell(int(count), f"{count:,.0f}") for name, count in found.per_variant.items()}
        facts["with one look"] = Cell(found.one_look_total, f"{found.one_look_total:,}")
    numbers = {
        "days": (found.days, f"{found.days:,.1f}"),
        "detectable effect": (found.detectable_effect, f"{found.detectable_effect:.4g}"),
        "power at this size": (found.power_at_size, f"{found.power_at_size:.3f}"),
    }
    facts |= {name: Cell(value, shown) for name, (value, shown) in numbers.items() if not math.isnan(value)}
    if found.design_effect != 1:
        facts["design effect"] = Cell(round(found.design_effect, 9), f"{found.design_effect:.3g}")
    return facts
