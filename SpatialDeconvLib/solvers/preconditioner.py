"""An approximate inverse of the objective's second derivative, with which L-BFGS starts: filters.

The second derivative of 1/2 |y - A x|^2 is A^T A, near a convolution with the mean autocorrelation of the kernels;
that of a penalty on differences is near a multiple of the Laplacian and its square. Both are diagonal in the cosine
transform, whose border is a mirror's, so their inverse is a filter there:

    H = 1 / ( mean_k |h_k^|^2 + q + r + a lap + b lap^2 ),     lap = sum_axes s^2 (2 - 2 cos(pi i / n))

(preconditioning by a fast transform: R. H. Chan and M. K. Ng, "Conjugate gradient methods for Toeplitz systems",
SIAM Review 38, 1996). Every kernel in use counts the same, however few voxels have it: the widest hold the descent
up. q is the curvature of a term |x|^2 / 2, where there is one. The others are in units of |h^(0)|^2, which is 1 for
kernels that sum to 1; whatever the noise, weights of penalties come to about these.

The second derivative of total variation is that only where the image is flat, and next to nothing across an edge.
With s between 0 where an image is flat and 1 at its edges, steps are as long there as they have to be:

    H' q = H q + s ( (G - H) (s q) ),     G = 1 / ( mean_k |h_k^|^2 + r' + a' lap )

(a sum of inverses, each right in one part of the image: M. Dryja and O. B. Widlund, "Towards a unified theory of
domain decomposition algorithms", 3rd Int. Symp. on Domain Decomposition Methods, SIAM, 1990).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import scipy.fft as sfft

from ..arrays.sweep import Run, Sweep
from ..blur.selfkeyed import SelfKeyedBlur
from ..kernels.field import BoundField
from .agreement import Agreement
from .models import Model
from .totalvariation import TotalVariation

_RIDGE, _LAPLACIAN, _SQUARED = 0.03, 0.01, 0.01
#: With kernels keyed to the image sought in the source model, whose second derivative changes from place to place.
_LAPLACIAN_SOURCE = 0.1
#: r' in the same units, and a' in those of the flat parts' curvature.
_EDGE_RIDGE, _EDGE_LAPLACIAN = 0.1, 0.1


class CosineFilter:
    """Multiplication by a response in the cosine transform (DCT-II).

    Parameters
    ----------
    response : ndarray
        Of the image's shape and type.
    run : callable (work, items)
        Calls `work` on every item, possibly in threads. Items do not depend on the number of threads.
    """

    def __init__(self, response: np.ndarray, run: Run):
        self.response = response
        shape = response.shape
        self.planes = Sweep(shape, run)
        self._columns = Sweep((shape[1], response.size // shape[1]), run)

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

        self.planes(ahead)
        self._columns(across)
        self.planes(back)
        return image

    def at(self, x: np.ndarray) -> None:
        """Take the next images to be steps from x; that makes no difference here."""


class EdgeFilter:
    """H'; H until it is told of an image.

    Parameters
    ----------
    flat, edges : CosineFilter
        H and G - H.
    find : callable (image) -> ndarray
        s of an image.
    """

    def __init__(self, flat: CosineFilter, edges: CosineFilter, find: Callable[[np.ndarray], np.ndarray]):
        self._flat, self._edges, self._find = flat, edges, find
        self._share: np.ndarray | None = None

    def at(self, x: np.ndarray) -> None:
        """Take the edges of x: the next images are steps from there."""
        self._share = self._find(x)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Filter an image in place and return it."""
        share = self._share
        if share is None:
            return self._flat(image)
        edges = np.empty_like(image)

        def cut(slab: slice) -> None:
            np.multiply(image[slab], share[slab], out=edges[slab])

        def add(slab: slice) -> None:
            edges[slab] *= share[slab]
            image[slab] += edges[slab]

        self._flat.planes(cut)
        self._edges(edges)
        self._flat(image)
        self._flat.planes(add)
        return image


class DataCurvature:
    """The second derivative of the data term of a model, as far as it is a convolution.

    Parameters
    ----------
    model : LinearModel or SelfKeyedBlur
    agreed : Agreement, optional
    """

    def __init__(self, model: Model, agreed: Agreement | None = None):
        operator = self._operator = model.operator
        shape, spacing = operator.domain_shape, operator.bound.spacing
        finest = min(spacing)
        self._laps = [
            (finest / h) ** 2 * (2 - 2 * np.cos(np.pi / n * np.arange(n)))
            for n, h in zip(shape, spacing, strict=True)
        ]
        lags = mean_autocorrelation(_kernels_in_use(model, Agreement() if agreed is None else agreed))
        self._scale = max(float(lags.sum()), 1e-3 * float(np.abs(lags).sum()))
        #: Whether it changes from place to place, with the image that is sought.
        self.steep = isinstance(model, SelfKeyedBlur) and model.source
        for axis in range(1, len(shape)):
            lags = _cosine_sum(lags, axis, shape[axis], slice(None))
        self._lags = lags

    def inverse(self, curvature: float = 0.0) -> CosineFilter:
        """H with a penalty on differences; `curvature` is q."""
        return self._filter(lambda power, lap: self._flat(power, lap, curvature))

    def inverse_at_edges(self, penalty: TotalVariation, weight: float, eps: float) -> EdgeFilter:
        """H' with total variation of this weight and smoothing."""
        ridge, linear = _EDGE_RIDGE * self._scale, _EDGE_LAPLACIAN * weight / eps

        def more(power: np.ndarray, lap: np.ndarray) -> np.ndarray:
            return np.maximum(1 / (power + ridge + linear * lap) - self._flat(power, lap), 0)

        return EdgeFilter(self.inverse(), self._filter(more), partial(penalty.edges, eps=eps))

    def _flat(self, power: np.ndarray, lap: np.ndarray, curvature: float = 0.0) -> np.ndarray:
        scale = self._scale
        linear = (_LAPLACIAN_SOURCE if self.steep else _LAPLACIAN) * scale
        return 1 / (power + curvature + _RIDGE * scale + linear * lap + _SQUARED * scale * lap * lap)

    def _filter(self, response: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> CosineFilter:
        """The filter with what `response` gives for the kernels' mean power and the Laplacian."""
        operator, shape = self._operator, self._operator.domain_shape
        out = np.empty(shape, operator.dtype)

        def fill(part: slice) -> None:
            lap = np.asarray(sum(np.ix_(self._laps[0][part], *self._laps[1:])))
            power = np.maximum(_cosine_sum(self._lags, 0, shape[0], part), 0)  # rounding
            out[part] = response(power, lap)

        Sweep(shape, operator.run)(fill)
        return CosineFilter(out, operator.run)


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
