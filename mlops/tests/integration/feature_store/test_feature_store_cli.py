"""`mlops features`: list, show, get, materialize, history."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mlops.feature_store import FeatureStoreService
from mlops.tests.fixtures.command import Outcome, mlops, unconfigured_logging
from mlops.tests.integration.feature_store.conftest import MakeStore, describe

__all__ = ["mlops", "unconfigured_logging"]

Features = Callable[..., Outcome]


@pytest.fixture
def lab(make_store: MakeStore, sqlite_url: str, counts: Path) -> FeatureStoreService:
    """Return a store with a view of which everything is stale."""
    return describe(make_store(sqlite_url), counts, ttl=timedelta(microseconds=1), owner="ann", tags={"site": "north"})


@pytest.fixture
def features(lab: FeatureStoreService, mlops: Features, sqlite_url: str, tmp_path: Path) -> Features:
    """Return a function that runs `mlops features` on the store."""

    def run(command: str, *words: str) -> Outcome:
        return mlops("features", command, *words, "--database", sqlite_url, "--store-dir", str(tmp_path / "features"))

    return run


def test_views_are_listed_a_line_each(features: Features) -> None:
    """With what they describe and where they come from."""
    head, line = features("list").out.splitlines()
    assert dict(zip(head.split("\t"), line.split("\t"), strict=True))["owner"] == "ann"
    assert json.loads(features("list", "--json").out)["views"][0]["name"] == "counts"


def test_a_view_is_shown_with_its_last_statistics(features: Features, lab: FeatureStoreService) -> None:
    """For people and as JSON."""
    lab.compute_statistics("counts")
    shown = features("show", "counts").out
    assert "tag site\tnorth" in shown
    assert "reads\tinteger\t2026-05-06\t1\t0\t30.0" in shown
    document = json.loads(features("show", "counts@1", "--json").out)
    assert (document["serving_version"], document["statistics"]["reads"]["mean"]) == (1, 30.0)


def test_values_are_materialised_and_read(features: Features) -> None:
    """Stale ones are marked, missing ones are empty."""
    done = features("materialize", "counts", "--end", "2026-05-05T12:00")
    assert "counts@1: 2 entities" in done.out
    assert json.loads(features("materialize", "counts", "--json").out)["rows_written"] == 1
    found = features("get", "counts:reads", "--entity", "sample_id=S-1", "--entity", "sample_id=S-9", "--json")
    assert [one["statuses"]["reads"] for one in json.loads(found.out)["entities"]] == ["stale", "missing"]
    found = features("get", "counts:*", "--entity", "sample_id=S-1")
    assert (found.out, "older than the TTL" in found.err) == ("entity\treads\nsample_id=S-1\t30\n", True)


def test_a_history_has_versions_and_runs(features: Features) -> None:
    """The newest first."""
    features("materialize", "counts")
    lines = features("history", "counts").out.splitlines()
    assert [line.split("\t")[2] for line in lines[1:]] == ["completed", "applied"]
    assert json.loads(features("history", "counts", "--json").out)["serving_version"] == 1


@pytest.mark.parametrize(
    "words",
    [("show", "cuonts"), ("get", "counts:reads", "--entity", "S-1"), ("materialize", "counts", "--end", "soon")],
)
def test_mistakes_are_one_line(features: Features, words: tuple[str, ...]) -> None:
    """With status 1 and what to do."""
    done = features(*words)
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)


def test_a_database_that_is_not_there_is_not_made(mlops: Features, tmp_path: Path) -> None:
    """The command says so instead."""
    done = mlops("features", "list", "--database", f"sqlite:///{tmp_path}/nowhere.db")
    assert (done.status, (tmp_path / "nowhere.db").exists()) == (1, False)
