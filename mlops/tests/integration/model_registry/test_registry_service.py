"""What the registry does for its users, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlops import audit, events
from mlops.audit import acting_as
from mlops.errors import InvalidInput
from mlops.model_registry import (
    AliasNotFound,
    ContentRegistered,
    ModelMetadata,
    ModelNotFound,
    ModelRegistry,
    ModelRegistryService,
    ModelStatus,
    MoveRefused,
    NothingToRollBackTo,
    VersionInUse,
    VersionNotFound,
    VersionTaken,
)
from mlops.tests.integration.model_registry.conftest import MakeRegistry

X = pd.DataFrame({"dose": np.linspace(0, 1, 60), "age": np.arange(60.0)})
Y = (X["dose"] > 0.5).astype(int)
PRODUCTION, STAGING, ARCHIVED = ModelStatus.PRODUCTION, ModelStatus.STAGING, ModelStatus.ARCHIVED


def told(model_id: str = "triage", **values: Any) -> ModelMetadata:
    return ModelMetadata(model_id=model_id, **values)


def with_versions(registry: ModelRegistryService, count: int, model_id: str = "triage") -> list[str]:
    """Register so many versions of different content; return their numbers."""
    for place in range(count):
        registry.register_model({"weights": [place]}, told(model_id, accuracy=place / 10))
    return [version.version for version in reversed(registry.list_versions(model_id))]


def clock() -> Iterator[datetime]:
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    while True:
        yield moment
        moment += timedelta(minutes=1)


def test_a_model_comes_back_with_what_was_told_of_it(registry: ModelRegistryService) -> None:
    """And with what the registry decided."""
    model = LogisticRegression(C=0.5).fit(X, Y)
    with acting_as("ann"):
        assert registry.register_model(model, told(accuracy=0.9, tags=["demo"]), {"C": 0.5}, sample=X) == "triage"
    found, metadata = registry.get_model("triage")
    assert (found.predict(X) == model.predict(X)).all()
    assert (metadata.version, metadata.status, metadata.created_by) == ("1.0.0", ModelStatus.VALIDATING, "ann")
    assert (metadata.codec, metadata.framework, metadata.project) == ("sklearn", "sklearn", "default")
    assert dict(metadata.hyperparameters) == {"C": 0.5}
    assert metadata.size_bytes > 0
    assert [column.name for column in metadata.signature.inputs] == ["dose", "age"]


def test_versions_say_what_changed(sqlite_registry: ModelRegistryService) -> None:
    """Weights are a patch, hyperparameters a minor, inputs a major version."""
    registry = sqlite_registry
    registry.register_model(LogisticRegression(C=1.0).fit(X, Y), told(), {"C": 1}, sample=X)
    registry.register_model(LogisticRegression(C=1.0).fit(X, 1 - Y), told(), {"C": 1}, sample=X)
    registry.register_model(LogisticRegression(C=2.0).fit(X, Y), told(), {"C": 2}, sample=X)
    registry.register_model(LogisticRegression(C=2.0).fit(X[["age"]], Y), told(), {"C": 2}, sample=X[["age"]])
    found = [(version.version, version.version_reason) for version in registry.list_versions("triage")]
    assert [number for number, _ in found] == ["2.0.0", "1.1.0", "1.0.1", "1.0.0"]
    assert "Input 'dose' is gone." in found[0][1]


def test_the_same_content_is_the_same_version(registry: ModelRegistryService) -> None:
    """Two dumps of one scikit-learn model differ byte for byte, and are one version all the same."""
    for _ in range(2):
        registry.register_model(LogisticRegression().fit(X, Y), told(), sample=X)
    assert len(registry.list_versions("triage")) == 1
    assert len(registry.history("triage")) == 1


def test_a_registration_tells_its_version(registry: ModelRegistryService) -> None:
    """Of known content it is the one that there is, also when others came after it."""
    first, second = (registry.register_version({"a": place}, told()) for place in range(2))
    again = registry.register_version({"a": 0}, told(), {"depth": 3})
    assert [one.metadata.version for one in (first, second, again)] == ["1.0.0", "1.0.1", "1.0.0"]
    assert [one.is_new for one in (first, second, again)] == [True, True, False]
    assert again.metadata == registry.get_model_metadata("triage", "1.0.0")


def test_content_has_one_number(registry: ModelRegistryService) -> None:
    """Its own may be given again; another is refused."""
    for _ in range(2):
        registry.register_model({"a": 1}, told(version="1.0.0"))
    with pytest.raises(ContentRegistered, match=r"registered as version '1\.0\.0'") as refusal:
        registry.register_model({"a": 1}, told(version="2.0.0"))
    assert refusal.value.version == "1.0.0"


def test_a_taken_number_is_refused_with_the_next_free_one(registry: ModelRegistryService) -> None:
    """Deleted versions keep theirs."""
    with_versions(registry, 2)
    registry.delete_model("triage", "1.0.1")
    for number in ("1.0.0", "1.0.1", "1.0.0+build5"):
        with pytest.raises(VersionTaken) as refusal:
            registry.register_model({"other": 1}, told(version=number))
        assert refusal.value.next_free == "1.0.2"
    registry.register_model({"other": 1}, told(version=refusal.value.next_free))


def test_deleted_content_may_come_again_under_another_number(registry: ModelRegistryService) -> None:
    """Its files are written once more."""
    registry.register_model({"a": 1}, told())
    registry.delete_model("triage", "1.0.0")
    registry.register_model({"a": 1}, told())
    assert registry.get_model("triage")[1].version == "1.0.1"
    with pytest.raises(VersionNotFound, match="It was deleted"):
        registry.get_model("triage", "1.0.0")


def test_promotion_archives_the_incumbent(registry: ModelRegistryService) -> None:
    """Both moves are in the history, with who and why."""
    first, second = with_versions(registry, 2)
    registry.promote_model("triage", first, PRODUCTION)
    with acting_as("ann"):
        metadata = registry.promote_model("triage", second, "production", reason="better")
    assert metadata.status is PRODUCTION
    assert metadata.promoted_at is not None
    assert registry.get_model_metadata("triage", first).status is ARCHIVED
    archived, promoted = registry.history("triage")[-2:]
    assert (archived.version, archived.kind, archived.actor) == (first, "archive", "ann")
    assert (promoted.version, promoted.kind, promoted.reason) == (second, "promote", "better")
    assert promoted.replaced_version == first


def test_promoting_twice_is_promoting_once(registry: ModelRegistryService) -> None:
    """A request that is sent again leaves no trace."""
    (number,) = with_versions(registry, 1)
    first = registry.promote_model("triage", number, PRODUCTION)
    assert registry.promote_model("triage", number, PRODUCTION) == first
    assert len(registry.history("triage")) == 2


def test_what_the_lifecycle_forbids_is_refused(registry: ModelRegistryService) -> None:
    """A promotion goes upwards; a failed version does not serve."""
    (number,) = with_versions(registry, 1)
    with pytest.raises(InvalidInput, match="would be no promotion"):
        registry.promote_model("triage", number, ARCHIVED)
    registry.update_model_status("triage", number, ModelStatus.FAILED, reason="NaN answers")
    with pytest.raises(MoveRefused, match="is failed and cannot become production"):
        registry.promote_model("triage", number, PRODUCTION)


def test_rollbacks_go_back_through_what_served(registry: ModelRegistryService) -> None:
    """One after the other, and never to the one just left."""
    numbers = with_versions(registry, 3)
    for number in numbers:
        registry.promote_model("triage", number, PRODUCTION)
    assert registry.rollback_model("triage", reason="drift").version == numbers[1]
    assert registry.rollback_model("triage").version == numbers[0]
    with pytest.raises(NothingToRollBackTo):
        registry.rollback_model("triage")
    assert [move.kind for move in registry.history("triage")[-2:]] == ["archive", "rollback"]


def test_a_failed_predecessor_is_passed_over(registry: ModelRegistryService) -> None:
    """The one before it is returned to."""
    numbers = with_versions(registry, 3)
    for number in numbers:
        registry.promote_model("triage", number, PRODUCTION)
    registry.update_model_status("triage", numbers[1], ModelStatus.FAILED)
    assert registry.rollback_model("triage").version == numbers[0]


def test_what_was_in_production_when(make_registry: MakeRegistry, database_url: str) -> None:
    """One call answers for any moment, also for a version that is deleted by now."""
    ticks = clock()
    registry = make_registry(database_url, now=lambda: next(ticks))
    first, second = with_versions(registry, 2)
    for number in (first, second):
        registry.promote_model("triage", number, PRODUCTION)
    registry.update_model_status("triage", first, ModelStatus.FAILED)
    registry.delete_model("triage", first)
    registry.update_model_status("triage", second, ARCHIVED)
    starts = [move.at for move in registry.history("triage") if move.to_status is PRODUCTION]
    assert registry.get_production_version("triage", starts[0]).version == first
    assert registry.get_production_version("triage", starts[1] - timedelta(seconds=1)).version == first
    assert registry.get_production_version("triage", starts[1]).version == second
    for moment in (starts[0] - timedelta(seconds=1), None):
        with pytest.raises(VersionNotFound, match="in production"):
            registry.get_production_version("triage", moment)


def test_a_clock_that_goes_back_does_not_turn_the_history_around(make_registry: MakeRegistry, sqlite_url: str) -> None:
    """No move is earlier than the one before it."""
    moments = iter([datetime(2026, 5, 3, tzinfo=UTC)] * 40 + [datetime(2020, 1, 1, tzinfo=UTC)] * 40)
    registry = make_registry(sqlite_url, now=lambda: next(moments))
    (number,) = with_versions(registry, 1)
    while next(moments).year == 2026:
        pass
    registry.promote_model("triage", number, PRODUCTION)
    assert [move.at.year for move in registry.history("triage")] == [2026, 2026]


def test_a_version_has_many_names(registry: ModelRegistryService) -> None:
    """Number, alias, status, latest; nothing means production, else the latest that has not failed."""
    first, second = with_versions(registry, 2)
    assert registry.resolve("triage") == second
    registry.promote_model("triage", first, PRODUCTION)
    registry.set_alias("triage", "champion", first)
    names = [None, first, "champion", "production", "latest", "validating"]
    assert [registry.resolve("triage", name) for name in names] == [first, first, first, first, second, second]
    registry.set_alias("triage", "champion", second)
    assert registry.list_aliases("triage") == {"champion": second}
    assert registry.promote_model("triage", "champion", STAGING).version == second


def test_unknown_names_are_answered_with_similar_ones(registry: ModelRegistryService) -> None:
    """Models, versions and aliases alike."""
    with_versions(registry, 2)
    registry.set_alias("triage", "champion", "1.0.0")
    with pytest.raises(ModelNotFound, match="Did you mean 'triage'"):
        registry.get_model("traige")
    with pytest.raises(VersionNotFound, match="Did you mean"):
        registry.get_model("triage", "1.0.2")
    with pytest.raises(VersionNotFound, match="Did you mean 'champion'"):
        registry.get_model("triage", "champoin")
    with pytest.raises(AliasNotFound, match="champion"):
        registry.remove_alias("triage", "champoin")
    for call in (registry.history, registry.list_versions, registry.rollback_model, registry.delete_model):
        with pytest.raises(ModelNotFound):
            call("traige")


def test_versions_in_use_cannot_be_deleted(registry: ModelRegistryService) -> None:
    """Production, rollback target, protected; the rest can, with their aliases."""
    numbers = with_versions(registry, 4)
    for number in numbers[:2]:
        registry.promote_model("triage", number, PRODUCTION)
    registry.protect("triage", numbers[2])
    for number in [*numbers[:3], None]:
        with pytest.raises(VersionInUse):
            registry.delete_model("triage", number)
    registry.set_alias("triage", "spare", numbers[3])
    registry.delete_model("triage", numbers[3])
    registry.unprotect("triage", numbers[2])
    registry.delete_model("triage", numbers[2])
    assert [version.version for version in registry.list_versions("triage")] == [numbers[1], numbers[0]]
    assert registry.list_aliases("triage") == {}


def test_a_whole_model_can_be_deleted_when_nothing_serves(registry: ModelRegistryService) -> None:
    """Its history stays."""
    with_versions(registry, 3)
    registry.delete_model("triage")
    assert [move.kind for move in registry.history("triage")[-3:]] == ["delete"] * 3
    with pytest.raises(ModelNotFound):
        registry.get_model("triage")


def test_files_of_deleted_versions_become_garbage(sqlite_registry: ModelRegistryService) -> None:
    """Unless another version has the same ones."""
    registry = sqlite_registry
    registry.register_model({"a": 1}, told("one"))
    registry.register_model({"a": 1}, told("two"))
    registry.delete_model("one")
    assert registry._artifacts.collect_garbage(grace=timedelta(0), dry_run=True).blobs == 0
    registry.delete_model("two")
    assert registry._artifacts.collect_garbage(grace=timedelta(0), dry_run=True).blobs == 1


def test_what_is_told_can_be_told_better(registry: ModelRegistryService) -> None:
    """Metrics, tags and notes change; the version stays the one it is."""
    with_versions(registry, 1)
    registry.update_performance_metrics("triage", "1.0.0", {"accuracy": 0.5, "auc": math.nan})
    registry.set_tags("triage", "1.0.0", {"site": "north", "old": "1"})
    registry.set_tags("triage", "1.0.0", {"old": None})
    after = registry.set_notes("triage", "1.0.0", "checked by hand")
    assert (after.accuracy, after.notes, dict(after.tags)) == (0.5, "checked by hand", {"site": "north"})
    assert math.isnan(registry.get_model_metadata("triage").metrics["auc"])
    assert len(registry.list_models("metrics.accuracy = 0.5 and accuracy = 0.5 and tags.site = 'north'")) == 1


def test_searches_see_only_the_project(make_registry: MakeRegistry, database_url: str) -> None:
    """Another project has models of its own, of the same names."""
    ours, theirs = make_registry(database_url), make_registry(database_url, project="north")
    with_versions(ours, 2)
    with_versions(theirs, 1)
    assert [len(registry.list_models()) for registry in (ours, theirs)] == [2, 1]
    assert ours.list_projects() == ["default", "north"]
    with pytest.raises(InvalidInput, match=r"ModelRegistry\(project='north'\)"):
        ours.register_model({"b": 1}, told(project="north"))
    theirs.promote_model("triage", "1.0.0", PRODUCTION)
    assert ours.list_models(status=PRODUCTION) == []


def test_the_model_of_a_type_in_production(registry: ModelRegistryService) -> None:
    """The one promoted last, of all models of the type."""
    for model_id in ("a", "b"):
        registry.register_model({"is": model_id}, told(model_id, model_type="classification"))
        registry.promote_model(model_id, "1.0.0", PRODUCTION)
    model, metadata = registry.get_production_model("classification")
    assert (model, metadata.model_id) == ({"is": "b"}, "b")
    with pytest.raises(VersionNotFound, match="No model of type 'regression'"):
        registry.get_production_model("regression")


def test_every_change_is_audited_and_published(registry: ModelRegistryService) -> None:
    """In the transaction of the change: entries and events tell the same story."""
    first, second = with_versions(registry, 2)
    for number in (first, second):
        registry.promote_model("triage", number, PRODUCTION, reason="r")
    registry.rollback_model("triage")
    registry.set_alias("triage", "spare", second)
    with registry._database.read() as tx:
        entries = audit.list_entries(tx, subject_kind="model")
        assert audit.verify(tx).is_intact
    actions = [entry.action for entry in reversed(entries)]
    assert actions == ["register", "register", "promote", "promote", "rollback", "set_alias"]
    assert entries[2].details["replaced"] == first


def test_a_refused_change_leaves_no_trace(registry: ModelRegistryService) -> None:
    """Neither move nor event nor audit entry."""
    (number,) = with_versions(registry, 1)
    before = registry.history("triage")
    for wrong in (lambda: registry.promote_model("triage", number, PRODUCTION, reason="\0"),
                  lambda: registry.update_performance_metrics("triage", number, {"auc": "high"}),  # type: ignore[dict-item]
                  lambda: registry.set_tags("triage", number, {"": "x"}),
                  lambda: registry.set_alias("triage", "1.0.0", number)):  # fmt: skip
        with pytest.raises(InvalidInput):
            wrong()
    assert registry.history("triage") == before
    with registry._database.read() as tx:
        assert len(audit.list_entries(tx)) == 1


def test_a_sound_version_verifies(registry: ModelRegistryService) -> None:
    """Files, model, signature and answers are all looked at."""
    registry.register_model(LogisticRegression().fit(X, Y), told(), sample=X)
    report = registry.verify("triage")
    assert report.is_sound, report.problems
    assert report.checks == ("files", "model", "signature", "answers")


def test_versions_are_compared_with_their_environments(sqlite_registry: ModelRegistryService) -> None:
    """What differs comes first."""
    first, second = with_versions(sqlite_registry, 2)
    table = sqlite_registry.compare_versions("triage", [first, second])
    assert table.loc["metrics.accuracy"].tolist() == [0.0, 0.1]
    assert "packages.numpy" in table.index


@pytest.mark.parametrize(("form", "beginning"), [("markdown", "# triage 1.0.1"), ("html", "<!doctype html>")])
def test_a_card_tells_of_a_version(sqlite_registry: ModelRegistryService, form: Any, beginning: str) -> None:
    """In both forms, with the history."""
    with_versions(sqlite_registry, 2)
    card = sqlite_registry.model_card("triage", form=form)
    assert card.startswith(beginning)
    assert "register" in card.lower()


def test_files_and_folders_are_models_too(sqlite_registry: ModelRegistryService, tmp_path: Any) -> None:
    """They come back as handles."""
    (tmp_path / "model.bin").write_bytes(b"weights")
    sqlite_registry.register_model(tmp_path / "model.bin", told())
    assert sqlite_registry.get_model("triage")[0].read_bytes() == b"weights"


def test_the_same_is_awaited(tmp_path: Any, sqlite_url: str) -> None:
    """The asynchronous class has every method of the service."""

    async def program() -> ModelStatus:
        async with ModelRegistry(tmp_path / "models", sqlite_url) as registry:
            await registry.register_model({"a": 1}, told())
            await registry.promote_model("triage", "1.0.0", PRODUCTION)
            return (await registry.get_model("triage"))[1].status

    assert asyncio.run(program()) is PRODUCTION


def test_settings_say_where_and_for_whom(tmp_path: Any) -> None:
    """Both settings of the section have an effect."""
    from mlops.config import ConfigManager

    own = {"registry_path": tmp_path / "elsewhere", "default_project": "north"}
    config = ConfigManager(environ={}).load_config(model_registry=own, database={"url": f"sqlite:///{tmp_path}/x.db"})
    with ModelRegistryService(config=config) as registry:
        registry.register_model({"a": 1}, told())
        assert registry.get_model_metadata("triage").project == "north"
    assert list((tmp_path / "elsewhere").rglob("blobs"))


def test_events_carry_what_consumers_need(registry: ModelRegistryService) -> None:
    """Topic, model, version and the version replaced."""
    with registry._database.write() as tx:
        events.subscribe(tx, "deployer")
    first, second = with_versions(registry, 2)
    for number in (first, second):
        registry.promote_model("triage", number, PRODUCTION)
    found = events.read(registry._database, "deployer")
    assert [event.topic for event in found] == ["model.registered"] * 2 + ["model.promoted"] * 2
    assert (found[-1].subject_id, found[-1].payload["version"], found[-1].payload["replaced"]) == (
        "triage",
        second,
        first,
    )
