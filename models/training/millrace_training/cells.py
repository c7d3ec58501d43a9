"""A matrix of which few cells are known: who touched what, how often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass
class Cells:
    """Known cells row by row: those of row r are `starts[r]` to `starts[r + 1]` of `columns` (from 0) and `times` (> 0)."""

    starts: np.ndarray
    columns: np.ndarray
    times: np.ndarray
    width: int
    """How many columns there are."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.starts) - 1

    @staticmethod
    def counted(histories: list[np.ndarray], width: int) -> Cells:
        """One row per history of columns, each column counted."""
        row = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
        column = np.concatenate([*histories, np.zeros(0, np.int64)]).astype(np.int64)
        return Cells._of(row, column, np.ones(len(row)), len(histories), width)

    def transposed(self) -> Cells:
        """Columns as rows."""
        row = np.repeat(np.arange(self.rows), np.diff(self.starts))
        return Cells._of(self.columns, row, self.times, self.width, self.rows)

    def take(self, rows: np.ndarray) -> Cells:
        """These rows, in this order."""
        parts = [np.arange(self.starts[row], self.starts[row + 1]) for row in rows]
        at = np.concatenate([*parts, np.zeros(0, np.int64)]).astype(np.int64)
        return Cells(np.concatenate(([0], np.cumsum([len(part) for part in parts]))).astype(np.int64), self.columns[at], self.times[at], self.width)

    def padded(self, cells_max: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Rows that have a cell, those of like length together: row numbers [b], columns [b, n] and times [b, n], 0 where there is none.

        b · n is at most `cells_max`, or b is 1.
        """
        sizes = np.diff(self.starts)
        order = np.argsort(sizes, kind="stable")
        order = order[sizes[order] > 0]
        while len(order):
            # Ascending, so the last row of a batch is its longest.
            room = np.flatnonzero(sizes[order] * np.arange(1, len(order) + 1) <= cells_max)
            rows, order = np.split(order, [1 + room[-1] if len(room) else 1])
            place = np.arange(sizes[rows[-1]])[None, :]
            there = place < sizes[rows][:, None]
            at = np.where(there, self.starts[rows][:, None] + place, 0)
            yield rows, np.where(there, self.columns[at], 0), np.where(there, self.times[at], 0.0)

    @staticmethod
    def _of(row: np.ndarray, column: np.ndarray, times: np.ndarray, rows: int, width: int) -> Cells:
        cell, where = np.unique(row * width + column, return_inverse=True)
        starts = np.searchsorted(cell, np.arange(rows + 1) * width)
        return Cells(starts, cell % width, np.bincount(where, times, len(cell)), width)
