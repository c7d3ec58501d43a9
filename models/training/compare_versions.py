"""Compares two versions that are in the repository on rows that came later, for `millrace models promote`.

    python models/training/compare_versions.py ranker 3 --exports DIR --window 24h

A training compares its version with the one in use at that time. Where another is in use now, this writes the missing comparison to
`<repository>/<model>/comparisons/<version>-<against>.json`, as versions themselves never change.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from millrace_training.compare import MARGIN, HeldOut, compare
from millrace_training.data import load_impressions, load_touches
from millrace_training.exports import KINDS, required_export
from millrace_training.fit import split_by_time
from millrace_training.judge_next import held_questions, ranks_by_sequence
from millrace_training.judge_ranker import held_lists
from millrace_training.judge_towers import ITEM, USER, held_touches
from millrace_training.next_item_run import QUESTIONS_COMPARED
from millrace_training.program import REPOSITORY, duration_ms, run_program
from millrace_training.publish import comparison_text
from millrace_training.ranker import POSITIONS
from millrace_training.refusals import NotGoodEnough
from millrace_training.registry import PublishedVersion, in_use, kept_versions
from millrace_training.sequences import load_event_sequences

CONTEXT_AGE_MS = 1_800_000
TOGETHER = {USER: (USER, ITEM), ITEM: (USER, ITEM)}
"""Models whose vectors meet: they are compared as one."""


def main(argv: Sequence[str] | None = None) -> None:
    """Reads, asks both versions, writes."""
    arguments = parse_arguments(argv)
    names = TOGETHER.get(arguments.model, (arguments.model,))
    against = arguments.against
    if against is None:
        served = in_use(arguments.repository, arguments.model)
        against = int(served.folder.name) if served else 0
    new, old = ({name: found(arguments.repository, name, version) for name in names} for version in (arguments.version, against))
    if arguments.version == against:
        raise ValueError(f"{arguments.model} {against} is the version in use; --against names another")
    judge = JUDGES.get(arguments.model, held_next)
    comparison = compare(new, old, judge(arguments, next(iter(new.values()))), arguments.margin)
    print(comparison_text(comparison))
    for name in names:
        folder = arguments.repository / name / "comparisons"
        folder.mkdir(exist_ok=True)
        (folder / f"{arguments.version}-{against}.json").write_text(json.dumps(comparison, indent=2) + "\n", encoding="utf-8")
    if not comparison["accepted"]:
        raise NotGoodEnough(f"{arguments.model} {arguments.version} may be worse than version {against} by more than {arguments.margin}")


def found(repository: Path, name: str, version: int) -> PublishedVersion:
    """A version. Raises ValueError where it is not kept."""
    kept = kept_versions(repository / name)
    if version not in kept:
        raise ValueError(f"{repository} holds no {name} {version}; kept are {', '.join(map(str, kept)) or 'none'}")
    return PublishedVersion(repository / name / str(version))


def held_ranker(arguments: argparse.Namespace, new: PublishedVersion) -> HeldOut:
    """The later lists; places as the new version learned that they are looked at."""
    shown = load_impressions([required_export(arguments.exports, "rewards")], window_ms=arguments.window)
    looked = np.array(list(new.run["metrics"]["looked_at"].values()))
    looked = np.concatenate((looked, np.full(POSITIONS - len(looked), looked[-1])))
    return held_lists(arguments.model, shown, split_by_time(shown.when), looked)


def held_towers(arguments: argparse.Namespace, new: PublishedVersion) -> HeldOut:
    """The later touches."""
    del new
    rewards, items, events = ([required_export(arguments.exports, kind)] for kind in KINDS)
    touches = load_touches(rewards, items, events, CONTEXT_AGE_MS, arguments.window)
    return held_touches(touches, split_by_time(touches.when))


def held_next(arguments: argparse.Namespace, new: PublishedVersion) -> HeldOut:
    """The later touches, of models that take sequences."""
    if new.session.get_inputs()[0].name != "item_sequence":
        raise ValueError(f"{new.name} takes no item sequences; train it again to have it compared")
    known = load_event_sequences([required_export(arguments.exports, "events")], arguments.window)
    return held_questions(arguments.model, known, ranks_by_sequence(known), QUESTIONS_COMPARED)


JUDGES: dict[str, Callable[[argparse.Namespace, PublishedVersion], HeldOut]] = {
    "ranker": held_ranker,
    USER: held_towers,
    ITEM: held_towers,
}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description="Compare a version with the one in use on rows that came later.",
        epilog="Exit code: 0 not worse, 3 it may be worse, 1 they could not be compared, 2 wrong option.",
    )
    parser.add_argument("model", help="its folder in the repository")
    parser.add_argument("version", type=int, help="the version to judge")
    parser.add_argument("--against", type=int, help="another version (default: that in use)")
    parser.add_argument("--exports", type=Path, required=True, help="folder with rewards.jsonl, items.jsonl and events.jsonl (or .gz)")
    parser.add_argument("--window", type=duration_ms, metavar="24h", help="the newest part only: 90m, 24h, 7d (default all)")
    parser.add_argument("--margin", type=float, default=MARGIN, help=f"how much worse it may be (default {MARGIN})")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="model repository")
    return parser.parse_args(argv)


if __name__ == "__main__":
    run_program("compare_versions", main)
