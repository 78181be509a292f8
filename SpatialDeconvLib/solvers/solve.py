"""Methods that invert the spatially variant blur itself (``strategy="joint"``).

The data are y = A x + b + noise, with A a `SpatiallyVariantBlur` (or, for "self-keyed", the nonlinear blur
of `blur.selfkeyed`), b a known background, and only the voxels of a mask counted:

    richardson-lucy        x <- x A^T(y / (A x + b)) / A^T 1, accelerated (`richardsonlucy`)
    landweber              x <- x + t A^T (y - A x - b), with Nesterov's acceleration (`landweber`)
    projected-landweber    the same, with x >= 0 (FISTA)
    tikhonov               min |y - A x - b|^2 + l |grad x|^2, by conjugate gradients (`tikhonov`)
    tv                     min 1/2 |y - A x - b|^2 + l TV(x), x >= a lower bound, by bounded L-BFGS (`penalised`)
    self-keyed             the same with the kernels keyed to x itself

Constants and stopping are automatic unless given; see `solve`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.watch import IsCancelled, Progress, Watch
from ..blur.operator import SpatiallyVariantBlur
from ..errors import InputError
from ..methods import registry as methods
from ..noise import NoiseLaw
from .agreement import Agreement
from .iteration import Solution
from .problem import Problem


def solve(
    operator: SpatiallyVariantBlur,
    y: np.ndarray,
    method: str = "richardson-lucy",
    *,
    iterations: int | None = None,
    regularization: float | str = "auto",
    noise: float | str | np.ndarray | NoiseLaw | None = None,
    mask: np.ndarray | None = None,
    background: float | np.ndarray = 0.0,
    agreed: Agreement | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    **options: Any,
) -> Solution:
    """Invert the spatially variant blur.

    Parameters
    ----------
    operator : SpatiallyVariantBlur
        The blur; its boundary "extended" also estimates what lies outside the image.
    y : ndarray of shape `operator.data_shape`
        The blurred image.
    method : str
        A method of strategy "joint" (`methods`).
    iterations : int, optional
        How many; by default until the method's own rule stops it. For "tv" and "self-keyed" the steps of
        the last stage.
    regularization : float or "auto"
        "tikhonov": weight of |grad x|^2. "tv", "self-keyed" and "richardson-lucy": weight of TV ("auto"
        is none for Richardson-Lucy, which is regularised by stopping). "landweber", "projected-landweber":
        the step, positive and at most 4 / (3 |A|^2).
    noise : float, ndarray, "poisson" or NoiseLaw, optional
        Of y (`noise.as_noise_law`); estimated when None.
    mask : ndarray of bool, optional
        Voxels of y that count; nothing of the others enters the result.
    background : float or ndarray
        Added to A x in the model.
    agreed : Agreement, optional
        Where the numbers come from that belong to all of the image; measured on `y` when None.
    progress, cancelled : callable, optional
    options
        The keyword-only parameters of the method's function: see `richardsonlucy.richardson_lucy`,
        `tikhonov.tikhonov` and `penalised.self_keyed`.

    Returns
    -------
    Solution

    Raises
    ------
    InputError
        If the arguments do not fit each other or the method.
    Cancelled
        If `cancelled` returned true.
    """
    function = methods.method("joint", method).load()
    _check_options(method, function, options)
    if iterations is not None and (int(iterations) != iterations or iterations < 1):
        raise InputError(f"iterations {iterations!r} must be a whole number, at least 1, or None for automatic")
    watch = Watch(progress, cancelled)
    problem = Problem(operator, y, noise, mask, background, watch, agreed)
    return function(problem, iterations, regularization, watch, **options)


def _check_options(method: str, function: Callable[..., Solution], options: dict[str, Any]) -> None:
    parameters = inspect.signature(function).parameters.values()
    known = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(
            f"option {unknown[0]!r} is unknown for method {method!r}; it has: {', '.join(known) or 'none'}"
        )
