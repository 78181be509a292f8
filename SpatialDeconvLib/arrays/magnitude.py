"""How large the values of an image are."""

from __future__ import annotations

import math

import numpy as np

_SAMPLE = 1 << 18  # voxels, evenly spread
_ORDINARY = 0.1, 99.9  # percentiles


def largest_magnitude(image: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Return the largest absolute value of an image, or of the voxels of a mask; NaN where one is NaN."""
    low, high = (image.min(), image.max()) if mask is None else (image[mask].min(), image[mask].max())
    return float(max(abs(float(low)), abs(float(high))))


def ordinary_range(image: np.ndarray, mask: np.ndarray | None = None) -> tuple[float, float]:
    """Return between what all but 2 of 1000 values lie, of an image or of the voxels of a mask."""
    seen = image.reshape(-1) if mask is None else image[mask]
    low, high = np.percentile(seen[:: max(1, math.ceil(seen.size / _SAMPLE))], _ORDINARY)
    return float(low), float(high)
