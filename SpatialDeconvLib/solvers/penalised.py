"""Least squares with a penalty on total variation: min 1/2 |y - F(x)|^2 + l TV(x), x >= a lower bound.

F is the blur A for "tv", and the blur whose kernels are keyed to x itself for "self-keyed". TV is smoothed by 1 %
of the range of values for bounded L-BFGS, which comes near its minimum with a fifth to two fifths of the products
with A that Chambolle and Pock's iteration takes for the exact one
(`Testing/Benchmarks/bench_joint.py --only tv`), has no step to tune and serves the nonlinear model as well.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.inner import dot
from ..arrays.watch import Watch
from ..blur.operator import SpatiallyVariantBlur
from ..blur.selfkeyed import SelfKeyedBlur
from .iteration import Iterate, Iterates, Solution, run, solution
from .lbfgs import descend
from .lifting import STEPS, LiftedDescent, changes_grow
from .problem import Problem
from .stopping import LastIterate
from .totalvariation import SMOOTHING, TotalVariation
from .weights import WeightSearch, given_weight

_LIMIT, _TOLERANCE = 60, 2e-5
#: Weights tried from strong to weak, in units of the noise sigma.
_PATH = (0.8, 0.4, 0.2, 0.1, 0.05, 0.025, 0.0125)
_SLACK = 0.003
#: Of the range of values: less noise makes automatic weights no weaker, as no model is exact to so many digits.
_LEAST_ERROR = 1e-4
_TRIAL_STEPS, _TRIAL_TOLERANCE = 25, 2e-4
#: Of the coarse image from which "self-keyed" starts when its weight is given, and how much stronger its weight is.
_COARSE_STEPS, _COARSE_TOLERANCE, _COARSE_FACTOR = 15, 1e-3, 4


def tv(
    problem: Problem,
    iterations: int | None,
    regularization: Any,
    watch: Watch,
    *,
    tolerance: float = _TOLERANCE,
    lower: float | str = "auto",
) -> Solution:
    """Total variation with the weight `regularization`; see `self_keyed` for the options."""
    descent = _Descent(problem, LinearModel(problem.operator), lower, "TV")
    return descent.solve(iterations, regularization, tolerance, watch)


def self_keyed(
    problem: Problem,
    iterations: int | None,
    regularization: Any,
    watch: Watch,
    *,
    tolerance: float = _TOLERANCE,
    lower: float | str = "auto",
) -> Solution:
    """The same with the kernels keyed to the image that is sought.

    Parameters
    ----------
    iterations : int, optional
        Steps of the last stage.
    tolerance : float
        The relative fall of the objective in a step at which to stop.
    lower : float or "auto"
        The image's least value; "auto": 0 where the data look like those of a non-negative image, else none.
    """
    descent = _Descent(problem, SelfKeyedBlur(problem.operator), lower, "self-keyed")
    return descent.solve(iterations, regularization, tolerance, watch)


class LinearModel:
    """The model A x, with the interface of `SelfKeyedBlur`."""

    def __init__(self, operator: SpatiallyVariantBlur):
        self.operator = operator

    def forward(self, x: np.ndarray, watch: Watch | None = None) -> tuple[np.ndarray, None]:
        return self.operator.forward(x, watch), None

    def transposed(
        self, x: np.ndarray, residual: np.ndarray, slope: np.ndarray | None, watch: Watch | None = None
    ) -> np.ndarray:
        return self.operator.adjoint(residual, watch)


class Objective:
    """1/2 |y - F(x)|^2 + `weight` TV(x) and its gradient.

    Attributes
    ----------
    weight : float
    squared : float
        |y - F(x)|^2 at the last x.
    """

    def __init__(self, problem: Problem, model: LinearModel | SelfKeyedBlur):
        self.problem, self.model = problem, model
        operator = problem.operator
        self.tv = TotalVariation(operator.domain_shape, operator.bound.spacing, operator.run)
        self.eps = SMOOTHING * problem.span
        self.weight = 0.0
        self.squared = math.nan

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        watch = self.problem.watch
        difference, slope = self.model.forward(x, watch)
        difference -= self.problem.y
        self.problem.masked(difference)
        self.squared = dot(difference, difference)
        gradient = self.model.transposed(x, difference, slope, watch)
        variation = self.tv(x, self.eps, self.weight, gradient)
        return 0.5 * self.squared + self.weight * variation, gradient

    def difference(self, x: np.ndarray) -> np.ndarray:
        """y - F(x) at every voxel, also where the data do not count."""
        out, _ = self.model.forward(x, self.problem.watch)
        return np.subtract(self.problem.y, out, out=out)


class _Descent:
    """One run of "tv" or "self-keyed": a first image, the search for the weight, the descent with it."""

    def __init__(self, problem: Problem, model: LinearModel | SelfKeyedBlur, lower: float | str, name: str):
        self.problem, self.model, self.name = problem, model, name
        self.objective = Objective(problem, model)
        self.lower = problem.lower(lower)
        self.history: list[float] = []
        self.reason = ""

    def solve(self, iterations: int | None, regularization: Any, tolerance: float, watch: Watch) -> Solution:
        problem, objective = self.problem, self.objective
        first = x = self._first_image(watch.part(0.0, 0.2))
        if regularization == "auto":
            search = WeightSearch(tuple(f * problem.error(_LEAST_ERROR) for f in _PATH), _SLACK)
            x, weight = search(problem, lambda: first, self._try_weight, watch.part(0.2, 0.7))
        else:
            weight = given_weight(regularization, self.name)
            if isinstance(self.model, SelfKeyedBlur):
                coarse = _COARSE_FACTOR * weight
                x = self._descend(x, coarse, _COARSE_STEPS, _COARSE_TOLERANCE, watch.part(0.2, 0.4))
        x = self._descend(x, weight, iterations or _LIMIT, tolerance, watch.part(0.4, 1.0))
        difference = problem.masked(objective.difference(x))
        return solution(
            problem, x, problem.residual(dot(difference, difference)), self.history,
            regularization=weight, smoothing=objective.eps, lower=self.lower, stopped=self.reason,
        )  # fmt: skip

    def _first_image(self, watch: Watch) -> np.ndarray:
        """The data; for source-keyed kernels that differ too much to get from there to the image, a better one."""
        # Of all voxels, also those that the search for the weight leaves out: without them the start is worse.
        x, problem, model = self.problem.start(), self.problem, self.model
        if not (isinstance(model, SelfKeyedBlur) and model.source and changes_grow(model, x, 0.01 * problem.span)):
            return x
        del x  # what follows takes the most memory
        lifted = LiftedDescent(problem, model, self.objective.tv, self.lower)
        ended = run(problem, lifted.iterates(), STEPS, LastIterate(), watch, "first image, step")
        self.history += ended.history
        return lifted.image()

    def _try_weight(self, weight: float, x: np.ndarray, watch: Watch) -> tuple[np.ndarray, np.ndarray]:
        x = self._descend(x, weight, _TRIAL_STEPS, _TRIAL_TOLERANCE, watch)
        return x, self.objective.difference(x)

    def _descend(self, x: np.ndarray, weight: float, steps: int, tolerance: float, watch: Watch) -> np.ndarray:
        iterates = self._iterates(x, weight, tolerance)
        del x
        name = f"{self.name}, weight {weight:.3g}, step"
        ended = run(self.problem, iterates, steps, LastIterate(), watch, name)
        self.history += ended.history
        self.reason = ended.reason
        return ended.image

    def _iterates(self, x: np.ndarray, weight: float, tolerance: float) -> Iterates:
        self.objective.weight = weight
        images = descend(self.objective, x, self.lower, math.inf, tolerance=tolerance)
        del x
        while True:
            try:
                x = next(images)
            except StopIteration as end:
                return end.value
            yield Iterate(x, self.objective.squared)
            del x
