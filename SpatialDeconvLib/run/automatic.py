"""Automatic constants of the direct filters, by trying them on a case whose answer is known.

A parametric bootstrap. A block of the image is restored and taken for the truth; blurred with the spatially
variant model and given noise by the same law, it is filtered with every kernel and a range of constants.
For each kernel the constant that comes closest to that truth, where the kernel has weight, wins. The first
restoration comes from a round of its own, in which the blurred image stands in for the truth.

Unlike a formula, this sees all that goes wrong: noise, damping of the mean, what the boundary rule makes of
the border, and that a filter with one kernel runs over an image blurred by many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.boxes import Box
from ..arrays.inner import dot
from ..arrays.watch import UNWATCHED, Watch
from ..blur.operator import SpatiallyVariantBlur
from ..filters.fft import FFTFilters
from ..kernels.field import BoundField, KernelField
from ..methods import registry as methods
from ..noise import NoiseLaw

# Wiener and inverse depend on the whole image: the block should be all of it whenever that is affordable.
_BLOCK_VOXELS = 2**20


class Simulation:
    """Finds the constants for one image, kernel by kernel.

    Parameters
    ----------
    image : ndarray, 2-D or 3-D
        The blurred image.
    bound : BoundField
        The kernels, normalised, on the image's grid.
    noise : NoiseLaw
        Of the image.
    model : {"detector", "source"}
    boundary : {"edge", "zero", "periodic"}
    region : tuple of slice, optional
        The part that matters: the block lies around its middle.
    watch : Watch, optional
        Told before every trial what is being tried, at fraction 0: how many there will be is not known.
    """

    def __init__(
        self,
        image: np.ndarray,
        bound: BoundField,
        noise: NoiseLaw,
        model: str = "detector",
        boundary: str = "edge",
        region: Box | None = None,
        watch: Watch | None = None,
    ):
        self._kernels = [bound.kernel(k) for k in range(len(bound))]
        self._boundary, self._noise = boundary, noise.sigma
        self._watch = watch = watch or UNWATCHED
        box = trial_block(image.shape, region)
        block = np.ascontiguousarray(image[box])
        self._spread = float(block.std(dtype=np.float64))
        # Copies: a slice would keep the whole weight image alive, for every kernel at once.
        self._weights = [bound.weight(k, block.dtype)[box].copy() for k in range(len(bound))]
        operator = SpatiallyVariantBlur(
            KernelField.by_weights(self._weights, self._kernels).bind(block, bound.spacing),
            block.shape,
            model=model,
            boundary=boundary,
            dtype=block.dtype,
            low_rank=0.0,
        )
        law = noise.part(box)

        def use_as_truth(truth: np.ndarray, level: np.floating) -> None:
            noisy = law.noisy(operator.forward(truth, watch.quiet()), np.random.default_rng(0)) - level
            self._truth = truth - level
            self._filters = FFTFilters(noisy.astype(block.dtype, copy=False), boundary)

        # Tikhonov's filter damps the mean, too; zeros beyond the border are zeros of the image with its mean.
        level = block.dtype.type(0.0 if boundary == "zero" else block.mean(dtype=np.float64))
        use_as_truth(block, level)
        filters = FFTFilters(block - level, boundary)
        restored = np.full_like(block, level)
        for k, (kernel, weight) in enumerate(zip(self._kernels, self._weights, strict=True)):
            if weight.any():
                # Tikhonov's, whatever the method: a thresholded inverse has a band limit of its own and
                # would only find that again.
                constant = self._best(k, "tikhonov", 1e-4, 1.0, coarse=5, halvings=0)
                restored += weight * filters.run("tikhonov", kernel.values, constant=constant)
        use_as_truth(restored, block.dtype.type(0.0))

    def constant(self, method: str, k: int) -> float:
        """Return the best constant of a direct filter for kernel `k`.

        It is the filter's own constant; of one that has none ("wiener"), the standard deviation of what the
        filter has to take for noise, at least the noise itself.
        """
        constant = methods.method("blend", method).constant
        if constant is not None:
            if constant.search is None:
                raise ValueError(f"{method!r} finds its constant itself")
            return self._best(k, method, *constant.search)
        if self._spread == 0:  # a constant image holds nothing to restore
            return self._noise
        low = max(self._noise, 1e-4 * self._spread)
        return self._best(k, method, low, max(self._spread, 2 * low))

    def _best(self, k: int, method: str, low: float, high: float, coarse: int = 9, halvings: int = 2) -> float:
        weight = self._weights[k]
        if not weight.any():  # the block has no voxel of this kernel: judge by all of it
            weight = np.ones_like(weight)
        kernel, tuned = self._kernels[k].values, methods.method("blend", method).tuned

        def error(constant: float) -> float:
            self._watch.step(0.0, f"trying constants for kernel {k + 1} of {len(self._kernels)}")
            options: dict[str, Any] = {tuned: constant}
            difference = self._filters.run(method, kernel, watch=self._watch.quiet(), **options)
            difference -= self._truth
            np.square(difference, out=difference)
            return dot(weight, difference)

        return _minimum(error, low, high, coarse, halvings)


def _minimum(error: Callable[[float], float], low: float, high: float, coarse: int, halvings: int) -> float:
    """Where `error` is least: `coarse` points from `low` to `high` on a logarithmic scale, then finer ones."""
    found = {float(x): error(float(x)) for x in np.geomspace(low, high, coarse)}
    for _ in range(halvings):
        best = min(found, key=found.__getitem__)
        ordered = sorted(found)
        place = ordered.index(best)
        for neighbour in ordered[max(place - 1, 0) : place] + ordered[place + 1 : place + 2]:
            middle = float(np.sqrt(best * neighbour))
            found[middle] = error(middle)
    return min(found, key=found.__getitem__)


def trial_block(shape: tuple[int, ...], region: Box | None, voxels: int | None = None) -> Box:
    """The block to try on: the whole image, or what is left around the middle of the region when its longest
    axes are halved until it has at most so many voxels."""
    sizes = list(shape)
    while np.prod(sizes) > (voxels or _BLOCK_VOXELS):
        sizes[int(np.argmax(sizes))] //= 2
    middles = [n // 2 for n in shape] if region is None else [(s.start + s.stop) // 2 for s in region]
    box = []
    for n, size, middle in zip(shape, sizes, middles, strict=True):
        start = min(max(middle - size // 2, 0), n - size)
        box.append(slice(start, start + size))
    return tuple(box)
