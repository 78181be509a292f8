"""Parametric kernels fitted to measured ones, or to a pair of images.

- `families`: how the parameters of a Gaussian, a motion or a defocus become weights on a grid, and back.
- `single`: one kernel, fitted to a kernel or to a pair.
- `fields`: kernel by kernel for a measured field, and Gaussians whose sigma is a smooth function of the key.
- `pairs`: Gaussians for all kernels of a field at once, fitted to a pair.
"""

from .fields import FieldFit, SmoothGaussians, fit_kernels, smooth_gaussians
from .pairs import fit_gaussians
from .single import KernelFit, fit_kernel, fit_pair

__all__ = [
    "FieldFit",
    "KernelFit",
    "SmoothGaussians",
    "fit_gaussians",
    "fit_kernel",
    "fit_kernels",
    "fit_pair",
    "smooth_gaussians",
]
