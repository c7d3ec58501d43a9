"""What may stand between the ranker's standardised inputs and the logits of its three heads."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch
from torch import Tensor, nn

from .features import RANKER_FEATURES
from .graph import Graph

HEAD_COUNT = 3
EXPERTS = 4
PRODUCT_SHARE = 0.25
"""Of a product of two columns that the wide part sees: inputs reach 4, so products stay within what inputs do."""

PERSON_COLUMNS = ("user_events_log", "user_purchases_log")
"""Columns of the ranker's input that say something of the person alone."""
MOMENT_COLUMNS = ("session_events_log", "session_cart", "device_mobile", "hour_sin", "hour_cos")
"""Columns of the moment: the session so far, the device, the time of day."""


class RankerBody(nn.Module):
    """Rows [n, columns] → logits [n, 3]. Subclasses give `states` and `write_states`: what each head sees.

    Of what the first head sees, the first `hidden_width` numbers are the network's last hidden layer.
    """

    def __init__(self, width: int, hidden_width: int | None = None) -> None:
        super().__init__()
        self.hidden_width = width if hidden_width is None else hidden_width
        self.heads = nn.ModuleList(nn.Linear(width, 1) for _ in range(HEAD_COUNT))

    def states(self, rows: Tensor) -> list[Tensor]:
        """What each head sees, [n, width] each."""
        raise NotImplementedError

    def write_states(self, graph: Graph, rows: str) -> list[str]:
        """The same in a graph."""
        raise NotImplementedError

    def forward(self, rows: Tensor) -> Tensor:
        """Logits [n, 3]."""
        return torch.cat([head(state) for head, state in zip(self.heads, self.states(rows), strict=True)], dim=1)

    def hidden(self, rows: Tensor) -> Tensor:
        """The last hidden layer [n, hidden_width], of the first head where each has its own."""
        return self.states(rows)[0][:, : self.hidden_width]

    def write(self, graph: Graph, rows: str, hidden: str) -> list[str]:
        """The logits in a graph, [B, 1] each, and the last hidden layer [B, hidden_width] under a name."""
        states = self.write_states(graph, rows)
        graph.node("Slice", states[0], *(graph.integers([at]) for at in (0, self.hidden_width, 1)), output=hidden)
        return [graph.linear(head, state) for head, state in zip(self.heads, states, strict=True)]


def layers(first: int, second: int, dropout: float, columns: int) -> nn.Sequential:
    """columns-first-second with ReLU and dropout."""
    return nn.Sequential(
        nn.Linear(columns, first), nn.ReLU(), nn.Dropout(dropout), nn.Linear(first, second), nn.ReLU(), nn.Dropout(dropout)
    )


class SharedBody(RankerBody):
    """One network that all heads share."""

    def __init__(self, first: int, second: int, dropout: float, columns: int) -> None:
        super().__init__(second)
        self.shared = layers(first, second, dropout, columns)

    def states(self, rows: Tensor) -> list[Tensor]:
        """The shared network's, for each head."""
        return [self.shared(rows)] * HEAD_COUNT

    def write_states(self, graph: Graph, rows: str) -> list[str]:
        """The same in a graph."""
        return [graph.sequence(self.shared, rows)] * HEAD_COUNT


class MixtureBody(RankerBody):
    """MMoE (Ma et al., KDD 2018): several networks, and for each head a gate that mixes what they say of a row."""

    def __init__(self, first: int, second: int, dropout: float, columns: int) -> None:
        super().__init__(second)
        # As wide together as the shared network: a better figure is then not one of size.
        self.experts = nn.ModuleList(layers(first // 2, second, dropout, columns) for _ in range(EXPERTS))
        self.gates = nn.ModuleList(nn.Linear(columns, EXPERTS) for _ in range(HEAD_COUNT))

    def states(self, rows: Tensor) -> list[Tensor]:
        """Each head's mixture."""
        said = torch.stack([expert(rows) for expert in self.experts], dim=1)
        return [(torch.softmax(gate(rows), dim=1)[:, None, :] @ said)[:, 0] for gate in self.gates]

    def write_states(self, graph: Graph, rows: str) -> list[str]:
        """The same in a graph."""
        one = graph.integers([1])
        said = graph.node("Concat", *(graph.node("Unsqueeze", graph.sequence(expert, rows), one) for expert in self.experts), axis=1)
        found = []
        for gate in self.gates:
            shares = graph.node("Unsqueeze", graph.node("Softmax", graph.linear(gate, rows), axis=1), one)
            found.append(graph.node("Squeeze", graph.node("MatMul", shares, said), one))
        return found


class WideDeepBody(RankerBody):
    """Wide & Deep (Cheng et al., 2016): a network beside the inputs themselves and the product of every two of them, both linear.

    The products are made in the graph: serving cannot cross otherwise than learning did.
    """

    def __init__(self, first: int, second: int, dropout: float, columns: int) -> None:
        pairs = list(combinations(range(columns), 2))
        super().__init__(second + columns + len(pairs), second)
        self.deep = layers(first, second, dropout, columns)
        self.left, self.right = ([pair[side] for pair in pairs] for side in (0, 1))
        with torch.no_grad():
            for head in self.heads:
                head.weight[:, second:] = 0

    def states(self, rows: Tensor) -> list[Tensor]:
        """The network's, the inputs and their products, for each head."""
        products = rows[:, self.left] * rows[:, self.right] * PRODUCT_SHARE
        return [torch.cat((self.deep(rows), rows, products), dim=1)] * HEAD_COUNT

    def write_states(self, graph: Graph, rows: str) -> list[str]:
        """The same in a graph."""
        sides = [graph.node("Gather", rows, graph.integers(side), axis=1) for side in (self.left, self.right)]
        products = graph.node("Mul", graph.node("Mul", *sides), graph.constant(np.array(PRODUCT_SHARE)))
        return [graph.node("Concat", graph.sequence(self.deep, rows), rows, products, axis=1)] * HEAD_COUNT


class ThreeTowerBody(RankerBody):
    """Three towers and a layer over what they say (features.md F4.1): the person, the item as that person meets it, the moment.

    Person and item d-512-256-256 with dropout .2 behind the first layer, the moment d-64-32, together 544-128 with dropout .1. The
    sizes are those, whatever the configuration says; columns that belong to neither person nor moment are the item's.
    """

    def __init__(self, first: int, second: int, dropout: float, columns: int) -> None:
        del first, second, dropout
        super().__init__(128)
        person, moment = ([at for at, name in enumerate(RANKER_FEATURES[:columns]) if name in own] for own in (PERSON_COLUMNS, MOMENT_COLUMNS))
        item = [at for at in range(columns) if at not in {*person, *moment}]
        self.columns = (person, item, moment)
        self.towers = nn.ModuleList([_deep_tower(len(person)), _deep_tower(len(item)), _flat_tower(len(moment))])
        self.joined = nn.Sequential(nn.Linear(256 + 256 + 32, 128), nn.ReLU(), nn.Dropout(0.1))

    def states(self, rows: Tensor) -> list[Tensor]:
        """What the towers say together, for each head."""
        said = [tower(rows[:, columns]) for tower, columns in zip(self.towers, self.columns, strict=True)]
        return [self.joined(torch.cat(said, dim=1))] * HEAD_COUNT

    def write_states(self, graph: Graph, rows: str) -> list[str]:
        """The same in a graph."""
        said = [
            graph.sequence(tower, graph.node("Gather", rows, graph.integers(columns), axis=1))
            for tower, columns in zip(self.towers, self.columns, strict=True)
        ]
        return [graph.sequence(self.joined, graph.node("Concat", *said, axis=1))] * HEAD_COUNT


def _deep_tower(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU()
    )


def _flat_tower(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())


BODIES: dict[str, type[SharedBody] | type[MixtureBody] | type[WideDeepBody] | type[ThreeTowerBody]] = {
    "shared": SharedBody,
    "mmoe": MixtureBody,
    "wide-deep": WideDeepBody,
    "three-tower": ThreeTowerBody,
}
"""By the name that `train_ranker.py --architecture` takes."""
