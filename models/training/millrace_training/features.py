"""Feature columns shared with the serving code (algorithms/ranker-features.ts, algorithms/tower-features.ts)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

_COLUMNS = json.loads((Path(__file__).parent / "ranker_columns.json").read_text(encoding="utf-8"))

RANKER_FEATURES: tuple[str, ...] = tuple(_COLUMNS["names"])
"""Columns of the ranker's input, in serving order; made by `npm run docs`. They are only ever appended (ADR 0015)."""

FIRST_WIDTH: int = _COLUMNS["schemaWidths"][0]
"""Columns of schema 1, the narrowest row that was ever logged."""

TOWER_WIDTH = 64
EMBEDDING_WIDTH = 32

CATEGORY_COLUMNS = 32
BRAND_COLUMNS = 12
TAG_COLUMNS = 12


def fnv1a32(text: str) -> int:
    """FNV-1a over UTF-8, 32 bits unsigned."""
    value = 0x811C9DC5
    for byte in text.encode("utf-8"):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def tower_item(category: list[str], brand: str | None, tags: list[str], price: float) -> np.ndarray:
    """The item tower's input, float32 [64]: names hashed with a sign (Weinberger 2009), then the price."""
    row = np.zeros(TOWER_WIDTH, np.float32)
    for name in category:
        _add_hashed(row, 0, CATEGORY_COLUMNS, name, 1.0)
    if brand is not None:
        _add_hashed(row, CATEGORY_COLUMNS, BRAND_COLUMNS, brand, 1.0)
    for tag in tags:
        _add_hashed(row, CATEGORY_COLUMNS + BRAND_COLUMNS, TAG_COLUMNS, tag, 0.5)
    column = CATEGORY_COLUMNS + BRAND_COLUMNS + TAG_COLUMNS
    row[column] = math.log1p(max(0.0, price)) / 5
    row[column + 1] = 1
    return row


def _add_hashed(row: np.ndarray, start: int, columns: int, text: str, weight: float) -> None:
    value = fnv1a32(text)
    row[start + value % columns] += -weight if value & 0x80000000 else weight
