"""Tiles of an image: what they cover, and what has to be read for them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...arrays.boxes import Box
from ...errors import InputError


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
                f"tiles of {'x'.join(map(str, sizes))} voxels are smaller than their halo of {h}, which the "
                f"kernels need; take at least {least}, or leave it to the run",
                "tiles",
                tiles="auto",
            )
    return tuple(min(size, n) for size, n in zip(sizes, shape, strict=True))


def size_within(
    shape: Sequence[int], halo: Sequence[int], fits: Callable[[Sequence[int]], bool]
) -> tuple[int, ...] | None:
    """Return the size of cores with which least is read twice, of those whose boxes fit; None where none does.

    Parameters
    ----------
    shape, halo : sequence of int
    fits : callable (shape of a box) -> bool
        Whether a tile may be as large; of a smaller box, too.
    """
    counts = [_counts(n, h) for n, h in zip(shape, halo, strict=True)]
    found: list[tuple[float, tuple[int, ...]]] = []
    for cuts in itertools.product(*counts):
        cores = tuple(math.ceil(n / c) for n, c in zip(shape, cuts, strict=True))
        found.append((float(math.prod(cuts) * math.prod(_box(shape, cores, halo))), cores))
    found.sort(key=lambda item: item[0])
    for _, cores in found:
        if fits(_box(shape, cores, halo)):
            return cores
    return None


def _box(shape: Sequence[int], cores: Sequence[int], halo: Sequence[int]) -> list[int]:
    """The shape of the largest box of such cores."""
    return [min(n, m + 2 * h) if m < n else n for n, m, h in zip(shape, cores, halo, strict=True)]


def _counts(n: int, h: int) -> list[int]:
    """In how many tiles an axis may be cut: no core is smaller than its halo."""
    most = max(1, n // max(h, 1)) if n > 1 else 1
    return [c for c in (*range(1, 33), 48, 64, 96, 128, 192, 256, 384, 512) if c <= most]
