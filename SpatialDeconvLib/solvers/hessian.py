"""Total variation and a share of the Hessian's norm, both smoothed, and their gradient.

    R(x) = TV(x) + q sum_i ( sqrt( |D^2 x|_i^2 + eps^2 ) - eps )

with the Frobenius norm of the second differences, in intensity per voxel of the finest axis squared. TV alone makes
flat steps of what is smooth; together they leave slopes slopes and keep edges (K. Papafitsoros and C. B. Schönlieb,
"A combined first and second order variational approach for image reconstruction", J. Math. Imaging Vision 48, 2014;
S. Lefkimmiatis, A. Bourquard and M. Unser, "Hessian-based norm regularization for image restoration", IEEE Trans.
Image Process. 21, 2012).

The second difference along one axis is central, x[i+1] - 2 x[i] + x[i-1], and 0 on an axis' first and last plane;
that along two axes is the forward difference of the forward difference, and 0 on the last plane of either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from ..arrays.boxes import Box
from ..arrays.sweep import Run
from ..arrays.threads import Scratch
from .totalvariation import TotalVariation

_TILE = 1 << 18  # voxels worked on at a time
_REACH = 2  # voxels on either side that the gradient of a voxel depends on


class HessianVariation(TotalVariation):
    """Value, gradient and curvature of R, with the interface of `TotalVariation`.

    Parameters
    ----------
    shape, spacing, run
        See `TotalVariation`.
    share : float
        q.
    """

    def __init__(self, shape: Sequence[int], spacing: Sequence[float], run: Run, share: float):
        super().__init__(shape, spacing, run)
        self.share = share
        self.tiles = tiles(self.shape, _TILE)
        self.scratch = Scratch()

    def __call__(self, x: np.ndarray, eps: float, weight: float, gradient: np.ndarray | None) -> float:
        """Return R(x) and add `weight` times its gradient to `gradient` (in place) if given."""
        return self._over_tiles(lambda tile: self._tile(x, tile, eps, weight, gradient))

    def curvature(self, x: np.ndarray, step: np.ndarray, eps: float) -> float:
        """Return c with R(x + t step) <= R(x) + t R'(x) step + t^2 c / 2 for all t.

        Square roots lie below their tangents, so c = sum_i |grad step|_i^2 / sqrt( |grad x|_i^2 + eps^2 ), and q
        times the same of second differences.
        """

        def part(tile: Box) -> float:
            outer, own = _surrounded(tile)
            there, ahead = _Differences(self, x[outer], "x"), _Differences(self, step[outer], "step")
            total = 0.0
            for norm, square, share in (
                (there.gradient_norm(eps), ahead.gradient_norm(0), 1.0),
                (there.hessian_norm(eps), ahead.hessian_norm(0), self.share),
            ):
                np.multiply(square, square, out=square)
                square /= norm
                total += share * float(square[own].sum(dtype=np.float64))
            return total

        return self._over_tiles(part)

    def _over_tiles(self, part: Callable[[Box], float]) -> float:
        values = [0.0] * len(self.tiles)

        def work(number: int) -> None:
            values[number] = part(self.tiles[number])

        self.run(work, range(len(self.tiles)))
        return math.fsum(values)

    def _tile(self, x: np.ndarray, tile: Box, eps: float, weight: float, gradient: np.ndarray | None) -> float:
        outer, own = _surrounded(tile)
        differences = _Differences(self, x[outer], "x")
        slope, bend = differences.gradient_norm(eps), differences.hessian_norm(eps)
        value = sum(
            share * (float(norm[own].sum(dtype=np.float64)) - eps * norm[own].size)
            for norm, share in ((slope, 1.0), (bend, self.share))
        )
        if gradient is not None:
            np.divide(x.dtype.type(weight), slope, out=slope)
            np.divide(x.dtype.type(weight * self.share), bend, out=bend)
            differences.add_transposed(slope, bend, gradient[tile], own)
        return value


def _surrounded(tile: Box) -> tuple[Box, Box]:
    """A tile with what its gradient depends on, and where it lies in that."""
    outer = tuple(slice(max(s.start - _REACH, 0), s.stop + _REACH) for s in tile)
    return outer, tuple(slice(s.start - o.start, s.stop - o.start) for s, o in zip(tile, outer, strict=True))


class _Differences:
    """First and second differences of a tile and of what surrounds it; beside the tile some are not right."""

    def __init__(self, penalty: HessianVariation, part: np.ndarray, name: str):
        self.scales = [part.dtype.type(s) for s in penalty.scales]
        self.shape, self.dtype = part.shape, part.dtype
        self._scratch, self._name = penalty.scratch, name
        self.first = [_forward(part, axis, scale, self._array(axis)) for axis, scale in enumerate(self.scales)]
        self.mixed = {
            (a, b): _forward(self.first[a], b, self.scales[b], self._array(a, b))
            for a, b in combinations(range(part.ndim), 2)
        }
        self.second = [
            _backward(d, axis, self.scales[axis], self._array(axis, axis)) for axis, d in enumerate(self.first)
        ]

    def _array(self, *key: object) -> np.ndarray:
        return self._scratch(f"{self._name} {key}", self.shape, self.dtype)

    def gradient_norm(self, eps: float) -> np.ndarray:
        return self._norm("gradient", self.first, [], eps)

    def hessian_norm(self, eps: float) -> np.ndarray:
        return self._norm("hessian", self.second, list(self.mixed.values()), eps)

    def _norm(self, name: str, once: list[np.ndarray], twice: list[np.ndarray], eps: float) -> np.ndarray:
        """sqrt of the sum of squares, and twice those of others, and eps^2."""
        norm, square = self._array(name), self._array("square")
        norm.fill(0)
        for d in twice:
            norm += np.multiply(d, d, out=square)
        if twice:
            norm *= self.dtype.type(2)
        for d in once:
            norm += np.multiply(d, d, out=square)
        norm += self.dtype.type(eps) ** 2
        return np.sqrt(norm, out=norm)

    def add_transposed(self, slope: np.ndarray, bend: np.ndarray, target: np.ndarray, own: Box) -> None:
        """Add sum_a D_a^T (slope D_a x + sum_b D_b^T (bend D_b D_a x)) to `target`. Spoils all arrays."""
        for axis, flux in enumerate(self.first):
            flux *= slope
            second = self.second[axis]
            second *= bend
            _add_backward_transposed(second, axis, self.scales[axis], flux)
        bend *= self.dtype.type(2)
        for (a, b), mixed in self.mixed.items():
            mixed *= bend
            _add_forward_transposed(mixed, b, self.scales[b], self.first[a])
        total = self._array("square")
        total.fill(0)
        for axis, flux in enumerate(self.first):
            _add_forward_transposed(flux, axis, self.scales[axis], total)
        target += total[own]


def tiles(shape: Sequence[int], size: int) -> list[Box]:
    """Cut an image into boxes of about `size` voxels, whole along the last axis."""
    rows = max(1, size // shape[-1])
    cuts = [_cuts(shape[0], rows)]
    if len(shape) == 3:
        side = min(shape[1], max(1, math.isqrt(2 * rows)))
        cuts = [_cuts(shape[0], rows // side), _cuts(shape[1], side)]
    boxes: list[Box] = [()]
    for parts in cuts:
        boxes = [(*box, part) for box in boxes for part in parts]
    return [(*box, slice(0, shape[-1])) for box in boxes]


def _cuts(length: int, thickness: int) -> list[slice]:
    thickness = max(1, thickness)
    return [slice(a, min(a + thickness, length)) for a in range(0, length, thickness)]


def _at(axis: int, start: int | None, stop: int | None) -> Box:
    return (*(slice(None),) * axis, slice(start, stop))


def _forward(x: np.ndarray, axis: int, scale: np.floating, out: np.ndarray) -> np.ndarray:
    inner = _at(axis, None, -1)
    np.subtract(x[_at(axis, 1, None)], x[inner], out=out[inner])
    out[_at(axis, -1, None)] = 0
    if scale != 1:
        out *= scale
    return out


def _add_forward_transposed(d: np.ndarray, axis: int, scale: np.floating, out: np.ndarray) -> None:
    if scale != 1:
        d *= scale
    flux = d[_at(axis, None, -1)]
    out[_at(axis, None, -1)] -= flux
    out[_at(axis, 1, None)] += flux


def _backward(forward: np.ndarray, axis: int, scale: np.floating, out: np.ndarray) -> np.ndarray:
    """Backward differences of forward ones, 0 at both ends."""
    inner = _at(axis, 1, -1)
    np.subtract(forward[inner], forward[_at(axis, None, -2)], out=out[inner])
    out[_at(axis, None, 1)] = 0
    out[_at(axis, -1, None)] = 0
    if scale != 1:
        out *= scale
    return out


def _add_backward_transposed(d: np.ndarray, axis: int, scale: np.floating, out: np.ndarray) -> None:
    if scale != 1:
        d *= scale
    flux = d[_at(axis, 1, -1)]
    out[_at(axis, 1, -1)] += flux
    out[_at(axis, None, -2)] -= flux
