"""Boxes of voxels, and parts of an image that are worked on one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

Box = tuple[slice, ...]


#: A megabyte or two with what is made of a voxel, small enough for the cache of a processor.
_SLAB_VOXELS = 1 << 17


def bounding_box(weight: np.ndarray) -> Box | None:
    """Return the smallest box of slices that holds every non-zero element, or None when there is none."""
    box = []
    inside = weight != 0
    for _ in range(weight.ndim):  # axis by axis, the axes before it flattened away
        used = np.flatnonzero(inside.any(axis=tuple(range(1, inside.ndim))))
        if used.size == 0:
            return None
        box.append(slice(int(used[0]), int(used[-1]) + 1))
        inside = inside.any(axis=0)
    return tuple(box)


def slabs(shape: tuple[int, ...], voxels: int = _SLAB_VOXELS) -> Iterator[slice]:
    """Parts of the first axis, small enough for the processor's cache, so that temporaries stay small."""
    step = max(1, voxels * shape[0] // max(1, math.prod(shape)))
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))
