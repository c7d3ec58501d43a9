"""Neural collaborative filtering (features.md F4.3; He et al., WWW 2017): a product of two vectors beside a network over two others."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from .graph import Graph

INPUT, OUTPUT = "pairs", "p"
VECTOR = 50
UNKNOWN = 0
"""The row of a person or item that is not known; others count from 1."""


class Ncf(nn.Module):
    """GMF (50) beside an MLP (100-128-64-32), one layer over both: the chance that a person goes for an item."""

    def __init__(self, people: int, items: int, dropout: float) -> None:
        super().__init__()
        self.people, self.items = people, items
        self.person_product, self.person_deep = nn.Embedding(1 + people, VECTOR), nn.Embedding(1 + people, VECTOR)
        self.item_product, self.item_deep = nn.Embedding(1 + items, VECTOR), nn.Embedding(1 + items, VECTOR)
        for table in (self.person_product, self.person_deep, self.item_product, self.item_deep):
            nn.init.normal_(table.weight, std=0.05)
        self.first = nn.Linear(2 * VECTOR, 128)
        self.rest = nn.Sequential(
            nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, 64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, 32), nn.ReLU()
        )
        self.head = nn.Linear(VECTOR + 32, 1)

    def forward(self, pairs: Tensor) -> Tensor:
        """Logits [n] of pairs int64 [n, 2]: person row, item row."""
        person, item = pairs[:, 0], pairs[:, 1]
        deep = self.rest(self.first(torch.cat((self.person_deep(person), self.item_deep(item)), dim=1)))
        product = self.person_product(person) * self.item_product(item)
        return self.head(torch.cat((product, deep), dim=1))[:, 0]

    def scores(self, person: Tensor) -> Tensor:
        """Logits [n, items] of every item for persons [n]: as `forward`, with what does not depend on the other half done once."""
        half_person = self.person_deep(person) @ self.first.weight[:, :VECTOR].T + self.first.bias
        half_item = self.item_deep.weight[1:] @ self.first.weight[:, VECTOR:].T
        product = (self.person_product(person) * self.head.weight[0, :VECTOR]) @ self.item_product.weight[1:].T
        deep = [self.rest(half + half_item) @ self.head.weight[0, VECTOR:] for half in half_person]
        return product + torch.stack(deep) + self.head.bias

    def to_onnx(self) -> onnx.ModelProto:
        """Input `pairs` int64 [B, 2] (person row, item row) → `p` [B, 1]. A row that is nobody's or no item's counts as unknown."""
        graph = Graph("ncf")
        limits = graph.integers([[self.people, self.items]])
        known = graph.node(
            "And", graph.node("GreaterOrEqual", INPUT, graph.integers(0)), graph.node("LessOrEqual", INPUT, limits)
        )
        rows = graph.node("Where", known, INPUT, graph.integers(UNKNOWN))
        person, item = (graph.node("Gather", rows, graph.integers(side), axis=1) for side in (0, 1))

        def look_up(table: nn.Embedding, row: str) -> str:
            return graph.node("Gather", graph.constant(table.weight.detach().numpy()), row)

        both = graph.node("Concat", look_up(self.person_deep, person), look_up(self.item_deep, item), axis=1)
        deep = graph.sequence(self.rest, graph.linear(self.first, both))
        product = graph.node("Mul", look_up(self.person_product, person), look_up(self.item_product, item))
        logit = graph.linear(self.head, graph.node("Concat", product, deep, axis=1))
        graph.node("Sigmoid", logit, output=OUTPUT)
        return graph.finish(2, {OUTPUT: 1}, INPUT, integers=(INPUT,))


class Negatives:
    """Draws pairs that were not touched: `each` items, all alike, for each person of a batch."""

    def __init__(self, person: np.ndarray, item: np.ndarray, items: int, each: int, generator: torch.Generator) -> None:
        self._items, self._each, self._generator = items, each, generator
        self._touched = torch.from_numpy(np.unique(person * (items + 1) + item))

    def of(self, person: Tensor) -> Tensor:
        """Pairs int64 [m, 2], m <= each · n, of persons [n]: what was drawn, less what the person touched."""
        person = person.repeat(self._each)
        item = torch.randint(1, self._items + 1, person.shape, generator=self._generator)
        key = person * (self._items + 1) + item
        at = torch.searchsorted(self._touched, key).clamp_max(len(self._touched) - 1)
        return torch.stack((person, item), dim=1)[self._touched[at] != key]
