"""ONNX models: one protobuf message, checked by ONNX's own checker, without files beside it.

External data would let a model name any file of the machine, so that such models are refused. Every tensor has as many
values as its dimensions say, before anything makes room for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from mlops.artifacts.codecs.native import unreadable
from mlops.artifacts.codecs.protocol import Encoding, is_exactly
from mlops.artifacts.codecs.skops_file import UnreadableModel
from mlops.artifacts.errors import CannotEncode
from mlops.errors import require

__all__ = ["OnnxCodec"]

_MOST_BYTES = (2 << 30) - 1  # what protobuf can hold in one message
_PACKED_BITS = {"UINT4": 4, "INT4": 4, "FLOAT4E2M1": 4, "UINT2": 2, "INT2": 2}
_DEEPEST = 64


class OnnxCodec:
    """A `ModelProto`; the same one always gives the same bytes."""

    name = "onnx"
    version = 1
    members = ("model.onnx",)
    signed = False
    deterministic = True

    def handles(self, value: object) -> bool:
        """Take ModelProto messages."""
        return is_exactly(value, "onnx", "ModelProto")

    def encode(self, value: Any) -> Encoding:
        """Write it after a look that it would be loaded again."""
        import onnx

        size = value.ByteSize()
        if size > _MOST_BYTES:
            raise CannotEncode(f"This ONNX model has {size} bytes; {_MOST_BYTES} are the most for one message.")
        try:
            _check(onnx, value)
        except UnreadableModel as error:
            raise CannotEncode(f"This ONNX model cannot be kept: {error}") from error
        content = value.SerializeToString(deterministic=True)
        opsets = {item.domain or "ai.onnx": item.version for item in value.opset_import}
        details = {
            "onnx": onnx.__version__,
            "ir_version": value.ir_version,
            "opsets": opsets,
            "nodes": len(value.graph.node),
        }
        return Encoding({self.members[0]: content}, details)

    def decode(self, members: Mapping[str, bytes]) -> Any:
        """Read and check it.

        Raises:
            MissingDependency: ONNX is not installed.
            UnreadableModel: It is not a valid ONNX model, or has its data elsewhere.
        """
        onnx = require("onnx", package="onnx", extra="onnx", purpose="loading this model")
        content = members[self.members[0]]
        if len(content) > _MOST_BYTES:
            raise UnreadableModel(f"The file has {len(content)} bytes; no ONNX model in one message has that many.")
        with unreadable("ONNX", (_decode_error(), ValueError, TypeError)):
            model = onnx.ModelProto.FromString(content)
        _check(onnx, model)
        return model


def _check(onnx: Any, model: Any) -> None:
    with unreadable("ONNX", (ValueError, TypeError, KeyError, RecursionError, onnx.checker.ValidationError)):
        for tensor in _tensors(onnx, model):
            _check_tensor(onnx, tensor)
        onnx.checker.check_model(model)


def _tensors(onnx: Any, message: Any, depth: int = 0) -> Iterator[Any]:
    """Yield every tensor in a message, wherever it stands: initializers, attributes, subgraphs, functions."""
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    if isinstance(message, onnx.TensorProto):
        yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if field.is_repeated else (value,):
                yield from _tensors(onnx, inner, depth + 1)


def _check_tensor(onnx: Any, tensor: Any) -> None:
    if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise ValueError(f"tensor {tensor.name!r} has its data in another file; load the model with its data first")
    if any(size < 0 for size in tensor.dims):
        raise ValueError(f"tensor {tensor.name!r} has a negative size")
    count = math.prod(tensor.dims)
    kind = onnx.TensorProto.DataType.Name(tensor.data_type)
    wanted = _sizes(onnx, tensor, kind, count)
    found = len(tensor.raw_data) if tensor.HasField("raw_data") else _stored(onnx, tensor)
    if found != wanted:
        raise ValueError(
            f"tensor {tensor.name!r} has {found} units of data where {list(tensor.dims)} {kind} need {wanted}"
        )


def _sizes(onnx: Any, tensor: Any, kind: str, count: int) -> int:
    """Return the bytes of raw data, or the items in a typed field, that so many values need."""
    bits = _PACKED_BITS.get(kind)
    if bits:
        return math.ceil(count * bits / 8)
    if not tensor.HasField("raw_data"):
        return count * (2 if kind.startswith("COMPLEX") else 1)
    return count * int(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)


def _stored(onnx: Any, tensor: Any) -> int:
    return len(getattr(tensor, onnx.helper.tensor_dtype_to_field(tensor.data_type)))


def _decode_error() -> Any:
    return require("google.protobuf.message", package="onnx", extra="onnx", purpose="loading this model").DecodeError
