"""Automatic constants of the direct filters, by trying them on a case whose answer is known.

A parametric bootstrap. A block of the image is restored and taken for the truth; blurred with the spatially
variant model and given noise of the same size, it is filtered with every kernel and a range of constants.
For each kernel the constant that comes closest to that truth, where the kernel has weight, wins. The first
restoration comes from a round of its own, in which the blurred image stands in for the truth.

Unlike a formula, this sees all that goes wrong: noise, damping of the mean, what the boundary rule makes of
the border, and that a filter with one kernel runs over an image blurred by many.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .errors import Cancelled
from .fftfilters import FFTFilters
from .fields import BoundField, Box, KernelField
from .operators import SpatiallyVariantBlur

_BLOCK_VOXELS = 2**17
_LARGEST = {"tikhonov": 1.0, "inverse": 0.9}
_SMALLEST = {"tikhonov": 1e-5, "inverse": 3e-3}


class Simulation:
    """Finds the constants for one image, kernel by kernel.

    Parameters
    ----------
    image : ndarray, 2-D or 3-D
        The blurred image.
    bound : BoundField
        The kernels, normalised, on the image's grid.
    noise : float
        Standard deviation of the noise in image units.
    model : {"detector", "source"}
    boundary : {"edge", "zero", "periodic"}
    region : tuple of slice, optional
        The part that matters: the block lies around its middle.
    cancelled : callable() -> bool, optional
    """

    def __init__(
        self,
        image: np.ndarray,
        bound: BoundField,
        noise: float,
        model: str = "detector",
        boundary: str = "edge",
        region: Box | None = None,
        cancelled: Callable[[], bool] | None = None,
    ):
        self._kernels = [bound.kernel(k) for k in range(len(bound))]
        self._boundary, self._noise = boundary, noise
        self._cancelled = cancelled or (lambda: False)
        box, self._judged = _block(image.shape, np.max([k.shape for k in self._kernels], axis=0), region)
        block = image[box].astype(np.float64)
        self._spread = float(block.std())
        # Copies: a slice would keep the whole weight image alive, for every kernel at once.
        self._weights = [bound.weight(k)[box].copy() for k in range(len(bound))]
        operator = SpatiallyVariantBlur(
            KernelField.by_weights(self._weights, self._kernels).bind(block, bound.spacing),
            block.shape,
            model=model,
            boundary=boundary,
            dtype="float64",
        )
        rng = np.random.default_rng(0)
        noise_field = rng.normal(0.0, noise, block.shape) if noise > 0 else 0.0

        def use_as_truth(truth: np.ndarray) -> None:
            self._truth = truth
            self._filters = FFTFilters(operator.forward(truth) + noise_field, boundary)

        use_as_truth(block)
        filters = FFTFilters(block, boundary)
        restored = np.zeros_like(block)
        for k, (kernel, weight) in enumerate(zip(self._kernels, self._weights, strict=True)):
            if weight.any():
                # Tikhonov's, whatever the method: a thresholded inverse has a band limit of its own and
                # would only find that again.
                constant = self.constant("tikhonov", k)
                restored += weight * filters.run("tikhonov", kernel.values, constant=constant)
        use_as_truth(restored)

    def constant(self, method: str, k: int) -> float:
        """Return the best constant of a direct filter for kernel `k`.

        For "tikhonov" and "inverse" it is the filter's own constant; for "wiener" the standard deviation
        of what the filter has to take for noise, at least the noise itself.
        """
        weight = self._weights[k][self._judged]
        if not weight.any():  # the block has no voxel of this kernel: judge by all of it
            weight = np.ones_like(weight)
        kernel = self._kernels[k].values

        def error(constant: float) -> float:
            if self._cancelled():
                raise Cancelled
            options = {"noise": constant} if method == "wiener" else {"constant": constant}
            result = self._filters.run(method, kernel, **options)
            return float(np.sum(weight * np.square((result - self._truth)[self._judged])))

        if method != "wiener":
            return _minimum(error, _SMALLEST[method], _LARGEST[method])
        if self._spread == 0:  # a constant image holds nothing to restore
            return self._noise
        low = max(self._noise, 1e-4 * self._spread)
        return _minimum(error, low, max(self._spread, 2 * low))


def _minimum(error: Callable[[float], float], low: float, high: float) -> float:
    """Where `error` is least between `low` and `high`: nine points on a logarithmic scale, then two halvings."""
    found = {float(x): error(float(x)) for x in np.geomspace(low, high, 9)}
    for _ in range(2):
        best = min(found, key=found.get)
        ordered = sorted(found)
        place = ordered.index(best)
        for neighbour in ordered[max(place - 1, 0) : place] + ordered[place + 1 : place + 2]:
            middle = float(np.sqrt(best * neighbour))
            found[middle] = error(middle)
    return min(found, key=found.get)


def _block(shape: tuple[int, ...], reach: np.ndarray, region: Box | None) -> tuple[Box, Box]:
    """The block to try on, around the middle of the region, and the part of the block to judge by.

    Where the block is cut out of the image its border is none of the image's: a margin there is not judged.
    """
    sizes = list(shape)
    while np.prod(sizes) > _BLOCK_VOXELS:
        sizes[int(np.argmax(sizes))] //= 2
    middles = [n // 2 for n in shape] if region is None else [(s.start + s.stop) // 2 for s in region]
    box, judged = [], []
    for n, size, middle, m in zip(shape, sizes, middles, reach, strict=True):
        start = min(max(middle - size // 2, 0), n - size)
        box.append(slice(start, start + size))
        inset = min(int(m), size // 4) if size < n else 0
        judged.append(slice(inset, size - inset))
    return tuple(box), tuple(judged)
