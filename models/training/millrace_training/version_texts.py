"""The two texts beside a graph: what a server must know of it, and what people should."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import onnx

CONFIG_TYPES = {onnx.TensorProto.FLOAT: "TYPE_FP32", onnx.TensorProto.INT64: "TYPE_INT64"}
OPTIONAL = ("hidden",)
"""Outputs that config.pbtxt names only if every version has them, as wide: those without must load beside the others. Our workers serve
what it does not name all the same, a stock Triton does not."""
CARD_TYPES = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.INT64: "int64"}


def config_text(name: str, model: onnx.ModelProto, rows_max: int, others: Iterable[onnx.ModelProto] = ()) -> str:
    """config.pbtxt: one CPU session, requests joined while it is busy, a bounded queue. `others`: the versions that are served beside it."""
    is_asked = any(tensor.name in OPTIONAL for tensor in model.graph.output)
    told = [{(tensor.name, _width(tensor)) for tensor in other.graph.output} for other in (others if is_asked else ())]

    def named(tensor: onnx.ValueInfoProto) -> bool:
        return tensor.name not in OPTIONAL or all((tensor.name, _width(tensor)) in outputs for outputs in told)

    lines = [f'name: "{name}"', 'backend: "onnxruntime"', f"max_batch_size: {rows_max}"]
    for kind, tensors in (("input", model.graph.input), ("output", model.graph.output)):
        for tensor in filter(named, tensors):
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


def card_text(model: onnx.ModelProto, run: dict, about: str, library: str, judged_on: str) -> str:
    """The model card: what it is for, what it learned from, how good it is."""
    return f"""# {run["model"]}, version {run["version"]}

{about}

{tensors_line(model)}
- Trained by code {run["code"]}. Largest difference between {library} and ONNX Runtime: {run["golden_difference"]:.1e}.

## Learned from

```json
{json.dumps(run["data"], indent=2)}
```

## Figures on {judged_on}

```json
{json.dumps(run["metrics"], indent=2)}
```
{_comparison_card(run.get("comparison"))}"""


def tensors_line(model: onnx.ModelProto) -> str:
    """What goes in and comes out, a line of the model card."""
    shapes = [
        f"`{tensor.name}` {CARD_TYPES[tensor.type.tensor_type.elem_type]} [rows, {_width(tensor)}]"
        for tensor in (*model.graph.input, *model.graph.output)
    ]
    return f"- Input: {shapes[0]}. Output: {', '.join(shapes[1:])}."


def _comparison_card(comparison: dict | None) -> str:
    if comparison is None:
        return ""
    return f"""
## Against the version that was in use

```json
{json.dumps(comparison, indent=2)}
```
"""


def _width(tensor: onnx.ValueInfoProto) -> int:
    return tensor.type.tensor_type.shape.dim[1].dim_value
