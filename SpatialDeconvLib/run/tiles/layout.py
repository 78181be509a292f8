"""Tiles of an image: what they cover, and what has to be read for them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...arrays.boxes import Box
from ...errors import InputError
from ...filters.padding import padded_shape
from ...texts import mark as _


@dataclass(frozen=True)
class Tile:
    """A part of an image.

    Attributes
    ----------
    number : int
        Counted from 0.
    core : tuple of slice
        What it gives of the result: the cores of all tiles are the image.
    box : tuple of slice
        What has to be read: the core and its halo, which may go beyond the image's border.
    """

    number: int
    core: Box
    box: Box

    @property
    def inside(self) -> Box:
        """Where the core lies in the box."""
        return tuple(slice(c.start - b.start, c.stop - b.start) for c, b in zip(self.core, self.box, strict=True))


def lay_out(
    shape: Sequence[int], size: Sequence[int], halo: Sequence[int], beyond: bool = False, wraps: bool = False
) -> list[Tile]:
    """Return the tiles of an image, in the order of its voxels.

    Parameters
    ----------
    shape : sequence of int
    size : sequence of int
        Voxels of a core at most; all along an axis are about as large.
    halo : sequence of int
        Voxels around a core; an axis that is not cut needs none, unless it `wraps`.
    beyond : bool
        Whether the halo goes on where it meets the border of an axis that is cut; else it ends there.
    wraps : bool
        Whether it does so on every axis.
    """
    axes = []
    for n, wanted, h in zip(shape, size, halo, strict=True):
        count = max(1, math.ceil(n / max(1, wanted)))
        edges = [n * i // count for i in range(count + 1)]
        margin = h if count > 1 or wraps else 0
        cores = [slice(a, b) for a, b in itertools.pairwise(edges)]
        boxes = [slice(core.start - margin, core.stop + margin) for core in cores]
        if not (beyond or wraps):
            boxes = [slice(max(0, box.start), min(n, box.stop)) for box in boxes]
        axes.append(list(zip(cores, boxes, strict=True)))
    return [
        Tile(number, tuple(core for core, _ in pairs), tuple(box for _, box in pairs))
        for number, pairs in enumerate(itertools.product(*axes))
    ]


def checked_size(given: int | Sequence[int], shape: Sequence[int], halo: Sequence[int]) -> tuple[int, ...]:
    """Return the size of tiles that was given, one number for an axis.

    Raises
    ------
    InputError
        If it has another number of axes, or tiles would be smaller than their halo.
    """
    sizes = (given,) * len(shape) if isinstance(given, int) else tuple(given)
    if len(sizes) != len(shape):
        raise InputError(
            f"tiles of {len(sizes)} sizes do not fit an image of {len(shape)} axes; give one number, or one per "
            "axis",
            "tiles",
        )
    for size, n, h in zip(sizes, shape, halo, strict=True):
        if size < min(n, h):
            least = "x".join(str(min(n, h)) for n, h in zip(shape, halo, strict=True))
            raise InputError(
                _(
                    "tiles of {sizes} voxels are smaller than their halo of {halo}, which the kernels need; take "
                    "at least {least}, or leave it to the run"
                ).format(sizes="x".join(map(str, sizes)), halo=h, least=least),
                "tiles",
                tiles="auto",
            )
    return tuple(min(size, n) for size, n in zip(sizes, shape, strict=True))


def size_within(
    shape: Sequence[int], halo: Sequence[int], radii: Sequence[int], fits: Callable[[Sequence[int]], bool]
) -> tuple[int, ...] | None:
    """Return the size of cores with which least is transformed, of those whose boxes fit; None where none does.

    Parameters
    ----------
    shape, halo : sequence of int
    radii : sequence of int
        Of the kernels, by which a box is padded before it is filled up to a length that transforms fast.
    fits : callable (shape of a box) -> bool
        Whether a tile may be as large; of a smaller box, too.
    """
    axes = [
        [(count, *_lengths(n, math.ceil(n / count), h, radius)) for count in _counts(n, h)]
        for n, h, radius in zip(shape, halo, radii, strict=True)
    ]
    found: list[tuple[float, tuple[int, ...], tuple[int, ...]]] = []
    for cuts in itertools.product(*axes):
        cores, boxes = tuple(core for _, core, _, _ in cuts), tuple(box for _, _, box, _ in cuts)
        found.append((math.prod(float(count * padded) for count, _, _, padded in cuts), cores, boxes))
    found.sort(key=lambda item: item[0])
    return next((cores for _, cores, boxes in found if fits(boxes)), None)


def _lengths(n: int, core: int, halo: int, radius: int) -> tuple[int, int, int]:
    """Along an axis: voxels of a core, of its box at most, and of that as it is transformed."""
    box = min(n, core + 2 * halo) if core < n else n
    return core, box, padded_shape([box], [2 * radius])[0]


def _counts(n: int, h: int) -> list[int]:
    """In how many tiles an axis may be cut: no core is smaller than its halo."""
    most = max(1, n // max(h, 1)) if n > 1 else 1
    return [c for c in (*range(1, 33), 48, 64, 96, 128, 192, 256, 384, 512) if c <= most]
