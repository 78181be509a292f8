"""What has to be known of all of an image before tiles of it are worked on: one look at every voxel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arrays.boxes import Box
from ...arrays.watch import Watch
from ...errors import InputError
from ...kernels.field import field_of
from ...kernels.weights import check_weights
from ...texts import mark as _
from ..inputs import Inputs, working_copy
from .cutting import refuse_other_shape

_VOXELS = 1 << 22  # that are looked at at once


@dataclass(frozen=True)
class Survey:
    """Numbers of an image, over its finite voxels.

    Attributes
    ----------
    low, high, mean : float
    dtype : str
        In which it is worked on: "float32" or "float64".
    bad : int
        Voxels that are NaN or infinite.
    selected : int
        Voxels that the mask selects; all of them where there is none.
    """

    low: float
    high: float
    mean: float
    dtype: str
    bad: int
    selected: int

    @property
    def largest(self) -> float:
        """The largest magnitude."""
        return max(abs(self.low), abs(self.high))


def survey_of(inputs: Inputs, watch: Watch) -> Survey:
    """Look at an image part by part.

    Raises
    ------
    InputError
        If it has no finite voxel, the mask selects none, or weights that stay in files do not sum to 1.
    """
    unread = field_of(inputs.kernels).unread
    for weight in unread:
        refuse_other_shape(weight, tuple(inputs.image.shape), "weights")
    low, high, total, count, bad, selected, wide = math.inf, -math.inf, 0.0, 0, 0, 0, False
    for box, share in _slabs(inputs.image.shape):
        watch.step(share, _("looking at the image"))
        part = working_copy(np.asarray(inputs.image[box]))
        wide |= part.dtype == np.float64
        good = np.isfinite(part)
        seen = int(np.count_nonzero(good))
        bad += part.size - seen
        if seen:
            low = min(low, float(part.min(where=good, initial=math.inf)))
            high = max(high, float(part.max(where=good, initial=-math.inf)))
            total += float(part.sum(where=good, dtype=np.float64))
            count += seen
        if unread:
            check_weights([weight[box] for weight in unread])
        selected += part.size if inputs.mask is None else _selected(inputs.mask[box])
    if not count:
        raise InputError("the image holds no finite voxel at all")
    if not selected:
        raise InputError("the mask is empty: it selects no voxel")
    return Survey(low, high, total / count, "float64" if wide else "float32", bad, selected)


def _selected(mask: Any) -> int:
    return int(np.count_nonzero(np.asarray(mask)))


def _slabs(shape: tuple[int, ...]) -> Iterator[tuple[Box, float]]:
    """Slabs that cover an image, each with the share of it that lies before."""
    step = max(1, _VOXELS // math.prod(shape[1:]))
    rest = tuple(slice(0, n) for n in shape[1:])
    for start in range(0, shape[0], step):
        yield (slice(start, min(start + step, shape[0])), *rest), start / shape[0]
