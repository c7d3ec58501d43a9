"""Going on with a table of item vectors: new items get rows behind the known ones, and the rest may be held still."""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch import nn

from .refusals import NotGoodEnough
from .registry import PublishedVersion
from .velocity import high_velocity


def add_item_refit(parser: argparse.ArgumentParser) -> None:
    """Options that say which items an incremental run may move."""
    parser.add_argument(
        "--items-refit", choices=("high-velocity", "all"), default="high-velocity",
        help="with --incremental: only the vectors of items in sudden demand, or everything (default high-velocity)",
    )  # fmt: skip
    parser.add_argument("--velocity-min", type=int, default=50, help="carts and purchases in the newest hour at least (default 50)")
    parser.add_argument("--velocity-times", type=float, default=5.0, help="and times the hourly mean of 7 days (default 5)")


def items_to_refit(arguments: argparse.Namespace, start: PublishedVersion | None) -> set[str] | None:
    """Ids of the items whose vectors may move; None: everything may. Raises NotGoodEnough where no item is in sudden demand."""
    if start is None or arguments.items_refit == "all":
        return None
    if not arguments.events:
        raise ValueError("--incremental needs --events: --sequences has no times")
    found = high_velocity(arguments.events, arguments.velocity_min, arguments.velocity_times)
    if not found:
        raise NotGoodEnough("no item is in sudden demand, so there is nothing to refit (--items-refit all moves everything)")
    return found


def with_new_rows(table: nn.Parameter, start: PublishedVersion, items: int) -> np.ndarray:
    """A version's `table.weight`, as tall as `table` [1 + items and more + extra, width]: new items keep the fresh rows of `table`.

    items: how many the version knew; rows behind them that are no item's (a mask) stay last.
    """
    stored, grown = start.weights()["table.weight"], table.detach().numpy().copy()
    extra = len(stored) - 1 - items
    grown[: 1 + items] = stored[: 1 + items]
    if extra:
        grown[-extra:] = stored[-extra:]
    return grown


def only_rows_of(model: nn.Module, table: nn.Parameter, rows: list[int]) -> None:
    """Lets a fit move these rows of `table` and nothing else of `model`."""
    for weight in model.parameters():
        weight.requires_grad_(weight is table)
    moving = torch.zeros(len(table), 1)
    moving[rows] = 1
    table.register_hook(lambda gradient: gradient * moving)
