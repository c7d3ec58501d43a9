"""Measures of a ranker and a retriever."""

from __future__ import annotations

import numpy as np


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve by ranks, ties counted half; NaN when one class is missing."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[inverse]
    return float((ranks[labels > 0].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def grouped_auc(scores: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> float:
    """Share of (clicked, not clicked) pairs of one list that are in the right order, ties half; NaN without such a pair."""
    order = np.argsort(groups, kind="stable")
    scores, labels = scores[order], labels[order]
    right = pairs = 0.0
    for part in np.split(np.arange(len(order)), np.flatnonzero(np.diff(groups[order])) + 1):
        good, bad = scores[part][labels[part] > 0], scores[part][labels[part] == 0]
        if len(good) and len(bad):
            difference = good[:, None] - bad[None, :]
            right += float((difference > 0).sum() + 0.5 * (difference == 0).sum())
            pairs += difference.size
    return right / pairs if pairs else float("nan")


def log_loss(chances: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood in nats; chances are kept 1e-7 away from 0 and 1."""
    chances = np.clip(chances.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-(labels * np.log(chances) + (1 - labels) * np.log1p(-chances)).mean())


def calibration_error(chances: np.ndarray, labels: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error over bins of equal size."""
    order = np.argsort(chances)
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return float(sum(abs(chances[part].mean() - labels[part].mean()) * len(part) for part in parts) / len(order))


def recall_at(scores: np.ndarray, target: np.ndarray, k: int) -> float:
    """Share of rows of `scores` [n, items] whose `target` column is among the k highest (ties count against it)."""
    own = scores[np.arange(len(target)), target][:, None]
    return float(((scores >= own).sum(axis=1) <= k).mean())


def ranks_of(scores: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Rank int64 [n], from 1, of each row's `target` column in `scores` [n, items]; of equal scores the lower column is first."""
    own = scores[np.arange(len(target)), target][:, None]
    ahead = (scores > own) | ((scores == own) & (np.arange(scores.shape[1])[None, :] < target[:, None]))
    return 1 + ahead.sum(axis=1)


def next_item_figures(ranks: np.ndarray) -> dict[str, float]:
    """HR, NDCG (gain 1, discount 1/log2(rank + 1)) and MRR at 5, 10 and 20 of ranks [n] from 1, one wanted item each."""
    found = {}
    for k in (5, 10, 20):
        within = ranks <= k
        found[f"hr_at_{k}"] = float(within.mean())
        found[f"ndcg_at_{k}"] = float(np.where(within, 1 / np.log2(ranks + 1.0), 0).mean())
        found[f"mrr_at_{k}"] = float(np.where(within, 1 / ranks, 0).mean())
    return found


def without_nan(value: object) -> object:
    """The same with None for numbers that could not be measured: JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: without_nan(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value
