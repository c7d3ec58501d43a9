"""Trains the ranker from joined rewards and publishes it.

    python models/training/train_ranker.py --rewards rows.jsonl

`rows.jsonl` is what `millrace export rewards --out rows.jsonl` writes; several files (runs, shops) may be given.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from millrace_training.data import Impressions, load_impressions
from millrace_training.fit import FitOptions, Split, fit, prepare_torch, split_by_time
from millrace_training.judge_ranker import judge_ranker, print_metrics
from millrace_training.publish import Candidate, GoldenMismatch, NotGoodEnough, publish
from millrace_training.ranker import HEADS, POSITIONS, Ranker, ranker_loss
from millrace_training.ranker_bodies import BODIES
from millrace_training.ranker_run import describe_impressions, golden_features, require_better_than_constant

REPOSITORY = Path(__file__).resolve().parent.parent / "repository"

ABOUT = """Orders the candidates of one person's list: the chances of a click, of a like or add-to-cart, and of a purchase, of an
item that is looked at. The list is ordered by .5 p_click + .3 p_like + .2 p_purchase. It learns from what was shown, so it knows
little of items that no list ever held: one slot of each list explores for that reason."""


@dataclass(frozen=True)
class RankerConfig:
    """Everything that shapes the fit."""

    architecture: str = "shared"
    hidden_first: int = 64
    hidden_second: int = 32
    dropout: float = 0.1
    epochs_max: int = 40
    batch_rows: int = 1024
    learning_rate: float = 2e-3
    weight_decay: float = 1e-5
    patience: int = 5
    slots_min: int = 1000
    """Shown slots below which it refuses: the figures would say nothing."""
    seed: int = 7
    threads: int = 1


def main() -> None:
    """Reads, fits, reports, publishes."""
    arguments = parse_arguments()
    config = RankerConfig(
        architecture=arguments.architecture, epochs_max=arguments.epochs_max, seed=arguments.seed, threads=arguments.threads
    )
    prepare_torch(config.seed, config.threads)
    shown = load_impressions(arguments.rewards, arguments.columns)
    if len(shown.labels) < config.slots_min:
        raise ValueError(f"{len(shown.labels)} shown slots are too few; {config.slots_min} are needed")
    split = split_by_time(shown.when)
    if shown.labels[split.train, 0].sum() == 0:
        raise ValueError("nothing was clicked in the part that is learned from; collect more rewards first")
    model, history = train(shown, split, config)
    metrics = evaluate(model, shown, split)
    print_metrics(metrics)
    if not arguments.force:
        require_better_than_constant(metrics)
    data = describe_impressions(arguments.rewards, shown, split)
    run = {"parameters": asdict(config), "data": data, "columns": shown.columns, "metrics": metrics, "history": history}
    golden = golden_features(shown, split)
    candidate = Candidate("ranker", model.to_onnx(), golden, lambda rows: answers(model, rows), run, ABOUT)
    print(f"published ranker version {publish([candidate], arguments.repository)}")


def train(shown: Impressions, split: Split, config: RankerConfig) -> tuple[Ranker, list[dict]]:
    """Fits a ranker on the first part of the slots, choosing the epoch by the second."""
    model = Ranker((config.hidden_first, config.hidden_second), config.dropout, config.architecture, shown.features.shape[1])
    model.standardise_by(shown.features[split.train])
    model.start_at(shown.labels[split.train].mean(axis=0))
    features, labels = torch.from_numpy(shown.features), torch.from_numpy(shown.labels)
    place = torch.from_numpy(shown.position).clamp(0, POSITIONS - 1)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        return ranker_loss(model(features[batch]), model.looked_at()[place[batch]], labels[batch])

    validation = torch.from_numpy(split.validation)
    options = FitOptions(
        config.epochs_max, config.batch_rows, config.learning_rate, config.weight_decay, config.patience, config.seed
    )
    return model, fit(model, split.train, loss_of, lambda: loss_of(validation).item(), options, "ranker")


def answers(model: Ranker, rows: np.ndarray) -> dict[str, np.ndarray]:
    """What the network says of rows [n, columns], by output name."""
    with torch.no_grad():
        chances = model(torch.from_numpy(rows)).numpy()
    return {name: chances[:, head : head + 1] for head, name in enumerate(HEADS)}


def evaluate(model: Ranker, shown: Impressions, split: Split) -> dict:
    """Figures on the test slots."""
    served = np.concatenate(list(answers(model, shown.features[split.test]).values()), axis=1)
    return judge_ranker(served, model.looked_at().detach().numpy(), shown, split)


def parse_arguments() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train the ranker and publish it.")
    parser.add_argument(
        "--rewards", type=Path, nargs="+", required=True, help="what `millrace export rewards` wrote (.jsonl or .jsonl.gz)"
    )
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="model repository to publish into")
    parser.add_argument("--architecture", choices=tuple(BODIES), default=RankerConfig.architecture, help="see ranker_bodies.py")
    parser.add_argument("--columns", type=int, help="first columns to learn from; default: those of the newest feature schema")
    parser.add_argument("--epochs-max", type=int, default=RankerConfig.epochs_max, help="epochs at most")
    parser.add_argument("--seed", type=int, default=RankerConfig.seed, help="seed of every draw")
    parser.add_argument("--threads", type=int, default=RankerConfig.threads, help="threads of PyTorch")
    parser.add_argument("--force", action="store_true", help="publish even if it is no better than a constant")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError, GoldenMismatch, NotGoodEnough) as error:
        raise SystemExit(f"train_ranker: {error}") from error
