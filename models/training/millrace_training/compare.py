"""Is a new version worse than the one in use? Both answer the same held-out rows; the interval comes from drawing people again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .registry import PublishedVersion

DRAWS = 1000
"""Bootstrap samples."""
INTERVAL = (2.5, 97.5)
"""Percentiles told."""
MARGIN = 0.02
"""How much worse a new version may be, in the metric's own unit, without being refused."""


class NotComparable(ValueError):
    """The version in use cannot answer the held-out rows."""


@dataclass(frozen=True)
class HeldOut:
    """Rows that no version of this run was fitted on or chosen by, and how a version is measured on them."""

    metric: str
    """Its name; higher is better."""
    measure: Callable[[dict[str, PublishedVersion]], np.ndarray]
    """The versions of the models that belong together, by model name → float [n], what each question adds to the metric."""
    weight: np.ndarray
    """float [n]: the metric is Σ measured / Σ weight."""
    person: np.ndarray
    """int64 [n]: whose question it is; people are drawn, not questions, as those of one person are alike."""
    unit: str = "people"
    """What is drawn, where it is not people."""


def compare(new: dict[str, PublishedVersion], old: dict[str, PublishedVersion], held: HeldOut, margin: float) -> dict:
    """The comparison for run.json: both figures, the difference (new - in use) with its 95 % interval, and whether it is `accepted`.

    Accepted means that the interval's lower end lies above -margin: what cannot be told from a worse version is refused, too.
    Raises NotComparable where the version in use cannot answer.
    """
    after, before = (np.asarray(held.measure(versions), np.float64) for versions in (new, old))
    difference, low, high = paired_interval(after, before, held.weight, held.person)
    version = next(iter(old.values()))
    return {
        "with": int(version.folder.name),
        "metric": held.metric,
        "in_use": float(before.sum() / held.weight.sum()),
        "new": float(after.sum() / held.weight.sum()),
        "difference": difference,
        "interval": [low, high],
        "margin": margin,
        "accepted": bool(low > -margin),
        "questions": len(after),
        "drawn": {held.unit: len(np.unique(held.person))},
        "in_use_learned_until_ms": version.run.get("data", {}).get("to_ms"),
    }


def paired_interval(
    after: np.ndarray, before: np.ndarray, weight: np.ndarray, person: np.ndarray, seed: int = 7
) -> tuple[float, float, float]:
    """Σ(after - before) / Σ weight and its 95 % interval over `DRAWS` samples of people with replacement; all arrays [n]."""
    _, number = np.unique(person, return_inverse=True)
    count = int(number.max()) + 1
    gains = np.bincount(number, after - before, count)
    weights = np.bincount(number, weight, count)
    random = np.random.default_rng(seed)
    drawn = np.empty(DRAWS)
    for sample in range(DRAWS):
        times = np.bincount(random.integers(0, count, count), minlength=count)
        # A sample of people without any weight says nothing; it cannot be better than no difference.
        drawn[sample] = (times @ gains) / max(times @ weights, 1e-12)
    low, high = np.percentile(drawn, INTERVAL)
    return float(gains.sum() / weights.sum()), float(low), float(high)
