"""Schemas and feature configurations: versions that never change, found by id and by name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mlops.data_pipeline import (
    DataPipelineService,
    DataSchema,
    FeatureConfigExists,
    FeatureConfigNotFound,
    SchemaExists,
    SchemaNotFound,
)
from mlops.errors import InvalidInput
from mlops.tests.integration.data_pipeline.conftest import MakePipeline, samples_config, samples_schema


def test_equal_content_is_the_same_schema(pipeline: DataPipelineService) -> None:
    """Creating the same version again, described in other words, gives the same id and stores nothing."""
    first = pipeline.create_schema(samples_schema())
    assert pipeline.create_schema(samples_schema(description="again")) == first
    assert [schema.schema_id for schema in pipeline.list_schemas()] == [first]


def test_creating_the_same_at_once_is_creating_it_once(pipeline: DataPipelineService) -> None:
    """Whoever comes second, in whichever thread, is given what the first has made."""
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: pipeline.create_schema(samples_schema()), range(8)))
    assert len(set(made)) == 1
    assert len(pipeline.list_schemas()) == 1


def test_a_version_never_changes(pipeline: DataPipelineService) -> None:
    """Other content under a version that is taken is refused; under another version it is stored."""
    pipeline.create_schema(samples_schema())
    other = DataSchema(name="samples", columns={"sample_id": "string"})
    with pytest.raises(SchemaExists, match=r"Version '1.0' of schema 'samples' exists"):
        pipeline.create_schema(other)
    assert pipeline.get_schema(pipeline.create_schema(other.changed(version="2.0"))).columns.keys() == {"sample_id"}


def test_schemas_are_found_by_name_and_version(pipeline: DataPipelineService) -> None:
    """A name alone means the newest version; lists have the newest first."""
    old = pipeline.create_schema(samples_schema())
    new = pipeline.create_schema(samples_schema(version="1.1", unknown_columns="refuse"))
    assert pipeline.get_schema("samples").schema_id == new
    assert pipeline.get_schema("samples", "1.0").schema_id == old
    assert pipeline.get_schema(old).version == "1.0"
    assert [schema.version for schema in pipeline.list_schemas("samples")] == ["1.1", "1.0"]


def test_what_is_stored_comes_back_equal(pipeline: DataPipelineService) -> None:
    """Every field survives, the order of the columns included; the pipeline adds id, project, moment and actor."""
    schema = samples_schema(validation_rules={"low": "dose < 90 or is_null(dose)"}, tags={"lab": "Köln"})
    stored = pipeline.get_schema(pipeline.create_schema(schema))
    assert list(stored.columns) == list(schema.columns)
    told = {"schema_id": "", "project": "", "created_at": None, "created_by": ""}
    assert stored.changed(**told) == schema
    assert stored.project == "default"
    assert stored.created_at is not None


def test_an_unknown_name_is_answered_with_near_ones(pipeline: DataPipelineService) -> None:
    """Misspelt names of schemas and configurations are corrected."""
    pipeline.create_schema(samples_schema())
    pipeline.create_feature_config(samples_config())
    with pytest.raises(SchemaNotFound, match="Did you mean 'samples'"):
        pipeline.get_schema("sampels")
    with pytest.raises(FeatureConfigNotFound, match="Did you mean 'samples'"):
        pipeline.get_feature_config("sampels")
    with pytest.raises(SchemaNotFound, match="samples 9"):
        pipeline.get_schema("samples", "9")


def test_feature_configurations_are_kept_like_schemas(pipeline: DataPipelineService) -> None:
    """The same content is the same, other content needs another version, names mean the newest."""
    first = pipeline.create_feature_config(samples_config())
    assert pipeline.create_feature_config(samples_config()) == first
    with pytest.raises(FeatureConfigExists):
        pipeline.create_feature_config(samples_config(scaling_method="robust"))
    second = pipeline.create_feature_config(samples_config(scaling_method="robust", version="2.0"))
    assert [config.config_id for config in pipeline.list_feature_configs()] == [second, first]
    assert pipeline.get_feature_config("samples").scaling_method == "robust"


def test_fields_of_the_pipeline_cannot_be_given(sqlite_pipeline: DataPipelineService) -> None:
    """Who made a schema, and when, is not the caller's to say; an id that is taken is refused."""
    with pytest.raises(InvalidInput, match="created_by is decided by the pipeline"):
        sqlite_pipeline.create_schema(samples_schema(created_by="somebody else"))
    taken = sqlite_pipeline.create_schema(samples_schema(schema_id="mine"))
    with pytest.raises(InvalidInput, match="'mine' is taken"):
        sqlite_pipeline.create_schema(samples_schema(name="other", schema_id=taken))


def test_projects_do_not_see_each_others_definitions(database_url: str, make_pipeline: MakePipeline) -> None:
    """The same name and version may mean something else in another project."""
    here, there = (make_pipeline(database_url, project=name, workers=0) for name in ("here", "there"))
    first = here.create_schema(samples_schema())
    with pytest.raises(SchemaNotFound):
        there.get_schema("samples")
    with pytest.raises(SchemaNotFound):
        there.get_schema(first)
    assert there.create_schema(DataSchema(name="samples", columns={"a": "string"})) != first


def test_a_diff_of_stored_schemas_says_what_breaks(sqlite_pipeline: DataPipelineService) -> None:
    """Schemas are named by id or name, or handed over as they are."""
    sqlite_pipeline.create_schema(samples_schema())
    stricter = samples_schema(validation_rules={"low": "dose < 10"})
    assert sqlite_pipeline.diff_schemas("samples", stricter).is_breaking
    assert not sqlite_pipeline.diff_schemas(stricter, "samples").is_breaking
