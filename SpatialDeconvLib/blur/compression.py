"""Families of similar kernels in a smaller basis, with a stated error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft as sfft

#: Largest share of an arbitrary image's maximum that compression may cost, whatever the image.
LOW_RANK_WORST_CASE = 2.5e-2


@dataclass(frozen=True)
class Compression:
    """A family of kernels written in a smaller basis, h_k ~ sum_r coefficients[k, r] basis[r].

    Attributes
    ----------
    basis : ndarray (rank, *kernel shape)
    coefficients : ndarray (K, rank)
    error : float
        Largest relative error (RMS) of a kernel's blur over images whose spectrum falls as 1/f in
        amplitude per octave, as that of photographs and anatomical images does; without the mean, which
        is kept exactly.
    worst_case : float
        Largest sum of |h_k - sum_r c_kr b_r|: times max |x| it bounds the error of A x (detector model) at
        every voxel, times sum |x| that of sum |A x| (source model), for any image whatsoever.
    """

    basis: np.ndarray
    coefficients: np.ndarray
    error: float
    worst_case: float

    @property
    def rank(self) -> int:
        return len(self.basis)


def compress(kernels: Sequence[np.ndarray], tolerance: float) -> Compression | None:
    """Find the smallest basis for a family of kernels whose error stays below `tolerance`.

    The basis is that of the singular value decomposition of the kernels' spectra, weighted by the 1/f
    spectrum of natural images (from their inner products, so very wide kernels take little time too). Sums
    of kernels are reproduced exactly.

    Parameters
    ----------
    kernels : sequence of ndarray
        All 2-D or all 3-D; centres at n // 2.
    tolerance : float
        For `Compression.error`. `Compression.worst_case` must stay below `LOW_RANK_WORST_CASE` too.

    Returns
    -------
    Compression or None
        None when no basis of at most 3/4 of the kernels' number is good enough.
    """
    family, shape = _common_grid(kernels)
    count = len(family)
    products = _weighted_products(family.reshape(count, *shape))
    norms = np.sqrt(np.diag(products))
    if not np.all(norms > 0):
        return None
    values, left = np.linalg.eigh(products / np.outer(norms, norms))  # squares of the singular values
    values, left = values[::-1], left[:, ::-1]
    sums = family.sum(axis=1)
    scale = np.abs(family).sum(axis=1)
    for rank in range(1, (3 * count) // 4 + 1):
        if values[rank - 1] < 1e-14 * values[0]:
            break
        mixture = (left[:, :rank] / np.sqrt(values[:rank])).T / norms
        coefficients = left[:, :rank] * np.sqrt(values[:rank]) * norms[:, None]
        basis_sums = mixture @ sums
        coefficients += np.outer(sums - coefficients @ basis_sums, basis_sums / (basis_sums @ basis_sums))
        left_over = np.eye(count) - coefficients @ mixture  # what is missing, in terms of the kernels
        squares = np.einsum("kj,ji,ki->k", left_over, products, left_over)
        # Rounding of the products included; it also leaves squares below 0 where kernels are repeated.
        error = float(np.sqrt(np.maximum(squares / norms**2, 0) + 1e-15).max())
        if error > tolerance:
            continue
        worst = float((np.abs(left_over @ family).sum(axis=1) / scale).max())
        if worst <= LOW_RANK_WORST_CASE:
            return Compression((mixture @ family).reshape(rank, *shape), coefficients, error, worst)
    return None


def _common_grid(kernels: Sequence[np.ndarray]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Kernels as rows of one array on a grid that holds them all, centres at n // 2."""
    ndim = kernels[0].ndim
    before = [max(h.shape[a] // 2 for h in kernels) for a in range(ndim)]
    after = [max(h.shape[a] - h.shape[a] // 2 for h in kernels) for a in range(ndim)]
    # An even size n has n / 2 voxels before the centre and n / 2 - 1 after it; otherwise use an odd size.
    shape = tuple(b + a if b == a else 2 * max(b, a - 1) + 1 for b, a in zip(before, after, strict=True))
    family = np.zeros((len(kernels), *shape))
    for row, h in zip(family, kernels, strict=True):
        corner = [n // 2 - m // 2 for n, m in zip(shape, h.shape, strict=True)]
        row[tuple(slice(c, c + m) for c, m in zip(corner, h.shape, strict=True))] = h
    return family.reshape(len(kernels), -1), shape


def _weighted_products(family: np.ndarray) -> np.ndarray:
    """Inner products of the kernels' spectra times f^(-n/2) (equal energy per octave), without the mean."""
    count, ndim = len(family), family.ndim - 1
    # Frequencies 1/64 of a voxel apart, or closer where a kernel is wider than that.
    sizes = [1 if n == 1 else sfft.next_fast_len(max(n, min(2 * n, 64), 32)) for n in family.shape[1:]]
    axes = [*(sfft.fftfreq(n) for n in sizes[:-1]), sfft.rfftfreq(sizes[-1])]
    squared = sum(np.square(f).reshape([-1 if a == i else 1 for a in range(ndim)]) for i, f in enumerate(axes))
    squared.flat[0] = np.inf
    effective = sum(n > 1 for n in sizes) or 1
    power = squared ** (-effective / 2)
    power[..., 1 : (sizes[-1] + 1) // 2] *= 2  # frequencies that stand for their mirror image too
    power = power.reshape(len(power), -1)
    # All axes but the first now, the first in blocks of frequencies, so that the spectra need not be kept.
    planes = sfft.rfftn(family, s=sizes[1:], axes=range(2, ndim + 1)).reshape(count, -1, power.shape[1])
    products = np.zeros((count, count))
    step = max(1, (1 << 19) // (count * len(power)))
    for start in range(0, power.shape[1], step):
        part = sfft.fft(planes[:, :, start : start + step], sizes[0], axis=1)
        part *= np.sqrt(power[:, start : start + step])
        part = part.reshape(count, -1).view(np.float64)
        products += part @ part.T
    return products
