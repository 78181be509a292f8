"""The inputs of a part of an image: arrays that may be read in parts, and kernels that know where they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import ndimage

from ...arrays.boxes import Box
from ...arrays.spacing import spacing_tuple
from ...errors import InputError
from ...filters.padding import pad_line, padded_shape
from ...kernels.field import KernelField, field_of
from ...kernels.weights import label_values
from ..inputs import Inputs

#: Which voxel of an image of so many lies at each place of an axis, -1 for none: (axis, places) -> voxels.
Rule = Callable[[int, np.ndarray], np.ndarray]


def repeated(shape: Sequence[int], boundary: str = "edge") -> Rule:
    """Return what lies beyond the border: the border's voxels, or the image again where that is "periodic"."""
    if boundary == "periodic":
        return lambda axis, places: places % shape[axis]
    return lambda axis, places: np.clip(places, 0, shape[axis] - 1)


def padded_for_filters(shape: Sequence[int], kernel_shape: Sequence[int], boundary: str) -> Rule:
    """Return what lies beyond the border for ITK's filters: an image padded for a kernel, again and again."""
    target = padded_shape(shape, kernel_shape)

    def rule(axis: int, places: np.ndarray) -> np.ndarray:
        n, radius = shape[axis], kernel_shape[axis] // 2
        line = pad_line(n, radius, target[axis], boundary)
        return line[(places + (target[axis] - n) // 2) % target[axis]]

    return rule


def part_of(inputs: Inputs, box: Box, rule: Rule | None = None) -> Inputs:
    """Return the inputs of a box of the image.

    Parameters
    ----------
    inputs : Inputs
        Its arrays need no more than `shape`, `dtype` and an index of slices: they may lie in a file.
    box : tuple of slice
        One per axis; it may go beyond the border.
    rule : Rule, optional
        What lies there; by default the border's voxels.

    Raises
    ------
    InputError
        If an array does not have the image's shape.
    """
    shape = tuple(inputs.image.shape)
    field = field_of(inputs.kernels)
    spacing = spacing_tuple(inputs.spacing, len(shape))
    rule = repeated(shape) if rule is None else rule

    def cut(array: Any, name: str) -> Any:
        if array is None:
            return None
        refuse_other_shape(array, shape, name)
        return read(array, box, rule)

    labels = field.labels if inputs.labels is None else inputs.labels
    if labels is not None:
        named = replace(field, label_names=inputs.label_names or field.label_names)
        labels = _labels(labels, box, rule, named, spacing)
    weights = field.weight_arrays
    if weights is not None:
        weights = tuple(cut(weight, "weights") for weight in weights)
    field = replace(field, at=_moved(field, box, spacing), labels=None, weight_arrays=weights)
    return replace(
        inputs, image=cut(inputs.image, "image"), kernels=field, mask=cut(inputs.mask, "mask"), labels=labels,
        label_names=inputs.label_names or field.label_names, guide=cut(inputs.guide, "guide"),
        noise=cut(inputs.noise, "noise"),
    )  # fmt: skip


def refuse_other_shape(array: Any, shape: tuple[int, ...], name: str) -> None:
    """Refuse an array that does not have the image's shape; it is not read.

    Raises
    ------
    InputError
    """
    if tuple(array.shape) != shape:
        raise InputError(f"the {name} has shape {tuple(array.shape)}, the image {shape}; they must agree")


def read(array: Any, box: Box, rule: Rule) -> np.ndarray:
    """Return the values in a box, which may go beyond the border; every voxel of the array is read once."""
    if all(s.start >= 0 and s.stop <= n for s, n in zip(box, array.shape, strict=True)):
        return np.asarray(array[box])
    voxels = voxels_in(box, rule)
    found = _pieces(array, [np.unique(v[v >= 0]) for v in voxels])
    for axis, v in enumerate(voxels):
        places = np.searchsorted(np.unique(v[v >= 0]), v)
        found = np.take(found, np.minimum(places, found.shape[axis] - 1), axis)
        if (v < 0).any():
            found[(slice(None),) * axis + (v < 0,)] = 0
    return found


def voxels_in(box: Box, rule: Rule) -> list[np.ndarray]:
    """Return which voxel lies at each place of a box, along every axis; -1 where none does."""
    return [rule(axis, np.arange(s.start, s.stop)) for axis, s in enumerate(box)]


def _pieces(array: Any, voxels: list[np.ndarray], fixed: Box = ()) -> np.ndarray:
    """The voxels of some rows and columns, read in slices without gaps."""
    axis = len(fixed)
    if axis == len(voxels):
        return np.asarray(array[fixed])
    runs = np.split(voxels[axis], np.flatnonzero(np.diff(voxels[axis]) > 1) + 1)
    parts = [_pieces(array, voxels, (*fixed, slice(int(run[0]), int(run[-1]) + 1))) for run in runs]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis)


def _moved(field: KernelField, box: Box, spacing: tuple[float, ...]) -> tuple[Any, ...]:
    """What the kernels belong to: positions, as seen from the box's first voxel."""
    if field.key != "position":
        return field.at
    start = [s.start * h for s, h in zip(box, spacing, strict=True)]
    moved = []
    for position in field.at:
        missing = len(position) - len(start)  # a [z, y, x] of a 2-D image has a z that does not count
        at = position[missing:] if missing > 0 else position
        lead = position[: max(missing, 0)]
        moved.append((*lead, *(p - s for p, s in zip(at, start[len(start) - len(at) :], strict=True))))
    return tuple(moved)


def _labels(labels: Any, box: Box, rule: Rule, field: KernelField, spacing: tuple[float, ...]) -> np.ndarray:
    """The labels in a box; voxels without a kernel of their own have that of the nearest one, wherever it is."""
    shape = tuple(labels.shape)
    if field.key != "region" or field.outside != "nearest":
        return read(labels, box, rule)
    values, margin = label_values(field), 0
    while True:
        grown = tuple(
            slice(max(min(s.start, 0), s.start - margin), min(max(s.stop, n), s.stop + margin))
            for s, n in zip(box, shape, strict=True)
        )
        part = read(labels, grown, rule)
        inside = tuple(slice(s.start - g.start, s.stop - g.start) for s, g in zip(box, grown, strict=True))
        owned = np.isin(part, values)
        whole = all(g.start <= 0 and g.stop >= n for g, n in zip(grown, shape, strict=True))
        if owned[inside].all() or (whole and not owned.any()):  # of the latter, binding says what is wrong
            return part[inside]
        if owned.any():
            distance, nearest = ndimage.distance_transform_edt(~owned, sampling=spacing, return_indices=True)
            if whole or float(distance[inside].max()) <= margin * min(spacing):
                return part[tuple(nearest)][inside]
        margin = max(2 * margin, max(s.stop - s.start for s in box) // 2, 1)
