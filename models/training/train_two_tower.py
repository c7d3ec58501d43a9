"""Trains the two towers of candidate retrieval and publishes both under one version.

    python models/training/train_two_tower.py --rewards rows.jsonl --items items.jsonl --events events.jsonl

The files are what `millrace export rewards|items|events --out FILE` writes; of several runs, one of each per run. A pair is a
person as they were at their last list, and an item they went for next. Loss: softmax over the items of the batch and uniform
draws from the catalogue, each corrected by how often it is drawn (Yi et al., RecSys 2019; Yang et al., WWW 2020).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from millrace_training.data import Touches, load_touches
from millrace_training.fit import FitOptions, Split, fit, prepare_torch, split_by_time
from millrace_training.judge_towers import ITEM, USER, held_touches, judge_towers
from millrace_training.program import add_incremental, configured, gate_of, parent_of, program_parser, run_program
from millrace_training.provenance import describe_files
from millrace_training.publish import GOLDEN_ROWS, Candidate, publish
from millrace_training.refusals import NotGoodEnough
from millrace_training.registry import PublishedVersion
from millrace_training.two_tower import Tower, composite_loss, sampled_softmax_loss
from millrace_training.warm_start import RATE, enough, start_from, weights_of

LOSSES = ("softmax", "composite")

ABOUT_USER = """The user tower: what is known of a person as a vector. Its dot product with an item's vector (`two_tower_item` of the
same version, never another) is a cosine: how well the item fits. It finds candidates; it does not order the list."""
ABOUT_ITEM = """The item tower: category, brand, tags and price as a vector, so that a new item has one from its first moment. Used
with `two_tower_user` of the same version, never another."""


@dataclass(frozen=True)
class TwoTowerConfig:
    """Everything that shapes the fit."""

    hidden: int = 64
    loss: str = "softmax"
    """Or `composite`: pointwise, pairwise and diversity (features.md F4.2)."""
    logq: bool = True
    """Whether the softmax is corrected by how often an item is drawn; without it what is often drawn is thought too little of."""
    temperature: float = 0.07
    uniform_negatives: int = 512
    """Items drawn from the catalogues beside those of the batch: what nobody touched must be learned, too. With the composite loss
    they are drawn by touches^.75."""
    within_ms: int = 1_800_000
    """Age of a context at which it says nothing of what comes next."""
    epochs_max: int = 30
    batch_rows: int = 512
    learning_rate: float = 2e-3
    weight_decay: float = 1e-5
    patience: int = 4
    pairs_min: int = 500
    """Pairs below which it refuses."""
    seed: int = 7
    threads: int = 1


class TwoTowers(nn.Module):
    """Both towers, fitted together."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.user = Tower(hidden)
        self.item = Tower(hidden)


def main(argv: Sequence[str] | None = None) -> None:
    """Reads, fits, reports, publishes."""
    meanings = {"temperature": "of the cosines", "uniform_negatives": "items drawn beside those of a batch", "learning_rate": "of Adam"}
    parser = program_parser("Train the two towers and publish them.", TwoTowerConfig, meanings)
    for kind in ("rewards", "items", "events"):
        parser.add_argument(f"--{kind}", type=Path, nargs="+", required=True, help=f"what `millrace export {kind}` wrote")
    parser.add_argument("--loss", choices=LOSSES, help="see two_tower.py (default softmax)")
    parser.add_argument("--logq", action=argparse.BooleanOptionalAction, help="correct the softmax by how often an item is drawn (default)")
    add_incremental(parser)
    arguments = parser.parse_args(argv)
    parent = parent_of(arguments, USER)
    config = configured(TwoTowerConfig, arguments, parent)
    prepare_torch(config.seed, config.threads)
    touches = load_touches(arguments.rewards, arguments.items, arguments.events, config.within_ms, arguments.window)
    start = parent if arguments.incremental else None
    if len(touches.item) < enough(config.pairs_min, start):
        raise ValueError(f"{len(touches.item)} pairs of person and item are too few; {enough(config.pairs_min, start)} are needed")
    split = split_by_time(touches.when)
    model, history = train(touches, split, config, start)
    metrics = judge_towers(
        lambda rows: answers(model.user, rows)["embedding"], lambda rows: answers(model.item, rows)["embedding"], touches, split
    )
    print(metrics)
    if arguments.force is None and metrics["recall_at_100"] <= metrics["recall_at_100_of_chance"]:
        raise NotGoodEnough("the towers find no more than chance: not published (--force REASON does it all the same)")
    data = {
        "files": describe_files([*arguments.rewards, *arguments.items, *arguments.events]),
        "rows": len(touches.item),
        "items": len(touches.items),
        "from_ms": touches.first_ms,
        "to_ms": touches.last_ms,
        "split": split.sizes(),
    }
    run = {"program": "train_two_tower", "parameters": asdict(config), "data": data, "metrics": metrics}
    run |= {"parent": start and int(start.folder.name), "history": history}
    people = touches.context[split.test][:: max(1, len(split.test) // GOLDEN_ROWS)][:GOLDEN_ROWS]
    candidates = [
        Candidate(
            USER, model.user.to_onnx(USER), people, lambda rows: answers(model.user, rows), run, ABOUT_USER, weights=weights_of(model)
        ),
        Candidate(
            ITEM, model.item.to_onnx(ITEM), touches.items[:GOLDEN_ROWS], lambda rows: answers(model.item, rows), run, ABOUT_ITEM,
            {"items": touches.item_records[:GOLDEN_ROWS]},
        ),
    ]  # fmt: skip
    version = publish(candidates, arguments.repository, gate=gate_of(arguments, held_touches(touches, split)))
    print(f"published {USER} and {ITEM} version {version}")


def train(
    touches: Touches, split: Split, config: TwoTowerConfig, start: PublishedVersion | None = None
) -> tuple[TwoTowers, list[dict]]:
    """Fits both towers on the first part of the pairs, choosing the epoch by the second; from the weights of `start` if given.

    Raises NotGoodEnough where `start` was not bettered.
    """
    model = TwoTowers(config.hidden)
    if start is not None:
        start_from(model, start)
    context, item = torch.from_numpy(touches.context), torch.from_numpy(touches.item)
    features, shop_of = torch.from_numpy(touches.items), torch.from_numpy(touches.item_shop)
    count = len(touches.items)
    share = torch.bincount(item[torch.from_numpy(split.train)], minlength=count).float() / len(split.train)
    chance = torch.full((count,), 1 / count)
    if config.loss == "composite":
        touched = torch.bincount(item[torch.from_numpy(split.train)], minlength=count).float().clamp_min(1).pow(0.75)
        chance = touched / touched.sum()
    generator = torch.Generator().manual_seed(config.seed)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        drawn = torch.cat((item[batch], torch.multinomial(chance, config.uniform_negatives, replacement=True, generator=generator)))
        users, items = model.user(context[batch]), model.item(features[drawn])
        if config.loss == "composite":
            return composite_loss(users, items, drawn, shop_of[drawn], config.temperature, generator)
        expected = len(batch) * share[drawn] + config.uniform_negatives * chance[drawn]
        log_expected = expected.log() if config.logq else torch.zeros(len(drawn))
        return sampled_softmax_loss(users, items, drawn, shop_of[drawn], log_expected, config.temperature)

    validation = split.validation[:: max(1, len(split.validation) // 4096)]

    def validate() -> float:
        # Over whole catalogues, without draws: every epoch is asked the same.
        logits = model.user(context[validation]) @ model.item(features).T / config.temperature
        logits = logits.masked_fill(shop_of[item[validation]][:, None] != shop_of[None, :], float("-inf"))
        return nn.functional.cross_entropy(logits, item[validation]).item()

    rate = config.learning_rate * (RATE if start else 1)
    options = FitOptions(config.epochs_max, config.batch_rows, rate, config.weight_decay, config.patience, config.seed)
    return model, fit(model, split.train, loss_of, validate, options, "two towers", started=start is not None)


def answers(tower: Tower, rows: np.ndarray) -> dict[str, np.ndarray]:
    """What a tower says of rows [n, 64], by output name."""
    with torch.no_grad():
        return {"embedding": tower(torch.from_numpy(rows)).numpy()}


if __name__ == "__main__":
    run_program("train_two_tower", main)
