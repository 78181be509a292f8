"""A limited-memory quasi-Newton method with bounds, lean enough for volumes.

Projected L-BFGS: steps along -H g on the voxels that are free to move, projected onto the bounds, with a
backtracking search (D. P. Bertsekas, "Projected Newton methods for optimization problems with simple
constraints", SIAM J. Control Optim. 20, 1982; J. Nocedal, "Updating quasi-Newton matrices with limited
storage", Math. Comp. 35, 1980). Vectors keep the image's dtype, sums are taken in float64. Memory: 2 m + 5
images for m pairs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from functools import partial

import numpy as np

from .agreement import Agreement

_ARMIJO = 1e-4
_LONGEST_SEARCH = 12

#: A step, the change of the gradient along it, and their inner product.
Correction = tuple[np.ndarray, np.ndarray, float]


def descend(
    objective: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    lower: float,
    upper: float,
    *,
    tolerance: float = 1e-5,
    pairs: int = 3,
    precondition: Callable[[np.ndarray], np.ndarray] | None = None,
    agreed: Agreement | None = None,
) -> Generator[np.ndarray, None, str]:
    """Yield the start, clipped to the bounds, and then a better x with lower <= x <= upper after each step.

    Parameters
    ----------
    objective : callable x -> (value, gradient)
        The gradient is a new array each time. The last call before x is yielded was with that x.
    start : ndarray
    tolerance : float
        End when the value falls by less than this share of itself, on the mean of three steps.
    pairs : int
        Corrections kept.
    precondition : callable, optional
        Multiplies an image, in place, by an approximate inverse of the second derivative: symmetric and positive
        definite. Without it, the identity. A multiple of either is taken, by how the gradient changes.
    agreed : Agreement, optional
        Where inner products come from; the objective's values are to come from there, too.

    Returns
    -------
    str
        Why it ended.
    """
    agreed = Agreement() if agreed is None else agreed
    x = np.clip(start, lower, upper)
    value, gradient = objective(x)
    memory: deque[Correction] = deque(maxlen=pairs)
    falls: deque[float] = deque(maxlen=3)
    scale = 1.0
    yield x
    while True:
        fixed = (x <= lower) & (gradient > 0)
        if upper < np.inf:
            fixed |= (x >= upper) & (gradient < 0)
        direction = _direction(gradient, memory, fixed, precondition, scale, agreed)
        if not memory and precondition is None:
            # No curvature yet: move the steepest voxel by about a tenth of its scale.
            direction *= x.dtype.type(agreed("first length", partial(_first_length, x, direction)))
        found = False
        length = 1.0
        for _ in range(_LONGEST_SEARCH):
            trial = np.clip(x + x.dtype.type(length) * direction, lower, upper)
            step = trial - x
            slope = agreed.dot("slope", gradient, step)
            del step  # made again: the objective needs the room
            if slope >= 0:
                break
            trial_value, trial_gradient = objective(trial)
            if trial_value <= value + _ARMIJO * slope:
                found = True
                break
            del trial, trial_gradient
            # The parabola through both values and the slope, within reason.
            best = -slope / (2 * (trial_value - value - slope)) if np.isfinite(trial_value) else 0.1
            length *= min(max(best, 0.1), 0.5)
        if not found:
            if memory:  # forget the curvature and try the gradient before giving up
                memory.clear()
                continue
            return "no further decrease"
        del direction
        step = trial - x
        change = np.subtract(trial_gradient, gradient, out=gradient)
        change[fixed] = 0
        step[fixed] = 0
        curvature = agreed.dot("curvature", step, change)
        if curvature > 1e-8 * np.sqrt(agreed.dot("step", step, step) * agreed.dot("change", change, change)):
            memory.append((step, change, curvature))
            seen = curvature / _size(change, precondition, agreed)
            # A preconditioner that is a little too strong is the faster one, as long as full steps are taken.
            scale = seen if precondition is None else min(1.0, seen if length < 1 else max(scale, seen))
        falls.append((value - trial_value) / max(abs(trial_value), 1e-30))
        x, value, gradient = trial, trial_value, trial_gradient
        del step, change, trial, trial_gradient
        yield x
        if len(falls) == falls.maxlen and sum(falls) / len(falls) < tolerance:
            return "converged"


def _direction(
    gradient: np.ndarray,
    memory: deque[Correction],
    fixed: np.ndarray,
    precondition: Callable[[np.ndarray], np.ndarray] | None,
    scale: float,
    agreed: Agreement,
) -> np.ndarray:
    """-H g on the free voxels, by the two-loop recursion from `scale` times the preconditioner."""
    q = -gradient
    q[fixed] = 0
    scalar = q.dtype.type
    factors = []
    for step, change, curvature in reversed(memory):
        factor = agreed.dot("back", step, q) / curvature
        q -= scalar(factor) * change
        factors.append(factor)
    if precondition is not None:
        q = precondition(q)
        q[fixed] = 0
    if memory:
        q *= scalar(scale)
    for (step, change, curvature), factor in zip(memory, reversed(factors), strict=True):
        q += scalar(factor - agreed.dot("ahead", change, q) / curvature) * step
    q[fixed] = 0
    return q


def _size(change: np.ndarray, precondition: Callable[[np.ndarray], np.ndarray] | None, agreed: Agreement) -> float:
    """The square of a gradient's change as the preconditioner measures it."""
    if precondition is None:
        return agreed.dot("change", change, change)
    return agreed.dot("preconditioned change", change, precondition(change.copy()))


def _first_length(x: np.ndarray, direction: np.ndarray) -> float:
    steepest = float(np.abs(direction).max())
    spread = float(x.std()) or 1.0
    return 0.1 * spread / steepest if steepest > 0 else 0.0
