"""xgboost models in xgboost's own binary JSON: boosters, and the estimators in scikit-learn's manner around them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

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
from mlops.artifacts.codecs.ubjson import read_ubjson
from mlops.artifacts.codecs.xgboost_checks import check_xgboost
from mlops.artifacts.errors import CannotEncode
from mlops.errors import Corrupted, require

__all__ = ["XgboostCodec"]

_MODEL, _SETTINGS = "model.ubj", "estimator.json"
_ESTIMATORS = ("XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor", "XGBModel")
_FITTED = ("n_classes_", "evals_result_")  # what training leaves on an estimator beside its booster
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)


class XgboostCodec:
    """A Booster, or an estimator of xgboost's, fitted or not.

    Custom objectives and callbacks are code, and trees with several values a leaf are not checked here, so that such
    models are refused (`CannotEncode`) and kept as signed pickles.
    """

    name = "xgboost"
    version = 1
    members = (_MODEL, _SETTINGS)
    signed = False
    deterministic = False

    def handles(self, value: object) -> bool:
        """Take boosters and estimators, and no subclasses, which may hold more."""
        return any(is_exactly(value, "xgboost", kind) for kind in ("Booster", *_ESTIMATORS))

    def encode(self, value: Any) -> Encoding:
        """Write the booster as xgboost does, and the estimator's settings beside it."""
        import xgboost

        is_bare = is_exactly(value, "xgboost", "Booster")
        settings = {"class": type(value).__name__, "is_fitted": True}
        if not is_bare:
            settings |= _settings(value)
        model = bytes(_booster(value, is_bare=is_bare).save_raw("ubj")) if settings["is_fitted"] else b""
        try:
            document = _read(model)
        except Corrupted as error:
            raise CannotEncode(f"This xgboost model cannot be kept in xgboost's own format: {error}") from error
        content = pack_settings(settings)
        details = {"type": f"xgboost.{type(value).__name__}", "xgboost": xgboost.__version__}
        return Encoding({_MODEL: model, _SETTINGS: content}, details, _identity(document, content))

    def decode(self, members: Mapping[str, bytes]) -> Any:
        """Restore it after the model was checked.

        Raises:
            MissingDependency: xgboost is not installed.
            UnreadableModel: The files are not what this codec writes, or need another version of xgboost.
        """
        xgboost = require("xgboost", package="xgboost", extra="boosting", purpose="loading this model")
        settings = read_settings(members[_SETTINGS])
        model = members[_MODEL]
        _read(model)
        with unreadable("xgboost", _BROKEN):
            kind = native_class(xgboost, settings, ("Booster", *_ESTIMATORS))
            booster = xgboost.Booster(model_file=bytearray(model)) if settings["is_fitted"] else None
            return booster if kind is xgboost.Booster else _estimator(kind, settings, booster)


def _settings(model: Any) -> dict[str, Any]:
    """Return what an estimator has beside its booster.

    Raises:
        CannotEncode: It holds what is neither a parameter nor known from training, or code.
    """
    params = {**parameters_of(model), **(vars(model).get("kwargs") or {})}
    unknown = sorted(vars(model).keys() - params.keys() - {"_Booster", "kwargs", *_FITTED})
    if unknown:
        raise CannotEncode(f"This estimator also has {', '.join(unknown)}, which a model file has no place for.")
    fitted = {name: getattr(model, name) for name in _FITTED if name in vars(model)}
    is_fitted = model.__sklearn_is_fitted__()
    return {"is_fitted": is_fitted, "params": pack(params, "parameters"), "fitted": pack(fitted, "fitted")}


def _booster(value: Any, *, is_bare: bool) -> Any:
    return value if is_bare else value.get_booster()


def _estimator(kind: Any, settings: Mapping[str, Any], booster: Any) -> Any:
    params, fitted = settings["params"], settings["fitted"]
    if set(fitted) - set(_FITTED):
        raise ValueError("an estimator has settings that none is saved with")
    model = kind(**checked_parameters(kind, params))
    vars(model).update(fitted)
    if booster is not None:
        booster.set_param({"nthread": params.get("n_jobs") or 0})
        model._Booster = booster  # as its load_model does, which would change parameters too
    return model


def _read(model: bytes) -> Any:
    """Return the checked document of a model; an unfitted one has none."""
    if not model:
        return None
    with unreadable("xgboost", _BROKEN):
        document = read_ubjson(model)
        check_xgboost(document)
        return document


def _identity(document: Any, settings: bytes) -> str:
    """Return the canonical digest: of all but the version of xgboost that wrote it."""
    parts = hashlib.sha256(settings)
    if document is not None:
        _feed(parts, {name: value for name, value in document.items() if name != "version"})
    return parts.hexdigest()


def _feed(parts: Any, value: Any) -> None:
    if isinstance(value, dict):
        parts.update(b"{%d" % len(value))
        for name in sorted(value):
            parts.update(json.dumps(name).encode())
            _feed(parts, value[name])
    elif isinstance(value, list):
        parts.update(b"[%d" % len(value))
        for item in value:
            _feed(parts, item)
    elif hasattr(value, "tobytes"):
        parts.update(f"{value.dtype.str}{value.shape}".encode() + value.tobytes())
    else:
        parts.update(json.dumps(value).encode())
