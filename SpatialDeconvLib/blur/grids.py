"""FFT grids for the spatially variant blur: where an image lies on them, how it is extended beyond its border."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft as sfft

from ..arrays.boxes import Box


@dataclass(frozen=True)
class Side:
    """Where an image lies on the FFT grid, along the three canonical axes.

    `start` and `size` cut a box out of the image; `left` and `right` voxels of extension are added by the
    rule `wrap` (else the border voxel is repeated); the box's first voxel is grid index `offset`.
    """

    start: tuple[int, ...]
    size: tuple[int, ...]
    offset: tuple[int, ...]
    left: tuple[int, ...] = (0, 0, 0)
    right: tuple[int, ...] = (0, 0, 0)
    wrap: bool = False

    @property
    def box(self) -> Box:
        return tuple(slice(s, s + n) for s, n in zip(self.start, self.size, strict=True))

    def extend(self, array: np.ndarray, axis: int, axis_of_side: int) -> None:
        """Fill the extension of `array` along `axis`; the box's own rows are already in place."""
        a = axis_of_side
        first, n, left, right = self.offset[a], self.size[a], self.left[a], self.right[a]
        view = np.moveaxis(array, axis, 0)
        if self.wrap:
            for p in range(left):
                view[first - 1 - p] = view[first + (-1 - p) % n]
            for p in range(right):
                view[first + n + p] = view[first + p % n]
        else:
            view[first - left : first] = view[first]
            view[first + n : first + n + right] = view[first + n - 1]

    def fold(self, array: np.ndarray, axis: int, axis_of_side: int) -> None:
        """Add the extension back onto the box along `axis`: the transpose of `extend`."""
        a = axis_of_side
        first, n, left, right = self.offset[a], self.size[a], self.left[a], self.right[a]
        view = np.moveaxis(array, axis, 0)
        if self.wrap:
            for p in range(left):
                view[first + (-1 - p) % n] += view[first - 1 - p]
            for p in range(right):
                view[first + p % n] += view[first + n + p]
        else:
            if left:
                view[first] += view[first - left : first].sum(axis=0)
            if right:
                view[first + n - 1] += view[first + n : first + n + right].sum(axis=0)

    def rows(self, axis: int) -> slice:
        return slice(self.offset[axis], self.offset[axis] + self.size[axis])


@dataclass(frozen=True)
class Geometry:
    """One FFT grid with the domain (the unknown's side) and the data on it."""

    grid: tuple[int, ...]
    domain: Side
    data: Side

    @property
    def cost(self) -> float:
        size = math.prod(self.grid)
        return size * math.log2(size + 1)


def reach_of(kernels: Sequence[np.ndarray]) -> tuple[list[int], list[int]]:
    """Largest displacement per axis towards lower (left) and higher (right) indices of the input.

    y[i] = sum_d h[d] x[i - d] with -c <= d <= n - 1 - c and c = n // 2, so an output voxel looks
    n - 1 - c voxels to the left and c to the right.
    """
    left = [max(h.shape[a] - 1 - h.shape[a] // 2 for h in kernels) for a in range(3)]
    right = [max(h.shape[a] // 2 for h in kernels) for a in range(3)]
    return left, right


@dataclass(frozen=True)
class Layout:
    """What every grid of one operator has in common, along the canonical axes."""

    rows: tuple[int, ...]  # shape of the data
    cols: tuple[int, ...]  # shape of the domain
    lead: tuple[int, ...]  # domain index of the first data voxel
    boundary: str
    source: bool


def geometry_for(problem: Layout, reach: tuple[list[int], list[int]], box: Box | None = None) -> Geometry:
    """Lay out the grid for kernels of a given reach: for the whole image, or for the bounding `box` of the
    weights alone (which are on the data in the detector model, on the domain in the source model)."""
    axes = []
    for a, (n, length, lead) in enumerate(zip(problem.rows, problem.cols, problem.lead, strict=True)):
        l, r = reach[0][a], reach[1][a]
        low, high, first, last = 0, length, 0, n  # the parts of domain and data in use
        # Data voxel i sees the domain voxels i + lead - l ... i + lead + r.
        if box is not None and problem.source:
            low, high = box[a].start, box[a].stop
            first, last = max(0, low - lead - r), min(n, high - lead + l)
        elif box is not None:
            first, last = box[a].start, box[a].stop
            low, high = max(0, first + lead - l), min(length, last + lead + r)
        if problem.boundary == "periodic" and sfft.next_fast_len(n) == n:  # the grid wraps where the image does
            axes.append((n, low, high - low, 0, 0, 0, first, last - first, 0))
            continue
        before = after = 0
        if problem.boundary == "edge":
            before = max(0, l - first) if low == 0 else 0
            after = max(0, last + r - n) if high == length else 0
        elif problem.boundary == "periodic":
            before, after = l, r
        shift = max(0, low - first - lead - before)  # the first data voxel must not lie before the grid
        content = before + (high - low) + after  # grid voxels that are not zero, from `shift` on
        place = shift + before + first + lead - low  # grid index of the first data voxel
        count = last - first
        # Everything fits, and no data voxel sees the content a second time around the grid's end.
        least = max(shift + content, place + count, shift + content + l - place, place + count + r - shift)
        # Factors 2, 3 and 5 on the last axis, where the transform is real; up to 11 on the others.
        total = sfft.next_fast_len(least, real=a == 2)
        axes.append((total, low, high - low, shift + before, before, after, first, count, place))
    grid, start, size, offset, left, right, row, rows, places = zip(*axes, strict=True)
    domain = Side(start, size, offset, left, right, problem.boundary == "periodic")
    return Geometry(grid, domain, Side(row, rows, places))


def reduced_kernel(kernel: np.ndarray, shape: Sequence[int], boundary: str) -> np.ndarray:
    """An equal kernel no larger than the image needs.

    Displacements beyond the image are folded or dropped, and so are the planes around it that hold nothing: files
    hold kernels in arrays as large as their image.
    """
    kernel = _without_empty_rim(kernel)
    for axis, n in enumerate(shape):
        m = kernel.shape[axis]
        d = np.arange(m) - m // 2
        if boundary == "extended" or max(m // 2, m - 1 - m // 2) <= (n // 2 if boundary == "periodic" else n - 1):
            continue
        target = (d + n // 2) % n - n // 2 if boundary == "periodic" else np.clip(d, 1 - n, n - 1)
        low, high = int(target.min()), int(target.max())
        radius = max(-low, high)
        out = np.zeros([2 * radius + 1 if a == axis else s for a, s in enumerate(kernel.shape)])
        source = np.moveaxis(kernel, axis, 0)
        keep = d == target if boundary == "zero" else np.ones(m, bool)
        np.add.at(np.moveaxis(out, axis, 0), target[keep] + radius, source[keep])
        kernel = out
    return kernel


def _without_empty_rim(kernel: np.ndarray) -> np.ndarray:
    """The kernel on an odd number of voxels around its centre, index n // 2, where zeros alone are left out."""
    held = np.argwhere(kernel) - np.array(kernel.shape) // 2
    radii = np.abs(held).max(axis=0, initial=0)
    box = [
        slice(n // 2 - r, n // 2 + r + 1) if 2 * r + 1 < n else slice(None)
        for n, r in zip(kernel.shape, radii.tolist(), strict=True)
    ]
    return kernel[tuple(box)]
