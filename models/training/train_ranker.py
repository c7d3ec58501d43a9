"""Trains the ranker from joined rewards and publishes it.

    python models/training/train_ranker.py --rewards rows.jsonl

`rows.jsonl` is what `millrace export rewards --out rows.jsonl` writes. Three heads share one body; loss .5 click + .3 like +
.2 purchase; the place in the list is learned beside the body and left out of what is served.
"""

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from millrace_training.fit import FitOptions, Split, fit, prepare_torch, split_by_time
from millrace_training.metrics import auc, grouped_auc, log_loss
from millrace_training.networks import HEADS, Ranker, ServedRanker
from millrace_training.publish import Candidate, PublishError, describe_file, publish
from millrace_training.reward_rows import RANKER_FEATURE_NAMES, SlotRows, TrainingDataError, read_showings, slot_rows

LOSS_WEIGHTS = (0.5, 0.3, 0.2)
REPOSITORY = Path(__file__).parent.parent / "repository"

ABOUT = """Orders the candidates of one person's list: chances of a click, a like (or add-to-cart) and a purchase, given that
the item is shown first. The list is ordered by .5 p_click + .3 p_like + .2 p_purchase. It learns from what was shown, so it
knows little of items that no list ever held; one slot of each list explores for that reason."""


@dataclass(frozen=True)
class RankerConfig:
    """Everything that shapes the fit."""

    hidden_first: int = 64
    hidden_second: int = 32
    dropout: float = 0.1
    positions: int = 50
    """Places with a bias of their own; later ones share the last."""
    epochs_max: int = 30
    batch_rows: int = 1024
    learning_rate: float = 2e-3
    weight_decay: float = 1e-5
    patience: int = 4
    slots_min: int = 1000
    """Shown slots below which it refuses: the figures would say nothing."""
    seed: int = 7
    threads: int = 1


def main() -> None:
    """Reads, fits, reports, publishes."""
    arguments = parse_arguments()
    config = RankerConfig(epochs_max=arguments.epochs_max, seed=arguments.seed, threads=arguments.threads)
    prepare_torch(config.seed, config.threads)
    rows = slot_rows(read_showings(arguments.rewards))
    if len(rows.labels) < config.slots_min:
        raise TrainingDataError(f"{len(rows.labels)} shown slots are too few; {config.slots_min} are needed")
    split = split_by_time(rows.time_ms)
    model, history = train(rows, split, config)
    metrics = evaluate(model, rows, split)
    print_metrics(metrics)
    if not arguments.force and metrics["p_click"]["log_loss"] >= metrics["p_click"]["log_loss_of_constant"]:
        raise PublishError("the ranker predicts clicks no better than a constant: not published (--force does it all the same)")
    sample = rows.features[split.test][:512]
    data = {
        **describe_file(arguments.rewards),
        "slots": len(rows.labels),
        "showings": int(rows.decision.max()) + 1,
        "from_ms": int(rows.time_ms[0]),
        "to_ms": int(rows.time_ms[-1]),
        "split": {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)},
    }
    run = {"parameters": asdict(config), "data": data, "columns": RANKER_FEATURE_NAMES, "history": history}
    outputs = dict.fromkeys(HEADS, 1)
    candidate = Candidate("ranker", ServedRanker(model).eval(), outputs, sample, ABOUT, metrics, run, {"columns": RANKER_FEATURE_NAMES})
    version = publish([candidate], arguments.repository)
    print(f"published ranker version {version}")


def train(rows: SlotRows, split: Split, config: RankerConfig) -> tuple[Ranker, list[dict]]:
    """Fits a ranker on the first part of the rows, choosing the epoch by the second."""
    features, position, labels = torch.from_numpy(rows.features), torch.from_numpy(rows.position), torch.from_numpy(rows.labels)
    hidden = (config.hidden_first, config.hidden_second)
    model = Ranker(features[torch.from_numpy(split.train)], hidden, config.positions, config.dropout)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        probabilities = model(features[batch], position[batch]).clamp(1e-7, 1 - 1e-7)
        losses = functional.binary_cross_entropy(probabilities, labels[batch], reduction="none").mean(dim=0)
        return (losses * torch.tensor(LOSS_WEIGHTS)).sum()

    validation = torch.from_numpy(split.validation)
    options = FitOptions(
        config.epochs_max, config.batch_rows, config.learning_rate, config.weight_decay, config.patience, config.seed
    )
    return model, fit(model, split.train, loss_of, lambda: loss_of(validation).item(), options, "ranker")


def evaluate(model: Ranker, rows: SlotRows, split: Split) -> dict:
    """Figures on the test rows: with the place known against a constant rate, and as served against the hand-set score."""
    test = split.test
    with torch.no_grad():
        placed = model(torch.from_numpy(rows.features[test]), torch.from_numpy(rows.position[test])).numpy()
        served = torch.cat(ServedRanker(model).eval()(torch.from_numpy(rows.features[test])), dim=1).numpy()
    labels, decision, heuristic = rows.labels[test], rows.decision[test], rows.heuristic[test]
    metrics: dict = {}
    for head, name in enumerate(HEADS):
        rate = float(rows.labels[split.train, head].mean())
        metrics[name] = {
            "rate": float(labels[:, head].mean()),
            "log_loss": log_loss(labels[:, head], placed[:, head]),
            "log_loss_of_constant": log_loss(labels[:, head], np.full(len(test), rate)),
            "auc": auc(labels[:, head], placed[:, head]),
            "auc_without_place": auc(labels[:, head], served[:, head]),
        }
    score = served @ np.array(LOSS_WEIGHTS, dtype=np.float32)
    metrics["order_within_lists"] = {
        "served_score": grouped_auc(labels[:, 0], score, decision),
        "place_shown": grouped_auc(labels[:, 0], -rows.position[test], decision),
    }
    by_hand = ~np.isnan(heuristic)
    if by_hand.any():
        clicked = labels[by_hand, 0]
        metrics["against_hand_set_score"] = {
            "rows": int(by_hand.sum()),
            "hand_set_auc": auc(clicked, heuristic[by_hand]),
            "served_auc": auc(clicked, score[by_hand]),
            "hand_set_order_within_lists": grouped_auc(clicked, heuristic[by_hand], decision[by_hand]),
            "served_order_within_lists": grouped_auc(clicked, score[by_hand], decision[by_hand]),
        }
    return metrics


def print_metrics(metrics: dict) -> None:
    """One line per group."""
    for name, values in metrics.items():
        print(name, {key: round(value, 5) if isinstance(value, float) else value for key, value in values.items()})


def parse_arguments() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train the ranker and publish it.")
    parser.add_argument("--rewards", type=Path, required=True, help="what `millrace export rewards` wrote (.jsonl or .jsonl.gz)")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="model repository to publish into")
    parser.add_argument("--epochs-max", type=int, default=RankerConfig.epochs_max, help="epochs at most")
    parser.add_argument("--seed", type=int, default=RankerConfig.seed, help="seed of every draw")
    parser.add_argument("--threads", type=int, default=RankerConfig.threads, help="threads of PyTorch")
    parser.add_argument("--force", action="store_true", help="publish even if it is no better than a constant")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except (TrainingDataError, PublishError) as error:
        raise SystemExit(f"train_ranker: {error}") from error
