"""The law of an image's noise, from the image alone or as a caller gives it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays.magnitude import largest_magnitude
from ..arrays.watch import UNWATCHED, Watch
from ..errors import InputError, check_number, check_squarable, is_auto
from ..texts import mark as _
from .coefficients import HIGH, LOW, NEXT_TO_CONSTANT, WINDOW, Coefficients, Values, coefficients
from .fit import Line, flat_strata, gain_of_counts, line_through
from .law import NoiseLaw

_TINY = 1e-100  # the largest value of an image in whose unit squares vanish
_TOO_FEW = 200  # coefficients; fewer scatter by more than 5 %
_WHAT_NOISE_IS = "a standard deviation in image units, an image of them, 'poisson', a NoiseLaw, or 'auto'"


def estimate_noise_law(image: np.ndarray, mask: np.ndarray | None = None, watch: Watch | None = None) -> NoiseLaw:
    r"""Find how strong the noise in an image is, and how it rises with the signal.

    The image goes through the separable fourth difference ``d = [1 -4 6 -4 1] / sqrt(70)`` along
    every axis of at least five voxels, which keeps the variance of white noise and removes everything
    smooth: what a detector has blurred is smooth at that scale. Beside every coefficient stands the mean
    of the image over the same voxels, weighted by the squared taps, so that noise of variance a + b times
    the signal has coefficients whose mean square is a + b times the mean of these. What is left of sharp
    edges is avoided by looking only at the flattest 30 % of the places (by the gradient of the
    Gaussian-smoothed image) within strata of equal voxel count in smoothed intensity. The variance of a
    stratum is taken with iterated clipping at 2.5 sigma, corrected for the clipped tails, starting from
    the median absolute deviation [1]_ [2]_; a line through most of the strata is the law [3]_. It has no slope
    where that explains the strata as well.

    Counts, as of photons, are recognised by their many empty voxels: where the variance of the strata is
    proportional to the signal from there, by as much as the step between the values where they have one,
    the law is that of counts with this gain. Otherwise voxels in and next to exactly constant regions (a zeroed
    background, padding), and next to values clipped at the image's minimum or maximum, carry no noise
    and are left out.

    Large images are read tile by tile in a fixed pseudo-random order until a million coefficients are
    found, so the result is deterministic and the memory needed does not grow with the image.

    Parameters
    ----------
    image : array, shape (k, j, i) or (j, i)
        Any real type. Axes shorter than five voxels (single slices) are not differenced.
    mask : array of the same shape, optional
        Only windows of five voxels along every axis inside the mask (non-zero) count. Where a thin or
        scattered mask holds fewer than 200 of them, excluded voxels are interpolated from those inside, and a
        coefficient is divided by the share of sigma that it then sees. With fewer than 200 of these too, the
        noise is that of the whole image.
    watch : Watch, optional
        Asked several times a second; it is told nothing.

    Returns
    -------
    NoiseLaw
        With the `sigma` that it has over the image, or the mask: 0.0 for a constant or noise-free piecewise
        constant image.

    Raises
    ------
    InputError
        Complex or non-finite values, an empty mask, a mask of another shape, or an image with no
        axis of five voxels.
    Cancelled
        If `watch` says so.

    Notes
    -----
    ``Testing/Benchmarks/bench_noise.py`` prints how often the answer is within 20 % on images of known noise:
    nearly always where a blur of 0.8 voxels or more stands before noise of at least 0.5 % of the range, of
    whatever kind. Finer texture counts as noise: up to half again too much for noise of 0.1 % of the range, and
    several times too much on unblurred textured pictures. Rounding to integers is itself noise (variance 1/12)
    and is part of the answer, until it hides the noise altogether (sigma below 0.3). Magnitude images whose
    background is pure noise (Rayleigh, 0.66 sigma) have a law that rises from there. Read noise that is cut off
    at 0 is taken for counts.

    References
    ----------
    .. [1] D. L. Donoho, I. M. Johnstone, "Ideal spatial adaptation by wavelet shrinkage",
       Biometrika 81, 1994.
    .. [2] J. Immerkaer, "Fast noise variance estimation", Computer Vision and Image Understanding
       64, 1996.
    .. [3] A. Foi, M. Trimeche, V. Katkovnik, K. Egiazarian, "Practical Poissonian-Gaussian noise modeling and
       fitting for single-image raw-data", IEEE Transactions on Image Processing 17, 2008.
    """
    image, mask = _checked(image, mask)
    watch = watch or UNWATCHED
    watch.check()
    largest = largest_magnitude(image)
    if 0 < largest < _TINY:
        exponent = 1 - math.frexp(largest)[1]
        return estimate_noise_law(np.ldexp(image, exponent), mask, watch).scaled(2.0**-exponent)
    if math.isfinite(largest):  # else what follows says where it is not
        check_squarable(largest, "image: a value of")
    law, found = _law(image, mask, watch)
    if mask is not None and found < _TOO_FEW:
        law, found = _law(image, mask, watch, scattered=True)
        if found < _TOO_FEW:
            law, found = _law(image, None, watch)
    return law.over(image, mask)


def estimate_noise(image: np.ndarray, mask: np.ndarray | None = None, watch: Watch | None = None) -> float:
    """Return the standard deviation of the noise in an image: that of its law, over the image.

    Where the noise grows with the signal it is the root of its mean variance.

    Parameters
    ----------
    image, mask, watch
        See `estimate_noise_law`.

    Returns
    -------
    float
        Sigma in image units; 0.0 for a constant or noise-free piecewise constant image.

    Raises
    ------
    InputError, Cancelled
        See `estimate_noise_law`.
    """
    return estimate_noise_law(image, mask, watch).sigma


def as_noise_law(
    noise: Any, image: np.ndarray, mask: np.ndarray | None = None, watch: Watch | None = None
) -> NoiseLaw:
    """Return the law that a caller means, with the `sigma` that it has over the image.

    Parameters
    ----------
    noise : float, array of the image's shape, "poisson", "auto", NoiseLaw or its `NoiseLaw.parameters`
        One standard deviation, one for every voxel, that of counts of gain 1 (for another gain:
        ``NoiseLaw.poisson(gain)``), or what `estimate_noise_law` finds.
    image : array
    mask : array of the same shape, optional
        The voxels that count.
    watch : Watch, optional
        For the estimate.

    Raises
    ------
    InputError
        For anything else, sigmas of another shape, and "poisson" for values below 0.
    """
    if is_auto(noise):
        return estimate_noise_law(image, mask, watch)
    if isinstance(noise, str) and noise == "poisson":
        noise = _counts(image, mask)
    elif isinstance(noise, (list, tuple)) or (isinstance(noise, np.ndarray) and noise.ndim):
        noise = NoiseLaw.of_image(np.asarray(noise))
    elif isinstance(noise, Mapping):
        noise = NoiseLaw.of(noise)
    elif not isinstance(noise, NoiseLaw):
        noise = NoiseLaw.gaussian(check_number(noise, "noise", 0, _WHAT_NOISE_IS))
    return noise.over(image, mask)


def _counts(image: np.ndarray, mask: np.ndarray | None) -> NoiseLaw:
    lowest = image.min() if mask is None else image.min(where=np.asarray(mask) != 0, initial=image.max())
    if lowest < 0:
        text = _(
            "noise 'poisson' is for counts, but the image's lowest value is {lowest:.4g}; add what was taken off "
            "it (in Python, NoiseLaw.poisson knows gain and offset), or let the noise be found"
        )
        raise InputError(text.format(lowest=lowest), noise="auto")
    return NoiseLaw.poisson()


def _checked(image: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    image = np.asarray(image)
    if np.iscomplexobj(image):
        raise InputError("image: complex values; estimate the noise of the real and imaginary parts")
    if image.ndim == 0 or max(image.shape) < WINDOW:
        raise InputError(
            f"image: shape {image.shape} has no axis of {WINDOW} voxels to estimate noise from; "
            "give the noise sigma as a number"
        )
    if mask is None:
        return image, None
    mask = np.asarray(mask)
    if mask.shape != image.shape:
        raise InputError(f"mask: shape {mask.shape} differs from the image's {image.shape}")
    mask = mask != 0
    if not mask.any():
        raise InputError("mask: no voxel is selected; give a mask that holds part of the image")
    return image, mask


def _law(image: np.ndarray, mask: np.ndarray | None, watch: Watch, scattered: bool = False) -> tuple[NoiseLaw, int]:
    """The law, and how many coefficients there were."""
    values = Values.of(image, mask)
    watch.check()
    found = coefficients(image, mask, values, watch, scattered)
    if found is None:
        return NoiseLaw.gaussian(0.0), 0
    if values.low_shared:
        counts = found.away_from(HIGH)
        watch.check()
        gain = _gain(counts, values, watch)
        if gain:
            return NoiseLaw.poisson(gain, float(values.low)), len(counts)
    found = _noisy(found)
    watch.check()
    if not len(found):
        return NoiseLaw.gaussian(0.0), 0
    line = line_through(flat_strata(found, watch), found.axes, values.rounding)
    return _law_of(line, float(values.low)), len(found)


def _law_of(line: Line, lowest: float) -> NoiseLaw:
    """The law of a line, which goes on to darker values than it was found at, down to the image's own."""
    if line.slope == 0:
        return NoiseLaw(constant=line.level)
    none = line.start - line.level / line.slope  # where no variance is left
    if none >= lowest:
        return NoiseLaw(slope=line.slope, origin=none)
    return NoiseLaw(line.level - line.slope * (line.start - lowest), line.slope, lowest)


def _gain(counts: Coefficients, values: Values, watch: Watch) -> float:
    if len(counts) < _TOO_FEW // 2:
        return 0.0
    return gain_of_counts(flat_strata(counts, watch), counts.axes, values)


def _noisy(found: Coefficients) -> Coefficients:
    """The coefficients away from the extremes; all where these are too few, as of a two-valued image."""
    for touched in (LOW | HIGH | NEXT_TO_CONSTANT, HIGH | NEXT_TO_CONSTANT):
        away = found.away_from(touched)
        if len(away) >= _TOO_FEW:
            return away
    return found.away_from(NEXT_TO_CONSTANT)
