"""Kernels measured from an image of points: beads, stars, or any small bright things that are alike.

- `find`: where the points are, and which of them cannot be used.
- `register`: cut-outs around them, their places to a fraction of a voxel, fluxes and backgrounds.
- `average`: the registered cut-outs as a function of position: one for all, of zones, or a polynomial.
- `denoise`: what of an average is noise; the size of the beads taken out.
- `turns`: places from kernels and kernels from places, until both agree.
- `measure`: all of it, in `psfs_from_points`; `record`: what that returns.
"""

from .measure import psfs_from_points
from .record import Point, PointSpreads

__all__ = ["Point", "PointSpreads", "psfs_from_points"]
