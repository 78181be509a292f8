"""`psfs_from_points`: kernels from an image of points, from finding them to kernels with their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...arrays.spacing import Spacing, numbers_in, spacing_tuple
from ...arrays.watch import IsCancelled, Progress, Watch
from ...errors import InputError, check_number, is_auto
from ...kernels.field import KernelField
from ...kernels.kernel import Kernel
from ...noise import estimate_noise
from ...run.inputs import selected_voxels
from ..pair import kernel_shape, real_image, refuse_nonfinite
from . import find
from .record import Point, PointSpreads
from .turns import Turns

_BALL = math.sqrt(8 * math.log(2) / 20)  # full width of a Gaussian as wide as a ball of diameter 1
_RIM = 0.03  # of a kernel's weight in its outermost voxels: it goes on beyond
_NARROW = 1.7  # voxels of full width at half maximum, below which voxels are too large for the blur
_SLOPING_ZONES = 5
_FEW = 3  # points of a kernel


def psfs_from_points(
    image: np.ndarray,
    *,
    spacing: Spacing | None = None,
    size: int | Sequence[int] | str = "auto",
    zones: int | Sequence[int] | None = None,
    degree: int | None = None,
    bead_diameter_mm: float = 0.0,
    noise: float | str = "auto",
    saturation: float | str | None = "auto",
    least_signal_to_noise: float = 5.0,
    mask: np.ndarray | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> PointSpreads:
    r"""Measure kernels from one image of points: beads, stars, or any small bright things that are alike.

    Every point i is taken for

    .. math:: y_i(r) = b_i + f_i \, h(r - p_i; p_i) + \text{noise}, \qquad h(r; p) = \sum_m \phi_m(p) \, g_m(r),

    with its own background, flux and place. Places are found to a fraction of a voxel by least squares, cut-outs
    are moved by them with the exact phase of their spectrum, brought to flux 1 and fitted by the functions
    :math:`\phi_m` of the position, each with a weight by its noise; values far from the fit are drawn near to it,
    so that dust and neighbours' wings do no harm. Places and kernels are found in turns. What is noise in the
    kernels is taken away (Wiener's filter by their own spectrum); they are not negative and sum to 1, with the
    centre of mass at the centre.

    Parameters
    ----------
    image : ndarray, 2-D (j, i) or 3-D (k, j, i)
        Points must stand alone: one with a neighbour inside its kernel is not used.
    spacing : float or sequence of float
        Voxel size in mm.
    size : int or sequence of int, or "auto"
        Of the kernels in voxels, odd; "auto" reaches 1.75 full widths at half maximum of the points from the
        centre.
    zones : int or sequence of int, optional
        Parts of the image per axis (k, j, i), each with a kernel from its own points, which belongs to its middle:
        (5, 1, 1) for one per depth. One number is for every axis with more than one voxel. Default 1, one kernel.
    degree : int, optional
        Kernels that are a polynomial of the position, of this degree, instead: all points count for all kernels.
        They are given at `zones` places per axis (default 5) from the first voxel to the last; on an axis with one
        zone they do not change.
    bead_diameter_mm : float
        Of beads that are not small against the kernel: the image of a ball is divided by the ball's spectrum where
        that is not weak against the noise. In 2-D a ball's shadow is meant.
    noise : float or "auto"
        Standard deviation in image units.
    saturation : float, "auto" or None
        Points that reach this value are not used. "auto": those with three voxels side by side at exactly the
        image's maximum. None takes all.
    least_signal_to_noise : float
        Points whose height is less than this many standard deviations of the noise are not used.
    mask : ndarray, optional
        The voxels that count (not 0).
    progress : callable (fraction, text), optional
    cancelled : callable () -> bool, optional

    Returns
    -------
    PointSpreads
        Its `field` is uniform, or keyed by position with linear interpolation.

    Raises
    ------
    InputError
        If there are no points, none can be used, they are not alike, or an argument is impossible.
    Cancelled

    Notes
    -----
    The kernels hold the detector's own aperture, as every image does. Kernels narrower than two voxels at half
    maximum are known to the voxel only: a warning says so.

    How far the kernels are from the truth at places without a point: ``Testing/Benchmarks/bench_points.py``.
    """
    watch = Watch(progress, cancelled)
    watch.step(0.0, "finding points")
    points = _Image.checked(image, spacing, mask, noise)
    zone_counts, order = _zone_counts(zones, degree, points.image.shape)
    diameter = check_number(bead_diameter_mm, "bead_diameter_mm", 0)
    found = find.candidates(points.image, points.mask, points.noise)
    limit = None if saturation is None or is_auto(saturation) else check_number(saturation, "saturation")
    if saturation is not None:
        find.reject_saturated(found, points.image, limit)
    widths = find.full_widths(points.image, found)
    _refuse_large_bead(diameter, widths, points.spacing)
    shape = _size(size, widths, points.image.shape)
    found = find.drop_wings(found, shape)
    least = check_number(least_signal_to_noise, "least_signal_to_noise", 0)
    heights = points.heights(found.places)
    faint = heights < least * points.noise
    found.reject(faint, "too faint")
    find.reject_border(found, shape, points.image.shape)
    find.reject_neighbours(found, shape, faint)
    turns = Turns(points.image, points.mask, points.spacing, points.noise, found, shape, widths, zone_counts, order)
    turns.run(watch)
    result = _result(turns, heights, diameter)
    watch.step(1.0, "kernels measured")
    return result


def _refuse_large_bead(diameter: float, widths: Sequence[float], spacing: Sequence[float]) -> None:
    """Refuse beads that are larger than what the image shows of them: no kernel makes a ball narrower."""
    seen = min((w * h for w, h in zip(widths, spacing, strict=True) if w), default=math.inf)
    if _BALL * diameter >= seen:
        raise InputError(
            f"beads of {diameter:g} mm are larger than the image shows them ({seen:.3g} mm at half maximum); "
            "give their diameter in mm",
            "bead_diameter_mm",
        )


@dataclass
class _Image:
    """The image, its voxel size and noise, and which voxels count."""

    image: np.ndarray
    spacing: tuple[float, ...]
    mask: np.ndarray | None
    noise: float

    @classmethod
    def checked(cls, image: np.ndarray, spacing: Spacing | None, mask: np.ndarray | None, noise: object) -> _Image:
        values = real_image(image, "image of points")
        chosen = None if mask is None else selected_voxels(mask, values.shape)
        if chosen is not None:
            values = np.where(chosen, values, np.median(values[chosen]))
        refuse_nonfinite(values, "image of points", ", or leave them out with mask")
        if np.ptp(values) <= 1e-12 * np.abs(values).max():
            raise InputError(f"the image is constant ({values.flat[0]:g}); give one with bright points")
        sigma = estimate_noise(values, chosen) if is_auto(noise) else check_number(noise, "noise", 0)
        return cls(values, spacing_tuple(spacing, values.ndim), chosen, sigma)

    def heights(self, places: np.ndarray) -> np.ndarray:
        """Of the voxels at these places, above the slow background."""
        background = find.slow_background(self.image, find.BLOCK)
        index = tuple(places.T)
        return self.image[index] - background[index]


def _zone_counts(
    zones: int | Sequence[int] | None, degree: int | None, shape: Sequence[int]
) -> tuple[tuple[int, ...], int | None]:
    """Zones per axis, and the degree."""
    order = None
    if degree is not None:
        order = int(check_number(degree, "degree", 0))
        if order != degree:
            raise InputError(f"degree {degree!r} must be a whole number", "degree")
    given = (1 if order is None else _SLOPING_ZONES) if zones is None else zones
    numbers = numbers_in(given, "zones")
    if numbers.size == 1:
        numbers = np.array([numbers[0] if n > 1 else 1.0 for n in shape])
    if numbers.shape != (len(shape),) or np.any(numbers != np.rint(numbers)) or np.any(numbers < 1):
        raise InputError(
            f"zones {given!r} must be one whole number of at least 1, or one per axis ({len(shape)})", "zones"
        )
    counts = tuple(int(n) for n in numbers)
    if any(count > n for count, n in zip(counts, shape, strict=True)):
        raise InputError(f"zones {given!r} are more than the image's voxels {tuple(shape)}; take fewer", "zones")
    if order == 0:  # the same everywhere
        return (1,) * len(shape), None
    if order and max(counts) == 1:
        raise InputError(
            f"degree {order} changes kernels along axes with several zones; give zones, e.g. 5", "zones"
        )
    return counts, order or (None if order is None else 0)


def _size(size: object, widths: Sequence[float], shape: Sequence[int]) -> tuple[int, ...]:
    if is_auto(size):
        return find.size_for(widths, shape)
    sizes = kernel_shape(size, shape)  # type: ignore[arg-type]  # it says what is wrong
    if any(n % 2 == 0 for n in sizes):
        raise InputError(f"size {size!r} must be odd, so that a kernel has a middle voxel", "size")
    return sizes


def _result(turns: Turns, heights: np.ndarray, diameter: float) -> PointSpreads:
    values, uncertainty = turns.wanted(diameter)
    places = [tuple(at) for at in turns.variation.at.tolist()]
    kernels = [Kernel(h, turns.spacing, "measured from points", centre="middle") for h in values]
    if len(kernels) == 1:
        made = KernelField.uniform(kernels[0])
    else:
        made = KernelField.by_position(zip(places, kernels, strict=True))
    widths = tuple(_full_widths(kernel) for kernel in kernels)
    return PointSpreads(
        field=made,
        points=_points(turns, heights),
        noise=turns.noise,
        uncertainty=tuple(uncertainty),
        counts=turns.variation.counts,
        full_widths=widths,
        warnings=_warnings(turns, kernels, widths),
    )


def _points(turns: Turns, heights: np.ndarray) -> tuple[Point, ...]:
    places = turns.found.places * np.array(turns.spacing)
    places[turns.chosen] = turns.places_mm()
    flux = np.full(len(places), math.nan)
    flux[turns.chosen] = turns.fits.flux
    ratios = heights / turns.noise if turns.noise else np.full(len(heights), math.inf)
    return tuple(
        Point(tuple(place), float(f), float(ratio), reason)
        for place, f, ratio, reason in zip(places.tolist(), flux, ratios, turns.found.reasons, strict=True)
    )


def _full_widths(kernel: Kernel) -> tuple[float, ...]:
    """Full widths at half maximum in mm, along the lines through the centre; 0 on an axis of one voxel."""
    widths = []
    for axis, h in enumerate(kernel.spacing):
        index: list[int | slice] = [int(c) for c in kernel.centre]
        index[axis] = slice(None)
        line = kernel.values[tuple(index)]
        widths.append(h * find.half_maximum_width(line, int(line.argmax())) if line.size > 1 else 0.0)
    return tuple(widths)


def _warnings(turns: Turns, kernels: Sequence[Kernel], widths: Sequence[Sequence[float]]) -> list[str]:
    warnings = []
    missing = turns.variation.missing
    if missing:
        shown = "; ".join(str([round(v, 3) for v in kernel]) for kernel in turns.variation.at[list(missing[:3])])
        warnings.append(
            f"{len(missing)} of {len(kernels)} zones hold no point that can be used (at {shown} mm): they take the "
            "kernel of the nearest one; give fewer zones, or a degree"
        )
    counts = [count for count in turns.variation.counts if count]
    if min(counts) < _FEW:
        warnings.append(f"a kernel rests on {min(counts)} point{'s' * (min(counts) > 1)}: a flaw of it shows fully")
    rim = max(_rim_share(kernel.values) for kernel in kernels)
    if rim > _RIM:
        warnings.append(
            f"{rim:.1%} of a kernel's weight lies in its outermost voxels: it goes on; give a larger size"
        )
    narrow = min((w / h for own in widths for w, h in zip(own, turns.spacing, strict=True) if w), default=math.inf)
    if narrow < _NARROW:
        warnings.append(
            f"the points are {narrow:.2g} voxels wide at half maximum: the voxels are too large to show their form"
        )
    return warnings


def _rim_share(values: np.ndarray) -> float:
    inner = values[tuple(slice(1, -1) if n > 1 else slice(None) for n in values.shape)]
    return float(1 - inner.sum() / values.sum())
