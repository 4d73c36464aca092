"""Which runs are equal: those that work the same way, by schema, features, options and code, on the same input."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from mlops.features import get_transformation
from mlops.records import encode_json

if TYPE_CHECKING:
    from mlops.data_pipeline.execution import Request

__all__ = ["CODE_VERSION", "key_of", "way_of"]

CODE_VERSION = 2
"""Raised whenever the same request would give other outputs."""


def key_of(request: Request, input_digest: str) -> str:
    """Return what two runs share whose outputs are the same; empty, which equals nothing, where that is not known."""
    way = way_of(request)
    return f"{way}:{input_digest}" if way else ""


def way_of(request: Request) -> str:
    """Return a digest of everything but the input's bytes that decides about a run's outputs.

    Empty for a run with Python functions among its transformations: what a function does cannot be read off it.
    """
    options, config = request.options, request.config
    steps = _steps_digest(config.custom_transformations) if config else ""
    if steps is None or options.mended_run_id is not None:
        return ""
    named = (rule.polars_name for rule in request.schema.validation_rules if rule.polars_name)
    parts = {
        "code": [CODE_VERSION, pl.__version__],
        "input": _endings(request),
        "schema": request.schema.digest,
        "rules": request.rules.fingerprint(named),
        "features": config.digest if config else "",
        "steps": steps,
        "read": options.read.to_document(),
        "max_bad_fraction": options.max_bad_fraction,
        "output_format": options.output_format,
    }
    return hashlib.sha256(encode_json(parts).encode()).hexdigest()


def _endings(request: Request) -> list[str]:
    """Return what of an input's name decides about how it is read."""
    return [ending.lower() for ending in Path(request.run.input_data_path).suffixes[-2:]]


def _steps_digest(names: Iterable[str]) -> str | None:
    """Return a digest of custom transformations; None when one of them is a function."""
    found = hashlib.sha256()
    for name in names:
        function = get_transformation(name).function
        if not isinstance(function, pl.Expr):
            return None
        found.update(name.encode() + b"\0" + function.meta.serialize())
    return found.hexdigest()
