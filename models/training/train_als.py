"""Factorises who touched what by alternating least squares, and publishes item vectors with the search and the fold-in in one graph.

    python models/training/train_als.py --events events.jsonl
    python models/training/train_als.py --events events.jsonl --method svd

The same input as train_sequence.py and the same graph: a sequence of items in, the best items out. Nobody has a stored vector: whoever
asks is folded in from what they touched, as training would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from tqdm import tqdm

from millrace_training.factors import METHODS, Factors, cells_of
from millrace_training.item_table import add_item_refit, items_to_refit
from millrace_training.judge_next import every_nth, held_questions, ranks, ranks_by_sequence
from millrace_training.metrics import next_item_figures
from millrace_training.next_item_run import (
    BYTES_MAX, QUESTIONS_COMPARED, add_source, describe_sequences, judged_on, load_enough, print_figures, require_better_than_popular,
    test_figures,
)  # fmt: skip
from millrace_training.program import add_incremental, configured, gate_of, parent_of, program_parser, run_program
from millrace_training.publish import GOLDEN_ROWS, Candidate, publish
from millrace_training.refusals import NotGoodEnough
from millrace_training.registry import PublishedVersion
from millrace_training.retrieval import best_rows
from millrace_training.sequences import Questions, Sequences, left_padded
from millrace_training.warm_start import enough

ROWS_MAX = 512
HARDEST = 256
"""People whose fold-in says how many steps the graph takes: those with the most touches."""

ABOUT = """What a person would go for, out of what they touched in whatever order: `item_sequence` holds rows of `items.json` counted from
1, 0 where there are fewer; an item that stands there twice was touched twice. The person's vector is solved for inside the graph, so
new people are answered as well as known ones; then every item is scored. Items of the sequence take part: whoever asks drops those that
must not come again. A sequence of none is answered with scores of 0: leave it to the trend."""


@dataclass(frozen=True)
class AlsConfig:
    """Everything that shapes the fit."""

    method: str = "als"
    factors: int = 50
    regularisation: float = 0.1
    """λ on every number of every vector; with `svd` times the cells of its row."""
    alpha: float = 40.0
    """Confidence of an observed cell is 1 + alpha · touches; `als` only."""
    rounds: int = 10
    length: int = 50
    """Items looked back at when serving."""
    retrieve: int = 100
    """Items answered, at most as many as there are."""
    questions_max: int = 4096
    """Validation questions asked after each round."""
    pairs_min: int = 500
    """Touches with one before them below which it refuses."""
    seed: int = 7


def main(argv: Sequence[str] | None = None) -> None:
    """Reads, fits, reports, publishes."""
    meanings = {
        "factors": "length of a vector", "regularisation": "λ", "alpha": "weight of a touch against none", "rounds": "at most",
        "length": "items looked back at", "retrieve": "items answered",
    }  # fmt: skip
    parser = program_parser("Factorise who touched what and publish it.", AlsConfig, meanings)
    add_source(parser)
    parser.add_argument("--method", choices=METHODS, default=AlsConfig.method, help="and the model's name; svd: observed cells only")
    add_incremental(parser)
    add_item_refit(parser)
    arguments = parser.parse_args(argv)
    name = arguments.method
    parent = parent_of(arguments, name)
    config = configured(AlsConfig, arguments, parent)
    start = parent if arguments.incremental else None
    refit = items_to_refit(arguments, start)
    known = load_enough(arguments, enough(config.pairs_min, start), start.items if start else (), refit)
    model, history = train(known, config, start, refit)
    retrieve = min(config.retrieve, len(known.items))
    scores_of = scorer(model, config.length)
    metrics = test_figures(known, known.test, ranks(known.test, scores_of, known.new_only))
    print_figures(metrics)
    if arguments.force is None:
        require_better_than_popular(metrics)
    run = {"program": "train_als", "parameters": asdict(config), "data": describe_sequences(arguments, known), "metrics": metrics}
    run |= {"parent": start and int(start.folder.name), "refitted_items": refit and sorted(refit), "history": history}
    hardest = sorted(known.test.history, key=len)[-HARDEST:]
    steps = model.steps_needed(cells_of([history[-config.length :] for history in hardest], len(known.items)))
    candidate = Candidate(
        name, model.to_onnx(name, config.length, retrieve, steps), left_padded(every_nth(known.test, GOLDEN_ROWS).history, config.length),
        lambda rows: best_rows(model.scores(model.fold_in(cells_of(list(rows), len(known.items)))), retrieve), run, ABOUT,
        rows_max=ROWS_MAX, bytes_max=BYTES_MAX, weights={"items": model.items}, library="NumPy", judged_on=judged_on(known),
        files={"items.json": json.dumps(known.items) + "\n"},
    )  # fmt: skip
    gate = gate_of(arguments, held_questions(name, known, ranks_by_sequence(known), QUESTIONS_COMPARED))
    print(f"published {name} version {publish([candidate], arguments.repository, gate=gate)}")


def train(
    known: Sequences, config: AlsConfig, start: PublishedVersion | None = None, refit: set[str] | None = None
) -> tuple[Factors, list[dict]]:
    """Rounds of people, then items; the vectors of the round that does best on the validation questions.

    From the vectors of `start` if given: then those of `refit`, or of all items that were touched, are solved for and the rest stays.
    Raises NotGoodEnough where `start` was not bettered.
    """
    cells = cells_of(known.train, len(known.items))
    by_item = cells.transposed()
    model = Factors(config.method, _first_vectors(known, config, start), config.regularisation, config.alpha)
    names = np.array(known.items)
    rows = np.arange(len(names)) if start is None else np.flatnonzero(np.diff(by_item.starts))
    if refit is not None:
        rows = rows[np.isin(names[rows], sorted(refit))]
    asked = every_nth(known.validation, config.questions_max)

    def validate() -> float:
        return next_item_figures(ranks(asked, scorer(model, config.length), known.new_only))["ndcg_at_10"]

    best, best_items, history = validate() if start else -1.0, None, []
    progress = tqdm(range(config.rounds), desc=config.method, unit="round", disable=None)
    for number in progress:
        model.refit_items(model.fold_in(cells), by_item, rows)
        history.append({"round": number, "validation_ndcg_at_10": validate()})
        progress.set_postfix(validation=f"{history[-1]['validation_ndcg_at_10']:.4f}")
        if history[-1]["validation_ndcg_at_10"] > best:
            best, best_items = history[-1]["validation_ndcg_at_10"], model.items.copy()
    if best_items is None:
        raise NotGoodEnough(f"{config.method}: no round was better than the vectors it started from; nothing was published")
    model.items = best_items
    return model, history


def _first_vectors(known: Sequences, config: AlsConfig, start: PublishedVersion | None) -> np.ndarray:
    """Small draws, or what a version knew with zeros for new items: they say nothing until they are solved for."""
    if start is None:
        spread = 1 / np.sqrt(config.factors)
        return np.random.default_rng(config.seed).normal(0, spread, (len(known.items), config.factors))
    stored = start.weights()["items"]
    return np.concatenate((stored, np.zeros((len(known.items) - len(stored), stored.shape[1]))))


def scorer(model: Factors, length: int) -> Callable[[Questions], np.ndarray]:
    """Scores float32 [n, items] of every item for people folded in from the newest `length` of their histories."""

    def scores(asked: Questions) -> np.ndarray:
        return model.scores(model.fold_in(cells_of([history[-length:] for history in asked.history], len(model.items))))

    return scores


if __name__ == "__main__":
    run_program("train_als", main)
