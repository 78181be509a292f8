"""The linear equations of kernel estimation: y = X h on the voxels where nothing outside the original counts.

With kernels h_k of n voxels per axis and centre c = n // 2, and weights w_k (one kernel: w = 1),

    detector model:  y[i] = sum_k w_k[i] sum_m h_k[m] x[i - m + c]
    source model:    y[i] = sum_k sum_m h_k[m] (w_k x)[i - m + c]

for n - 1 - c <= i <= N - 1 - c: the valid region, on which the equations are exact whatever lies outside the
image. X and X^T are products of spectra on the image's own grid: the part of a circular convolution that wraps
around is the part that is not valid. Transforms of kernels touch only the rows that are not zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import scipy.fft as sfft

from ..arrays.threads import Crew

Box = tuple[slice, ...]

_LARGE = 1 << 17


def valid_box(image_shape: Sequence[int], shape: Sequence[int]) -> Box:
    """The voxels of the blurred image that depend on nothing outside the original."""
    return tuple(slice(n - 1 - n // 2, size - n // 2) for size, n in zip(image_shape, shape, strict=True))


class Equations:
    """X as an operator from kernels (K, *shape) to the counted voxels of the valid region, and its transpose.

    Parameters
    ----------
    x : ndarray
        The original.
    shape : tuple of int
        Of each kernel.
    weights : callable, optional
        ``weights(k)`` gives the weights of kernel k on the image; None for a single kernel.
    displaced : callable, optional
        What becomes of the image that a kernel meets, x or w_k x, before it does: for kernels whose centre is not
        n // 2.
    count : int
        Number of kernels.
    model : {"detector", "source"}
    mask : ndarray of bool on the valid region, optional
        The voxels that count.
    centred : bool
        Eliminate a constant offset: images of the valid region lose their mean.
    workers : int
        Threads. The result does not depend on their number.
    """

    def __init__(
        self,
        x: np.ndarray,
        shape: tuple[int, ...],
        *,
        weights: Callable[[int], np.ndarray] | None = None,
        displaced: Callable[[np.ndarray], np.ndarray] = lambda image: image,
        count: int = 1,
        model: str = "detector",
        mask: np.ndarray | None = None,
        centred: bool = False,
        workers: int = 1,
    ):
        self.shape, self.count = shape, count
        # Several kernels share the processors out among them; a single one shares out its transforms.
        # Threads cost more than they bring where a transform takes a millisecond.
        workers = workers if x.size >= _LARGE else 1
        self._crew = Crew(workers if count > 1 else 1)
        self.workers = 1 if count > 1 else workers
        self.valid = valid_box(x.shape, shape)
        self.size = tuple(s.stop - s.start for s in self.valid)
        self.mask = None if mask is None or mask.all() else mask
        self.voxels = math.prod(self.size) if self.mask is None else int(np.count_nonzero(self.mask))
        self.centred = centred
        last = x.ndim - 1
        self.grid = tuple(sfft.next_fast_len(n, real=a == last) for a, n in enumerate(x.shape))
        self.source = model == "source" and weights is not None
        self._weights: list[np.ndarray] | None = None
        if weights is None:
            self._spectra = [self._analyse(displaced(x))]
        elif self.source:
            self._spectra = [self._analyse(displaced(weights(k) * x)) for k in range(count)]
        else:
            self._spectra = [self._analyse(displaced(x))]
            self._weights = [np.ascontiguousarray(weights(k)[self.valid]) for k in range(count)]

    # The kernel is kept mirrored, u = n - 1 - m, so that valid voxel j sees x[j + u]: no voxel before the image.

    def forward(self, kernels: np.ndarray) -> np.ndarray:
        """X h on the valid region, masked voxels and offset included; shape `size`."""
        mirrored = np.flip(kernels, axis=tuple(range(1, kernels.ndim)))
        weights = self._weights
        if weights is not None:
            return self._sum(lambda k: self._synthesise(self._times(mirrored[k], 0), self.size) * weights[k])
        return self._synthesise(self._sum(lambda k: self._times(mirrored[k], k)), self.size)

    def adjoint(self, image: np.ndarray) -> np.ndarray:
        """X^T r for an image on the valid region; shape (K, *shape)."""
        out = np.empty((self.count, *self.shape))
        weights = self._weights
        common = None if weights is not None else self._analyse(image, conjugate=True)

        def one(k: int) -> None:
            if weights is not None:
                part = self._analyse(image * weights[k], conjugate=True)
                part *= self._spectra[0]
            else:
                part = common * self._spectra[k]
            out[k] = np.flip(self._synthesise(part, self.shape))

        self._crew(one, range(self.count))
        return out

    def _times(self, kernel: np.ndarray, k: int) -> np.ndarray:
        part = self._analyse(kernel, conjugate=True)
        part *= self._spectra[k]
        return part

    def _sum(self, term: Callable[[int], np.ndarray]) -> np.ndarray:
        """The sum of the kernels' terms, always taken in their order; only some are held at a time."""
        step = self._crew.workers
        ranges = (range(first, min(first + step, self.count)) for first in range(0, self.count, step))
        parts = (part for numbers in ranges for part in self._crew(term, numbers))
        total = next(parts)
        for part in parts:
            np.add(total, part, out=total)
        return total

    def counted(self, image: np.ndarray) -> np.ndarray:
        """Set what does not count to 0 and take the mean away where an offset is eliminated, in place."""
        if self.mask is not None:
            image[~self.mask] = 0
        if self.centred:
            image -= image.sum() / self.voxels
            if self.mask is not None:
                image[~self.mask] = 0
        return image

    def counted_values(self, image: np.ndarray) -> np.ndarray:
        """The values of an image on the valid region that count."""
        return image if self.mask is None else image[self.mask]

    def product(self, kernels: np.ndarray) -> np.ndarray:
        """X^T X h over what counts."""
        return self.adjoint(self.counted(self.forward(kernels)))

    def _analyse(self, values: np.ndarray, conjugate: bool = False) -> np.ndarray:
        """The spectrum, or its conjugate: the same transforms backwards, with the same scale."""
        last, workers = self.grid[-1], self.workers
        if conjugate:
            out = sfft.ihfft(values, last, axis=-1, norm="forward", workers=workers)
        else:
            out = sfft.rfft(values, last, axis=-1, workers=workers)
        turn, norm = (sfft.ifft, "forward") if conjugate else (sfft.fft, "backward")
        for axis in range(values.ndim - 2, -1, -1):
            out = turn(out, self.grid[axis], axis=axis, norm=norm, overwrite_x=True, workers=workers)
        return out

    def _synthesise(self, spectrum: np.ndarray, size: Sequence[int]) -> np.ndarray:
        for axis in range(spectrum.ndim - 1):
            spectrum = sfft.ifft(spectrum, axis=axis, overwrite_x=True, workers=self.workers)
            spectrum = spectrum[(slice(None),) * axis + (slice(0, size[axis]),)]
        return sfft.irfft(spectrum, self.grid[-1], axis=-1, workers=self.workers)[..., : size[-1]]
