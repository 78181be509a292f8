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
from ...solvers.iteration import Solution
from ...solvers.solve import solve
from .risk import Finding

#: Between factors that are tried (of their logarithms), and how many at most to either side.
STEP = 0.06
_MOST_STEPS = 4
#: Between those at the end: risks rise faster to one side than to the other.
_FINE_STEP = 0.02
#: The penalty's weight, of the one that held-out voxels choose for the kernels at the start. A weaker one asks for
#: wider kernels, a stronger one for narrower; with 1, bench_refine.py finds Gaussians 4 % too wide on pictures.
_WEIGHT = 1.5
#: Steps of the last stage of each restoration.
_STEPS = 30
#: How wrong the prior is, as a share of the slope of the trace, and the relative standard deviation that is told at
#: least: so that errors that bench_refine.py finds are of the size that is told.
_MISMATCH = 0.17
_LEAST_SIGMA = 0.015
#: The same two where the width of one kernel of several is looked for: its part of an image has fewer edges, over
#: which the wrongness of the prior averages less. By kernels of two halves of pictures (bench_refine.py --each).
_PART_MISMATCH = 0.35
_PART_LEAST_SIGMA = 0.025


def sharpest(
    image: np.ndarray,
    operator: Callable[[float], SpatiallyVariantBlur],
    noise: np.ndarray,
    start: float,
    mask: np.ndarray | None,
    counted: np.ndarray,
    watch: Watch,
    part: bool = False,
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
    part : bool
        Whether `operator` scales one kernel of several, which a part of the image tells of.

    Returns
    -------
    Finding or None
        None where no factor near the start is better than those beside it.
    """
    looks = _Looks(image, operator, noise, mask, counted, watch)
    looks.choose_weight(start)
    found = {step: looks.risk(start + step * STEP) for step in (-1, 0, 1)}
    lowest = min(found, key=lambda step: found[step][0])
    while lowest in (min(found), max(found)):  # not between two others yet
        further = lowest + (1 if lowest > 0 else -1)
        if abs(further) > _MOST_STEPS:
            return None
        found[further] = looks.risk(start + further * STEP)
        lowest = min(found, key=lambda step: found[step][0])
    coarse = [found[lowest + side] for side in (-1, 0, 1)]
    near = start + lowest * STEP + _vertex([risk for risk, _, _ in coarse]) * STEP
    fine = [looks.risk(near + side * _FINE_STEP)[0] for side in (-1, 0, 1)]
    curvature = (coarse[0][0] - 2 * coarse[1][0] + coarse[2][0]) / STEP**2
    # What moves the slope of the risk: noise, by that of its part -2 y p / v; a wrong prior, by that of the trace.
    noisy = 2 * float(np.linalg.norm(coarse[2][2] - coarse[0][2])) / (2 * STEP)
    mismatch, least = (_PART_MISMATCH, _PART_LEAST_SIGMA) if part else (_MISMATCH, _LEAST_SIGMA)
    wrong = mismatch * (coarse[2][1] - coarse[0][1]) / (2 * STEP)
    sigma = math.hypot(least, noisy / curvature, wrong / curvature)
    return Finding(near + _vertex(fine) * _FINE_STEP, sigma)


class _Looks:
    """Restorations of one image with kernels of one width after another, and what they risk."""

    def __init__(
        self,
        image: np.ndarray,
        operator: Callable[[float], SpatiallyVariantBlur],
        noise: np.ndarray,
        mask: np.ndarray | None,
        counted: np.ndarray,
        watch: Watch,
    ):
        self.image, self.operator, self.noise = image, operator, noise
        self.mask, self.counted, self.watch = mask, counted, watch
        self.probe = noise * np.random.default_rng(0).choice(np.array([-1, 1], image.dtype), image.shape)
        self.weight: float | str = "auto"

    def choose_weight(self, trial: float) -> None:
        """Choose the penalty's weight by the kernels of one width; it is the same for all."""
        found = self._restored(self.operator(math.exp(trial)), self.image)
        self.weight = _WEIGHT * float(found.parameters["regularization"])

    def risk(self, trial: float) -> tuple[float, float, np.ndarray]:
        """Return the risk with kernels scaled by exp(trial), its part that is trace, and what they explain."""
        self.watch.step(0.0, f"explaining the image by kernels scaled by {math.exp(trial):.2g}")
        blur = self.operator(math.exp(trial))
        plain, shaken = (
            blur.forward(self._restored(blur, data).image, self.watch.quiet()) / self.noise
            for data in (self.image, self.image + self.probe)
        )
        left = np.square(self.image / self.noise - plain)[self.counted].sum(dtype=np.float64)
        trace = (self.probe / self.noise * (shaken - plain))[self.counted].sum(dtype=np.float64)
        return float(left + 2 * trace), float(2 * trace), plain[self.counted]

    def _restored(self, blur: SpatiallyVariantBlur, data: np.ndarray) -> Solution:
        return solve(
            blur, data, "tv", iterations=_STEPS, regularization=self.weight, noise=self.noise, mask=self.mask,
            cancelled=self.watch.cancelled,
        )  # fmt: skip


def _vertex(risks: list[float]) -> float:
    """The lowest point of the parabola through three risks, in steps from the middle one; within one step."""
    before, least, after = risks
    bend = before - 2 * least + after
    return float(np.clip(0.5 * (before - after) / bend, -1, 1)) if bend > 0 else 0.0
