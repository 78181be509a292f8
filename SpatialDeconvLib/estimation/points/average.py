"""Registered cut-outs as a function of position: what a kernel is at every place, robust to single bad voxels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import InputError

# Values further from the fit than so many standard deviations count as that far (Huber's estimate, which wastes
# 2 % of good data).
_CLIP = 2.0
# Relative errors of a point that are no noise of the image: however bright, it does not count for more.
_FLOOR = 0.02
_TOLERANCE = 0.05
_ROUNDS = 8


@dataclass(frozen=True)
class Variation:
    """How kernels depend on position: a basis of functions, and the places at which kernels are wanted.

    Attributes
    ----------
    basis : ndarray, shape (N, M)
        Of the points.
    wanted : ndarray, shape (K, M)
        The same functions where kernels are wanted.
    at : ndarray, shape (K, axes)
        These places in mm.
    counts : tuple of int
        Points that each of the K rests on.
    missing : tuple of int
        Those of the K that have no point and take the kernel of the nearest one that has.
    """

    basis: np.ndarray
    wanted: np.ndarray
    at: np.ndarray
    counts: tuple[int, ...]
    missing: tuple[int, ...] = ()

    def of(self, which: np.ndarray) -> np.ndarray:
        """The basis at some of the points."""
        return self.basis[which]


def variation(places: np.ndarray, extent: Sequence[float], zones: Sequence[int], degree: int | None) -> Variation:
    """Return how kernels of points at `places` (mm) depend on position.

    extent : length in mm from the first voxel's centre to the last one's, per axis.
    """
    if degree is not None:
        return _polynomial(places, extent, zones, degree)
    if max(zones) == 1:
        middle = 0.5 * np.array(extent)[None, :]
        return Variation(np.ones((len(places), 1)), np.ones((1, 1)), middle, (len(places),))
    return _zones(places, extent, zones)


def _zones(places: np.ndarray, extent: Sequence[float], zones: Sequence[int]) -> Variation:
    """A kernel for each of equal parts of the image, at its middle."""
    counts = np.array(zones)
    length = np.where(np.array(extent) > 0, extent, 1.0)
    index = np.clip(np.floor(places / length * counts).astype(int), 0, counts - 1)
    owner = np.ravel_multi_index(tuple(index.T), tuple(zones))
    total = int(np.prod(zones))
    found = np.bincount(owner, minlength=total)
    used = np.flatnonzero(found)
    middles = [(np.arange(n) + 0.5) / n * e for n, e in zip(zones, extent, strict=True)]
    at = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(total, len(zones))
    distance = np.square(at[:, None] - at[None, used]).sum(axis=-1)
    wanted = np.eye(used.size)[distance.argmin(axis=1)]
    basis = (owner[:, None] == used[None, :]).astype(float)
    return Variation(basis, wanted, at, tuple(found.tolist()), tuple(np.flatnonzero(found == 0).tolist()))


def _polynomial(places: np.ndarray, extent: Sequence[float], zones: Sequence[int], degree: int) -> Variation:
    """A polynomial of the position on the axes that have several zones, and its values from end to end."""
    axes = [axis for axis, n in enumerate(zones) if n > 1]
    powers = [p for p in itertools.product(range(degree + 1), repeat=len(axes)) if sum(p) <= degree]

    def matrix(where: np.ndarray) -> np.ndarray:
        unit = np.stack([2 * where[:, axis] / extent[axis] - 1 for axis in axes], axis=1)
        return np.stack([np.prod(unit ** np.array(p), axis=1) for p in powers], axis=1)

    basis = matrix(places)
    if len(places) < 2 * len(powers) or np.linalg.cond(basis) > 1e3:
        raise InputError(
            f"degree {degree} has {len(powers)} terms, which {len(places)} points do not determine well; take a "
            "lower degree, more points, or points in all parts of the image",
            "degree",
        )
    ends = [np.linspace(0, e, n) if n > 1 else np.array([e / 2]) for n, e in zip(zones, extent, strict=True)]
    at = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, len(zones))
    return Variation(basis, matrix(at), at, (len(places),) * len(at))


@dataclass(frozen=True)
class Regression:
    """Cut-outs as a sum of the basis' functions.

    Attributes
    ----------
    coefficients : ndarray, shape (M, *shape)
    covariance : ndarray, shape (M, M)
        Of their noise.
    weights : ndarray, shape (N,)
        Of the cut-outs.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    weights: np.ndarray

    def at(self, basis: np.ndarray) -> np.ndarray:
        """The values at places of this basis, shape (K, *shape)."""
        return np.tensordot(basis, self.coefficients, axes=1)

    def sigmas(self, basis: np.ndarray) -> np.ndarray:
        """The standard deviations of their noise, shape (K,)."""
        return np.sqrt(np.einsum("ka,ab,kb->k", basis, self.covariance, basis))


def regression(cutouts: np.ndarray, basis: np.ndarray, sigmas: np.ndarray) -> Regression:
    """Fit the basis to registered cut-outs of flux 1 whose noise has these standard deviations.

    By weighted least squares in which values far from the fit are drawn near to it.
    """
    peak = float(np.abs(np.average(cutouts, axis=0)).max())
    weights = 1.0 / (np.square(sigmas) + (_FLOOR * peak) ** 2)
    inverse = np.linalg.inv(np.einsum("na,nb,n->ab", basis, basis, weights))
    solver = inverse @ (basis * weights[:, None]).T
    each = (slice(None), *(None,) * (cutouts.ndim - 1))
    values = cutouts
    for _ in range(_ROUNDS):
        coefficients = np.einsum("an,n...->a...", solver, values)
        fit = np.einsum("na,a...->n...", basis, coefficients)
        limit = _CLIP * np.sqrt(np.square(sigmas[each]) + np.square(_TOLERANCE * fit) + (_FLOOR * peak / 2) ** 2)
        values = fit + np.clip(cutouts - fit, -limit, limit)
    covariance = (solver * np.square(sigmas)) @ solver.T
    return Regression(coefficients, covariance, weights)
