"""What every program that learns a ranker from shown slots does the same way: the gate before publishing and what is told of the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from millrace_training.data import Impressions
from millrace_training.fit import Split
from millrace_training.publish import GOLDEN_ROWS, NotGoodEnough, describe_files


def require_better_than_constant(metrics: dict) -> None:
    """Raises `NotGoodEnough` where clicks are predicted no better than by their share."""
    clicks = metrics["p_click"]
    if clicks["log_loss"] >= clicks["log_loss_of_constant"]:
        raise NotGoodEnough("the ranker predicts clicks no better than a constant: not published (--force does it all the same)")


def describe_impressions(paths: list[Path], shown: Impressions, split: Split) -> dict:
    """The data of a run for run.json."""
    return {
        "files": describe_files(paths),
        "slots": len(shown.labels),
        "lists": len(np.unique(shown.decision)),
        "from_ms": shown.first_ms,
        "to_ms": shown.last_ms,
        "split": split.sizes(),
    }


def golden_features(shown: Impressions, split: Split) -> np.ndarray:
    """Rows of the test part, evenly spread: [GOLDEN_ROWS, columns] at most."""
    return shown.features[split.test][:: max(1, len(split.test) // GOLDEN_ROWS)][:GOLDEN_ROWS]
