"""How wide a blur is, to a few per cent: by how well a sharp image explains what is seen (Stein's risk again).

As `risk`, but the image is restored under total variation, a prior of edges that are edges: what it cannot explain,
and how freely it explains, changes fast with the kernels' width. That takes two restorations for each width, and so
it is done only near a width that is about right.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ...arrays.watch import Watch
from ...blur.operator import SpatiallyVariantBlur
from ...solvers.solve import solve
from .risk import Finding

#: Between factors that are tried (of their logarithms), and how many at most to either side.
STEP = 0.06
_MOST_STEPS = 4
#: Steps of the last stage of each restoration.
_STEPS = 30
#: How wrong the prior is, as a share of the slope of the trace, and the relative standard deviation that is told at
#: least: so that errors that bench_refine.py finds are of the size that is told.
_MISMATCH = 0.17
_LEAST_SIGMA = 0.015


def sharpest(
    image: np.ndarray,
    operator: Callable[[float], SpatiallyVariantBlur],
    noise: np.ndarray,
    start: float,
    mask: np.ndarray | None,
    counted: np.ndarray,
    watch: Watch,
) -> Finding | None:
    """Find the factor on the kernels whose sharp image explains the data at the least risk.

    The risk is sum((y - p)^2 / v) + 2 tr, v the noise's variance, p = A x(y) what the restoration x explains, and
    the trace of dp / dy by the change of p when noise of random signs is added to y once.

    Parameters
    ----------
    image : ndarray
    operator : callable (factor)
        The blur with the kernels scaled.
    noise : ndarray
        Its standard deviation at every voxel.
    start : float
        ln(factor) to begin with.
    mask : ndarray of bool or None
        The voxels that are restored from.
    counted : ndarray of bool
        Those whose risk counts.
    watch : Watch

    Returns
    -------
    Finding or None
        None where no factor near the start is better than those beside it.
    """
    probe = noise * np.random.default_rng(0).choice(np.array([-1, 1], image.dtype), image.shape)
    weight: float | str = "auto"

    def explained(blur: SpatiallyVariantBlur, data: np.ndarray) -> np.ndarray:
        nonlocal weight
        found = solve(
            blur, data, "tv", iterations=_STEPS, regularization=weight, noise=noise, mask=mask,
            cancelled=watch.cancelled,
        )  # fmt: skip
        weight = float(found.parameters["regularization"])  # the same for all: only the width differs
        return blur.forward(found.image, watch.quiet()) / noise

    def tried(step: int) -> tuple[np.ndarray, np.ndarray]:
        """The risk and its part that is trace; what is explained."""
        factor = math.exp(start + step * STEP)
        watch.step(0.0, f"explaining the image by kernels scaled by {factor:.2g}")
        blur = operator(factor)
        plain, shaken = explained(blur, image), explained(blur, image + probe)
        left, trace = np.square(image / noise - plain), 2 * (probe / noise) * (shaken - plain)
        sums = [float(part[counted].sum(dtype=np.float64)) for part in (left, trace)]
        return np.array([sum(sums), sums[1]]), plain[counted]

    explained(operator(math.exp(start)), image)  # for the weight alone
    found = {step: tried(step) for step in (-1, 0, 1)}
    lowest = min(found, key=lambda step: found[step][0][0])
    while lowest in (min(found), max(found)):  # not between two others yet
        further = lowest + (1 if lowest > 0 else -1)
        if abs(further) > _MOST_STEPS:
            return None
        found[further] = tried(further)
        lowest = min(found, key=lambda step: found[step][0][0])
    (before, below), (least, _), (after, above) = (found[lowest + side] for side in (-1, 0, 1))
    first, slope = (after - before) / (2 * STEP)
    second = (after - 2 * least + before)[0] / STEP**2
    # Noise moves the slope of the risk by that of its part -2 y p / v, a wrong prior by that of the trace.
    moved = math.hypot(2 * float(np.linalg.norm(above - below)) / (2 * STEP), _MISMATCH * slope)
    return Finding(start + lowest * STEP - first / second, math.hypot(_LEAST_SIGMA, moved / second))
