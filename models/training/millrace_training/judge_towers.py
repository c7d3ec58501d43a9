"""Figures of two towers on touches that came later."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .compare import HeldOut, NotComparable
from .data import Touches
from .fit import Split
from .metrics import recall_at
from .registry import PublishedVersion

USER, ITEM = "two_tower_user", "two_tower_item"
NEAREST = 100
"""Items that a touch must be among to be found."""

Embed = Callable[[np.ndarray], np.ndarray]


def judge_towers(user: Embed, item: Embed, touches: Touches, split: Split) -> dict:
    """Share of later touches among the 20 and 100 nearest of all items of the shop, against the most touched ones and chance."""
    found = {f"recall_at_{k}{suffix}": 0.0 for k in (20, 100) for suffix in ("", "_of_popular", "_of_chance")}
    counts = np.bincount(touches.item[split.train], minlength=len(touches.items))
    for own, test in _shops(touches, split):
        target = touches.item[test] - own[0]
        scores = user(touches.context[test]) @ item(touches.items[own]).T
        popular = np.broadcast_to(counts[own] - np.arange(len(own)) * 1e-6, scores.shape)
        weight = len(test) / len(split.test)
        for k in (20, 100):
            found[f"recall_at_{k}"] += weight * recall_at(scores, target, k)
            found[f"recall_at_{k}_of_popular"] += weight * recall_at(popular, target, k)
            found[f"recall_at_{k}_of_chance"] += weight * min(1.0, k / len(own))
    return found


def held_touches(touches: Touches, split: Split) -> HeldOut:
    """The later touches: is the item among the `NEAREST` of its shop, or the tenth part of a small shop?"""

    def measure(versions: dict[str, PublishedVersion]) -> np.ndarray:
        user, item = versions[USER], versions[ITEM]
        for version, width in ((user, touches.context.shape[1]), (item, touches.items.shape[1])):
            if version.input_width != width:
                raise NotComparable(f"{version.name} takes {version.input_width} columns, but the export holds {width}")
        found = np.zeros(len(touches.item))
        for own, test in _shops(touches, split):
            scores = user.answer(touches.context[test])["embedding"] @ item.answer(touches.items[own])["embedding"].T
            target = scores[np.arange(len(test)), touches.item[test] - own[0]][:, None]
            found[test] = (scores >= target).sum(axis=1) <= min(NEAREST, -(-len(own) // 10))
        return found[split.test]

    return HeldOut(f"recall_at_{NEAREST}_or_a_tenth", measure, np.ones(len(split.test)), touches.person[split.test])


def _shops(touches: Touches, split: Split) -> list[tuple[np.ndarray, np.ndarray]]:
    """Item rows and test rows of each shop that has test rows."""
    parts = [
        (np.flatnonzero(touches.item_shop == shop), split.test[touches.shop[split.test] == shop]) for shop in np.unique(touches.shop)
    ]
    return [(own, test) for own, test in parts if len(test)]
