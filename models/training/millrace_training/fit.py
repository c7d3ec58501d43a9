"""Fits a network: shuffled batches, Adam, clipped gradients, the weights of the best epoch."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from .refusals import NotGoodEnough


@dataclass(frozen=True)
class FitOptions:
    """How long and how fast to learn."""

    epochs_max: int
    batch_rows: int
    learning_rate: float
    weight_decay: float
    """L2 penalty."""
    patience: int
    """Epochs without a better validation loss after which it stops."""
    seed: int


@dataclass(frozen=True)
class Split:
    """Row numbers of three parts of the time: fitted on, chosen by, and reported on."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def sizes(self) -> dict:
        """How many rows each part has."""
        return {"train": len(self.train), "validation": len(self.validation), "test": len(self.test)}


def split_by_time(when: np.ndarray) -> Split:
    """Rows from the first 70 % of their run's time train, the next 15 % validate, the last 15 % test. Raises ValueError for an empty part.

    when: float64 [n], 0–1, how far into its run a row was made.
    """
    split = Split(np.flatnonzero(when < 0.7), np.flatnonzero((when >= 0.7) & (when < 0.85)), np.flatnonzero(when >= 0.85))
    if min(split.sizes().values()) == 0:
        raise ValueError(f"the rows lie too close in time to be split: {split.sizes()}; export a longer run")
    return split


def prepare_torch(seed: int, threads: int) -> None:
    """Seeds every draw and asks for deterministic kernels: two runs on one machine give the same weights."""
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(threads)


def fit(
    model: nn.Module,
    rows: np.ndarray,
    loss_of: Callable[[torch.Tensor], torch.Tensor],
    validate: Callable[[], float],
    options: FitOptions,
    title: str,
    batches_of: Callable[[torch.Tensor, torch.Generator], Sequence[torch.Tensor]] | None = None,
    started: bool = False,
) -> list[dict]:
    """Fits `model` in place and leaves the weights of its best epoch; returns the losses per epoch.

    rows: numbers of the training rows. loss_of: mean loss of the rows with these numbers. validate: loss to choose by, lower
    is better. batches_of: how an epoch's shuffled rows are cut into batches, if not into `batch_rows` each. started: the weights
    are those of a version in use, so an epoch must beat them. Raises ValueError for a loss that was never a number, NotGoodEnough
    where no epoch did.
    """
    generator = torch.Generator().manual_seed(options.seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
    best, best_epoch, best_weights, history = float("inf"), -1, copy.deepcopy(model.state_dict()), []
    if started:
        model.eval()
        with torch.no_grad():
            best = validate()
    progress = tqdm(range(options.epochs_max), desc=title, unit="epoch", disable=None)
    for epoch in progress:
        model.train()
        order = torch.from_numpy(rows)[torch.randperm(len(rows), generator=generator)]
        total = 0.0
        batches = batches_of(order, generator) if batches_of else order.split(options.batch_rows)
        for batch in tqdm(batches, desc=f"epoch {epoch}", unit="batch", leave=False, disable=None):
            loss = loss_of(batch)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            total += loss.item() * len(batch)
        model.eval()
        with torch.no_grad():
            validation = validate()
        history.append({"epoch": epoch, "train_loss": total / len(rows), "validation_loss": validation})
        progress.set_postfix(train=f"{total / len(rows):.4f}", validation=f"{validation:.4f}")
        if validation < best:
            best, best_weights, best_epoch = validation, copy.deepcopy(model.state_dict()), epoch
        elif epoch - best_epoch >= options.patience:
            break
    progress.close()
    if best == float("inf"):
        raise ValueError(f"{title}: the validation loss was never a number")
    if best_epoch < 0:
        raise NotGoodEnough(f"{title}: no epoch was better than the weights it started from; nothing was published")
    model.load_state_dict(best_weights)
    model.eval()
    return history
