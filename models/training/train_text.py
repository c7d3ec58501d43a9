"""Trains a small encoder of item texts on the shop's own catalogue, for items that nobody touched yet, and publishes it.

    python models/training/train_text.py --items items.jsonl --events events.jsonl

Near to each other are items that people went for one after the other, and the title and description of one item. Judged on the newest
items, none of whose visits were learned from: do their texts lead to the items that they were visited with?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from millrace_training.compare import HeldOut
from millrace_training.fit import FitOptions, fit, prepare_torch
from millrace_training.item_texts import ItemTexts, load_item_texts
from millrace_training.program import add_incremental, configured, gate_of, parent_of, program_parser, run_program
from millrace_training.provenance import describe_files
from millrace_training.publish import GOLDEN_ROWS, Candidate, publish
from millrace_training.refusals import NotGoodEnough
from millrace_training.registry import PublishedVersion
from millrace_training.text_encoder import OUTPUT, TextEncoder, contrast, encode, item_terms, term_rows, text_terms
from millrace_training.warm_start import RATE, start_from, weights_of

NAME = "text_item"
NEAREST = 20
ROWS_MAX = 512
BYTES_MAX = 200_000_000

ABOUT = """What an item's words say, as a vector of length 1: the inner product of two is a cosine, how much people go for the one after the
other as far as words tell. For items that nobody touched yet: their nearest known items lead to the people who like those. How the
input is built stands in `text_encoder.py`; golden.json has the items that its rows were made from."""


@dataclass(frozen=True)
class TextConfig:
    """Everything that shapes the fit."""

    buckets: int = 32_768
    """Rows that terms are hashed to."""
    width: int = 64
    temperature: float = 0.1
    epochs_max: int = 20
    batch_rows: int = 256
    learning_rate: float = 5e-3
    weight_decay: float = 0.0
    patience: int = 3
    pairs_min: int = 200
    """Pairs of items below which it refuses."""
    seed: int = 7
    threads: int = 1


def main(argv: Sequence[str] | None = None) -> None:
    """Reads, fits, reports, publishes."""
    meanings = {"buckets": "rows that terms are hashed to", "width": "of a vector", "learning_rate": "of Adam", "batch_rows": "pairs of a batch"}
    parser = program_parser("Train the encoder of item texts and publish it.", TextConfig, meanings)
    parser.add_argument("--items", type=Path, required=True, help="what `millrace export items` wrote")
    parser.add_argument("--events", type=Path, nargs="+", required=True, help="what `millrace export events` wrote")
    add_incremental(parser)
    arguments = parser.parse_args(argv)
    parent = parent_of(arguments, NAME)
    config = configured(TextConfig, arguments, parent)
    prepare_torch(config.seed, config.threads)
    texts = load_item_texts(arguments.items, arguments.events, arguments.window)
    if len(texts.pairs_of(0)) < config.pairs_min:
        raise ValueError(f"{len(texts.pairs_of(0))} pairs of items are too few; {config.pairs_min} are needed")
    start = parent if arguments.incremental else None
    rows = rows_of(texts, config.buckets)
    torch.manual_seed(config.seed)
    overlap = recalls(encode(TextEncoder(config.buckets, config.width), rows)[OUTPUT], texts, 2).mean()
    model, history = train(texts, rows, config, start)
    metrics = {
        f"recall_at_{NEAREST}": float(recalls(encode(model, rows)[OUTPUT], texts, 2).mean()),
        f"recall_at_{NEAREST}_of_equal_words": float(overlap),
        f"recall_at_{NEAREST}_of_chance": min(1.0, NEAREST / max(1, len(rows) - 1)),
    }
    print(metrics)
    if arguments.force is None and metrics[f"recall_at_{NEAREST}"] <= overlap:
        raise NotGoodEnough("it finds no more than equal words do: not published (--force REASON does it all the same)")
    data = {
        "files": describe_files([arguments.items, *arguments.events]), "rows": len(texts.pairs), "items": len(rows),
        "from_ms": texts.first_ms, "to_ms": texts.last_ms,
    }  # fmt: skip
    run = {"program": "train_text", "parameters": asdict(config), "data": data, "metrics": metrics}
    run |= {"parent": start and int(start.folder.name), "history": history}
    newest = slice(-GOLDEN_ROWS, None)
    candidate = Candidate(
        NAME, model.to_onnx(NAME), rows[newest], lambda some: encode(model, some), run, ABOUT, {"items": texts.records[newest]},
        rows_max=ROWS_MAX, bytes_max=BYTES_MAX, weights=weights_of(model),
        judged_on="the newest 15 % of the items, whose visits were not learned from",
    )  # fmt: skip
    print(f"published {NAME} version {publish([candidate], arguments.repository, gate=gate_of(arguments, held_items(texts)))}")


def rows_of(texts: ItemTexts, buckets: int) -> np.ndarray:
    """int64 [items, TERMS]: the input of every item."""
    return np.stack([term_rows(item_terms(record), buckets) for record in texts.records])


def train(
    texts: ItemTexts, whole: np.ndarray, config: TextConfig, start: PublishedVersion | None = None
) -> tuple[TextEncoder, list[dict]]:
    """Fits an encoder on pairs of the older items, choosing the epoch by the recall of those that came next.

    From the weights of `start` if given; raises NotGoodEnough where it was not bettered.
    """
    model = TextEncoder(config.buckets, config.width)
    if start is not None:
        start_from(model, start)
    count = len(texts.records)
    halves = [
        np.stack([term_rows(list(text_terms(record[field])), config.buckets) for record in texts.records])
        for field in ("title", "description")
    ]
    views = torch.from_numpy(np.concatenate((whole, *halves)))
    both = np.flatnonzero((texts.part == 0) & halves[0].any(axis=1) & halves[1].any(axis=1))
    pairs = torch.from_numpy(np.concatenate((texts.pairs_of(0), np.stack((count + both, 2 * count + both), axis=1))))

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        one, other = pairs[batch, 0], pairs[batch, 1]
        return contrast(model(views[one]), model(views[other]), one % count, other % count, config.temperature)

    def validate() -> float:
        return -float(recalls(encode(model, whole)[OUTPUT], texts, 1).mean())

    rate = config.learning_rate * (RATE if start else 1)
    options = FitOptions(config.epochs_max, config.batch_rows, rate, config.weight_decay, config.patience, config.seed)
    return model, fit(model, np.arange(len(pairs)), loss_of, validate, options, "item texts", started=start is not None)


def recalls(vectors: np.ndarray, texts: ItemTexts, part: int) -> np.ndarray:
    """float64 [items of the part that have a partner]: how many of the `NEAREST` items are partners, of as many as can be."""
    pairs = texts.pairs_of(part)
    pairs = np.concatenate((pairs, pairs[:, ::-1]))
    pairs = pairs[texts.part[pairs[:, 0]] == part]
    found = []
    for item in np.unique(pairs[:, 0]):
        cosines = vectors @ vectors[item]
        cosines[item] = -np.inf
        partners = pairs[pairs[:, 0] == item, 1]
        # Of equal cosines none is ahead: a vector that says nothing finds nothing.
        ahead = np.array([(cosines >= cosines[partner]).sum() for partner in partners])
        found.append((ahead <= NEAREST).sum() / min(NEAREST, len(partners)))
    return np.array(found)


def held_items(texts: ItemTexts) -> HeldOut:
    """The newest items: do their texts lead to the items they were visited with?"""
    count = len(np.unique(texts.pairs_of(2)[texts.part[texts.pairs_of(2)] == 2]))

    def measure(versions: dict[str, PublishedVersion]) -> np.ndarray:
        version = versions[NAME]
        rows = rows_of(texts, version.run["parameters"]["buckets"])
        return recalls(version.answer(rows, ROWS_MAX)[OUTPUT], texts, 2)

    return HeldOut(f"recall_at_{NEAREST}", measure, np.ones(count), np.arange(count), "items")


if __name__ == "__main__":
    run_program("train_text", main)
