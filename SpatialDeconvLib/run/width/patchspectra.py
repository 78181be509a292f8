"""Power spectra of an image, patch by patch, in bands of frequency.

A patch is multiplied by Hann's window, so that what lies beyond its border does not matter, and its spectrum is
averaged over shells of equal frequency. Frequencies are in cycles per finest voxel, along all axes alike in mm.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy import fft as sfft

from ...arrays.boxes import Box

#: Voxels along an axis of a patch: enough for its lowest band to see past the kernels, few enough for many patches.
PATCH = 32
#: Bands of equal ratio from the lowest frequency of a patch of `PATCH` voxels to Nyquist's.
BANDS = 8
#: The lowest frequency that the window lets be told from 0, in cycles per patch.
_LOWEST = 1.6
_NYQUIST = 0.5
#: A patch counts where the mask holds this share of the window's power.
_INSIDE = 0.75


class Patches:
    """Overlapping patches of an image, and the bands of their spectra.

    Parameters
    ----------
    shape : sequence of int
        Of the image.
    spacing : sequence of float
        Voxel size in mm.
    slicewise : bool
        Patches of one slice.
    mask : ndarray of bool, optional
        Only patches that lie in it, but for their rims.

    Attributes
    ----------
    boxes : list of Box
    finest : float
        The smallest voxel size along the axes that patches have, in mm.
    frequency : ndarray
        The middle of each band, in cycles per finest voxel.
    modes : ndarray
        How many frequencies there are in each.
    """

    def __init__(
        self, shape: Sequence[int], spacing: Sequence[float], slicewise: bool, mask: np.ndarray | None = None
    ):
        self.size = tuple(1 if slicewise and axis == 0 else min(n, PATCH) for axis, n in enumerate(shape))
        window = np.ones((1,) * len(shape))
        for axis, n in enumerate(self.size):
            taper = np.ones(1) if n == 1 else np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
            window = window * taper.reshape([-1 if a == axis else 1 for a in range(len(shape))])
        self._window = window / math.sqrt(float(np.square(window).sum()))
        self._lay_bands(spacing)
        starts = [_starts(n, size) for n, size in zip(shape, self.size, strict=True)]
        boxes = [
            tuple(slice(int(a), int(a) + n) for a, n in zip(corner, self.size, strict=True))
            for corner in itertools.product(*starts)
        ]
        self.boxes: list[Box] = [box for box in boxes if mask is None or self.mean(mask[box]) > _INSIDE]

    def _lay_bands(self, spacing: Sequence[float]) -> None:
        self.finest = finest = min((h for h, n in zip(spacing, self.size, strict=True) if n > 1), default=1.0)
        radius = frequencies(self.size, spacing, finest)
        longest = max(n * h / finest for n, h in zip(self.size, spacing, strict=True))
        lowest = _LOWEST / longest
        count = max(2, round(BANDS * math.log(_NYQUIST / lowest) / math.log(_NYQUIST * PATCH / _LOWEST)))
        edges = [*np.geomspace(lowest, _NYQUIST, count + 1), math.inf]
        bands = [(radius >= low) & (radius < high) for low, high in itertools.pairwise(edges)]
        self._bands = [band for band in bands if band.any()]
        self.modes = np.array([np.count_nonzero(band) for band in self._bands], float)
        self.frequency = np.array([math.exp(np.log(radius[band]).mean()) for band in self._bands])

    def mean(self, values: np.ndarray) -> float:
        """The mean of a patch's values as the window sees their power."""
        return float(np.sum(values * np.square(self._window)))

    def energies(self, image: np.ndarray) -> np.ndarray:
        """The power in every band of every patch, shape (patches, bands); white noise has its variance in all."""
        found = np.empty((len(self.boxes), len(self._bands)))
        share = float(self._window.sum())
        for row, box in zip(found, self.boxes, strict=True):
            patch = image[box].astype(np.float64)
            patch = (patch - float((patch * self._window).sum()) / share) * self._window
            power = np.square(np.abs(sfft.fftn(patch)))
            row[:] = [power[band].mean() for band in self._bands]
        return found


def frequencies(shape: Sequence[int], spacing: Sequence[float], finest: float) -> np.ndarray:
    """The frequency of every Fourier coefficient, in cycles per voxel of size `finest`."""
    axes = [np.fft.fftfreq(n, h / finest) for n, h in zip(shape, spacing, strict=True)]
    return np.sqrt(sum(np.square(f) for f in np.meshgrid(*axes, indexing="ij")))


def _starts(length: int, size: int) -> np.ndarray:
    """First voxels of patches that overlap by half or more and reach from end to end."""
    count = 1 if size == 1 and length == 1 else 1 + math.ceil((length - size) / max(1, size / 2))
    return np.linspace(0, length - size, count).astype(int)
