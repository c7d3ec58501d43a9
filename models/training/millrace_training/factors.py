"""Matrix factorisation by alternating least squares, and the graph that folds a person in from what they touched."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto

from .cells import Cells
from .graph import Graph
from .retrieval import INPUT, OUTPUTS, known_rows, write_retrieval
from .sequences import PAD

METHODS = ("als", "svd")
SOLVED_AT_ONCE = 4_000_000
"""Numbers of the gathered vectors of one batch of rows."""
RESIDUAL = 1e-6
"""Of conjugate gradients, against the right side: well below what float32 scores show."""
SPARE_STEPS = 4
TINY = 1e-30


class Factors:
    """Item vectors, and for anybody the vector that fits what they touched (features.md F3.10).

    `als` (Hu, Koren & Volinsky, ICDM 2008): Σ c (p - x·y)² + λ(|x|² + |y|²) over all cells, p = 1 where somebody touched an item,
    c = 1 + α · times. `svd`: Σ (times - x·y)² + λ(n_x |x|² + n_y |y|²) over the observed cells only (ALS-WR, Zhou et al., 2008); how
    items that nobody saw compare is then nobody's knowledge, so it is for graded counts and not for finding items.
    """

    def __init__(self, method: str, items: np.ndarray, regularisation: float, alpha: float) -> None:
        self.method, self.items, self.regularisation, self.alpha = method, items.astype(np.float64), regularisation, alpha

    def fold_in(self, cells: Cells) -> np.ndarray:
        """Vectors float64 [rows, factors] of people: what training gives to the same cells."""
        return self._solve(cells, self.items)

    def refit_items(self, people: np.ndarray, by_item: Cells, rows: np.ndarray) -> None:
        """Gives the items `rows` (from 0) the vectors that fit `people` best; the others stay."""
        self.items[rows] = self._solve(by_item.take(rows), people)

    def scores(self, people: np.ndarray) -> np.ndarray:
        """float32 [n, items]; column c is item row c + 1."""
        return people.astype(np.float32) @ self.items.astype(np.float32).T

    def _solve(self, cells: Cells, fixed: np.ndarray) -> np.ndarray:
        """One vector per row of cells, each the exact best given `fixed` [columns, factors]."""
        factors = fixed.shape[1]
        solved = np.zeros((cells.rows, factors))
        base = fixed.T @ fixed + self.regularisation * np.eye(factors)
        for rows, columns, times in cells.padded(SOLVED_AT_ONCE // factors):
            vectors = fixed[columns]
            upright, touched = vectors.transpose(0, 2, 1), (times > 0).astype(np.float64)
            if self.method == "als":
                weights, right = self.alpha * times, touched + self.alpha * times
                shared = base
            else:
                weights, right = touched, times
                shared = self.regularisation * touched.sum(axis=1)[:, None, None] * np.eye(factors)
            system = shared + (upright * weights[:, None, :]) @ vectors
            solved[rows] = np.linalg.solve(system, upright @ right[:, :, None])[:, :, 0]
        return solved

    def to_onnx(self, name: str, length: int, retrieve: int, steps: int) -> onnx.ModelProto:
        """Input `item_sequence` int64 [B, length] → `item_ids`, `scores` [B, retrieve], as the sequence models.

        A person is folded in by `steps` conjugate gradient steps in float64: ONNX solves no equations. The order of the sequence does
        not count; an item that stands there twice was touched twice.
        """
        graph = Graph(name)
        rows = known_rows(graph, len(self.items))
        table = graph.constant(np.concatenate((np.zeros((1, self.items.shape[1])), self.items)))
        vectors = graph.node("Cast", graph.node("Gather", table, rows), to=TensorProto.DOUBLE)
        person = _WrittenFoldIn(graph, self, vectors, _first_touches(graph, rows, length)).solve(steps)
        hidden = graph.node("Cast", graph.node("Squeeze", person, graph.integers([1])), to=TensorProto.FLOAT)
        write_retrieval(graph, hidden, table, len(self.items), retrieve)
        return graph.finish(length, dict.fromkeys(OUTPUTS, retrieve), INPUT, integers=(INPUT, OUTPUTS[0]))

    def steps_needed(self, cells: Cells) -> int:
        """Conjugate gradient steps after which all these people are folded in to `RESIDUAL`, and `SPARE_STEPS` more."""
        base, inverse = self._base(), self._inverse()
        most = 0
        for _, columns, times in cells.padded(SOLVED_AT_ONCE // self.items.shape[1]):
            vectors, touched = self.items[columns], (times > 0).astype(np.float64)
            weights = self.alpha * times if self.method == "als" else touched
            ridge = 0.0 if self.method == "als" else self.regularisation * touched.sum(axis=1)[:, None]
            right = np.einsum("bnf,bn->bf", vectors, weights + touched if self.method == "als" else times)
            left, limit = right.copy(), RESIDUAL * np.linalg.norm(right, axis=1)
            direction = left @ inverse
            size = (left * direction).sum(axis=1)
            for step in range(2 * self.items.shape[1]):
                if (np.linalg.norm(left, axis=1) <= limit).all():
                    break
                most = max(most, step + 1)
                pushed = direction @ base + ridge * direction
                pushed += np.einsum("bnf,bn->bf", vectors, weights * np.einsum("bnf,bf->bn", vectors, direction))
                left -= (size / np.maximum((direction * pushed).sum(axis=1), TINY))[:, None] * pushed
                turned = left @ inverse
                before, size = size, (left * turned).sum(axis=1)
                direction = turned + (size / np.maximum(before, TINY))[:, None] * direction
        return most + SPARE_STEPS

    def _base(self) -> np.ndarray:
        """What the system holds whoever is folded in."""
        factors = self.items.shape[1]
        return self.items.T @ self.items + self.regularisation * np.eye(factors) if self.method == "als" else np.zeros((factors, factors))

    def _inverse(self) -> np.ndarray:
        """What makes the steps few: the inverse of the part that all people share."""
        return np.linalg.inv(self._base()) if self.method == "als" else np.eye(self.items.shape[1])


class _WrittenFoldIn:
    """The linear system of a person in a graph; all in float64, vectors as rows [B, 1, factors]."""

    def __init__(self, graph: Graph, model: Factors, vectors: str, first: str) -> None:
        self.graph, self.vectors, self.als = graph, vectors, model.method == "als"
        self.upright = graph.node("Transpose", vectors, perm=(0, 2, 1))
        self.tiny = graph.doubles(np.array(TINY))
        if self.als:
            self.base, self.inverse = graph.doubles(model._base()), graph.doubles(model._inverse())
            self.weights = graph.doubles(np.array(model.alpha))
            self.right = graph.node("MatMul", graph.node("Add", first, self.weights), vectors)
        else:
            self.weights = first
            count = graph.node("ReduceSum", first, graph.integers([2]), keepdims=1)
            self.ridge = graph.node("Mul", count, graph.doubles(np.array(model.regularisation)))
            self.right = graph.node("ReduceSum", vectors, graph.integers([1]), keepdims=1)

    def solve(self, steps: int) -> str:
        """The person's vector after `steps` preconditioned conjugate gradient steps."""
        graph = self.graph
        left, found = self.right, graph.node("Mul", self.right, graph.doubles(np.array(0.0)))
        direction = self._turn(left)
        size = self._inner(left, direction)
        for _ in range(steps):
            pushed = self._push(direction)
            rate = graph.node("Div", size, graph.node("Max", self._inner(direction, pushed), self.tiny))
            found = graph.node("Add", found, graph.node("Mul", rate, direction))
            left = graph.node("Sub", left, graph.node("Mul", rate, pushed))
            turned = self._turn(left)
            before, size = size, self._inner(left, turned)
            keep = graph.node("Div", size, graph.node("Max", before, self.tiny))
            direction = graph.node("Add", turned, graph.node("Mul", keep, direction))
        return found

    def _turn(self, left: str) -> str:
        return self.graph.node("MatMul", left, self.inverse) if self.als else left

    def _push(self, direction: str) -> str:
        """The system times a vector."""
        graph = self.graph
        along = graph.node("Mul", graph.node("MatMul", direction, self.upright), self.weights)
        back = graph.node("MatMul", along, self.vectors)
        rest = graph.node("MatMul", direction, self.base) if self.als else graph.node("Mul", direction, self.ridge)
        return graph.node("Add", back, rest)

    def _inner(self, one: str, other: str) -> str:
        return self.graph.node("ReduceSum", self.graph.node("Mul", one, other), self.graph.integers([2]), keepdims=1)


def _first_touches(graph: Graph, rows: str, length: int) -> str:
    """float64 [B, 1, length]: 1 where an item stands in the sequence for the first time, 0 where it comes again or there is none."""
    same = graph.node("Equal", graph.node("Unsqueeze", rows, graph.integers([2])), graph.node("Unsqueeze", rows, graph.integers([1])))
    earlier = graph.node("Mul", graph.node("Cast", same, to=TensorProto.DOUBLE), graph.doubles(np.tril(np.ones((length, length)), -1)))
    new = graph.node("Equal", graph.node("ReduceSum", earlier, graph.integers([2]), keepdims=0), graph.doubles(np.array(0.0)))
    first = graph.node("And", new, graph.node("Not", graph.node("Equal", rows, graph.integers(PAD))))
    return graph.node("Unsqueeze", graph.node("Cast", first, to=TensorProto.DOUBLE), graph.integers([1]))


def cells_of(histories: list[np.ndarray], items: int) -> Cells:
    """How often each person touched each item: histories of item rows from 1, `PAD` counting as none."""
    return Cells.counted([history[history != PAD] - 1 for history in histories], items)
