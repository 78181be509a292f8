"""Kernels as curves along an axis: the line spread function in mm, and the modulation transfer function in 1/mm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import fft

from ..errors import InputError

_POINTS = 512  # of the padded transform: the curve of a kernel of a few voxels is smooth, too
_NO_SUM = 1e-9  # of the sum of magnitudes: a sum that is none


def line_spread(
    values: np.ndarray, spacing: Sequence[float], centre: Sequence[float], axis: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances from the centre in mm and the weight per mm there, summed over the other axes."""
    axis = _checked(axis, values.ndim)
    position = (np.arange(values.shape[axis]) - centre[axis]) * spacing[axis]
    return position, _summed(values, axis) / spacing[axis]


def modulation(values: np.ndarray, spacing: Sequence[float], axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies in cycles per mm and the magnitude of the transfer function there, 1 at 0."""
    axis = _checked(axis, values.ndim)
    line = _summed(values, axis)
    count = max(_POINTS, fft.next_fast_len(2 * line.size, real=True))
    magnitude = np.abs(fft.rfft(line, count))
    if magnitude[0] > _NO_SUM * float(np.abs(values).sum()):
        magnitude /= magnitude[0]
    return fft.rfftfreq(count, spacing[axis]), magnitude


def _checked(axis: int, ndim: int) -> int:
    if axis not in range(-ndim, ndim):
        raise InputError(f"axis {axis!r} is none of a kernel of {ndim} axes; choose {-ndim} ... {ndim - 1}", "axis")
    return axis % ndim


def _summed(values: np.ndarray, axis: int) -> np.ndarray:
    return values.sum(axis=tuple(a for a in range(values.ndim) if a != axis))
