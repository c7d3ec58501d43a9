"""Trains the two towers of candidate retrieval from joined rewards and publishes both under one version.

    python models/training/train_two_tower.py --rewards rows.jsonl --items items.jsonl

The files are what `millrace export rewards --out …` and `millrace export items --out …` write. Loss: softmax over the items of
the batch and as many uniform draws from the catalogue, each corrected by the logarithm of how often it is drawn (Yi et al.,
RecSys 2019; Yang et al., WWW 2020), temperature .07.
"""

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from millrace_training.fit import FitOptions, Split, fit, prepare_torch, split_by_time
from millrace_training.metrics import recall_at
from millrace_training.networks import Tower
from millrace_training.publish import GOLDEN_ROWS, Candidate, PublishError, describe_file, publish
from millrace_training.reward_rows import ItemTable, PositivePairs, TrainingDataError, positive_pairs, read_items, read_showings
from millrace_training.tower_features import TOWER_WIDTH

REPOSITORY = Path(__file__).parent.parent / "repository"

ABOUT_USER = """The user tower: what is known of a person as a vector. Its dot product with an item's vector (`two_tower_item` of the
same version, never another) is a cosine: how well the item fits. Used to find candidates, not to order them."""
ABOUT_ITEM = """The item tower: category, brand, tags and price as a vector, so that a new item has one from its first moment. Used
with `two_tower_user` of the same version, never another."""


@dataclass(frozen=True)
class TwoTowerConfig:
    """Everything that shapes the fit."""

    hidden: int = 64
    out: int = 32
    dropout: float = 0.1
    temperature: float = 0.07
    uniform_negatives: int = 256
    """Items drawn from the whole catalogue beside those of the batch: what nobody clicked must be learned, too."""
    epochs_max: int = 40
    batch_rows: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-5
    patience: int = 5
    pairs_min: int = 500
    """Clicked items below which it refuses."""
    seed: int = 7
    threads: int = 1


class TwoTowers(nn.Module):
    """Both towers, fitted together."""

    def __init__(self, config: TwoTowerConfig):
        super().__init__()
        self.user = Tower(TOWER_WIDTH, config.hidden, config.out, config.dropout)
        self.item = Tower(TOWER_WIDTH, config.hidden, config.out, config.dropout)


def main() -> None:
    """Reads, fits, reports, publishes."""
    arguments = parse_arguments()
    config = TwoTowerConfig(epochs_max=arguments.epochs_max, seed=arguments.seed, threads=arguments.threads)
    prepare_torch(config.seed, config.threads)
    items = read_items(arguments.items)
    pairs = positive_pairs(read_showings(arguments.rewards), items)
    if len(pairs.item) < config.pairs_min:
        raise TrainingDataError(f"{len(pairs.item)} clicked items are too few; {config.pairs_min} are needed")
    split = split_by_time(pairs.time_ms)
    model, history = train(pairs, items, split, config)
    metrics = evaluate(model, pairs, items, split)
    print(metrics)
    if not arguments.force and metrics["recall_at_100"] <= metrics["recall_at_100_of_random"]:
        raise PublishError("the towers find no more than chance: not published (--force does it all the same)")
    data = {
        "rewards": describe_file(arguments.rewards),
        "items": describe_file(arguments.items),
        "pairs": len(pairs.item),
        "catalogue": len(items.ids),
        "from_ms": int(pairs.time_ms[0]),
        "to_ms": int(pairs.time_ms[-1]),
        "split": {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)},
    }
    run = {"parameters": asdict(config), "data": data, "history": history}
    outputs = {"embedding": config.out}
    contexts = pairs.context[split.test][:512]
    golden_items = [{key: item[key] for key in ("category", "brand", "tags", "price")} for item in items.records[:GOLDEN_ROWS]]
    version = publish(
        [
            Candidate("two_tower_user", model.user, outputs, contexts, ABOUT_USER, metrics, run, {}),
            Candidate("two_tower_item", model.item, outputs, items.features[:512], ABOUT_ITEM, metrics, run, {"items": golden_items}),
        ],
        arguments.repository,
    )
    print(f"published two_tower_user and two_tower_item version {version}")


def train(pairs: PositivePairs, items: ItemTable, split: Split, config: TwoTowerConfig) -> tuple[TwoTowers, list[dict]]:
    """Fits both towers on the first part of the pairs, choosing the epoch by the second."""
    model = TwoTowers(config)
    context, item = torch.from_numpy(pairs.context), torch.from_numpy(pairs.item)
    features = torch.from_numpy(items.features)
    counts = torch.bincount(item[torch.from_numpy(split.train)], minlength=len(items.ids)).float()
    share = counts / counts.sum()
    generator = torch.Generator().manual_seed(config.seed)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        uniform = torch.randint(len(items.ids), (config.uniform_negatives,), generator=generator)
        shown = torch.cat((item[batch], uniform))
        # How often an item is expected in such a batch, from both ways of drawing.
        drawn = len(batch) * share[shown] + config.uniform_negatives / len(items.ids)
        logits = model.user(context[batch]) @ model.item(features[shown]).T / config.temperature - drawn.log()
        # The same item elsewhere in the batch is no negative.
        same = item[batch][:, None] == shown[None, :]
        same[torch.arange(len(batch)), torch.arange(len(batch))] = False
        return functional.cross_entropy(logits.masked_fill(same, -1e9), torch.arange(len(batch)))

    validation = torch.from_numpy(split.validation)

    def validate() -> float:
        # Over the whole catalogue, without draws: epochs are compared by the same question.
        logits = model.user(context[validation]) @ model.item(features).T / config.temperature
        return functional.cross_entropy(logits, item[validation]).item()

    options = FitOptions(
        config.epochs_max, config.batch_rows, config.learning_rate, config.weight_decay, config.patience, config.seed
    )
    return model, fit(model, split.train, loss_of, validate, options, "two towers")


def evaluate(model: TwoTowers, pairs: PositivePairs, items: ItemTable, split: Split) -> dict:
    """Share of later clicks among the 20 and 100 nearest of all items, against the most clicked ones and against chance."""
    with torch.no_grad():
        users = model.user(torch.from_numpy(pairs.context[split.test])).numpy()
        catalogue = model.item(torch.from_numpy(items.features)).numpy()
    scores, positives = users @ catalogue.T, pairs.item[split.test]
    clicks = np.bincount(pairs.item[split.train], minlength=len(items.ids)).astype(np.float64)
    popular = np.broadcast_to(clicks - np.arange(len(clicks)) * 1e-6, scores.shape)
    metrics = {}
    for k in (20, 100):
        metrics[f"recall_at_{k}"] = recall_at(k, scores, positives)
        metrics[f"recall_at_{k}_of_popular"] = recall_at(k, popular, positives)
        metrics[f"recall_at_{k}_of_random"] = min(1.0, k / len(items.ids))
    return metrics


def parse_arguments() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train the two towers and publish them.")
    parser.add_argument("--rewards", type=Path, required=True, help="what `millrace export rewards` wrote (.jsonl or .jsonl.gz)")
    parser.add_argument("--items", type=Path, required=True, help="what `millrace export items` wrote")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="model repository to publish into")
    parser.add_argument("--epochs-max", type=int, default=TwoTowerConfig.epochs_max, help="epochs at most")
    parser.add_argument("--seed", type=int, default=TwoTowerConfig.seed, help="seed of every draw")
    parser.add_argument("--threads", type=int, default=TwoTowerConfig.threads, help="threads of PyTorch")
    parser.add_argument("--force", action="store_true", help="publish even if it finds no more than chance")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except (TrainingDataError, PublishError) as error:
        raise SystemExit(f"train_two_tower: {error}") from error
