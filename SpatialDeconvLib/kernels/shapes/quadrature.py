"""Integrals over voxels of functions that depend on the distance from the centre alone.

Each axis is cut into pieces, graded towards the centre, where such functions may have a cusp; every piece has the
nodes of a Gauss-Legendre rule. Grids are odd and symmetric: one quarter (one eighth) is computed and mirrored.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

# Voxels this near to the centre see the function change by much more than a part of itself.
_NEAR = 8
_MOST = 24  # nodes in a voxel
_INNER = 5  # nodes in a piece of the middle one
_PLANES = 4  # arrays over all nodes of a plane that there are at once


def radial_integrals(
    function: Callable[[np.ndarray], np.ndarray],
    radii: Sequence[int],
    spacing: Sequence[float],
    scale: float,
    least: int = 2,
) -> np.ndarray:
    """Return the integral over each voxel of a function of the distance from the centre.

    Parameters
    ----------
    function : callable
        Of distances in mm, any shape; may be steep or have a cusp at 0.
    radii : sequence of 2 or 3 int
        Voxels on either side of the centre, per axis.
    spacing : sequence of float
        Voxel size in mm, in the same order.
    scale : float
        A length in mm within which the function changes by a part of itself.
    least : int
        Nodes per axis in the voxels far from the centre; more for functions that are not smooth there.

    Returns
    -------
    ndarray, shape 2 * radii + 1
    """
    *above, rows, columns = (half_axis(r, h, scale, least) for r, h in zip(radii, spacing, strict=True))
    square = np.add.outer(rows[0] ** 2, columns[0] ** 2)
    if not above:
        return mirrored(_over_pixels(function(np.sqrt(square)), rows[1], columns[1]))
    nodes, matrix = above[0]
    values = np.zeros((matrix.shape[0], rows[1].shape[0], columns[1].shape[0]))
    for node, weights in zip(nodes, matrix.T, strict=True):
        (layer,) = np.flatnonzero(weights)
        values[layer] += weights[layer] * _over_pixels(function(np.sqrt(square + node**2)), rows[1], columns[1])
    return mirrored(values)


def half_axis(radius: int, spacing: float, scale: float, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes >= 0 on an axis, and weights that make integrals over its voxels 0 ... `radius` of values there.

    Parameters
    ----------
    radius, spacing, scale, least
        As in `radial_integrals`.

    Returns
    -------
    nodes : ndarray, shape (m,)
        In mm.
    matrix : ndarray, shape (radius + 1, m)
        Of a function that is even; voxel 0 is whole.
    """
    halvings, near, far = _orders(spacing, scale, least)
    inner = np.concatenate([[0.0], 0.5 ** np.arange(halvings, -1, -1)]) * spacing / 2
    pieces = [(0, low, high, _INNER, 2.0) for low, high in itertools.pairwise(inner)]
    for index in range(1, radius + 1):
        order = near if index <= _NEAR else far
        pieces.append((index, (index - 0.5) * spacing, (index + 0.5) * spacing, order, 1.0))
    nodes = np.empty(sum(piece[3] for piece in pieces))
    matrix = np.zeros((radius + 1, nodes.size))
    end = 0
    for index, low, high, order, factor in pieces:
        x, weights = legendre(order)
        begin, end = end, end + order
        nodes[begin:end] = (low + high) / 2 + (high - low) / 2 * x
        matrix[index, begin:end] = factor * (high - low) / 2 * weights
    return nodes, matrix


def _orders(spacing: float, scale: float, least: int) -> tuple[int, int, int]:
    """How often the middle voxel is halved, and nodes in each of the voxels near it and far from it."""
    halvings = int(np.clip(math.ceil(math.log2(8 * spacing / scale)), 6, 40))
    near = int(np.clip(math.ceil(6 + 3 * spacing / scale), max(8, least), _MOST))
    far = int(np.clip(math.ceil(least + 1.5 * spacing / scale), least, _MOST))
    return halvings, near, far


def working_bytes(radii: Sequence[int], spacing: Sequence[float], scale: float, least: int = 2) -> float:
    """Return about how many bytes integrals over the voxels of a plane take while they are made.

    Parameters
    ----------
    radii, spacing, scale, least
        As in `radial_integrals`; of more than two axes, the last two count.
    """
    nodes = []
    for radius, h in zip(radii[-2:], spacing[-2:], strict=True):
        halvings, near, far = _orders(h, scale, least)
        inside = min(radius, _NEAR)
        nodes.append(float(_INNER * (halvings + 1) + near * inside + far * (radius - inside)))
    matrices = sum(count * (radius + 1) for count, radius in zip(nodes, radii[-2:], strict=True))
    return 8 * (_PLANES * math.prod(nodes) + matrices)


@lru_cache(maxsize=64)
def legendre(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights of the Gauss-Legendre rule on -1 ... 1."""
    x, weights = np.polynomial.legendre.leggauss(order)
    return x, weights


def mirrored(values: np.ndarray) -> np.ndarray:
    """Return the whole of an array that holds the voxels from the centre on, symmetric on every axis."""
    for axis, n in enumerate(values.shape):
        values = np.take(values, np.abs(np.arange(1 - n, n)), axis=axis)
    return values


def _over_pixels(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Values at the nodes, integrated over each pixel."""
    return rows @ values @ columns.T
