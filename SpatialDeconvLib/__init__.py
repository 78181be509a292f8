"""Spatially variant convolution and deconvolution.

>>> import SpatialDeconvLib as sd
>>> field = sd.KernelField.by_intensity({10: sd.gaussian_kernel(1.0), 100: sd.gaussian_kernel(2.5)})
>>> result = sd.deconvolve(image, field, spacing=1.0, method="wiener")      # doctest: +SKIP

Arrays are (k, j, i), spacing is in mm in the same order. Nothing here needs Slicer; volume nodes and the
command line are in `SpatialDeconvLib.doors`.
"""

__version__ = "0.1.0"

from .errors import Cancelled, InputError, NotEnoughMemory
from .fields import BoundField, KernelField
from .kernels import (
    KERNEL_TYPES,
    Kernel,
    ParametricKernel,
    ball_kernel,
    box_kernel,
    cross_kernel,
    disk_kernel,
    gaussian_kernel,
    identity_kernel,
    laplacian_kernel,
    mean_kernel,
    motion_kernel,
    sharpen_kernel,
    sum_kernel,
)
from .kernelsets import read_kernel, read_kernel_set, write_kernel, write_kernel_set
from .metrics import psnr, rmse, ssim
from .noise import estimate_noise
from .operators import SpatiallyVariantBlur
from .pipeline import Result, convolve, deconvolve
from .selection import labels_from_masks, mask_from_box, mask_from_labels, mask_from_range
from .solvers import Solution, solve

__all__ = [
    "KERNEL_TYPES",
    "BoundField",
    "Cancelled",
    "InputError",
    "Kernel",
    "KernelField",
    "NotEnoughMemory",
    "ParametricKernel",
    "Result",
    "Solution",
    "SpatiallyVariantBlur",
    "ball_kernel",
    "box_kernel",
    "convolve",
    "cross_kernel",
    "deconvolve",
    "disk_kernel",
    "estimate_noise",
    "gaussian_kernel",
    "identity_kernel",
    "labels_from_masks",
    "laplacian_kernel",
    "mask_from_box",
    "mask_from_labels",
    "mask_from_range",
    "mean_kernel",
    "motion_kernel",
    "psnr",
    "read_kernel",
    "read_kernel_set",
    "rmse",
    "sharpen_kernel",
    "solve",
    "ssim",
    "sum_kernel",
    "write_kernel",
    "write_kernel_set",
]
