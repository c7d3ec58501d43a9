"""What each person touched, in order: from an export of the event log, or from a public set's own file."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .data import TOUCHES, read_lines, window_start

PAD = 0
"""The row of no item; items are numbered from 1."""

TRAIN_UNTIL, VALIDATION_UNTIL = 0.7, 0.85
"""Parts of an event log's time, as in fit.split_by_time."""


@dataclass
class Questions:
    """What came next? One question per row."""

    history: list[np.ndarray]
    """[n] item rows, int64, oldest first, at least one."""
    target: np.ndarray
    """int64 [n]: the item row that followed."""
    person: np.ndarray
    """int64 [n]: whose, a row of `people` counted from 1, 0 for nobody who is learned from."""
    asker: np.ndarray
    """int64 [n]: whose, whether learned from or not."""

    def take(self, rows: np.ndarray) -> Questions:
        """The questions of these numbers."""
        return Questions([self.history[at] for at in rows], self.target[rows], self.person[rows], self.asker[rows])


@dataclass
class Sequences:
    """Item sequences to learn from, and later touches to be asked for."""

    items: list[str]
    """Item ids; the item of row r is items[r - 1]."""
    people: list[str]
    """Ids of those who are learned from, as in `train`."""
    train: list[np.ndarray]
    """One person's item rows, int64, oldest first, two or more."""
    validation: Questions
    test: Questions
    new_only: bool
    """Whether an item comes once in a history, so that what was had is not recommended again."""
    split: str
    """How the three parts were made, a sentence."""
    first_ms: int
    last_ms: int
    """Range of the event times; 0 where a file has none."""

    def describe(self) -> dict:
        """Counts for run.json."""
        return {
            "people": len(self.train),
            "items": len(self.items),
            "touches_train": int(sum(map(len, self.train))),
            "split": {"train": len(self.train), "validation": len(self.validation.target), "test": len(self.test.target)},
            "how_split": self.split,
            "from_ms": self.first_ms,
            "to_ms": self.last_ms,
        }


def load_item_lines(path: Path) -> Sequences:
    """A public set with one person per line: `user item item …` in time order, plain or .gz (S3-Rec's preparation of Amazon reviews).

    Leave-last-out, as its published tables: of people with three items or more the last is the test, the one before it the
    validation, and the rest is learned from. Raises ValueError where a line holds no item or nobody has three.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    ids: list[str] = []
    people: list[list[str]] = []
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(tqdm(lines, desc=path.name, unit=" people", disable=None), 1):
            parts = line.split()
            if len(parts) < 2:
                raise ValueError(f"{path}:{number} holds no item; each line must be a user and their items, split by blanks")
            ids.append(parts[0])
            people.append(parts[1:])
    # Numbers in the order of the names: the tie rule of evaluation is "score, then item id".
    names = sorted({item for person in people for item in person}, key=lambda name: (len(name), name))
    row = {name: number for number, name in enumerate(names, 1)}
    whole = [np.array([row[item] for item in person], np.int64) for person in people]
    left_out = [2 if len(person) >= 3 else 0 for person in whole]
    learned = [(name, person[: len(person) - out]) for name, person, out in zip(ids, whole, left_out, strict=True)]
    learned = [(name, person) for name, person in learned if len(person) >= 2]
    known = {name: number for number, (name, _) in enumerate(learned, 1)}
    asked = [
        (known.get(name, 0), number, person) for number, (name, person, out) in enumerate(zip(ids, whole, left_out, strict=True)) if out
    ]
    if not asked:
        raise ValueError(f"{path}: nobody has three items, so nothing can be left out to be asked for")
    validation, test = (_questions([(row, asker, person[:-last], person[-last]) for row, asker, person in asked]) for last in (2, 1))
    return Sequences(
        items=names,
        people=[name for name, _ in learned],
        train=[person for _, person in learned],
        validation=validation,
        test=test,
        new_only=all(len(set(person.tolist())) == len(person) for person in whole),
        split="each person's last item is the test, the one before it the validation",
        first_ms=0,
        last_ms=0,
    )


def load_event_sequences(
    paths: list[Path], window_ms: int | None = None, numbered: Sequence[str] = (), new_items: Container[str] | None = None
) -> Sequences:
    """Touches of an event log's exports (`millrace export events`), by person and time; an item touched twice running counts once.

    window_ms: how far back from the newest touch is read; None: everything. numbered: items that have their rows already, 1, 2, …;
    others follow, by name. new_items: which others may; touches of the rest are left out; None: all may.

    The first 70 % of the time is learned from; each touch of the next 15 % is a question of the validation, of the last 15 % of the
    test, with everything before it as history: a live recommender would know it. Raises ValueError where a part stays empty.
    """
    touches: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for path in paths:
        for event in tqdm(read_lines(path, "events"), desc=path.name, unit=" events", disable=None):
            if event["type"] in TOUCHES and event["itemId"]:
                touches[event["userId"]].append((event["timeMs"], event["itemId"]))
    known = set(numbered)
    since = window_start((time for person in touches.values() for time, _ in person), window_ms)
    touches = {
        name: [one for one in person if one[0] >= since and (new_items is None or one[1] in known or one[1] in new_items)]
        for name, person in touches.items()
    }
    times = [time for person in touches.values() for time, _ in person]
    if not times:
        raise ValueError("the exports hold no event of a person with an item; export a longer run")
    first, last = min(times), max(times)
    names = [*numbered, *sorted({item for person in touches.values() for _, item in person} - known)]
    row = {name: number for number, name in enumerate(names, 1)}
    people: list[str] = []
    train: list[np.ndarray] = []
    asked: tuple[list, list] = ([], [])
    for asker, (name, person) in enumerate(touches.items()):
        person.sort(key=lambda touch: touch[0])  # Stable: equal times stay in the order of the log.
        kept = [touch for at, touch in enumerate(person) if at == 0 or touch[1] != person[at - 1][1]]
        rows = np.array([row[item] for _, item in kept], np.int64)
        part = np.searchsorted([TRAIN_UNTIL, VALIDATION_UNTIL], [(time - first) / max(1, last - first) for time, _ in kept], "right")
        learned = int((part == 0).sum())
        if learned >= 2:
            people.append(name)
            train.append(rows[:learned])
        for at in range(max(1, learned), len(rows)):
            asked[part[at] - 1].append((len(people) if learned >= 2 else 0, asker, rows[:at], rows[at]))
    if not train or not asked[0] or not asked[1]:
        raise ValueError("the events lie too close in time to be split into 70 %, 15 % and 15 %; export a longer run")
    return Sequences(
        names, people, train, *map(_questions, asked), False, "the first 70 % of the time, the next 15 %, the last 15 %", first, last
    )


def _questions(asked: list[tuple[int, int, np.ndarray, np.int64]]) -> Questions:
    person, asker, history, target = zip(*asked, strict=True)
    return Questions(list(history), np.array(target), np.array(person), np.array(asker))


def left_padded(histories: list[np.ndarray], length: int) -> np.ndarray:
    """int64 [n, length]: the newest `length` items of each, the newest at the right, `PAD` to the left."""
    rows = np.full((len(histories), length), PAD, np.int64)
    for number, history in enumerate(histories):
        newest = history[-length:]
        rows[number, length - len(newest) :] = newest
    return rows
