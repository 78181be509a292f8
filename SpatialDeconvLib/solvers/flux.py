"""Flux: the light of an image, blurred, is made that of its data.

Least squares with a lower bound leave too much in an image with an empty background: the bound lets the noise in
where it is positive and not where it is negative. (By Poisson's law the likeliest image has no more light than the
data.) Dividing all of the image by the excess would take most of it from what is brightest, where there
is none; subtracting it would take away what is faint. It is taken where it is:

    x <- x  S(A^T y / A^T F(x)) / S(1),      S = A^T A,

is a step of Richardson and Lucy's iteration for the data blurred once more by A^T, in which little is left of the
noise. Like theirs it makes the flux that of the data, here within a few kernel widths, everywhere.

Where dark voxels count more (`balance`) an image may have too little, everywhere alike. It is multiplied.
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays.inner import dot
from .iteration import Best
from .models import Model
from .problem import Problem

#: Of the flux: what an image may have more or less than its data. Where nothing is near the bound it is less.
_TOLERATED = 0.005
#: Of the range of values: data and image that are less, blurred, tell nothing about each other.
_DARK = 1e-6
_UNSEEN = 1e-3  # less of a voxel is in no data to speak of
_UNKNOWN = Best()


def with_flux(
    problem: Problem, model: Model, x: np.ndarray, lower: float, known: Best = _UNKNOWN
) -> tuple[np.ndarray, float]:
    """Return an image whose flux over `lower` is that of the data, and its residual.

    Parameters
    ----------
    problem : Problem
    model : LinearModel or SelfKeyedBlur
        F.
    x : ndarray on the operator's domain
        Is changed.
    lower : float
        The image's bound; without one (-inf) the image stays as it is.
    known : Best, optional
        What the iteration that ended with x knows of F(x). An image that stays as it is needs no more.
    """
    if math.isnan(known.lacking):
        known = _judged(problem, model, x)
    if math.isfinite(lower):
        floor = _floor(problem, lower)
        excess = problem.agreed("excess", lambda: _excess(problem, known.lacking, floor))
        if abs(excess) > _TOLERATED:
            factor = _lowered(problem, model, x, floor) if excess > 0 else problem.dtype.type(1 / (1 + excess))
            x -= problem.dtype.type(lower)
            x *= factor
            x += problem.dtype.type(lower)
            known = _judged(problem, model, x)
    return x, known.residual


def _judged(problem: Problem, model: Model, x: np.ndarray) -> Best:
    """What is to be known of an image."""
    seen, _ = model.forward(x, problem.watch)
    difference = problem.masked(np.subtract(problem.y, seen, out=seen))
    squared, lacking = dot(difference, difference), float(difference.sum(dtype=np.float64))
    return Best(residual=problem.residual(squared), lacking=lacking)


def _floor(problem: Problem, lower: float) -> np.ndarray:
    """What the least image there may be looks like, blurred."""
    if not lower:
        return np.zeros((), problem.dtype)
    return problem.forward(np.full(problem.operator.domain_shape, lower, problem.dtype))


def _excess(problem: Problem, lacking: float, floor: np.ndarray) -> float:
    """What the flux of an image, blurred, is more than that of the data, as a share of the latter."""
    counts = True if problem.mask is None else problem.mask
    flux = float((problem.y - floor).sum(where=counts, dtype=np.float64))
    return -lacking / flux if flux > max(lacking, 0.0) else 0.0


def _lowered(problem: Problem, model: Model, x: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """The factor of one step."""
    ratio = problem.adjoint(problem.masked(problem.y - floor))
    np.maximum(ratio, 0, out=ratio)
    seen, _ = model.forward(x, problem.watch)
    seen -= floor
    made = problem.adjoint(problem.masked(seen))
    dark = made <= _DARK * problem.span
    np.divide(ratio, made, out=ratio, where=~dark)
    ratio[dark] = 1
    del made, dark
    factor = _spread(problem, ratio)
    whole = _spread(problem, np.ones_like(ratio))
    unseen = whole <= _UNSEEN
    np.divide(factor, whole, out=factor, where=~unseen)
    factor[unseen] = 1
    return np.maximum(factor, 0, out=factor)  # rounding


def _spread(problem: Problem, image: np.ndarray) -> np.ndarray:
    """S."""
    return problem.adjoint(problem.masked(problem.forward(image)))
