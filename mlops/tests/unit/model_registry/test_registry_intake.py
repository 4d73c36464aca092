"""What is found out of a model before it is saved."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mlops.errors import InvalidInput
from mlops.model_registry.entities import ModelMetadata, ModelSignature, ModelStatus
from mlops.model_registry.errors import UnfittedModelWarning
from mlops.model_registry.intake import examine, is_fitted

X = pd.DataFrame({"dose": np.linspace(0, 1, 40), "age": np.arange(40)})
Y = (X["dose"] > 0.5).astype(int)


def told(**values: Any) -> ModelMetadata:
    return ModelMetadata(**{"model_id": "triage", **values})


def fitted() -> LogisticRegression:
    return LogisticRegression().fit(X, Y)


def test_a_model_tells_its_framework_algorithm_and_features() -> None:
    """What nobody told is filled in."""
    metadata = examine(fitted(), told()).metadata
    assert (metadata.framework, metadata.algorithm) == ("sklearn", "LogisticRegression")
    assert metadata.feature_columns == ("dose", "age")


def test_what_was_told_stays() -> None:
    """The caller knows better."""
    metadata = examine(fitted(), told(framework="house", algorithm="ours", hyperparameters={"C": 1}), config={"n": 2})
    assert (metadata.metadata.framework, metadata.metadata.algorithm) == ("house", "ours")
    assert dict(metadata.metadata.hyperparameters) == {"C": 1, "n": 2}


def test_a_sample_gives_signature_rows_and_answers() -> None:
    """At most 32 rows are kept, with an answer each."""
    intake = examine(fitted(), told(), sample=X)
    assert [column.name for column in intake.metadata.signature.inputs] == ["dose", "age"]
    assert len(intake.rows) == len(intake.answers) == 32


def test_training_data_with_the_target_are_cut_to_the_features() -> None:
    """The target is no input."""
    intake = examine(fitted(), told(), training_data=X.assign(target=Y))
    assert list(intake.rows.columns) == ["dose", "age"]
    assert len(intake.metadata.training_data_hash) == 64


def test_training_data_of_another_shape_are_only_fingerprinted() -> None:
    """Columns that cannot be told apart are no sample."""
    model = LogisticRegression().fit(X.to_numpy(), Y)
    intake = examine(model, told(), training_data=np.zeros((4, 9)))
    assert intake.rows is None
    assert intake.metadata.training_data_hash


def test_an_unfitted_model_is_accepted_with_a_warning() -> None:
    """It is asked nothing."""
    with pytest.warns(UnfittedModelWarning, match="'triage' is a LogisticRegression that was never fitted"):
        intake = examine(LogisticRegression(), told(), sample=X)
    assert intake.answers is None
    assert len(intake.metadata.signature.inputs) == 2


def test_pipelines_are_fitted_when_their_steps_are() -> None:
    """The check is scikit-learn's own."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    assert not is_fitted(pipeline)
    assert is_fitted(pipeline.fit(X, Y))
    assert is_fitted(FunctionTransformer())
    assert is_fitted({"weights": [1]})


@pytest.mark.parametrize(
    "values",
    [{"status": "production"}, {"canonical_digest": "ab"}, {"is_protected": True}, {"size_bytes": 3},
     {"signature": ModelSignature.from_document({"inputs": [{"name": "x"}]})}],
)  # fmt: skip
def test_fields_that_the_registry_decides_are_refused(values: dict[str, Any]) -> None:
    """The message names the field."""
    with pytest.raises(InvalidInput, match=next(iter(values))):
        examine({"a": 1}, told(**values))


def test_the_default_of_such_a_field_is_no_statement() -> None:
    """A record that was made with the default may be registered."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        examine({"a": 1}, told(status=ModelStatus.TRAINING))


def test_contradictions_are_refused() -> None:
    """One of two statements must be wrong."""
    with pytest.raises(InvalidInput, match="training_data_hash is 'ab' in the metadata and '"):
        examine({"a": 1}, told(training_data_hash="ab"), training_data=X)
    with pytest.raises(InvalidInput, match="experiment_id is 'e1' in the metadata and 'e2' beside it"):
        examine({"a": 1}, told(experiment_id="e1"), experiment_id="e2")


@pytest.mark.parametrize(("model", "metadata"), [(None, ModelMetadata(model_id="m")), ({}, {"model_id": "m"})])
def test_no_model_and_no_metadata_are_refused(model: Any, metadata: Any) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidInput):
        examine(model, metadata)


def test_a_sample_that_the_model_refuses_is_refused() -> None:
    """The model's own words are in the message."""
    with pytest.raises(InvalidInput, match="refuses the sample"):
        examine(fitted(), told(), sample=X.rename(columns={"dose": "dosis"}))
