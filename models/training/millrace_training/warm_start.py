"""Weights kept beside a version, and networks that start from them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from .registry import PublishedVersion

RATE = 0.1
"""Share of the learning rate when a fit starts from learned weights: a short window must not undo a long one."""

ENOUGH = 0.1
"""Share of the rows that a fresh fit needs."""


def enough(rows_min: int, start: PublishedVersion | None) -> int:
    """Rows below which a fit is refused: fewer where it goes on from `start`."""
    return rows_min if start is None else round(rows_min * ENOUGH)


def weights_of(model: nn.Module) -> dict[str, np.ndarray]:
    """Every weight and buffer by name."""
    return {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}


def start_from(model: nn.Module, version: PublishedVersion, grown: dict[str, np.ndarray] | None = None) -> None:
    """Puts a version's weights into `model`; `grown` replaces some that have more rows now.

    Raises ValueError where names or shapes differ: the version was fitted by other code or other parameters.
    """
    stored = {**version.weights(), **(grown or {})}
    try:
        model.load_state_dict({name: torch.from_numpy(array) for name, array in stored.items()})
    except RuntimeError as error:
        raise ValueError(f"the weights of {version.name} do not fit this network; train in full ({error})") from error
