"""An approximate inverse of the objective's second derivative, with which L-BFGS starts: a filter.

The second derivative of 1/2 |y - A x|^2 is A^T A, near a convolution with the mean autocorrelation of the kernels;
that of a penalty on differences is near a multiple of the Laplacian and its square. Both are diagonal in the cosine
transform, whose border is a mirror's, so their inverse is a filter there:

    H = 1 / ( mean_k |h_k^|^2 + q + r + a lap + b lap^2 ),     lap = sum_axes s^2 (2 - 2 cos(pi i / n))

(preconditioning by a fast transform: R. H. Chan and M. K. Ng, "Conjugate gradient methods for Toeplitz systems",
SIAM Review 38, 1996). Every kernel in use counts the same, however few voxels have it: the widest hold the descent
up. q is the curvature of a term |x|^2 / 2, where there is one. The others are in units of |h^(0)|^2, which is 1 for
kernels that sum to 1; whatever the noise, weights of penalties come to about these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.fft as sfft

from ..blur.selfkeyed import SelfKeyedBlur
from ..kernels.field import BoundField
from .agreement import Agreement
from .models import Model

_RIDGE, _LAPLACIAN, _SQUARED = 0.03, 0.01, 0.01
#: With kernels keyed to the image sought in the source model, whose second derivative changes from place to place.
_LAPLACIAN_SOURCE = 0.1
_CHUNK = 1 << 16  # voxels transformed at a time


class CosineFilter:
    """Multiplication by a response in the cosine transform (DCT-II).

    Parameters
    ----------
    response : ndarray
        Of the image's shape and type.
    run : callable (work, items)
        Calls `work` on every item, possibly in threads. Items do not depend on the number of threads.
    """

    def __init__(self, response: np.ndarray, run: Callable[..., Any]):
        self.response, self.run = response, run
        shape = response.shape
        self._planes = _slices(shape[0], response.size // shape[0])
        self._columns = _slices(shape[1], response.size // shape[1])

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Filter an image in place and return it."""
        within = tuple(range(1, image.ndim))

        def ahead(part: slice) -> None:
            image[part] = sfft.dctn(image[part], axes=within, norm="ortho", workers=1)

        def across(part: slice) -> None:
            columns = sfft.dct(image[:, part], axis=0, norm="ortho", workers=1)
            columns *= self.response[:, part]
            image[:, part] = sfft.idct(columns, axis=0, norm="ortho", overwrite_x=True, workers=1)

        def back(part: slice) -> None:
            image[part] = sfft.idctn(image[part], axes=within, norm="ortho", workers=1)

        self.run(ahead, self._planes)
        self.run(across, self._columns)
        self.run(back, self._planes)
        return image


def _slices(length: int, size: int) -> list[slice]:
    thickness = max(1, _CHUNK // size)
    return [slice(a, min(a + thickness, length)) for a in range(0, length, thickness)]


def preconditioner(model: Model, curvature: float = 0.0, agreed: Agreement | None = None) -> CosineFilter:
    """Return H for the data term of a model and a penalty on differences; `curvature` is q."""
    operator = model.operator
    shape, spacing = operator.domain_shape, operator.bound.spacing
    finest = min(spacing)
    laps = [
        (finest / h) ** 2 * (2 - 2 * np.cos(np.pi / n * np.arange(n))) for n, h in zip(shape, spacing, strict=True)
    ]
    lags = mean_autocorrelation(_kernels_in_use(model, Agreement() if agreed is None else agreed))
    scale = max(float(lags.sum()), 1e-3 * float(np.abs(lags).sum()))
    steep = isinstance(model, SelfKeyedBlur) and model.source
    constant = curvature + _RIDGE * scale
    linear, squared = (_LAPLACIAN_SOURCE if steep else _LAPLACIAN) * scale, _SQUARED * scale
    for axis in range(1, len(shape)):
        lags = _cosine_sum(lags, axis, shape[axis], slice(None))
    response = np.empty(shape, operator.dtype)

    def fill(part: slice) -> None:
        lap = sum(np.ix_(laps[0][part], *laps[1:]))
        power = np.maximum(_cosine_sum(lags, 0, shape[0], part), 0)  # rounding
        response[part] = 1 / (power + constant + linear * lap + squared * lap * lap)

    operator.run(fill, _slices(shape[0], response.size // shape[0]))
    return CosineFilter(response, operator.run)


def _has_support(bound: BoundField, k: int, dtype: np.dtype) -> bool:
    return bound.support(k, dtype) is not None


def _kernels_in_use(model: Model, agreed: Agreement) -> list[np.ndarray]:
    bound, dtype = model.operator.bound, model.operator.dtype
    if not isinstance(model, SelfKeyedBlur):
        known = {k: agreed(f"kernel {k} in use", partial(_has_support, bound, k, dtype)) for k in range(len(bound))}
        return [bound.kernel(k).values for k, used in known.items() if used]
    kernels = [bound.kernel(k).values for k in range(len(model.levels))]
    return _slopes(kernels, model.levels) if model.source else kernels


def mean_autocorrelation(kernels: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean of the kernels' autocorrelations at lags >= 0, summed over the signs of the lags.

    Its cosine series, sum_d r[d] prod_axes cos(w d), is the mean of |h^(w)|^2, averaged over the signs of the
    frequencies: a mirrored image has both.
    """
    largest = [max(h.shape[a] for h in kernels) for a in range(kernels[0].ndim)]
    grid = [sfft.next_fast_len(2 * m - 1, real=True) for m in largest]
    power = sum(np.square(np.abs(sfft.rfftn(h.astype(np.float64), grid))) for h in kernels)
    lags = sfft.irfftn(power, grid) / len(kernels)
    for axis, m in enumerate(largest):
        ahead = np.take(lags, np.arange(m), axis)
        behind = np.take(lags, -np.arange(m), axis, mode="wrap")
        np.moveaxis(behind, axis, 0)[0] = 0
        lags = ahead + behind
    return lags


def _cosine_sum(lags: np.ndarray, axis: int, n: int, part: slice) -> np.ndarray:
    """sum_d lags[d] cos(pi i d / n) along an axis, for some i of 0 ... n - 1."""
    cosines = np.cos(np.pi / n * np.outer(np.arange(n)[part], np.arange(lags.shape[axis])))
    return np.moveaxis(np.tensordot(cosines, lags, (1, axis)), 0, axis)


def _slopes(kernels: Sequence[np.ndarray], levels: np.ndarray) -> list[np.ndarray]:
    """Kernels of a small change of the intensity, d (a h(a)) / da, midway between the levels."""
    shape = [max(h.shape[a] for h in kernels) for a in range(kernels[0].ndim)]
    padded = []
    for h in kernels:
        whole = np.zeros(shape)
        box = tuple(slice(m // 2 - n // 2, m // 2 - n // 2 + n) for m, n in zip(shape, h.shape, strict=True))
        whole[box] = h
        padded.append(whole)
    return [
        0.5 * (below + above) + 0.5 * (low + high) / (high - low) * (above - below)
        for (below, above), (low, high) in zip(pairwise(padded), pairwise(levels), strict=True)
    ]
