"""Items with their texts, and which of them people went for one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .data import Numbers, read_lines
from .features import fnv1a32
from .sequences import load_event_sequences

TEXT_FIELDS = ("brand", "category", "tags", "title", "description")


@dataclass
class ItemTexts:
    """A catalogue in the order in which its items came, and pairs of items that were touched one after the other."""

    records: list[dict]
    """[n] what the texts are made from: `TEXT_FIELDS`."""
    pairs: np.ndarray
    """int64 [m, 2]: item numbers from 0, each pair once, the lower first."""
    part: np.ndarray
    """int64 [n]: 0 learned from, 1 chosen by, 2 reported on: the newest 15 % of the items are the test, as a new item would be."""
    first_ms: int
    last_ms: int

    def pairs_of(self, part: int) -> np.ndarray:
        """Pairs [m, 2] of an item of that part and one that is no newer part's; of an item learned from, both."""
        own = self.part[self.pairs]
        return self.pairs[own.max(axis=1) == part]


def load_item_texts(items: Path, events: list[Path], window_ms: int | None) -> ItemTexts:
    """Reads what `millrace export items|events` wrote. Raises ValueError where a part stays without pairs."""
    found = {item["itemId"]: item for item in tqdm(read_lines(items, "items"), desc=items.name, unit=" items", disable=None)}
    # Those of one moment (a first import) in an order that has nothing to do with their names.
    ids = sorted(found, key=lambda name: (found[name]["createdMs"], fnv1a32(name)))
    number = Numbers()
    for name in ids:
        number(name)
    known = load_event_sequences(events, window_ms)
    row = np.array([-1, *(number.get(name, -1) for name in known.items)])
    walks = [row[history] for history in (*known.train, *(_last_two(known.validation)), *(_last_two(known.test)))]
    steps = np.concatenate([np.stack((walk[:-1], walk[1:]), axis=1) for walk in walks])
    steps = np.sort(steps[(steps >= 0).all(axis=1) & (steps[:, 0] != steps[:, 1])], axis=1)
    part = np.searchsorted([0.7, 0.85], np.arange(len(ids)) / max(1, len(ids)), "right")
    texts = ItemTexts(
        [{field: found[name][field] for field in TEXT_FIELDS} for name in ids], np.unique(steps, axis=0), part, known.first_ms, known.last_ms
    )
    if min(len(texts.pairs_of(part)) for part in range(3)) == 0:
        raise ValueError("too few items were touched one after the other to learn from, choose by and report on; export a longer run")
    return texts


def _last_two(questions: object) -> list[np.ndarray]:
    """The newest step of each question: the item before, the item that followed."""
    return [np.array([history[-1], target]) for history, target in zip(questions.history, questions.target, strict=True)]  # type: ignore[attr-defined]
