"""Figures of a ranker on slots that were shown later, whatever kind of model it is."""

from __future__ import annotations

import numpy as np

from .data import Impressions
from .fit import Split
from .metrics import auc, calibration_error, grouped_auc, log_loss
from .publish import without_nan
from .ranker import HEADS, POSITIONS, serving_score


def judge_ranker(served: np.ndarray, looked: np.ndarray, shown: Impressions, split: Split) -> dict:
    """Figures on the test slots: with the place known against a constant rate, and as served against what ranked the lists.

    served: chances [n, 3] at position 0 of the test slots. looked: chance [POSITIONS] that a position is looked at.
    """
    test = split.test
    placed = served * looked[np.clip(shown.position[test], 0, POSITIONS - 1)][:, None]
    labels, decision = shown.labels[test], shown.decision[test]
    metrics: dict = {}
    for head, name in enumerate(HEADS):
        rate = float(shown.labels[split.train, head].mean())
        metrics[name] = {
            "rate": float(labels[:, head].mean()),
            "log_loss": log_loss(placed[:, head], labels[:, head]),
            "log_loss_of_constant": log_loss(np.full(len(test), rate), labels[:, head]),
            "calibration_error": calibration_error(placed[:, head], labels[:, head]),
            "auc": auc(placed[:, head], labels[:, head]),
            "auc_as_served": auc(served[:, head], labels[:, head]),
        }
    score = serving_score(served)
    for rung in np.unique(shown.rung[test]):
        rows = shown.rung[test] == rung
        # Clicks weighted by 1 / looked-at would be fairer to both; the order shown favours what ranked it.
        metrics[f"order_within_lists_of_rung_{rung}"] = {
            "slots": int(rows.sum()),
            "this_model": grouped_auc(score[rows], labels[rows, 0], decision[rows]),
            "score_that_ranked": grouped_auc(shown.score[test][rows], labels[rows, 0], decision[rows]),
            "place": grouped_auc(-shown.position[test][rows].astype(np.float64), labels[rows, 0], decision[rows]),
        }
    metrics["looked_at"] = {str(place): float(chance) for place, chance in enumerate(looked[:10])}
    return without_nan(metrics)


def print_metrics(metrics: dict) -> None:
    """One line per group."""
    for name, values in metrics.items():
        print(name, {key: round(value, 5) if isinstance(value, float) else value for key, value in values.items()})
