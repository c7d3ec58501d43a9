"""What every graph that answers items for a sequence of items has in common: its names, its input, the exact search at its end."""

from __future__ import annotations

import numpy as np

from .graph import Graph
from .sequences import PAD

INPUT = "item_sequence"
OUTPUTS = ("item_ids", "scores")


def known_rows(graph: Graph, items: int) -> str:
    """The input, with `PAD` for each row that is no item's."""
    known = graph.node(
        "And", graph.node("GreaterOrEqual", INPUT, graph.integers(0)), graph.node("LessOrEqual", INPUT, graph.integers(items))
    )
    return graph.node("Where", known, INPUT, graph.integers(PAD))


def write_retrieval(graph: Graph, hidden: str, table: str, items: int, retrieve: int) -> None:
    """Adds the outputs: the best `retrieve` of rows 1..items of `table` for vectors `hidden` [B, width], by inner product."""
    vectors = graph.node("Slice", table, graph.integers([1]), graph.integers([1 + items]), graph.integers([0]))
    scores = graph.node("Gemm", hidden, vectors, transB=1)
    _, column = graph.nodes("TopK", scores, graph.integers([retrieve]), outputs=(OUTPUTS[1], None))
    graph.node("Add", column, graph.integers(1), output=OUTPUTS[0])


def best_rows(scores: np.ndarray, retrieve: int) -> dict[str, np.ndarray]:
    """What such a graph answers where all scores [n, items] are known, by output name; of equal scores the lower row first."""
    columns = np.argsort(-scores, axis=1, kind="stable")[:, :retrieve]
    return {OUTPUTS[0]: columns + 1, OUTPUTS[1]: np.take_along_axis(scores, columns, axis=1)}
