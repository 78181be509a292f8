"""The term of the data in what penalties are added to: 1/2 |b (y - F(x))|^2 and its gradient.

b is 1 where all voxels have the same noise, and else makes those with more of it count less (`balance`).
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays.inner import dot
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
        self.squared = self.lacking = math.nan

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the value and the gradient, a new array."""
        watch = self.problem.watch
        difference, slope = self.model.forward(x, watch)
        difference -= self.problem.y
        self.problem.masked(difference)
        self.squared = dot(difference, difference)
        self.lacking = -float(difference.sum(dtype=np.float64))
        balance = self.problem.balance
        if balance is not None:
            difference *= balance
        agreed = self.problem.agreed
        value = agreed("data term", lambda: self.squared if balance is None else dot(difference, difference))
        if balance is not None:
            difference *= balance
        return 0.5 * value, self.model.transposed(x, difference, slope, watch)

    def difference(self, x: np.ndarray) -> np.ndarray:
        """y - F(x) at every voxel, also where the data do not count; without b."""
        out, _ = self.model.forward(x, self.problem.watch)
        return np.subtract(self.problem.y, out, out=out)
