"""The boosted ranker (features.md F4.7): LambdaMART (Burges 2010) puts a list in order, a calibration makes chances of its score."""

from __future__ import annotations

from collections.abc import Sequence

import lightgbm
import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from .features import RANKER_FEATURES
from .graph import Graph
from .ranker import HEADS, POSITIONS, looking, ranker_loss
from .trees import Tree, read_trees, write_trees

FALL = -2.0
"""Where the fall per place begins, and is drawn back to where few slots speak against it."""

GAINS = (0.0, 0.5, 0.8, 1.0)
"""Worth of a slot shown, clicked, liked, purchased: what the served score gives to a sure one (.5, .3, .2)."""


class Calibration(nn.Module):
    """Chances of a score: p_click = σ(a·s + b), a >= 0; p_like and p_purchase are p_click times another such chance."""

    def __init__(self) -> None:
        super().__init__()
        self.steep = nn.Parameter(torch.zeros(len(HEADS)))
        self.level = nn.Parameter(torch.zeros(len(HEADS)))
        self.falls = nn.Parameter(torch.full((POSITIONS,), FALL))

    def slope(self) -> Tensor:
        """a >= 0 of each head: a better score is never a lower chance."""
        return functional.softplus(self.steep)

    def forward(self, scores: Tensor) -> Tensor:
        """Chances [n, 3] at position 0 of scores [n]."""
        chances = torch.sigmoid(scores[:, None] * self.slope() + self.level)
        return torch.cat([chances[:, :1], chances[:, :1] * chances[:, 1:]], dim=1)

    def fit(self, scores: np.ndarray, position: np.ndarray, labels: np.ndarray) -> None:
        """Learns from slots the trees did not see: scores [n], positions [n], labels [n, 3]."""
        rates = np.maximum(labels.mean(axis=0), 1e-4)
        with torch.no_grad():
            given = torch.tensor([rates[0], rates[1] / rates[0], rates[2] / rates[0]], dtype=torch.float32)
            self.level.copy_(torch.logit(given.clamp(1e-4, 0.99)))
        rows, wanted = torch.from_numpy(scores.astype(np.float32)), torch.from_numpy(labels)
        place = torch.from_numpy(position).clamp(0, POSITIONS - 1)
        optimiser = torch.optim.LBFGS(self.parameters(), max_iter=100, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimiser.zero_grad()
            loss = ranker_loss(self(rows), looking(self.falls)[place], wanted)
            loss = loss + (self.falls - FALL).square().sum() / len(rows)
            loss.backward()
            return loss

        optimiser.step(closure)


class BoostedRanker:
    """Fitted trees with their calibration, fed and answering as the ranker is."""

    def __init__(self, booster: lightgbm.Booster, calibration: Calibration) -> None:
        self.booster, self.calibration = booster, calibration
        self.trees: list[Tree] = read_trees(booster)

    def answers(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Chances by output name of rows [n, columns], by LightGBM itself."""
        scores = torch.from_numpy(self.booster.predict(rows).astype(np.float32))
        with torch.no_grad():
            chances = self.calibration(scores).numpy()
        return {name: chances[:, head : head + 1] for head, name in enumerate(HEADS)}

    def contributions(self, rows: np.ndarray) -> np.ndarray:
        """SHAP values (TreeSHAP, Lundberg 2018) of the score, [n, columns + 1]: what each column adds, then the mean score; a row sums to its score."""
        return np.asarray(self.booster.predict(rows, pred_contrib=True))

    def to_onnx(self) -> onnx.ModelProto:
        """Input `features` [B, columns] → `p_click`, `p_like`, `p_purchase` [B, 1]."""
        graph = Graph("ranker")
        score = write_trees(graph, "features", self.trees)
        slope, level = self.calibration.slope().detach().numpy(), self.calibration.level.detach().numpy()

        def chance(head: int, output: str | None = None) -> str:
            steep = graph.node("Mul", score, graph.constant(slope[head : head + 1]))
            return graph.node("Sigmoid", graph.node("Add", steep, graph.constant(level[head : head + 1])), output=output)

        click = chance(0, HEADS[0])
        for head, name in enumerate(HEADS[1:], 1):
            graph.node("Mul", click, chance(head), output=name)
        return graph.finish(self.booster.num_feature(), dict.fromkeys(HEADS, 1))


def lists_of(
    features: np.ndarray, position: np.ndarray, labels: np.ndarray, decision: np.ndarray, like: lightgbm.Dataset | None = None
) -> lightgbm.Dataset:
    """Slots as LightGBM takes lists; slots of one list must stand together. `like`: the training data, for validation data."""
    group = np.diff(np.flatnonzero(np.concatenate(([True], decision[1:] != decision[:-1], [True]))))
    relevance = labels.sum(axis=1).astype(np.int32)
    return lightgbm.Dataset(
        features, relevance, group=group, position=position, reference=like,
        feature_name=list(RANKER_FEATURES[: features.shape[1]]), free_raw_data=False,
    )


def column_shares(contributions: np.ndarray, columns: Sequence[str]) -> dict[str, float]:
    """Mean size of each column's SHAP value, largest first: what the trees go by."""
    sizes = np.abs(contributions[:, :-1]).mean(axis=0)
    return {columns[at]: float(sizes[at]) for at in np.argsort(-sizes, kind="stable")}
