"""Regularised division of spectra: the fast way to a kernel when the images vanish at their border."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft as sfft

_WEIGHTS = 121
_TAPER = 0.1  # share of an axis that the window takes to rise, on either side


@dataclass
class Quotient:
    """A kernel by division, and the weight that was taken or found."""

    kernel: np.ndarray
    weight: float
    amplification: float  # expected |error| for noise of standard deviation 1 in the blurred image
    condition: float


def divide(
    original: np.ndarray,
    blurred: np.ndarray,
    shape: Sequence[int],
    spacing: Sequence[float],
    penalty: str,
    weight: float | None,
    workers: int,
) -> Quotient:
    """Return the kernel F^-1[ conj(X) Y / (|X|^2 + l |L|^2) ], cut to `shape` around displacement zero.

    Both images lose the level of their border, fade out at the border under one window (Tukey's, a tenth of
    the axis) and are padded with zeros by the kernel's size. |L|^2 is 1, or the transfer function of the
    squared gradient; the weight l, unless given, minimises the generalised cross-validation score

        sum |Y - X H|^2 / (N - sum |X|^2 / (|X|^2 + l |L|^2))^2,

    over the frequencies; it is a multiple of the squared spectrum's unit.
    """
    grid = tuple(
        sfft.next_fast_len(n + m - 1, real=a == len(shape) - 1)
        for a, (n, m) in enumerate(zip(original.shape, shape, strict=True))
    )
    window = _window(original.shape)
    x = sfft.rfftn((original - _border_level(original)) * window, grid, workers=workers)
    y = sfft.rfftn((blurred - _border_level(blurred)) * window, grid, workers=workers)
    power = np.square(np.abs(x))
    operator = _penalty(grid, spacing, penalty)
    copies = _copies(grid, power.shape)
    if weight is None:
        weight = _choose(power, y * np.conjugate(x), np.square(np.abs(y)), operator, copies)
    denominator = power + weight * operator
    denominator = np.maximum(denominator, 1e-14 * power.max())
    full = sfft.irfftn(np.conjugate(x) * y / denominator, grid, workers=workers)
    kernel = full
    for axis, n in enumerate(shape):
        places = (np.arange(n) - n // 2) % grid[axis]
        kernel = np.take(kernel, places, axis=axis)
    total = math.prod(grid)
    noise = float(np.square(window).sum())  # variance in each frequency of y, of noise of variance 1
    # What the noise adds and what the penalty takes away: the posterior's variance, as for least squares.
    amplification = math.sqrt(noise * float((copies / denominator).sum()) * math.prod(shape)) / total
    level = denominator / np.maximum(operator, 1e-300)
    return Quotient(kernel, weight, amplification, math.sqrt(float(power.max() / max(level.min(), 1e-300))))


def _window(shape: Sequence[int]) -> np.ndarray:
    window = np.ones(())
    for axis, n in enumerate(shape):
        rise = int(_TAPER * n)
        line = np.ones(n)
        if rise:
            slope = 0.5 - 0.5 * np.cos(np.pi * (np.arange(rise) + 0.5) / rise)
            line[:rise], line[n - rise :] = slope, slope[::-1]
        window = window * line.reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return window


def _border_level(image: np.ndarray) -> float:
    faces = []
    for axis, n in enumerate(image.shape):
        if n > 1:
            faces += [image.take(0, axis).ravel(), image.take(n - 1, axis).ravel()]
    return float(np.concatenate(faces).mean())


def _penalty(grid: Sequence[int], spacing: Sequence[float], kind: str) -> np.ndarray:
    """Transfer function of the penalty on the half spectrum."""
    last = len(grid) - 1
    half = (*grid[:-1], grid[-1] // 2 + 1)
    if kind == "identity":
        return np.ones(half)
    total = np.zeros(half)
    for axis, n in enumerate(grid):
        frequencies = sfft.rfftfreq(n) if axis == last else sfft.fftfreq(n)
        line = (2 - 2 * np.cos(2 * np.pi * frequencies)) * (min(spacing) / spacing[axis]) ** 2
        total += line.reshape([-1 if a == axis else 1 for a in range(len(grid))])
    # A little at frequency zero, where the difference of two images without structure would be divided by 0.
    return np.maximum(total, total.max() * 1e-6)


def _copies(grid: Sequence[int], half: Sequence[int]) -> np.ndarray:
    """How many frequencies of the full spectrum each one of the half spectrum stands for."""
    copies = np.full(half[-1], 2.0)
    copies[0] = 1
    if grid[-1] % 2 == 0:
        copies[-1] = 1
    return copies


def _choose(
    power: np.ndarray, cross: np.ndarray, energy: np.ndarray, operator: np.ndarray, copies: np.ndarray
) -> float:
    ratio = power / operator
    weights = ratio.max() * np.geomspace(1e-14, 10, _WEIGHTS)
    # The score needs few digits: frequencies of about the same ratio count together.
    edges = np.geomspace(max(ratio.max() * 1e-16, 1e-300), ratio.max(), 400)
    place = np.searchsorted(edges, ratio.ravel()).clip(max=len(edges) - 1)
    copies = np.broadcast_to(copies, ratio.shape).ravel()
    explained = np.square(np.abs(cross)).ravel() / np.maximum(power.ravel(), 1e-300)
    count = np.bincount(place, copies, len(edges))
    explained = np.bincount(place, copies * explained, len(edges))
    rest = float((copies * energy.ravel()).sum()) - explained.sum()
    kept = edges[:, None] / (edges[:, None] + weights)
    score = ((explained[:, None] * (1 - kept) ** 2).sum(axis=0) + max(rest, 0.0)) / (
        np.maximum((count[:, None] * (1 - kept)).sum(axis=0), 1) ** 2
    )
    return float(weights[np.argmin(score)])
