"""The term of the data in what penalties are added to: 1/2 |y - F(x)|^2 and its gradient."""

from __future__ import annotations

import math

import numpy as np

from ..arrays.inner import dot
from .models import Model
from .problem import Problem


class DataTerm:
    """1/2 |y - F(x)|^2 over the voxels that count.

    Parameters
    ----------
    problem : Problem
    model : LinearModel or SelfKeyedBlur
        F.

    Attributes
    ----------
    squared : float
        |y - F(x)|^2 at the last x.
    """

    def __init__(self, problem: Problem, model: Model):
        self.problem, self.model = problem, model
        self.squared = math.nan

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the value and the gradient, a new array."""
        watch = self.problem.watch
        difference, slope = self.model.forward(x, watch)
        difference -= self.problem.y
        self.problem.masked(difference)
        self.squared = dot(difference, difference)
        return 0.5 * self.squared, self.model.transposed(x, difference, slope, watch)

    def difference(self, x: np.ndarray) -> np.ndarray:
        """y - F(x) at every voxel, also where the data do not count."""
        out, _ = self.model.forward(x, self.problem.watch)
        return np.subtract(self.problem.y, out, out=out)
