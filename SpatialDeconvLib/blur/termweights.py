"""The weights of a blur's terms, plane by plane, kept in memory as far as allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..arrays.boxes import Box
from ..arrays.watch import Watch
from ..kernels.field import BoundField

#: Of a term: its kernel's number, or ("basis", r) for member r of a compressed family.
Name = int | tuple[str, int]
#: Multiplies planes a to b by weights.
Times = Callable[..., np.ndarray]

_PIECE = 1 << 14  # weights interpolated at a time, with indices of twice their size


class TermWeights:
    """The weights of the terms, plane by plane, kept in memory as far as allowed.

    They are of the operator's `dtype`. `matrix` (terms, K) combines the field's weights into those of the terms of
    a compressed family. Where a float32 operator need not be exact to rounding, `coarse`, levels are kept in
    16 bits: weights then are off by (K - 1) / 2^17 at most, the share of a step between adjacent kernels.
    """

    def __init__(
        self,
        bound: BoundField,
        shape: tuple[int, ...],
        pads: Sequence[tuple[int, int]],
        dtype: np.dtype,
        coarse: bool,
    ):
        self.bound, self.shape, self.pads, self.dtype = bound, shape, pads, np.dtype(dtype)
        self.parts = np.float32(65535 // max(1, len(bound) - 1)) if coarse else np.float32(0)  # of a level
        self.kept: dict[Name, np.ndarray] = {}
        self.ones: set[Name] = set()
        self.tables: dict[Name, tuple[np.ndarray, np.ndarray]] = {}
        self.level: np.ndarray | None = None
        field = getattr(bound, "field", None)
        self.hats = dtype == np.float32 and field is not None and field.key == "intensity" and len(bound) > 2

    def whole(self, k: int) -> np.ndarray:
        """Weights of kernel k on the side that they belong to, in the canonical shape."""
        return self._placed(self.bound.weight(k, self.dtype))

    @property
    def bytes_each(self) -> int:
        """Memory that the weights of one term take."""
        return self.dtype.itemsize * math.prod(self.shape)

    def _placed(self, values: np.ndarray) -> np.ndarray:
        if any(sum(pad) for pad in self.pads):
            values = np.pad(values, self.pads, mode="edge")
        return np.ascontiguousarray(values, self.dtype).reshape(self.shape)

    def combined(self, matrix: np.ndarray, watch: Watch) -> list[np.ndarray]:
        """Weights of a compressed family: sum_k matrix[r, k] w_k for every r."""
        totals = [np.zeros(self.shape, self.dtype) for _ in matrix]
        for k in np.flatnonzero(matrix.any(axis=0)):
            weight = self.whole(int(k))
            part = np.empty_like(weight)
            for total, c in zip(totals, matrix[:, k], strict=True):
                watch.check()
                total += np.multiply(weight, self.dtype.type(c), out=part)
        return totals

    def tabulate(self, names: Sequence[Name], matrix: np.ndarray) -> None:
        """Weights of a compressed family from the levels: sum_k matrix[r, k] w_k is piecewise linear in u."""
        self.prepare_levels()
        for name, row in zip(names, matrix.astype(np.float32), strict=True):
            self.tables[name] = row, np.append(np.diff(row), np.float32(0))

    def prepare_levels(self) -> None:
        if self.level is not None:
            return
        level = self._placed(self.bound.level())
        if self.parts:
            level *= self.parts
            level = np.rint(level, out=level).astype(np.uint16)
        self.level = level

    def _levels(self, level: np.ndarray) -> Callable[[int, int], np.ndarray]:
        parts = self.parts
        if not parts:
            return lambda a, b: level[a:b]
        return lambda a, b: level[a:b] / parts  # whole levels are exact

    def keep(self, k: int) -> None:
        """Keep the weights of kernel k, or that they are 1 everywhere: its image need not be multiplied then."""
        weight = self.whole(k)
        if np.all(weight == 1):
            self.ones.add(k)
        else:
            self.kept[k] = weight

    def times(self, name: Name, box: Box) -> Times:
        """Return a function (a, b, planes, out) -> planes a to b of an image on the box times a term's weights.

        They are in `out`, a new array without, or `planes` themselves where all the weights are 1.
        """
        if name in self.ones:
            return lambda a, b, planes, out=None: planes
        weight = self.reader(name, box)
        return lambda a, b, planes, out=None: np.multiply(planes, weight(a, b), out=out)

    def reader(self, name: Name, box: Box) -> Callable[[int, int], np.ndarray]:
        """Return a function (a, b) -> weights of a term in planes a to b of the box."""
        if name in self.kept:
            kept = self.kept[name][box]
            return lambda a, b: kept[a:b]
        if self.level is not None:
            levels = self._levels(self.level[box])
            if name in self.tables:
                table = self.tables[name]
                return lambda a, b: _interpolated(levels(a, b), *table)
            k = _kernel(name)
            return lambda a, b: _hat(levels(a, b), k)
        weight = np.broadcast_to(self.dtype.type(1), self.shape) if name in self.ones else self.whole(_kernel(name))
        weight = weight[box]
        return lambda a, b: weight[a:b]


def _kernel(name: Name) -> int:
    if isinstance(name, tuple):
        raise KeyError(f"the family of {name} has no weights")
    return name


def _interpolated(level: np.ndarray, values: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    out = np.empty_like(level)
    step = max(1, _PIECE // max(1, level[:1].size))
    for a in range(0, len(level), step):
        part = out[a : a + step]
        cell = level[a : a + step].astype(np.intp)
        np.subtract(level[a : a + step], cell.astype(np.float32), out=part)
        part *= slopes[cell]
        part += values[cell]
    return out


def _hat(level: np.ndarray, k: int) -> np.ndarray:
    out = level - np.float32(k)
    np.abs(out, out=out)
    np.subtract(np.float32(1), out, out=out)
    return np.maximum(out, np.float32(0), out=out)
