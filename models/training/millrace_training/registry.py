"""What a Triton-layout model repository holds: which versions there are, which one answers, and what each was made from."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime

WEIGHTS = "weights.npz"
"""The trained network's own numbers beside a version, for the next training to start from: plain arrays, never pickled objects."""


def kept_versions(folder: Path) -> list[int]:
    """Version numbers of a model's folder, ascending."""
    if not folder.is_dir():
        return []
    return sorted(int(entry.name) for entry in folder.iterdir() if re.fullmatch(r"[1-9]\d*", entry.name))


def newest_version(folder: Path) -> int:
    """The highest version number in a model's folder, 0 if there is none."""
    return max(kept_versions(folder), default=0)


def version_in_use(folder: Path) -> int | None:
    """The version that answers: what `millrace models promote` chose, else the newest; None where there is none."""
    config = folder / "config.pbtxt"
    chosen = re.search(r"version_policy \{ specific \{ versions: \[(\d+)\] \} \}", config.read_text()) if config.exists() else None
    kept = kept_versions(folder)
    if chosen and int(chosen[1]) in kept:
        return int(chosen[1])
    return kept[-1] if kept else None


@dataclass(frozen=True)
class PublishedVersion:
    """One version of the repository."""

    folder: Path

    @property
    def name(self) -> str:
        """Model and version, as they are said."""
        return f"{self.folder.parent.name} {self.folder.name}"

    @cached_property
    def run(self) -> dict:
        """run.json; empty where the version came without."""
        path = self.folder / "run.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    @cached_property
    def items(self) -> list[str]:
        """Item ids by row, from 1. Raises ValueError where the version has no items.json."""
        return self._names("items.json")

    @cached_property
    def people(self) -> list[str]:
        """Ids of people by row, from 1. Raises ValueError where the version has no people.json."""
        return self._names("people.json")

    @cached_property
    def session(self) -> onnxruntime.InferenceSession:
        """The graph, opened."""
        return onnxruntime.InferenceSession(str(self.folder / "model.onnx"), providers=["CPUExecutionProvider"])

    @property
    def input_width(self) -> int:
        """Columns of the first input."""
        return self.session.get_inputs()[0].shape[1]

    def answer(self, rows: np.ndarray, rows_max: int = 8192) -> dict[str, np.ndarray]:
        """Every output for rows [n, input_width], asked in parts of `rows_max`."""
        source, names = self.session.get_inputs()[0].name, [output.name for output in self.session.get_outputs()]
        parts = [self.session.run(names, {source: rows[at : at + rows_max]}) for at in range(0, len(rows), rows_max)]
        return {name: np.concatenate([part[at] for part in parts]) for at, name in enumerate(names)}

    def weights(self) -> dict[str, np.ndarray]:
        """The numbers that training ended with. Raises ValueError where the version came without."""
        path = self.folder / WEIGHTS
        if not path.exists():
            raise ValueError(f"{self.name} has no {WEIGHTS} to start from; train in full first")
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)

    def _names(self, file: str) -> list[str]:
        path = self.folder / file
        if not path.exists():
            raise ValueError(f"{self.name} has no {file}")
        return json.loads(path.read_text(encoding="utf-8"))


def in_use(repository: Path, name: str) -> PublishedVersion | None:
    """The version of a model that answers now, if there is one."""
    version = version_in_use(repository / name)
    return None if version is None else PublishedVersion(repository / name / str(version))
