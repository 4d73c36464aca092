"""The contract of the store of versions, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from mlops.artifacts import SavedArtifact
from mlops.clock import new_id
from mlops.database import Database, Transaction
from mlops.errors import InvalidInput
from mlops.model_registry import Column, ModelMetadata, ModelMove, ModelSignature, ModelStatus, MoveKind
from mlops.model_registry.sql import SqlModelStore
from mlops.model_registry.sql.tables import environments
from mlops.model_registry.store import ModelStore
from mlops.model_registry.stored import ModelKey, ModelQuery, Standing, StoredVersion
from mlops.model_registry.versions import SemanticVersion
from mlops.provenance import EnvironmentCapture

AT = datetime(2026, 5, 3, 9, 30, tzinfo=UTC)
AWKWARD = "naïve 'quoted' \"x\" %s ; -- \\ 模型 🧬"
KEY = ModelKey("default", "triage")


def version(
    number: str = "1.0.0", *, content: str = "", status: ModelStatus = ModelStatus.VALIDATING, **told: Any
) -> StoredVersion:
    """Return a version as the service would store it."""
    metadata = ModelMetadata(
        **{
            "project": KEY.project, "model_id": KEY.model_id, "version": number, "status": status,
            "canonical_digest": content or f"content of {number}", "created_at": AT, "updated_at": AT, **told,
        }
    )  # fmt: skip
    saved = SavedArtifact(codec="json", digest="0" * 64, size_bytes=3, details={"type": AWKWARD})
    return StoredVersion(version_id=new_id(), metadata=metadata, saved=saved)


def move(sequence: int, to: ModelStatus | None, *, number: str = "1.0.0", **values: Any) -> ModelMove:
    """Return a move, an hour after the one before it."""
    return ModelMove(
        **{
            "move_id": new_id(), "project": KEY.project, "model_id": KEY.model_id, "sequence": sequence,
            "version": number, "to_status": to, "kind": MoveKind.PROMOTE,
            "at": AT + timedelta(hours=sequence), **values,
        }
    )  # fmt: skip


@pytest.fixture
def store() -> ModelStore:
    """Return the store under test."""
    return SqlModelStore()


@pytest.fixture
def tx(database: Database) -> Iterator[Transaction]:
    """Yield one write transaction that the whole test happens in."""
    with database.write() as transaction:
        yield transaction


def test_a_version_comes_back_as_it_was_stored(store: ModelStore, tx: Transaction) -> None:
    """Text of all kinds, infinities, nested settings, signatures and files survive."""
    signature = ModelSignature(
        inputs=(Column(name=AWKWARD, dtype="float64", shape=(None, 3), is_optional=True),),
        outputs=(Column(name="prediction", classes=("a", 1, None)),),
    )
    stored = version(
        name=AWKWARD, accuracy=0.5, precision=math.inf, metrics={"loss": -math.inf}, notes="\n" + AWKWARD,
        hyperparameters={"net": {"layers": [1, 2, None]}, "x": math.inf}, tags={AWKWARD: AWKWARD}, signature=signature,
        feature_columns=(AWKWARD, "b"), experiment_id="e1", promoted_at=AT, is_protected=True,
        training_duration_seconds=1.5,
    )  # fmt: skip
    store.insert(tx, stored)
    assert store.find(tx, KEY, "1.0.0") == stored


def test_nan_is_a_value_and_none_is_not_measured(store: ModelStore, tx: Transaction) -> None:
    """The two do not become each other."""
    store.insert(tx, version(accuracy=math.nan, metrics={"auc": math.nan}))
    found = store.find(tx, KEY, "1.0.0")
    assert found is not None
    assert math.isnan(found.metadata.accuracy or 0)
    assert math.isnan(found.metadata.metrics["auc"])
    assert found.metadata.recall is None


def test_files_and_environment_come_back(store: ModelStore, tx: Transaction) -> None:
    """Parity rows and the environment's key are part of a version."""
    saved = SavedArtifact(codec="dataframe", digest="1" * 64, size_bytes=9, signature="sig", canonical_digest="c")
    environment = EnvironmentCapture(python_version="3.11", argv=(AWKWARD,))
    kept = {"sample": saved, "answers": saved, "environment_digest": environment.digest()}
    stored = version().model_copy(update=kept)
    store.insert(tx, stored, environment)
    assert store.find(tx, KEY, "1.0.0") == stored
    assert store.find_environment(tx, environment.digest()) == environment
    assert store.find_environment(tx, "none") is None


def test_equal_environments_are_kept_once(store: ModelStore, tx: Transaction) -> None:
    """Each of two versions finds it."""
    environment = EnvironmentCapture(python_version="3.11", packages={"numpy": "2.0"})
    for number in ("1.0.0", "2.0.0"):
        told = version(number, content=number).model_copy(update={"environment_digest": environment.digest()})
        store.insert(tx, told, environment)
    assert tx.execute(sa.select(sa.func.count()).select_from(environments)).scalar() == 1
    assert store.find_environment(tx, environment.digest()) == environment


def test_versions_are_ordered_as_semantic_versions(store: ModelStore, tx: Transaction) -> None:
    """Ten comes after nine, and a release after its pre-releases."""
    order = ["1.10.0", "1.9.0", "1.0.0", "1.0.0-rc.10", "1.0.0-rc.9", "1.0.0-alpha"]
    for number in reversed(order):
        store.insert(tx, version(number))
    assert store.numbers(tx, KEY) == order
    latest = store.find_latest(tx, KEY)
    assert latest is not None
    assert latest.version == "1.10.0"


def test_the_latest_is_one_that_is_there_and_has_not_failed(store: ModelStore, tx: Transaction) -> None:
    """Unless all that ever were are asked for."""
    store.insert(tx, version("1.0.0"))
    store.insert(tx, version("2.0.0", status=ModelStatus.FAILED))
    store.insert(tx, version("3.0.0").model_copy(update={"deleted_at": AT}))
    found = [store.find_latest(tx, KEY), store.find_latest(tx, KEY, among_deleted=True)]
    found.append(store.find_latest(tx, KEY, status=ModelStatus.FAILED))
    assert [each and each.version for each in found] == ["1.0.0", "3.0.0", "2.0.0"]
    assert store.find_latest(tx, KEY, status=ModelStatus.PRODUCTION) is None
    assert store.numbers(tx, KEY) == ["2.0.0", "1.0.0"]
    assert store.numbers(tx, KEY, among_deleted=True) == ["3.0.0", "2.0.0", "1.0.0"]


def test_same_content_and_same_number_are_found(store: ModelStore, tx: Transaction) -> None:
    """Build metadata is no number of its own; a deleted version keeps its number and gives up its content."""
    store.insert(tx, version("1.0.0+a", content="x"))
    store.insert(tx, version("2.0.0", content="y").model_copy(update={"deleted_at": AT}))
    by_number = store.find_same(tx, KEY, digest="", number=SemanticVersion.parse("1.0.0+b"))
    assert [each.version for each in by_number] == ["1.0.0+a"]
    assert [each.version for each in store.find_same(tx, KEY, digest="x", number=None)] == ["1.0.0+a"]
    assert store.find_same(tx, KEY, digest="y", number=None) == []
    assert len(store.find_same(tx, KEY, digest="x", number=SemanticVersion.parse("2.0.0"))) == 2


@pytest.mark.parametrize(
    "second",
    [{"number": "1.0.0", "content": "z"}, {"number": "1.0.0+b", "content": "z"}, {"number": "2.0.0", "content": "x"},
     {"number": "2.0.0", "status": ModelStatus.PRODUCTION}],
    ids=["number", "place in the order", "content", "second in production"],
)  # fmt: skip
def test_the_database_itself_refuses_what_must_not_be(
    database: Database, store: ModelStore, second: dict[str, Any]
) -> None:
    """Whatever a service forgets."""
    with database.write() as tx:
        store.insert(tx, version("1.0.0", content="x", status=ModelStatus.PRODUCTION))
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)), database.write() as tx:
        store.insert(tx, version(**second))
    with database.read() as tx:
        assert store.numbers(tx, KEY) == ["1.0.0"]


def test_projects_and_models_do_not_meet(store: ModelStore, tx: Transaction) -> None:
    """The same number and content are there once in each."""
    for key in (KEY, ModelKey("other", "triage"), ModelKey("default", "Triage")):
        store.insert(tx, version(project=key.project, model_id=key.model_id, status=ModelStatus.PRODUCTION))
    assert store.numbers(tx, KEY) == ["1.0.0"]
    assert store.names(tx, None) == ["default", "other"]
    assert store.names(tx, "default") == ["Triage", "triage"]


def test_an_update_replaces_what_is_told_and_what_is_searched(store: ModelStore, tx: Transaction) -> None:
    """Names that went are not found any more."""
    before = version(tags={"a": "1", "b": "2"}, metrics={"auc": 0.5})
    store.insert(tx, before)
    after = before.told(tags={"b": "3"}, metrics={"auc": math.nan}, accuracy=0.25, notes="n")
    store.update(tx, before, after)
    assert [each.version_id for each in store.page(tx, ModelQuery(filter="tags.b = '3'"), at=AT)] == [before.version_id]
    for gone in ("tags.a = '1'", "tags.b = '2'", "metrics.auc > 0"):
        assert len(store.page(tx, ModelQuery(filter=gone), at=AT)) == 0
    assert len(store.page(tx, ModelQuery(filter="metrics.accuracy < 0.3 and accuracy < 0.3"), at=AT)) == 1


def test_a_move_gives_its_version_the_state_that_it_tells(store: ModelStore, tx: Transaction) -> None:
    """And nothing else; the same transaction reads it back."""
    before = version(tags={"a": "1"}, status=ModelStatus.VALIDATING)
    store.insert(tx, before)
    store.append_moves(tx, [move(1, ModelStatus.VALIDATING, kind=MoveKind.REGISTER)])
    assert store.find(tx, KEY, "1.0.0") == before
    up = move(2, ModelStatus.PRODUCTION, from_status=ModelStatus.VALIDATING, at=AT + timedelta(days=1))
    store.append_moves(tx, [up])
    serving = before.told(status=ModelStatus.PRODUCTION, promoted_at=up.at, updated_at=up.at)
    assert store.find(tx, KEY, "1.0.0") == serving
    aside = move(3, ModelStatus.ARCHIVED, from_status=ModelStatus.PRODUCTION, at=AT + timedelta(days=2))
    gone = move(4, None, from_status=ModelStatus.ARCHIVED, kind=MoveKind.DELETE, at=AT + timedelta(days=3))
    store.append_moves(tx, [aside, gone])
    after = serving.told(status=ModelStatus.ARCHIVED, updated_at=gone.at).model_copy(update={"deleted_at": gone.at})
    assert store.find(tx, KEY, "1.0.0") == after


def test_the_lock_tells_where_a_model_stands(store: ModelStore, tx: Transaction) -> None:
    """Its last move, and the version in production; of another model it tells nothing."""
    assert store.lock(tx, KEY) == Standing()
    store.insert(tx, version("1.0.0", status=ModelStatus.PRODUCTION))
    store.insert(tx, version("2.0.0", content="b"))
    store.append_moves(tx, [move(1, ModelStatus.PRODUCTION), move(2, ModelStatus.VALIDATING, number="2.0.0")])
    assert store.lock(tx, KEY) == Standing(sequence=2, at=move(2, None).at, serving="1.0.0")
    assert store.lock(tx, ModelKey("default", "other")) == Standing()


def test_pages_filter_order_and_go_on(store: ModelStore, tx: Transaction) -> None:
    """The search language is the tracker's; deleted versions are left out."""
    for place in range(5):
        told = {
            "accuracy": place / 10,
            "created_at": AT + timedelta(minutes=place),
            "hyperparameters": {"depth": place},
        }
        store.insert(tx, version(f"1.{place}.0", **told))
    store.insert(tx, version("9.0.0").model_copy(update={"deleted_at": AT}))
    newest = store.page(tx, ModelQuery(limit=2), at=AT)
    assert [each.version for each in newest] == ["1.4.0", "1.3.0"]
    rest = store.page(tx, ModelQuery(limit=10, cursor=newest.next_cursor), at=AT)
    assert [each.version for each in rest] == ["1.2.0", "1.1.0", "1.0.0"]
    found = store.page(tx, ModelQuery(filter="params.depth >= 3", order_by="metrics.accuracy"), at=AT)
    assert [each.version for each in found] == ["1.3.0", "1.4.0"]
    with pytest.raises(InvalidInput, match="acuracy"):
        store.page(tx, ModelQuery(filter="acuracy > 1"), at=AT)


def test_long_texts_are_kept_whole(store: ModelStore, tx: Transaction) -> None:
    """Only what indexes hold of them is cut."""
    text = "é" * 5000
    store.insert(tx, version(hyperparameters={"prompt": text}, tags={"note": text}))
    found = store.find(tx, KEY, "1.0.0")
    assert found is not None
    assert found.metadata.hyperparameters["prompt"] == found.metadata.tags["note"] == text


def test_moves_come_back_in_order(store: ModelStore, tx: Transaction) -> None:
    """With who, when and why; the last one at a time is found without the others."""
    first = move(1, ModelStatus.PRODUCTION, actor=AWKWARD, reason=AWKWARD, replaced_version="0.9.0")
    second = move(2, ModelStatus.ARCHIVED, from_status=ModelStatus.PRODUCTION, kind=MoveKind.ARCHIVE)
    third = move(3, None, from_status=ModelStatus.ARCHIVED, kind=MoveKind.DELETE)
    store.append_moves(tx, [first, second])
    store.append_moves(tx, [third])
    assert store.moves(tx, KEY) == [first, second, third]
    assert store.moves(tx, KEY, serving_only=True) == [first, second]
    assert store.last_serving_move(tx, KEY) == second
    assert store.last_serving_move(tx, KEY, until=first.at) == first
    assert store.last_serving_move(tx, KEY, until=first.at - timedelta(microseconds=1)) is None
    assert store.moves(tx, ModelKey("default", "other")) == []


def test_aliases_move_and_go(store: ModelStore, tx: Transaction) -> None:
    """One alias stands for one version."""
    store.put_alias(tx, KEY, "b", "1.0.0")
    store.put_alias(tx, KEY, "a", "1.0.0")
    store.put_alias(tx, KEY, "b", "2.0.0")
    assert store.aliases(tx, KEY) == {"a": "1.0.0", "b": "2.0.0"}
    store.put_alias(tx, KEY, "a", None)
    store.put_alias(tx, KEY, "never", None)
    assert store.aliases(tx, KEY) == {"b": "2.0.0"}


def test_nothing_of_a_failed_transaction_stays(database: Database, store: ModelStore) -> None:
    """Every write is part of the transaction it is given."""
    with contextlib.suppress(ZeroDivisionError), database.write() as tx:
        store.lock(tx, KEY)
        store.insert(tx, version())
        store.append_moves(tx, [move(1, ModelStatus.VALIDATING)])
        store.put_alias(tx, KEY, "a", "1.0.0")
        _ = 1 / 0
    with database.read() as tx:
        assert store.find(tx, KEY, "1.0.0") is None
        assert store.moves(tx, KEY) == []
        assert store.aliases(tx, KEY) == {}
