"""Kernels with long tails, for scatter and glare: Lorentz, exponential, Moffat.

All depend on the distance r alone, are densities that integrate to 1 over the whole plane (or space), and reach
farther than any array. What lies beyond the array is left out, the rest scaled to sum 1, and a kernel that leaves
out more than a thousandth says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arrays.spacing import Spacing, spacing_tuple
from ...errors import InputError, check_number
from ...texts import mark as _
from ..kernel import Kernel, refuse_huge
from .arguments import per_axis, radii_of, resolve_ndim, scalar_if_equal
from .quadrature import radial_integrals, working_bytes

#: A share of the weight that is left out and not told; the default reach leaves out no more, where it can.
LEFT_OUT = 1e-3
# The default reach at most, in scale lengths: a heavier tail is cut there, or kernels would be larger than images.
_FARTHEST = {2: 100.0, 3: 25.0}
# A scale length of less than this part of a voxel is none.
_POINT = 1e-9


@dataclass(frozen=True)
class _Tail:
    """A density of the distance in units of its scale, and the distance beyond which a share of its weight lies."""

    density: Callable[[np.ndarray], np.ndarray]
    distance: Callable[[float], float]


def _power_law(beta: float, ndim: int) -> _Tail:
    """(1 + r^2)^-beta. Of r^2 / (1 + r^2), which is beta-distributed, come the distances."""
    first, second = ndim / 2, beta - ndim / 2
    constant = math.exp(math.lgamma(beta) - math.lgamma(second)) / math.pi**first

    def distance(share: float) -> float:
        from scipy import special  # here, because the command must not wait for it

        part = float(special.betaincinv(second, first, share))  # of 1 / (1 + r^2)
        return math.sqrt(1 / part - 1) if part > 0 else math.inf

    return _Tail(lambda r: constant * (1 + r**2) ** -beta, distance)


def _exponential(ndim: int) -> _Tail:
    """exp(-r); r is gamma-distributed."""
    constant = 1 / (2 * math.pi if ndim == 2 else 8 * math.pi)

    def distance(share: float) -> float:
        from scipy import special  # here, because the command must not wait for it

        return float(special.gammainccinv(ndim, share))

    return _Tail(lambda r: constant * np.exp(-r), distance)


def lorentz_kernel(
    scale: float, spacing: Spacing = 1.0, *, reach: Spacing | None = None, ndim: int | None = None
) -> Kernel:
    """Lorentz (Cauchy) kernel: every line spread function is the Lorentzian (lambda / pi) / (lambda^2 + x^2).

    2-D: h(r) = lambda / (2 pi (lambda^2 + r^2)^(3/2)); 3-D: h(r) = lambda / (pi^2 (lambda^2 + r^2)^2). The
    modulation transfer function is exp(-2 pi lambda f) in either; lambda is half the full width at half maximum of
    the line spread function, which a slit or an edge shows. (1 / (lambda^2 + r^2) has no finite weight in a plane.)
    Each weight is the integral over the voxel.

    Parameters
    ----------
    scale : float
        lambda in mm; 0 is no blur.
    spacing : float or sequence of float
        Voxel size in mm.
    reach : float or sequence of float, optional
        How far it reaches from its centre in mm, one or per axis. Default: where a thousandth of the weight lies
        beyond, but 100 lambda (2-D) or 25 lambda (3-D) at most, which leave out 1 % and 5 %.
    ndim : int, optional
        2 or 3; taken from `reach` and `spacing` when they are sequences, else 3.

    Raises
    ------
    InputError
        If a value is impossible, or the kernel would be huge.

    References
    ----------
    S. Kotz, S. Nadarajah, "Multivariate t distributions and their applications", Cambridge University Press, 2004
    (one degree of freedom).
    """
    length = check_number(scale, "lambda", 0.0)
    ndim = resolve_ndim(ndim, reach, spacing)
    source = {"type": "lorentz", "lambda_mm": length}
    return _tail_kernel(_power_law((ndim + 1) / 2, ndim), length, spacing, reach, ndim, source)


def exponential_kernel(
    scale: float, spacing: Spacing = 1.0, *, reach: Spacing | None = None, ndim: int | None = None
) -> Kernel:
    """Exponential kernel, h(r) = exp(-r / lambda) / c, with c = 2 pi lambda^2 in 2-D and 8 pi lambda^3 in 3-D.

    Each weight is the integral over the voxel. Parameters as of `lorentz_kernel`; the default reach, 9.2 lambda in
    2-D and 11.2 lambda in 3-D, leaves out a thousandth.
    """
    length = check_number(scale, "lambda", 0.0)
    ndim = resolve_ndim(ndim, reach, spacing)
    source = {"type": "exponential", "lambda_mm": length}
    return _tail_kernel(_exponential(ndim), length, spacing, reach, ndim, source)


def moffat_kernel(
    scale: float | None = None,
    beta: float = 2.5,
    spacing: Spacing = 1.0,
    *,
    fwhm: float | None = None,
    reach: Spacing | None = None,
    ndim: int | None = None,
) -> Kernel:
    """Moffat kernel, h(r) ~ (1 + (r / alpha)^2)^-beta: a core with wings that beta makes light or heavy.

    The full width at half maximum is 2 alpha sqrt(2^(1 / beta) - 1). Each weight is the integral over the voxel.

    Parameters
    ----------
    scale : float
        alpha in mm; 0 is no blur.
    beta : float
        Greater than 1 in 2-D and 1.5 in 3-D, or the wings have no finite weight; 1.5 (2) makes a Lorentz kernel.
    spacing, reach, ndim
        As of `lorentz_kernel`.
    fwhm : float, instead of `scale`
        In mm.

    References
    ----------
    A. F. J. Moffat, "A theoretical investigation of focal stellar images in the photographic emulsion and
    application to photographic photometry", Astronomy and Astrophysics 3, 455-461, 1969.
    """
    if (scale is None) == (fwhm is None):
        raise InputError("a moffat kernel needs 'alpha_mm' or 'fwhm_mm' (scale or fwhm), one of them")
    ndim = resolve_ndim(ndim, reach, spacing)
    beta = check_number(beta, "beta")
    if beta <= ndim / 2:
        raise InputError(f"beta {beta:g} must be greater than {ndim / 2:g}: a {ndim}-D Moffat has no finite weight")
    if fwhm is None:
        length = check_number(scale, "alpha", 0.0)
        source = {"type": "moffat", "alpha_mm": length, "beta": beta}
    else:
        width = check_number(fwhm, "fwhm", 0.0)
        length = width / (2 * math.sqrt(2 ** (1 / beta) - 1))
        source = {"type": "moffat", "fwhm_mm": width, "beta": beta}
    return _tail_kernel(_power_law(beta, ndim), length, spacing, reach, ndim, source)


def _tail_kernel(
    tail: _Tail, length: float, spacing: Spacing, reach: Spacing | None, ndim: int, source: dict[str, Any]
) -> Kernel:
    spacings = spacing_tuple(spacing, ndim)
    if reach is None:
        reaches = (length * min(tail.distance(LEFT_OUT), _FARTHEST[ndim]),) * ndim
    else:
        reaches = per_axis(reach, ndim, "reach", 0.0)
        source["reach_mm"] = scalar_if_equal(reaches)
    radii = radii_of(reaches, spacings)
    name = f"{source['type']} {length:g} mm"
    if length < _POINT * min(spacings):
        return Kernel(np.ones((1,) * ndim), spacings, name, source)
    refuse_huge([2 * r + 1 for r in radii], f"a kernel {name}", spacings, working_bytes(radii, spacings, length))
    values = radial_integrals(lambda r: tail.density(r / length), radii, spacings, length) / length**ndim
    return Kernel(values / values.sum(), spacings, name, source, notes=left_out(1 - float(values.sum())))


def left_out(share: float) -> tuple[str, ...]:
    """Return what there is to say of the share of a kernel's weight that lies beyond its array."""
    if share < LEFT_OUT:
        return ()
    text = _("{share:.1%} of its weight lies beyond its reach and is left out; a larger reach_mm keeps more")
    return (text.format(share=share),)
