"""Whether an image shows points of light on a ground: stars, beads, single molecules.

A penalty on total variation suits such images least, as it flattens lone voxels. They are told from others by what
is bright: little of the image, in many pieces of which none is large.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..noise import NoiseLaw

# Between star fields or beads and photographs, phantoms, cells and scintigrams, at noise of 0.5 and 3 of 100 and at
# counts of peak 10 to 1000: signal over noise power, skewness of what is not noise, number of bright pieces and the
# share of the largest.
_LEAST_SIGNAL = 2.0
_LEAST_SKEWNESS = 3.0
_FEWEST, _LARGEST_SHARE = 5, 0.4
# Bright is what lies above this share of the way from the median to the 99.9th percentile.
_BRIGHT = 0.25


def looks_like_points(image: np.ndarray, law: NoiseLaw, mask: np.ndarray | None = None) -> bool:
    """Whether an image shows points on a ground.

    Parameters
    ----------
    image : ndarray
        Blurred or not.
    law : NoiseLaw
        Of its noise, with the `sigma` that it has over the image.
    mask : ndarray of bool, optional
        The voxels that count.

    Returns
    -------
    bool
        False, too, where noise hides what the image shows.
    """
    seen = np.asarray(image[mask] if mask is not None else image, np.float64).ravel()
    noise = law.sigma**2
    power = float(seen.var()) - noise
    if not power > _LEAST_SIGNAL * noise:
        return False
    skewness = float(np.mean((seen - seen.mean()) ** 3)) / power**1.5
    if skewness < _LEAST_SKEWNESS:
        return False
    ground, top = np.percentile(seen, (50, 99.9))
    bright = image > ground + _BRIGHT * (top - ground)
    if mask is not None:
        bright &= mask
    pieces, count = ndimage.label(bright, ndimage.generate_binary_structure(image.ndim, image.ndim))
    sizes = np.bincount(pieces.ravel())[1:]
    return bool(count >= _FEWEST and sizes.max() <= _LARGEST_SHARE * sizes.sum())
