"""Codecs: how objects become files. The first that handles an object takes it; pickles come last.

Example:
    >>> codec = find_codec(default_codecs(), "json", 1)
    >>> codec.decode({"value.json": codec.encode({"auc": float("inf")}).members["value.json"]})
    {'auc': inf}
"""

from __future__ import annotations

from collections.abc import Sequence

from mlops.artifacts.codecs.arrays import ArrayCodec
from mlops.artifacts.codecs.figures import FigureCodec, StoredFigure
from mlops.artifacts.codecs.frames import FrameCodec, SeriesCodec
from mlops.artifacts.codecs.lightgbm_models import LightgbmCodec
from mlops.artifacts.codecs.models import SklearnCodec
from mlops.artifacts.codecs.onnx_models import OnnxCodec
from mlops.artifacts.codecs.pickles import PickleCodec
from mlops.artifacts.codecs.plain import BytesCodec, JsonCodec, TextCodec
from mlops.artifacts.codecs.protocol import Codec, Encoding
from mlops.artifacts.codecs.xgboost_models import XgboostCodec
from mlops.errors import InvalidInput, did_you_mean

__all__ = ["Codec", "Encoding", "StoredFigure", "default_codecs", "find_codec"]


def default_codecs() -> tuple[Codec, ...]:
    """Return all codecs, from the most specific to the one that takes anything."""
    return (
        BytesCodec(),
        TextCodec(),
        JsonCodec(),
        ArrayCodec(),
        FrameCodec(),
        SeriesCodec(),
        FigureCodec(),
        OnnxCodec(),
        XgboostCodec(),
        LightgbmCodec(),
        SklearnCodec(),
        PickleCodec(),
    )


def find_codec(codecs: Sequence[Codec], name: str, version: int) -> Codec:
    """Return the codec of this name.

    Raises:
        InvalidInput: There is none, or it is older than what wrote the files.
    """
    for codec in codecs:
        if codec.name == name:
            if version > codec.version:
                raise InvalidInput(
                    f"This artifact was written by version {version} of codec {name!r}; here is {codec.version}. "
                    "Upgrade tracseq-mlops to load it."
                )
            return codec
    names = [codec.name for codec in codecs]
    raise InvalidInput(f"Codec {name!r} is unknown. {did_you_mean(name, names)} Known codecs are {', '.join(names)}.")
