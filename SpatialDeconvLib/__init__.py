"""Spatially variant convolution and deconvolution.

>>> import SpatialDeconvLib as sd
>>> field = sd.KernelField.by_intensity({10: sd.gaussian_kernel(1.0), 100: sd.gaussian_kernel(2.5)})
>>> result = sd.deconvolve(image, field, spacing=1.0, method="wiener")      # doctest: +SKIP

Arrays are (k, j, i), spacing is in mm in the same order. Nothing here needs Slicer; volume nodes and the
command line are in `SpatialDeconvLib.mrml`.
"""

__version__ = "0.1.0"

import importlib
from typing import Any

#: The public names, by the module they come from. They are imported at their first use: the module panel, and
#: `spatialdeconv` until it can answer Ctrl-C, must not wait for scipy and SimpleITK.
_PUBLIC = {
    "errors": (
        "Cancelled",
        "InputError",
        "NotEnoughMemory",
    ),
    "estimation": (
        "Estimate",
        "EstimatedField",
        "EstimatedKernel",
        "estimate_kernel",
        "estimate_kernels",
    ),
    "kernels.field": (
        "BoundField",
        "KernelField",
    ),
    "estimation.fits": (
        "FieldFit",
        "KernelFit",
        "SmoothGaussians",
        "fit_gaussians",
        "fit_kernel",
        "fit_kernels",
        "fit_pair",
        "smooth_gaussians",
    ),
    "kernels.kernel": ("Kernel",),
    "kernels.parametric": ("ParametricKernel",),
    "kernels.shapes": (
        "KINDS",
        "ball_kernel",
        "box_kernel",
        "cross_kernel",
        "disk_kernel",
        "gaussian_kernel",
        "identity_kernel",
        "laplacian_kernel",
        "mean_kernel",
        "motion_kernel",
        "sharpen_kernel",
        "sum_kernel",
    ),
    "kernels.sets": (
        "read_kernel",
        "read_kernel_set",
        "write_kernel",
        "write_kernel_set",
    ),
    "metrics": (
        "psnr",
        "rmse",
        "ssim",
    ),
    "noise": ("estimate_noise",),
    "blur.operator": ("SpatiallyVariantBlur",),
    "run.pipeline": (
        "Result",
        "convolve",
        "deconvolve",
    ),
    "run.settings": (
        "ConvolveSettings",
        "DeconvolveSettings",
    ),
    "selection": (
        "labels_from_masks",
        "mask_from_box",
        "mask_from_labels",
        "mask_from_range",
    ),
    "solvers.iteration": ("Solution",),
    "solvers.solve": ("solve",),
    "watch": ("Watch",),
}
_HOMES = {name: home for home, names in _PUBLIC.items() for name in names}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return importlib.import_module(
            f"{__name__}.{name}"
        )  # sd.fields without "import SpatialDeconvLib.kernels.field"
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
