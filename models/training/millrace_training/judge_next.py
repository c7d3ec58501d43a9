"""Ranks of what came next among all items, whatever kind of model scores them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .compare import HeldOut
from .metrics import ranks_of
from .registry import PublishedVersion
from .sequences import PAD, Questions, Sequences, left_padded

QUESTIONS_AT_ONCE = 512
COMPARED_AT = 10
"""Rank up to which what came next counts when versions are compared."""


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


def retrieved_ranks(questions: Questions, retrieve: Callable[[np.ndarray], np.ndarray], length: int, new_only: bool) -> np.ndarray:
    """Rank int64 [n] of each target among what is retrieved, a billion for one that is not.

    retrieve: item rows int64 [n, k], best first, of sequences int64 [n, length]; a row below 1 is no item of the questions.
    """
    found = np.full(len(questions.target), 10**9)
    for start in range(0, len(found), QUESTIONS_AT_ONCE):
        histories = questions.history[start : start + QUESTIONS_AT_ONCE]
        for at, (items, history) in enumerate(zip(retrieve(left_padded(histories, length)), histories, strict=True), start):
            kept = items[~np.isin(items, history)] if new_only else items
            place = np.flatnonzero(kept == questions.target[at])
            if len(place):
                found[at] = 1 + place[0]
    return found


def held_questions(name: str, known: Sequences, ranks_by: Callable[[PublishedVersion, Questions], np.ndarray], most: int) -> HeldOut:
    """The test questions, at most `most`: NDCG@10 of what came next. ranks_by: a version's rank of each question's target."""
    asked = every_nth(known.test, most)

    def measure(versions: dict[str, PublishedVersion]) -> np.ndarray:
        found = ranks_by(versions[name], asked)
        return np.where(found <= COMPARED_AT, 1 / np.log2(found + 1.0), 0)

    return HeldOut(f"ndcg_at_{COMPARED_AT}", measure, np.ones(len(asked.target)), asked.asker)


def ranks_by_sequence(known: Sequences) -> Callable[[PublishedVersion, Questions], np.ndarray]:
    """For versions that take item sequences: each knows items by its own rows, and none of what it never saw."""

    def found(version: PublishedVersion, asked: Questions) -> np.ndarray:
        there, back = rows_between(known.items, version.items), rows_between(version.items, known.items)

        def retrieve(rows: np.ndarray) -> np.ndarray:
            # Items that the version does not know leave no gap behind.
            histories = [there[history[history != PAD]] for history in rows]
            named = left_padded([history[history != PAD] for history in histories], version.input_width)
            return back[version.answer(named, QUESTIONS_AT_ONCE)["item_ids"]]

        longest = max(map(len, asked.history))
        return retrieved_ranks(asked, retrieve, longest, known.new_only)

    return found


def rows_between(names: list[str], others: list[str]) -> np.ndarray:
    """int64 [1 + names]: the row, from 1, that each of `names` has among `others`, 0 for one that is not there and for row 0."""
    row = {name: number for number, name in enumerate(others, 1)}
    return np.array([0, *(row.get(name, 0) for name in names)], np.int64)
