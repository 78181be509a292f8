"""How large the values of an image are."""

from __future__ import annotations

import numpy as np


def largest_magnitude(image: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Return the largest absolute value of an image, or of the voxels of a mask; NaN where one is NaN."""
    low, high = (image.min(), image.max()) if mask is None else (image[mask].min(), image[mask].max())
    return float(max(abs(float(low)), abs(float(high))))
