"""Intensities for kernels, from an image's histogram."""

from __future__ import annotations

import math

import numpy as np

from ..errors import InputError


def levels_from_histogram(array: np.ndarray, count: int) -> list[float]:
    """Return the levels around which an image's intensities gather.

    The intensities are divided into `count` classes of least total variance (Lloyd's iteration on a histogram
    of 1024 bins between the 0.1 and 99.9 percentiles, starting at quantiles); the levels are the classes'
    means, rounded to a thousandth of the range.

    Parameters
    ----------
    array : ndarray
        NaN and infinite values are left out.
    count : int
        How many; fewer are returned when the image has fewer different values.

    Raises
    ------
    InputError
        If there is no finite value, or `count` is below 1.

    References
    ----------
    S. P. Lloyd, "Least squares quantization in PCM", IEEE Trans. Information Theory 28(2), 129-137, 1982.
    """
    if count < 1:
        raise InputError(f"count {count!r} must be at least 1")
    values = np.asarray(array).ravel()
    values = values[:: max(1, values.size // 2**22)].astype(np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0:
        raise InputError("the image holds no finite value; there are no levels")
    different = np.unique(values)
    if different.size <= count:
        return [float(v) for v in different]
    low, high = np.percentile(values, (0.1, 99.9))
    if not low < high:
        low, high = different[0], different[-1]
    numbers, edges = np.histogram(np.clip(values, low, high), bins=1024, range=(low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    # Quantiles of the cube root of the density: few voxels of a rare intensity deserve a level too.
    share = np.cumsum(np.cbrt(numbers))
    levels = np.interp((np.arange(count) + 0.5) / count * share[-1], share, centres)
    for _step in range(200):
        nearest = np.searchsorted((levels[:-1] + levels[1:]) / 2, centres)
        weights = np.bincount(nearest, numbers, count)
        sums = np.bincount(nearest, numbers * centres, count)
        moved = np.where(weights > 0, sums / np.maximum(weights, 1), levels)
        if np.allclose(moved, levels, rtol=0, atol=1e-6 * (high - low)):
            break
        levels = moved
    unit = 10.0 ** math.floor(math.log10((high - low) / 1000))
    return sorted({round(float(np.round(level / unit) * unit), 12) for level in levels})
