"""Smoothed total variation and its gradient.

    TV(x) = sum_i ( sqrt( |grad x|_i^2 + eps^2 ) - eps )

with forward differences, zero across the last plane of an axis, in intensity per voxel of the finest axis
(so that anisotropic voxels are weighted by their spacing).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..arrays.sweep import Run, Sweep

#: eps of the methods, of the range of values.
SMOOTHING = 0.01

#: An edge is where |grad x|^2 is more than this times eps^2.
_EDGE = 10.0


class TotalVariation:
    """Value and gradient for images of one shape.

    Parameters
    ----------
    shape, spacing : tuple
        Of the image, (k, j, i) or (j, i); spacing in mm.
    run : callable (work, items)
        Calls `work` on every item, possibly in threads. Chunks do not depend on the number of threads.
    """

    def __init__(self, shape: Sequence[int], spacing: Sequence[float], run: Run):
        self.shape = tuple(shape)
        finest = min(spacing)
        self.scales = [finest / h for h in spacing]
        self.run = run
        self._sweep = Sweep(self.shape, run)

    def __call__(self, x: np.ndarray, eps: float, weight: float, gradient: np.ndarray | None) -> float:
        """Return TV(x) and add `weight` times its gradient to `gradient` (in place) if given."""
        scalar = x.dtype.type
        return self._sum(lambda a, b: self._chunk(x, a, b, scalar(eps), scalar(weight), gradient))

    def curvature(self, x: np.ndarray, step: np.ndarray, eps: float) -> float:
        """Return c with TV(x + t step) <= TV(x) + t TV'(x) step + t^2 c / 2 for all t.

        c = sum_i |grad step|_i^2 / sqrt( |grad x|_i^2 + eps^2 ), since a square root lies below its tangents.
        """

        def part(a: int, b: int) -> float:
            low = max(a - 1, 0)
            norm = self._norm(self._differences(x, a, b), x.dtype.type(eps))
            square = sum(np.square(d) for d in self._differences(step, a, b))
            square /= norm
            return float(square[a - low :].sum(dtype=np.float64))

        return self._sum(part)

    def edges(self, x: np.ndarray, eps: float) -> np.ndarray:
        """Return s, near 0 where x is flat and near 1 at its edges: s^2 = g^2 / (g^2 + 10 eps^2).

        g^2 is the sum of the squares of forward and backward differences.
        """
        out = np.empty_like(x)
        least = x.dtype.type(_EDGE * eps**2)

        def work(slab: slice) -> None:
            square = self._squares(x, slab.start, slab.stop)
            np.divide(square, square + least, out=square)
            np.sqrt(square, out=out[slab])

        self._sweep(work)
        return out

    def _squares(self, x: np.ndarray, a: int, b: int) -> np.ndarray:
        """The squares of forward and backward differences of planes a to b, summed."""
        low = max(a - 1, 0)
        out = np.zeros_like(x[a:b])
        for axis, d in enumerate(self._differences(x, a, b)):
            np.square(d, out=d)
            out += d[a - low :]
            _add_before(d, axis, out)
        return out

    def _sum(self, part: Callable[[int, int], float]) -> float:
        return self._sweep.sums(lambda slab: (part(slab.start, slab.stop),))[0]

    def _differences(self, x: np.ndarray, a: int, b: int) -> list[np.ndarray]:
        """Forward differences of planes a to b, and of the one before: its flux enters the gradient at plane a."""
        low = max(a - 1, 0)
        part = x[low:b]
        differences = []
        for axis, scale in enumerate(self.scales):
            d = np.zeros_like(part)
            if axis == 0:
                high = min(b + 1, self.shape[0])
                np.subtract(x[low + 1 : high], x[low : high - 1], out=d[: high - 1 - low])
            else:
                head = (slice(None),) * axis
                later, earlier = (*head, slice(1, None)), (*head, slice(None, -1))
                np.subtract(part[later], part[earlier], out=d[earlier])
            if scale != 1:
                d *= x.dtype.type(scale)
            differences.append(d)
        return differences

    @staticmethod
    def _norm(differences: list[np.ndarray], eps: np.floating) -> np.ndarray:
        norm = np.square(differences[0])
        square = np.empty_like(norm)
        for d in differences[1:]:
            norm += np.square(d, out=square)
        norm += eps * eps
        return np.sqrt(norm, out=norm)

    def _chunk(
        self, x: np.ndarray, a: int, b: int, eps: np.floating, weight: np.floating, gradient: np.ndarray | None
    ) -> float:
        low = max(a - 1, 0)
        differences = self._differences(x, a, b)
        norm = self._norm(differences, eps)
        own = norm[a - low :]
        value = float(own.sum(dtype=np.float64)) - float(eps) * own.size
        if gradient is None:
            return value
        np.divide(weight, norm, out=norm)
        target = gradient[a:b]
        for axis, (d, scale) in enumerate(zip(differences, self.scales, strict=True)):
            d *= norm
            if scale != 1:
                d *= x.dtype.type(scale)
            target -= d[a - low :]
            _add_before(d, axis, target)
        return value


def _add_before(d: np.ndarray, axis: int, target: np.ndarray) -> None:
    """Add to every voxel what `d` is at the one before it along an axis; `d` may have a plane more in front."""
    if axis == 0:
        before = d[: len(d) - 1]
        target[len(target) - len(before) :] += before
        return
    head = (slice(None),) * axis
    later, earlier = (*head, slice(1, None)), (*head, slice(None, -1))
    target[later] += d[len(d) - len(target) :][earlier]


def sparsity(images: Sequence[np.ndarray], spacing: Sequence[float]) -> float:
    """Return Gini's index of the gradient's magnitude over all voxels of some images.

    0 where it is the same everywhere, near 1 where few voxels have almost all of it: edges between flat pieces
    (N. Hurley and S. Rickard, "Comparing measures of sparsity", IEEE Trans. Inf. Theory 55, 2009).
    """
    found = []
    for image in images:
        axes = [axis for axis, n in enumerate(image.shape) if n > 1]
        square = sum(np.square(np.gradient(image, spacing[axis], axis=axis)) for axis in axes)
        found.append(np.sqrt(square, dtype=np.float64).ravel() if axes else np.zeros(1))
    magnitude = np.sort(np.concatenate(found))
    total = float(magnitude.sum())
    if not total > 0:
        return 0.0
    return 1 - (2 * float(np.cumsum(magnitude).sum()) / total - 1) / magnitude.size
