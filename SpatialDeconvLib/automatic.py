"""Automatic constants of the linear filters, from the power spectrum of the image.

For a linear filter that multiplies the spectrum Y = H X + E by G / H, the expected squared error is

    sum_f |X_f|^2 (1 - G_f)^2 + N sigma^2 sum_f (G_f / |H_f|)^2,

with G = |H|^2 / (|H|^2 + mu) for Tikhonov and G = 1 where |H| > t for the thresholded inverse. |X|^2 is
estimated from |Y|^2 - N sigma^2, averaged over frequencies of similar |H|, and the constant with the least
expected error is taken.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

_BLOCK_VOXELS = 2**21  # enough frequencies for the averages; a larger image is judged by its middle
_BINS = 96
_SMALLEST = 1e-5  # |H| below this carries nothing


class BinnedSpectrum:
    """Power of image and noise over bins of |H|.

    Parameters
    ----------
    image : ndarray, 2-D or 3-D
    kernel : ndarray, dimension of the image, sums to 1
    noise : float
        Standard deviation of the noise in image units.
    """

    def __init__(self, image: np.ndarray, kernel: np.ndarray, noise: float):
        block = _middle(image)
        block = block - block.mean(dtype=np.float64)
        window_power = 1.0
        for axis, n in enumerate(block.shape):
            if n > 1:
                # A window keeps the jump from one border to the other out of the spectrum.
                window = np.hanning(n + 2)[1:-1]
                block = block * window.reshape([-1 if a == axis else 1 for a in range(block.ndim)])
                window_power *= float(np.sum(window**2))
        power = np.abs(scipy.fft.rfftn(block)) ** 2
        gain = np.abs(scipy.fft.rfftn(_folded(kernel, block.shape)))
        edges = np.geomspace(_SMALLEST, max(1.0, float(gain.max())) * 1.0001, _BINS + 1)
        index = np.digitize(gain.ravel(), edges) - 1
        valid = index >= 0
        self.count = np.bincount(index[valid], minlength=_BINS).astype(float)
        used = self.count > 0
        mean = np.bincount(index[valid], power.ravel()[valid], minlength=_BINS)[used] / self.count[used]
        self.count = self.count[used]
        self.gain = np.sqrt(edges[:-1] * edges[1:])[used]
        self.noise = window_power * noise**2
        signal = mean - self.noise
        # Below three standard errors of the mean, what is left is noise.
        signal[signal < 3 * self.noise / np.sqrt(self.count)] = 0
        self.signal = signal / self.gain**2

    def _error(self, passed: np.ndarray) -> float:
        """Expected squared error for the pass-band `passed` = G, one value a bin."""
        return float(
            np.sum(self.count * (self.signal * (1 - passed) ** 2 + self.noise * (passed / self.gain) ** 2))
        )

    def tikhonov_constant(self) -> float:
        """Return the constant mu of least expected error."""
        constants = np.geomspace(1e-8, 10, 181)
        errors = [self._error(self.gain**2 / (self.gain**2 + mu)) for mu in constants]
        return float(constants[int(np.argmin(errors))])

    def inverse_threshold(self) -> float:
        """Return the threshold t on |H| of least expected error."""
        errors = [self._error((self.gain > t).astype(float)) for t in self.gain]
        return float(self.gain[int(np.argmin(errors))])


def _middle(image: np.ndarray) -> np.ndarray:
    """The middle of the image, cut on its longest axes to at most `_BLOCK_VOXELS` voxels, float64."""
    sizes = list(image.shape)
    while np.prod(sizes) > _BLOCK_VOXELS:
        sizes[int(np.argmax(sizes))] //= 2
    box = tuple(slice((n - s) // 2, (n - s) // 2 + s) for n, s in zip(image.shape, sizes, strict=True))
    return image[box].astype(np.float64)


def _folded(kernel: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The kernel on a periodic grid of `shape`, summed where it is larger than the grid."""
    folded = np.zeros(shape)
    grids = [(np.arange(n) - n // 2) % m for n, m in zip(kernel.shape, shape, strict=True)]
    np.add.at(folded, np.ix_(*grids), kernel)
    return folded
