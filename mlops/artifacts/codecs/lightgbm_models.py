"""LightGBM models in LightGBM's own text: boosters, and the estimators in scikit-learn's manner around them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from mlops.artifacts.codecs.lightgbm_checks import check_lightgbm
from mlops.artifacts.codecs.native import (
    checked_parameters,
    native_class,
    pack_settings,
    parameters_of,
    read_settings,
    unreadable,
)
from mlops.artifacts.codecs.protocol import Encoding, is_exactly
from mlops.artifacts.codecs.python_values import pack
from mlops.artifacts.errors import CannotEncode
from mlops.errors import Corrupted, require

__all__ = ["LightgbmCodec"]

_MODEL, _SETTINGS = "model.txt", "estimator.json"
_ESTIMATORS = ("LGBMClassifier", "LGBMRegressor", "LGBMRanker", "LGBMModel")
_KEPT = (
    "_best_iteration",
    "_best_score",
    "_class_map",
    "_class_weight",
    "_classes",
    "_eval_at",
    "_evals_result",
    "_fitted_with_feature_names",
    "_n_classes",
    "_n_features",
    "_n_features_in",
    "_objective",
    "fitted_",
)  # what an estimator has beside its parameters and its booster
_MADE_AGAIN = ("_Booster", "_le", "_other_params")
_OF_BOOSTER = ("best_iteration", "best_score", "params")
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)


class LightgbmCodec:
    """A Booster, or an estimator of LightGBM's, fitted or not.

    Custom objectives are code, and linear trees are not checked here, so that such models are refused (`CannotEncode`)
    and kept as signed pickles. All rounds are kept, with the best one's number, after which predictions still stop.
    """

    name = "lightgbm"
    version = 1
    members = (_MODEL, _SETTINGS)
    signed = False
    deterministic = True

    def handles(self, value: object) -> bool:
        """Take boosters and estimators, and no subclasses, which may hold more."""
        return any(is_exactly(value, "lightgbm", kind) for kind in ("Booster", *_ESTIMATORS))

    def encode(self, value: Any) -> Encoding:
        """Write the booster as LightGBM does, and the estimator's settings beside it."""
        import lightgbm

        is_bare = is_exactly(value, "lightgbm", "Booster")
        booster = value if is_bare else vars(value).get("_Booster")
        settings: dict[str, Any] = {"class": type(value).__name__, "is_fitted": booster is not None}
        if booster is not None:
            kept = {name: getattr(booster, name) for name in _OF_BOOSTER}
            settings["booster"] = pack(kept, "booster")
        if not is_bare:
            settings |= _settings(value)
        model = b"" if booster is None else booster.model_to_string(num_iteration=-1).encode()
        try:
            _check(model)
        except Corrupted as error:
            raise CannotEncode(f"This LightGBM model cannot be kept in LightGBM's own format: {error}") from error
        content = pack_settings(settings)
        details = {"type": f"lightgbm.{type(value).__name__}", "lightgbm": lightgbm.__version__}
        return Encoding(
            {_MODEL: model, _SETTINGS: content}, details, hashlib.sha256(content + b"\n" + model).hexdigest()
        )

    def decode(self, members: Mapping[str, bytes]) -> Any:
        """Restore it after the model was checked.

        Raises:
            MissingDependency: LightGBM is not installed.
            UnreadableModel: The files are not what this codec writes, or need another version of LightGBM.
        """
        lightgbm = require("lightgbm", package="lightgbm", extra="boosting", purpose="loading this model")
        settings = read_settings(members[_SETTINGS])
        model = members[_MODEL]
        _check(model)
        with unreadable("LightGBM", (*_BROKEN, lightgbm.basic.LightGBMError)):
            kind = native_class(lightgbm, settings, ("Booster", *_ESTIMATORS))
            booster = _booster(lightgbm, model, settings["booster"]) if settings["is_fitted"] else None
            return booster if kind is lightgbm.Booster else _estimator(kind, settings, booster)


def _settings(model: Any) -> dict[str, Any]:
    """Return what an estimator has beside its booster.

    Raises:
        CannotEncode: It holds what is neither a parameter nor known from training, or code.
    """
    params = {**parameters_of(model), **vars(model)["_other_params"]}
    unknown = sorted(vars(model).keys() - params.keys() - {*_KEPT, *_MADE_AGAIN})
    if unknown:
        raise CannotEncode(f"This estimator also has {', '.join(unknown)}, which a model file has no place for.")
    kept = {name: vars(model)[name] for name in _KEPT if name in vars(model)}
    return {"params": pack(params, "parameters"), "fitted": pack(kept, "fitted")}


def _booster(lightgbm: Any, model: bytes, kept: Mapping[str, Any]) -> Any:
    if set(kept) != set(_OF_BOOSTER):
        raise ValueError("a booster has other settings than it is saved with")
    booster = lightgbm.Booster(model_str=model.decode())
    vars(booster).update(kept)
    return booster


def _estimator(kind: Any, settings: Mapping[str, Any], booster: Any) -> Any:
    from sklearn.preprocessing import LabelEncoder

    params, kept = settings["params"], settings["fitted"]
    if set(kept) - set(_KEPT):
        raise ValueError("an estimator has settings that none is saved with")
    model = kind(**checked_parameters(kind, params))
    vars(model).update(kept)
    if booster is not None:
        model._Booster = booster  # there is no public way in
        if kept.get("_classes") is not None:
            model._le = LabelEncoder()
            model._le.classes_ = kept["_classes"]
    return model


def _check(model: bytes) -> None:
    """Check a model's text; an unfitted one has none."""
    if model:
        with unreadable("LightGBM", _BROKEN):
            check_lightgbm(model)
