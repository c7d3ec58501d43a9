"""Trains a model of what a person touches next, in order, and publishes it: SASRec, GRU4Rec or BERT4Rec.

    python models/training/train_sequence.py --events events.jsonl
    python models/training/train_sequence.py --sequences Beauty.txt.gz --repository DIR

`events.jsonl` is what `millrace export events --out events.jsonl` writes (several: one catalogue, later runs of one shop).
`--sequences` takes a public set of one person per line instead, judged leave-last-out as its published tables are; its licence
may forbid passing on what was learned from it, so publish that elsewhere than into the shop's own repository.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import onnx
import onnxruntime
import torch

from millrace_training.fit import FitOptions, fit, prepare_torch
from millrace_training.gru4rec import Gru4Rec
from millrace_training.item_table import add_item_refit, items_to_refit, only_rows_of, with_new_rows
from millrace_training.judge_next import every_nth, held_questions, ranks, ranks_by_sequence, retrieved_ranks
from millrace_training.metrics import next_item_figures
from millrace_training.next_item_run import (
    BYTES_MAX, QUESTIONS_COMPARED, add_source, describe_sequences, judged_on, load_enough, print_figures, require_better_than_popular,
    test_figures,
)  # fmt: skip
from millrace_training.program import add_incremental, configured, gate_of, parent_of, program_parser, run_program
from millrace_training.publish import GOLDEN_ROWS, Candidate, publish
from millrace_training.refusals import GoldenMismatch
from millrace_training.registry import PublishedVersion
from millrace_training.self_attention import SelfAttention
from millrace_training.sequence_model import INPUT, ItemLoss, SequenceModel, answers
from millrace_training.sequences import Questions, Sequences, left_padded
from millrace_training.warm_start import RATE, enough, start_from, weights_of

ARCHITECTURES = ("sasrec", "gru4rec", "bert4rec")
ROWS_MAX = 512
SAME_FIGURES = 5e-4
"""How far the figures by ONNX Runtime may lie from PyTorch's: near-equal scores change places."""

ABOUT = """What a person touches next, out of what they touched, in order: `item_sequence` holds rows of `items.json` counted from 1,
the newest at the right, 0 to the left where there are fewer; the answer is the best items and their scores, best first. It is exact:
every item is scored. Items of the sequence take part: whoever asks drops those that must not come again. A sequence of none is
answered, but with nothing that is known of that person: leave it to the trend."""


@dataclass(frozen=True)
class SequenceConfig:
    """Everything that shapes the fit."""

    architecture: str = "sasrec"
    width: int = 64
    length: int = 50
    """Items looked back at."""
    blocks: int = 2
    heads: int = 2
    dropout: float = 0.5
    drawn: int = 0
    """Items drawn per batch for the loss; 0: all of them."""
    retrieve: int = 100
    """Items answered, at most as many as there are."""
    epochs_max: int = 40
    batch_targets: int = 2048
    """Touches of a batch that are to be named."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    patience: int = 5
    questions_max: int = 8192
    """Validation questions asked after each epoch."""
    pairs_min: int = 500
    """Touches with one before them below which it refuses."""
    seed: int = 7
    threads: int = 2


def main(argv: Sequence[str] | None = None) -> None:
    """Reads, fits, reports, publishes."""
    meanings = {
        "width": "of the hidden state", "length": "items looked back at", "blocks": "of attention", "dropout": "share of values left out",
        "drawn": "items drawn per batch for the loss, 0 for all", "retrieve": "items answered", "learning_rate": "of Adam",
        "batch_targets": "touches to be named per batch", "patience": "epochs without a better validation",
    }  # fmt: skip
    parser = program_parser("Train a model of what comes next and publish it.", SequenceConfig, meanings)
    add_source(parser)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=SequenceConfig.architecture, help="and the model's name")
    add_incremental(parser)
    add_item_refit(parser)
    arguments = parser.parse_args(argv)
    name = arguments.architecture
    parent = parent_of(arguments, name)
    config = configured(SequenceConfig, arguments, parent)
    prepare_torch(config.seed, config.threads)
    start = parent if arguments.incremental else None
    refit = items_to_refit(arguments, start)
    known = load_enough(arguments, enough(config.pairs_min, start), start.items if start else (), refit)
    began = time.monotonic()
    model, history = train(known, config, start, refit)
    retrieve = min(config.retrieve, len(known.items))
    graph = model.to_onnx(name, retrieve)
    metrics = evaluate(model, graph, known, config)
    print_figures(metrics)
    print(f"fitted in {time.monotonic() - began:.0f} s, {len(history)} epochs")
    if arguments.force is None:
        require_better_than_popular(metrics)
    run = {"program": "train_sequence", "parameters": asdict(config), "data": describe_sequences(arguments, known), "metrics": metrics}
    run |= {"parent": start and int(start.folder.name), "refitted_items": refit and sorted(refit), "history": history}
    every = max(1, len(known.test.target) // GOLDEN_ROWS)
    candidate = Candidate(
        name, graph, left_padded(known.test.history[::every][:GOLDEN_ROWS], config.length), lambda rows: answers(model, rows, retrieve),
        run, ABOUT, rows_max=ROWS_MAX, bytes_max=BYTES_MAX, weights=weights_of(model), judged_on=judged_on(known),
        files={"items.json": json.dumps(known.items) + "\n"},
    )  # fmt: skip
    gate = gate_of(arguments, held_questions(name, known, ranks_by_sequence(known), QUESTIONS_COMPARED))
    print(f"published {name} version {publish([candidate], arguments.repository, gate=gate)}")


def build(items: int, config: SequenceConfig) -> SequenceModel:
    """The network that a configuration asks for."""
    if config.architecture == "gru4rec":
        return Gru4Rec(items, config.width, config.length, config.dropout)
    causal = config.architecture == "sasrec"
    return SelfAttention(items, config.width, config.length, config.blocks, config.heads, config.dropout, causal)


def train(
    known: Sequences, config: SequenceConfig, start: PublishedVersion | None = None, refit: set[str] | None = None
) -> tuple[SequenceModel, list[dict]]:
    """Fits a network, choosing the epoch by NDCG@10 of the validation questions.

    From the weights of `start` if given, whose items come first in `known`; with `refit` only the vectors of those items move.
    Raises NotGoodEnough where `start` was not bettered.
    """
    model = build(len(known.items), config)
    if start is not None:
        start_from(model, start, {"table.weight": with_new_rows(model.table.weight, start, len(start.items))})
    if refit is not None:
        only_rows_of(model, model.table.weight, [row for row, item in enumerate(known.items, 1) if item in refit])
    pieces = windows(known.train, config.length + 1)
    sizes = torch.tensor([len(piece) for piece in pieces])
    counts = torch.from_numpy(np.bincount(np.concatenate(known.train), minlength=len(known.items) + 1)[1:]).float()
    generator = torch.Generator().manual_seed(config.seed)
    loss = ItemLoss(counts, config.drawn, generator)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        # No longer than the longest of the batch: places are counted from the newest, so padding changes nothing.
        rows = torch.from_numpy(left_padded([pieces[at] for at in batch.tolist()], int(sizes[batch].max())))
        return loss(model, *model.training_pairs(rows, generator))

    def batches_of(order: torch.Tensor, shuffle: torch.Generator) -> list[torch.Tensor]:
        return batches_of_like_length(order, sizes, config.batch_targets, shuffle)

    asked = every_nth(known.validation, config.questions_max)
    rows = np.arange(len(pieces))
    # A penalty would move vectors that are to stay; few vectors alone may move as fast as they did at first.
    rate, decay = config.learning_rate * (RATE if start and refit is None else 1), config.weight_decay * (start is None)
    options = FitOptions(config.epochs_max, 0, rate, decay, config.patience, config.seed)

    def validate() -> float:
        return -next_item_figures(ranks(asked, scorer(model, config.length), known.new_only))["ndcg_at_10"]

    return model, fit(model, rows, loss_of, validate, options, config.architecture, batches_of, started=start is not None)


def windows(people: list[np.ndarray], length: int) -> list[np.ndarray]:
    """Pieces of at most `length` items, from the newest back; neighbours share one item, so that each touch is named once."""
    pieces = []
    for person in people:
        for end in range(len(person), 1, 1 - length):
            pieces.append(person[max(0, end - length) : end])
    return pieces


def batches_of_like_length(
    order: torch.Tensor, sizes: torch.Tensor, targets: int, generator: torch.Generator
) -> list[torch.Tensor]:
    """Batches of pieces of like length with about `targets` touches to name each, in random order; within a length as in `order`."""
    order = order[torch.argsort(sizes[order], stable=True)]
    number = torch.div(torch.cumsum(sizes[order] - 1, 0) - 1, targets, rounding_mode="floor")
    batches = order.split(torch.unique_consecutive(number, return_counts=True)[1].tolist())
    return [batches[at] for at in torch.randperm(len(batches), generator=generator).tolist()]


def scorer(model: SequenceModel, length: int) -> Callable[[Questions], np.ndarray]:
    """Scores float32 [n, items] of what comes after histories."""

    def scores(asked: Questions) -> np.ndarray:
        longest = min(length, max(map(len, asked.history)))
        with torch.no_grad():
            return model.scores(torch.from_numpy(left_padded(asked.history, longest))).numpy()

    return scores


def evaluate(model: SequenceModel, graph: onnx.ModelProto, known: Sequences, config: SequenceConfig) -> dict:
    """Figures on validation and test, of the most touched items, and through the graph. Raises GoldenMismatch where those differ."""
    scores_of = scorer(model, config.length)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    served = retrieved_ranks(known.test, lambda rows: session.run(["item_ids"], {INPUT: rows})[0], config.length, known.new_only)
    metrics = {
        "validation": next_item_figures(ranks(known.validation, scores_of, known.new_only)),
        **test_figures(known, known.test, ranks(known.test, scores_of, known.new_only)),
        "test_by_onnx_runtime": next_item_figures(served),
    }
    for name, value in metrics["test"].items():
        if abs(metrics["test_by_onnx_runtime"][name] - value) > SAME_FIGURES:
            served = metrics["test_by_onnx_runtime"][name]
            raise GoldenMismatch(
                f"{name} is {value:.5f}, but {served:.5f} through the graph; where histories are long, more must be retrieved (--retrieve)"
            )
    return metrics


if __name__ == "__main__":
    run_program("train_sequence", main)
