"""Memory that a tile takes, and how large tiles may be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...errors import NotEnoughMemory
from ...methods import registry as methods
from ..blend import blend_memory
from ..job import Job
from ..joint import joint_memory
from ..settings import DeconvolveSettings
from .layout import size_within

#: Of a tile: what was read of image, guide, mask and labels, and the result.
_VOLUMES = 4.0
#: Of a convolution: peak memory, in padded volumes.
CONVOLVE_VOLUMES = 3.0


def reckoned(spec: methods.Method) -> methods.Method:
    """Return what halo and memory are reckoned with: total variation for what has no halo, or is not chosen yet."""
    return methods.method("joint", "tv") if math.isinf(spec.halo) else spec


def tile_memory(job: Job, shape: Sequence[int], least: bool = False) -> float:
    """Return the bytes that a job's run takes for an image, or a tile, of this shape.

    `least`: without what only makes it faster.
    """
    shape = tuple(shape)[len(shape) - job.image.ndim :]
    shaped = replace(job, image=np.broadcast_to(job.image.dtype.type(0), shape))  # takes no memory
    settings = job.settings
    if not isinstance(settings, DeconvolveSettings):
        return shaped.needed_memory(CONVOLVE_VOLUMES, 1.0)
    if settings.strategy == "blend":
        return blend_memory(shaped)
    return joint_memory(shaped, reckoned(settings.spec))[least]


def size_of_tiles(job: Job, shape: Sequence[int], halo: Sequence[int], available: float | None) -> tuple[int, ...]:
    """Return the size of the tiles' cores with which a run takes no more than so many bytes.

    Raises
    ------
    NotEnoughMemory
        If there is none.
    """
    # What is read of a box: the image and what belongs to it, and the weights.
    read = _VOLUMES * job.image.itemsize + sum(w.dtype.itemsize for w in job.bound.field.weight_arrays or ())
    radii = (0,) * (len(shape) - job.image.ndim) + job.bound.radii

    def needed(box: Sequence[int], least: bool) -> float:
        return tile_memory(job, box, least) + read * math.prod(box)

    def within(least: bool) -> tuple[int, ...] | None:
        return size_within(shape, halo, radii, lambda box: available is None or needed(box, least) <= available)

    size = within(least=False) or within(least=True)  # rather small and quick than large and slow
    if size is None:
        smallest = [min(n, 3 * max(h, 1)) for n, h in zip(shape, halo, strict=True)]
        raise NotEnoughMemory(
            f"{(available or 0) / 2**30:.2g} GiB are not enough for the smallest tile, of "
            f"{'x'.join(map(str, smallest))} voxels with its halo, which takes "
            f"{needed(smallest, True) / 2**30:.2g} GiB; take smaller "
            "kernels, or allow more",
            "memory_limit",
        )
    return size
