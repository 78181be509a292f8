"""All voxels by their distance from the line: profiles finer than the voxels, and the MTF."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_FINENESS = 8  # bins a voxel
_WINDOWED = 0.25  # of the line spread on either end fades to 0, so that the profile's ends make no ripples
FREQUENCIES = 81


@dataclass(frozen=True)
class Profile:
    """Means of the image over bins of the distance.

    Attributes
    ----------
    distance, values, counts : ndarray
        Of each bin that holds voxels: mean distance in mm, mean value, voxels.
    step : float
        Width of a bin in mm.
    filled : float
        The share of the bins in the middle that hold voxels.
    """

    distance: np.ndarray
    values: np.ndarray
    counts: np.ndarray
    step: float
    filled: float

    @classmethod
    def of(cls, image: np.ndarray, distances: np.ndarray, pitch: float, known: np.ndarray | None) -> Profile:
        """Take the profile as far as there are voxels on both sides.

        pitch : voxel size across the line in mm; known : the voxels that count.
        """
        away, values = (distances.ravel(), image.ravel()) if known is None else (distances[known], image[known])
        step = pitch / _FINENESS
        last = int(min(away.max(), -away.min()) / step - 0.5)
        index = np.rint(away / step).astype(int) + last
        inside = (index >= 0) & (index <= 2 * last)
        index, away, values = index[inside], away[inside], values[inside]
        counts = np.bincount(index, minlength=2 * last + 1)
        used = counts > 0
        middle = used[max(0, last - 2 * _FINENESS) : last + 2 * _FINENESS + 1]
        sums = [np.bincount(index, v, minlength=2 * last + 1)[used] for v in (away, values)]
        return cls(
            sums[0] / counts[used],
            sums[1] / counts[used],
            counts[used],
            step,
            float(middle.mean()) if last else 0.0,
        )

    def line_spread(self, slit: bool, background: float) -> tuple[np.ndarray, np.ndarray]:
        """Distances in mm and the line spread there, of integral 1 after fading at its ends."""
        if slit:
            away, spread = self.distance, self.values - background
        else:
            away = 0.5 * (self.distance[1:] + self.distance[:-1])
            spread = np.diff(self.values) / np.diff(self.distance)
        reach = float(np.abs(away).max())
        fading = np.clip((reach - np.abs(away)) / (_WINDOWED * reach), 0, 1)
        spread = spread * np.square(np.sin(0.5 * np.pi * fading))
        total = float(np.trapezoid(spread, away))
        return away, spread / total if total else spread

    def mtf(self, frequency: np.ndarray, slit: bool, background: float) -> np.ndarray:
        """The modulus of the line spread's spectrum, 1 at 0, without what bins and differences take away."""
        away, spread = self.line_spread(slit, background)
        widths = np.gradient(away)
        spectrum = np.exp(-2j * np.pi * np.multiply.outer(frequency, away)) @ (spread * widths)
        lost = np.sinc(frequency * self.step) ** (1 if slit else 2)
        return np.abs(spectrum) / max(float(np.abs(spectrum[0])), 1e-300) / lost
