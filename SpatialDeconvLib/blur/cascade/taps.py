"""What a cascade does along one axis, fitted: taps that make one profile of another, and bring it back from a grid.

Taps are symmetric arrays of odd length whose middle is offset 0, in voxels of the image.
"""

from __future__ import annotations

import math
from functools import lru_cache, reduce

import numpy as np

DELTA = np.ones(1)

# A grid of step f takes levels of sigma >= this many steps: the spectrum of a sampled Gaussian overlaps
# with its copies by about exp(-4.9 (sigma / f)^2), 1e-4 here.
_LEAST_SIGMA_PER_STEP = 1.35
# Variance, in f^2, that the interpolation from a grid of step f adds by itself.
_INTERPOLATION_VARIANCE = 0.75
_LARGEST_STEP = 16
_INTERPOLATION_TAPS = (4, 6, 8)
# Taps of mixed signs that nearly cancel would amplify rounding.
_LARGEST_TAP_SUM = 1.3
# Gaussians cut off at 4 sigma lack 6e-5 of their weight, each at another place: no increment turns one into
# another more closely than that.
_FINEST_FIT = 2e-5


class Taps:
    """An array of taps that can be a key of a cache."""

    def __init__(self, values: np.ndarray):
        self.values = values
        self.key = values.tobytes()

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Taps) and self.key == other.key


def profiles_of(values: np.ndarray) -> tuple[np.ndarray, ...] | None:
    """One profile per axis when they multiply to the kernel and are symmetric with sum 1, else None."""
    if values.min() < 0 or abs(values.sum() - 1) > 1e-9 or any(n % 2 == 0 for n in values.shape):
        return None
    axes = range(values.ndim)
    profiles = tuple(values.sum(axis=tuple(b for b in axes if b != a)) for a in axes)
    if np.abs(reduce(np.multiply.outer, profiles) - values).sum() > 1e-9:
        return None
    if any(np.abs(p - p[::-1]).sum() > 1e-9 for p in profiles):
        return None
    return profiles


def _gaussian(variance: float) -> np.ndarray:
    radius = int(4 * math.sqrt(variance) + 0.5)
    taps = np.exp(-0.5 * np.arange(-radius, radius + 1) ** 2 / variance) if radius else np.ones(1)
    return taps / taps.sum()


def variance_of(taps: np.ndarray) -> float:
    return float(taps @ np.arange(-(taps.size // 2), taps.size // 2 + 1) ** 2)


def _at(taps: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Values of taps at any offsets, 0 beyond their ends."""
    radius = taps.size // 2
    return np.where(np.abs(offsets) <= radius, taps[np.clip(offsets + radius, 0, taps.size - 1)], 0.0)


def largest_step(profile: np.ndarray) -> int:
    """Step of the coarsest grid that such a profile can live on; 1 when it is no Gaussian."""
    variance = variance_of(profile)
    steps = math.sqrt(variance) / _LEAST_SIGMA_PER_STEP
    if steps < 2:
        return 1
    gaussian = _gaussian(variance)
    offsets = np.arange(-profile.size, profile.size + 1)
    if np.abs(_at(gaussian, offsets) - _at(profile, offsets)).sum() > 1e-2:
        return 1
    return min(_LARGEST_STEP, 2 ** int(math.log2(steps)))


@lru_cache(maxsize=4096)
def fit_axis(
    profile: Taps, step: int, parent: Taps, parent_step: int, limit: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, float] | None:
    """Fit increment and interpolation of one axis: (increment, response, interpolation, error), or None."""
    if step % parent_step or (limit < _FINEST_FIT and parent.values.size > 1):
        return None
    target = profile.values
    if step > 1:
        target = _gaussian(variance_of(target) - _INTERPOLATION_VARIANCE * step**2)
    found = _fit_increment(parent.values, parent_step, target, limit if step == 1 else limit / 2)
    if found is None:
        return None
    increment, response, error = found
    if step == 1:
        return increment, response, None, error
    for taps in _INTERPOLATION_TAPS:
        interpolation = _fit_interpolation(response, step, profile.values, taps)
        error = _composed_error(response, step, interpolation, profile.values)
        if error <= limit:
            return increment, response, interpolation, error
    return None


def _fit_increment(
    parent: np.ndarray, step: int, target: np.ndarray, limit: float
) -> tuple[np.ndarray, np.ndarray, float] | None:
    """The shortest symmetric taps, at multiples of `step`, that turn the parent's response into the target."""
    added = variance_of(target) - variance_of(parent)
    if parent.size == 1:
        return target, target, 0.0
    if added < 0:
        return None
    spread = math.sqrt(added) / step
    for radius in sorted({math.ceil(share * spread) for share in (1.5, 2, 2.5, 3, 3.5, 4, 5)}):
        size = max(parent.size // 2 + step * radius, target.size // 2)
        q = np.arange(-size, size + 1)
        shifted = _at(parent, q[:, None] - step * np.arange(-radius, radius + 1))
        columns = shifted[:, radius:].copy()
        columns[:, 1:] += shifted[:, :radius][:, ::-1]
        goal = _at(target, q)
        half, *_ = np.linalg.lstsq(columns, goal, rcond=1e-7)
        response = columns @ half
        error = float(np.abs(response - goal).sum())
        if error <= limit and 2 * np.abs(half).sum() - abs(half[0]) <= _LARGEST_TAP_SUM:
            increment = np.zeros(2 * step * radius + 1)
            increment[step * radius :: step] = half
            increment[step * radius :: -step] = half
            return increment, response, error
    return None


def _fit_interpolation(response: np.ndarray, step: int, target: np.ndarray, taps: int) -> np.ndarray:
    """Taps that turn samples of `response` on a grid of `step` into the target, one fit for every phase."""
    radius = step * (taps // 2)
    interpolation = np.zeros(2 * radius + 1)
    size = response.size // 2 + target.size // 2 + radius + step
    q = np.arange(-size, size + 1)
    for phase in range(step // 2 + 1):
        offsets = np.array([o for o in range(-radius, radius + 1) if (o - phase) % step == 0])
        # Output voxel `phase` is the sum of u(phase - step i) s[i], and offsets are phase - step i.
        columns = _at(response, (phase - offsets)[None, :] - q[:, None])
        values, *_ = np.linalg.lstsq(columns, _at(target, phase - q), rcond=1e-8)
        interpolation[radius + offsets] = values
        interpolation[radius - offsets] = values
    return interpolation


def _composed_error(response: np.ndarray, step: int, interpolation: np.ndarray, target: np.ndarray) -> float:
    """Largest L1 distance of the composed impulse response from the target: over the phases of the output
    (detector model), and over those of the input (source model, which runs backwards)."""
    reach = interpolation.size // 2 + response.size // 2 + target.size // 2 + step
    q = np.arange(-step * (reach // step + 1), step * (reach // step + 1))
    samples = np.arange(-(interpolation.size // 2) // step - 1, interpolation.size // 2 // step + 2)
    difference = np.empty((step, q.size))
    for phase in range(step):
        gains = _at(interpolation, phase - step * samples)
        composed = gains @ _at(response, step * samples[:, None] - q[None, :])
        difference[phase] = np.abs(composed - _at(target, phase - q))
    backwards = difference.sum(axis=0).reshape(-1, step).sum(axis=0)
    return float(max(difference.sum(axis=1).max(), backwards.max()))
