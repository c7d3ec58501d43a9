"""What every program that learns from sequences of items does the same way: what is read, what is told, what must be beaten."""

from __future__ import annotations

import argparse
from collections.abc import Container, Sequence
from pathlib import Path

import numpy as np

from .judge_next import popularity, ranks
from .metrics import next_item_figures
from .provenance import describe_files
from .refusals import NotGoodEnough
from .sequences import Questions, Sequences, load_event_sequences, load_item_lines

BYTES_MAX = 1_000_000_000
"""Of a graph: the table of items is in it."""
QUESTIONS_COMPARED = 8192
"""Test questions at most that versions are compared on."""


def add_source(parser: argparse.ArgumentParser) -> None:
    """The options that name what is read."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--events", type=Path, nargs="+", help="what `millrace export events` wrote (.jsonl or .jsonl.gz)")
    source.add_argument("--sequences", type=Path, help="a public set of one person per line: user, then items in time order")


def load_enough(
    arguments: argparse.Namespace, pairs_min: int, numbered: Sequence[str] = (), new_items: Container[str] | None = None
) -> Sequences:
    """What the options name; `numbered` and `new_items` as `load_event_sequences`.

    Raises ValueError for fewer than `pairs_min` touches to learn from, or for a window or numbered items of a set without times.
    """
    if arguments.events:
        known = load_event_sequences(arguments.events, arguments.window, numbered, new_items)
    elif arguments.window is not None or numbered:
        raise ValueError("--window and --incremental need --events: --sequences has no times")
    else:
        known = load_item_lines(arguments.sequences)
    pairs = sum(len(person) - 1 for person in known.train)
    if pairs < pairs_min:
        raise ValueError(f"{pairs} touches with one before them are too few; {pairs_min} are needed")
    return known


def describe_sequences(arguments: argparse.Namespace, known: Sequences) -> dict:
    """The data of a run for run.json."""
    return {"files": describe_files(arguments.events or [arguments.sequences]), **known.describe()}


def test_figures(known: Sequences, asked: Questions, found: np.ndarray) -> dict:
    """Figures of ranks int64 [n] of the test questions `asked`, and those of the most touched items."""
    return {
        "test": next_item_figures(found),
        "test_of_popular": next_item_figures(ranks(asked, popularity(known), known.new_only)),
    }


def print_figures(metrics: dict) -> None:
    """One line per part."""
    for name, figures in metrics.items():
        print(name, {key: round(value, 5) for key, value in figures.items()})


def require_better_than_popular(metrics: dict) -> None:
    """Raises `NotGoodEnough` where what comes next is named no better than by the most touched items."""
    if metrics["test"]["ndcg_at_10"] <= metrics["test_of_popular"]["ndcg_at_10"]:
        raise NotGoodEnough(
            "it names what comes next no better than the most touched items: not published (--force REASON does it all the same)"
        )


def judged_on(known: Sequences) -> str:
    """For the model card."""
    return f"the later touches, ranked among all items (score, then item id); {known.split}"
