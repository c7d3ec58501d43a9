"""Items that are in sudden demand (features.md F13.5): theirs are the vectors that an hourly training refits."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tqdm import tqdm

from .data import read_lines

WANTED = ("add_to_cart", "purchase")
HOUR_MS = 3_600_000
HOURS_BEFORE = 7 * 24


def high_velocity(paths: list[Path], wanted_min: int = 50, times: float = 5.0) -> set[str]:
    """Items with at least `wanted_min` carts and purchases in the newest hour, and `times` their hourly mean of the 7 days before.

    Where the exports reach back less than 7 days the mean is over the hours that they do; where they hold one hour, it is 0.
    """
    wanted: list[tuple[int, str]] = []
    first, last = 2**62, 0
    for path in paths:
        for event in tqdm(read_lines(path, "events"), desc=f"{path.name}, demand", unit=" events", disable=None):
            first, last = min(first, event["timeMs"]), max(last, event["timeMs"])
            if event["type"] in WANTED and event["itemId"]:
                wanted.append((event["timeMs"], event["itemId"]))
    hour = last - HOUR_MS
    newest = Counter(item for time, item in wanted if time > hour)
    before = Counter(item for time, item in wanted if hour - HOURS_BEFORE * HOUR_MS < time <= hour)
    hours = min(HOURS_BEFORE, max(1.0, (hour - first) / HOUR_MS))
    return {item for item, count in newest.items() if count >= wanted_min and count >= times * before[item] / hours}
