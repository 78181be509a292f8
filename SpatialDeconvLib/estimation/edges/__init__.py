"""Kernels and MTF measured from the image of a slanted edge or slit, as physicists do it.

- `line`: where the edge is, to a fraction of a voxel.
- `profile`: all voxels by their distance from it: edge spread, line spread and MTF, finer than the voxels.
- `mixture`: the sum of Gaussians that explains a profile, and the kernel of which it is the projection.
- `measure`: all of it, in `psf_from_edge` and `psf_from_slit`; `record`: what they return.
"""

from .measure import psf_from_edge, psf_from_slit
from .record import EdgeSpread

__all__ = ["EdgeSpread", "psf_from_edge", "psf_from_slit"]
