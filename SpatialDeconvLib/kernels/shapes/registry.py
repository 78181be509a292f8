"""The one registry of the kinds of kernels that are made from parameters, and of those that are stored.

A kind of kernel is one maker (in a module beside this one) and one entry of `KINDS`: kernel sets, the command, its
help and the panel read these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...errors import InputError
from ...texts import mark as _
from ..kernel import Kernel
from ..kinds import Kind, Parameter
from .gaussians import TRUNCATE, gaussian_kernel, gaussians_kernel
from .microscope import born_wolf_kernel, confocal_kernel, gibson_lanni_kernel
from .stencils import (
    SHARPENING,
    cross_kernel,
    identity_kernel,
    laplacian_kernel,
    mean_kernel,
    sharpen_kernel,
    sum_kernel,
)
from .table import radial_kernel
from .tails import exponential_kernel, lorentz_kernel, moffat_kernel
from .uniform import ball_kernel, box_kernel, disk_kernel, motion_kernel

_SIGMA = Parameter(
    "sigma_mm", "standard deviation", "mm", "axes", required=False, least=0.0, half=True, label=_("Sigma (mm):"),
    word=_("sigma"), start=1.0,
)  # fmt: skip
_FWHM = Parameter(
    "fwhm_mm", _("full width at half maximum"), "mm", "axes", required=False, instead_of="sigma_mm",
    least=0.0, label=_("FWHM (mm):"), word=_("FWHM"),
)  # fmt: skip
_COVARIANCE = Parameter(
    "covariance_mm2", "covariance: 4 numbers (axes j, i) or 9 (k, j, i), row by row", "mm2",
    "matrix", required=False, instead_of="sigma_mm",
)  # fmt: skip
_TRUNCATE = Parameter("truncate", "the radius, in standard deviations", required=False, default=TRUNCATE, least=0.0)
_LENGTH = Parameter(
    "length_mm", "length of the path", "mm", least=0.0, label=_("Length (mm):"), word=_("length"), start=5.0
)
_ANGLE = Parameter(
    "angle_deg", "from the +i axis towards +j, of a motion in the slice", "deg", required=False, start=0.0
)
_DIRECTION = Parameter(
    "direction", "of a motion in 3-D: z, y, x", count="vector", required=False,
    instead_of="angle_deg", in_plane=0.0,
)  # fmt: skip
_WIDTH = Parameter(
    "width_mm", "width of the box", "mm", "axes", least=0.0, label=_("Width (mm):"), word=_("width"), start=3.0
)
_RADIUS = Parameter(
    "radius_mm", "radius", "mm", least=0.0, half=True, label=_("Radius (mm):"), word=_("radius"), start=2.0
)
_SHAPE = Parameter(
    "shape", "size of the block", "voxels", "axes", least=1.0, label=_("Size (voxels):"), word=_("size"), start=3.0
)
_AMOUNT = Parameter(
    "amount", "how much of the Laplacian", required=False, default=SHARPENING, label=_("Amount:"),
    word=_("amount"), start=SHARPENING,
)  # fmt: skip
_SIGMAS = Parameter(
    "sigmas_mm", "standard deviation of each", "mm", "list", required=False, half=True, label=_("Sigmas (mm):"),
    word=_("sigmas"), start=(1.0, 4.0),
)  # fmt: skip
_FWHMS = Parameter(
    "fwhms_mm", _("full width at half maximum of each"), "mm", "list", required=False,
    instead_of="sigmas_mm", label=_("FWHMs (mm):"), word=_("FWHMs"),
)  # fmt: skip
_AMPLITUDES = Parameter(
    "amplitudes", _("share of the weight of each, in any unit"), count="list", label=_("Amplitudes:"),
    word=_("amplitudes"), start=(0.8, 0.2),
)  # fmt: skip
_LAMBDA = Parameter(
    "lambda_mm", "scale length", "mm", least=0.0, half=True, extent=8.0, label=_("Lambda (mm):"), word=_("lambda"),
    start=0.5,
)  # fmt: skip
_ALPHA = Parameter(
    "alpha_mm", "scale length", "mm", required=False, least=0.0, half=True, extent=8.0, label=_("Alpha (mm):"),
    word=_("alpha"), start=1.0,
)  # fmt: skip
_BETA = Parameter(
    "beta",
    _("how steep the wings are; greater than 1 in 2-D and 1.5 in 3-D"),
    label=_("Beta:"),
    word=_("beta"),
    start=2.5,
)
_REACH = Parameter(
    "reach_mm", _("how far it reaches from its centre"), "mm", "axes", required=False, least=0.0, extent=0.0,
    label=_("Reach (mm):"), word=_("reach"),
)  # fmt: skip
_DISTANCES = Parameter(
    "r_mm", "distances from the centre, increasing", "mm", "list", half=True, label=_("Distances (mm):"),
    word=_("distances"), start=(0.0, 1.0, 2.0, 4.0),
)  # fmt: skip
_DENSITY = Parameter(
    "density", _("weight per area or volume at each distance, in any unit"), count="list", label=_("Densities:"),
    word=_("densities"), start=(1.0, 0.5, 0.2, 0.0),
)  # fmt: skip
_NA = Parameter("na", "numerical aperture", label=_("Aperture (NA):"), word=_("NA"), start=1.4)
_WAVELENGTH = Parameter(
    "wavelength_nm", _("wavelength of the light that is seen, in vacuum"), "nm", extent=2.0,
    label=_("Wavelength (nm):"), word=_("wavelength"), start=550.0,
)  # fmt: skip
_EXCITATION = Parameter(
    "excitation_nm", _("wavelength of the light that excites, in vacuum"), "nm", extent=2.0,
    label=_("Excitation (nm):"), word=_("excitation"), start=490.0,
)  # fmt: skip
_IMMERSION = Parameter(
    "immersion_index", _("refractive index of the immersion medium: air 1, water 1.33, oil 1.515"), required=False,
    default=1.515, label=_("Immersion index:"), word=_("immersion"),
)  # fmt: skip
#: What lies between a microscope's lens and a point in the sample, and what the lens was made for.
_CONDITIONS = (
    Parameter(
        "sample_index", _("refractive index of the sample"), required=False, default=1.33, label=_("Sample index:"),
        word=_("sample"),
    ),
    Parameter(
        "depth_mm", _("depth of the point below the coverslip"), "mm", required=False, default=0.0, least=0.0,
        extent=0.0, label=_("Depth (mm):"), word=_("depth"),
    ),
    _IMMERSION,
    Parameter("immersion_index_design", "the index that the lens was made for, if another", required=False),
    Parameter("coverslip_index", "refractive index of the coverslip", required=False, default=1.515),
    Parameter("coverslip_index_design", "the index that the lens was made for, if another", required=False),
    Parameter(
        "coverslip_mm", "thickness of the coverslip", "mm", required=False, default=0.17, least=0.0, extent=0.0,
    ),
    Parameter(
        "coverslip_design_mm", "the one that the lens was made for, if another", "mm", required=False, extent=0.0
    ),
    Parameter(
        "working_distance_mm", "thickness of the immersion medium that the lens was made for", "mm", required=False,
        default=0.15, extent=0.0,
    ),
)  # fmt: skip


def _make_gaussian(p: dict[str, Any], spacing: tuple[float, ...]) -> Kernel:
    truncate = p.get("truncate", TRUNCATE)
    return gaussian_kernel(
        p.get("sigma_mm"), spacing, fwhm=p.get("fwhm_mm"), covariance=p.get("covariance_mm2"), truncate=truncate
    )


def _make_gaussians(p: dict[str, Any], spacing: tuple[float, ...]) -> Kernel:
    truncate = p.get("truncate", TRUNCATE)
    return gaussians_kernel(
        p.get("sigmas_mm"), p["amplitudes"], spacing, fwhms=p.get("fwhms_mm"), truncate=truncate
    )


def _make_moffat(p: dict[str, Any], spacing: tuple[float, ...]) -> Kernel:
    return moffat_kernel(p.get("alpha_mm"), p["beta"], spacing, fwhm=p.get("fwhm_mm"), reach=p.get("reach_mm"))


def _make_motion(p: dict[str, Any], spacing: tuple[float, ...]) -> Kernel:
    return motion_kernel(p["length_mm"], p["direction"] if "direction" in p else p["angle_deg"], spacing)


def _microscope(maker: Callable[..., Kernel]) -> Callable[[dict[str, Any], tuple[float, ...]], Kernel]:
    """The maker of a microscope's kernels, whose arguments are called as the parameters are."""

    def make(p: dict[str, Any], spacing: tuple[float, ...]) -> Kernel:
        return maker(spacing=spacing, **{"reach" if name == "reach_mm" else name: v for name, v in p.items()})

    return make


def _make_ball(p: dict[str, Any], spacing: tuple[float, ...]) -> Kernel:
    if len(spacing) == 2:
        raise InputError("a ball is 3-D, the image or its slices 2-D; use a disk")
    return ball_kernel(p["radius_mm"], spacing)


def _by_name(*kinds: Kind) -> dict[str, Kind]:
    return {kind.name: kind for kind in kinds}


#: The kinds of kernels that are made from parameters, in the order in which they are listed.
KINDS: dict[str, Kind] = _by_name(
    Kind(
        "gaussian",
        _("Gaussian"),
        _("Gaussian blur of standard deviation sigma."),
        ("exp(-r^2 / (2 sigma^2)), with covariance C exp(-1/2 r^T C^-1 r); FWHM = 2.355 sigma; at voxel centres"),
        _make_gaussian,
        (_SIGMA, _FWHM, _TRUNCATE, _COVARIANCE),
        fitted=True,
        aliases=("gauss",),
    ),
    Kind(
        "motion",
        _("Motion"),
        _("Uniform straight motion during the exposure."),
        "the share of a line of that length in each voxel",
        _make_motion,
        (_LENGTH, _ANGLE, _DIRECTION),
        fitted=True,
    ),
    Kind(
        "box",
        _("Box"),
        _("Mean over a box."),
        "the share of a box of that width in each voxel",
        lambda p, s: box_kernel(p["width_mm"], s),
        (_WIDTH,),
    ),
    Kind(
        "disk",
        _("Disk"),
        _("Defocus in the plane of the slice: a uniform disk."),
        "the share of a disk of that radius in each pixel",
        lambda p, s: disk_kernel(p["radius_mm"], s),
        (_RADIUS,),
        planar=True,
        fitted=True,
        aliases=("defocus",),
    ),
    Kind(
        "ball",
        _("Ball"),
        _("Defocus in three dimensions: a uniform ball."),
        "the share of a ball of that radius in each voxel",
        _make_ball,
        (_RADIUS,),
        solid=True,
        fitted=True,
    ),
    Kind(
        "gaussians",
        _("Sum of Gaussians"),
        _("Several Gaussians about one centre, as of scatter and dose."),
        "sum of amplitude_n N(r; sigma_n), N normalised in the plane or in space",
        _make_gaussians,
        (_SIGMAS, _FWHMS, _AMPLITUDES, _TRUNCATE),
    ),
    Kind(
        "lorentz",
        _("Lorentz"),
        _("Glare and scatter with a Lorentzian line spread function; heavy tails."),
        (
            "(lambda^2 + r^2)^(-3/2) in 2-D, (lambda^2 + r^2)^-2 in 3-D; line spread 1 / "
            "(lambda^2 + x^2), MTF exp(-2 pi lambda f)"
        ),
        lambda p, s: lorentz_kernel(p["lambda_mm"], s, reach=p.get("reach_mm")),
        (_LAMBDA, _REACH),
        aliases=("lorentzian", "cauchy"),
    ),
    Kind(
        "exponential",
        _("Exponential"),
        _("Scatter that falls off exponentially with the distance."),
        "exp(-r / lambda)",
        lambda p, s: exponential_kernel(p["lambda_mm"], s, reach=p.get("reach_mm")),
        (_LAMBDA, _REACH),
    ),
    Kind(
        "moffat",
        _("Moffat"),
        _("A core with wings, as of stars and lenses."),
        "(1 + r^2 / alpha^2)^-beta; FWHM = 2 alpha sqrt(2^(1/beta) - 1)",
        _make_moffat,
        (_ALPHA, replace(_FWHM, instead_of="alpha_mm"), _BETA, _REACH),
    ),
    Kind(
        "radial",
        _("Radial table"),
        _("Densities at distances from the centre, from a table."),
        "linear between the distances, 0 beyond the last",
        lambda p, s: radial_kernel(p["r_mm"], p["density"], s),
        (_DISTANCES, _DENSITY),
    ),
    Kind(
        "born-wolf",
        _("Born-Wolf"),
        _("Wide-field microscope without aberrations."),
        ("|integral from 0 to 1 of J0(2 pi NA r rho / lambda) exp(-i pi NA^2 z rho^2 / (n lambda)) rho d rho|^2"),
        _microscope(born_wolf_kernel),
        (_NA, _WAVELENGTH, _IMMERSION, _REACH),
    ),
    Kind(
        "gibson-lanni",
        _("Gibson-Lanni"),
        _("Wide-field microscope, with the aberrations of indices and of the depth in the sample."),
        "|integral from 0 to a of J0(2 pi s r / lambda) exp(2 pi i OPD(s, z) / lambda) s ds|^2",
        _microscope(gibson_lanni_kernel),
        (_NA, _WAVELENGTH, *_CONDITIONS, _REACH),
    ),
    Kind(
        "confocal",
        _("Confocal"),
        _("Confocal microscope with a small pinhole."),
        (
            "Gibson-Lanni of the excitation times Gibson-Lanni of what is seen: a pinhole "
            "that is small to the Airy disk"
        ),
        _microscope(confocal_kernel),
        (_NA, _WAVELENGTH, _EXCITATION, *_CONDITIONS, _REACH),
    ),
    Kind(
        "mean",
        _("Mean"),
        _("Mean of a block of voxels."),
        "1 / number of voxels",
        lambda p, s: mean_kernel(p["shape"], s),
        (_SHAPE,),
    ),
    Kind(
        "sum",
        _("Sum"),
        _("Sum over a block of voxels; not normalised."),
        "1",
        lambda p, s: sum_kernel(p["shape"], s),
        (replace(_SHAPE, in_plane=1.0),),  # along an axis without neighbours a mean changes nothing, a sum does
        normalised=False,
    ),
    Kind(
        "cross",
        _("Cross sum"),
        _("Sum of a voxel and its face neighbours; not normalised."),
        "1",
        lambda p, s: cross_kernel(s),
        normalised=False,
    ),
    Kind(
        "laplacian",
        _("Laplace"),
        _("Second differences in intensity per mm²: edges; sums to 0, for convolution only."),
        "1, -2, 1 over the squared voxel size, summed over the axes",
        lambda p, s: laplacian_kernel(s),
        normalised=False,
        aliases=("laplace",),
    ),
    Kind(
        "sharpen",
        _("Sharpen"),
        _("The image minus a part of its Laplacian; for convolution."),
        "identity - amount h^2 Laplace, h the smallest voxel size",
        lambda p, s: sharpen_kernel(p.get("amount", SHARPENING), s),
        (_AMOUNT,),
        aliases=("sharpening",),
    ),
    Kind(
        "identity",
        _("No blur"),
        _("Leaves the image as it is."),
        "one voxel of weight 1",
        lambda p, s: identity_kernel(s),
    ),
)

#: The kinds whose values are stored: in a file that a kernel set names, or in the kernel set itself.
STORED_KINDS: dict[str, Kind] = _by_name(
    Kind(
        "file",
        _("File"),
        _("The voxels of a file: an image, an array, a table of text."),
        parameters=(
            Parameter("path", "the file; relative paths start at the kernel set's folder"),
            Parameter(
                "log", "whether it holds the kernel's natural (true) or decimal (10) logarithm", required=False
            ),
            Parameter(
                "spacing_mm",
                "voxel size, instead of the file's or the image's",
                "mm",
                "axes",
                required=False,
            ),
            Parameter("normalize", "whether to scale it to sum 1", required=False),
            Parameter("variable", "which array, of a file that holds several under names", required=False),
            Parameter("page", "which kernel of a stack, from 1", required=False),
            Parameter("pages", "which axis of the file counts the pages: first or last", required=False),
        ),
    ),
    Kind(
        "values",
        "Values",  # nothing that the panel shows
        "The values themselves.",
        parameters=(
            Parameter("values", "the kernel's values"),
            Parameter("spacing_mm", "voxel size; null: the image's", "mm", "axes"),
        ),
    ),
)

#: The kinds that can be fitted to measured kernels.
FITTED_KINDS = tuple(name for name, kind in KINDS.items() if kind.fitted)
