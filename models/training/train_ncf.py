"""Trains neural collaborative filtering on who touched what, and publishes it.

    python models/training/train_ncf.py --events events.jsonl
    python models/training/train_ncf.py --sequences Beauty.txt.gz --repository DIR

The same input as train_sequence.py; the order within a person does not count here, only the split in time. It scores pairs, so it
ranks candidates that others found.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from millrace_training.fit import FitOptions, fit, prepare_torch
from millrace_training.judge_next import every_nth, popularity, ranks
from millrace_training.metrics import next_item_figures
from millrace_training.ncf import UNKNOWN, Ncf, Negatives
from millrace_training.publish import GOLDEN_ROWS, Candidate, GoldenMismatch, NotGoodEnough, describe_files, publish
from millrace_training.sequences import Questions, Sequences, load_event_sequences, load_item_lines

REPOSITORY = Path(__file__).resolve().parent.parent / "repository"
BYTES_MAX = 1_000_000_000
"""Of the graph: the tables of people and items are in it (400 bytes each)."""

ABOUT = """How likely a person is to go for an item: `pairs` holds a row of `people.json` and one of `items.json`, counted from 1, 0 for
unknown. Beside negatives drawn four to one the chances are too high: use them to order, not as rates. Ids of people are part of it:
whoever is to be forgotten is forgotten here with the next training and the removal of older versions."""


@dataclass(frozen=True)
class NcfConfig:
    """Everything that shapes the fit."""

    dropout: float = 0.2
    negatives: int = 4
    """Untouched items drawn for each touched one."""
    unknown_share: float = 0.05
    """Of persons and of items that are taken for unknown, so that the unknown rows mean something."""
    epochs_max: int = 10
    batch_rows: int = 1024
    learning_rate: float = 1e-3
    weight_decay: float = 1e-5
    patience: int = 2
    questions_max: int = 200
    """Validation questions asked after each epoch: each costs the network for every item."""
    test_questions_max: int = 1000
    pairs_min: int = 500
    """Pairs below which it refuses."""
    seed: int = 7
    threads: int = 1


def main() -> None:
    """Reads, fits, reports, publishes."""
    arguments = parse_arguments()
    given = vars(arguments)
    config = NcfConfig(**{name: given[name] for name in NcfConfig.__dataclass_fields__ if name in given})
    prepare_torch(config.seed, config.threads)
    files = arguments.events or [arguments.sequences]
    known = load_event_sequences(files) if arguments.events else load_item_lines(arguments.sequences)
    pairs = sum(map(len, known.train))
    if pairs < config.pairs_min:
        raise ValueError(f"{pairs} pairs of person and item are too few; {config.pairs_min} are needed")
    model, history = train(known, config)
    asked = every_nth(known.test, config.test_questions_max)
    metrics = {
        "test": next_item_figures(ranks(asked, scorer(model), known.new_only)),
        "test_of_popular": next_item_figures(ranks(asked, popularity(known), known.new_only)),
    }
    for name, figures in metrics.items():
        print(name, {key: round(value, 5) for key, value in figures.items()})
    if not arguments.force and metrics["test"]["ndcg_at_10"] <= metrics["test_of_popular"]["ndcg_at_10"]:
        raise NotGoodEnough("it finds what comes next no better than the most touched items: not published (--force does it all the same)")
    run = {
        "parameters": asdict(config),
        "data": {"files": describe_files(files), **known.describe(), "test_questions": len(asked.target)},
        "metrics": metrics,
        "history": history,
    }
    golden = every_nth(known.test, GOLDEN_ROWS)
    candidate = Candidate(
        "ncf", model.to_onnx(), np.stack((golden.person, golden.target), axis=1)[:GOLDEN_ROWS], lambda rows: answers(model, rows), run,
        ABOUT, bytes_max=BYTES_MAX, judged_on=f"later touches, ranked among all items (score, then item id); {known.split}",
        files={"items.json": json.dumps(known.items) + "\n", "people.json": json.dumps(known.people) + "\n"},
    )  # fmt: skip
    print(f"published ncf version {publish([candidate], arguments.repository)}")


def train(known: Sequences, config: NcfConfig) -> tuple[Ncf, list[dict]]:
    """Fits a network on touched pairs against drawn ones, choosing the epoch by NDCG@10 of validation questions."""
    model = Ncf(len(known.people), len(known.items), config.dropout)
    person = np.repeat(np.arange(1, len(known.people) + 1), [len(rows) for rows in known.train])
    item = np.concatenate(known.train)
    generator = torch.Generator().manual_seed(config.seed)
    negatives = Negatives(person, item, len(known.items), config.negatives, generator)
    touched = torch.from_numpy(np.stack((person, item), axis=1))
    validation = every_nth(known.validation, config.questions_max)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        drawn = negatives.of(touched[batch, 0])
        pairs = torch.cat((touched[batch], drawn))
        labels = (torch.arange(len(pairs)) < len(batch)).float()
        pairs = pairs.masked_fill(torch.rand(pairs.shape, generator=generator) < config.unknown_share, UNKNOWN)
        return functional.binary_cross_entropy_with_logits(model(pairs), labels)

    def validate() -> float:
        return -next_item_figures(ranks(validation, scorer(model), known.new_only))["ndcg_at_10"]

    options = FitOptions(
        config.epochs_max, config.batch_rows, config.learning_rate, config.weight_decay, config.patience, config.seed
    )
    return model, fit(model, np.arange(len(touched)), loss_of, validate, options, "ncf")


def scorer(model: Ncf) -> Callable[[Questions], np.ndarray]:
    """Scores float32 [n, items] of every item for the persons of questions."""

    def scores(asked: Questions) -> np.ndarray:
        with torch.no_grad():
            return model.scores(torch.from_numpy(asked.person)).numpy()

    return scores


def answers(model: Ncf, rows: np.ndarray) -> dict[str, np.ndarray]:
    """What the network says of pairs int64 [n, 2], by output name."""
    with torch.no_grad():
        return {"p": torch.sigmoid(model(torch.from_numpy(rows)))[:, None].numpy()}


def parse_arguments() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train neural collaborative filtering and publish it.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--events", type=Path, nargs="+", help="what `millrace export events` wrote (.jsonl or .jsonl.gz)")
    source.add_argument("--sequences", type=Path, help="a public set of one person per line: user, then items in time order")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="model repository to publish into")
    parser.add_argument("--epochs-max", type=int, default=NcfConfig.epochs_max, help="epochs at most")
    parser.add_argument("--batch-rows", type=int, default=NcfConfig.batch_rows, help="touched pairs of a batch")
    parser.add_argument("--learning-rate", type=float, default=NcfConfig.learning_rate, help="of Adam")
    parser.add_argument("--patience", type=int, default=NcfConfig.patience, help="epochs without a better validation")
    parser.add_argument("--seed", type=int, default=NcfConfig.seed, help="seed of every draw")
    parser.add_argument("--threads", type=int, default=NcfConfig.threads, help="threads of PyTorch")
    parser.add_argument("--force", action="store_true", help="publish even if it is no better than the most touched items")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError, GoldenMismatch, NotGoodEnough) as error:
        raise SystemExit(f"train_ncf: {error}") from error
