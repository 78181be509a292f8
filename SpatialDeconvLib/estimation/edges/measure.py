"""`psf_from_edge` and `psf_from_slit`: a kernel and the MTF from a straight, slanted line."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...arrays.spacing import Spacing, spacing_tuple
from ...arrays.watch import IsCancelled, Progress, Watch
from ...errors import InputError, check_number, is_auto
from ...kernels.kernel import Kernel
from ...noise import estimate_noise
from ...run.inputs import selected_voxels
from ..pair import kernel_shape, real_image, refuse_nonfinite
from ..points.find import half_maximum_width
from .line import Line, find_line
from .mixture import Mixture, fit_mixture
from .profile import FREQUENCIES, Profile
from .record import EdgeSpread

_ROUNDS = 3  # of the line from the profile and the profile from the line
_FILLED = 0.9  # of the bins of the profile must hold voxels
_UPRIGHT = math.sin(math.radians(15))  # how far the normal may leave the slices for a kernel that lies in them
_CONTRAST = 3.0  # least height, in units of the noise of a mean over as many voxels as a bin holds
_WIDER = 1.1  # than the image shows a slit, which noise may make a little narrower
_MISFIT = 0.02  # of the height; more than that, and more than noise, is said


def psf_from_edge(
    image: np.ndarray,
    *,
    spacing: Spacing | None = None,
    size: int | Sequence[int] | str = "auto",
    mask: np.ndarray | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> EdgeSpread:
    r"""Measure a kernel and the MTF from the image of a straight edge that is slanted against the voxels.

    The edge is found to a fraction of a voxel in every row across it; all voxels, by their distance from it, make
    the edge spread in steps of an eighth of a voxel; its derivative is the line spread, whose spectrum is the
    (presampled) MTF [1]_. The line is then moved and turned to where the edge spread explains the image best.

    The kernel is the rotationally symmetric one that has this edge spread,

    .. math:: E(d) = b + c \sum_m a_m \Phi(d / \sigma_m), \qquad
       h(r) = \sum_m a_m \frac{\exp(-r^2 / 2 \sigma_m^2)}{(2 \pi \sigma_m^2)^{n/2}}, \qquad a_m \ge 0,

    with a row of fixed sigmas from a quarter of a voxel on. Abel's inversion of the line spread would be the same
    for exact data, and is not used because it takes the derivative of noise.

    Parameters
    ----------
    image : ndarray, 2-D (j, i) or 3-D (k, j, i)
        One straight edge from end to end between two flat parts, tilted by 2 to 10 degrees against the voxels.
    spacing : float or sequence of float
        Voxel size in mm.
    size : int or sequence of int, or "auto"
        Of the kernel in voxels, odd; "auto" leaves 0.02 % of a projection of it outside, and goes no further than
        the profile.
    mask : ndarray, optional
        The voxels of the profile that count (not 0). What is outside their bounding box is not looked at.
    progress : callable (fraction, text), optional
    cancelled : callable () -> bool, optional

    Returns
    -------
    EdgeSpread
        Its kernel has two axes where the image has, or where the edge of a 3-D image stands upright on the slices
        (to 15 degrees): it then says nothing of the blur across them.

    Raises
    ------
    InputError
        If there is no edge, it runs along a row of voxels or the diagonal (its voxels then see it at a few
        distances only), or an argument is impossible.
    Cancelled

    Notes
    -----
    What is assumed: the blur is the same along the edge, linear, and the same in all directions (in mm); its kernel
    falls with the distance. Rings, as of a defocused lens or a sharpening filter, are not in it:
    `EdgeSpread.misfit` and a warning then say so, while the measured MTF holds without the last two assumptions,
    for the direction across the edge. Like every presampled MTF it contains the detector's own aperture.

    References
    ----------
    .. [1] IEC 62220-1-1, "Medical electrical equipment - Characteristics of digital X-ray imaging devices", 2015;
       E. Samei, M. J. Flynn, D. A. Reimann, "A method for measuring the presampled MTF of digital radiographic
       systems using an edge test device", Medical Physics 25, 1998.
    """
    return _measured(image, spacing, size, mask, False, 0.0, Watch(progress, cancelled))


def psf_from_slit(
    image: np.ndarray,
    *,
    slit_width_mm: float = 0.0,
    spacing: Spacing | None = None,
    size: int | Sequence[int] | str = "auto",
    mask: np.ndarray | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> EdgeSpread:
    """Measure a kernel and the MTF from the image of a straight slit, wire or sheet, slanted against the voxels.

    As `psf_from_edge`, but the profile across the line is the line spread itself.

    Parameters
    ----------
    image, spacing, size, mask, progress, cancelled
        As for `psf_from_edge`; the slit is bright or dark on a flat background.
    slit_width_mm : float
        Its width, which is taken out of the kernel and of the fitted MTF, but not of the measured one.

    Returns
    -------
    EdgeSpread

    Raises
    ------
    InputError, Cancelled
        As `psf_from_edge`.
    """
    width = check_number(slit_width_mm, "slit_width_mm", 0)
    return _measured(image, spacing, size, mask, True, width, Watch(progress, cancelled))


def _measured(
    image: np.ndarray, spacing: Spacing | None, size: object, mask: object, slit: bool, width: float, watch: Watch
) -> EdgeSpread:
    what = "slit" if slit else "edge"
    watch.step(0.0, f"finding the {what}")
    values = real_image(image, f"image of the {what}")
    spacings = spacing_tuple(spacing, values.ndim)
    known = None if mask is None else selected_voxels(mask, values.shape)
    if known is not None:
        box = tuple(slice(w.min(), w.max() + 1) for w in np.nonzero(known))
        values, known = values[box], known[box]
        values = np.where(known, values, np.median(values[known]))
    refuse_nonfinite(values, f"image of the {what}", ", or leave them out with mask")
    if np.ptp(values) <= 1e-12 * np.abs(values).max():
        raise InputError(f"the image is constant ({values.flat[0]:g}); give one with {_article(what)}")
    line = find_line(values, spacings, slit)
    sign = -1.0 if slit and line.falling else 1.0  # shares are of what is bright
    values = sign * values
    pitch = float(np.max(np.abs(line.normal(values.ndim)) * spacings))  # of Nyquist across the line
    for number in range(_ROUNDS):
        watch.step((number + 1) / (_ROUNDS + 1), "measuring the profile")
        distances = line.distances(values.shape, spacings)
        profile = Profile.of(values, distances, pitch, known)
        _refuse_unfilled(profile, line, what)
        _refuse_wide_slit(profile, width)
        found = fit_mixture(profile.distance, profile.values, profile.counts, pitch, slit, width)
        if number + 1 < _ROUNDS:
            line = _moved(line, found, values, distances, spacings, known, slit)
    noise = estimate_noise(values)
    _refuse_faint(profile, found, noise, slit, what)
    flat = values.ndim == 3 and abs(line.normal(3)[0]) < _UPRIGHT
    kernel = _kernel(found, profile, spacings[1:] if flat else spacings, size, values.shape, what)
    watch.step(1.0, "kernel measured")
    return _record(kernel, line, profile, found, noise, pitch, slit, values.ndim, sign)


def _article(what: str) -> str:
    return "an edge" if what == "edge" else "a slit"


def _refuse_unfilled(profile: Profile, line: Line, what: str) -> None:
    if profile.filled < _FILLED:
        raise InputError(
            f"the {what} is tilted by {line.tilt_deg:.2f} degrees against the voxels, which see it at a few "
            f"distances only ({profile.filled:.0%} of the steps of an eighth of a voxel); tilt it by 2 to 10 "
            "degrees (0, 45 and 90 are the worst), or give a longer part of it"
        )


def _refuse_wide_slit(profile: Profile, width: float) -> None:
    """Refuse a slit that is wider than the image shows it: blur with a kernel that falls makes none narrower."""
    if not width:
        return
    values = profile.values - np.median(profile.values)
    step = float(profile.distance[1] - profile.distance[0])
    seen = step * half_maximum_width(values, int(values.argmax()))
    if width > _WIDER * seen:
        raise InputError(
            f"a slit of {width:g} mm is wider than the image shows it ({seen:.3g} mm at half maximum); give its "
            "width in mm",
            "slit_width_mm",
        )


def _refuse_faint(profile: Profile, found: Mixture, noise: float, slit: bool, what: str) -> None:
    height = float(np.ptp(found.profile(profile.distance, slit)))
    if height <= _CONTRAST * noise / math.sqrt(float(np.median(profile.counts))):
        raise InputError(
            f"the {what} is {height:.3g} high, no more than the noise (sigma {noise:.3g}); give an image with "
            f"{_article(what)}, or a mean of several"
        )


def _moved(
    line: Line,
    found: Mixture,
    values: np.ndarray,
    distances: np.ndarray,
    spacing: Sequence[float],
    known: np.ndarray | None,
    slit: bool,
) -> Line:
    """The line a step nearer to where the profile explains the image best (Gauss and Newton)."""
    used = np.abs(distances) <= 4 * float(found.sigmas @ found.shares) + found.slit_width
    if known is not None:
        used &= known
    away = distances[used]
    slope, rest = found.slope(away, slit), values[used] - found.profile(away, slit)
    design = np.stack([g[used] * slope for g in line.gradients(values.shape, spacing)], axis=1)
    return line.moved(np.linalg.lstsq(design, rest, rcond=1e-9)[0])


def _kernel(
    found: Mixture, profile: Profile, spacing: Sequence[float], size: object, shape: Sequence[int], what: str
) -> Kernel:
    name = f"measured from {_article(what)}"
    reach = float(np.abs(profile.distance).max())
    if is_auto(size):
        return found.kernel(spacing, reach, None, name)
    sizes = kernel_shape(size, shape[-len(spacing) :])  # type: ignore[arg-type]  # it says what is wrong
    if any(n % 2 == 0 for n in sizes):
        raise InputError(f"size {size!r} must be odd, so that a kernel has a middle voxel", "size")
    return found.kernel(spacing, reach, [n // 2 for n in sizes], name)


def _record(
    kernel: Kernel,
    line: Line,
    profile: Profile,
    found: Mixture,
    noise: float,
    pitch: float,
    slit: bool,
    ndim: int,
    sign: float,
) -> EdgeSpread:
    fitted = found.profile(profile.distance, slit)
    rest = profile.values - fitted
    frequency = np.linspace(0, 1 / pitch, FREQUENCIES)
    away, spread = profile.line_spread(slit, found.background)
    height = float(np.ptp(fitted))
    misfit = float(np.sqrt(np.average(np.square(rest), weights=profile.counts))) / height
    residual = float(np.sqrt(np.mean(np.square(rest) * profile.counts))) / noise if noise else math.inf
    warnings = []
    if misfit > _MISFIT and residual > 2:
        warnings.append(
            f"a kernel that falls with the distance leaves {misfit:.1%} of the profile's height: the blur has "
            "rings, is not the same on both sides, or the flat parts are not flat; trust the measured MTF rather "
            "than the kernel"
        )
    if kernel.ndim < ndim:
        warnings.append(
            "the line stands upright on the slices, so that nothing is known of the blur across them: the kernel "
            "has two axes; use it slice by slice"
        )
    return EdgeSpread(
        kernel=kernel,
        target="slit" if slit else "edge",
        axis="kji"[-ndim:][line.axis],
        tilt_deg=line.tilt_deg,
        distance=profile.distance,
        profile=sign * profile.values,
        fitted_profile=sign * fitted,
        spread_distance=away,
        spread=spread,
        fitted_spread=found.line_spread(away),
        frequency=frequency,
        mtf=profile.mtf(frequency, slit, found.background),
        fitted_mtf=found.mtf(frequency),
        nyquist=0.5 / pitch,
        sigmas_mm=tuple(found.sigmas.tolist()),
        shares=tuple(found.shares.tolist()),
        full_width=found.full_width(),
        contrast=sign * found.height,
        residual=residual,
        misfit=misfit,
        warnings=warnings,
    )
