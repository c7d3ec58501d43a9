"""Trains the ranker from joined rewards and publishes it.

    python models/training/train_ranker.py --rewards rows.jsonl

`rows.jsonl` is what `millrace export rewards --out rows.jsonl` writes; several files (runs, shops) may be given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from millrace_training.data import Impressions
from millrace_training.fit import FitOptions, Split, fit, prepare_torch
from millrace_training.judge_ranker import held_lists, judge_ranker, print_metrics
from millrace_training.program import add_incremental, configured, gate_of, parent_of, program_parser, run_program
from millrace_training.publish import Candidate, publish
from millrace_training.ranker import HEADS, HIDDEN, POSITIONS, Ranker, ranker_loss
from millrace_training.ranker_bodies import BODIES
from millrace_training.ranker_run import add_rewards, describe_impressions, golden_features, known_columns, load_enough, require_better_than_constant
from millrace_training.registry import PublishedVersion
from millrace_training.warm_start import RATE, enough, start_from, weights_of

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


def main(argv: Sequence[str] | None = None) -> None:
    """Reads, fits, reports, publishes."""
    parser = program_parser("Train the ranker and publish it.", RankerConfig, {"learning_rate": "of Adam"})
    add_rewards(parser)
    add_incremental(parser)
    parser.add_argument("--architecture", choices=tuple(BODIES), help=f"see ranker_bodies.py (default {RankerConfig.architecture})")
    arguments = parser.parse_args(argv)
    parent = parent_of(arguments, "ranker")
    config = configured(RankerConfig, arguments, parent)
    prepare_torch(config.seed, config.threads)
    start = parent if arguments.incremental else None
    if start is not None:
        arguments.columns = known_columns(start)
    shown, split = load_enough(arguments, enough(config.slots_min, start))
    model, history = train(shown, split, config, start)
    metrics = evaluate(model, shown, split)
    print_metrics(metrics)
    if arguments.force is None:
        require_better_than_constant(metrics)
    data = describe_impressions(arguments.rewards, shown, split)
    run = {"program": "train_ranker", "parameters": asdict(config), "data": data, "columns": shown.columns, "metrics": metrics}
    run |= {"parent": start and int(start.folder.name), "history": history}
    golden = golden_features(shown, split)
    candidate = Candidate(
        "ranker", model.to_onnx(), golden, lambda rows: answers(model, rows), run, ABOUT, weights=weights_of(model)
    )
    held = held_lists("ranker", shown, split, model.looked_at().detach().numpy())
    print(f"published ranker version {publish([candidate], arguments.repository, gate=gate_of(arguments, held))}")


def train(
    shown: Impressions, split: Split, config: RankerConfig, start: PublishedVersion | None = None
) -> tuple[Ranker, list[dict]]:
    """Fits a ranker on the first part of the slots, choosing the epoch by the second; from the weights of `start` if given.

    Raises NotGoodEnough where `start` was not bettered.
    """
    model = Ranker((config.hidden_first, config.hidden_second), config.dropout, config.architecture, shown.features.shape[1])
    if start is None:
        model.standardise_by(shown.features[split.train])
        model.start_at(shown.labels[split.train].mean(axis=0))
    else:
        start_from(model, start)
    features, labels = torch.from_numpy(shown.features), torch.from_numpy(shown.labels)
    place = torch.from_numpy(shown.position).clamp(0, POSITIONS - 1)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        return ranker_loss(model(features[batch]), model.looked_at()[place[batch]], labels[batch])

    validation = torch.from_numpy(split.validation)
    rate = config.learning_rate * (RATE if start else 1)
    options = FitOptions(config.epochs_max, config.batch_rows, rate, config.weight_decay, config.patience, config.seed)
    return model, fit(
        model, split.train, loss_of, lambda: loss_of(validation).item(), options, "ranker", started=start is not None
    )


def answers(model: Ranker, rows: np.ndarray) -> dict[str, np.ndarray]:
    """What the network says of rows [n, columns], by output name."""
    with torch.no_grad():
        chances, hidden = model(torch.from_numpy(rows)).numpy(), model.hidden(torch.from_numpy(rows)).numpy()
    return {**{name: chances[:, head : head + 1] for head, name in enumerate(HEADS)}, HIDDEN: hidden}


def evaluate(model: Ranker, shown: Impressions, split: Split) -> dict:
    """Figures on the test slots."""
    answered = answers(model, shown.features[split.test])
    served = np.concatenate([answered[head] for head in HEADS], axis=1)
    return judge_ranker(served, model.looked_at().detach().numpy(), shown, split)


if __name__ == "__main__":
    run_program("train_ranker", main)
