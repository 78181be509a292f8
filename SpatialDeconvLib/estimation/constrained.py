"""Kernels that are not negative, sum to 1, or both: accelerated projected gradients with exact projections.

Minimises f(h) = 1/2 h^T A h - b^T h over the feasible kernels. Steps of FISTA [1]_ with restarts [2]_ find out
which voxels are zero; conjugate gradients on the voxels that are not then finish what gradients take long for,
and a projection of what they found, halved until f falls, is the next point [3]_.

References
----------
.. [1] A. Beck, M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse problems",
   SIAM Journal on Imaging Sciences 2(1), 183-202, 2009.
.. [2] B. O'Donoghue, E. Candes, "Adaptive restart for accelerated gradient schemes", Foundations of
   Computational Mathematics 15, 715-732, 2015.
.. [3] J. J. More, G. Toraldo, "On the solution of large quadratic programming problems with bound constraints",
   SIAM Journal on Optimization 1(1), 93-113, 1991.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Product = Callable[[np.ndarray], np.ndarray]

_GRADIENT_STEPS = 8
_FACE_STEPS = 40


def project(kernels: np.ndarray, constraint: str, total: float = 1.0) -> np.ndarray:
    """Return the nearest kernels (K, *shape), each by itself, that satisfy the constraint.

    Parameters
    ----------
    constraint : {"non-negative", "sum-one", "simplex"}
    total : float
        What "sum-one" and "simplex" take for one.
    """
    if constraint == "non-negative":
        return np.maximum(kernels, 0)
    flat = kernels.reshape(len(kernels), -1)
    if constraint == "sum-one":
        flat = flat + (total - flat.sum(axis=1, keepdims=True)) / flat.shape[1]
    else:
        flat = np.stack([_onto_simplex(row, total) for row in flat])
    return flat.reshape(kernels.shape)


def _onto_simplex(row: np.ndarray, total: float) -> np.ndarray:
    """max(row - t, 0) with t such that the sum is `total`; t follows from the sorted values."""
    ordered = np.sort(row)[::-1]
    excess = np.cumsum(ordered) - total
    used = np.flatnonzero(ordered * np.arange(1, row.size + 1) > excess)[-1]
    return np.maximum(row - excess[used] / (used + 1), 0)


@dataclass
class _Point:
    """A feasible point with A h, so that f and its gradient cost nothing more."""

    h: np.ndarray
    product: np.ndarray
    b: np.ndarray

    @property
    def value(self) -> float:
        return float(np.vdot(self.h, 0.5 * self.product - self.b))

    @property
    def gradient(self) -> np.ndarray:
        return self.product - self.b


class ConstrainedSolver:
    """min 1/2 h^T A h - b^T h over kernels that are not negative and, if wanted, have a given sum.

    Parameters
    ----------
    product : callable
        h -> A h for arrays (K, *shape); A symmetric and positive.
    b : ndarray (K, *shape)
    total : float or None
        Sum of every kernel; None leaves it free.
    step : callable, optional
        Called with the number of products after each one; may raise to stop.
    """

    def __init__(self, product: Product, b: np.ndarray, total: float | None, step: Callable | None = None):
        self._product, self.b, self.total, self._step = product, b, total, step
        self.products = 0
        self.lipschitz = self._largest()

    def solve(self, start: np.ndarray, limit: int, tolerance: float = 1e-4) -> np.ndarray:
        """Return the minimiser: to `limit` products, or until a round changes the kernels by less than
        `tolerance` of their norm."""
        point = self._point(self._project(start))
        quiet = 0
        while self.products < limit:
            before = point
            point = self._gradients(point, limit)
            point = self._face(point, limit)
            change = np.linalg.norm(point.h - before.h)
            # Twice, as one round may have been spent on finding the voxels that are zero.
            quiet = quiet + 1 if change <= tolerance * np.linalg.norm(point.h) else 0
            if quiet == 2 or change == 0:
                break
        return point.h

    def _project(self, h: np.ndarray) -> np.ndarray:
        return project(h, "non-negative") if self.total is None else project(h, "simplex", self.total)

    def _apply(self, h: np.ndarray) -> np.ndarray:
        self.products += 1
        if self._step is not None:
            self._step(self.products)
        return self._product(h)

    def _point(self, h: np.ndarray) -> _Point:
        return _Point(h, self._apply(h), self.b)

    def _largest(self) -> float:
        """Upper end of A's spectrum, by the power method from a start that favours no voxel."""
        v = np.random.default_rng(0).standard_normal(self.b.shape) + 1
        size = 0.0
        for _ in range(12):
            v /= np.linalg.norm(v)
            v = self._apply(v)
            before, size = size, float(np.linalg.norm(v))
            if size - before <= 0.01 * size:
                break
        return 1.05 * size

    def _gradients(self, point: _Point, limit: int) -> _Point:
        """Some steps of FISTA. The product at the extrapolated point comes from those at the last two points."""
        before, momentum = point, 1.0
        for _ in range(_GRADIENT_STEPS):
            following = 0.5 * (1 + np.sqrt(1 + 4 * momentum**2))
            beta = (momentum - 1) / following
            h = point.h + beta * (point.h - before.h)
            gradient = point.product + beta * (point.product - before.product) - self.b
            while True:
                new = self._point(self._project(h - gradient / self.lipschitz))
                moved = new.h - h
                # The step is short enough when f lies below its quadratic bound there.
                curvature = np.vdot(moved, new.product - gradient - self.b)
                if curvature <= self.lipschitz * np.vdot(moved, moved) * (1 + 1e-9) or self.products >= limit:
                    break
                self.lipschitz *= 2
            if new.value > point.value:
                if beta == 0:
                    return point  # only rounding is left
                before, momentum = point, 1.0  # restart
                continue
            before, point, momentum = point, new, following
            if self.products >= limit:
                break
        return point

    def _face(self, point: _Point, limit: int) -> _Point:
        """Conjugate gradients over the voxels that are not zero, then a step there that lowers f."""
        free = point.h > 0
        counts = np.maximum(free.reshape(len(free), -1).sum(axis=1), 1).reshape(-1, *[1] * (free.ndim - 1))
        axes = tuple(range(1, free.ndim))

        def tangential(v: np.ndarray) -> np.ndarray:
            v = np.where(free, v, 0)
            if self.total is not None:
                v = np.where(free, v - v.sum(axis=axes, keepdims=True) / counts, 0)
            return v

        d = np.zeros_like(point.h)
        image = np.zeros_like(d)  # A d
        r = tangential(-point.gradient)
        p, energy = r, float(np.vdot(r, r))
        best_drop = total = 0.0
        for _ in range(_FACE_STEPS):
            if energy == 0 or self.products >= limit:
                break
            q = self._apply(p)
            curvature = float(np.vdot(p, q))
            if curvature <= 0:
                break
            step = energy / curvature
            d, image = d + step * p, image + step * q
            r = r - step * tangential(q)
            drop = 0.5 * step * energy
            total += drop
            best_drop = max(best_drop, drop)
            if drop <= 0.003 * best_drop or drop <= 1e-3 * total / _FACE_STEPS:
                break
            before, energy = energy, float(np.vdot(r, r))
            p = r + energy / before * p
        if not d.any():
            return point
        inside = _Point(point.h + d, point.product + image, self.b)
        if inside.h.min() >= 0:
            return inside if inside.value < point.value else point
        for halvings in range(6):
            new = self._point(self._project(point.h + 0.5**halvings * d))
            if new.value < point.value:
                return new
        return point
