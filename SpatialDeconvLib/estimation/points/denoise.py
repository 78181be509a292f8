"""Averages of points as kernels: without what is noise in them, and without the size of the beads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft as sfft
from scipy import ndimage

# Local means of noise power scatter; what is below so many times its expectation is taken for noise.
_EXCESS = 1.5
_IN_SPACE, _IN_FREQUENCY = 0.7, 1.5  # the power is smoothed over so many voxels, and samples of the spectrum

# Of a bead's own spectrum: what is less cannot be taken out.
_WEAKEST = 0.05


@dataclass(frozen=True)
class Denoised:
    """A kernel, and the expected error of its values relative to the root of their sum of squares."""

    values: np.ndarray
    uncertainty: float


def denoised(values: np.ndarray, sigma: float, response: np.ndarray | None = None) -> Denoised:
    """Return an average without its noise, first in frequency, then in space.

    Everywhere the values are multiplied by P / (P + N) (Wiener's filter): P is the power of the signal, that of the
    values in the neighbourhood less that of the noise, N that of the noise.

    Parameters
    ----------
    values : ndarray
        Odd in size, its centre in the middle.
    sigma : float
        Standard deviation of its noise, the same in every voxel.
    response : ndarray, optional
        The spectrum of what is to be taken out, on the grid of `spectrum_grid`; where it is weak, the filter leaves
        nothing.
    """
    grid = spectrum_grid(values.shape)
    spectrum = sfft.fftn(values, grid)
    noise = sigma**2 * values.size
    share = gain(np.square(np.abs(spectrum)), noise, _IN_FREQUENCY, "wrap")
    if response is not None:
        # P and N are those of the beads' image; divided by response^2 they are the kernel's, and their ratio stays.
        strong = np.abs(response) > _WEAKEST
        share = np.where(strong, share, 0.0) / np.where(strong, response, 1.0)
    found = sfft.ifftn(spectrum * share).real[tuple(slice(n) for n in values.shape)]
    left = sigma**2 * float(np.mean(np.square(share)))
    local = gain(np.square(found), left, _IN_SPACE, "constant")
    result = found * local
    error = math.sqrt(left * float(np.square(local).sum()))
    norm = float(np.sqrt(np.square(result).sum()))
    return Denoised(result, error / norm if norm else math.inf)


def spectrum_grid(shape: Sequence[int]) -> tuple[int, ...]:
    """The grid on which spectra of kernels of this shape are taken."""
    return tuple(sfft.next_fast_len(2 * n) if n > 1 else 1 for n in shape)


def gain(power: np.ndarray, noise: float, smoothing: float, mode: str) -> np.ndarray:
    """P / (P + N) from the power of values with noise of power N."""
    if noise == 0:
        return np.ones_like(power)
    sigmas = [smoothing if n > 1 else 0.0 for n in power.shape]
    smooth = ndimage.gaussian_filter(power, sigmas, mode=mode)
    signal = np.maximum(smooth - _EXCESS * noise, 0.0)
    return signal / (signal + noise)


def ball_response(diameter: float, shape: Sequence[int], spacing: Sequence[float]) -> np.ndarray:
    """The spectrum of a ball of uniform brightness, of sum 1, or of its shadow on a plane.

    3 (sin u - u cos u) / u^3 with u = pi times frequency times diameter; what a plane sees of a ball has the
    spectrum of the ball in that plane.
    """
    axes = [sfft.fftfreq(n, h) for n, h in zip(spectrum_grid(shape), spacing, strict=True)]
    u = math.pi * diameter * np.sqrt(sum(np.square(f) for f in np.meshgrid(*axes, indexing="ij")))
    safe = np.where(u < 1e-2, 1.0, u)
    return np.where(u < 1e-2, 1 - u**2 / 10, 3 * (np.sin(safe) - safe * np.cos(safe)) / safe**3)
