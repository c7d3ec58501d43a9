"""Lets a ranker that was published before the output `hidden` existed tell its last hidden layer, for neural-linear bandits.

    python models/training/tell_hidden.py 2

The version keeps its number: its weights and what it learned from are the same, and every answer that it gave it gives to the last bit.
This is the one change that a published version may see; run.json and the model card tell of it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn

from millrace_training.program import REPOSITORY, run_program
from millrace_training.provenance import code_version
from millrace_training.publish import BATCH_MAX, Candidate, check_golden, write_config
from millrace_training.ranker import HIDDEN, Ranker
from millrace_training.refusals import GoldenMismatch
from millrace_training.registry import PublishedVersion, kept_versions, newest_version
from millrace_training.version_texts import tensors_line
from train_ranker import ABOUT, answers

WHY = """It was published before rankers told their last hidden layer, which neural-linear bandits see of an item. `tell_hidden.py`
wrote the graph anew from its own weights, with `hidden` as one more output. It keeps its number, although versions never change, as
nothing that was ever said of it has: the chances are those of the graph before to the last bit, so lists, figures and what bandits
learned under its number stand. Under another number the same network would stand twice among the two versions that are served."""


def main(argv: Sequence[str] | None = None) -> None:
    """Reads, writes the graph anew, compares, replaces."""
    parser = argparse.ArgumentParser(description="Let a published ranker tell its last hidden layer.", epilog="Exit code: 0 done, 1 refused.")
    parser.add_argument("version", type=int, help="the version, which has no output `hidden`")
    parser.add_argument("--name", default="ranker", help="its folder in the repository (default ranker)")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="model repository")
    arguments = parser.parse_args(argv)
    folder = arguments.repository / arguments.name
    if arguments.version not in kept_versions(folder):
        raise ValueError(f"{arguments.repository} holds no {arguments.name} {arguments.version}")
    tell_hidden(PublishedVersion(folder / str(arguments.version)))
    print(f"{arguments.name} {arguments.version} tells its last hidden layer")


def tell_hidden(version: PublishedVersion) -> None:
    """Replaces the files of a version. Raises ValueError for a version that this is not for, GoldenMismatch if an answer would move."""
    network = network_of(version)
    model, golden = network.to_onnx(), json.loads((version.folder / "golden.json").read_text(encoding="utf-8"))
    rows = np.array(golden["inputs"]["features"], np.float32)
    candidate = Candidate(version.folder.parent.name, model, rows, lambda some: answers(network, some), version.run, ABOUT)
    difference = check_golden(candidate)
    compared = require_same_answers(version, model, rows)
    before = hashlib.sha256((version.folder / "model.onnx").read_bytes()).hexdigest()
    golden["outputs"][HIDDEN] = answers(network, rows)[HIDDEN].tolist()
    amended = {"output": HIDDEN, "graph_before": before, "rows_compared": compared, "golden_difference": difference, "code": code_version()}
    card = (version.folder / "model_card.md").read_text(encoding="utf-8").splitlines()
    card = [tensors_line(model) if line.startswith("- Input:") else line for line in card]
    told = f"{WHY}\n\n```json\n{json.dumps(amended, indent=2)}\n```"
    # In this order every state in between is a whole version: a golden batch may know less than its graph.
    replace(version.folder / "model.onnx", model.SerializeToString())
    replace(version.folder / "golden.json", (json.dumps(golden, separators=(",", ":")) + "\n").encode())
    replace(version.folder / "run.json", (json.dumps({**version.run, "amended": amended}, indent=2) + "\n").encode())
    replace(version.folder / "model_card.md", "\n".join([*card, "", f"## One more output\n\n{told}", ""]).encode())
    folder = version.folder.parent
    write_config(folder, onnx.load(folder / str(newest_version(folder)) / "model.onnx"), candidate.rows_max)


def network_of(version: PublishedVersion) -> Ranker:
    """The network of a published graph. Raises ValueError where it tells its layer already or is not of one shared body."""
    graph = onnx.load(version.folder / "model.onnx").graph
    if HIDDEN in [output.name for output in graph.output]:
        raise ValueError(f"{version.name} tells its last hidden layer already")
    parameters = version.run.get("parameters", {})
    if parameters.get("architecture", "shared") != "shared" or "hidden_first" not in parameters:
        raise ValueError(f"{version.name} is no network of one shared body; train it again")
    mean, scale, _, _, *layers = (numpy_helper.to_array(weight) for weight in graph.initializer)
    model = Ranker((parameters["hidden_first"], parameters["hidden_second"]), columns=version.input_width).eval()
    linears = [*(layer for layer in model.body.shared if isinstance(layer, nn.Linear)), *model.body.heads]
    with torch.no_grad():
        model.mean.copy_(torch.tensor(mean))
        model.scale.copy_(torch.tensor(scale))
        for linear, weight, bias in zip(linears, layers[::2], layers[1::2], strict=True):
            linear.weight.copy_(torch.tensor(weight))
            linear.bias.copy_(torch.tensor(bias))
    return model


def require_same_answers(version: PublishedVersion, model: onnx.ModelProto, rows: np.ndarray) -> int:
    """Rows for which graph and version gave the same, bit by bit. Raises GoldenMismatch where they do not."""
    drawn = np.random.default_rng(7).normal(scale=2, size=(BATCH_MAX - len(rows), rows.shape[1])).astype(np.float32)
    asked = np.concatenate((rows, drawn))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for size in (1, len(rows), len(asked)):
        for name, wanted in version.answer(asked[:size]).items():
            if session.run([name], {"features": asked[:size]})[0].tobytes() != wanted.tobytes():
                raise GoldenMismatch(f"{version.name}: {name} would change")
    return len(asked)


def replace(path: Path, content: bytes) -> None:
    """A file's new content, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    os.replace(partial, path)


if __name__ == "__main__":
    run_program("tell_hidden", main)
