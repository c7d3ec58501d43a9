"""What every program that learns a ranker from shown slots does the same way: the gate before publishing and what is told of the data."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from .data import Impressions, load_impressions
from .features import RANKER_FEATURES
from .fit import Split, split_by_time
from .provenance import describe_files
from .publish import GOLDEN_ROWS
from .refusals import NotGoodEnough
from .registry import PublishedVersion


def add_rewards(parser: argparse.ArgumentParser) -> None:
    """The option that names what is read."""
    parser.add_argument(
        "--rewards", type=Path, nargs="+", required=True, help="what `millrace export rewards` wrote (.jsonl or .jsonl.gz)"
    )
    parser.add_argument("--columns", type=int, help="first columns to learn from; default: those of the newest feature schema")


def known_columns(version: PublishedVersion) -> int:
    """How many columns a version was fitted on. Raises ValueError where they are not the first ones."""
    columns = version.run.get("columns", [])
    if not columns or tuple(columns) != RANKER_FEATURES[: len(columns)]:
        raise ValueError(f"{version.name} was fitted on other columns than these; train in full")
    return len(columns)


def load_enough(arguments: argparse.Namespace, slots_min: int) -> tuple[Impressions, Split]:
    """The shown slots, split by time. Raises ValueError for fewer than `slots_min`, or where a part that is learned from holds no click."""
    shown = load_impressions(arguments.rewards, arguments.columns, arguments.window)
    if len(shown.labels) < slots_min:
        raise ValueError(f"{len(shown.labels)} shown slots are too few; {slots_min} are needed")
    split = split_by_time(shown.when)
    for part in (split.train, split.validation):
        if shown.labels[part, 0].sum() == 0:
            raise ValueError("nothing was clicked in a part that is learned from; collect more rewards first")
    return shown, split


def require_better_than_constant(metrics: dict) -> None:
    """Raises `NotGoodEnough` where clicks are predicted no better than by their share."""
    clicks = metrics["p_click"]
    if clicks["log_loss"] >= clicks["log_loss_of_constant"]:
        raise NotGoodEnough("the ranker predicts clicks no better than a constant: not published (--force does it all the same)")


def describe_impressions(paths: list[Path], shown: Impressions, split: Split) -> dict:
    """The data of a run for run.json."""
    return {
        "files": describe_files(paths),
        "rows": len(shown.labels),
        "lists": len(np.unique(shown.decision)),
        "from_ms": shown.first_ms,
        "to_ms": shown.last_ms,
        "split": split.sizes(),
    }


def golden_features(shown: Impressions, split: Split) -> np.ndarray:
    """Rows of the test part, evenly spread: [GOLDEN_ROWS, columns] at most."""
    return shown.features[split.test][:: max(1, len(split.test) // GOLDEN_ROWS)][:GOLDEN_ROWS]
