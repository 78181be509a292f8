"""Inner products of images."""

from __future__ import annotations

import numpy as np

_ROW = 1024


def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Return sum_i a_i b_i of two images of one shape: rows in the images' precision, the sum of rows in float64.

    Not by BLAS: its sums depend on how many threads it has, and these go on spinning for a while when they are
    done, so that an FFT that follows in threads of its own takes up to twice as long.
    """
    if a.ndim == 1 and a.size > _ROW:  # a list of voxels has no rows
        whole = a.size - a.size % _ROW
        return dot(a[:whole].reshape(-1, _ROW), b[:whole].reshape(-1, _ROW)) + dot(a[whole:], b[whole:])
    return float(np.einsum("...i,...i->...", a, b).sum(dtype=np.float64))
