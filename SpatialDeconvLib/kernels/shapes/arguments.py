"""What the makers of kernels do with their arguments: sizes and spacings, one or one per axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arrays.spacing import Spacing, numbers_in, one_per_axis, spacing_tuple
from ...errors import InputError

_ENDLESS = 1e12  # voxels, which no kernel has: what is larger, or infinite, is refused as that


def outer(profiles: Sequence[np.ndarray]) -> np.ndarray:
    values = profiles[0]
    for profile in profiles[1:]:
        values = np.multiply.outer(values, profile)
    return values


def resolve_ndim(ndim: int | None, *arguments: Any) -> int:
    sizes = {np.size(a) for a in arguments if np.ndim(a) == 1}
    if len(sizes) > 1 or (sizes and ndim is not None and sizes != {ndim}):
        raise InputError(
            f"arguments of {sorted(sizes)} values per axis do not agree with each other or ndim={ndim}"
        )
    result = ndim if ndim is not None else (sizes.pop() if sizes else 3)
    if result not in (2, 3):
        raise InputError(f"kernels are 2-D or 3-D, not {result}-D")
    return result


def per_axis(value: Spacing, ndim: int, name: str, minimum: float) -> tuple[float, ...]:
    values = numbers_in(value, name)
    if values.size not in (1, ndim) or values.ndim != 1:
        raise InputError(f"{name} {value!r} must be one number or {ndim}")
    if not np.all(np.isfinite(values)) or np.any(values < minimum):
        raise InputError(f"{name} {value!r} must be finite and not below {minimum:g}")
    return tuple(float(v) for v in (np.repeat(values, ndim) if values.size == 1 else values))


def last_axes(spacing: Spacing, ndim: int) -> tuple[float, ...]:
    """Spacing of the last `ndim` axes: a kernel in the plane ignores the slice spacing."""
    return spacing_tuple(tuple(spacing)[-ndim:] if one_per_axis(spacing) else spacing, ndim)


def scalar_if_equal(values: Sequence[float]) -> float | list[float]:
    return values[0] if len(set(values)) == 1 else list(values)


def radii_of(reaches: Sequence[float], spacing: Sequence[float]) -> list[int]:
    """How many voxels on either side of the middle one a kernel touches that reaches so far, axis by axis."""
    voxels = [min(r / h, _ENDLESS) for r, h in zip(reaches, spacing, strict=True)]
    # A face that is reached to rounding needs no further voxel.
    return [math.ceil(v - 0.5 - 1e-9) if v > 0.5 else 0 for v in voxels]
