"""Plug-and-play: a denoiser in the place of a penalty, by half-quadratic splitting.

In turn,

    v = D(x, s)                                            the image without noise of standard deviation s,
    x = argmin 1/2 |y - F(x)|^2 + m/2 |x - v|^2,           a few steps of bounded L-BFGS towards it,

with m = 0.3 (sigma / s)^2 and s falling from step to step (S. V. Venkatakrishnan, C. A. Bouman and B. Wohlberg,
"Plug-and-play priors for model based reconstruction", GlobalSIP 2013; K. Zhang et al., "Plug-and-play image
restoration with deep denoiser prior", IEEE TPAMI 44, 2022). F may be nonlinear: kernels keyed to the image sought
stay so. It starts from what a penalty on differences gives (`penalised`): from the data it ends up to 1.5 dB lower.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.sweep import Sweep
from ..arrays.watch import Watch
from ..blur.selfkeyed import SelfKeyedBlur
from ..errors import InputError
from ..texts import mark as _
from .dataterm import DataTerm
from .denoising import BlockCosines
from .flux import with_flux
from .iteration import Iterate, Iterates, Solution, run, solution
from .lbfgs import descend
from .models import LinearModel, Model
from .penalised import PenalisedDescent, Trials, flat_tolerance
from .preconditioner import DataCurvature
from .problem import Problem
from .stopping import LastIterate

#: image, sigma -> image
Denoiser = Callable[[np.ndarray, float], np.ndarray]

_ITERATIONS = 6
_STEPS = 3  # of L-BFGS in each
#: s of the first and of the last, as shares of the range of values.
_STRENGTHS = (0.02, 0.006)
_COUPLING = 0.3
#: Steps and tolerance of the descent with a penalty that it starts from. Total variation comes to its flat pieces
#: late (`penalised.flat_tolerance`), and what it has not come to the denoiser does not find.
_FIRST, _FIRST_FLAT_STEPS = (30, 2e-3), 150


def pnp(
    problem: Problem,
    iterations: int | None,
    regularization: Any,
    watch: Watch,
    *,
    denoiser: Denoiser | None = None,
    strengths: tuple[float, float] = _STRENGTHS,
    self_keyed: bool = False,
    lower: float | str = "auto",
    hessian: float | str = "auto",
) -> Solution:
    """Restore with a denoiser.

    Parameters
    ----------
    iterations : int, optional
        How often the denoiser is called.
    regularization : float or "auto"
        Weight of total variation for the image to start from.
    denoiser : callable (image, sigma) -> image, optional
        Takes white noise of standard deviation sigma out of an image; it may not change its argument. By default
        `denoising.BlockCosines`.
    strengths : (float, float)
        What the first and the last call take for noise, as shares of the range of values.
    self_keyed : bool
        Whether the kernels are keyed to the image that is sought.
    lower, hessian : float or "auto"
        See `penalised.self_keyed`.
    """
    first, last = _checked_strengths(strengths)
    model = SelfKeyedBlur(problem.operator) if self_keyed else LinearModel(problem.operator)
    start = PenalisedDescent(problem, model, Trials(problem, lower, hessian), "plug-and-play")
    x = start.first_image(watch.part(0.0, 0.1))
    x, objective = start.begin(x, regularization, watch.part(0.1, 0.3))
    lower = start.trials.lower
    steps, tolerance = _FIRST if objective.share else (_FIRST_FLAT_STEPS, flat_tolerance(problem))
    x = start.descend(objective, x, steps, tolerance, watch.part(0.3, 0.5)).image
    count = iterations or _ITERATIONS
    sizes = problem.span * np.geomspace(first, last, count)
    denoise = BlockCosines(problem.operator.run) if denoiser is None else denoiser
    iterates = splitting(problem, model, x, lower, denoise, sizes.tolist())
    del x
    ended = run(problem, iterates, count, LastIterate(), watch.part(0.5, 1.0), _("plug-and-play, step"))
    x, residual = with_flux(problem, model, ended.image, lower, ended.best)
    return solution(
        problem, x, residual, ended.history, regularization=objective.weight,
        hessian=objective.share, lower=lower, self_keyed=bool(self_keyed),
        balanced=problem.balance is not None, steps_of_start=len(start.history),
    )  # fmt: skip


def splitting(
    problem: Problem, model: Model, x: np.ndarray, lower: float, denoise: Denoiser, sizes: list[float]
) -> Iterates:
    """Yield the start and what each denoising and the descent after it make of it."""
    yield Iterate(x, math.nan)
    data = DataTerm(problem, model)
    coupled = Coupled(data)
    curvature = DataCurvature(model, problem.agreed)
    for size in sizes:
        coupled.v, coupled.weight = _denoised(denoise, x, size), _COUPLING * (problem.noise / size) ** 2
        near = curvature.inverse(coupled.weight)
        images = descend(
            coupled, x, lower, math.inf, tolerance=0, precondition=near, agreed=problem.agreed,
            sweep=Sweep(x.shape, problem.operator.run),
        )  # fmt: skip
        for _step, image in zip(range(_STEPS + 1), images, strict=False):
            x, squared, lacking = image, data.squared, data.lacking
        del images, near
        yield Iterate(x, squared, lacking=lacking)
    return "the denoiser is at its weakest"


class Coupled:
    """1/2 |y - F(x)|^2 + `weight`/2 |x - v|^2 and its gradient; v may lie beyond the bounds of x.

    Where v and weight are others but x is not, the data term is not computed again.
    """

    v: np.ndarray
    weight: float

    def __init__(self, data: DataTerm):
        self.data = data
        self._last: tuple[np.ndarray, float, np.ndarray] | None = None

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        if self._last is None or not np.array_equal(x, self._last[0]):
            self._last = None  # the data term needs the room
            self._last = (x, *self.data(x))
        _, value, gradient = self._last
        apart = x - self.v
        distance = self.data.problem.agreed.dot("distance", apart, apart)
        apart *= x.dtype.type(self.weight)
        apart += gradient
        return value + 0.5 * self.weight * distance, apart


def _denoised(denoise: Denoiser, x: np.ndarray, size: float) -> np.ndarray:
    v = np.asarray(denoise(x, size))
    if v.shape != x.shape:
        raise InputError(f"the denoiser gave an image of shape {v.shape}; it has to be that of its own, {x.shape}")
    if not np.all(np.isfinite(v)):
        raise InputError("the denoiser gave values that are NaN or infinite")
    return v.astype(x.dtype, copy=False)


def _checked_strengths(strengths: Any) -> tuple[float, float]:
    try:
        first, last = map(float, strengths)
    except (TypeError, ValueError) as error:
        raise InputError(f"strengths {strengths!r} must be two numbers", "strengths") from error
    if not (0 < last < math.inf and 0 < first < math.inf):
        raise InputError(f"strengths {strengths!r} must be positive", "strengths")
    return first, last
