"""What the codecs of native model files share: the settings beside a model, and how libraries' failures are told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mlops.artifacts.codecs.python_values import unpack
from mlops.artifacts.codecs.skops_file import UnreadableModel
from mlops.errors import Corrupted
from mlops.records import decode_json, encode_json

__all__ = ["checked_parameters", "native_class", "pack_settings", "parameters_of", "read_settings", "unreadable"]

_MOST_SETTINGS_BYTES = 64 << 20
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_THREADS = frozenset({"n_jobs", "num_threads", "num_thread", "nthread", "nthreads"})
_MOST_THREADS = 1024  # more would be an attack on the machine, not a setting


def pack_settings(settings: Mapping[str, Any]) -> bytes:
    """Return settings, their values packed already, as the bytes of a JSON file."""
    return encode_json(settings, where="settings").encode("utf-8", "surrogatepass")


def read_settings(content: bytes) -> dict[str, Any]:
    """Return settings with their packed parts unpacked: the class's name, `is_fitted`, and for estimators more.

    Raises:
        UnreadableModel: The file is no such document.
    """
    if len(content) > _MOST_SETTINGS_BYTES:
        raise UnreadableModel(f"The settings beside the model have {len(content)} bytes; none are that long.")
    with unreadable("native model", (ValueError, RecursionError, TypeError, KeyError, AttributeError)):
        document = decode_json(content.decode("utf-8", "surrogatepass"))
        plain = {"class": str(document.pop("class")), "is_fitted": document.pop("is_fitted") is True}
        return {**{name: unpack(value) for name, value in document.items()}, **plain}


def native_class(library: Any, settings: Mapping[str, Any], allowed: Sequence[str]) -> Any:
    """Return the class that settings name.

    Raises:
        ValueError: It is not one of those allowed.
    """
    if settings["class"] not in allowed:
        raise ValueError(f"{settings['class']!r} is not one of {', '.join(allowed)}")
    return getattr(library, settings["class"])


def parameters_of(model: Any) -> dict[str, Any]:
    """Return an estimator's parameters as they are; `get_params` of xgboost draws from a random state that it finds."""
    names = _declared(type(model))
    return {name: value for name, value in vars(model).items() if name in names}


def checked_parameters(kind: type, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return parameters for an estimator: none hides a method, none asks for more threads than a machine has.

    Raises:
        ValueError: One of them does.
    """
    declared = _declared(kind)
    for name, value in params.items():
        if not _PARAMETER.fullmatch(name) or (name not in declared and hasattr(kind, name)):
            raise ValueError(f"{name!r} is not a parameter")
        if name in _THREADS and value is not None and (type(value) is not int or abs(value) > _MOST_THREADS):
            raise ValueError(f"{name} is {value!r}; {_MOST_THREADS} threads are the most")
    return params


def _declared(kind: type) -> set[str]:
    return {name for base in kind.__mro__ if hasattr(base, "_get_param_names") for name in base._get_param_names()}


@contextmanager
def unreadable(kind: str, failures: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn what a reader raises for bad content into UnreadableModel."""
    try:
        yield
    except Corrupted:
        raise
    except failures as error:
        raise UnreadableModel(
            f"The {kind} file cannot be loaded here: {_reason(error)}. If it was saved by a newer version of the "
            "library, load it with that one (see the artifact's details)."
        ) from error


def _reason(error: Exception) -> str:
    """Return the first line of a library's message, which may go on with a trace of C++."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300].rstrip('.') if lines else 'no reason given'}"
