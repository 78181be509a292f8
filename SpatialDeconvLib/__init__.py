"""Spatially variant convolution and deconvolution.

>>> import SpatialDeconvLib as sd
>>> field = sd.KernelField.by_intensity({10: sd.gaussian_kernel(1.0), 100: sd.gaussian_kernel(2.5)})
>>> result = sd.deconvolve(image, field, spacing=1.0, method="wiener")      # doctest: +SKIP

Arrays are (k, j, i), spacing is in mm in the same order. The engine needs no Slicer; what does is in the packages
`mrml`, `report`, `command` and `panel`.
"""

__version__ = "0.1.0"

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what editors and type checkers see of the table below; a test compares the two
    from .arrays.watch import Watch as Watch
    from .blur.operator import SpatiallyVariantBlur as SpatiallyVariantBlur
    from .errors import Cancelled as Cancelled
    from .errors import InputError as InputError
    from .errors import NotEnoughMemory as NotEnoughMemory
    from .estimation import Estimate as Estimate
    from .estimation import EstimatedField as EstimatedField
    from .estimation import EstimatedKernel as EstimatedKernel
    from .estimation import estimate_kernel as estimate_kernel
    from .estimation import estimate_kernels as estimate_kernels
    from .estimation.edges import EdgeSpread as EdgeSpread
    from .estimation.edges import psf_from_edge as psf_from_edge
    from .estimation.edges import psf_from_slit as psf_from_slit
    from .estimation.fits import FieldFit as FieldFit
    from .estimation.fits import KernelFit as KernelFit
    from .estimation.fits import SmoothGaussians as SmoothGaussians
    from .estimation.fits import fit_gaussians as fit_gaussians
    from .estimation.fits import fit_kernel as fit_kernel
    from .estimation.fits import fit_kernels as fit_kernels
    from .estimation.fits import fit_pair as fit_pair
    from .estimation.fits import smooth_gaussians as smooth_gaussians
    from .estimation.points import Point as Point
    from .estimation.points import PointSpreads as PointSpreads
    from .estimation.points import psfs_from_points as psfs_from_points
    from .estimation.refine import RefinedField as RefinedField
    from .estimation.refine import Refinement as Refinement
    from .estimation.refine import refine_kernels as refine_kernels
    from .kernels.collect import read_kernel_set as read_kernel_set
    from .kernels.depths import depth_field as depth_field
    from .kernels.field import BoundField as BoundField
    from .kernels.field import KernelField as KernelField
    from .kernels.kernel import Kernel as Kernel
    from .kernels.parametric import ParametricKernel as ParametricKernel
    from .kernels.prepare import Preparation as Preparation
    from .kernels.prepare import PreparedField as PreparedField
    from .kernels.prepare import PreparedKernel as PreparedKernel
    from .kernels.prepare import prepare_kernel as prepare_kernel
    from .kernels.scaling import scale_kernels as scale_kernels
    from .kernels.sets import read_kernel as read_kernel
    from .kernels.sets import write_kernel as write_kernel
    from .kernels.sets import write_kernel_set as write_kernel_set
    from .kernels.shapes import KINDS as KINDS
    from .kernels.shapes import ball_kernel as ball_kernel
    from .kernels.shapes import born_wolf_kernel as born_wolf_kernel
    from .kernels.shapes import box_kernel as box_kernel
    from .kernels.shapes import confocal_kernel as confocal_kernel
    from .kernels.shapes import cross_kernel as cross_kernel
    from .kernels.shapes import disk_kernel as disk_kernel
    from .kernels.shapes import exponential_kernel as exponential_kernel
    from .kernels.shapes import gaussian_kernel as gaussian_kernel
    from .kernels.shapes import gaussians_kernel as gaussians_kernel
    from .kernels.shapes import gibson_lanni_kernel as gibson_lanni_kernel
    from .kernels.shapes import identity_kernel as identity_kernel
    from .kernels.shapes import laplacian_kernel as laplacian_kernel
    from .kernels.shapes import lorentz_kernel as lorentz_kernel
    from .kernels.shapes import mean_kernel as mean_kernel
    from .kernels.shapes import moffat_kernel as moffat_kernel
    from .kernels.shapes import motion_kernel as motion_kernel
    from .kernels.shapes import radial_kernel as radial_kernel
    from .kernels.shapes import read_radial_table as read_radial_table
    from .kernels.shapes import sharpen_kernel as sharpen_kernel
    from .kernels.shapes import sum_kernel as sum_kernel
    from .metrics import psnr as psnr
    from .metrics import rmse as rmse
    from .metrics import ssim as ssim
    from .noise import NoiseLaw as NoiseLaw
    from .noise import as_noise_law as as_noise_law
    from .noise import estimate_noise as estimate_noise
    from .noise import estimate_noise_law as estimate_noise_law
    from .run.forecast import Forecast as Forecast
    from .run.forecast import foresee as foresee
    from .run.pipeline import Result as Result
    from .run.pipeline import convolve as convolve
    from .run.pipeline import deconvolve as deconvolve
    from .run.residuals import ResidualMap as ResidualMap
    from .run.settings import ConvolveSettings as ConvolveSettings
    from .run.settings import DeconvolveSettings as DeconvolveSettings
    from .run.sheet import Sheet as Sheet
    from .run.sheet import Tile as Tile
    from .run.sheet import compare_methods as compare_methods
    from .run.width import WidthEstimate as WidthEstimate
    from .run.width import estimate_width as estimate_width
    from .selection import labels_from_masks as labels_from_masks
    from .selection import mask_from_box as mask_from_box
    from .selection import mask_from_labels as mask_from_labels
    from .selection import mask_from_range as mask_from_range
    from .solvers.iteration import Solution as Solution
    from .solvers.solve import solve as solve

#: The public names, by the module they come from. They are imported at their first use: the module panel, and
#: `spatialdeconv` until it can answer Ctrl-C, must not wait for scipy and SimpleITK.
_PUBLIC = {
    "blur.operator": ("SpatiallyVariantBlur",),
    "errors": ("Cancelled", "InputError", "NotEnoughMemory"),
    "estimation": (
        "Estimate",
        "EstimatedField",
        "EstimatedKernel",
        "estimate_kernel",
        "estimate_kernels",
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
    "estimation.edges": ("EdgeSpread", "psf_from_edge", "psf_from_slit"),
    "estimation.points": ("Point", "PointSpreads", "psfs_from_points"),
    "estimation.refine": ("RefinedField", "Refinement", "refine_kernels"),
    "kernels.collect": ("read_kernel_set",),
    "kernels.depths": ("depth_field",),
    "kernels.field": ("BoundField", "KernelField"),
    "kernels.kernel": ("Kernel",),
    "kernels.parametric": ("ParametricKernel",),
    "kernels.prepare": ("Preparation", "PreparedField", "PreparedKernel", "prepare_kernel"),
    "kernels.scaling": ("scale_kernels",),
    "kernels.sets": ("read_kernel", "write_kernel", "write_kernel_set"),
    "kernels.shapes": (
        "KINDS",
        "ball_kernel",
        "born_wolf_kernel",
        "box_kernel",
        "confocal_kernel",
        "cross_kernel",
        "disk_kernel",
        "exponential_kernel",
        "gaussian_kernel",
        "gaussians_kernel",
        "gibson_lanni_kernel",
        "identity_kernel",
        "laplacian_kernel",
        "lorentz_kernel",
        "mean_kernel",
        "moffat_kernel",
        "motion_kernel",
        "radial_kernel",
        "read_radial_table",
        "sharpen_kernel",
        "sum_kernel",
    ),
    "metrics": ("psnr", "rmse", "ssim"),
    "noise": ("NoiseLaw", "as_noise_law", "estimate_noise", "estimate_noise_law"),
    "run.forecast": ("Forecast", "foresee"),
    "run.pipeline": ("Result", "convolve", "deconvolve"),
    "run.residuals": ("ResidualMap",),
    "run.sheet": ("Sheet", "Tile", "compare_methods"),
    "run.width": ("WidthEstimate", "estimate_width"),
    "run.settings": ("ConvolveSettings", "DeconvolveSettings"),
    "selection": ("labels_from_masks", "mask_from_box", "mask_from_labels", "mask_from_range"),
    "solvers.iteration": ("Solution",),
    "solvers.solve": ("solve",),
    "arrays.watch": ("Watch",),
}
_HOMES = {name: home for home, names in _PUBLIC.items() for name in names}

__all__ = sorted(_HOMES)


if not TYPE_CHECKING:  # or every misspelt name would pass as one of type Any

    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        if name.startswith("_"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            return importlib.import_module(f"{__name__}.{name}")  # sd.kernels, without an import of its own
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
