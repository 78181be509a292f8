"""Makers of the usual kernels, sizes in mm, and the registry of the kinds of kernels that they make.

A kind of kernel is one maker and one entry of `KINDS`: kernel sets, the command, its help and the panel read these.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays.spacing import Spacing, numbers_in, one_per_axis, spacing_tuple
from ..errors import InputError, check_number
from ..methods.translation import mark as _
from .kernel import Kernel, refuse_huge, sizes_text
from .kinds import Kind, Parameter

#: The radius at which a Gaussian ends unless told otherwise, in sigmas.
TRUNCATE = 4.0
_SHARPENING = 1.0  # in Laplacians

_SIGMA = Parameter(
    "sigma_mm", "standard deviation", "mm", "axes", required=False, least=0.0, half=True, label=_("Sigma (mm):"),
    word=_("sigma"), start=1.0,
)  # fmt: skip
_COVARIANCE = Parameter(
    "covariance_mm2", "instead of the standard deviation: 4 numbers (axes j, i) or 9 (k, j, i), row by row", "mm2",
    "matrix", required=False,
)  # fmt: skip
_TRUNCATE = Parameter("truncate", "the radius, in standard deviations", required=False, default=TRUNCATE, least=0.0)
_LENGTH = Parameter(
    "length_mm", "length of the path", "mm", least=0.0, label=_("Length (mm):"), word=_("length"), start=5.0
)
_ANGLE = Parameter(
    "angle_deg", "from the +i axis towards +j, of a motion in the slice", "deg", required=False, start=0.0
)
_DIRECTION = Parameter(
    "direction", "instead of the angle, of a motion in 3-D: z, y, x", count="vector", required=False, in_plane=0.0
)
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
    "amount", "how much of the Laplacian", required=False, default=_SHARPENING, label=_("Amount:"),
    word=_("amount"), start=_SHARPENING,
)  # fmt: skip


def gaussian_kernel(
    sigma: Spacing | None = None,
    spacing: Spacing = 1.0,
    *,
    covariance: Sequence[Sequence[float]] | None = None,
    ndim: int | None = None,
    truncate: float = TRUNCATE,
) -> Kernel:
    """Gaussian, h(r) ~ exp(-1/2 r^T C^-1 r), sampled at the voxel centres and normalised to sum 1.

    C is diagonal with sigma_a^2 on axis a, or the full `covariance`, for a blur along oblique directions.

    Parameters
    ----------
    sigma : float or sequence of float
        Standard deviation in mm, one or per axis; 0 leaves an axis unblurred.
    spacing : float or sequence of float
        Voxel size in mm.
    covariance : array_like, shape (3, 3) or (2, 2), instead of `sigma`
        In mm^2, axes in the order (k, j, i) or (j, i): symmetric and positive definite, but for axes whose row
        and column are 0, which stay unblurred.
    ndim : int, optional
        2 or 3; taken from `sigma`, `covariance` and `spacing` when they are sequences, else 3.
    truncate : float
        The radius is ``int(truncate * sigma / spacing + 0.5)`` voxels, the rule of
        `scipy.ndimage.gaussian_filter`, which this kernel reproduces; sigma is sqrt(C_aa) on axis a.

    Returns
    -------
    Kernel
    """
    if covariance is not None and sigma is None:
        matrix = _covariance(covariance)
        sigma = tuple(np.sqrt(np.diag(matrix)).tolist())
    elif covariance is not None or sigma is None:
        raise InputError(
            "a gaussian kernel needs 'sigma_mm' or 'covariance_mm2' (sigma or covariance), one of them"
        )
    ndim = _resolve_ndim(ndim, sigma, spacing)
    sigmas = _per_axis(sigma, ndim, "sigma", _SIGMA.least)
    spacings = spacing_tuple(spacing, ndim)
    truncate = check_number(truncate, "truncate", _TRUNCATE.least)
    radii = [int(truncate * s / h + 0.5) for s, h in zip(sigmas, spacings, strict=True)]
    what = f"a Gaussian of sigma {sizes_text(sigmas)} mm"
    refuse_huge([2 * r + 1 for r in radii], what, spacings)
    oblique = covariance is not None and np.any(matrix - np.diag(np.diag(matrix)))
    if oblique:
        values = _oblique_gaussian(matrix, radii, spacings)
    else:
        values = _outer([gaussian_profile(s, h, r) for s, h, r in zip(sigmas, spacings, radii, strict=True)])
    source: dict[str, Any] = {"type": "gaussian"}
    if covariance is None:
        source["sigma_mm"] = _scalar_if_equal(sigmas)
    else:
        source["covariance_mm2"] = matrix.tolist()
    if truncate != TRUNCATE:
        source["truncate"] = float(truncate)
    name = f"Gaussian {sizes_text(sigmas)} mm{', oblique' if oblique else ''}"
    return Kernel(values / values.sum(), spacings, name, source)


def gaussian_profile(sigma: float, spacing: float, radius: int) -> np.ndarray:
    """exp(-1/2 (x / sigma)^2) at the voxel centres x = -radius ... radius (times spacing), not normalised."""
    x = np.arange(-radius, radius + 1) * spacing
    return np.exp(-0.5 * (x / sigma) ** 2) if radius else np.ones(1)


def _oblique_gaussian(matrix: np.ndarray, radii: Sequence[int], spacing: Sequence[float]) -> np.ndarray:
    """exp(-1/2 r^T C^-1 r) at the voxel centres; axes of radius 0 are integrated over, not cut through."""
    used = [axis for axis, radius in enumerate(radii) if radius]
    if not used:
        return np.ones([1] * len(radii))
    inverse = np.linalg.inv(matrix[np.ix_(used, used)])
    axes = [np.arange(-radii[a], radii[a] + 1) * spacing[a] for a in used]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = np.exp(-0.5 * np.einsum("...a,ab,...b->...", points, inverse, points))
    return values.reshape([2 * r + 1 for r in radii])


def _covariance(value: Any) -> np.ndarray:
    """The checked covariance, exactly symmetric."""
    try:
        matrix = np.array(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"covariance {value!r} must be a matrix of numbers (mm^2)") from error
    if matrix.shape not in ((2, 2), (3, 3)) or not np.all(np.isfinite(matrix)):
        raise InputError(f"covariance {value!r} must be 2 x 2 (j, i) or 3 x 3 (k, j, i) finite numbers (mm^2)")
    scale = float(np.abs(matrix).max())
    if np.abs(matrix - matrix.T).max() > 1e-6 * scale:
        raise InputError(
            f"covariance {value!r} is not symmetric; give the same number on both sides of the diagonal"
        )
    matrix = 0.5 * (matrix + matrix.T)
    used = np.flatnonzero(np.any(matrix, axis=0))
    if used.size and np.linalg.eigvalsh(matrix[np.ix_(used, used)]).min() <= 1e-12 * scale:
        raise InputError(
            f"covariance {value!r} is not positive definite; for an axis without blur, set its row and column to 0"
        )
    return matrix


def motion_kernel(
    length: float,
    direction: float | Sequence[float] = 0.0,
    spacing: Spacing = 1.0,
    *,
    ndim: int | None = None,
) -> Kernel:
    """Uniform motion along a straight line: each weight is the share of the line that lies inside the voxel.

    The line is centred on the centre voxel and cut exactly at the voxel faces (Siddon's method), so length
    and direction count to any fraction of a voxel; the weights sum to 1.

    Parameters
    ----------
    length : float
        Length of the path in mm; 0 gives the identity.
    direction : float or sequence of 3 (or 2) floats
        An angle in degrees, in the (j, i) plane from the +i axis towards the +j axis; or a vector in mm
        in axis order, (k, j, i) or (j, i). An angle makes a 2-D kernel, a vector one of its own dimension.
    spacing : float or sequence of float
        Voxel size in mm; of three values a 2-D kernel takes the last two.

    References
    ----------
    R. L. Siddon, "Fast calculation of the exact radiological path for a three-dimensional CT array",
    Medical Physics 12(2), 252-255, 1985.
    """
    length = check_number(length, "length", _LENGTH.least)
    if np.ndim(direction) == 0:
        degrees = check_number(direction, "direction")
        angle = math.radians(degrees)
        unit = np.array([math.sin(angle), math.cos(angle)])
        source = {"type": "motion", "length_mm": length, "angle_deg": degrees}
    else:
        unit = numbers_in(direction, "direction")
        if unit.shape not in ((2,), (3,)) or not np.all(np.isfinite(unit)) or not np.any(unit):
            raise InputError(f"direction {direction!r} must be an angle in degrees or 2 or 3 numbers, not all 0")
        source = {"type": "motion", "length_mm": length, "direction": [float(v) for v in unit]}
        unit = unit / np.abs(unit).max()  # first, so that no square is too large or too small
        unit = unit / np.linalg.norm(unit)
    if ndim not in (None, unit.size):
        raise InputError(f"direction {direction!r} makes a {unit.size}-D kernel, not a {ndim}-D one")
    spacings = _last_axes(spacing, unit.size)
    voxels = length * unit / np.array(spacings)
    refuse_huge(np.abs(voxels) + 1, f"a motion of {length:g} mm", spacings)
    return Kernel(_line_weights(voxels), spacings, f"motion {length:g} mm", source)


def _line_weights(vector: np.ndarray) -> np.ndarray:
    """Share of the line from -vector/2 to +vector/2 (in voxels) inside each voxel of an odd grid."""
    vector = np.where(np.abs(vector) < 1e-12, 0.0, vector)
    radius = np.ceil(np.abs(vector) / 2 - 0.5 - 1e-12).astype(int).clip(min=0)
    values = line_shares(vector, np.zeros_like(vector), (2 * radius + 1).tolist())
    # Symmetric to the last bit, whatever the rounding of the cuts.
    values = 0.5 * (values + np.flip(values))
    return values / values.sum()


def line_shares(vector: np.ndarray, middle: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Share of a line inside each voxel of a grid; less than 1 in all when the line leaves the grid.

    The line runs from middle - vector/2 to middle + vector/2, in voxels from the centre of voxel n // 2.
    """
    values = np.zeros(shape)
    cuts = [np.array([0.0, 1.0])]
    for v, m, n in zip(vector, middle, shape, strict=True):
        if v:
            faces = np.arange(n + 1) - n // 2 - 0.5
            cuts.append((faces - m) / v + 0.5)  # parameter t of the point middle - vector/2 + t * vector
    t = np.unique(np.clip(np.concatenate(cuts), 0.0, 1.0))
    at = (0.5 * (t[1:] + t[:-1]) - 0.5)[:, None] * vector + middle
    index = np.rint(at).astype(int) + np.floor_divide(shape, 2)
    inside = np.all((index >= 0) & np.less(index, shape), axis=1)
    np.add.at(values, tuple(index[inside].T), np.diff(t)[inside])
    return values


def box_kernel(width: Spacing, spacing: Spacing = 1.0, *, ndim: int | None = None) -> Kernel:
    """Mean over a box of `width` mm: each weight is the share of the box inside the voxel, sum 1.

    A box of 3 voxels gives the 3-voxel mean filter; a width that is no odd number of voxels counts the
    outermost voxels in part.
    """
    ndim = _resolve_ndim(ndim, width, spacing)
    widths = _per_axis(width, ndim, "width", _WIDTH.least)
    spacings = spacing_tuple(spacing, ndim)
    refuse_huge(
        [w / h + 1 for w, h in zip(widths, spacings, strict=True)], f"a box of {sizes_text(widths)} mm", spacings
    )
    profiles = [box_profile(w / h) for w, h in zip(widths, spacings, strict=True)]
    source = {"type": "box", "width_mm": _scalar_if_equal(widths)}
    return Kernel(_outer(profiles), spacings, f"box {sizes_text(widths)} mm", source)


def box_profile(width: float) -> np.ndarray:
    """Share of an interval of `width` voxels, centred on a voxel, inside each voxel (odd length, sum 1)."""
    if width <= 1.0:
        return np.ones(1)
    radius = math.ceil(width / 2 - 0.5 - 1e-9)
    index = np.arange(-radius, radius + 1)
    overlap = np.minimum(index + 0.5, width / 2) - np.maximum(index - 0.5, -width / 2)
    return overlap.clip(min=0) / overlap.clip(min=0).sum()


def mean_kernel(shape: int | Sequence[int] = 3, spacing: Spacing = 1.0, *, ndim: int | None = None) -> Kernel:
    """Mean of a block of `shape` voxels (any size, even ones too): every weight 1 / number of voxels."""
    kernel = sum_kernel(shape, spacing, ndim=ndim)
    source = {"type": "mean", "shape": list(kernel.shape)}
    return Kernel(kernel.values / kernel.values.size, kernel.spacing, kernel.name.replace("sum", "mean"), source)


def sum_kernel(shape: int | Sequence[int] = 3, spacing: Spacing = 1.0, *, ndim: int | None = None) -> Kernel:
    """Sum over a block of `shape` voxels: every weight 1. Not normalised."""
    ndim = _resolve_ndim(ndim, shape, spacing)
    given = _per_axis(shape, ndim, "shape", _SHAPE.least)
    if any(s != int(s) for s in given):
        raise InputError(f"shape {shape!r} must be whole numbers of voxels")
    sizes = tuple(int(s) for s in given)
    refuse_huge(sizes, f"shape {shape!r}", spacing)
    name = "sum of " + "x".join(map(str, sizes))
    return Kernel(np.ones(sizes), spacing_tuple(spacing, ndim), name, {"type": "sum", "shape": list(sizes)})


def cross_kernel(spacing: Spacing = 1.0, *, ndim: int | None = None) -> Kernel:
    """Sum of a voxel and its face neighbours (5 voxels in 2-D, 7 in 3-D): every weight 1. Not normalised."""
    ndim = _resolve_ndim(ndim, spacing)
    values = np.zeros((3,) * ndim)
    for index in itertools.product(range(3), repeat=ndim):
        values[index] = sum(i != 1 for i in index) <= 1
    return Kernel(values, spacing_tuple(spacing, ndim), "cross (local sum)", {"type": "cross"})


def disk_kernel(radius: float, spacing: Spacing = 1.0) -> Kernel:
    """Uniform disk of `radius` mm in the (j, i) plane (defocus): the share of its area in each pixel, sum 1."""
    radius = check_number(radius, "radius", _RADIUS.least)
    spacings = _last_axes(spacing, 2)
    return Kernel(
        _ball_weights(radius, spacings),
        spacings,
        f"disk {radius:g} mm",
        {"type": "disk", "radius_mm": radius},
    )


def ball_kernel(radius: float, spacing: Spacing = 1.0) -> Kernel:
    """Uniform ball of `radius` mm: the share of its volume in each voxel, 3-D, sum 1."""
    radius = check_number(radius, "radius", _RADIUS.least)
    spacings = spacing_tuple(spacing, 3)
    return Kernel(
        _ball_weights(radius, spacings),
        spacings,
        f"ball {radius:g} mm",
        {"type": "ball", "radius_mm": radius},
    )


def _ball_weights(radius: float, spacing: Sequence[float]) -> np.ndarray:
    """Share of a disk or ball per voxel: exact in the plane, Gauss-Legendre quadrature over a ball's sections."""
    radii = [math.ceil(radius / h - 0.5 - 1e-9) if radius > h / 2 else 0 for h in spacing]
    if radius == 0:
        return np.ones([1] * len(spacing))
    refuse_huge([2 * r + 1 for r in radii], f"a radius of {radius:g} mm", spacing)
    values = ball_shares(radius, [(np.arange(-r, r + 2) - 0.5) * h for r, h in zip(radii, spacing, strict=True)])
    return values / values.sum()


def ball_shares(radius: float, faces: Sequence[np.ndarray]) -> np.ndarray:
    """Area of a disk (two axes) or volume of a ball (three) around 0 in each cell between the faces of a grid."""
    *above, rows, columns = faces
    if not above:
        return _disk_areas(radius, rows, columns)
    layers = np.clip(above[0], -radius, radius)
    used = np.count_nonzero(np.diff(layers)) + 1
    # Fine enough that the rim is right to a fraction of a percent, coarse enough for large radii.
    nodes, weights = np.polynomial.legendre.leggauss(int(np.clip(256 // used, 4, 24)))
    values = np.zeros((layers.size - 1, rows.size - 1, columns.size - 1))
    for layer, low, high in zip(values, layers[:-1], layers[1:], strict=True):
        half = (high - low) / 2
        for node, weight in zip(nodes, weights, strict=True):
            section = math.sqrt(max(radius**2 - (low + half + half * node) ** 2, 0.0))
            layer += weight * half * _disk_areas(section, rows, columns)
    return values


def _disk_areas(radius: float, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Area of the disk of `radius` around 0 in each cell between the faces `rows` and `columns`."""

    def below_arc(v: np.ndarray) -> np.ndarray:  # integral of sqrt(radius^2 - v^2) from 0
        return 0.5 * (v * height(v) + radius**2 * np.arcsin(v / radius))

    def height(v: np.ndarray) -> np.ndarray:  # of the arc above v; rounding must not make the square negative
        return np.sqrt(np.maximum(radius**2 - v**2, 0.0))

    if radius == 0:
        return np.zeros((rows.size - 1, columns.size - 1))
    y, x = np.clip(rows, -radius, radius)[:, None], np.clip(columns, -radius, radius)
    # Signed area between the axes and (x, y): a rectangle up to the height where the arc cuts it, then the arc.
    cut = np.minimum(np.abs(y), height(x))
    area = np.abs(x) * cut + below_arc(np.abs(y)) - below_arc(cut)
    return np.diff(np.diff(np.sign(x) * np.sign(y) * area, axis=0), axis=1).clip(min=0)


def laplacian_kernel(spacing: Spacing = 1.0, *, ndim: int | None = None) -> Kernel:
    """Second differences, sum over the axes of d^2/dr_a^2, in intensity per mm^2; sums to 0.

    At spacing 1 it is the textbook kernel (2-D: 0 1 0 / 1 -4 1 / 0 1 0).
    """
    ndim = _resolve_ndim(ndim, spacing)
    spacings = spacing_tuple(spacing, ndim)
    values = np.zeros((3,) * ndim)
    for axis, h in enumerate(spacings):
        line = [1] * ndim
        for step, weight in ((0, 1.0), (1, -2.0), (2, 1.0)):
            line[axis] = step
            values[tuple(line)] += weight / h**2
    return Kernel(values, spacings, "Laplace", {"type": "laplacian"})


def sharpen_kernel(amount: float = _SHARPENING, spacing: Spacing = 1.0, *, ndim: int | None = None) -> Kernel:
    """Sharpening, identity - amount * h_min^2 * Laplace; sums to 1.

    At equal spacing and amount 1 it is the textbook kernel (2-D: 0 -1 0 / -1 5 -1 / 0 -1 0).
    """
    amount = check_number(amount, "amount")
    laplace = laplacian_kernel(spacing, ndim=ndim)
    values = -amount * min(laplace.spacing) ** 2 * laplace.values
    values[laplace.centre_voxel] += 1.0
    return Kernel(values, laplace.spacing, f"sharpen {amount:g}", {"type": "sharpen", "amount": amount})


def identity_kernel(spacing: Spacing = 1.0, *, ndim: int | None = None) -> Kernel:
    """One voxel of weight 1: convolution returns the image."""
    ndim = _resolve_ndim(ndim, spacing)
    return Kernel(np.ones((1,) * ndim), spacing_tuple(spacing, ndim), "identity", {"type": "identity"})


def _outer(profiles: Sequence[np.ndarray]) -> np.ndarray:
    values = profiles[0]
    for profile in profiles[1:]:
        values = np.multiply.outer(values, profile)
    return values


def _resolve_ndim(ndim: int | None, *arguments: Any) -> int:
    sizes = {np.size(a) for a in arguments if np.ndim(a) == 1}
    if len(sizes) > 1 or (sizes and ndim is not None and sizes != {ndim}):
        raise InputError(
            f"arguments of {sorted(sizes)} values per axis do not agree with each other or ndim={ndim}"
        )
    result = ndim if ndim is not None else (sizes.pop() if sizes else 3)
    if result not in (2, 3):
        raise InputError(f"kernels are 2-D or 3-D, not {result}-D")
    return result


def _per_axis(value: Spacing, ndim: int, name: str, minimum: float) -> tuple[float, ...]:
    values = numbers_in(value, name)
    if values.size not in (1, ndim) or values.ndim != 1:
        raise InputError(f"{name} {value!r} must be one number or {ndim}")
    if not np.all(np.isfinite(values)) or np.any(values < minimum):
        raise InputError(f"{name} {value!r} must be finite and not below {minimum:g}")
    return tuple(float(v) for v in (np.repeat(values, ndim) if values.size == 1 else values))


def _last_axes(spacing: Spacing, ndim: int) -> tuple[float, ...]:
    """Spacing of the last `ndim` axes: a kernel in the plane ignores the slice spacing."""
    return spacing_tuple(tuple(spacing)[-ndim:] if one_per_axis(spacing) else spacing, ndim)


def _scalar_if_equal(values: Sequence[float]) -> float | list[float]:
    return values[0] if len(set(values)) == 1 else list(values)


# ------------------------------------------------------------------------------------ the kinds of kernels


def _make_gaussian(p: dict[str, Any], spacing: tuple[float, ...]) -> Kernel:
    truncate = p.get("truncate", TRUNCATE)
    if "covariance_mm2" in p and "sigma_mm" not in p:
        return gaussian_kernel(covariance=p["covariance_mm2"], spacing=spacing, truncate=truncate)
    if ("sigma_mm" in p) == ("covariance_mm2" in p):
        raise InputError("a gaussian kernel needs 'sigma_mm' or 'covariance_mm2', one of them")
    return gaussian_kernel(p["sigma_mm"], spacing, truncate=truncate)


def _make_motion(p: dict[str, Any], spacing: tuple[float, ...]) -> Kernel:
    if ("angle_deg" in p) == ("direction" in p):
        raise InputError("a motion kernel needs either 'angle_deg' (in the plane) or 'direction' ([z, y, x])")
    return motion_kernel(p["length_mm"], p["direction"] if "direction" in p else p["angle_deg"], spacing)


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
        _make_gaussian,
        (_SIGMA, _TRUNCATE, _COVARIANCE),
        fitted=True,
        aliases=("gauss",),
    ),
    Kind(
        "motion",
        _("Motion"),
        _("Uniform straight motion during the exposure."),
        _make_motion,
        (_LENGTH, _ANGLE, _DIRECTION),
        fitted=True,
    ),
    Kind("box", _("Box"), _("Mean over a box."), lambda p, s: box_kernel(p["width_mm"], s), (_WIDTH,)),
    Kind(
        "disk",
        _("Disk"),
        _("Defocus in the plane of the slice: a uniform disk."),
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
        _make_ball,
        (_RADIUS,),
        fitted=True,
    ),
    Kind("mean", _("Mean"), _("Mean of a block of voxels."), lambda p, s: mean_kernel(p["shape"], s), (_SHAPE,)),
    Kind(
        "sum",
        _("Sum"),
        _("Sum over a block of voxels; not normalised."),
        lambda p, s: sum_kernel(p["shape"], s),
        (replace(_SHAPE, in_plane=1.0),),  # along an axis without neighbours a mean changes nothing, a sum does
        normalised=False,
    ),
    Kind(
        "cross",
        _("Cross sum"),
        _("Sum of a voxel and its face neighbours; not normalised."),
        lambda p, s: cross_kernel(s),
        normalised=False,
    ),
    Kind(
        "laplacian",
        _("Laplace"),
        _("Second differences in intensity per mm²: edges; sums to 0, for convolution only."),
        lambda p, s: laplacian_kernel(s),
        normalised=False,
        aliases=("laplace",),
    ),
    Kind(
        "sharpen",
        _("Sharpen"),
        _("The image minus a part of its Laplacian; for convolution."),
        lambda p, s: sharpen_kernel(p.get("amount", _SHARPENING), s),
        (_AMOUNT,),
        aliases=("sharpening",),
    ),
    Kind("identity", _("No blur"), _("Leaves the image as it is."), lambda p, s: identity_kernel(s)),
)

#: The kinds whose values are stored: in a file that a kernel set names, or in the kernel set itself.
STORED_KINDS: dict[str, Kind] = _by_name(
    Kind(
        "file",
        _("File"),
        _("The voxels of an image file or .npy array."),
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
