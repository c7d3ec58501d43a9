"""Fits a network: shuffled batches, Adam, clipped gradients, the weights of the best epoch."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from tqdm import tqdm


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
    """Row numbers of three ranges of time: fitted on, chosen by, and reported on. Never shuffled across time."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split_by_time(time_ms: np.ndarray) -> Split:
    """The first 70 % of rows (ascending by time) train, the next 15 % validate, the last 15 % test; equal times stay together."""
    first = int(np.searchsorted(time_ms, time_ms[int(len(time_ms) * 0.7)]))
    second = int(np.searchsorted(time_ms, time_ms[int(len(time_ms) * 0.85)]))
    rows = np.arange(len(time_ms))
    return Split(rows[:first], rows[first:second], rows[second:])


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
) -> list[dict]:
    """Fits `model` in place and leaves the weights of its best epoch; returns the losses per epoch.

    rows: numbers of the training rows. loss_of: mean loss of the rows with these numbers. validate: loss to choose by, lower
    is better.
    """
    generator = torch.Generator().manual_seed(options.seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
    best, best_epoch, best_weights, history = float("inf"), 0, copy.deepcopy(model.state_dict()), []
    progress = tqdm(range(options.epochs_max), desc=title, unit="epoch", disable=None)
    for epoch in progress:
        model.train()
        order = torch.from_numpy(rows)[torch.randperm(len(rows), generator=generator)]
        total = 0.0
        for batch in order.split(options.batch_rows):
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
    model.load_state_dict(best_weights)
    model.eval()
    return history
