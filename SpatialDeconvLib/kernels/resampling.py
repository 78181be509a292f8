"""Kernels on a grid of another voxel size, as wide as they were."""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize

# A variance that is a smaller share of a voxel's square is none.
_NOTHING = 1e-12


def resampled_along(values: np.ndarray, axis: int, centre: float, old: float, new: float) -> np.ndarray:
    """Return a kernel's values on voxels of another size along one axis; its centre becomes index ``n // 2``.

    Every voxel is a box of uniform weight, and a new one receives from each old one the share of the box that it
    overlaps. That alone would widen; of voxels a and b, a the larger, by (a^2 - b^2) / 12 of variance where a is an
    odd multiple of b, by (a^2 + 2 b^2) / 12 where it is an even one, and by something in between otherwise. So the
    boxes are moved towards the kernel's mean place, and made narrower alike, until the variance along the axis is
    what it was; but not narrower than a new voxel, which would lose the place of what is narrow itself. They stay
    where they are where weights have no variance (their sum or second moment is not positive), and where the new
    voxels hide it.

    Parameters
    ----------
    values : ndarray
    axis : int
    centre : float
        Index on that axis.
    old, new : float
        Voxel sizes.
    """
    scale, mean = _kept_width(values, axis, centre, old, new)
    shares = overlap(_edges(values.shape[axis], centre, old, scale, mean), new)
    return np.moveaxis(np.tensordot(shares, values, axes=(1, axis)), 0, axis)


def overlap(edges: np.ndarray, new: float) -> np.ndarray:
    """Return the fraction of each interval between edges that falls into each new voxel, (n_new, n_old).

    Columns sum to 1. Voxel n_new // 2 has its middle at 0.
    """
    slack = 1e-9 * (edges[1] - edges[0])  # an edge that coincides up to rounding needs no further voxel
    before = math.ceil((-edges[0] - slack) / new - 0.5)
    after = math.ceil((edges[-1] - slack) / new - 0.5)
    # n // 2 must be the centre: as many voxels before it as after it, or one more.
    before = max(before, after)
    after = max(after, before - 1)
    new_edges = (np.arange(-before, after + 2) - 0.5) * new
    low = np.maximum(new_edges[:-1, None], edges[None, :-1])
    high = np.minimum(new_edges[1:, None], edges[None, 1:])
    return np.clip(high - low, 0, None) / np.diff(edges)


def _edges(n: int, centre: float, old: float, scale: float, mean: float) -> np.ndarray:
    """The edges of n voxels, in mm from the centre, moved towards a mean place by a factor."""
    edges = (np.arange(n + 1) - centre - 0.5) * old
    return mean + scale * (edges - mean)


def _kept_width(values: np.ndarray, axis: int, centre: float, old: float, new: float) -> tuple[float, float]:
    """The factor on the places of boxes that keeps the variance along an axis, and the mean place, in mm."""
    n = values.shape[axis]
    profile = values.sum(axis=tuple(a for a in range(values.ndim) if a != axis))
    mean, variance = _moments(profile, (np.arange(n) - centre) * old)
    if not variance >= 0:
        return 1.0, 0.0

    def excess(scale: float) -> float:
        shares = overlap(_edges(n, centre, old, scale, mean), new)
        return _moments(shares @ profile, (np.arange(len(shares)) - len(shares) // 2) * new)[1] - variance

    least = min(new / old, 1.0)  # boxes as narrow as a new voxel
    if least == 1.0 and variance > _NOTHING * old**2:
        least = 1e-3
    if least == 1.0 or excess(1.0) <= 0:
        return 1.0, mean
    if excess(least) >= 0:
        return least, mean
    return float(optimize.brentq(excess, least, 1.0, xtol=1e-9)), mean


def _moments(profile: np.ndarray, places: np.ndarray) -> tuple[float, float]:
    """The mean place and the variance of weights; NaN where their sum is not positive."""
    total = float(profile.sum())
    if not total > 0:
        return math.nan, math.nan
    mean = float(profile @ places) / total
    return mean, float(profile @ np.square(places - mean)) / total
