"""Trains a model of what a person touches next, in order, and publishes it: SASRec, GRU4Rec or BERT4Rec.

    python models/training/train_sequence.py --events events.jsonl
    python models/training/train_sequence.py --sequences Beauty.txt.gz --repository DIR

`events.jsonl` is what `millrace export events --out events.jsonl` writes (several: one catalogue, later runs of one shop).
`--sequences` takes a public set of one person per line instead, judged leave-last-out as its published tables are; its licence
may forbid passing on what was learned from it, so publish that elsewhere than into the shop's own repository.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from millrace_training.fit import FitOptions, fit, prepare_torch
from millrace_training.gru4rec import Gru4Rec
from millrace_training.judge_next import every_nth, popularity, ranks
from millrace_training.metrics import next_item_figures
from millrace_training.publish import GOLDEN_ROWS, Candidate, GoldenMismatch, NotGoodEnough, describe_files, publish
from millrace_training.self_attention import SelfAttention
from millrace_training.sequence_model import INPUT, ItemLoss, SequenceModel, answers
from millrace_training.sequences import Questions, Sequences, left_padded, load_event_sequences, load_item_lines

REPOSITORY = Path(__file__).resolve().parent.parent / "repository"
ARCHITECTURES = ("sasrec", "gru4rec", "bert4rec")
ROWS_MAX = 512
BYTES_MAX = 1_000_000_000
"""Of the graph: the item table is in it (256 bytes an item at width 64)."""
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


def main() -> None:
    """Reads, fits, reports, publishes."""
    arguments = parse_arguments()
    config = config_of(arguments)
    prepare_torch(config.seed, config.threads)
    files = arguments.events or [arguments.sequences]
    known = load_event_sequences(files) if arguments.events else load_item_lines(arguments.sequences)
    pairs = sum(len(person) - 1 for person in known.train)
    if pairs < config.pairs_min:
        raise ValueError(f"{pairs} touches with one before them are too few; {config.pairs_min} are needed")
    began = time.monotonic()
    model, history = train(known, config)
    seconds = time.monotonic() - began
    retrieve = min(config.retrieve, len(known.items))
    graph = model.to_onnx(config.architecture, retrieve)
    metrics = evaluate(model, graph, known, config)
    for name, figures in metrics.items():
        print(name, {key: round(value, 5) for key, value in figures.items()})
    print(f"fitted in {seconds:.0f} s, {len(history)} epochs")
    if not arguments.force and metrics["test"]["ndcg_at_10"] <= metrics["test_of_popular"]["ndcg_at_10"]:
        raise NotGoodEnough("it names what comes next no better than the most touched items: not published (--force does it all the same)")
    run = {
        "parameters": asdict(config),
        "data": {"files": describe_files(files), **known.describe()},
        "metrics": metrics,
        "seconds": round(seconds),
        "history": history,
    }
    every = max(1, len(known.test.target) // GOLDEN_ROWS)
    candidate = Candidate(
        config.architecture,
        graph,
        left_padded(known.test.history[::every][:GOLDEN_ROWS], config.length),
        lambda rows: answers(model, rows, retrieve),
        run,
        ABOUT,
        rows_max=ROWS_MAX,
        bytes_max=BYTES_MAX,
        files={"items.json": json.dumps(known.items) + "\n"},
        judged_on=f"the later touches, ranked among all items (score, then item id); {known.split}",
    )
    print(f"published {config.architecture} version {publish([candidate], arguments.repository)}")


def build(items: int, config: SequenceConfig) -> SequenceModel:
    """The network that a configuration asks for."""
    if config.architecture == "gru4rec":
        return Gru4Rec(items, config.width, config.length, config.dropout)
    causal = config.architecture == "sasrec"
    return SelfAttention(items, config.width, config.length, config.blocks, config.heads, config.dropout, causal)


def train(known: Sequences, config: SequenceConfig) -> tuple[SequenceModel, list[dict]]:
    """Fits a network, choosing the epoch by NDCG@10 of the validation questions."""
    model = build(len(known.items), config)
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
    options = FitOptions(config.epochs_max, 0, config.learning_rate, config.weight_decay, config.patience, config.seed)

    def validate() -> float:
        return -next_item_figures(ranks(asked, scorer(model, config.length), known.new_only))["ndcg_at_10"]

    return model, fit(model, rows, loss_of, validate, options, config.architecture, batches_of)


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


def retrieved_ranks(questions: Questions, graph: onnx.ModelProto, length: int, new_only: bool) -> np.ndarray:
    """The same through ONNX Runtime as it is served: rank among the items retrieved, a billion for one that is not."""
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    found = np.full(len(questions.target), 10**9)
    for start in range(0, len(found), ROWS_MAX):
        histories = questions.history[start : start + ROWS_MAX]
        (rows,) = session.run(["item_ids"], {INPUT: left_padded(histories, length)})
        for at, (items, history) in enumerate(zip(rows, histories, strict=True), start):
            kept = items[~np.isin(items, history)] if new_only else items
            place = np.flatnonzero(kept == questions.target[at])
            if len(place):
                found[at] = 1 + place[0]
    return found


def evaluate(model: SequenceModel, graph: onnx.ModelProto, known: Sequences, config: SequenceConfig) -> dict:
    """Figures on validation and test, of the most touched items, and through the graph. Raises GoldenMismatch where those differ."""
    scores_of = scorer(model, config.length)
    metrics = {
        "validation": next_item_figures(ranks(known.validation, scores_of, known.new_only)),
        "test": next_item_figures(ranks(known.test, scores_of, known.new_only)),
        "test_by_onnx_runtime": next_item_figures(retrieved_ranks(known.test, graph, config.length, known.new_only)),
        "test_of_popular": next_item_figures(ranks(known.test, popularity(known), known.new_only)),
    }
    for name, value in metrics["test"].items():
        if abs(metrics["test_by_onnx_runtime"][name] - value) > SAME_FIGURES:
            served = metrics["test_by_onnx_runtime"][name]
            raise GoldenMismatch(
                f"{name} is {value:.5f}, but {served:.5f} through the graph; where histories are long, more must be retrieved (--retrieve)"
            )
    return metrics


def config_of(arguments: argparse.Namespace) -> SequenceConfig:
    """The configuration with what the command line sets."""
    given = vars(arguments)
    return SequenceConfig(**{name: given[name] for name in SequenceConfig.__dataclass_fields__ if name in given})


def parse_arguments() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train a model of what comes next and publish it.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--events", type=Path, nargs="+", help="what `millrace export events` wrote (.jsonl or .jsonl.gz)")
    source.add_argument("--sequences", type=Path, help="a public set of one person per line: user, then items in time order")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=SequenceConfig.architecture, help="and the model's name")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="model repository to publish into")
    for name, meaning in (
        ("width", "of the hidden state"), ("length", "items looked back at"), ("blocks", "of attention"),
        ("drawn", "items drawn per batch for the loss, 0 for all"), ("retrieve", "items answered"), ("epochs-max", "epochs at most"),
        ("batch-targets", "touches to be named per batch"), ("patience", "epochs without a better validation"),
        ("seed", "seed of every draw"), ("threads", "threads of PyTorch"),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=getattr(SequenceConfig, name.replace("-", "_")), help=meaning)
    for name, meaning in (("dropout", "share of values left out"), ("learning-rate", "of Adam")):
        parser.add_argument(f"--{name}", type=float, default=getattr(SequenceConfig, name.replace("-", "_")), help=meaning)
    parser.add_argument("--force", action="store_true", help="publish even if it is no better than the most touched items")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError, GoldenMismatch, NotGoodEnough) as error:
        raise SystemExit(f"train_sequence: {error}") from error
