"""Trains the two towers of candidate retrieval and publishes both under one version.

    python models/training/train_two_tower.py --rewards rows.jsonl --items items.jsonl --events events.jsonl

The files are what `millrace export rewards|items|events --out FILE` writes; of several runs, one of each per run. A pair is a
person as they were at their last list, and an item they went for next. Loss: softmax over the items of the batch and uniform
draws from the catalogue, each corrected by how often it is drawn (Yi et al., RecSys 2019; Yang et al., WWW 2020).
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from millrace_training.data import Touches, load_touches
from millrace_training.fit import FitOptions, Split, fit, prepare_torch, split_by_time
from millrace_training.metrics import recall_at
from millrace_training.publish import GOLDEN_ROWS, Candidate, GoldenMismatch, NotGoodEnough, describe_files, publish
from millrace_training.two_tower import Tower, sampled_softmax_loss

REPOSITORY = Path(__file__).resolve().parent.parent / "repository"

ABOUT_USER = """The user tower: what is known of a person as a vector. Its dot product with an item's vector (`two_tower_item` of the
same version, never another) is a cosine: how well the item fits. It finds candidates; it does not order the list."""
ABOUT_ITEM = """The item tower: category, brand, tags and price as a vector, so that a new item has one from its first moment. Used
with `two_tower_user` of the same version, never another."""


@dataclass(frozen=True)
class TwoTowerConfig:
    """Everything that shapes the fit."""

    hidden: int = 64
    temperature: float = 0.07
    uniform_negatives: int = 512
    """Items drawn from the catalogues beside those of the batch: what nobody touched must be learned, too."""
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


def main() -> None:
    """Reads, fits, reports, publishes."""
    arguments = parse_arguments()
    config = TwoTowerConfig(epochs_max=arguments.epochs_max, seed=arguments.seed, threads=arguments.threads)
    prepare_torch(config.seed, config.threads)
    touches = load_touches(arguments.rewards, arguments.items, arguments.events, config.within_ms)
    if len(touches.item) < config.pairs_min:
        raise ValueError(f"{len(touches.item)} pairs of person and item are too few; {config.pairs_min} are needed")
    split = split_by_time(touches.when)
    model, history = train(touches, split, config)
    metrics = evaluate(model, touches, split)
    print(metrics)
    if not arguments.force and metrics["recall_at_100"] <= metrics["recall_at_100_of_chance"]:
        raise NotGoodEnough("the towers find no more than chance: not published (--force does it all the same)")
    data = {
        "files": describe_files([*arguments.rewards, *arguments.items, *arguments.events]),
        "pairs": len(touches.item),
        "items": len(touches.items),
        "from_ms": touches.first_ms,
        "to_ms": touches.last_ms,
        "split": split.sizes(),
    }
    run = {"parameters": asdict(config), "data": data, "metrics": metrics, "history": history}
    people = touches.context[split.test][:: max(1, len(split.test) // GOLDEN_ROWS)][:GOLDEN_ROWS]
    candidates = [
        Candidate("two_tower_user", model.user.to_onnx("two_tower_user"), people, lambda rows: answers(model.user, rows), run, ABOUT_USER),
        Candidate(
            "two_tower_item",
            model.item.to_onnx("two_tower_item"),
            touches.items[:GOLDEN_ROWS],
            lambda rows: answers(model.item, rows),
            run,
            ABOUT_ITEM,
            {"items": touches.item_records[:GOLDEN_ROWS]},
        ),
    ]
    print(f"published two_tower_user and two_tower_item version {publish(candidates, arguments.repository)}")


def train(touches: Touches, split: Split, config: TwoTowerConfig) -> tuple[TwoTowers, list[dict]]:
    """Fits both towers on the first part of the pairs, choosing the epoch by the second."""
    model = TwoTowers(config.hidden)
    context, item = torch.from_numpy(touches.context), torch.from_numpy(touches.item)
    features, shop_of = torch.from_numpy(touches.items), torch.from_numpy(touches.item_shop)
    count = len(touches.items)
    share = torch.bincount(item[torch.from_numpy(split.train)], minlength=count).float() / len(split.train)
    generator = torch.Generator().manual_seed(config.seed)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        drawn = torch.cat((item[batch], torch.randint(count, (config.uniform_negatives,), generator=generator)))
        expected = len(batch) * share[drawn] + config.uniform_negatives / count
        users, items = model.user(context[batch]), model.item(features[drawn])
        return sampled_softmax_loss(users, items, drawn, shop_of[drawn], expected.log(), config.temperature)

    validation = split.validation[:: max(1, len(split.validation) // 4096)]

    def validate() -> float:
        # Over whole catalogues, without draws: every epoch is asked the same.
        logits = model.user(context[validation]) @ model.item(features).T / config.temperature
        logits = logits.masked_fill(shop_of[item[validation]][:, None] != shop_of[None, :], float("-inf"))
        return nn.functional.cross_entropy(logits, item[validation]).item()

    options = FitOptions(
        config.epochs_max, config.batch_rows, config.learning_rate, config.weight_decay, config.patience, config.seed
    )
    return model, fit(model, split.train, loss_of, validate, options, "two towers")


def answers(tower: Tower, rows: np.ndarray) -> dict[str, np.ndarray]:
    """What a tower says of rows [n, 64], by output name."""
    with torch.no_grad():
        return {"embedding": tower(torch.from_numpy(rows)).numpy()}


def evaluate(model: TwoTowers, touches: Touches, split: Split) -> dict:
    """Share of later touches among the 20 and 100 nearest of all items of the shop, against the most touched ones and chance."""
    found = {f"recall_at_{k}{suffix}": 0.0 for k in (20, 100) for suffix in ("", "_of_popular", "_of_chance")}
    for shop in np.unique(touches.shop):
        test = split.test[touches.shop[split.test] == shop]
        if len(test) == 0:
            continue
        own = np.flatnonzero(touches.item_shop == shop)
        target = touches.item[test] - own[0]
        scores = answers(model.user, touches.context[test])["embedding"] @ answers(model.item, touches.items[own])["embedding"].T
        counts = np.bincount(touches.item[split.train], minlength=len(touches.items))[own]
        popular = np.broadcast_to(counts - np.arange(len(own)) * 1e-6, scores.shape)
        weight = len(test) / len(split.test)
        for k in (20, 100):
            found[f"recall_at_{k}"] += weight * recall_at(scores, target, k)
            found[f"recall_at_{k}_of_popular"] += weight * recall_at(popular, target, k)
            found[f"recall_at_{k}_of_chance"] += weight * min(1.0, k / len(own))
    return found


def parse_arguments() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train the two towers and publish them.")
    for name, kind in (("rewards", "rewards"), ("items", "items"), ("events", "events")):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True, help=f"what `millrace export {kind}` wrote")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="model repository to publish into")
    parser.add_argument("--epochs-max", type=int, default=TwoTowerConfig.epochs_max, help="epochs at most")
    parser.add_argument("--seed", type=int, default=TwoTowerConfig.seed, help="seed of every draw")
    parser.add_argument("--threads", type=int, default=TwoTowerConfig.threads, help="threads of PyTorch")
    parser.add_argument("--force", action="store_true", help="publish even if it finds no more than chance")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError, GoldenMismatch, NotGoodEnough) as error:
        raise SystemExit(f"train_two_tower: {error}") from error
