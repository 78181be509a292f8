"""A limited-memory quasi-Newton method with bounds, lean enough for volumes.

Projected L-BFGS: steps along -H g on the voxels that are free to move, projected onto the bounds, with a
backtracking search (D. P. Bertsekas, "Projected Newton methods for optimization problems with simple
constraints", SIAM J. Control Optim. 20, 1982; J. Nocedal, "Updating quasi-Newton matrices with limited
storage", Math. Comp. 35, 1980). Vectors keep the image's dtype, sums are taken in float64. Memory: 2 m + 5
images for m pairs. What a step does to its vectors is done in few passes over them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..arrays.inner import dot
from ..arrays.sweep import Sweep
from .agreement import Agreement

_ARMIJO = 1e-4
_LONGEST_SEARCH = 12

#: Multiplies an image, in place, by a matrix, and returns it.
Precondition = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Correction:
    """A step, the change of the gradient along it, their inner product, and the square of the change."""

    step: np.ndarray
    change: np.ndarray
    curvature: float
    square: float


def descend(
    objective: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    lower: float,
    upper: float,
    *,
    tolerance: float = 1e-5,
    pairs: int = 3,
    precondition: Precondition | None = None,
    agreed: Agreement | None = None,
    sweep: Sweep | None = None,
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
    sweep : Sweep, optional
        Over images like the start.

    Returns
    -------
    str
        Why it ended.
    """
    agreed = Agreement() if agreed is None else agreed
    sweep = Sweep(start.shape) if sweep is None else sweep
    x = np.clip(start, lower, upper)
    value, gradient = objective(x)
    memory: deque[Correction] = deque(maxlen=pairs)
    falls: deque[float] = deque(maxlen=3)
    scale = 1.0
    yield x
    while True:
        fixed = _fixed(x, gradient, lower, upper, sweep)
        direction = _direction(gradient, memory, fixed, precondition, scale, agreed, sweep)
        if not memory and precondition is None:
            # No curvature yet: move the steepest voxel by about a tenth of its scale.
            direction *= x.dtype.type(agreed("first length", partial(_first_length, x, direction)))
        found = False
        length = 1.0
        for _ in range(_LONGEST_SEARCH):
            trial, along = _moved(x, direction, length, gradient, lower, upper, sweep)
            slope = agreed.number("slope", along)
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
        correction = _correction(x, trial, gradient, trial_gradient, fixed, direction, agreed, sweep)
        if correction is not None:
            memory.append(correction)
            scale = _scaled(scale, length, correction, precondition, agreed)
        falls.append((value - trial_value) / max(abs(trial_value), 1e-30))
        x, value, gradient = trial, trial_value, trial_gradient
        del correction, direction, trial, trial_gradient
        yield x
        if len(falls) == falls.maxlen and sum(falls) / len(falls) < tolerance:
            return "converged"


def _fixed(x: np.ndarray, gradient: np.ndarray, lower: float, upper: float, sweep: Sweep) -> np.ndarray:
    """Which voxels are at a bound that they would leave."""
    out = np.empty(x.shape, bool)

    def work(slab: slice) -> None:
        np.logical_and(x[slab] <= lower, gradient[slab] > 0, out=out[slab])
        if upper < np.inf:
            out[slab] |= (x[slab] >= upper) & (gradient[slab] < 0)

    sweep(work)
    return out


def _moved(
    x: np.ndarray,
    direction: np.ndarray,
    length: float,
    gradient: np.ndarray,
    lower: float,
    upper: float,
    sweep: Sweep,
) -> tuple[np.ndarray, float]:
    """x after a step, within the bounds, and the gradient along it."""
    out, factor = np.empty_like(x), x.dtype.type(length)

    def work(slab: slice) -> tuple[float]:
        new = np.multiply(direction[slab], factor, out=out[slab])
        new += x[slab]
        np.clip(new, lower, upper, out=new)
        return (dot(gradient[slab], new - x[slab]),)

    return out, sweep.sums(work)[0]


def _correction(
    x: np.ndarray,
    trial: np.ndarray,
    gradient: np.ndarray,
    trial_gradient: np.ndarray,
    fixed: np.ndarray,
    room: np.ndarray,
    agreed: Agreement,
    sweep: Sweep,
) -> Correction | None:
    """What a step tells of the second derivative, if anything; in the places of `room` and of `gradient`."""
    step, change = room, gradient

    def work(slab: slice) -> tuple[float, float, float]:
        s, c = step[slab], change[slab]
        np.subtract(trial[slab], x[slab], out=s)
        np.subtract(trial_gradient[slab], c, out=c)
        for each in (s, c):
            np.copyto(each, 0, where=fixed[slab])
        return dot(s, c), dot(s, s), dot(c, c)

    found = sweep.sums(work)
    curvature, long, square = (
        agreed.number(name, number) for name, number in zip(("curvature", "step", "change"), found, strict=True)
    )
    if curvature <= 1e-8 * math.sqrt(long) * math.sqrt(square):
        return None
    return Correction(step, change, curvature, square)


def _scaled(
    scale: float, length: float, last: Correction, precondition: Precondition | None, agreed: Agreement
) -> float:
    """What the preconditioner is to be multiplied by, after a step of this length."""
    if precondition is None:
        return last.curvature / last.square
    # One that is a little too strong is the faster one, as long as full steps are taken.
    if scale == length == 1:
        return scale
    size = agreed.dot("preconditioned change", last.change, precondition(last.change.copy()))
    seen = last.curvature / size
    return min(1.0, seen if length < 1 else max(scale, seen))


def _direction(
    gradient: np.ndarray,
    memory: deque[Correction],
    fixed: np.ndarray,
    precondition: Precondition | None,
    scale: float,
    agreed: Agreement,
    sweep: Sweep,
) -> np.ndarray:
    """-H g on the free voxels, by the two-loop recursion from `scale` times the preconditioner."""
    q = np.empty_like(gradient)
    free = partial(_free, fixed)

    def negated(slab: slice) -> None:
        free(np.negative(gradient[slab], out=q[slab]), slab)

    # What is added to q is added in the pass that takes its next inner product.
    pending: Callable[[slice], None] = negated
    factors = []
    for last in reversed(memory):
        factors.append(agreed.number("back", sweep.dot(last.step, q, pending)) / last.curvature)
        pending = partial(_add, q, -factors[-1], last.change)
    sweep(pending)
    if precondition is not None:
        q = precondition(q)
    factor = q.dtype.type(scale if memory else 1.0)

    def scaled(slab: slice) -> None:
        free(np.multiply(q[slab], factor, out=q[slab]), slab)

    pending = scaled
    for old, back in zip(memory, reversed(factors), strict=True):
        ahead = agreed.number("ahead", sweep.dot(old.change, q, pending)) / old.curvature
        pending = partial(_add, q, back - ahead, old.step)

    def last_of_all(slab: slice) -> None:
        pending(slab)
        free(q[slab], slab)

    sweep(last_of_all)
    return q


def _free(fixed: np.ndarray, part: np.ndarray, slab: slice) -> None:
    """Keep what is free to move."""
    np.copyto(part, 0, where=fixed[slab])


def _add(q: np.ndarray, factor: float, other: np.ndarray, slab: slice) -> None:
    q[slab] += q.dtype.type(factor) * other[slab]


def _first_length(x: np.ndarray, direction: np.ndarray) -> float:
    steepest = float(np.abs(direction).max())
    spread = float(x.std()) or 1.0
    return 0.1 * spread / steepest if steepest > 0 else 0.0
