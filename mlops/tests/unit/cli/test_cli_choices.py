"""Choices of options that are written again, so that the command starts quickly, are the domains' own."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import get_args

import pytest

from mlops.ab_testing import PlanRequest
from mlops.ab_testing.entities import MetricKind, TestStatus
from mlops.cli.ab import cells as ab_cells
from mlops.cli.ab import listing as ab_tests
from mlops.cli.ab import planning
from mlops.cli.data import runs
from mlops.cli.jobs import cells as job_cells
from mlops.cli.jobs import listing as jobs
from mlops.cli.output import Cell
from mlops.data_pipeline.entities import RunStatus
from mlops.jobs import JobStatus


@pytest.mark.parametrize(
    ("offered", "known", "cell"),
    [
        (ab_tests.Status, TestStatus, ab_cells.status_cell),
        (runs.Status, RunStatus, runs.status_cell),
        (jobs.Status, JobStatus, job_cells.status_cell),
    ],
)
def test_options_offer_the_statuses_that_there_are(
    offered: type[StrEnum], known: type[StrEnum], cell: Callable[[str], Cell]
) -> None:
    """None is left out, none is offered that nothing can have, and each can be shown."""
    assert {str(member) for member in offered} == {str(member) for member in known}
    assert [cell(str(member)).value for member in offered] == [str(member) for member in offered]


def test_plans_offer_what_can_be_planned() -> None:
    """Every way of accounting for looks, and every kind of metric that a plan does not refuse."""
    assert {str(member) for member in planning.Mode} == set(get_args(PlanRequest.model_fields["mode"].annotation))
    assert {str(member) for member in planning.Kind} == {str(member) for member in MetricKind} - {"ratio"}
