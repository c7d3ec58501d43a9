"""A folder of exports: rewards.jsonl, items.jsonl and events.jsonl, plain or .gz."""

from __future__ import annotations

from pathlib import Path

KINDS = ("rewards", "items", "events")


def required_export(folder: Path, kind: str) -> Path:
    """The export of one kind. Raises ValueError where the folder holds none."""
    for path in (folder / f"{kind}.jsonl", folder / f"{kind}.jsonl.gz"):
        if path.exists():
            return path
    raise ValueError(f"{folder} holds no {kind}.jsonl; write it with `millrace export {kind}`")
