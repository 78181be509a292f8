"""Makers of the usual kernels, sizes in mm, and the registry of the kinds of kernels that they make.

- `registry`: the kinds, with their parameters and texts.
- `gaussians`, `uniform`, `stencils`: Gaussians; motion, box, disk, ball; what is counted in voxels.
- `tails`, `table`: scatter and glare; densities from a table; both on `quadrature`, integrals over voxels.
- `microscope`: wide-field and confocal, on `optics`, the light near a focus.
- `arguments`: sizes and spacings, one or one per axis.
"""

from .gaussians import FWHM, TRUNCATE, gaussian_kernel, gaussians_kernel
from .microscope import born_wolf_kernel, confocal_kernel, gibson_lanni_kernel
from .registry import FITTED_KINDS, KINDS, STORED_KINDS
from .stencils import cross_kernel, identity_kernel, laplacian_kernel, mean_kernel, sharpen_kernel, sum_kernel
from .table import radial_kernel, read_radial_table
from .tails import exponential_kernel, lorentz_kernel, moffat_kernel
from .uniform import ball_kernel, ball_shares, box_kernel, box_profile, disk_kernel, line_shares, motion_kernel

__all__ = [
    "FITTED_KINDS",
    "FWHM",
    "KINDS",
    "STORED_KINDS",
    "TRUNCATE",
    "ball_kernel",
    "ball_shares",
    "born_wolf_kernel",
    "box_kernel",
    "box_profile",
    "confocal_kernel",
    "cross_kernel",
    "disk_kernel",
    "exponential_kernel",
    "gaussian_kernel",
    "gaussians_kernel",
    "gibson_lanni_kernel",
    "identity_kernel",
    "laplacian_kernel",
    "line_shares",
    "lorentz_kernel",
    "mean_kernel",
    "moffat_kernel",
    "motion_kernel",
    "radial_kernel",
    "read_radial_table",
    "sharpen_kernel",
    "sum_kernel",
]
