"""Whether an image with noise may be that of something that is nowhere negative."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

_LOWEST = 6.0  # sigmas below 0 that noise around it does not reach
_LOWEST_MEAN, _FEW = 5.0, 1e-3  # fewer sigmas for means, but a share of them: the noise may be correlated a little
_MEAN = np.exp(-0.5 * (np.arange(-4, 5) / 1.5) ** 2)
_MEAN /= _MEAN.sum()
_SHORTEST = 5  # voxels along an axis that is averaged


def looks_nonnegative(image: np.ndarray, sigma: float, mask: np.ndarray | None = None) -> bool:
    """Whether an image with this noise may be that of something that is nowhere negative.

    Then no value lies far below what noise around 0 gives, also where an average over a few voxels has left
    little of the noise: around 0 it stays, whereas an image with negative parts comes out of it.

    Parameters
    ----------
    image : array
    sigma : float
        Standard deviation of its noise.
    mask : array of bool, optional
        The voxels that count.
    """
    seen = image if mask is None else image[mask]
    lowest = float(seen.min())
    sigma = max(sigma, 1e-6 * max(-lowest, float(seen.max())))  # rounding
    if lowest < -_LOWEST * sigma:
        return False
    smooth = image if mask is None else np.where(mask, image, image.dtype.type(0))
    # Voxels that do not count add no noise to the sums, so there is never more of it than in a full window.
    left = sigma
    for axis in range(image.ndim):
        if image.shape[axis] >= _SHORTEST:
            smooth = ndimage.correlate1d(smooth, _MEAN, axis=axis, mode="constant")
            left *= math.sqrt(float(np.square(_MEAN).sum()))
    return float(np.mean(smooth < -_LOWEST_MEAN * left)) <= _FEW
