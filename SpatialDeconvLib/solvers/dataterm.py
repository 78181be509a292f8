"""The term of the data in what penalties are added to: 1/2 |b (y - F(x))|^2 and its gradient.

b is 1 where all voxels have the same noise, and else makes those with more of it count less (`balance`).
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays.inner import dot
from ..arrays.sweep import Sweep
from .models import Model
from .problem import Problem


class DataTerm:
    """1/2 |b (y - F(x))|^2 over the voxels that count.

    Parameters
    ----------
    problem : Problem
    model : LinearModel or SelfKeyedBlur
        F.

    Attributes
    ----------
    squared : float
        |y - F(x)|^2 at the last x, without b.
    lacking : float
        The sum of y - F(x) there.
    """

    def __init__(self, problem: Problem, model: Model):
        self.problem, self.model = problem, model
        self._sweep = Sweep(problem.y.shape, problem.operator.run)
        self.squared = self.lacking = math.nan

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the value and the gradient, a new array."""
        watch, agreed, balance = self.problem.watch, self.problem.agreed, self.problem.balance
        difference, slope = self.model.forward(x, watch)
        self.squared, lacking, balanced = self._sums(difference, balance)
        self.lacking = -lacking
        value = agreed.number("data term", balanced)
        return 0.5 * value, self.model.transposed(difference, slope, watch)

    def _sums(self, image: np.ndarray, balance: np.ndarray | None) -> list[float]:
        """Make b^2 (F(x) - y) of F(x), in place; return |F(x) - y|^2, the sum of F(x) - y, |b (F(x) - y)|^2."""
        y, mask = self.problem.y, self.problem.mask

        def work(slab: slice) -> tuple[float, float, float]:
            part = np.subtract(image[slab], y[slab], out=image[slab])
            if mask is not None:
                np.copyto(part, 0, where=~mask[slab])
            squared, total = dot(part, part), float(part.sum(dtype=np.float64))
            if balance is None:
                return squared, total, squared
            part *= balance[slab]
            balanced = dot(part, part)
            part *= balance[slab]
            return squared, total, balanced

        return self._sweep.sums(work)

    def difference(self, x: np.ndarray) -> np.ndarray:
        """y - F(x) at every voxel, also where the data do not count; without b."""
        out, _ = self.model.forward(x, self.problem.watch)
        return np.subtract(self.problem.y, out, out=out)
