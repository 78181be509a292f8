"""Landweber's iteration for the spatially variant blur, with Nesterov's acceleration.

    x <- p + t A^T (y - A p),   p the image ahead of x

FISTA (Beck and Teboulle, SIAM J. Imaging Sciences 2, 2009) with O'Donoghue and Candes' restarts; projected:
with x >= 0.
"""

from __future__ import annotations

import copy
import math
from functools import partial
from typing import Any

import numpy as np

from ..arrays.inner import dot
from ..arrays.watch import Watch
from ..blur.operator import SpatiallyVariantBlur
from ..errors import InputError
from ..methods.registry import JOINT_STEP
from .flux import with_flux
from .iteration import Iterate, Iterates, Solution, run, solution
from .models import LinearModel
from .problem import Problem
from .stopping import LastIterate, stopped_early
from .weights import given_weight

_LIMIT = 300


def landweber(problem: Problem, iterations: int | None, regularization: Any, watch: Watch) -> Solution:
    """Minimise |y - A x|^2 by gradient steps; `regularization` is the step."""
    return _descend(problem, iterations, regularization, watch, "Landweber", project=False)


def projected_landweber(problem: Problem, iterations: int | None, regularization: Any, watch: Watch) -> Solution:
    """The same with x >= 0."""
    return _descend(problem, iterations, regularization, watch, "projected Landweber", project=True)


def _descend(
    problem: Problem, iterations: int | None, regularization: Any, watch: Watch, name: str, project: bool
) -> Solution:
    step = AutomaticStep(problem) if regularization == "auto" else GivenStep(problem, regularization)

    def begin(part: Problem, keep: bool) -> Iterates:
        return accelerated(part, copy.copy(step), project, keep)

    if iterations is None:
        ended, reason = stopped_early(problem, begin, _LIMIT, watch, name, noise=problem.noise)
    else:
        ended = run(problem, begin(problem, False), iterations, LastIterate(), watch, name)
        reason = ended.reason
    image, residual = ended.image, ended.residual
    if project:
        image, residual = with_flux(problem, LinearModel(problem.operator), image, 0.0, ended.best)
    return solution(problem, image, residual, ended.history, regularization=step.length, stopped=reason)


class AutomaticStep:
    """0.98 / |A|^2."""

    def __init__(self, problem: Problem):
        self.length = 0.98 / max(_norm(problem), 1e-30)

    def check(self, residual: float) -> None:
        """The iteration converges with this step."""


class GivenStep:
    """A step with which Nesterov's momentum can converge: up to 4 / (3 |A|^2)."""

    def __init__(self, problem: Problem, given: Any):
        self.length = given_weight(given, "landweber")
        self._least = math.inf
        if self.length == 0:
            raise InputError("regularization 0 of landweber is its step and must be positive, or 'auto'")
        largest = JOINT_STEP.most / max(_norm(problem), 1e-30)
        if self.length > largest:
            raise InputError(self._too_large(f"beyond {largest:.3g} it diverges"))

    def check(self, residual: float) -> None:
        """Refuse to go on when the residual has grown: `power_norm` is an estimate from below."""
        if not residual <= 2 * self._least + 1:
            raise InputError(self._too_large(f"the residual grew from {self._least:.3g} to {residual:.3g}"))
        self._least = min(self._least, residual)

    def _too_large(self, why: str) -> str:
        return (
            f"regularization {self.length:g} is too large a step for landweber: {why}; take a smaller one or 'auto'"
        )


def accelerated(problem: Problem, step: AutomaticStep | GivenStep, project: bool, keep: bool) -> Iterates:
    """Yield the start and then the images ahead, each left alone afterwards.

    `keep` asks for y - A x too, at every voxel.
    """
    dtype = problem.dtype
    point = problem.calm_start()
    if project:
        np.maximum(point, 0, out=point)
    x, momentum = point, 1.0
    while True:
        difference = problem.forward(point)
        np.subtract(problem.y, difference, out=difference)
        seen = problem.masked(difference.copy()) if keep else problem.masked(difference)
        squared = dot(seen, seen)
        step.check(problem.agreed("residual", partial(problem.residual, squared)))
        yield Iterate(point, squared, difference, float(seen.sum(dtype=np.float64)) if project else math.nan)
        new = problem.adjoint(seen)
        new *= dtype.type(step.length)
        new += point
        if project:
            np.maximum(new, 0, out=new)
        if problem.agreed.dot("uphill", point - new, new - x) > 0:
            momentum = 1.0  # the momentum points uphill: start it again
        following = 0.5 * (1 + math.sqrt(1 + 4 * momentum**2))
        point = new + dtype.type((momentum - 1) / following) * (new - x)
        if project:
            np.maximum(point, 0, out=point)
        x, momentum = new, following


def _norm(problem: Problem) -> float:
    return problem.agreed("norm", lambda: power_norm(problem.operator, problem.mask, watch=problem.watch))


def power_norm(
    operator: SpatiallyVariantBlur, mask: np.ndarray | None = None, iterations: int = 12, watch: Watch | None = None
) -> float:
    """Return an estimate of |A|^2, the largest eigenvalue of A^T M A, from below, by the power iteration.

    The start is an image of ones with a fixed pattern added, so the result is reproducible.
    """
    x = np.random.default_rng(0).standard_normal(operator.domain_shape).astype(operator.dtype)
    x *= operator.dtype.type(0.1)
    x += operator.dtype.type(1)
    value = 0.0
    for _ in range(iterations):
        x /= operator.dtype.type(math.sqrt(dot(x, x)))
        z = operator.forward(x, watch)
        if mask is not None:
            z[~mask] = 0
        previous, value = value, dot(z, z)
        if value == 0 or abs(value - previous) < 1e-3 * value:
            break
        x = operator.adjoint(z, watch)
    return value
