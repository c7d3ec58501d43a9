"""The multi-task ranker (features.md F4.4): one shared network, three heads, position taken out at serving."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from .features import FIRST_WIDTH
from .graph import Graph
from .ranker_bodies import BODIES

HEADS = ("p_click", "p_like", "p_purchase")
HEAD_WEIGHTS = (0.5, 0.3, 0.2)
"""Share of each head in the loss and in the serving score (operators/score-candidates.ts)."""

HIDDEN = "hidden"
"""The output that tells the last hidden layer: what a neural-linear bandit sees of an item."""

POSITIONS = 64
FEATURE_LIMIT = 4.0
"""Standardised inputs are cut here: what was never seen in training must not run away."""


class Ranker(nn.Module):
    """A body of `ranker_bodies.py` (a shared columns-64-32 network) with heads; p_like, p_purchase = p_click · chance given a click (ESMM).

    Position: a shown slot is clicked with p_click · looked-at(position) (PAL, Guo 2019). `looked_at` is a table that falls
    from 1 at position 0, learned beside the network and left out of the exported graph, so served scores are those of
    position 0.
    """

    def __init__(
        self, hidden: tuple[int, int] = (64, 32), dropout: float = 0.1, architecture: str = "shared", columns: int = FIRST_WIDTH
    ) -> None:
        super().__init__()
        self.body = BODIES[architecture](*hidden, dropout, columns)
        self.falls = nn.Parameter(torch.full((POSITIONS,), -2.0))
        self.register_buffer("mean", torch.zeros(columns))
        self.register_buffer("scale", torch.ones(columns))

    def standardise_by(self, features: np.ndarray) -> None:
        """Takes mean and spread from training rows. A column that never moved there gets weight 0: nothing is known of it."""
        spread = features.std(axis=0)
        self.mean.copy_(torch.from_numpy(features.mean(axis=0)))
        self.scale.copy_(torch.from_numpy(np.where(spread > 1e-6, 1 / np.maximum(spread, 1e-6), 0).astype(np.float32)))

    def start_at(self, rates: np.ndarray) -> None:
        """Lets the heads start at the mean click rate and the mean rates given a click, float [3]."""
        with torch.no_grad():
            given = torch.tensor([rates[0], rates[1] / rates[0], rates[2] / rates[0]], dtype=torch.float32).clamp(1e-4, 0.99)
            for head, chance in zip(self.body.heads, given, strict=True):
                head.bias.fill_(torch.logit(chance))

    def forward(self, features: Tensor) -> Tensor:
        """Chances [n, 3] at position 0 for features [n, columns]."""
        chances = torch.sigmoid(self.body(self._standardised(features)))
        return torch.cat([chances[:, :1], chances[:, :1] * chances[:, 1:]], dim=1)

    def hidden(self, features: Tensor) -> Tensor:
        """The last hidden layer [n, hidden_width] for features [n, columns]."""
        return self.body.hidden(self._standardised(features))

    def _standardised(self, features: Tensor) -> Tensor:
        return ((features - self.mean) * self.scale).clamp(-FEATURE_LIMIT, FEATURE_LIMIT)

    def looked_at(self) -> Tensor:
        """Chance [POSITIONS] that a position is looked at, against position 0."""
        return looking(self.falls)

    def to_onnx(self) -> onnx.ModelProto:
        """Input `features` [B, columns] → `p_click`, `p_like`, `p_purchase` [B, 1], `hidden` [B, n]; standardisation inside."""
        graph = Graph("ranker")
        centred = graph.node("Sub", "features", graph.constant(self.mean.numpy()))
        scaled = graph.node("Mul", centred, graph.constant(self.scale.numpy()))
        limit = np.array(FEATURE_LIMIT, np.float32)
        rows = graph.node("Clip", scaled, graph.constant(-limit), graph.constant(limit))
        given = self.body.write(graph, rows, HIDDEN)
        click = graph.node("Sigmoid", given[0], output=HEADS[0])
        for name, head in zip(HEADS[1:], given[1:], strict=True):
            graph.node("Mul", click, graph.node("Sigmoid", head), output=name)
        return graph.finish(len(self.mean), {**dict.fromkeys(HEADS, 1), HIDDEN: self.body.hidden_width})


def looking(falls: Tensor) -> Tensor:
    """The chance [n] that a position is looked at, 1 at position 0, from unbounded numbers [n]: how much it falls at each step."""
    steps = functional.softplus(falls) * (torch.arange(len(falls)) > 0)
    return torch.exp(-torch.cumsum(steps, dim=0))


def ranker_loss(chances: Tensor, looked: Tensor, labels: Tensor) -> Tensor:
    """Weighted cross-entropy of what was seen: chances [n, 3] at position 0 times looked-at [n] against labels [n, 3]."""
    seen = (chances * looked[:, None]).clamp(1e-6, 1 - 1e-6)
    losses = functional.binary_cross_entropy(seen, labels, reduction="none").mean(dim=0)
    return (losses * torch.tensor(HEAD_WEIGHTS)).sum()


def serving_score(chances: np.ndarray) -> np.ndarray:
    """The one number that ranks: Σ weight · chance of chances [n, 3]."""
    return chances @ np.array(HEAD_WEIGHTS)
