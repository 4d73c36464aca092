"""What is found out of a model before it is saved: its framework, what it takes and answers, rows to hold it to."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mlops.errors import InvalidInput
from mlops.model_registry.entities import SERVER_FIELDS, ModelMetadata
from mlops.model_registry.errors import UnfittedModelWarning
from mlops.model_registry.parity import answer_table, answers_of, sample_rows
from mlops.model_registry.signature import infer_signature
from mlops.model_registry.tables import ARRAY_INPUT

__all__ = ["Intake", "examine", "is_fitted"]


class Intake(NamedTuple):
    """A model with what was told and found out of it.

    Attributes:
        rows: A few rows of the sample, as they came; None where there is none.
        answers: The model's answers on them as a table; None where it gave none.
    """

    model: Any
    metadata: ModelMetadata
    rows: Any = None
    answers: Any = None


def examine(
    model: Any,
    metadata: ModelMetadata,
    *,
    config: Mapping[str, Any] | None = None,
    sample: Any = None,
    training_data: Any = None,
    experiment_id: str | None = None,
) -> Intake:
    """Complete what a caller tells of a model by what the model and the data tell; nothing is stored.

    Raises:
        InvalidInput: A field that the registry decides was set, two statements contradict each other, or the model
            refuses the sample.
    """
    _refuse_server_fields(metadata)
    if model is None:
        raise InvalidInput("There is no model to register: it is None. Pass the model, or the path of its file.")
    told = _completed(model, metadata, config, training_data, experiment_id)
    fitted = is_fitted(model)
    if not fitted:
        warnings.warn(
            f"Model {metadata.model_id!r} is a {type(model).__qualname__} that was never fitted; it is registered, "
            "and it cannot predict. Fit it and register it again.",
            UnfittedModelWarning,
            stacklevel=2,
        )
    given = sample if sample is not None else _features(model, told, training_data)
    return _with_signature(model, told, given, asks=fitted)


def is_fitted(model: Any) -> bool:
    """Tell whether a model can predict as it is; what is no scikit-learn estimator counts as fitted."""
    base = getattr(sys.modules.get("sklearn.base"), "BaseEstimator", None)
    if base is None or not isinstance(model, base):
        return True
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError:
        return False
    except TypeError:  # it has no fit()
        return True
    return True


def _refuse_server_fields(metadata: ModelMetadata) -> None:
    if not isinstance(metadata, ModelMetadata):
        raise InvalidInput(f"register_model takes ModelMetadata(model_id=…, …), not {metadata!r}.")
    untold = ModelMetadata(model_id=metadata.model_id)
    wrong = sorted(name for name in SERVER_FIELDS if getattr(metadata, name) != getattr(untold, name))
    if wrong:
        raise InvalidInput(
            f"The registry itself decides {', '.join(wrong)} of a version. Leave this out; "
            "promote_model and protect change a registered version."
        )


def _completed(
    model: Any, metadata: ModelMetadata, config: Mapping[str, Any] | None, training_data: Any, experiment_id: str | None
) -> ModelMetadata:
    """Fill in what was not told."""
    is_file = isinstance(model, Path)
    return metadata.changed(
        hyperparameters={**metadata.hyperparameters, **(config or {})},
        framework=metadata.framework or ("" if is_file else _framework(model)),
        algorithm=metadata.algorithm or ("" if is_file else type(model).__qualname__),
        feature_columns=metadata.feature_columns or _named_features(model),
        training_data_hash=_hash_of(metadata.training_data_hash, training_data),
        experiment_id=_agreed("experiment_id", metadata.experiment_id, experiment_id),
    )


def _framework(model: Any) -> str:
    """Return the package that a model's class is from; none for what Python itself or a script defines."""
    package = type(model).__module__.partition(".")[0]
    return "" if package in {"builtins", "__main__"} else package


def _named_features(model: Any) -> tuple[str, ...]:
    names = getattr(model, "feature_names_in_", None)
    return () if names is None else tuple(map(str, names))


def _hash_of(told: str, training_data: Any) -> str:
    if training_data is None:
        return told
    from mlops.provenance.fingerprint import fingerprint_dataset

    return _agreed("training_data_hash", told, fingerprint_dataset(training_data).digest) or ""


def _agreed(name: str, told: str | None, given: str | None) -> str | None:
    if told and given and told != given:
        raise InvalidInput(f"{name} is {told!r} in the metadata and {given!r} beside it. Tell it once.")
    return given or told


def _features(model: Any, told: ModelMetadata, data: Any) -> Any:
    """Return the columns of training data that the model takes; None where that cannot be told."""
    if data is None or isinstance(data, str | Path | Mapping):
        return None
    names = list(told.feature_columns)
    if hasattr(data, "columns") and names:
        return data[names] if set(names) <= set(map(str, data.columns)) else None
    width = getattr(model, "n_features_in_", len(names) or None)
    shape: tuple[int, ...] = getattr(data, "shape", ())
    return data if len(shape) == 2 and shape[1] == width else None


def _with_signature(model: Any, told: ModelMetadata, given: Any, *, asks: bool) -> Intake:
    if given is None:
        signature = infer_signature(model=model, feature_columns=told.feature_columns)
        return Intake(model, told.changed(signature=signature))
    rows = sample_rows(given)
    answers = answers_of(model, rows) if asks and hasattr(model, "predict") else None
    signature = infer_signature(sample=given, model=model, answers=answers, feature_columns=told.feature_columns)
    named = tuple(column.name for column in signature.inputs if column.name != ARRAY_INPUT)
    told = told.changed(signature=signature, feature_columns=told.feature_columns or named)
    return Intake(model, told, rows, None if answers is None else answer_table(answers))
