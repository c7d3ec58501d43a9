"""What every training program's command line has in common: options, the parameters of the version in use, exit codes."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .compare import MARGIN, HeldOut
from .publish import Gate
from .refusals import GoldenMismatch, NotGoodEnough
from .registry import PublishedVersion, in_use

REPOSITORY = Path(__file__).resolve().parent.parent.parent / "repository"

PUBLISHED, FAILED, NOT_BETTER = 0, 1, 3
"""Exit codes that a scheduler can read; 2 is argparse's for a wrong option."""

UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}

Config = TypeVar("Config")


def run_program(name: str, main: Callable[[], None]) -> None:
    """Runs a program's `main` and ends the process: 0 it was published, 3 it is not better than what there is, 1 it failed."""
    try:
        main()
    except NotGoodEnough as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(NOT_BETTER)
    except (ValueError, OSError, GoldenMismatch) as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(FAILED)


def program_parser(description: str, config: type, meanings: dict[str, str]) -> argparse.ArgumentParser:
    """A parser with what all programs take, and an option for each field of `config` that `meanings` explains."""
    parser = argparse.ArgumentParser(
        description=description, epilog="Exit code: 0 published, 3 not better than what there is, 1 failed, 2 wrong option."
    )
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="model repository to publish into")
    parser.add_argument("--window", type=duration_ms, metavar="24h", help="learn from the newest part only: 90m, 24h, 7d (default all)")
    parser.add_argument("--margin", type=float, default=MARGIN, help=f"how much worse than the version in use it may be (default {MARGIN})")
    parser.add_argument("--force", metavar="REASON", help="publish even if it is not better; the reason is kept in run.json")
    parser.add_argument("--like-in-use", action="store_true", help="with the parameters of the version in use")
    common = {"epochs_max": "epochs at most", "seed": "seed of every draw", "threads": "threads of the library that fits"}
    for name, meaning in {**meanings, **common}.items():
        if name not in config.__dataclass_fields__:
            continue
        default = config.__dataclass_fields__[name].default
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), help=f"{meaning} (default {default})")
    return parser


def add_incremental(parser: argparse.ArgumentParser) -> None:
    """The option of programs that can go on from a version's weights."""
    parser.add_argument(
        "--incremental", action="store_true", help="start from the weights and parameters of the version in use, ten times slower"
    )


def configured(config: type[Config], arguments: argparse.Namespace, parent: PublishedVersion | None) -> Config:
    """The configuration: what the command line gives, else what the parent was fitted with, else the defaults."""
    fields = config.__dataclass_fields__
    kept = parent.run.get("parameters", {}) if parent else {}
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    return config(**{name: value for name, value in {**kept, **given}.items() if name in fields})


def parent_of(arguments: argparse.Namespace, name: str) -> PublishedVersion | None:
    """The version in use where its parameters or weights are asked for. Raises ValueError where an incremental run finds none."""
    incremental = getattr(arguments, "incremental", False)
    if not (incremental or arguments.like_in_use):
        return None
    version = in_use(arguments.repository, name)
    if version is None and incremental:
        raise ValueError(f"{arguments.repository} holds no {name} to start from; train it in full first")
    return version


def gate_of(arguments: argparse.Namespace, held: HeldOut) -> Gate:
    """The gate as the command line sets it."""
    return Gate(held, arguments.margin, arguments.force)


def duration_ms(text: str) -> int:
    """Milliseconds of `90m`, `24h` or `7d`. Raises ArgumentTypeError."""
    found = re.fullmatch(r"(\d+)([mhd])", text)
    if not found or int(found[1]) == 0:
        raise argparse.ArgumentTypeError(f'"{text}" is no window: give minutes, hours or days, such as 90m, 24h or 7d')
    return int(found[1]) * UNITS_MS[found[2]]
