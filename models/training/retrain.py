"""Trains the served models again from the newest part of the event log; a scheduler runs it.

    python models/training/retrain.py --mode full --exports DIR --window 24h
    python models/training/retrain.py --mode incremental --exports DIR --window 1h

DIR holds rewards.jsonl, items.jsonl and events.jsonl (or .jsonl.gz) as `millrace export` writes them. `full` starts from fresh
weights, `incremental` from those of the version in use: the ranker and the towers move as a whole, of models with a table of items
(sasrec, gru4rec, bert4rec, als, svd) only the vectors of items in sudden demand are refitted (`--items-refit all` moves everything).
Each model keeps the parameters of its version in use, and is published only if it is not worse than that.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from tqdm import tqdm

import train_als
import train_gbdt
import train_ncf
import train_ranker
import train_sequence
import train_text
import train_two_tower
from millrace_training.compare import MARGIN
from millrace_training.exports import KINDS, required_export
from millrace_training.program import FAILED, NOT_BETTER, PUBLISHED, REPOSITORY, duration_ms
from millrace_training.refusals import GoldenMismatch, NotGoodEnough
from millrace_training.registry import in_use, newest_version

LOCK = ".training.lock"

Program = Callable[[Sequence[str]], None]

PROGRAMS: dict[str, Program] = {
    "train_ranker": train_ranker.main,
    "train_gbdt": train_gbdt.main,
    "train_two_tower": train_two_tower.main,
    "train_sequence": train_sequence.main,
    "train_ncf": train_ncf.main,
    "train_als": train_als.main,
    "train_text": train_text.main,
}
READS = {"train_ranker": ("rewards",), "train_gbdt": ("rewards",), "train_two_tower": KINDS, "train_text": ("items", "events")}
"""Kinds of exports that a program reads; the others read events."""
HAS_ITEMS = ("train_sequence", "train_als")

MODELS: dict[str, tuple[str, ...]] = {
    "ranker": ("train_ranker",),
    "two_tower": ("train_two_tower",),
    "sasrec": ("train_sequence", "--architecture", "sasrec"),
    "gru4rec": ("train_sequence", "--architecture", "gru4rec"),
    "bert4rec": ("train_sequence", "--architecture", "bert4rec"),
    "als": ("train_als", "--method", "als"),
    "svd": ("train_als", "--method", "svd"),
    "ncf": ("train_ncf",),
    "text_item": ("train_text",),
}
"""How a model is trained that no version says it of."""
FULL_ONLY = ("train_gbdt", "train_ncf")
"""Programs that always start afresh."""


def main(argv: Sequence[str] | None = None) -> int:
    """Trains one model after the other. Returns the exit code: 0 something was published and nothing failed, 3 nothing was, 1 one failed."""
    arguments = parse_arguments(argv)
    with only_run(arguments.repository):
        models = arguments.models or [model for model in MODELS if newest_version(folder_of(arguments.repository, model))]
        if not models:
            raise ValueError(f"{arguments.repository} holds no model that is trained here; name some with --models")
        outcomes = {}
        for model in tqdm(models, desc=f"{arguments.mode} training", unit="model", disable=None):
            outcomes[model] = train_one(model, arguments)
    if arguments.json:
        print(json.dumps({"mode": arguments.mode, "models": outcomes}))
    else:
        for model, outcome in outcomes.items():
            print(f"{model}: {outcome['outcome']}{' ' + str(outcome['version']) if outcome['version'] else ''} {outcome['why'] or ''}".rstrip())
    found = {outcome["outcome"] for outcome in outcomes.values()}
    return FAILED if "failed" in found else PUBLISHED if "published" in found else NOT_BETTER


def train_one(model: str, arguments: argparse.Namespace) -> dict:
    """What became of one model: `outcome` published, not better or failed; `version`; `why`. One that fails does not stop the others."""
    folder = folder_of(arguments.repository, model)
    before = newest_version(folder)
    try:
        program, options = how_to_train(model, arguments)
        # With --json nothing but the summary may stand on stdout.
        with redirect_stdout(sys.stderr if arguments.json else sys.stdout):
            PROGRAMS[program](options)
    except NotGoodEnough as error:
        return {"outcome": "not better", "version": None, "why": str(error)}
    except (ValueError, OSError, GoldenMismatch, SystemExit) as error:
        return {"outcome": "failed", "version": None, "why": str(error)}
    version = newest_version(folder)
    return {"outcome": "published", "version": version if version > before else None, "why": None}


def how_to_train(model: str, arguments: argparse.Namespace) -> tuple[str, list[str]]:
    """The program of a model and its options. Raises ValueError where an export is missing, or an incremental run is not possible."""
    program, *options = MODELS[model]
    served = in_use(arguments.repository, folder_of(arguments.repository, model).name)
    if served is not None:
        # A ranker may be a network or trees: it stays what it is.
        program = served.run.get("program", program)
    for kind in READS.get(program, ("events",)):
        options += [f"--{kind}", str(required_export(arguments.exports, kind))]
    options += ["--repository", str(arguments.repository), "--window", arguments.window, "--margin", str(arguments.margin)]
    if arguments.mode == "full":
        options.append("--like-in-use")
    elif program in FULL_ONLY:
        raise NotGoodEnough(f"{model} is trained by {program}, which cannot go on from its weights; --mode full trains it again")
    else:
        options.append("--incremental")
        if program in HAS_ITEMS:
            options += ["--items-refit", arguments.items_refit, "--velocity-min", str(arguments.velocity_min)]
    return program, options


def folder_of(repository: Path, model: str) -> Path:
    """The folder whose versions count for a model."""
    return repository / ("two_tower_user" if model == "two_tower" else model)


@contextmanager
def only_run(repository: Path) -> Iterator[None]:
    """Holds the repository's lock; it ends with the process, however that ends. Raises ValueError where another run holds it."""
    repository.mkdir(parents=True, exist_ok=True)
    with (repository / LOCK).open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f"another training of {repository} is running; this one leaves it alone") from error
        yield


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description="Train the served models again and publish those that are not worse.",
        epilog="Exit code: 0 something was published and nothing failed, 3 nothing was better, 1 a model failed or another run is on.",
    )
    parser.add_argument("--mode", choices=("full", "incremental"), required=True, help="from fresh weights, or from those in use")
    parser.add_argument("--exports", type=Path, required=True, help="folder with rewards.jsonl, items.jsonl and events.jsonl (or .gz)")
    parser.add_argument("--window", type=window, metavar="24h", required=True, help="the newest part to learn from: 90m, 24h, 7d")
    parser.add_argument("--models", nargs="+", choices=tuple(MODELS), help="which (default: those that the repository holds)")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="model repository to publish into")
    parser.add_argument("--margin", type=float, default=MARGIN, help=f"how much worse a new version may be (default {MARGIN})")
    parser.add_argument(
        "--items-refit", choices=("high-velocity", "all"), default="high-velocity", help="what an incremental run moves of item tables"
    )
    parser.add_argument("--velocity-min", type=int, default=50, help="carts and purchases that make an item's demand sudden (default 50)")
    parser.add_argument("--json", action="store_true", help="print what became of each model as JSON")
    return parser.parse_args(argv)


def window(text: str) -> str:
    """A window as it was written, once it is known to be one."""
    duration_ms(text)
    return text


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, OSError) as error:
        print(f"retrain: {error}", file=sys.stderr)
        sys.exit(FAILED)
