"""Point spread functions of microscopes, each weight the integral over the voxel: wide-field and confocal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arrays.spacing import Spacing, spacing_tuple
from ...texts import mark as _
from ..kernel import Kernel, refuse_huge
from .arguments import per_axis, radii_of, resolve_ndim, scalar_if_equal
from .optics import BornWolf, GibsonLanni, Wavefront, check_wavelength, intensity
from .quadrature import half_axis, legendre, mirrored, working_bytes
from .tails import left_out

# The default reach: so many radii of the Airy disk across, so many of its lengths along the axis.
_ACROSS, _ALONG = 12, 4
_SAMPLES = 32  # of the intensity, in lambda / aperture
_NODES = 64  # at most in a slice


def born_wolf_kernel(
    na: float,
    wavelength_nm: float,
    spacing: Spacing,
    *,
    immersion_index: float = 1.515,
    reach: Spacing | None = None,
    ndim: int | None = None,
) -> Kernel:
    """Wide-field microscope without aberrations, for small angles (scalar): the Airy pattern where in focus.

    I(r, z) ~ |integral from 0 to 1 of J0(2 pi NA r rho / lambda) exp(-i pi NA^2 z rho^2 / (n lambda)) rho d rho|^2

    Parameters
    ----------
    na : float
        Numerical aperture, not greater than the index.
    wavelength_nm : float
        Of the light that is seen (emission), in vacuum, in nm.
    spacing : float or sequence of float
        Voxel size in mm: 0.1 micrometres are 1e-4 mm.
    immersion_index : float
        Refractive index n.
    reach : float or sequence of float, optional
        How far it reaches from its centre in mm, one or per axis. Default: 12 radii of the Airy disk, 0.61 lambda
        / NA, across; along the axis 4 times 2 n lambda / NA^2. Every slice of a wide-field microscope has the same
        light: what of it lies beyond the reach is told, and the slices farther away are not counted.
    ndim : int, optional
        2 (in focus) or 3; taken from `spacing` and `reach` when they are sequences, else 3.

    Raises
    ------
    InputError
        If a value is impossible, or the kernel would be huge.

    References
    ----------
    See `optics.BornWolf`.
    """
    optics = BornWolf(na, wavelength_nm, immersion_index)
    return _kernel("born-wolf", [optics], spacing, reach, ndim, {})


def gibson_lanni_kernel(
    na: float,
    wavelength_nm: float,
    spacing: Spacing,
    *,
    reach: Spacing | None = None,
    ndim: int | None = None,
    **conditions: float,
) -> Kernel:
    """Wide-field microscope with the aberrations of index and thickness that the lens was not made for (scalar).

    Parameters
    ----------
    na, wavelength_nm, spacing, reach, ndim
        As of `born_wolf_kernel`. Along the axis the default reach is longer by the aberration. An aperture greater
        than the index of the sample or the coverslip counts as that: no light comes from beyond.
    **conditions
        The other fields of `optics.GibsonLanni`: immersion_index, sample_index, coverslip_index, coverslip_mm,
        working_distance_mm, depth_mm, and immersion_index_design, coverslip_index_design, coverslip_design_mm.

    Notes
    -----
    The centre is where the lens focuses the point for small angles; the brightest slice may be another ("peak" as
    its centre keeps objects where they look brightest). Slices follow each other into the sample.
    """
    optics = GibsonLanni(na, wavelength_nm, **conditions)
    return _kernel("gibson-lanni", [optics], spacing, reach, ndim, conditions)


def confocal_kernel(
    na: float,
    wavelength_nm: float,
    excitation_nm: float,
    spacing: Spacing,
    *,
    reach: Spacing | None = None,
    ndim: int | None = None,
    **conditions: float,
) -> Kernel:
    """Confocal microscope with a small pinhole: the product of what excitation and emission make of a point.

    I = I(lambda excitation) I(lambda emission), both as of `gibson_lanni_kernel`: right for a pinhole that is small
    to the Airy disk (up to a quarter of it); larger ones make the kernel wider, up to that of the excitation alone.

    Parameters
    ----------
    na, wavelength_nm, spacing, reach, ndim, **conditions
        As of `gibson_lanni_kernel`.
    excitation_nm : float
        Of the light that excites, in vacuum, in nm.
    """
    check_wavelength(excitation_nm, "excitation_nm")
    optics = [GibsonLanni(na, wavelength, **conditions) for wavelength in (wavelength_nm, excitation_nm)]
    return _kernel("confocal", optics, spacing, reach, ndim, {"excitation_nm": float(excitation_nm), **conditions})


def _kernel(
    kind: str,
    optics: Sequence[BornWolf | GibsonLanni],
    spacing: Spacing,
    reach: Spacing | None,
    ndim: int | None,
    further: dict[str, Any],
) -> Kernel:
    first = optics[0]
    ndim = resolve_ndim(ndim, reach, spacing)
    spacings = spacing_tuple(spacing, ndim)
    source = {"type": kind, "na": first.na, "wavelength_nm": first.wavelength_nm, **further}
    if kind == "born-wolf":
        source["immersion_index"] = first.immersion_index
    usual = reaches = _default_reach(optics, ndim)
    if reach is not None:
        reaches = per_axis(reach, ndim, "reach", 0.0)
        source["reach_mm"] = scalar_if_equal(reaches)
    radii = radii_of(reaches, spacings)
    name = f"{kind} NA {first.na:g}, {first.wavelength_nm:g} nm"
    # Of a voxel that is larger than the kernel, what lies beyond the kernel counts for nothing.
    sizes = [min(h, 2 * max(pair)) for h, *pair in zip(spacings, reaches, usual, strict=True)]
    refuse_huge([2 * r + 1 for r in radii], f"a kernel {name}", spacings, _working_bytes(optics, radii, sizes))
    values = _weights(optics, radii, sizes)
    notes: tuple[str, ...] = ()
    if len(optics) == 1:
        depth = math.prod(h * n for h, n in zip(sizes[:-2], values.shape[:-2], strict=True))
        notes = left_out(1 - float(values.sum()) / depth)
    if first.aperture < first.na:
        text = _("na {given:g} counts as {aperture:g}, the smallest index that light passes")
        notes += (text.format(given=first.na, aperture=first.aperture),)
    return Kernel(values / values.sum(), spacings, name, source, notes=notes)


def _default_reach(optics: Sequence[Wavefront], ndim: int) -> tuple[float, ...]:
    first = optics[0]
    across = _ACROSS * 0.61 * first.wavelength / first.aperture
    along = _ALONG * 2 * first.index * first.wavelength / first.aperture**2 + first.blur()
    return (along, across, across)[-ndim:]


def _weights(optics: Sequence[Wavefront], radii: Sequence[int], spacing: Sequence[float]) -> np.ndarray:
    """The intensity, integrated over voxels; in a plane, over pixels."""
    from scipy.interpolate import CubicSpline  # here, because the command must not wait for it

    scale, step = _scales(optics)
    (rows, down), (columns, across) = (
        half_axis(n, h, scale) for n, h in zip(radii[-2:], spacing[-2:], strict=True)
    )
    distances = np.sqrt(np.add.outer(rows**2, columns**2))
    r = np.arange(math.ceil(distances.max() / step) + 4) * step
    z, slices = _slices(optics, radii[0], spacing[0]) if len(radii) == 3 else (np.zeros(1), np.ones((1, 1)))
    profiles = math.prod(intensity(o, r, z) for o in optics) @ slices.T
    layers = [
        down @ CubicSpline(r, profile, bc_type=((1, 0.0), "not-a-knot"))(distances) @ across.T
        for profile in profiles.T
    ]
    values = np.stack([mirrored(layer) for layer in layers])
    return values if len(radii) == 3 else values[0]


def _scales(optics: Sequence[Wavefront]) -> tuple[float, float]:
    """The length in mm within which the intensity changes, and the step between the distances it is computed at."""
    ring = min(o.wavelength for o in optics) / max(o.aperture for o in optics)
    return ring / (4 * len(optics)), ring / _SAMPLES


def _working_bytes(optics: Sequence[Wavefront], radii: Sequence[int], spacing: Sequence[float]) -> float:
    """About how many bytes a kernel takes while it is made, beside its values."""
    scale, step = _scales(optics)
    far = math.hypot(*((r + 0.5) * h for r, h in zip(radii[-2:], spacing[-2:], strict=True)))
    distances = far / step + 4
    nodes = 32 + 5 * distances / _SAMPLES  # over the lens
    planes = _order(optics, spacing[0]) * (2.0 * radii[0] + 1) if len(radii) == 3 else 1.0
    return working_bytes(radii, spacing, scale) + 16 * (distances * (nodes + 2 * planes) + nodes * planes)


def _slices(optics: Sequence[Wavefront], radius: int, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes along the axis, and the weights that integrate over each slice."""
    x, weights = legendre(_order(optics, spacing))
    z = (np.arange(-radius, radius + 1)[:, None] + x / 2) * spacing
    return z.ravel(), np.kron(np.eye(2 * radius + 1), weights * spacing / 2)


def _order(optics: Sequence[Wavefront], spacing: float) -> int:
    """How many nodes along the axis a slice needs."""
    # The finest fringes along the axis are those between its middle and its rim.
    fringes = sum((o.index - math.sqrt(max(o.index**2 - o.aperture**2, 0.0))) / o.wavelength for o in optics)
    return min(math.ceil(3 + 3 * spacing * fringes), _NODES)
