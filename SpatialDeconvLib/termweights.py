"""The weights of a blur's terms, plane by plane, kept in memory as far as allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .fields import BoundField, Box


class TermWeights:
    """The weights of the terms, plane by plane, kept in memory as far as allowed.

    `matrix` (terms, K) combines the field's weights into those of the terms of a compressed family.
    """

    def __init__(self, bound: BoundField, shape: tuple[int, ...], pads, dtype: np.dtype):
        self.bound, self.shape, self.pads = bound, shape, pads
        self.kept: dict[object, np.ndarray] = {}
        self.tables: dict[object, tuple[np.ndarray, np.ndarray]] = {}
        self.level: np.ndarray | None = None
        field = getattr(bound, "field", None)
        self.hats = dtype == np.float32 and field is not None and field.key == "intensity" and len(bound) > 2

    def whole(self, k: int) -> np.ndarray:
        """Weights of kernel k on the side that they belong to, in the canonical shape."""
        return self._placed(self.bound.weight(k))

    def _placed(self, values: np.ndarray) -> np.ndarray:
        if any(sum(pad) for pad in self.pads):
            values = np.pad(values, self.pads, mode="edge")
        return np.ascontiguousarray(values, np.float32).reshape(self.shape)

    def combined(self, matrix: np.ndarray) -> list[np.ndarray]:
        """Weights of a compressed family: sum_k matrix[r, k] w_k for every r."""
        totals = [np.zeros(self.shape, np.float32) for _ in matrix]
        for k in np.flatnonzero(matrix.any(axis=0)):
            weight = self.whole(int(k))
            part = np.empty_like(weight)
            for total, c in zip(totals, matrix[:, k], strict=True):
                total += np.multiply(weight, np.float32(c), out=part)
        return totals

    def tabulate(self, names: Sequence[object], matrix: np.ndarray) -> None:
        """Weights of a compressed family from the levels: sum_k matrix[r, k] w_k is piecewise linear in u."""
        self.prepare_levels()
        for name, row in zip(names, matrix.astype(np.float32), strict=True):
            self.tables[name] = row, np.append(np.diff(row), np.float32(0))

    def prepare_levels(self) -> None:
        if self.level is None:
            self.level = self._placed(self.bound.level())

    def reader(self, k: int, box: Box) -> Callable[[int, int], np.ndarray]:
        """Return a function (a, b) -> weights of kernel k in planes a to b of the box."""
        if k in self.kept:
            kept = self.kept[k][box]
            return lambda a, b: kept[a:b]
        if k in self.tables:
            level, table = self.level[box], self.tables[k]
            return lambda a, b: _interpolated(level[a:b], *table)
        if self.level is not None:
            level = self.level[box]
            return lambda a, b: _hat(level[a:b], k)
        weight = self.whole(k)[box]
        return lambda a, b: weight[a:b]


def _interpolated(level: np.ndarray, values: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    cell = level.astype(np.intp)
    out = level - cell.astype(np.float32)
    out *= slopes[cell]
    out += values[cell]
    return out


def _hat(level: np.ndarray, k: int) -> np.ndarray:
    out = level - np.float32(k)
    np.abs(out, out=out)
    np.subtract(np.float32(1), out, out=out)
    return np.maximum(out, np.float32(0), out=out)
