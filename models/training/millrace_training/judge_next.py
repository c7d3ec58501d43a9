"""Ranks of what came next among all items, whatever kind of model scores them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .metrics import ranks_of
from .sequences import Questions, Sequences

QUESTIONS_AT_ONCE = 512


def every_nth(questions: Questions, most: int) -> Questions:
    """At most `most` of the questions, spread evenly."""
    return questions.take(np.arange(0, len(questions.target), -(-len(questions.target) // most)))


def ranks(questions: Questions, scores_of: Callable[[Questions], np.ndarray], new_only: bool) -> np.ndarray:
    """Rank int64 [n] of each question's target among all items; with `new_only` among those not in the history.

    scores_of: float32 [n, items] for some of the questions; column c is item row c + 1.
    """
    # Like lengths together: a sequence model is asked for no more places than needed.
    order = np.argsort([len(history) for history in questions.history], kind="stable")
    found = np.zeros(len(order), np.int64)
    for start in range(0, len(order), QUESTIONS_AT_ONCE):
        part = order[start : start + QUESTIONS_AT_ONCE]
        asked = questions.take(part)
        scores = scores_of(asked)
        if new_only:
            for row, history in zip(scores, asked.history, strict=True):
                row[history - 1] = -np.inf
        found[part] = ranks_of(scores, asked.target - 1)
    return found


def popularity(known: Sequences) -> Callable[[Questions], np.ndarray]:
    """Scores by how often an item was touched in what is learned from: what any model must beat."""
    counts = np.bincount(np.concatenate(known.train), minlength=len(known.items) + 1)[1:].astype(np.float32)
    return lambda asked: np.repeat(counts[None], len(asked.target), axis=0)
