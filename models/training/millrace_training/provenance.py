"""Where a version comes from: the files and the code that made it."""

from __future__ import annotations

import hashlib
from pathlib import Path


def code_version() -> str:
    """A hash over the training sources: the same text, the same version."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted([*root.glob("*train*.py"), *root.glob("millrace_training/*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def describe_files(paths: list[Path]) -> list[dict]:
    """Name, size and SHA-256 of files that were learned from; no folder: that belongs to one machine."""
    found = []
    for path in paths:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found.append({"file": path.name, "bytes": path.stat().st_size, "sha256": digest})
    return found
