"""Entities and views: the same content is the same version; what is needed is not deleted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from mlops import audit, events
from mlops.database import Database, open_database
from mlops.errors import InvalidInput, InvalidRecord
from mlops.feature_store import (
    Entity,
    EntityInUse,
    EntityNotFound,
    FeatureStoreService,
    FeatureType,
    FeatureView,
    FeatureViewInUse,
    FeatureViewNotFound,
    SourceUnavailable,
)
from mlops.tests.integration.feature_store.conftest import MONDAY, MakeStore, counts_view, describe


@pytest.fixture
def lab(sqlite_store: FeatureStoreService, counts: Path) -> FeatureStoreService:
    """Return a store in which samples and their counts are described."""
    return describe(sqlite_store, counts)


def test_the_same_content_is_the_same_version(described: FeatureStoreService, counts: Path) -> None:
    """What is only told of it is replaced in place."""
    again = described.apply_view(counts_view(counts, owner="ann", tags={"site": "north"}))
    assert (again.version, described.get_view("counts").owner) == (1, "ann")
    assert described.get_view("counts").tags == {"site": "north"}


def test_new_content_is_a_new_version_and_says_what_changed(described: FeatureStoreService, counts: Path) -> None:
    """The old one stays as it was."""
    view = counts_view(counts, ttl=timedelta(days=1), features={"reads": "float"})
    assert described.apply_view(view).version == 2
    found = described.diff_versions("counts", 1, 2)
    assert (dict(found.retyped), found.altered, found.is_compatible) == ({"reads": "integer → float"}, ("ttl",), False)
    assert described.get_view("counts@1").ttl is None  # type: ignore[union-attr]


def test_features_are_taken_from_the_source_where_none_are_named(lab: FeatureStoreService) -> None:
    """Every column but keys and times, each with its type."""
    assert [(one.name, one.dtype) for one in lab.get_view("counts").features] == [  # type: ignore[union-attr]
        ("reads", FeatureType.INTEGER)
    ]


def test_rows_handed_over_are_kept(sqlite_store: FeatureStoreService) -> None:
    """As a pandas frame too; equal rows are the same version."""
    sqlite_store.apply_entity(Entity(name="site", join_keys={"site": "integer"}))
    frame = pl.DataFrame({"site": [1, 2], "event_timestamp": [MONDAY] * 2, "mean depth": [0.5, None]}).to_pandas()
    for _ in range(2):
        assert sqlite_store.apply_view(FeatureView(name="depth", entity="site"), frame=frame).version == 1
    sqlite_store.materialize("depth")
    assert sqlite_store.get_online_features({"site": 1}, ["depth:mean depth"])[0] == {"mean depth": 0.5}


def test_a_pipeline_run_is_a_source_with_its_origin(lab: FeatureStoreService, counts: Path) -> None:
    """Its id is kept as lineage."""
    run = SimpleNamespace(run_id="run-7", output_data_path=str(counts))
    view = lab.apply_view(FeatureView(name="made", entity="sample", source=run, features={"reads": "integer"}))
    assert view.source is not None
    assert (view.source.path, view.source.pipeline_run_id) == (str(counts), "run-7")


def test_a_pipeline_run_is_read_from_its_parquet(lab: FeatureStoreService, counts: Path) -> None:
    """Whatever form its input had, and so its first output; a run without any is refused."""
    run = SimpleNamespace(run_id="run-7", output_data_path="output.xlsx", output_parquet_path=str(counts))
    view = lab.apply_view(FeatureView(name="made", entity="sample", source=run, features={"reads": "integer"}))
    assert view.source is not None
    assert view.source.path == str(counts)
    pending = SimpleNamespace(run_id="run-8", output_data_path=None, output_parquet_path=None)
    with pytest.raises(InvalidRecord, match="'run-8' has no output; wait until it is completed"):
        FeatureView(name="made", entity="sample", source=pending)


def test_csv_is_read_with_the_types_that_are_said(lab: FeatureStoreService, tmp_path: Path) -> None:
    """A key that looks like a number stays text, zeros in front included."""
    (tmp_path / "a.csv").write_text("sample_id,event_timestamp,score,code\n007,2026-05-04,1,01\n")
    view = FeatureView(name="scores", entity="sample", source="a.csv", features={"score": "float", "code": "string"})
    lab.apply_view(view)
    asked = pl.DataFrame({"sample_id": ["007", "7"], "event_timestamp": [MONDAY] * 2})
    found = lab.get_historical_features(asked, ["scores:*"])
    assert found.select("score", "code").rows() == [(1.0, "01"), (None, None)]


@pytest.mark.parametrize("time", ["11/03/2026", "03.11.2026", "soon"])
def test_times_are_not_guessed_at(lab: FeatureStoreService, tmp_path: Path, time: str) -> None:
    """Neither in a source nor in entity rows; a wrong month would let later knowledge in."""
    (tmp_path / "a.csv").write_text(f"sample_id,event_timestamp,score\nS-1,{time},1\n")
    lab.apply_view(FeatureView(name="scores", entity="sample", source="a.csv"))
    for row in ({"event_timestamp": time}, {"event_timestamp": "2026-05-03T14:30"}):
        with pytest.raises(InvalidInput, match=f"has '{time}', which is no time in ISO 8601.*formats.$"):
            lab.get_historical_features(pl.DataFrame({"sample_id": ["S-1"], **row}), ["scores:score"])


def test_times_as_text_may_have_a_zone(lab: FeatureStoreService, tmp_path: Path) -> None:
    """Those without one are in UTC."""
    (tmp_path / "a.csv").write_text("sample_id,event_timestamp,score\nS-1,2026-05-03T14:30+02:00,1\nS-1,2026-05-04,2\n")
    lab.apply_view(FeatureView(name="scores", entity="sample", source="a.csv"))
    asked = pl.DataFrame({"sample_id": ["S-1"] * 2, "event_timestamp": ["2026-05-03 12:30:00", "2026-05-03T12:29:59Z"]})
    assert lab.get_historical_features(asked, ["scores:score"])["score"].to_list() == [1, None]


def test_a_file_that_is_no_table_is_told(lab: FeatureStoreService, tmp_path: Path) -> None:
    """By its path and in one line, whenever it shows."""
    view = FeatureView(name="scores", entity="sample", source="a.csv")
    (tmp_path / "a.csv").write_bytes(b"")
    with pytest.raises(SourceUnavailable, match=r"a.csv' cannot be read: .*empty"):
        lab.apply_view(view)
    (tmp_path / "a.csv").write_bytes("sample_id,event_timestamp,score\nGrün,2026-05-04,1\n".encode("cp1252"))
    lab.apply_view(view)
    with pytest.raises(SourceUnavailable, match=r"a.csv' cannot be read: .*utf-8"):
        lab.materialize("scores")


@pytest.mark.parametrize("name", ["run[1].parquet", "run[1].csv", "what?.parquet", "*.csv"])
def test_a_file_whose_name_looks_like_a_pattern_is_that_file(
    lab: FeatureStoreService, counts: Path, tmp_path: Path, name: str
) -> None:
    """Others, which the pattern would match too, are not read."""
    folder = tmp_path / "plates [7]"
    folder.mkdir()
    table = pl.read_parquet(counts)
    for file in (folder / name, folder / f"run1{Path(name).suffix}"):
        table.write_parquet(file) if file.suffix == ".parquet" else table.write_csv(file)
    lab.apply_view(FeatureView(name="counts", entity="sample", source=folder / name))
    assert lab.materialize("counts").rows_read == 2
    assert sum(one.count for one in lab.compute_statistics("counts") if one.feature == "reads") == len(table)


def test_views_over_several_files_read_all_of_them(lab: FeatureStoreService, counts: Path) -> None:
    """A pattern takes them in order of their names."""
    pl.read_parquet(counts).with_columns(
        pl.col("reads") + 1, pl.col("event_timestamp").dt.offset_by("5d")
    ).write_parquet(counts.with_name("more.parquet"))
    lab.apply_view(
        FeatureView(name="all", entity="sample", source=counts.parent / "*.parquet", features={"reads": "integer"})
    )
    asked = pl.DataFrame({"sample_id": ["S-2"], "event_timestamp": [MONDAY + timedelta(days=9)]})
    assert lab.get_historical_features(asked, ["all:reads"])["reads"].to_list() == [8]


@pytest.mark.parametrize(
    ("told", "error", "words"),
    [
        ({"entity": "smaple"}, EntityNotFound, "'sample'"),
        ({"source": "nowhere.parquet"}, SourceUnavailable, "no such file"),
        ({"event_timestamp": "when"}, InvalidInput, "no column 'when'"),
        ({"features": {"raeds": "integer"}}, InvalidInput, "'reads'"),
        ({"features": {"reads": "string"}}, InvalidInput, "type Int64"),
        (
            {"features": {"reads": "integer", "made": "datetime"}, "created_timestamp": "made"},
            InvalidRecord,
            "two meanings",
        ),
        ({"ttl": timedelta(0)}, InvalidRecord, "longer than nothing"),
        ({"source": "counts.xlsx"}, InvalidRecord, "hand other rows over"),
        ({"name": "a:b"}, InvalidRecord, "letters"),
    ],
)
def test_a_view_that_cannot_be_is_refused(
    lab: FeatureStoreService, counts: Path, told: dict[str, Any], error: type[Exception], words: str
) -> None:
    """The error names the place, and nothing is kept."""
    with pytest.raises(error, match=words):
        lab.apply_view(FeatureView(**{"name": "other", "entity": "sample", "source": counts, **told}))
    assert [view.name for view in lab.list_views()] == ["counts"]


def test_an_entity_that_is_described_keeps_its_keys(lab: FeatureStoreService) -> None:
    """Words about it may change."""
    lab.apply_entity(Entity(name="sample", join_keys=("sample_id",), description="a tube"))
    with pytest.raises(EntityInUse, match="counts"):
        lab.apply_entity(Entity(name="sample", join_keys=("tube",)))
    with pytest.raises(EntityInUse, match="be deleted"):
        lab.delete_entity("sample")
    lab.delete_view("counts")
    lab.delete_entity("sample")
    assert lab.list_entities() == []


def test_a_view_that_a_training_set_needs_is_not_deleted(described: FeatureStoreService, counts: Path) -> None:
    """Other versions of it are; once the set is gone, this one too."""
    asked = pl.DataFrame({"sample_id": ["S-1"], "event_timestamp": [MONDAY]})
    described.save_training_set("first", asked, ["counts:reads"])
    described.apply_view(counts_view(counts, ttl=timedelta(days=1)))
    for name in ("counts", "counts@1"):
        with pytest.raises(FeatureViewInUse, match="'first'"):
            described.delete_view(name)
    described.delete_view("counts@2")
    described.delete_training_set("first")
    described.delete_view("counts")
    with pytest.raises(FeatureViewNotFound):
        described.get_view("counts")


def test_numbers_of_deleted_versions_stay_taken(described: FeatureStoreService, counts: Path) -> None:
    """A view applied again goes on counting, and begins without online values."""
    described.materialize("counts")
    described.delete_view("counts")
    assert described.apply_view(counts_view(counts)).version == 2
    assert described.get_online_features({"sample_id": "S-1"}, ["counts:reads"])[0] == {"reads": None}


def test_what_happens_is_published_and_audited(described: FeatureStoreService, database_of: Database) -> None:
    """Once for each change, by whoever made it."""
    with database_of.write() as tx:
        events.subscribe(tx, "watcher")
    with audit.acting_as("ann"):
        described.materialize("counts")
        described.delete_view("counts")
    topics = [event.topic for event in events.read(database_of, "watcher")]
    with database_of.read() as tx:
        entries = [(entry.action, entry.actor) for entry in audit.list_entries(tx, limit=2)]
    assert topics == ["feature_view.applied", "feature_view.materialized", "feature_view.deleted"]
    assert entries == [("delete", "ann"), ("materialize", "ann")]


@pytest.fixture
def database_of(described: FeatureStoreService, request: pytest.FixtureRequest) -> Any:
    """Yield the database under the described store."""
    kind = request.node.callspec.params["store"]
    database = open_database(request.getfixturevalue(f"{'sqlite' if kind == 'valkey' else kind}_url"))
    yield database
    database.close()


def test_setting_store_dir_decides_where_feature_rows_live(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`feature_store.store_dir` is the folder where none is passed."""
    monkeypatch.setenv("MLOPS_FEATURE_STORE_DIR", str(tmp_path / "elsewhere"))
    with FeatureStoreService(database_url=sqlite_url) as store:
        store.apply_entity(Entity(name="site", join_keys=("site",)))
        store.apply_view(
            FeatureView(name="depth", entity="site"),
            frame=pl.DataFrame({"site": ["n"], "event_timestamp": [MONDAY], "x": [1]}),
        )
    assert any((tmp_path / "elsewhere").iterdir())


def test_setting_feature_default_project_is_that_of_features_that_name_none(
    sqlite_url: str, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`feature_store.default_project` is the project of what is applied."""
    monkeypatch.setenv("MLOPS_FEATURE_STORE_DEFAULT_PROJECT", "north")
    assert make_store(sqlite_url).apply_entity(Entity(name="site", join_keys=("site",))).project == "north"
    assert make_store(sqlite_url, project="south").list_entities() == []


def test_setting_redis_url_decides_where_online_features_live(
    sqlite_url: str, valkey_url: str, make_store: MakeStore, counts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`database.redis_url` takes them out of the database."""
    import redis

    monkeypatch.setenv("MLOPS_REDIS_URL", valkey_url)
    describe(make_store(sqlite_url), counts).materialize("counts")
    with redis.Redis.from_url(valkey_url) as client:
        [key] = client.scan_iter("mlops:features:*")
        assert client.hlen(key) == 3  # two samples and the mark
