"""Profiles across an edge or slit as sums of Gaussians, and the rotationally symmetric kernels they come from.

A kernel that is a sum of Gaussians of the distance has, in any number of dimensions, a line spread that is the same
sum of Gaussians in one. So the kernel follows from the profile without Abel's inversion, which would take
derivatives of noise; it is smooth, falls with the distance, and is never negative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from ...kernels.kernel import Kernel
from ...kernels.shapes.gaussians import gaussian_profile

_RATIO = 1.15  # of neighbouring sigmas: two of them make one between them to 0.3 % of its height
_NARROWEST = 0.25  # sigma in voxels; narrower is less than a voxel shows
_WIDEST = 0.4  # of the reach
# Of a kernel's weight, that may lie beyond its end.
_BEYOND = 2e-4
_SMALLEST = 1e-4  # of the weight: a term with less is none


@dataclass(frozen=True)
class Mixture:
    """Gaussians of standard deviations `sigmas` in mm with `shares` of sum 1, times `height`, on `background`."""

    sigmas: np.ndarray
    shares: np.ndarray
    height: float
    background: float
    slit_width: float = 0.0

    def line_spread(self, distance: np.ndarray) -> np.ndarray:
        """The integral of the kernel along the line, in 1/mm; its own integral is 1."""
        return _gaussians(distance, self.sigmas) @ self.shares

    def profile(self, distance: np.ndarray, slit: bool) -> np.ndarray:
        """What the image shows at a distance in mm."""
        return self.background + self.height * (terms(distance, self.sigmas, slit, self.slit_width) @ self.shares)

    def slope(self, distance: np.ndarray, slit: bool) -> np.ndarray:
        """The derivative of the profile."""
        if not slit:
            return self.height * self.line_spread(distance)
        step = 1e-3 * float(self.sigmas.min())
        return (self.profile(distance + step, slit) - self.profile(distance - step, slit)) / (2 * step)

    def mtf(self, frequency: np.ndarray) -> np.ndarray:
        """The modulus of the kernel's spectrum at frequencies in 1/mm."""
        return np.exp(-2 * np.square(np.pi * np.multiply.outer(frequency, self.sigmas))) @ self.shares

    def full_width(self) -> float:
        """Full width at half maximum of the line spread in mm."""
        top = float(self.line_spread(np.zeros(1))[0])
        high = 6 * float(self.sigmas.max())
        return 2 * float(optimize.brentq(lambda d: float(self.line_spread(np.array([d]))[0]) - top / 2, 0.0, high))

    def kernel(self, spacing: Sequence[float], reach: float, radii: Sequence[int] | None, name: str) -> Kernel:
        """The kernel at the voxels' centres, of sum 1.

        reach : in mm, where it ends at the latest; radii : in voxels, of a given size.
        """
        if radii is None:
            radii = [self._radius(h, reach) for h in spacing]
        values = np.zeros([2 * r + 1 for r in radii])
        for sigma, share in zip(self.sigmas, self.shares, strict=True):
            term = np.array(share)
            for h, r in zip(spacing, radii, strict=True):
                profile = gaussian_profile(sigma, h, r) * h / (math.sqrt(2 * math.pi) * sigma)
                term = np.multiply.outer(term, profile if r else np.ones(1))
            values += term
        return Kernel(values / values.sum(), spacing, name)

    def _radius(self, h: float, reach: float) -> int:
        """Voxels from the centre beyond which there is next to nothing."""
        most = max(1, math.floor(reach / h))
        ends = (np.arange(most + 1) + 0.5) * h
        beyond = special.erfc(np.divide.outer(ends, math.sqrt(2) * self.sigmas)) @ self.shares
        enough = np.flatnonzero(beyond <= _BEYOND)
        return max(1, int(enough[0])) if enough.size else most


def _gaussians(distance: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    ratio = np.divide.outer(np.asarray(distance, dtype=float), sigmas)
    return np.exp(-0.5 * np.square(ratio)) / (math.sqrt(2 * math.pi) * sigmas)


def _steps(distance: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    return special.ndtr(np.divide.outer(np.asarray(distance, dtype=float), sigmas))


def terms(distance: np.ndarray, sigmas: np.ndarray, slit: bool, slit_width: float) -> np.ndarray:
    """What each Gaussian contributes to a profile, shape (n, terms): an edge from 0 to 1, a slit of integral 1."""
    if not slit:
        return _steps(distance, sigmas)
    if slit_width == 0:
        return _gaussians(distance, sigmas)
    half = slit_width / 2
    return (_steps(distance + half, sigmas) - _steps(distance - half, sigmas)) / slit_width


def fit_mixture(
    distance: np.ndarray, values: np.ndarray, counts: np.ndarray, pitch: float, slit: bool, slit_width: float
) -> Mixture:
    """Fit a sum of Gaussians to a profile by least squares with shares that are not negative.

    distance : in mm; counts : voxels that each value is the mean of; pitch : voxel size across the line in mm.
    """
    reach = float(np.abs(distance).max())
    number = max(1, math.ceil(math.log(max(_WIDEST * reach / (_NARROWEST * pitch), 1.0)) / math.log(_RATIO)))
    sigmas = _NARROWEST * pitch * _RATIO ** np.arange(number + 1)
    root = np.sqrt(counts)
    low, span = float(values.min()), float(np.ptp(values)) or 1.0
    columns = terms(distance, sigmas, slit, slit_width)
    scale = columns.max(axis=0)
    # The background may lie on either side of the lowest value.
    both = np.stack([np.ones_like(distance), -np.ones_like(distance)], axis=1)
    design = np.concatenate([columns / scale, both], axis=1) * root[:, None]
    found, _ = optimize.nnls(design, (values - low) / span * root, maxiter=50 * design.shape[1])
    amounts = found[:-2] / scale * span
    height = float(amounts.sum())
    shares = amounts / height if height else amounts
    used = shares > _SMALLEST
    if not used.any():
        return Mixture(sigmas[:1], np.ones(1), 0.0, float(values.mean()), slit_width)
    return Mixture(
        sigmas[used],
        shares[used] / shares[used].sum(),
        height,
        low + span * float(found[-2] - found[-1]),
        slit_width,
    )
