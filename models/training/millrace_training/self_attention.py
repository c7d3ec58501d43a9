"""SASRec (Kang & McAuley, ICDM 2018) and BERT4Rec (Sun et al., CIKM 2019): self-attention over the items of a person."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from .graph import Graph
from .sequence_model import SequenceModel
from .sequences import PAD

HIDDEN = -1e9
"""Added to a weight that must not count. Finite: a row in which nothing counts must not become NaN."""

NORM_SMALL = 1e-5


class Block(nn.Module):
    """Attention, then two layers on each place; each with dropout, added to its input and normalised."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.mix = (nn.Linear(width, width) for _ in range(4))
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width, eps=NORM_SMALL) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, places: Tensor, mask: Tensor, asked: Tensor) -> Tensor:
        """New states of `asked` [n, q, width], which look at places [n, l, width]; mask [n, 1, q, l] is added to the weights."""
        query, key, value = (self._split(layer(x)) for layer, x in ((self.query, asked), (self.key, places), (self.value, places)))
        weights = torch.softmax(query @ key.transpose(2, 3) / math.sqrt(key.shape[3]) + mask, dim=3)
        seen = (self.dropout(weights) @ value).transpose(1, 2).flatten(2)
        states = self.norms[0](asked + self.dropout(self.mix(seen)))
        return self.norms[1](states + self.dropout(self.narrow(torch.relu(self.wide(states)))))

    def _split(self, states: Tensor) -> Tensor:
        return states.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def write(self, graph: Graph, places: str, mask: str, asked: str) -> str:
        """The same in a graph."""
        width, size = self.query.in_features, self.query.in_features // self.heads

        def split(layer: nn.Linear, states: str, order: tuple[int, ...]) -> str:
            shaped = graph.node("Reshape", graph.project(layer, states), graph.integers([0, 0, self.heads, size]))
            return graph.node("Transpose", shaped, perm=order)

        query, value = split(self.query, asked, (0, 2, 1, 3)), split(self.value, places, (0, 2, 1, 3))
        weights = graph.node("MatMul", query, split(self.key, places, (0, 2, 3, 1)))
        weights = graph.node("Div", weights, graph.constant(np.array(math.sqrt(size))))
        weights = graph.node("Softmax", graph.node("Add", weights, mask), axis=3)
        seen = graph.node("Transpose", graph.node("MatMul", weights, value), perm=(0, 2, 1, 3))
        seen = graph.node("Reshape", seen, graph.integers([0, 0, width]))
        states = graph.norm(self.norms[0], graph.node("Add", asked, graph.project(self.mix, seen)))
        wide = graph.node("Relu", graph.project(self.wide, states))
        return graph.norm(self.norms[1], graph.node("Add", states, graph.project(self.narrow, wide)))


class SelfAttention(SequenceModel):
    """Learned places counted from the newest item, then blocks. Causal: SASRec. Both ways, with masked items: BERT4Rec."""

    def __init__(
        self, items: int, width: int, length: int, blocks: int, heads: int, dropout: float, causal: bool, masked: float = 0.2
    ) -> None:
        super().__init__(items, width, length, extra_rows=0 if causal else 1)
        self.causal, self.masked = causal, masked
        self.places = nn.Embedding(length, width)
        self.norm = nn.LayerNorm(width, eps=NORM_SMALL)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(blocks))
        self.start()

    def encode(self, rows: Tensor) -> Tensor:
        """Hidden states of every place."""
        return self._encode(rows, last_only=False)

    def last(self, rows: Tensor) -> Tensor:
        """The state of the newest place; the last block is asked for that one alone."""
        return self._encode(rows if self.causal else self._asked_after(rows), last_only=True)[:, -1]

    def training_pairs(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """SASRec: each place names the next item. BERT4Rec: the newest item and a share of the others are masked, and named."""
        if self.causal:
            return super().training_pairs(rows, generator)
        rows = rows[:, -self.length :]
        masked = torch.rand(rows.shape, generator=generator) < self.masked
        # One of two people is asked as when serving: what is newest?
        newest = torch.rand(len(rows), generator=generator) < 0.5
        masked[newest] = False
        masked[newest, -1] = True
        masked &= rows != PAD
        masked[~masked.any(dim=1), -1] = True
        return self.encode(rows.masked_fill(masked, 1 + self.items))[masked], rows[masked]

    def _asked_after(self, rows: Tensor) -> Tensor:
        mask = torch.full((len(rows), 1), 1 + self.items)
        return torch.cat((rows, mask), dim=1)[:, -self.length :]

    def _encode(self, rows: Tensor, last_only: bool) -> Tensor:
        length = rows.shape[1]
        states = self.dropout(self.norm(self.table(rows) + self.places.weight[self.length - length :]))
        mask = torch.where(rows == PAD, HIDDEN, 0.0)[:, None, None, :]
        if self.causal:
            mask = mask + torch.full((length, length), HIDDEN).triu(1)
        for number, block in enumerate(self.blocks, 1):
            if last_only and number == len(self.blocks):
                return block(states, mask[:, :, -1:], states[:, -1:])
            states = block(states, mask, states)
        return states

    def write_last(self, graph: Graph, rows: str, table: str) -> str:
        """As `last`."""
        if not self.causal:
            newest = graph.node("Slice", rows, graph.integers([1]), graph.integers([self.length]), graph.integers([1]))
            rows = graph.node("Pad", newest, graph.integers([0, 0, 0, 1]), graph.integers(1 + self.items))
        states = graph.node("Add", graph.node("Gather", table, rows), graph.constant(self.places.weight.detach().numpy()))
        states = graph.norm(self.norm, states)
        padded = graph.node("Equal", rows, graph.integers(PAD))
        newest_mask = graph.node("Where", padded, graph.constant(np.array(HIDDEN)), graph.constant(np.array(0.0)))
        mask = newest_mask = graph.node("Unsqueeze", newest_mask, graph.integers([1, 2]))
        if self.causal:
            mask = graph.node("Add", mask, graph.constant(np.triu(np.full((self.length, self.length), HIDDEN), 1)))
        for block in self.blocks[:-1]:
            states = block.write(graph, states, mask, states)
        newest = graph.node("Slice", states, graph.integers([-1]), graph.integers([self.length]), graph.integers([1]))
        return graph.node("Squeeze", self.blocks[-1].write(graph, states, newest_mask, newest), graph.integers([1]))
