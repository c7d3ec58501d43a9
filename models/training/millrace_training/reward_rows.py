"""Reads what `millrace export rewards` and `millrace export items` write.

One JSON object per line, bytes as base64, field names as in the Avro schemas (schemas/reward.ts, schemas/item.ts).
"""

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .tower_features import TOWER_WIDTH, write_tower_item

RANKER_FEATURE_NAMES = (
    "source_session", "source_similar", "source_together", "source_category", "source_trend", "source_popular",
    "source_content", "source_two_tower", "source_fresh", "sources_share", "affinity_leaf", "affinity_top",
    "affinity_brand", "price_distance", "price_log", "popularity_log", "trend_z", "purchase_rate", "age_log",
    "stock_low", "touched_recently", "touched_in_session", "in_cart", "category_declared", "margin_share",
    "user_events_log", "user_purchases_log", "session_events_log", "session_cart", "device_mobile", "hour_sin",
    "hour_cos",
)
"""Columns of the ranker's input, in the order of algorithms/ranker-features.ts (held equal by a test)."""

RANKER_WIDTH = len(RANKER_FEATURE_NAMES)


class TrainingDataError(ValueError):
    """The export cannot be trained on; the message says where and what to do."""


@dataclass(frozen=True)
class SlotRows:
    """Shown slots in columns, one row each, ascending by time; only slots that have ranker features."""

    features: np.ndarray
    """float32 [N, RANKER_WIDTH]."""
    labels: np.ndarray
    """float32 [N, 3]: clicked, liked, purchased."""
    position: np.ndarray
    """int64 [N], 0-based."""
    time_ms: np.ndarray
    """int64 [N], when it was shown."""
    decision: np.ndarray
    """int64 [N], number of the showing: slots of one list have one number."""
    heuristic: np.ndarray
    """float64 [N], the score that ranked it where the `linear` rung did; NaN elsewhere."""


@dataclass(frozen=True)
class PositivePairs:
    """Clicked slots of people whose tower input is known, ascending by time."""

    context: np.ndarray
    """float32 [N, TOWER_WIDTH], input of the user tower."""
    item: np.ndarray
    """int64 [N], row in the item table."""
    time_ms: np.ndarray
    """int64 [N]."""


@dataclass(frozen=True)
class ItemTable:
    """The catalogue, one row per item."""

    ids: list[str]
    features: np.ndarray
    """float32 [items, TOWER_WIDTH], input of the item tower."""
    records: list[dict]


def read_lines(path: Path) -> Iterator[dict]:
    """Yields the objects of a JSON-lines file, gzipped if its name ends in `.gz`."""
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
    with opened as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise TrainingDataError(f"{path}:{number} is not JSON ({error.msg}); export it again") from error


def floats_of(text: str) -> np.ndarray:
    """Little-endian float32 numbers from base64."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def read_showings(path: Path) -> list[dict]:
    """Reads reward rows, each showing once (the log may hold repeats), ascending by time."""
    rows: dict[str, dict] = {}
    for row in read_lines(path):
        rows.setdefault(row["decisionId"], row)
    return sorted(rows.values(), key=lambda row: (row["timeMs"], row["decisionId"]))


def slot_rows(showings: list[dict]) -> SlotRows:
    """The ranker's training table. Raises TrainingDataError when no slot has features of the right width."""
    features, labels, position, time_ms, decision, heuristic = [], [], [], [], [], []
    for number, row in enumerate(showings):
        for outcome in row["slots"]:
            slot = outcome["slot"]
            values = floats_of(slot["features"])
            if len(values) == 0:
                continue
            if len(values) != RANKER_WIDTH:
                raise TrainingDataError(
                    f"showing {row['decisionId']} has {len(values)} features per slot, expected {RANKER_WIDTH}; "
                    "it was logged by another version: export newer rows"
                )
            if not np.isfinite(values).all():
                continue
            features.append(values)
            labels.append((outcome["clicked"], outcome["liked"], outcome["purchased"]))
            position.append(slot["position"])
            time_ms.append(row["timeMs"])
            decision.append(number)
            heuristic.append(slot["score"] if row["rung"] == "linear" else np.nan)
    if not features:
        raise TrainingDataError("no shown slot has ranker features; let personal lists be shown first")
    return SlotRows(
        np.stack(features).astype(np.float32),
        np.array(labels, dtype=np.float32),
        np.array(position, dtype=np.int64),
        np.array(time_ms, dtype=np.int64),
        np.array(decision, dtype=np.int64),
        np.array(heuristic, dtype=np.float64),
    )


def read_items(path: Path) -> ItemTable:
    """Reads the catalogue and makes the item tower's inputs. Raises TrainingDataError for an empty file."""
    records = sorted(read_lines(path), key=lambda item: item["itemId"])
    if not records:
        raise TrainingDataError(f"{path} holds no item; export items first")
    features = np.stack([write_tower_item(item) for item in records])
    return ItemTable([item["itemId"] for item in records], features, records)


def positive_pairs(showings: list[dict], items: ItemTable) -> PositivePairs:
    """Clicked items with the context they were shown in. Raises TrainingDataError when there is none."""
    row_of = {item_id: row for row, item_id in enumerate(items.ids)}
    context, item, time_ms = [], [], []
    for row in showings:
        values = floats_of(row["context"])
        if len(values) == 0:
            continue
        if len(values) != TOWER_WIDTH:
            raise TrainingDataError(f"showing {row['decisionId']} has a context of {len(values)} numbers, expected {TOWER_WIDTH}")
        for outcome in row["slots"]:
            at = row_of.get(outcome["slot"]["itemId"])
            if outcome["clicked"] and at is not None:
                context.append(values)
                item.append(at)
                time_ms.append(row["timeMs"])
    if not context:
        raise TrainingDataError("no shown item was clicked in a known context; collect more rewards first")
    return PositivePairs(np.stack(context).astype(np.float32), np.array(item), np.array(time_ms))
