"""How wide a blur is, by how well the image can be explained: Stein's unbiased risk estimate (SURE).

With kernels scaled by a factor, the image is restored under a quadratic penalty and blurred again. Kernels that
are too wide leave its edges unexplained; ones that are too narrow explain all, with more freedom than is needed.
The estimated risk, ``|y - A x|^2 + 2 sigma^2 trace``, is least in between. The operator is exact, so it counts
where one kernel ends and another begins: where kernels change from place to place, that is what tells most about
their widths.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...arrays.inner import dot
from ...arrays.watch import Watch
from ...blur.operator import SpatiallyVariantBlur
from ...solvers.solve import solve

#: Between factors on the kernels that are tried (of their logarithms), and how many at most to either side.
STEP = 0.15
_MOST_STEPS = 4
#: The frequency, in cycles per finest voxel, at which the penalty is as strong as the image's expected spectrum
#: asks; of 0.1, 0.14, 0.2 and 0.28 the one with the least bias on eight pictures, in runs that no benchmark
#: repeats.
MATCHED = 0.2
#: Steps of each restoration.
_STEPS = 15
#: How wrong the penalty's strength is, as a share of the slope of the trace: a guess. bench_width.py shows whether
#: errors are of the size that is told.
_MISMATCH = 0.35
_LEAST_SIGMA = 0.04
_AT_THE_END = 0.2  # standard deviation where no minimum is seen between the trials


@dataclass(frozen=True)
class Finding:
    """ln(factor on the kernels) and its standard deviation."""

    mean: float
    sigma: float


def least_risk(
    image: np.ndarray,
    operator: Callable[[float], SpatiallyVariantBlur],
    noise: np.ndarray,
    weight: float,
    mask: np.ndarray | None,
    watch: Watch,
) -> Finding:
    """Find the factor of the least risk, as a `Finding`.

    Parameters
    ----------
    image : ndarray
    operator : callable (factor)
        The blur with the kernels scaled.
    noise : ndarray
        Its standard deviation at every voxel.
    weight : float
        Of the penalty, |grad x|^2.
    mask : ndarray of bool or None
        The voxels that count.
    watch : Watch
    """
    probe = noise * np.random.default_rng(0).choice(np.array([-1, 1], image.dtype), image.shape)
    if mask is not None:
        probe[~mask] = 0
    power = dot(probe, probe)
    sigma = math.sqrt(power / (image.size if mask is None else np.count_nonzero(mask)))

    def tried(trial: float) -> tuple[float, float]:
        """The risk in units of the noise's power, and its part that is trace."""
        watch.step(0.0, f"explaining the image by kernels scaled by {math.exp(trial):.2g}")
        blur = operator(math.exp(trial))

        def explained(data: np.ndarray) -> np.ndarray:
            found = solve(
                blur, data, "tikhonov", iterations=_STEPS, regularization=weight, noise=sigma, mask=mask,
                cancelled=watch.cancelled,
            ).image  # fmt: skip
            return blur.forward(found, watch.quiet())

        off = explained(image) - image
        if mask is not None:
            off[~mask] = 0
        trace = 2 * dot(probe, explained(probe)) / power
        return dot(off, off) / power + trace, trace

    found = {step: tried(step * STEP) for step in (-1, 0, 1)}
    lowest = min(found, key=found.__getitem__)
    while abs(lowest) < _MOST_STEPS and lowest in (min(found), max(found)):  # not between two others yet
        further = lowest + (1 if lowest > 0 else -1)
        found[further] = tried(further * STEP)
        lowest = min(found, key=found.__getitem__)
    return _least(found, lowest)


def _least(found: dict[int, tuple[float, float]], lowest: int) -> Finding:
    """The vertex of the parabola through the least risk and its neighbours."""
    if lowest in (min(found), max(found)):
        return Finding(lowest * STEP, _AT_THE_END)
    before, least, after = (np.array(found[lowest + side]) for side in (-1, 0, 1))
    first, slope = (after - before) / (2 * STEP)
    second = (after - 2 * least + before)[0] / STEP**2
    sigma = _MISMATCH * abs(slope) / second
    return Finding(float(lowest * STEP - first / second), float(np.clip(sigma, _LEAST_SIGMA, _AT_THE_END)))
