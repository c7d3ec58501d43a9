"""Figures of a ranker on slots that were shown later, whatever kind of model it is."""

from __future__ import annotations

import numpy as np

from .compare import HeldOut, NotComparable
from .data import Impressions
from .features import RANKER_FEATURES
from .fit import Split
from .metrics import auc, calibration_error, grouped_auc, log_loss, without_nan
from .ranker import HEAD_WEIGHTS, HEADS, POSITIONS, serving_score
from .registry import PublishedVersion

MISSING_NAMED = 5
"""Columns that an error names."""
PLACE_WEIGHT_MAX = 10.0
"""A click at a place that is hardly looked at counts no more than this many."""


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


def held_lists(name: str, shown: Impressions, split: Split, looked: np.ndarray) -> HeldOut:
    """The later lists in which something was clicked: how far up does a version put what was clicked, liked, purchased?

    A slot's gain (.5 click + .3 like + .2 purchase) is discounted by 1/log2(1 + rank) and weighted by 1 / looked-at of the place it
    was shown at (Joachims et al., WSDM 2017): clicks of low places stand for those that nobody looked at, else whoever ranked the
    lists would be right by having ranked them. looked: chance [POSITIONS] that a place is looked at.
    """
    place = np.clip(shown.position[split.test], 0, POSITIONS - 1)
    gain = shown.labels[split.test] @ np.array(HEAD_WEIGHTS) * np.minimum(1 / looked[place], PLACE_WEIGHT_MAX)
    decision = shown.decision[split.test]
    lists = [rows for rows in np.split(np.arange(len(gain)), np.flatnonzero(np.diff(decision)) + 1) if gain[rows].any()]
    if not lists:
        raise ValueError("nothing was clicked in the part that is judged by; export a longer run")

    def measure(versions: dict[str, PublishedVersion]) -> np.ndarray:
        version = versions[name]
        score = serving_score(ranker_answers(version, shown.features[split.test], shown.columns))
        return np.array([_discounted(score[rows], gain[rows]) for rows in lists])

    person = shown.person[split.test][[rows[0] for rows in lists]]
    weight = np.array([gain[rows].sum() for rows in lists])
    return HeldOut("gain_by_rank", measure, weight, person)


def ranker_answers(version: PublishedVersion, features: np.ndarray, held: tuple[str, ...]) -> np.ndarray:
    """Chances [n, 3] that a version gives to features [n, columns] named `held`, whichever of them it was trained with, found by name.

    Raises NotComparable for a column that the export lacks.
    """
    columns = version.run.get("columns") or RANKER_FEATURES[: version.input_width]
    missing = [column for column in columns if column not in held]
    if missing or len(columns) != version.input_width:
        named = ", ".join(missing[:MISSING_NAMED]) + (f" and {len(missing) - MISSING_NAMED} more" if len(missing) > MISSING_NAMED else "")
        raise NotComparable(f"{version.name} asks for columns that the rows lack: {named or 'it does not say which'}")
    answers = version.answer(np.ascontiguousarray(features[:, [held.index(column) for column in columns]]))
    return np.concatenate([answers[head] for head in HEADS], axis=1)


def _discounted(score: np.ndarray, gain: np.ndarray) -> float:
    """Gains by rank; equal scores share their mean rank, so that the order in which slots are stored says nothing."""
    ahead = (score[None, :] > score[:, None]).sum(axis=1) + 0.5 * ((score[None, :] == score[:, None]).sum(axis=1) - 1)
    return float((gain / np.log2(2 + ahead)).sum())
