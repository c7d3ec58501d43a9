"""Writes small ONNX graphs from PyTorch layers.

The graphs are put together here rather than by an exporter: a handful of operators, opset 17 and IR 9 whatever PyTorch's
version, so that every ONNX Runtime since 1.14, Triton's included, loads them.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

OPSET = 17
IR_VERSION = 9


class Graph:
    """An ONNX graph in the making; every method adds nodes and returns the name of their result."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def constant(self, value: np.ndarray) -> str:
        """A float32 weight."""
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def node(self, operator: str, *inputs: str, output: str | None = None, **attributes: object) -> str:
        """One operator with one result."""
        result = output or f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [result], **attributes))
        return result

    def linear(self, layer: nn.Linear, rows: str) -> str:
        """rows · Wᵀ + b."""
        weight = self.constant(layer.weight.detach().numpy())
        bias = self.constant(layer.bias.detach().numpy())
        return self.node("Gemm", rows, weight, bias, transB=1)

    def sequence(self, layers: nn.Sequential, rows: str) -> str:
        """Linear and ReLU layers one after the other; Dropout does nothing outside training."""
        for layer in layers:
            if isinstance(layer, nn.Linear):
                rows = self.linear(layer, rows)
            elif isinstance(layer, nn.ReLU):
                rows = self.node("Relu", rows)
            elif not isinstance(layer, nn.Dropout):
                raise TypeError(f"{type(layer).__name__} cannot be written to ONNX here")
        return rows

    def finish(self, width: int, outputs: dict[str, int]) -> onnx.ModelProto:
        """The checked model: input `features` [B, width] and the named outputs [B, n], B free."""
        graph = helper.make_graph(
            self._nodes,
            self.name,
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["B", width])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", columns]) for name, columns in outputs.items()],
            self._weights,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="millrace"
        )
        onnx.checker.check_model(model, full_check=True)
        return model
