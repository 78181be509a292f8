"""Gaussians: along the axes, at an angle, and sums of several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arrays.spacing import Spacing, numbers_in, spacing_tuple
from ...errors import InputError, check_number
from ..kernel import Kernel, refuse_huge, sizes_text
from .arguments import outer, per_axis, resolve_ndim, scalar_if_equal

#: The radius at which a Gaussian ends unless told otherwise, in sigmas.
TRUNCATE = 4.0
#: The full width at half maximum of a Gaussian, in sigmas.
FWHM = 2 * math.sqrt(2 * math.log(2))


def gaussian_kernel(
    sigma: Spacing | None = None,
    spacing: Spacing = 1.0,
    *,
    fwhm: Spacing | None = None,
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
    fwhm : float or sequence of float, instead of `sigma`
        Full width at half maximum in mm, 2 sqrt(2 ln 2) sigma = 2.3548 sigma.
    covariance : array_like, shape (3, 3) or (2, 2), instead of `sigma`
        In mm^2, axes in the order (k, j, i) or (j, i): symmetric and positive definite, but for axes whose row
        and column are 0, which stay unblurred.
    ndim : int, optional
        2 or 3; taken from `sigma`, `fwhm`, `covariance` and `spacing` when they are sequences, else 3.
    truncate : float
        The radius is ``int(truncate * sigma / spacing + 0.5)`` voxels, the rule of
        `scipy.ndimage.gaussian_filter`, which this kernel reproduces; sigma is sqrt(C_aa) on axis a.

    Returns
    -------
    Kernel
    """
    if sum(given is not None for given in (sigma, fwhm, covariance)) != 1:
        raise InputError(
            "a gaussian kernel needs 'sigma_mm', 'fwhm_mm' or 'covariance_mm2' (sigma, fwhm, covariance), one of "
            "them"
        )
    if covariance is not None:
        matrix = _covariance(covariance)
        sigma = tuple(np.sqrt(np.diag(matrix)).tolist())
    elif fwhm is not None:
        widths = per_axis(fwhm, resolve_ndim(ndim, fwhm, spacing), "fwhm", 0.0)
        sigma = tuple(w / FWHM for w in widths)
    ndim = resolve_ndim(ndim, sigma, spacing)
    sigmas = per_axis(sigma, ndim, "sigma", 0.0)  # type: ignore[arg-type]  # it is known by now
    spacings = spacing_tuple(spacing, ndim)
    truncate = check_number(truncate, "truncate", 0.0)
    radii = [int(truncate * s / h + 0.5) for s, h in zip(sigmas, spacings, strict=True)]
    what = f"a Gaussian of sigma {sizes_text(sigmas)} mm"
    refuse_huge([2 * r + 1 for r in radii], what, spacings)
    oblique = covariance is not None and np.any(matrix - np.diag(np.diag(matrix)))
    if oblique:
        values = _oblique_gaussian(matrix, radii, spacings)
    else:
        values = outer([gaussian_profile(s, h, r) for s, h, r in zip(sigmas, spacings, radii, strict=True)])
    source: dict[str, Any] = {"type": "gaussian"}
    if fwhm is not None:
        source["fwhm_mm"] = scalar_if_equal(widths)
    elif covariance is None:
        source["sigma_mm"] = scalar_if_equal(sigmas)
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


def gaussians_kernel(
    sigmas: Sequence[float] | None = None,
    amplitudes: Sequence[float] = (1.0,),
    spacing: Spacing = 1.0,
    *,
    fwhms: Sequence[float] | None = None,
    ndim: int | None = None,
    truncate: float = TRUNCATE,
) -> Kernel:
    """Sum of Gaussians about one centre, h(r) = sum_n a_n N(r; sigma_n), scaled to sum 1.

    N is the normal density of the plane or of space, so that a_n is the share of the weight that is in Gaussian n;
    one whose peak is p_n has the share p_n sigma_n^2 in 2-D and p_n sigma_n^3 in 3-D. Each weight is the integral
    over the voxel.

    Parameters
    ----------
    sigmas : sequence of float
        Standard deviations in mm; 0 is no blur.
    amplitudes : sequence of float, as many
        In any unit; some may be negative if the sum is not.
    spacing : float or sequence of float
        Voxel size in mm.
    fwhms : sequence of float, instead of `sigmas`
        Full widths at half maximum in mm.
    ndim : int, optional
        2 or 3; taken from `spacing` when it is a sequence, else 3.
    truncate : float
        How far it reaches, in standard deviations of the widest.

    Raises
    ------
    InputError
        If a value is impossible, the numbers of both differ, or the amplitudes sum to nothing.
    """
    if (sigmas is None) == (fwhms is None):
        raise InputError("a gaussians kernel needs 'sigmas_mm' or 'fwhms_mm' (sigmas or fwhms), one of them")
    name, given = ("sigmas", sigmas) if fwhms is None else ("fwhms", fwhms)
    widths, shares = numbers_in(given, name), numbers_in(amplitudes, "amplitudes")
    if widths.ndim != 1 or shares.shape != widths.shape:
        raise InputError(f"{name} has {widths.size} and amplitudes {shares.size} numbers; give as many of both")
    if not np.all(np.isfinite(widths)) or np.any(widths < 0):
        raise InputError(f"{name} {given!r} must be finite and not below 0")
    total = float(shares.sum())
    if not np.all(np.isfinite(shares)) or total <= 1e-12 * float(np.abs(shares).sum()):
        raise InputError(f"amplitudes {amplitudes!r} must be finite and sum to more than 0")
    ndim = resolve_ndim(ndim, spacing)
    spacings = spacing_tuple(spacing, ndim)
    truncate = check_number(truncate, "truncate", 0.0)
    deviations = widths if fwhms is None else widths / FWHM
    radii = [int(truncate * deviations.max() / h + 0.5) for h in spacings]
    label = f"{widths.size} Gaussians of sigma {' '.join(f'{s:g}' for s in deviations)} mm"
    refuse_huge([2 * r + 1 for r in radii], label, spacings)
    values = sum(
        share * outer([_integrals(float(sigma), h, r) for h, r in zip(spacings, radii, strict=True)])
        for sigma, share in zip(deviations, shares / total, strict=True)
    )
    source: dict[str, Any] = {"type": "gaussians", f"{name}_mm": widths.tolist(), "amplitudes": shares.tolist()}
    if truncate != TRUNCATE:
        source["truncate"] = float(truncate)
    return Kernel(values / values.sum(), spacings, label, source)


def _integrals(sigma: float, spacing: float, radius: int) -> np.ndarray:
    """The integral of a normal density over each voxel of an axis."""
    if sigma == 0:
        return (np.arange(-radius, radius + 1) == 0).astype(float)
    faces = (np.arange(2 * radius + 2) - radius - 0.5) * spacing
    return np.diff([0.5 * math.erf(x) for x in faces / (sigma * math.sqrt(2))])
