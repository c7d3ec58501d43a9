"""Reads what `millrace export rewards|items|events --out FILE` writes (JSON lines, plain or gzip; bytes as base64)."""

from __future__ import annotations

import base64
import bisect
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .features import FIRST_WIDTH, RANKER_FEATURES, TOWER_WIDTH, tower_item

FIELDS = {
    "rewards": ("decisionId", "userId", "timeMs", "slots"),
    "items": ("itemId",),
    "events": ("userId", "itemId", "type", "timeMs"),
}
"""What tells the kinds of exports apart."""

TOUCHES = ("view", "click", "add_to_cart", "purchase", "like")
"""Event types that say a person wanted an item."""


@dataclass
class Impressions:
    """Shown slots with a ranker's input, oldest first within each export."""

    features: np.ndarray
    """float32 [n, columns]: the first columns of the ranker's input, as many as the newest rows have."""
    position: np.ndarray
    """int64 [n], 0-based."""
    labels: np.ndarray
    """float32 [n, 3]: clicked, liked, purchased; each implies the one before."""
    score: np.ndarray
    """float64 [n]: the score that ranked the slot when it was shown."""
    rung: np.ndarray
    """[n]: who scored it (`linear`, `ranker`, ...)."""
    decision: np.ndarray
    """int64 [n]: slots of one list share a number."""
    person: np.ndarray
    """int64 [n]: whose list it was."""
    when: np.ndarray
    """float64 [n]: 0–1, how far into its export a slot was shown; the later slice is the test."""
    first_ms: int
    last_ms: int

    def where(self, mask: np.ndarray) -> Impressions:
        """The slots that `mask` (bool [n]) names."""
        return Impressions(
            self.features[mask], self.position[mask], self.labels[mask], self.score[mask], self.rung[mask],
            self.decision[mask], self.person[mask], self.when[mask], self.first_ms, self.last_ms,
        )  # fmt: skip

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return RANKER_FEATURES[: self.features.shape[1]]


@dataclass
class Touches:
    """(person as they were, item they went for next) pairs, with the catalogues they come from."""

    context: np.ndarray
    """float32 [n, 64]: the user tower's input at the last list before the touch."""
    item: np.ndarray
    """int64 [n]: row in `items`."""
    person: np.ndarray
    """int64 [n]: who."""
    shop: np.ndarray
    """int64 [n]: which export."""
    when: np.ndarray
    """float64 [n], 0–1 within its export."""
    items: np.ndarray
    """float32 [m, 64]: the item tower's inputs of all shops."""
    item_shop: np.ndarray
    """int64 [m]."""
    item_records: list[dict]
    """[m] what the item tower's inputs were made from."""
    first_ms: int
    last_ms: int


def read_lines(path: Path, kind: str) -> Iterator[dict]:
    """The objects of a JSON-lines file that `millrace export <kind>` wrote, unzipped where its name ends in .gz.

    Raises ValueError for a line that is no JSON, or no object of that kind.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"{path}:{number} is no JSON ({error}); export it again") from error
            missing = [field for field in FIELDS[kind] if not isinstance(row, dict) or field not in row]
            if missing:
                raise ValueError(f"{path}:{number} has no {missing[0]}; it must be what `millrace export {kind}` wrote")
            yield row


def load_impressions(paths: list[Path], columns: int | None = None, window_ms: int | None = None) -> Impressions:
    """Shown slots of all reward exports, with their first `columns` columns; without that, those of the newest feature schema in them.

    Rows of an older schema are narrower: they cannot be filled up and are left out, with their number said, as are slots without features
    (trend lists). window_ms: how far back from the newest list of each export is read. Raises ValueError if none is left.
    """
    features, positions, labels, scores, rungs, decisions, people, when = [], [], [], [], [], [], [], []
    first_ms, last_ms, decision = 2**62, 0, 0
    number_of = Numbers()
    for path in paths:
        # The log may hold a row twice, and corrections of it; the last revision counts.
        by_id = {}
        for row in tqdm(read_lines(path, "rewards"), desc=path.name, unit=" lists", disable=None):
            if row["slots"]:
                known = by_id.setdefault(row["decisionId"], row)
                if row.get("revision", 0) > known.get("revision", 0):
                    by_id[row["decisionId"]] = row
        rows = list(by_id.values())
        since = window_start((row["timeMs"] for row in rows), window_ms)
        rows = [row for row in rows if row["timeMs"] >= since]
        begin, end = _range(rows)
        first_ms, last_ms = min(first_ms, begin), max(last_ms, end)
        for row in rows:
            decision += 1
            person = number_of((path, row["userId"]))
            for reward in row["slots"]:
                slot = reward["slot"]
                vector = ranker_row(slot["features"])
                if vector is None:
                    continue
                features.append(vector)
                positions.append(slot["position"])
                labels.append((reward["clicked"], reward["liked"], reward["purchased"]))
                scores.append(slot["score"])
                rungs.append(row["rung"])
                decisions.append(decision)
                people.append(person)
                when.append((row["timeMs"] - begin) / max(1, end - begin))
    if not features:
        raise ValueError("no shown slot has features: export rewards of a run whose lists were made on the linear or ranker rung")
    stacked = np.array(labels, np.float32)
    stacked = np.maximum.accumulate(stacked[:, ::-1], axis=1)[:, ::-1]
    widths = np.array([len(vector) for vector in features])
    width = int(widths.max()) if columns is None else columns
    wide = np.flatnonzero(widths >= width)
    if len(wide) == 0:
        raise ValueError(f"no row has {width} columns, the widest has {widths.max()}: export rewards of newer lists, or ask for fewer")
    if len(wide) < len(features):
        print(f"{len(features) - len(wide)} rows of an older feature schema are left out; --columns {widths.min()} takes all")
    return Impressions(
        np.stack([features[at][:width] for at in wide]), np.array(positions)[wide], np.ascontiguousarray(stacked[wide]),
        np.array(scores)[wide], np.array(rungs)[wide], np.array(decisions)[wide], np.array(people)[wide], np.array(when)[wide],
        first_ms, last_ms,
    )  # fmt: skip


def load_touches(
    rewards: list[Path], items: list[Path], events: list[Path], within_ms: int, window_ms: int | None = None
) -> Touches:
    """Pairs each touch of the last `window_ms` with the newest context of that person before it, at most `within_ms` old.

    One file of each per shop. Raises ValueError if no pair is left.
    """
    if not len(rewards) == len(items) == len(events):
        raise ValueError("give as many --items and --events as --rewards: one of each per run")
    contexts, touched, people, shops, when, catalogue, item_shop, records = [], [], [], [], [], [], [], []
    first_ms, last_ms = 2**62, 0
    number_of = Numbers()
    for shop, (reward_path, item_path, event_path) in enumerate(zip(rewards, items, events, strict=True)):
        rows: dict[str, int] = {}
        for item in read_lines(item_path, "items"):
            rows[item["itemId"]] = len(catalogue)
            catalogue.append(tower_item(item["category"], item["brand"], item["tags"], item["price"]))
            item_shop.append(shop)
            records.append({key: item[key] for key in ("category", "brand", "tags", "price")})
        known = _contexts(reward_path)
        found = []
        for event in tqdm(read_lines(event_path, "events"), desc=event_path.name, unit=" events", disable=None):
            row = rows.get(event["itemId"]) if event["type"] in TOUCHES else None
            seen = known.get(event["userId"])
            if row is None or seen is None:
                continue
            times, vectors = seen
            at = bisect.bisect_left(times, event["timeMs"]) - 1
            if at >= 0 and event["timeMs"] - times[at] <= within_ms:
                found.append((event["timeMs"], vectors[at], row, number_of((shop, event["userId"]))))
        since = window_start((time for time, *_ in found), window_ms)
        found = [one for one in found if one[0] >= since]
        if not found:
            continue
        begin, end = min(time for time, *_ in found), max(time for time, *_ in found)
        first_ms, last_ms = min(first_ms, begin), max(last_ms, end)
        for time, vector, row, person in found:
            contexts.append(vector)
            touched.append(row)
            people.append(person)
            shops.append(shop)
            when.append((time - begin) / max(1, end - begin))
    if not contexts:
        raise ValueError("nobody touched an item after a list with a context: export a longer run")
    return Touches(
        np.stack(contexts), np.array(touched), np.array(people), np.array(shops), np.array(when), np.stack(catalogue),
        np.array(item_shop), records, first_ms, last_ms,
    )  # fmt: skip


def ranker_row(text: str) -> np.ndarray | None:
    """A ranker's input out of base64, of any feature schema; None when empty. Raises ValueError on a width that no schema has."""
    if not text:
        return None
    vector = np.frombuffer(base64.b64decode(text), "<f4")
    if not FIRST_WIDTH <= len(vector) <= len(RANKER_FEATURES):
        raise ValueError(
            f"a row holds {len(vector)} features, but this trainer knows {FIRST_WIDTH} to {len(RANKER_FEATURES)}: "
            "use the trainer of that version"
        )
    return vector


class Numbers(dict):
    """Numbers names from 0 in the order in which they are first asked for."""

    def __call__(self, name: object) -> int:
        return self.setdefault(name, len(self))


def window_start(times: Iterable[int], window_ms: int | None) -> int:
    """The first time, ms, that lies in the last `window_ms` before the newest of `times`; 0 without a window."""
    return 0 if window_ms is None else max(times, default=0) - window_ms


def floats(text: str, width: int) -> np.ndarray | None:
    """Little-endian float32 out of base64; None when empty. Raises ValueError on another width."""
    if not text:
        return None
    vector = np.frombuffer(base64.b64decode(text), "<f4")
    if len(vector) != width:
        raise ValueError(f"a row holds {len(vector)} features, but this trainer knows {width}: use the trainer of that version")
    return vector


def _contexts(path: Path) -> dict[str, tuple[list[int], list[np.ndarray]]]:
    """Per person the times and contexts of their lists, ascending."""
    found: dict[str, list[tuple[int, np.ndarray]]] = defaultdict(list)
    for row in tqdm(read_lines(path, "rewards"), desc=path.name, unit=" lists", disable=None):
        vector = floats(row["context"], TOWER_WIDTH)
        if vector is not None:
            found[row["userId"]].append((row["timeMs"], vector))
    for pairs in found.values():
        pairs.sort(key=lambda pair: pair[0])
    return {user: ([time for time, _ in pairs], [vector for _, vector in pairs]) for user, pairs in found.items()}


def _range(rows: list[dict]) -> tuple[int, int]:
    times = [row["timeMs"] for row in rows]
    return (min(times), max(times)) if times else (0, 0)
