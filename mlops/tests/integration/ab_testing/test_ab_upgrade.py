"""Databases in which units were summed without their phase open, say what they cannot split, and can be mended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mlops.ab_testing import ABTestInteraction, ABTestManager
from mlops.ab_testing.service import ABTestManagerService
from mlops.database import Database, Transaction, current, head, open_database
from mlops.stats.moments import ExactPairMoments
from mlops.tests.integration.ab_testing.conftest import design

_OLD = (
    "CREATE TABLE ab_moments (test_id TEXT NOT NULL, kind TEXT NOT NULL, variant TEXT NOT NULL, metric TEXT NOT NULL, "
    "document TEXT NOT NULL, CONSTRAINT pk_ab_moments PRIMARY KEY (test_id, kind, variant, metric))"
)


def _take_back(database: Database) -> None:
    """Make a database what version 0007 of the schema had made of the same interactions."""
    with database.write() as tx:
        sums: dict[tuple[str, ...], ExactPairMoments] = {}
        for *key, document in tx.execute(sa.text("SELECT test_id, kind, variant, metric, document FROM ab_moments")):
            found = ExactPairMoments.from_document(json.loads(document))
            sums[tuple(key)] = sums.get(tuple(key), ExactPairMoments()) + found
        tx.execute(sa.text("DROP TABLE ab_moments"))
        tx.execute(sa.text(_OLD))
        row = sa.text("INSERT INTO ab_moments VALUES (:test_id, :kind, :variant, :metric, :document)")
        for key, whole in sums.items():
            names = ("test_id", "kind", "variant", "metric")
            tx.execute(row, dict(zip(names, key, strict=True)) | {"document": json.dumps(whole.to_document())})
        _take_back_counts(tx)
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '0007'"))


def _take_back_counts(tx: Transaction) -> None:
    """Count predictions, labels and tables of them over all phases together."""
    kinds = "('predictions', 'labels', 'confusion')"
    totals: dict[tuple[str, ...], int] = {}
    for test_id, kind, name, variant, count in tx.execute(
        sa.text(f"SELECT test_id, kind, name, variant, count FROM ab_counts WHERE kind IN {kinds}")
    ).all():
        key = (
            test_id,
            kind,
            json.dumps(json.loads(name)[:2], separators=(",", ":")) if kind == "confusion" else "",
            variant,
        )
        totals[key] = totals.get(key, 0) + count
    tx.execute(sa.text(f"DELETE FROM ab_counts WHERE kind IN {kinds}"))
    for (test_id, kind, name, variant), count in totals.items():
        values = {"test_id": test_id, "kind": kind, "name": name, "variant": variant, "count": count}
        tx.execute(sa.text("INSERT INTO ab_counts VALUES (:test_id, :kind, :name, :variant, :count)"), values)


def _log(manager: ABTestManagerService, test_id: str, users: range) -> None:
    """Log three interactions of each user, and tell the truth about the first of them."""
    found = [
        ABTestInteraction(
            interaction_id=f"{number}-{turn}",
            test_id=test_id,
            user_id=f"u{number}",
            variant_id=manager.assign_variant(test_id, f"u{number}") or "",
            conversion=(number + turn) % 3 > 0,
            response_data={"prediction": number % 2},
        )
        for number in users
        for turn in range(3)
    ]
    manager.log_interactions(found)
    manager.record_outcomes({each.interaction_id: 1 for each in found[::3]}, test_id=test_id)


def _tested(manager: ABTestManagerService, *, steps: int, **fields: Any) -> str:
    test_id = manager.create_test(design(**fields))
    manager.start_test(test_id)
    for step in range(steps):
        if step:
            manager.change_allocation(test_id, {"control": 0.8, "treatment_1": 0.2}, "a doubt")
        _log(manager, test_id, range(200 * step, 200 * (step + 1)))
    return test_id


_FIELDS = [{"cluster": True}, {"secondary_metrics": ["recall"], "positive_label": 1}]


@pytest.mark.parametrize("fields", _FIELDS, ids=["clusters", "scores"])
def test_a_test_of_one_phase_is_split_by_the_upgrade(database_url: str, tmp_path: Path, fields: dict[str, Any]) -> None:
    """All that was summed is of that phase: nothing differs from the log, and a second phase is told from it."""
    with open_database(database_url) as database:
        with ABTestManager(database_url, tmp_path).sync as manager:
            test_id = _tested(manager, steps=1, **fields)
        _take_back(database)
    with ABTestManager(database_url, tmp_path).sync as manager:
        assert manager.verify_aggregates(test_id).differences == ()
        manager.change_allocation(test_id, {"control": 0.8, "treatment_1": 0.2}, "a doubt")
        _log(manager, test_id, range(200, 400))
        assert manager.verify_aggregates(test_id).differences == ()
        assert not any("without phases" in caution for caution in manager.get_report(test_id).cautions)
    with open_database(database_url) as database:
        assert current(database) == head()


@pytest.mark.parametrize("fields", _FIELDS, ids=["clusters", "scores"])
def test_a_test_of_several_phases_says_what_it_cannot_split(
    database_url: str, tmp_path: Path, fields: dict[str, Any]
) -> None:
    """Nothing is claimed of it, `verify` tells why, and a rebuilding makes it as if it had always been split."""
    with open_database(database_url) as database:
        with ABTestManager(database_url, tmp_path).sync as manager:
            test_id = _tested(manager, steps=2, **fields)
            whole = manager.calculate_results(test_id)
        _take_back(database)
    with ABTestManager(database_url, tmp_path).sync as manager:
        assert any("without phases" in caution for caution in manager.get_report(test_id).cautions)
        assert "phase 0" in manager.verify_aggregates(test_id).differences[0]
        assert not manager.rebuild_aggregates(test_id).is_equal
        assert manager.verify_aggregates(test_id).is_equal
        assert not any("without phases" in caution for caution in manager.get_report(test_id).cautions)
        assert repr(manager.calculate_results(test_id)) == repr(whole)
