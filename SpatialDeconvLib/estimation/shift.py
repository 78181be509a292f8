"""Displacement between the two images of a pair, to a fraction of a voxel.

A kernel takes up any displacement that its support has room for, so displacement and kernel are told apart by a
convention: the kernel's centre of mass lies at its centre voxel, the rest is displacement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy.fft as sfft
from scipy import ndimage

from .equations import Box

_ORDER = 5
#: Voxels at the border that are not known well in an image that is shifted by a fraction.
MARGIN = 3
#: Displacements below are left to the kernel (voxels).
NEGLIGIBLE = 1e-3


def coarse_shift(
    original: np.ndarray, blurred: np.ndarray, mask: np.ndarray | None, workers: int
) -> tuple[int, ...]:
    """Whole voxels by which the blurred image's content lies further on: the peak of the cross-correlation."""
    window = np.ones(())
    for axis, n in enumerate(original.shape):
        taper = np.hanning(n + 2)[1:-1] if n > 1 else np.ones(1)
        window = window * taper.reshape([-1 if a == axis else 1 for a in range(original.ndim)])
    a = (original - original.mean()) * window
    level = blurred.mean() if mask is None else blurred[mask].mean()
    b = (blurred - level) * window
    if mask is not None:
        b[~mask] = 0
    grid = [sfft.next_fast_len(2 * n - 1) if n > 1 else 1 for n in original.shape]
    spectrum = np.conjugate(sfft.rfftn(a, grid, workers=workers)) * sfft.rfftn(b, grid, workers=workers)
    correlation = sfft.irfftn(spectrum, grid, workers=workers)
    peak = np.unravel_index(int(np.argmax(correlation)), correlation.shape)
    shift = [p if p < g - p else p - g for p, g in zip(peak, grid, strict=True)]
    # More than a third of the image is no displacement but a coincidence.
    return tuple(int(s) if abs(s) <= n // 3 else 0 for s, n in zip(shift, original.shape, strict=True))


def shifted(image: np.ndarray, shift: Sequence[float], shape: Sequence[int]) -> tuple[np.ndarray, Box]:
    """Displace an image by `shift` voxels, and return the part that is known with its place.

    Whole voxels are moved, fractions interpolated by splines of degree 5. The splines' margin at the border is left
    out where there is room for it beside a kernel of `shape`.
    """
    shift = [float(s) if abs(s) > NEGLIGIBLE else 0.0 for s in shift]
    if all(s == round(s) for s in shift):
        box, source = [], []
        for s, n in zip(shift, image.shape, strict=True):
            s = round(s)
            box.append(slice(max(s, 0), n + min(s, 0)))
            source.append(slice(max(-s, 0), n + min(-s, 0)))
        return image[tuple(source)], tuple(box)
    moved = ndimage.shift(image, shift, order=_ORDER, mode="mirror")
    box = []
    for s, n, m in zip(shift, image.shape, shape, strict=True):
        margin = 0 if s == round(s) else min(MARGIN, max(n - m, 0) // 4)
        low = max(math.ceil(s), 0) + margin
        high = n + min(math.floor(s), 0) - margin
        box.append(slice(low, max(high, low)))
    return moved[tuple(box)], tuple(box)


def between_voxels(image: np.ndarray, offset: Sequence[float]) -> np.ndarray:
    """Displace an image by fractions of a voxel: a phase in the spectrum of its mirrored continuation.

    What is wrong at the border, where the values beyond are not known, is left out by `MARGIN`.
    """
    for axis, by in enumerate(offset):
        if by:
            line = np.moveaxis(image, axis, -1)
            n = line.shape[-1]
            spectrum = sfft.rfft(np.concatenate([line, line[..., ::-1]], axis=-1))
            spectrum *= np.exp(-2j * np.pi * by * sfft.rfftfreq(2 * n))
            image = np.moveaxis(sfft.irfft(spectrum, 2 * n)[..., :n], -1, axis)
    return image


def centre_of_mass(kernel: np.ndarray) -> tuple[float, ...]:
    """Of a kernel, relative to its centre voxel, in voxels; values far below the peak (noise) do not count."""
    weights = np.where(kernel >= 0.02 * kernel.max(), kernel, 0)
    total = weights.sum()
    result = []
    for axis, n in enumerate(kernel.shape):
        others = tuple(a for a in range(kernel.ndim) if a != axis)
        result.append(float(weights.sum(axis=others) @ (np.arange(n) - n // 2) / total))
    return tuple(result)
