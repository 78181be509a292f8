"""Kernels made wider or narrower by a factor."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, overload

import numpy as np
from scipy import ndimage

from ..errors import InputError, check_number
from .field import KernelField, kernel_of
from .kernel import Kernel, refuse_huge
from .parametric import AnyKernel, ParametricKernel
from .shapes import KINDS


@overload
def scale_kernels(kernels: KernelField, factor: float) -> KernelField: ...
@overload
def scale_kernels(kernels: AnyKernel, factor: float) -> AnyKernel: ...
@overload
def scale_kernels(kernels: np.ndarray, factor: float) -> Kernel: ...
def scale_kernels(kernels: KernelField | AnyKernel | np.ndarray, factor: float) -> KernelField | AnyKernel:
    """Return kernels that are `factor` times as wide.

    Every displacement is multiplied by the factor, h_f(d) ~ h(d / f), and the sum stays what it is. Kernels that
    are made from parameters in mm are made again from larger ones; others are interpolated (cubic splines) about
    their centre on a grid of the same spacing. A kernel of one voxel stays as it is.

    Parameters
    ----------
    kernels : Kernel, ParametricKernel, KernelField, or an array
        Of a field, all kernels are scaled.
    factor : float
        Greater than 0; 1.2 makes them 20 % wider.

    Raises
    ------
    InputError
        If the factor is no positive number, or a kernel has no size in mm ("mean" of 3 voxels, a microscope's).
    """
    factor = check_number(factor, "factor", 0)
    if factor == 0:
        raise InputError("factor 0 leaves no kernel; give a positive number", "factor")
    if isinstance(kernels, KernelField):
        return replace(kernels, kernels=tuple(scale_kernels(kernel, factor) for kernel in kernels.kernels))
    kernel = kernel_of(kernels)
    if isinstance(kernel, ParametricKernel):
        return _scaled_parameters(kernel, factor)
    return _scaled_values(kernel, factor)


def _scaled_parameters(kernel: ParametricKernel, factor: float) -> ParametricKernel:
    if not kernel.sized and kernel.type != "identity":
        raise InputError(
            f"a {kernel.type} kernel has no size in mm that could be scaled by {factor:g}; scale its .sampled() "
            "values, or take a kind with a size in mm",
            "factor",
        )
    powers = {"mm": 1, "mm2": 2}
    parameters: dict[str, Any] = {}
    for name, value in kernel.parameters.items():
        power = powers.get(kernel.kind.known[name].unit)
        parameters[name] = value if power is None else np.multiply(value, factor**power).tolist()
    return ParametricKernel(kernel.type, **parameters)


def _scaled_values(kernel: Kernel, factor: float) -> Kernel:
    if factor == 1.0 or kernel.values.size == 1:
        return kernel
    source = dict(kernel.source or {})
    kind = source.pop("type", None)
    made = ParametricKernel(kind, **source) if kind in KINDS else None
    if made is not None and made.sized:
        scaled = _scaled_parameters(made, factor).sampled(kernel.spacing)
        if scaled.ndim == kernel.ndim:  # a disk may have been laid into a slice of three axes
            return _summing_to(kernel.total, scaled)
    return _interpolated(kernel, factor)


def _summing_to(total: float, kernel: Kernel) -> Kernel:
    if math.isclose(total, kernel.total, rel_tol=1e-9):
        return kernel
    values = kernel.values * (total / kernel.total)
    return Kernel(values, kernel.spacing, kernel.name, kernel.source, in_voxels=kernel.in_voxels)


def _interpolated(kernel: Kernel, factor: float) -> Kernel:
    kernel = kernel.centred()
    reach = [0 if n == 1 else int(np.ceil((n // 2 + 0.5) * factor - 0.5)) for n in kernel.shape]
    refuse_huge([2 * r + 1 for r in reach], f"kernel {kernel.name!r}, scaled by {factor:g},", kernel.spacing)
    margin = [(0, 0) if n == 1 else (2, 2) for n in kernel.shape]  # a spline needs to see that it ends
    padded = np.pad(kernel.values, margin)
    axes = [
        np.arange(-r, r + 1) / factor + n // 2 + m for r, n, (m, _) in zip(reach, kernel.shape, margin, strict=True)
    ]
    values = ndimage.map_coordinates(padded, np.meshgrid(*axes, indexing="ij"), order=3, mode="constant")
    if kernel.values.min() >= 0:  # splines overshoot
        values = np.maximum(values, 0.0)
    scaled = Kernel(values, kernel.spacing, f"{kernel.name} x {factor:g}".strip(), in_voxels=kernel.in_voxels)
    return _summing_to(kernel.total, scaled) if kernel.total and scaled.total else scaled
