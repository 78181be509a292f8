"""How much every voxel of the data counts, where some have more noise than others."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..noise import NoiseLaw
from .agreement import Agreement

# What follows was settled on the cases with counts of Testing/Benchmarks/bench_automatic.py. There 1 / variance in
# place of its root gains no more, and loses up to 4 dB where counts are few and the background is empty.
#: Voxels with less noise than that count no more; of the mean variance.
_LEAST = 0.25
#: Width of the smoothing, in voxels, that takes the noise out of the data before the law tells their variance.
_SMOOTHING = 1.5
#: Kurtosis of the variance beyond which a few voxels have almost all of it: points, which penalties flatten where
#: they count less. It is 26 and more for stars, and at most 10 for anything else.
_POINTS = 16.0


def balance(
    law: NoiseLaw, data: np.ndarray, mask: np.ndarray | None, agreed: Agreement | None = None
) -> np.ndarray | None:
    """Return what to multiply differences from the data with, so that their noise is more alike.

    Its square, the weight of a voxel, is 1 / sqrt(variance) but for a factor, with which the expected sum of the
    squared noise stays what it is.

    Parameters
    ----------
    law : NoiseLaw
        Of the data.
    data : ndarray
    mask : ndarray of bool, optional
        The voxels that count.
    agreed : Agreement, optional
        Where the numbers come from that belong to all of an image; measured when None.

    Returns
    -------
    ndarray of the data's shape and type, or None
        None where all voxels count alike: where their noise is equally strong, and for images of points.
    """
    if law.uniform:
        return None
    variance = law.variance(data if law.image is not None else _smooth(data, mask))
    agreed = Agreement() if agreed is None else agreed
    counts = True if mask is None else mask
    mean = agreed("mean variance", lambda: float(variance.mean(where=counts)))
    if not mean > 0:
        return None
    if law.image is None and agreed("kurtosis", lambda: _kurtosis(variance, mask)) > _POINTS:
        return None
    weight = 1 / np.sqrt(np.maximum(variance / mean, _LEAST))
    variance *= weight
    weight *= mean / agreed("balanced variance", lambda: float(variance.mean(where=counts)))
    return np.sqrt(weight, out=weight).astype(data.dtype)


def _smooth(data: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    if mask is not None:
        data = np.where(mask, data, data[mask].mean(dtype=np.float64))
    return ndimage.gaussian_filter(data, [_SMOOTHING if n > 1 else 0 for n in data.shape])


def _kurtosis(variance: np.ndarray, mask: np.ndarray | None) -> float:
    seen = variance if mask is None else variance[mask]
    square = np.square(seen - seen.mean())
    power = float(square.mean())
    return float(np.square(square).mean()) / power**2 if power > 0 else 0.0
