"""Uniform shapes: motion along a line, box, disk and ball; each weight is the share that lies inside the voxel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...arrays.spacing import Spacing, numbers_in, spacing_tuple
from ...errors import InputError, check_number
from ..kernel import Kernel, refuse_huge, sizes_text
from .arguments import last_axes, outer, per_axis, radii_of, resolve_ndim, scalar_if_equal


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
    length = check_number(length, "length", 0.0)
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
    spacings = last_axes(spacing, unit.size)
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
    ndim = resolve_ndim(ndim, width, spacing)
    widths = per_axis(width, ndim, "width", 0.0)
    spacings = spacing_tuple(spacing, ndim)
    refuse_huge(
        [w / h + 1 for w, h in zip(widths, spacings, strict=True)], f"a box of {sizes_text(widths)} mm", spacings
    )
    profiles = [box_profile(w / h) for w, h in zip(widths, spacings, strict=True)]
    source = {"type": "box", "width_mm": scalar_if_equal(widths)}
    return Kernel(outer(profiles), spacings, f"box {sizes_text(widths)} mm", source)


def box_profile(width: float) -> np.ndarray:
    """Share of an interval of `width` voxels, centred on a voxel, inside each voxel (odd length, sum 1)."""
    if width <= 1.0:
        return np.ones(1)
    radius = math.ceil(width / 2 - 0.5 - 1e-9)
    index = np.arange(-radius, radius + 1)
    overlap = np.minimum(index + 0.5, width / 2) - np.maximum(index - 0.5, -width / 2)
    return overlap.clip(min=0) / overlap.clip(min=0).sum()


def disk_kernel(radius: float, spacing: Spacing = 1.0) -> Kernel:
    """Uniform disk of `radius` mm in the (j, i) plane (defocus): the share of its area in each pixel, sum 1."""
    radius = check_number(radius, "radius", 0.0)
    spacings = last_axes(spacing, 2)
    return Kernel(
        _ball_weights(radius, spacings),
        spacings,
        f"disk {radius:g} mm",
        {"type": "disk", "radius_mm": radius},
    )


def ball_kernel(radius: float, spacing: Spacing = 1.0) -> Kernel:
    """Uniform ball of `radius` mm: the share of its volume in each voxel, 3-D, sum 1."""
    radius = check_number(radius, "radius", 0.0)
    spacings = spacing_tuple(spacing, 3)
    return Kernel(
        _ball_weights(radius, spacings),
        spacings,
        f"ball {radius:g} mm",
        {"type": "ball", "radius_mm": radius},
    )


def _ball_weights(radius: float, spacing: Sequence[float]) -> np.ndarray:
    """Share of a disk or ball per voxel: exact in the plane, Gauss-Legendre quadrature over a ball's sections."""
    radii = radii_of((radius,) * len(spacing), spacing)
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
