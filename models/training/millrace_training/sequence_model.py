"""What all sequence models share: one table of items for input and output, the loss over items, the search inside the graph."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from .graph import Graph
from .retrieval import INPUT, OUTPUTS, best_rows, known_rows, write_retrieval
from .sequences import PAD


class SequenceModel(nn.Module):
    """Item rows in the order of touching → the next item. Subclasses give `encode` and `write_last`.

    items: how many there are, rows 1..items; row 0 is no item. width: of the hidden state and of the item vectors. length: items
    looked back at. extra_rows: of the table, behind the items (a mask).
    """

    def __init__(self, items: int, width: int, length: int, extra_rows: int = 0) -> None:
        super().__init__()
        self.items, self.width, self.length = items, width, length
        self.table = nn.Embedding(1 + items + extra_rows, width, padding_idx=PAD)

    def start(self) -> None:
        """Draws small weights; called at the end of a subclass's constructor."""
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.trunc_normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        with torch.no_grad():
            self.table.weight[PAD] = 0

    def encode(self, rows: Tensor) -> Tensor:
        """Hidden states [n, l, width] of left-padded rows int64 [n, l], l <= length: place j knows the items up to j."""
        raise NotImplementedError

    def last(self, rows: Tensor) -> Tensor:
        """What comes after rows [n, l], as a vector [n, width]."""
        return self.encode(rows)[:, -1]

    def training_pairs(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Hidden states [m, width] and the item rows [m] they should name, out of rows [n, l], one person each."""
        del generator
        given, wanted = rows[:, :-1], rows[:, 1:]
        known = given != PAD
        return self.encode(given)[known], wanted[known]

    def scores(self, rows: Tensor) -> Tensor:
        """Scores [n, items] of what comes after rows [n, l]; column c is item row c + 1."""
        return self.last(rows) @ self.item_vectors().T

    def item_vectors(self) -> Tensor:
        """[items, width]: item row r is at r - 1."""
        return self.table.weight[1 : 1 + self.items]

    def write_last(self, graph: Graph, rows: str, table: str) -> str:
        """Adds to a graph what gives `last` [B, width] of known rows `rows` [B, length]; `table` holds a vector per row."""
        raise NotImplementedError

    def to_onnx(self, name: str, retrieve: int) -> onnx.ModelProto:
        """Input `item_sequence` int64 [B, length] → `item_ids` int64 and `scores` float32 [B, retrieve], best first.

        A row that is no item's counts as no item. Every item takes part: those of the sequence, too.
        """
        graph = Graph(name)
        rows = known_rows(graph, self.items)
        table = graph.constant(self.table.weight.detach().numpy())
        write_retrieval(graph, self.write_last(graph, rows, table), table, self.items, retrieve)
        return graph.finish(self.length, dict.fromkeys(OUTPUTS, retrieve), INPUT, integers=(INPUT, OUTPUTS[0]))


class ItemLoss:
    """Cross-entropy of the item that followed against all items, or against drawn ones.

    counts: float [items], touches in what is learned from. drawn: 0 for all items, else how many are drawn per batch by
    count^.75; each drawn logit is then lessened by the ln of how often its item is expected (logQ), so that their sum estimates
    that over all other items (Bengio & Senécal 2008). The wanted item's own logit is not drawn, so not lessened.
    """

    def __init__(self, counts: Tensor, drawn: int, generator: torch.Generator) -> None:
        share = counts.clamp_min(1).pow(0.75)
        self._share = share / share.sum()
        self._drawn = drawn
        self._generator = generator

    def __call__(self, model: SequenceModel, hidden: Tensor, wanted: Tensor) -> Tensor:
        """Mean loss of hidden states [m, width] that should name item rows `wanted` [m]."""
        vectors, column = model.item_vectors(), wanted - 1
        if self._drawn == 0:
            return functional.cross_entropy(hidden @ vectors.T, column)
        drawn = torch.multinomial(self._share, self._drawn, replacement=True, generator=self._generator)
        log_expected = (self._share * self._drawn).log()
        own = (hidden * vectors[column]).sum(dim=1)
        others = hidden @ vectors[drawn].T - log_expected[drawn]
        others = others.masked_fill(column[:, None] == drawn[None, :], float("-inf"))
        return (torch.logsumexp(torch.cat((own[:, None], others), dim=1), dim=1) - own).mean()


def answers(model: SequenceModel, rows: np.ndarray, retrieve: int) -> dict[str, np.ndarray]:
    """What the network retrieves for rows int64 [n, length], by output name; of equal scores the lower row first."""
    with torch.no_grad():
        parts = [best_rows(model.scores(part).numpy(), retrieve) for part in torch.from_numpy(rows).split(512)]
    return {name: np.concatenate([part[name] for part in parts]) for name in OUTPUTS}
