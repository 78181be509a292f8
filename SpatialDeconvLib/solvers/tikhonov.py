"""Least squares with a quadratic penalty: min |b (y - A x)|^2 + l |grad x|^2, by conjugate gradients.

b is 1 where all voxels have the same noise, and else makes those with more of it count less (`balance`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.inner import dot
from ..arrays.watch import Watch
from ..errors import check_choice
from .crossvalidation import best_weight
from .iteration import Iterate, Iterates, Solution, run, solution
from .problem import Problem
from .stopping import LastIterate, all_voxels_tell
from .weights import WeightSearch, given_weight

_LIMIT = 40
#: Weights of |grad x|^2 tried, in units of (sigma / range of values)^2, so that the unit does not matter.
_PATH = tuple(1.28e4 * 0.4**i for i in range(11))
#: A quadratic penalty lets noise through sooner than TV does.
_SLACK = 0.01
#: Of the range of values: less noise makes automatic weights no weaker, as no model is exact to so many digits.
_LEAST_ERROR = 1e-3
#: Of the image of a weight that is tried: most steps, and the share of the first gradient at which to stop. With
#: fewer, the errors of all voxels, which chance does not hide, hang on where the steps happened to end.
_TRIAL, _TRIAL_OF_ALL_VOXELS = (12, 0.1), (20, 0.05)


def tikhonov(
    problem: Problem,
    iterations: int | None,
    regularization: Any,
    watch: Watch,
    *,
    penalty: str = "gradient",
    tolerance: float = 1e-2,
) -> Solution:
    """Solve (A^T M b^2 A + l D) x = A^T M b^2 y; `regularization` is l.

    After the search for l it starts from what that found, unless `iterations` are given.

    Parameters
    ----------
    penalty : {"gradient", "identity"}
        D is that of |grad x|^2 or of |x|^2.
    tolerance : float
        The share of the first gradient at which to stop.
    """
    normal = _Normal(problem, penalty)
    history: list[float] = []

    def solve(seen: Problem, weight: float, x: np.ndarray, steps: int, share: float, part: Watch) -> np.ndarray:
        iterates = conjugate_gradients(seen, normal, weight, x, share)
        ended = run(seen, iterates, steps, LastIterate(), part, "Tikhonov")
        history.extend(ended.history if seen.y is problem.y else ())
        return ended.image

    if regularization == "auto":

        def attempt(seen: Problem, weight: float, x: np.ndarray, part: Watch) -> np.ndarray:
            return solve(seen, weight, x, *_TRIAL_OF_ALL_VOXELS, part)

        def try_weight(weight: float, x: np.ndarray, part: Watch) -> tuple[np.ndarray, np.ndarray]:
            x = solve(problem, weight, x, *_TRIAL, part)
            return x, problem.y - problem.forward(x)

        unit = (problem.error(_LEAST_ERROR) / problem.span) ** 2
        weights, searching = tuple(f * unit for f in _PATH), watch.part(0.0, 0.7)
        if all_voxels_tell(problem):
            x, weight = best_weight(problem, weights, problem.even_start(), attempt, searching)
        else:
            x, weight = WeightSearch(weights, _SLACK)(problem, problem.even_start, try_weight, searching)
        if iterations is not None:  # as many as were asked for: those of the search are not among them
            x = problem.start()
            history.clear()
    else:
        x, weight = problem.start(), given_weight(regularization, "tikhonov")
    x = solve(problem, weight, x, iterations or _LIMIT, tolerance, watch.part(0.7, 1.0))
    difference = problem.masked(problem.y - problem.forward(x))
    residual = problem.residual(dot(difference, difference))
    balanced = problem.balance is not None
    return solution(problem, x, residual, history, regularization=weight, penalty=penalty, balanced=balanced)


class _Normal:
    """D, the normal operator of |grad x|^2 (zero flux across the faces), or the identity."""

    def __init__(self, problem: Problem, penalty: str):
        check_choice(penalty, ("gradient", "identity"), "penalty")
        finest = min(problem.operator.bound.spacing)
        self.scales = [(finest / h) ** 2 for h in problem.operator.bound.spacing]
        self.identity = penalty == "identity"

    def add(self, x: np.ndarray, weight: float, out: np.ndarray) -> None:
        """Add `weight` times the operator applied to x, in place."""
        if self.identity:
            out += x.dtype.type(weight) * x
            return
        for axis, scale in enumerate(self.scales):
            d = np.diff(x, axis=axis)
            d *= x.dtype.type(weight * scale)
            head = (slice(None),) * axis
            later, earlier = (*head, slice(1, None)), (*head, slice(None, -1))
            out[later] += d
            out[earlier] -= d


def conjugate_gradients(
    problem: Problem, normal: _Normal, weight: float, x: np.ndarray, tolerance: float
) -> Iterates:
    """Yield the start and then the iterates of conjugate gradients; they share one array."""
    dtype, dot_all = problem.dtype, problem.agreed.dot

    def model(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen = problem.masked(problem.forward(image))
        out = problem.adjoint(problem.weighted(seen))
        normal.add(image, weight, out)
        return out, seen

    x = x.copy()
    r = problem.adjoint(problem.weighted(problem.masked(problem.y.copy())))
    least = np.finfo(dtype).eps ** 2 * dot_all("first", r, r)
    product, seen = model(x)
    r -= product
    p = r.copy()
    rho = dot_all("rho", r, r)
    # Of the first gradient, as far as rounding allows: near the solution a share of A^T y would be reached at once.
    target = max(tolerance**2 * rho, least)
    problem.masked(np.subtract(problem.y, seen, out=seen))  # the residual in the data, updated along
    del product
    while True:
        yield Iterate(x, dot(seen, seen))
        if rho <= target:
            return "converged"
        product, change = model(p)
        alpha = rho / dot_all("bend", p, product)
        product *= dtype.type(alpha)
        r -= product
        change *= dtype.type(alpha)
        seen -= change
        x += np.multiply(p, dtype.type(alpha), out=product)
        del product, change
        before, rho = rho, dot_all("rho", r, r)
        p *= dtype.type(rho / before)
        p += r
