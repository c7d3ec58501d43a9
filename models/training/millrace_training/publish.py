"""Checks an exported model against what fitted it and puts it into a Triton-layout repository, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-4
OVERLAP_MIN = 0.999
BATCH_MAX = 8192
BYTES_MAX = 5_000_000
GOLDEN_ROWS = 64
CONFIG_TYPES = {onnx.TensorProto.FLOAT: "TYPE_FP32", onnx.TensorProto.INT64: "TYPE_INT64"}
CARD_TYPES = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.INT64: "int64"}


class GoldenMismatch(Exception):
    """The exported graph does not compute what the trained network computes; nothing was published."""


class NotGoodEnough(Exception):
    """The trained network is worth nothing; nothing was published."""


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


def publish(candidates: list[Candidate], repository: Path, version: int | None = None) -> int:
    """Publishes all candidates under one new version number, after all were checked. Returns the version.

    Raises GoldenMismatch, or FileExistsError for a version that is there: versions never change.
    """
    differences = [check_golden(candidate) for candidate in candidates]
    if version is None:
        version = 1 + max(newest_version(repository / candidate.name) for candidate in candidates)
    for candidate in candidates:
        if (repository / candidate.name / str(version)).exists():
            raise FileExistsError(f"{candidate.name} has a version {version}; versions never change, choose a higher one")
    for candidate, difference in zip(candidates, differences, strict=True):
        _write(candidate, repository / candidate.name, version, difference)
    return version


def newest_version(folder: Path) -> int:
    """The highest version number in a model's folder, 0 if there is none."""
    if not folder.is_dir():
        return 0
    return max((int(entry.name) for entry in folder.iterdir() if re.fullmatch(r"[1-9]\d*", entry.name)), default=0)


def code_version() -> str:
    """A hash over the training sources: the same text, the same version."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted([*root.glob("train_*.py"), *root.glob("millrace_training/*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def config_text(name: str, model: onnx.ModelProto, rows_max: int) -> str:
    """config.pbtxt: one CPU session, requests joined while it is busy, a bounded queue."""
    lines = [f'name: "{name}"', 'backend: "onnxruntime"', f"max_batch_size: {rows_max}"]
    for kind, tensors in (("input", model.graph.input), ("output", model.graph.output)):
        for tensor in tensors:
            width, datatype = _width(tensor), CONFIG_TYPES[tensor.type.tensor_type.elem_type]
            lines.append(f'{kind} [{{ name: "{tensor.name}" data_type: {datatype} dims: [{width}] }}]')
    lines.append("instance_group [{ kind: KIND_CPU count: 1 }]")
    lines.append("dynamic_batching {")
    lines.append("  default_queue_policy { timeout_action: REJECT default_timeout_microseconds: 100000 max_queue_size: 64 }")
    lines.append("}")
    lines.append("version_policy { latest { num_versions: 2 } }")
    return "\n".join(lines) + "\n"


def keep_choice(before: str, text: str) -> str:
    """The new config with the version that `millrace models promote` chose, if it chose one: publishing must not undo that."""
    chosen = re.search(r"version_policy \{ specific \{ versions: \[\d+\] \} \}", before)
    return re.sub(r"version_policy \{.*\}", chosen[0], text) if chosen else text


def card_text(candidate: Candidate, run: dict) -> str:
    """The model card: what it is for, what it learned from, how good it is."""
    shapes = [
        f"`{tensor.name}` {CARD_TYPES[tensor.type.tensor_type.elem_type]} [rows, {_width(tensor)}]"
        for tensor in (*candidate.model.graph.input, *candidate.model.graph.output)
    ]
    return f"""# {candidate.name}, version {run["version"]}

{candidate.about}

- Input: {shapes[0]}. Output: {", ".join(shapes[1:])}.
- Trained by code {run["code"]}. Largest difference between {candidate.library} and ONNX Runtime: {run["golden_difference"]:.1e}.

## Learned from

```json
{json.dumps(run["data"], indent=2)}
```

## Figures on {candidate.judged_on}

```json
{json.dumps(run["metrics"], indent=2)}
```
"""


def _width(tensor: onnx.ValueInfoProto) -> int:
    return tensor.type.tensor_type.shape.dim[1].dim_value


def describe_files(paths: list[Path]) -> list[dict]:
    """Name, size and SHA-256 of files that were learned from; no folder: that belongs to one machine."""
    found = []
    for path in paths:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found.append({"file": path.name, "bytes": path.stat().st_size, "sha256": digest})
    return found


def without_nan(value: object) -> object:
    """The same with None for numbers that could not be measured: JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: without_nan(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _write(candidate: Candidate, folder: Path, version: int, difference: float) -> None:
    """Into a hidden folder first, then renamed: a server never sees half a version."""
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
    run = {**candidate.run, "model": candidate.name, "version": version, "code": code_version(), "golden_difference": difference}
    (partial / "model.onnx").write_bytes(candidate.model.SerializeToString())
    (partial / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    (partial / "run.json").write_text(json.dumps(run, indent=2) + "\n")
    (partial / "model_card.md").write_text(card_text(candidate, run), encoding="utf-8")
    for name, text in candidate.files.items():
        (partial / name).write_text(text, encoding="utf-8")
    for path in partial.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    config = folder / "config.pbtxt"
    text = config_text(candidate.name, candidate.model, candidate.rows_max)
    config.write_text(keep_choice(config.read_text(), text) if config.exists() else text)
    partial.rename(folder / str(version))
