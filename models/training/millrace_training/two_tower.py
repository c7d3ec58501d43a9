"""The two-tower retriever (features.md F3.3): both towers end in a vector of length 1."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from .features import EMBEDDING_WIDTH, TOWER_WIDTH
from .graph import Graph

POINTWISE, PAIRWISE, DIVERSITY = 1.0, 0.5, 0.05
"""Shares of the composite loss (features.md F4.2)."""
TRIPLET_MARGIN = 0.2
NEGATIVES = 4
"""Items that each person's own is set against in the composite loss."""
LIST_LENGTH = 10
"""Items of a person's list that are to differ."""

LENGTH_MIN = 1e-12
"""No vector is divided by less, as in `torch.nn.functional.normalize`."""


class Tower(nn.Module):
    """64-64-32 network, L2-normalised."""

    def __init__(self, hidden: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(TOWER_WIDTH, hidden), nn.ReLU(), nn.Linear(hidden, EMBEDDING_WIDTH))

    def forward(self, features: Tensor) -> Tensor:
        """Vectors [n, 32] of length 1 for features [n, 64]."""
        return functional.normalize(self.layers(features), dim=1, eps=LENGTH_MIN)

    def to_onnx(self, name: str) -> onnx.ModelProto:
        """Input `features` [B, 64] → `embedding` [B, 32]; the norm inside."""
        graph = Graph(name)
        rows = graph.sequence(self.layers, "features")
        length = graph.node("ReduceL2", rows, axes=[1], keepdims=1)
        graph.node("Div", rows, graph.node("Max", length, graph.constant(np.array(LENGTH_MIN))), output="embedding")
        return graph.finish(TOWER_WIDTH, {"embedding": EMBEDDING_WIDTH})


def sampled_softmax_loss(
    users: Tensor, items: Tensor, rows: Tensor, shops: Tensor, log_expected: Tensor, temperature: float
) -> Tensor:
    """Softmax of each person over drawn items, with the logQ correction (Yi et al., RecSys 2019).

    `users` [n, 32]; `items` [m, 32], m >= n: the first n are the people's own; `rows`, `shops` int64 [m] number and shop of each
    item; `log_expected` [m] ln of how often each is expected among those drawn. The same item elsewhere in the batch, or an item
    of another shop, is no negative.
    """
    count = len(users)
    logits = users @ items.T / temperature - log_expected[None, :]
    none = (rows[:count, None] == rows[None, :]) | (shops[:count, None] != shops[None, :])
    none[torch.arange(count), torch.arange(count)] = False
    return functional.cross_entropy(logits.masked_fill(none, float("-inf")), torch.arange(count))


def composite_loss(
    users: Tensor, items: Tensor, rows: Tensor, shops: Tensor, temperature: float, generator: torch.Generator
) -> Tensor:
    """Pointwise + .5 pairwise + .05 diversity (features.md F4.2), of vectors as `sampled_softmax_loss` takes them.

    Pointwise: cross-entropy of σ(cosine / temperature), a person's own item against `NEGATIVES` of the others, drawn alike; pairwise:
    by how much a negative comes nearer than `TRIPLET_MARGIN` to the own; diversity: mean cosine between the items of a person's best
    `LIST_LENGTH`. The same item elsewhere in the batch, or one of another shop, is no negative and on no list.
    """
    count = len(users)
    cosines = users @ items.T
    other = (rows[:count, None] != rows[None, :]) & (shops[:count, None] == shops[None, :])
    asked = other.any(dim=1)
    if not asked.any():
        return cosines.sum() * 0
    drawn = torch.multinomial(other[asked].float(), NEGATIVES, replacement=True, generator=generator)
    own, against = cosines.diagonal()[asked][:, None], cosines[asked].gather(1, drawn)
    pointwise = functional.softplus(-own / temperature).mean() + functional.softplus(against / temperature).mean()
    pairwise = functional.relu(TRIPLET_MARGIN - own + against).mean()
    best = cosines[asked].masked_fill(~other[asked], -2).topk(min(LIST_LENGTH, len(items)), dim=1)
    listed = items[best.indices] * (best.values > -2)[:, :, None]
    size = (best.values > -2).sum(dim=1)
    # The sum of all pairs of vectors of length 1 is the square of their sum, less each with itself.
    pairs = (listed.sum(dim=1).square().sum(dim=1) - size) / (size * (size - 1)).clamp_min(1)
    return POINTWISE * pointwise + PAIRWISE * pairwise + DIVERSITY * pairs.mean()
