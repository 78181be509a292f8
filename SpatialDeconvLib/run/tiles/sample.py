"""A small image that stands for a large one: blocks of it, one upon the other.

What lies between two blocks is no image: those voxels are masked out, as far as kernels reach across.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...arrays.boxes import Box
from ...arrays.spacing import spacing_tuple
from ...arrays.watch import Watch
from ...kernels.field import KernelField
from ...texts import mark as _
from ..inputs import Inputs
from .cutting import part_of

#: An image of at most so many voxels stands for itself; of a larger one its share does, from so many to so many.
ITSELF, _LEAST, MOST, _SHARE = 1 << 20, 1 << 19, 1 << 22, 1 / 16
#: Bytes that a method takes for a voxel, and besides; so many voxels there are at least.
_BYTES, _ASIDE, _FEWEST = 200, 1 << 25, 1 << 15
_COUNT = 8  # blocks
_CANDIDATES = 64  # that are looked at


def blocks_of(inputs: Inputs, reach: Sequence[int], watch: Watch, memory: float | None = None) -> list[Box]:
    """Return the blocks of a sample: all of the image, where it is small.

    Parameters
    ----------
    inputs : Inputs
    reach : sequence of int
        Of the kernels, in voxels of every axis.
    watch : Watch
    memory : float, optional
        Bytes that work on the sample may take.
    """
    boxes = sample_boxes(tuple(inputs.image.shape), reach, memory)
    return _spread(inputs, boxes, watch) if len(boxes) > 1 else boxes


def sample_of(inputs: Inputs, boxes: Sequence[Box], reach: Sequence[int], slicewise: bool = False) -> Inputs:
    """Return the inputs of a sample.

    Parameters
    ----------
    inputs : Inputs
    boxes : sequence of Box
        See `blocks_of`.
    reach : sequence of int
        Of the kernels, in voxels of every axis.
    slicewise : bool
        Whether slices do not know of each other.
    """
    shape = tuple(inputs.image.shape)
    parts = [part_of(inputs, box) for box in boxes]
    if len(parts) == 1:
        return parts[0]
    return _stacked(parts, 0 if slicewise else int(reach[0]), spacing_tuple(inputs.spacing, len(shape)))


def is_sampled(shape: Sequence[int], reach: Sequence[int], memory: float | None = None) -> bool:
    """Whether an image is too large to stand for itself."""
    return len(sample_boxes(tuple(shape), reach, memory)) > 1


def sample_boxes(shape: tuple[int, ...], reach: Sequence[int], memory: float | None = None) -> list[Box]:
    """Candidates for the blocks of a sample, or all of the image."""
    whole = [tuple(slice(0, n) for n in shape)]
    voxels = min(max(_LEAST, int(_SHARE * math.prod(shape))), MOST)
    if math.prod(shape) <= ITSELF:
        voxels = ITSELF
    if memory is not None:
        voxels = min(voxels, max(_FEWEST, int((memory - _ASIDE) / _BYTES)))
    if math.prod(shape) <= voxels:
        return whole
    long = sum(n > 1 for n in shape)
    side = round((voxels / _COUNT) ** (1 / long))
    sizes = [min(n, max(side, 4 * r)) for n, r in zip(shape, reach, strict=True)]
    if _COUNT * math.prod(sizes) > math.prod(shape):
        return whole
    per_axis = max(2, round(_CANDIDATES ** (1 / long)))
    starts = [
        sorted({round(a) for a in np.linspace(0, n - m, min(per_axis, math.ceil(n / m)))})
        for n, m in zip(shape, sizes, strict=True)
    ]
    return [
        tuple(slice(a, a + m) for a, m in zip(corner, sizes, strict=True)) for corner in itertools.product(*starts)
    ]


def _spread(inputs: Inputs, boxes: list[Box], watch: Watch) -> list[Box]:
    """Some of the blocks, so that each stands for an equal share of what is to be seen in all of them."""
    found = []
    for box, part in watch.parts(boxes):
        part.step(0.0, _("looking for a sample"))
        found.append((_activity(inputs, box), box))
    found.sort(key=lambda item: -item[0])
    count = min(_COUNT, len(found))
    shares = np.cumsum([max(activity, 0.0) for activity, _ in found])
    order = np.arange(count)
    if shares[-1] > 0:
        picked = np.searchsorted(shares, shares[-1] * (order + 0.5) / count)
        order = np.minimum(np.maximum.accumulate(picked - order) + order, len(found) - count + order)
    return sorted((found[n][1] for n in order), key=lambda box: [s.start for s in box])


def _activity(inputs: Inputs, box: Box) -> float:
    """The sum of squared differences between neighbours, two voxels wide each, so that noise adds little."""
    part = np.nan_to_num(np.asarray(inputs.image[box], dtype=np.float32), posinf=0, neginf=0)
    if inputs.mask is not None:
        selected = np.asarray(inputs.mask[box]) != 0
        if 2 * np.count_nonzero(selected) < selected.size:
            return -1.0
        part = np.where(selected, part, part[selected].mean())
    total = 0.0
    for axis, n in enumerate(part.shape):
        if n >= 4:
            even = np.moveaxis(part, axis, 0)[: n // 2 * 2]
            pairs = even.reshape(n // 2, 2, *even.shape[1:]).mean(1)
            total += float(np.square(np.diff(pairs, axis=0), dtype=np.float64).sum())
    return total


def _stacked(parts: list[Inputs], seam: int, spacing: tuple[float, ...]) -> Inputs:
    """The parts as one image, with what is near a seam masked out."""
    shape = parts[0].image.shape
    counts = np.ones(shape, bool)
    counts[:seam], counts[shape[0] - seam :] = False, False
    masks = [counts if part.mask is None else counts & (np.asarray(part.mask) != 0) for part in parts]
    first = masks[0]
    first[:seam] = True if parts[0].mask is None else np.asarray(parts[0].mask)[:seam] != 0

    def stack(name: str) -> Any:
        arrays = [getattr(part, name) for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays)

    return replace(
        parts[0], image=stack("image"), guide=stack("guide"), labels=stack("labels"), noise=stack("noise"),
        mask=np.concatenate(masks), kernels=_stacked_field(parts, spacing),
    )  # fmt: skip


def _stacked_field(parts: list[Inputs], spacing: tuple[float, ...]) -> KernelField:
    """The kernels of the parts; those of a place by their weights, as a stack has no places."""
    field: KernelField = parts[0].kernels  # type: ignore[assignment]  # `part_of` made it one
    if field.key == "weights":
        arrays = [part.kernels.weight_arrays for part in parts]  # type: ignore[union-attr]
        return replace(field, weight_arrays=tuple(np.concatenate(each) for each in zip(*arrays, strict=True)))
    if field.key != "position":
        return field
    bound = [part.kernels.bind(part.image, spacing) for part in parts]  # type: ignore[union-attr]
    weights = [np.concatenate([b.weight(k) for b in bound]) for k in range(len(field.kernels))]
    return KernelField.by_weights(weights, field.kernels)
