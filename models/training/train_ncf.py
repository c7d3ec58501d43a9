"""Trains neural collaborative filtering on who touched what, and publishes it.

    python models/training/train_ncf.py --events events.jsonl
    python models/training/train_ncf.py --sequences Beauty.txt.gz --repository DIR

The same input as train_sequence.py; the order within a person does not count here, only the split in time. It scores pairs, so it
ranks candidates that others found.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch.nn import functional

from millrace_training.fit import FitOptions, fit, prepare_torch
from millrace_training.judge_next import every_nth, held_questions, ranks, rows_between
from millrace_training.metrics import next_item_figures
from millrace_training.ncf import UNKNOWN, Ncf, Negatives
from millrace_training.next_item_run import (
    BYTES_MAX, add_source, describe_sequences, judged_on, load_enough, print_figures, require_better_than_popular, test_figures,
)  # fmt: skip
from millrace_training.program import configured, gate_of, parent_of, program_parser, run_program
from millrace_training.publish import GOLDEN_ROWS, Candidate, publish
from millrace_training.registry import PublishedVersion
from millrace_training.sequences import Questions, Sequences

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


def main(argv: Sequence[str] | None = None) -> None:
    """Reads, fits, reports, publishes."""
    meanings = {"batch_rows": "touched pairs of a batch", "learning_rate": "of Adam", "patience": "epochs without a better validation"}
    parser = program_parser("Train neural collaborative filtering and publish it.", NcfConfig, meanings)
    add_source(parser)
    arguments = parser.parse_args(argv)
    config = configured(NcfConfig, arguments, parent_of(arguments, "ncf"))
    prepare_torch(config.seed, config.threads)
    known = load_enough(arguments, config.pairs_min)
    model, history = train(known, config)
    asked = every_nth(known.test, config.test_questions_max)
    metrics = test_figures(known, asked, ranks(asked, scorer(model), known.new_only))
    print_figures(metrics)
    if arguments.force is None:
        require_better_than_popular(metrics)
    data = {**describe_sequences(arguments, known), "test_questions": len(asked.target)}
    run = {"program": "train_ncf", "parameters": asdict(config), "data": data, "metrics": metrics, "history": history}
    golden = every_nth(known.test, GOLDEN_ROWS)
    candidate = Candidate(
        "ncf", model.to_onnx(), np.stack((golden.person, golden.target), axis=1), lambda rows: answers(model, rows), run, ABOUT,
        bytes_max=BYTES_MAX, judged_on=judged_on(known),
        files={"items.json": json.dumps(known.items) + "\n", "people.json": json.dumps(known.people) + "\n"},
    )  # fmt: skip
    held = held_questions("ncf", known, ranks_by_pairs(known), config.test_questions_max)
    print(f"published ncf version {publish([candidate], arguments.repository, gate=gate_of(arguments, held))}")


def ranks_by_pairs(known: Sequences) -> Callable[[PublishedVersion, Questions], np.ndarray]:
    """For versions that take pairs: rank of each question's target among all items, each version knowing rows of its own."""

    def found(version: PublishedVersion, asked: Questions) -> np.ndarray:
        people, item = rows_between(known.people, version.people), rows_between(known.items, version.items)[1:]

        def scores_of(some: Questions) -> np.ndarray:
            rows = people[some.person]
            pairs = np.stack((np.repeat(rows, len(item)), np.tile(item, len(rows))), axis=1)
            return version.answer(pairs)["p"].reshape(len(rows), len(item))

        return ranks(asked, scores_of, known.new_only)

    return found


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


if __name__ == "__main__":
    run_program("train_ncf", main)
