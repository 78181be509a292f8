"""Selections: boolean images that say where a kernel or a filter applies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from .arrays.boxes import Box
from .arrays.spacing import Spacing, spacing_tuple
from .errors import InputError


def mask_from_range(image: np.ndarray, lower: float | None = None, upper: float | None = None) -> np.ndarray:
    """Voxels with lower <= value <= upper; None leaves a side open. NaN is never selected.

    Raises
    ------
    InputError
        If neither bound is given, one is NaN, or lower > upper.
    """
    if lower is None and upper is None:
        raise InputError("a threshold needs a lower or an upper bound")
    for name, bound in (("lower", lower), ("upper", upper)):
        if bound is not None and math.isnan(bound):
            raise InputError(f"the {name} bound is NaN; give a number, or leave it out to leave that side open")
    if lower is not None and upper is not None and lower > upper:
        raise InputError(f"the lower bound {lower:g} is above the upper bound {upper:g}; swap them")
    image = np.asarray(image)
    mask = ~np.isnan(image) if np.issubdtype(image.dtype, np.floating) else np.ones(image.shape, bool)
    with np.errstate(over="ignore"):  # bounds beyond what the image's type holds are infinite to it, which is right
        if lower is not None:
            mask &= image >= lower
        if upper is not None:
            mask &= image <= upper
    return mask


def mask_from_box(
    shape: Sequence[int],
    start: Sequence[float],
    stop: Sequence[float],
    *,
    spacing: Spacing | None = None,
    unit: str = "voxels",
) -> np.ndarray:
    """Voxels of a box, in axis order (k, j, i); see `box_within`."""
    mask = np.zeros(tuple(shape), bool)
    mask[box_within(shape, start, stop, spacing=spacing, unit=unit)] = True
    return mask


def box_within(
    shape: Sequence[int],
    start: Sequence[float],
    stop: Sequence[float],
    *,
    spacing: Spacing | None = None,
    unit: str = "voxels",
) -> Box:
    """Return the part of an image that a box covers, in axis order (k, j, i).

    Parameters
    ----------
    shape : sequence of int
        Shape of the image.
    start, stop : sequence of float
        In voxels: first index and the one after the last, like a slice (negative values do not count from
        the end). In mm: positions along the image's axes from the centre of voxel 0; a voxel belongs to the
        box when its centre does (both ends included).
    spacing : float or sequence of float
        Voxel size in mm, needed for unit "mm".
    unit : {"voxels", "mm"}

    Raises
    ------
    InputError
        If the box is inverted, or lies wholly outside the image.
    """
    shape = tuple(int(n) for n in shape)
    low, high = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (start, stop))
    if low.shape != (len(shape),) or high.shape != (len(shape),):
        raise InputError(f"box {low.tolist()} ... {high.tolist()} needs {len(shape)} numbers for start and stop")
    if not np.all(np.isfinite([low, high])):
        raise InputError(f"box {low.tolist()} ... {high.tolist()} must be finite")
    if np.any(low > high):
        raise InputError(f"box starts at {low.tolist()} after its stop {high.tolist()}; swap them")
    if unit == "mm":
        spacings = np.array(spacing_tuple(spacing, len(shape)))
        slack = 1e-9  # a centre that lies on the face up to rounding is inside
        first = np.ceil(np.clip(low / spacings - slack, -1, shape)).astype(int)
        last = np.floor(np.clip(high / spacings + slack, -1, shape)).astype(int) + 1
    elif unit == "voxels":
        first, last = (np.clip(v, -1, shape).astype(int) for v in (low, high))
        if np.any(np.rint(low) != low) or np.any(np.rint(high) != high):
            raise InputError(f"box {low.tolist()} ... {high.tolist()} must be whole voxels; or use unit='mm'")
    else:
        raise InputError(f"unit {unit!r} is unknown; choose voxels or mm")
    ends = zip(first.tolist(), last.tolist(), shape, strict=True)
    box = tuple(slice(max(a, 0), min(max(b, 0), n)) for a, b, n in ends)
    if any(part.start >= part.stop for part in box):
        raise InputError(
            f"box {low.tolist()} ... {high.tolist()} {unit} holds no voxel of the image (shape {shape})"
        )
    return box


def mask_from_labels(labels: np.ndarray, values: Iterable[int] | None = None) -> np.ndarray:
    """Voxels whose label is among `values`; None selects every label but 0.

    Raises
    ------
    InputError
        If a value does not occur in the label map.
    """
    labels = np.asarray(labels)
    if values is None:
        return labels != 0
    values = list(values)
    missing = [v for v in values if not np.any(labels == v)]
    if missing:
        present = np.unique(labels)
        shown = ", ".join(f"{v:g}" for v in present[:10]) + (", ..." if present.size > 10 else "")
        raise InputError(f"label {missing[0]} does not occur in the label map (it holds {shown})")
    return np.isin(labels, values)


def labels_from_masks(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Merge masks into one label map: mask number n (from 1) gets label n; where masks overlap, the first wins.

    Returns
    -------
    ndarray of int16, 0 where no mask is set
    """
    if not isinstance(masks, Sequence | np.ndarray) or isinstance(masks, str | bytes):
        raise InputError(f"masks are given as {type(masks).__name__}; give a list of arrays")
    if not len(masks):
        raise InputError("no masks were given; give at least one")
    shapes = {np.shape(m) for m in masks}
    if len(shapes) > 1:
        raise InputError(f"masks differ in shape: {', '.join(map(str, sorted(shapes)))}")
    labels = np.zeros(np.shape(masks[0]), np.int16)
    for label in range(len(masks), 0, -1):
        labels[np.asarray(masks[label - 1], dtype=bool)] = label
    return labels
