"""Kernels counted in voxels: blocks, face neighbours, second differences, sharpening, no blur."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from ...arrays.spacing import Spacing, spacing_tuple
from ...errors import InputError, check_number
from ..kernel import Kernel, refuse_huge
from .arguments import per_axis, resolve_ndim

#: How much of the Laplacian is subtracted unless told otherwise.
SHARPENING = 1.0


def mean_kernel(shape: int | Sequence[int] = 3, spacing: Spacing = 1.0, *, ndim: int | None = None) -> Kernel:
    """Mean of a block of `shape` voxels (any size, even ones too): every weight 1 / number of voxels."""
    kernel = sum_kernel(shape, spacing, ndim=ndim)
    source = {"type": "mean", "shape": list(kernel.shape)}
    return Kernel(kernel.values / kernel.values.size, kernel.spacing, kernel.name.replace("sum", "mean"), source)


def sum_kernel(shape: int | Sequence[int] = 3, spacing: Spacing = 1.0, *, ndim: int | None = None) -> Kernel:
    """Sum over a block of `shape` voxels: every weight 1. Not normalised."""
    ndim = resolve_ndim(ndim, shape, spacing)
    given = per_axis(shape, ndim, "shape", 1.0)
    if any(s != int(s) for s in given):
        raise InputError(f"shape {shape!r} must be whole numbers of voxels")
    sizes = tuple(int(s) for s in given)
    refuse_huge(sizes, f"shape {shape!r}", spacing)
    name = "sum of " + "x".join(map(str, sizes))
    return Kernel(np.ones(sizes), spacing_tuple(spacing, ndim), name, {"type": "sum", "shape": list(sizes)})


def cross_kernel(spacing: Spacing = 1.0, *, ndim: int | None = None) -> Kernel:
    """Sum of a voxel and its face neighbours (5 voxels in 2-D, 7 in 3-D): every weight 1. Not normalised."""
    ndim = resolve_ndim(ndim, spacing)
    values = np.zeros((3,) * ndim)
    for index in itertools.product(range(3), repeat=ndim):
        values[index] = sum(i != 1 for i in index) <= 1
    return Kernel(values, spacing_tuple(spacing, ndim), "cross (local sum)", {"type": "cross"})


def laplacian_kernel(spacing: Spacing = 1.0, *, ndim: int | None = None) -> Kernel:
    """Second differences, sum over the axes of d^2/dr_a^2, in intensity per mm^2; sums to 0.

    At spacing 1 it is the textbook kernel (2-D: 0 1 0 / 1 -4 1 / 0 1 0).
    """
    ndim = resolve_ndim(ndim, spacing)
    spacings = spacing_tuple(spacing, ndim)
    values = np.zeros((3,) * ndim)
    for axis, h in enumerate(spacings):
        line = [1] * ndim
        for step, weight in ((0, 1.0), (1, -2.0), (2, 1.0)):
            line[axis] = step
            values[tuple(line)] += weight / h**2
    return Kernel(values, spacings, "Laplace", {"type": "laplacian"})


def sharpen_kernel(amount: float = SHARPENING, spacing: Spacing = 1.0, *, ndim: int | None = None) -> Kernel:
    """Sharpening, identity - amount * h_min^2 * Laplace; sums to 1.

    At equal spacing and amount 1 it is the textbook kernel (2-D: 0 -1 0 / -1 5 -1 / 0 -1 0).
    """
    amount = check_number(amount, "amount")
    laplace = laplacian_kernel(spacing, ndim=ndim)
    values = -amount * min(laplace.spacing) ** 2 * laplace.values
    values[laplace.centre_voxel] += 1.0
    return Kernel(values, laplace.spacing, f"sharpen {amount:g}", {"type": "sharpen", "amount": amount})


def identity_kernel(spacing: Spacing = 1.0, *, ndim: int | None = None) -> Kernel:
    """One voxel of weight 1: convolution returns the image."""
    ndim = resolve_ndim(ndim, spacing)
    return Kernel(np.ones((1,) * ndim), spacing_tuple(spacing, ndim), "identity", {"type": "identity"})
