"""Automatic constants of the direct filters, by trying them on a case whose answer is known.

A parametric bootstrap: a block from the middle of the image is restored, taken for the truth, blurred with
the kernel, given noise of the same size and filtered with every candidate constant; the one that comes
closest wins. Done twice, the second time with the first answer's restoration as the truth. Unlike a formula
this sees all that the filter does: noise, damping of the mean, and what its boundary rule makes of the border.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import signal

from .errors import Cancelled
from .fftfilters import FFTFilters

_BLOCK_VOXELS = 2**18
_PAD_MODE = {"edge": "edge", "zero": "constant", "periodic": "wrap"}
_CANDIDATES = {
    "inverse": np.geomspace(3e-3, 0.9, 31),
    "tikhonov": np.geomspace(1e-5, 1.0, 31),
}


def choose_constant(
    method: str,
    image: np.ndarray,
    kernel: np.ndarray,
    noise: float,
    boundary: str = "edge",
    cancelled: Callable[[], bool] | None = None,
) -> float:
    """Return the constant with which a direct filter comes closest to the truth.

    Parameters
    ----------
    method : {"inverse", "tikhonov"}
    image : ndarray, 2-D or 3-D
        The blurred image; its middle 2^18 voxels are used.
    kernel : ndarray, dimension of the image, sums to 1
    noise : float
        Standard deviation of the noise in image units.
    boundary : {"edge", "zero", "periodic"}

    Returns
    -------
    float
        One of 31 candidates, equally spaced on a logarithmic scale. Deterministic.
    """
    block, judged = _middle(image, kernel.shape)
    noise_field = np.random.default_rng(0).normal(0.0, noise, block.shape) if noise > 0 else 0.0

    def best(candidate_method: str, truth: np.ndarray) -> float:
        filters = FFTFilters(_blurred(truth, kernel, boundary) + noise_field, boundary)
        errors = []
        for constant in _CANDIDATES[candidate_method]:
            if cancelled is not None and cancelled():
                raise Cancelled
            difference = filters.run(candidate_method, kernel, constant=constant)[judged] - truth[judged]
            errors.append(float(np.mean(difference**2)))
        return float(_CANDIDATES[candidate_method][int(np.argmin(errors))])

    # The stand-in for the truth is Tikhonov's, whatever the method: a thresholded inverse has a band limit of
    # its own and would only find that again.
    first = best("tikhonov", block)
    truth = FFTFilters(block, boundary).run("tikhonov", kernel, constant=first)
    return best(method, truth)


def _middle(image: np.ndarray, margin: tuple[int, ...]) -> tuple[np.ndarray, tuple[slice, ...]]:
    """The middle of the image, float64, cut on its longest axes, and the part of it to judge by.

    Where the block is cut, its border is none of the image's: a margin there is not judged.
    """
    sizes = list(image.shape)
    while np.prod(sizes) > _BLOCK_VOXELS:
        sizes[int(np.argmax(sizes))] //= 2
    box, judged = [], []
    for n, size, m in zip(image.shape, sizes, margin, strict=True):
        start = (n - size) // 2
        box.append(slice(start, start + size))
        inset = min(m, size // 4) if size < n else 0
        judged.append(slice(inset, size - inset))
    return image[tuple(box)].astype(np.float64), tuple(judged)


def _blurred(image: np.ndarray, kernel: np.ndarray, boundary: str) -> np.ndarray:
    """The image, continued by the boundary rule, convolved with the kernel (centre n // 2)."""
    margins = [(n - 1 - n // 2, n // 2) for n in kernel.shape]
    return signal.fftconvolve(np.pad(image, margins, mode=_PAD_MODE[boundary]), kernel, mode="valid")
