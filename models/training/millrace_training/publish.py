"""Checks an exported model against what fitted it and puts it into a Triton-layout repository, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from .compare import MARGIN, HeldOut, NotComparable, compare
from .provenance import code_version
from .refusals import GoldenMismatch, NotGoodEnough
from .registry import WEIGHTS, PublishedVersion, in_use, kept_versions, newest_version
from .version_texts import card_text, config_text, keep_choice

TOLERANCE = 1e-4
OVERLAP_MIN = 0.999
BATCH_MAX = 8192
BYTES_MAX = 5_000_000
GOLDEN_ROWS = 64


@dataclass(frozen=True)
class Candidate:
    """A trained model on its way into the repository."""

    name: str
    model: onnx.ModelProto
    golden: np.ndarray
    """[n, width] of the input's type: real rows."""
    reference: Callable[[np.ndarray], dict[str, np.ndarray]]
    """What PyTorch answers for rows, by output name."""
    run: dict
    """`parameters`, `data`, `metrics` and more: becomes run.json, and the model card beside `about`."""
    about: str
    """What it is for, a paragraph of Markdown."""
    golden_extra: dict = field(default_factory=dict)
    """What else belongs into golden.json."""
    rows_max: int = BATCH_MAX
    """Rows of the largest batch that is served."""
    bytes_max: int = BYTES_MAX
    """Size of the graph above which it is refused."""
    files: dict[str, str] = field(default_factory=dict)
    """What else belongs into the version's folder: names and texts."""
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    """What the next training may start from: arrays by name."""
    library: str = "PyTorch"
    """What fitted it, for the model card."""
    judged_on: str = "the last 15 % of the time, which nothing was chosen by"
    """What the figures were measured on, for the model card."""


def check_golden(candidate: Candidate) -> float:
    """Largest difference to the reference at B = 1, 2, golden size and `rows_max`.

    Raises GoldenMismatch where floats differ by more than `TOLERANCE`, or where of the integers of a row (what was retrieved) more
    than one in a thousand is missing: equal scores may change places.
    """
    content = candidate.model.SerializeToString()
    if len(content) > candidate.bytes_max:
        raise GoldenMismatch(f"{candidate.name}: {len(content)} bytes are more than {candidate.bytes_max}")
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0].name
    names = [output.name for output in session.get_outputs()]
    worst = 0.0
    for size in (1, 2, len(candidate.golden), candidate.rows_max):
        rows = np.resize(candidate.golden, (size, candidate.golden.shape[1]))
        wanted = candidate.reference(rows)
        if sorted(names) != sorted(wanted):
            raise GoldenMismatch(f"{candidate.name}: the graph gives {names}, the network {sorted(wanted)}")
        for name, got in zip(names, session.run(names, {source: rows}), strict=True):
            if got.shape != wanted[name].shape or not np.isfinite(got).all():
                raise GoldenMismatch(f"{candidate.name}: {name} has shape {got.shape} or a number that is not finite")
            if np.issubdtype(got.dtype, np.integer):
                _check_retrieved(candidate.name, got, wanted[name])
            else:
                worst = max(worst, float(np.abs(got - wanted[name]).max()))
    if not worst <= TOLERANCE:
        raise GoldenMismatch(f"{candidate.name}: the graph differs from the network by {worst:.2e}, more than {TOLERANCE}")
    return worst


def _check_retrieved(name: str, got: np.ndarray, wanted: np.ndarray) -> None:
    kept = sum(len(np.intersect1d(one, other)) for one, other in zip(got, wanted, strict=True)) / wanted.size
    if kept < OVERLAP_MIN:
        raise GoldenMismatch(f"{name}: the graph retrieves {kept:.4f} of what the network does, less than {OVERLAP_MIN}")


@dataclass(frozen=True)
class Gate:
    """What a new version must stand before it may replace the one in use."""

    held: HeldOut
    margin: float = MARGIN
    forced: str | None = None
    """Why it is to be published whatever the comparison says."""


def publish(candidates: list[Candidate], repository: Path, version: int | None = None, gate: Gate | None = None) -> int:
    """Publishes all candidates under one new version number, after all were checked and compared. Returns the version.

    With a gate each run.json holds `comparison`: what `compare` found, null where no version was in use. Raises GoldenMismatch;
    NotGoodEnough where the versions in use may be better, or cannot be compared and nobody insists; FileExistsError for a version
    that is there: versions never change.
    """
    differences = [check_golden(candidate) for candidate in candidates]
    if version is None:
        version = 1 + max(newest_version(repository / candidate.name) for candidate in candidates)
    for candidate in candidates:
        if (repository / candidate.name / str(version)).exists():
            raise FileExistsError(f"{candidate.name} has a version {version}; versions never change, choose a higher one")
    staged = {}
    try:
        for candidate, difference in zip(candidates, differences, strict=True):
            staged[candidate.name] = _stage(candidate, repository / candidate.name, version, difference)
        judged = {"comparison": _judged(staged, repository, gate), "forced": gate.forced} if gate else {}
        for candidate in candidates:
            _describe(candidate, staged[candidate.name], judged)
    except BaseException:
        for one in staged.values():
            shutil.rmtree(one.folder, ignore_errors=True)
        raise
    for candidate in candidates:
        _show(candidate, staged[candidate.name].folder, version)
    return version


def _judged(staged: dict[str, PublishedVersion], repository: Path, gate: Gate) -> dict | None:
    """The comparison with the versions in use; None where one of the models has none."""
    old = {name: in_use(repository, name) for name in staged}
    present = {name: version for name, version in old.items() if version is not None}
    if len(present) < len(staged):
        return None
    try:
        comparison = compare(staged, present, gate.held, gate.margin)
    except NotComparable as error:
        if gate.forced is None:
            raise NotGoodEnough(f"{error}: not published (--force REASON does it all the same)") from error
        return {"with": int(next(iter(present.values())).folder.name), "accepted": False, "not_comparable": str(error)}
    print(comparison_text(comparison))
    if not comparison["accepted"] and gate.forced is None:
        raise NotGoodEnough(
            f"it may be worse than version {comparison['with']} by more than {gate.margin}: not published (--force REASON does it all the same)"
        )
    return comparison


def comparison_text(comparison: dict) -> str:
    """One line for people."""
    low, high = comparison["interval"]
    ((unit, count),) = comparison["drawn"].items()
    return (
        f"{comparison['metric']} {comparison['new']:.4f}, version {comparison['with']} in use {comparison['in_use']:.4f}: "
        f"{comparison['difference']:+.4f} [{low:+.4f}, {high:+.4f}] over {comparison['questions']} questions of {count} {unit}"
    )


def _stage(candidate: Candidate, folder: Path, version: int, difference: float) -> PublishedVersion:
    """The version in a hidden folder: a server never sees half a version."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{version}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    rows = candidate.golden
    golden = {
        "tolerance": TOLERANCE,
        "inputs": {candidate.model.graph.input[0].name: rows.tolist()},
        "outputs": {name: values.tolist() for name, values in candidate.reference(rows).items()},
        **candidate.golden_extra,
    }
    run = {"parent": None, **candidate.run, "model": candidate.name, "version": version}
    run |= {"code": code_version(), "golden_difference": difference}
    (partial / "model.onnx").write_bytes(candidate.model.SerializeToString())
    (partial / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    (partial / "run.json").write_text(json.dumps(run, indent=2) + "\n")
    if candidate.weights:
        np.savez_compressed(partial / WEIGHTS, **candidate.weights)
    for name, text in candidate.files.items():
        (partial / name).write_text(text, encoding="utf-8")
    return PublishedVersion(partial)


def _describe(candidate: Candidate, staged: PublishedVersion, judged: dict) -> None:
    run = {**staged.run, **judged}
    (staged.folder / "run.json").write_text(json.dumps(run, indent=2) + "\n")
    (staged.folder / "model_card.md").write_text(card_text(candidate.model, run, candidate.about, candidate.library, candidate.judged_on), encoding="utf-8")


def _show(candidate: Candidate, partial: Path, version: int) -> None:
    for path in partial.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    write_config(partial.parent, candidate.model, candidate.rows_max)
    partial.rename(partial.parent / str(version))


def write_config(folder: Path, model: onnx.ModelProto, rows_max: int) -> None:
    """Writes the config.pbtxt of a model's folder for this graph and the versions kept beside it; which one answers stays as it was chosen."""
    config = folder / "config.pbtxt"
    others = (onnx.load(folder / str(version) / "model.onnx") for version in kept_versions(folder))
    text = config_text(folder.name, model, rows_max, others)
    config.write_text(keep_choice(config.read_text(), text) if config.exists() else text)
