"""The networks, and the forms of them that are served."""

import torch
from torch import nn
from torch.nn import functional

HEADS = ("p_click", "p_like", "p_purchase")


class Standardise(nn.Module):
    """(x - mean) / deviation with fixed numbers, so that serving needs none of its own. Constant columns become 0."""

    def __init__(self, sample: torch.Tensor):
        """sample: float32 [N, width], the training rows."""
        super().__init__()
        deviation = sample.std(dim=0)
        scale = torch.where(deviation > 1e-6, 1 / deviation.clamp(min=1e-6), torch.zeros_like(deviation))
        self.register_buffer("mean", sample.mean(dim=0))
        self.register_buffer("scale", scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # Within 6 deviations: one wild number must not rule a score.
        return ((x - self.mean) * self.scale).clamp(-6, 6)


class Ranker(nn.Module):
    """Three heads over a shared body; what is bought was clicked first: p_purchase = p_click * p(purchase | click).

    Paper: Ma et al., Entire Space Multi-Task Model, SIGIR 2018. The place in the list adds to each head's logit while training
    and is fixed to the first place when served, so that an item does not score high for having stood high (Guo et al., PAL,
    RecSys 2019, with addition in place of multiplication).
    """

    def __init__(self, sample: torch.Tensor, hidden: tuple[int, int], positions: int, dropout: float):
        super().__init__()
        self.standardise = Standardise(sample)
        self.body = nn.Sequential(
            nn.Linear(sample.shape[1], hidden[0]), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden[0], hidden[1]), nn.ReLU()
        )
        self.heads = nn.Linear(hidden[1], 3)
        self.position_bias = nn.Embedding(positions, 3)
        nn.init.zeros_(self.position_bias.weight)

    def forward(self, features: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        """features float32 [R, width], position int64 [R] -> probabilities float32 [R, 3] in the order of HEADS."""
        place = position.clamp(0, self.position_bias.num_embeddings - 1)
        return _probabilities(self.heads(self.body(self.standardise(features))) + self.position_bias(place))


class ServedRanker(nn.Module):
    """A ranker as it is served: `features` alone, every item as if it stood first."""

    def __init__(self, ranker: Ranker):
        super().__init__()
        self.standardise, self.body, self.heads = ranker.standardise, ranker.body, ranker.heads
        self.register_buffer("first_place", ranker.position_bias.weight[0].detach().clone())

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, ...]:
        probabilities = _probabilities(self.heads(self.body(self.standardise(features))) + self.first_place)
        return probabilities[:, 0:1], probabilities[:, 1:2], probabilities[:, 2:3]


class Tower(nn.Module):
    """width -> hidden -> out, L2-normalised inside: a dot product of two towers is a cosine."""

    def __init__(self, width: int, hidden: int, out: int, dropout: float):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, out))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return functional.normalize(self.layers(features), dim=1, eps=1e-6)


def _probabilities(logits: torch.Tensor) -> torch.Tensor:
    p = torch.sigmoid(logits)
    return torch.cat((p[:, 0:1], p[:, 1:2], p[:, 0:1] * p[:, 2:3]), dim=1)
