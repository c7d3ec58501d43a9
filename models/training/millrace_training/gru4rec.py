"""GRU4Rec (Hidasi et al., ICLR 2016), with the loss over all items instead of the batch's."""

from __future__ import annotations

import numpy as np
import torch
from onnx import TensorProto
from torch import Tensor, nn

from .graph import Graph
from .sequence_model import SequenceModel
from .sequences import PAD


class Gru4Rec(SequenceModel):
    """A gated recurrent layer over the items, oldest first."""

    def __init__(self, items: int, width: int, length: int, dropout: float) -> None:
        super().__init__(items, width, length)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.start()

    def encode(self, rows: Tensor) -> Tensor:
        """Hidden states; padding is skipped, not fed: a state begins at the first item. Of no items it is that of one padding."""
        length = rows.shape[1]
        padding = (rows == PAD).sum(dim=1, keepdim=True).clamp_max(length - 1)
        place = torch.arange(length)[None, :]
        # Items to the left for the layer, states to the right again.
        states, _ = self.gru(self.dropout(self.table(rows.gather(1, (place + padding) % length))))
        back = (place - padding) % length
        return self.dropout(states.gather(1, back[:, :, None].expand(-1, -1, self.width)))

    def write_last(self, graph: Graph, rows: str, table: str) -> str:
        """As `last`; ONNX orders the gates z, r, h where PyTorch has r, z, n, and `linear_before_reset` is PyTorch's way."""
        known = graph.node("Cast", graph.node("Not", graph.node("Equal", rows, graph.integers(PAD))), to=TensorProto.INT64)
        steps = graph.node("Max", graph.node("ReduceSum", known, graph.integers([1]), keepdims=1), graph.integers([[1]]))
        padding = graph.node("Sub", graph.integers([[self.length]]), steps)
        place = graph.node("Add", graph.integers(np.arange(self.length)[None]), padding)
        place = graph.node("Mod", place, graph.integers([[self.length]]))
        begun = graph.node("Transpose", graph.node("GatherElements", rows, place, axis=1), perm=(1, 0))
        steps = graph.node("Cast", graph.node("Squeeze", steps, graph.integers([1])), to=TensorProto.INT32)
        kernel, recurrent = (self._zrh(weight) for weight in (self.gru.weight_ih_l0, self.gru.weight_hh_l0))
        bias = np.concatenate([self._zrh(part)[0] for part in (self.gru.bias_ih_l0, self.gru.bias_hh_l0)])[None]
        _, newest = graph.nodes(
            "GRU", graph.node("Gather", table, begun), graph.constant(kernel), graph.constant(recurrent), graph.constant(bias), steps,
            outputs=("", None), hidden_size=self.width, linear_before_reset=1,
        )  # fmt: skip
        return graph.node("Squeeze", newest, graph.integers([0]))

    @staticmethod
    def _zrh(weight: Tensor) -> np.ndarray:
        reset, update, new = weight.detach().chunk(3)
        return torch.cat((update, reset, new)).numpy()[None]
