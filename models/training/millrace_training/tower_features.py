"""The item tower's input, as algorithms/tower-features.ts writes it when serving.

Two programs make the same numbers, so a test holds them together: the published item tower's golden batch names its items,
and the TypeScript side must make the same inputs from them.
"""

import math

import numpy as np

TOWER_WIDTH = 64
_CATEGORY_COLUMNS = 32
_BRAND_COLUMNS = 12
_TAG_COLUMNS = 12


def fnv1a32(text: str) -> int:
    """FNV-1a over UTF-8, 32 bits, unsigned."""
    value = 0x811C9DC5
    for byte in text.encode("utf-8"):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def write_tower_item(item: dict) -> np.ndarray:
    """float32 [TOWER_WIDTH]: category path, brand and tags by signed hashing (Weinberger 2009), and the price."""
    out = np.zeros(TOWER_WIDTH, dtype=np.float32)
    for name in item["category"]:
        _add_hashed(out, 0, _CATEGORY_COLUMNS, name, 1.0)
    if item["brand"] is not None:
        _add_hashed(out, _CATEGORY_COLUMNS, _BRAND_COLUMNS, item["brand"], 1.0)
    for tag in item["tags"]:
        _add_hashed(out, _CATEGORY_COLUMNS + _BRAND_COLUMNS, _TAG_COLUMNS, tag, 0.5)
    column = _CATEGORY_COLUMNS + _BRAND_COLUMNS + _TAG_COLUMNS
    out[column] = math.log1p(max(0.0, item["price"])) / 5
    out[column + 1] = 1.0
    return out


def _add_hashed(out: np.ndarray, base: int, columns: int, text: str, weight: float) -> None:
    value = fnv1a32(text)
    out[base + value % columns] += -weight if value & 0x80000000 else weight
