"""A small hand for writing ONNX graphs: inputs, nodes and constants with names that never meet a column's.

It knows operators by name only; which ones make a feature is `onnx_graph`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from mlops.errors import require

__all__ = ["NodeList"]


class NodeList:
    """The inputs, nodes and constants of a graph in the order in which they were added.

    Attributes:
        opsets: Version of the operators of each domain.
        ir_version: Version of the file format.
    """

    def __init__(self, opsets: Mapping[str, int], ir_version: int, *, taken: Iterable[str]) -> None:
        self.opsets = opsets
        self.ir_version = ir_version
        self._onnx = require("onnx", package="onnx", extra="onnx", purpose="making an ONNX graph of features")
        self._inputs: list[Any] = []
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._prefix = "_" * (1 + max((len(name) - len(name.lstrip("_")) for name in taken), default=0))

    def input(self, name: str, element: str) -> str:
        """Declare an input of [rows, 1] and return its name; `element` is as ONNX calls it, such as DOUBLE."""
        self._inputs.append(self._tensor(name, element, 1))
        return name

    def node(self, operator: str, *inputs: str, domain: str = "", output: str = "", **attributes: Any) -> str:
        """Add a node with one output and return that output's name."""
        name = output or f"{self._prefix}{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(operator, list(inputs), [name], domain=domain, **attributes))
        return name

    def constant(self, values: Any, dtype: type[np.generic] = np.float64) -> str:
        """Add a constant tensor and return its name."""
        name = f"{self._prefix}c{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def cast(self, tensor: str, element: str, *, output: str = "") -> str:
        """Add a change of the elements' type."""
        return self.node("Cast", tensor, output=output, to=getattr(self._onnx.TensorProto, element))

    def model(self, output: str, element: str, width: int, metadata: Mapping[str, str]) -> Any:
        """Return the checked model whose output of that name is [rows, width]."""
        helper = self._onnx.helper
        outputs = [self._tensor(output, element, width)]
        graph = helper.make_graph(self._nodes, output, self._inputs, outputs, initializer=self._constants)
        opsets = [helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=self.ir_version, producer_name="tracseq-mlops"
        )
        helper.set_model_props(model, dict(metadata))
        self._onnx.checker.check_model(model, full_check=True)
        return model

    def _tensor(self, name: str, element: str, width: int) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, getattr(self._onnx.TensorProto, element), ["rows", width])
