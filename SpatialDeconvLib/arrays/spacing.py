"""Voxel sizes in mm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np

from ..errors import InputError

Spacing = float | Sequence[float]

_FINEST = 1e-30  # mm; of whatever is finer, or coarser than its inverse, no number holds the volume


def one_per_axis(spacing: Spacing) -> TypeGuard[Sequence[float]]:
    """Whether `spacing` has a value for every axis; else one holds for all."""
    return np.ndim(spacing) > 0


def spacing_tuple(spacing: Spacing | None, ndim: int, name: str = "spacing") -> tuple[float, ...]:
    """Return `spacing` as `ndim` positive floats in mm; a scalar holds for every axis, None means 1 mm.

    Raises
    ------
    InputError
        If the number of values is not `ndim` or a value is not a positive finite number.
    """
    if spacing is None:
        return (1.0,) * ndim
    values = numbers_in(spacing, name)
    if values.ndim != 1 or values.size not in (1, ndim):
        raise InputError(f"{name} {spacing!r} has {values.size} values; give one, or one per axis ({ndim})")
    if not np.all(np.isfinite(values)) or np.any(values <= 0):
        raise InputError(f"{name} {spacing!r} must be positive and finite (mm)")
    if np.any(values < _FINEST) or np.any(values > 1 / _FINEST):
        raise InputError(f"{name} {spacing!r} is no size of a voxel in mm; check its unit")
    return tuple(float(v) for v in (np.repeat(values, ndim) if values.size == 1 else values))


def numbers_in(value: Any, name: str) -> np.ndarray:
    """`value` as a float array of at least one dimension."""
    try:
        return np.atleast_1d(np.asarray(value, dtype=float))
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{name} {value!r} must be a number, or one per axis") from error
