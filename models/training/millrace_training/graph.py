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

TREES = "ai.onnx.ml"
"""The domain of tree operators."""
TREES_OPSET = 3


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

    def doubles(self, value: np.ndarray) -> str:
        """A float64 weight, for what loses too much in float32."""
        name = f"d{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(value, np.float64), name))
        return name

    def integers(self, value: int | list[int] | np.ndarray) -> str:
        """An int64 constant: a shape, an axis, a row."""
        name = f"i{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(value, np.int64), name))
        return name

    def node(self, operator: str, *inputs: str, output: str | None = None, **attributes: object) -> str:
        """One operator with one result."""
        result = output or f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [result], **attributes))
        return result

    def nodes(self, operator: str, *inputs: str, outputs: tuple[str | None, ...], **attributes: object) -> list[str]:
        """One operator with several results: a name for each, None to have one made up, "" to leave it out."""
        results = [f"t{len(self._nodes)}_{number}" if name is None else name for number, name in enumerate(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), results, **attributes))
        return results

    def project(self, layer: nn.Linear, states: str) -> str:
        """states · Wᵀ + b along the last of any number of dimensions."""
        weight = self.constant(layer.weight.detach().numpy().T)
        return self.node("Add", self.node("MatMul", states, weight), self.constant(layer.bias.detach().numpy()))

    def norm(self, layer: nn.LayerNorm, states: str) -> str:
        """Layer normalisation of the last dimension."""
        scale, bias = self.constant(layer.weight.detach().numpy()), self.constant(layer.bias.detach().numpy())
        return self.node("LayerNormalization", states, scale, bias, axis=-1, epsilon=layer.eps)

    def linear(self, layer: nn.Linear, rows: str) -> str:
        """rows · Wᵀ + b of rows [B, n]."""
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

    def finish(
        self, width: int, outputs: dict[str, int], source: str = "features", integers: tuple[str, ...] = ()
    ) -> onnx.ModelProto:
        """The checked model: input `source` [B, width] and the named outputs [B, n], B free.

        Tensors are float32, those named in `integers` int64.
        """

        def tensor(name: str, columns: int) -> onnx.ValueInfoProto:
            kind = TensorProto.INT64 if name in integers else TensorProto.FLOAT
            return helper.make_tensor_value_info(name, kind, ["B", columns])

        graph = helper.make_graph(
            self._nodes,
            self.name,
            [tensor(source, width)],
            [tensor(name, columns) for name, columns in outputs.items()],
            self._weights,
        )
        domains = [helper.make_opsetid("", OPSET)]
        if any(node.domain == TREES for node in self._nodes):
            domains.append(helper.make_opsetid(TREES, TREES_OPSET))
        model = helper.make_model(graph, opset_imports=domains, ir_version=IR_VERSION, producer_name="millrace")
        onnx.checker.check_model(model, full_check=True)
        return model
