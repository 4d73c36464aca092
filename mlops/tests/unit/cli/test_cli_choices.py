"""Choices of options that are written again, so that the command starts quickly, are the domains' own."""

from __future__ import annotations

from enum import StrEnum
from typing import get_args

import pytest

from mlops.ab_testing import PlanRequest
from mlops.ab_testing.entities import MetricKind, TestStatus
from mlops.cli.ab import listing as ab_tests
from mlops.cli.ab import planning
from mlops.cli.cells import status_cell
from mlops.cli.data import runs
from mlops.cli.experiments import listing as experiments
from mlops.cli.jobs import listing as jobs
from mlops.cli.models import listing as models
from mlops.cli.models.moving import Target
from mlops.data_pipeline.entities import RunStatus
from mlops.experiment_tracker import ExperimentStatus
from mlops.feature_store import MaterializationStatus
from mlops.jobs import JobStatus
from mlops.model_registry import ModelStatus

STATUSES = [
    (ab_tests.Status, TestStatus),
    (runs.Status, RunStatus),
    (experiments.Status, ExperimentStatus),
    (jobs.Status, JobStatus),
    (models.Status, ModelStatus),
]


@pytest.mark.parametrize(("offered", "known"), STATUSES)
def test_options_offer_the_statuses_that_there_are(offered: type[StrEnum], known: type[StrEnum]) -> None:
    """None is left out, and none is offered that nothing can have."""
    assert {str(member) for member in offered} == {str(member) for member in known}


@pytest.mark.parametrize("known", [*(known for _, known in STATUSES), MaterializationStatus])
def test_every_status_can_be_shown(known: type[StrEnum]) -> None:
    """Programs get the bare word, people a dot before it."""
    cells = {str(member): status_cell(member) for member in known}
    assert all((cell.value, cell.shown[1:]) == (status, f" {status}") for status, cell in cells.items())


def test_what_has_not_begun_or_is_gone_has_a_hollow_dot() -> None:
    """Whatever it is a status of."""
    shown = [status_cell(status).shown[0] for status in ("queued", "archived", "running", "failed", "production")]
    assert shown == ["○", "○", "●", "●", "●"]


def test_models_are_promoted_to_statuses_that_there_are() -> None:
    """Not to all of them."""
    assert {str(member) for member in Target} < {str(member) for member in ModelStatus}


def test_plans_offer_what_can_be_planned() -> None:
    """Every way of accounting for looks, and every kind of metric that a plan does not refuse."""
    assert {str(member) for member in planning.Mode} == set(get_args(PlanRequest.model_fields["mode"].annotation))
    assert {str(member) for member in planning.Kind} == {str(member) for member in MetricKind} - {"ratio"}
