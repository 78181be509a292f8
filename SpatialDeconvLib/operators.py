"""The spatially variant blur as a linear operator.

With H_k the convolution with kernel h_k and W_k the multiplication by its weights w_k (w_k >= 0, summing
to 1 at every voxel),

    detector model:  A = sum_k W_k H_k      A^T = sum_k H_k^T W_k
    source model:    A = sum_k H_k W_k      A^T = sum_k W_k H_k^T

Both A and A^T cost K + 1 real FFTs: what is common to the K convolutions, the transform of the image or
the sum of the spectra, is done once.

How it works. Every convolution is C F^-1 diag(s_k) F E: E extends the image by the boundary rule, F is the
FFT on a fast size, C cuts the result out. The transforms run in slabs that stay in the processor's cache
and that are fused with the work around them (extension, product with the spectrum, weights), and skip
rows that are known to be zero or that are cut away afterwards. The transpose uses the same parts
backwards, so the adjoint is exact. Slabs do not depend on the number of threads and sums are always
taken in the same order, so neither does the result.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy.fft as sfft
from scipy.sparse.linalg import LinearOperator

from .errors import Cancelled, InputError, check_choice
from .fftfilters import usable_processors
from .fields import BoundField, Box, KernelField, bounding_box
from .kernels import Spacing

MODELS = ("detector", "source")
BOUNDARIES = ("edge", "zero", "periodic", "extended")

Progress = Callable[[float, str], object]
Cancel = Callable[[], bool]

#: Relative error accepted by default when a family of kernels is compressed (float32 operators only).
LOW_RANK_TOLERANCE = 2e-3
#: Largest share of an arbitrary image's maximum that compression may cost, whatever the image.
LOW_RANK_WORST_CASE = 2.5e-2
#: Caches (spectra, weights) may take this many times the image's size, unless memory_limit says otherwise,
CACHE_VOLUMES = 12
#: ... and in any case this many bytes.
CACHE_LEAST = 1 << 26

_SLAB = 1 << 17  # complex elements worked on at a time by one thread: a megabyte in float32


# ------------------------------------------------------------------------------------------ geometry


@dataclass(frozen=True)
class _Side:
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
class _Geometry:
    """One FFT grid with the domain (the unknown's side) and the data on it."""

    grid: tuple[int, ...]
    domain: _Side
    data: _Side

    @property
    def cost(self) -> float:
        size = math.prod(self.grid)
        return size * math.log2(size + 1)


def _reach(kernels: Sequence[np.ndarray]) -> tuple[list[int], list[int]]:
    """Largest displacement per axis towards lower (left) and higher (right) indices of the input.

    y[i] = sum_d h[d] x[i - d] with -c <= d <= n - 1 - c and c = n // 2, so an output voxel looks
    n - 1 - c voxels to the left and c to the right.
    """
    left = [max(h.shape[a] - 1 - h.shape[a] // 2 for h in kernels) for a in range(3)]
    right = [max(h.shape[a] // 2 for h in kernels) for a in range(3)]
    return left, right


def _fast(n: int, last: bool) -> int:
    # Factors 2, 3 and 5 on the last axis, where the transform is real; up to 11 on the others.
    return n if n <= 1 else sfft.next_fast_len(n, real=last)


def _is_fast(n: int) -> bool:
    for p in (2, 3, 5, 7, 11):
        while n % p == 0:
            n //= p
    return n == 1


@dataclass(frozen=True)
class _Problem:
    """What every grid of one operator has in common, along the canonical axes."""

    rows: tuple[int, ...]  # shape of the data
    cols: tuple[int, ...]  # shape of the domain
    lead: tuple[int, ...]  # domain index of the first data voxel
    boundary: str
    source: bool


def _geometry(problem: _Problem, reach: tuple[list[int], list[int]], box: Box | None = None) -> _Geometry:
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
        before = after = 0
        if problem.boundary == "edge":
            before = max(0, l - first) if low == 0 else 0
            after = max(0, last + r - n) if high == length else 0
        elif problem.boundary == "periodic" and not _is_fast(n):
            before, after = l, r
        if problem.boundary == "periodic" and _is_fast(n):
            axes.append((n, low, high - low, 0, 0, 0, first, last - first, 0))
            continue
        shift = max(0, low - first - lead - before)  # the first data voxel must not lie before the grid
        content = before + (high - low) + after  # grid voxels that are not zero, from `shift` on
        place = shift + before + first + lead - low  # grid index of the first data voxel
        count = last - first
        # Everything fits, and no data voxel sees the content a second time around the grid's end.
        least = max(shift + content, place + count, shift + content + l - place, place + count + r - shift)
        total = _fast(least, last=a == 2)
        axes.append((total, low, high - low, shift + before, before, after, first, count, place))
    grid, start, size, offset, left, right, row, rows, place = zip(*axes, strict=True)
    domain = _Side(start, size, offset, left, right, problem.boundary == "periodic")
    return _Geometry(grid, domain, _Side(row, rows, place))


def _reduced(kernel: np.ndarray, shape: Sequence[int], boundary: str) -> np.ndarray:
    """An equal kernel no larger than the image needs: displacements beyond it are folded or dropped."""
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


# ----------------------------------------------------------------------------------------- transforms


class _Transform:
    """FFTs between the box of a side and the grid, in slabs, with a plane buffer that is used again.

    `conjugate` runs the transforms backwards: the same passes then yield conj(F), which turns a product
    with a spectrum into the product with its conjugate without forming the conjugate.
    """

    def __init__(self, geometry: _Geometry, dtype: np.dtype, run: Callable):
        self.geometry = geometry
        self.real = dtype
        self.complex = np.result_type(dtype, np.complex64)
        self.run = run
        n0, n1, n2 = geometry.grid
        self.frequencies = n2 // 2 + 1
        self.columns = n1 * self.frequencies
        self.planes = np.empty(
            (max(geometry.domain.size[0], geometry.data.size[0]), n1, self.frequencies), self.complex
        )
        # Whole rows, so that a slab is made of contiguous pieces; a 2-D image has only one.
        row = self.frequencies if n1 > 1 else 1
        step = row * _part(self.columns // row, _SLAB // (n0 * row))
        self.slabs = [slice(a, min(a + step, self.columns)) for a in range(0, self.columns, step)]

    def spectrum(self) -> list[np.ndarray | None]:
        """Room for a spectrum: one array (N0, columns of the slab) for every slab, each in one piece."""
        return [None] * len(self.slabs)

    def chunks(self, side: _Side) -> list[tuple[int, int]]:
        n = side.size[0]
        thickness = _part(n, _SLAB // self.columns)
        return [(a, min(a + thickness, n)) for a in range(0, n, thickness)]

    def analyse(self, side: _Side, read: Callable, sink: Callable, conjugate: bool) -> None:
        """Transform an image: `read(a, b)` gives planes a to b of the side's box, `sink(i, column)` takes
        slab number i of the spectrum, an array that is its own to keep."""
        n0, n1, n2 = self.geometry.grid
        extended = [left + right > 0 for left, right in zip(side.left, side.right, strict=True)]

        def planes(chunk):
            a, b = chunk
            values = read(a, b)
            rows = values
            if side.size[2] != n2 or values.dtype != self.real:
                rows = np.zeros((b - a, side.size[1], n2), self.real)
                rows[:, :, side.rows(2)] = values
                if extended[2]:
                    side.extend(rows, 2, 2)
            half = _rfft(rows, conjugate)
            part = self.planes[a:b]
            part[:, side.rows(1)] = half
            if n1 > 1:
                first, last = side.rows(1).start, side.rows(1).stop
                part[:, :first] = 0
                part[:, last:] = 0
                if extended[1]:
                    side.extend(part, 1, 1)
                _fft_in_place(part, 1, conjugate)

        def column(number):
            slab = self.slabs[number]
            part = np.empty((n0, slab.stop - slab.start), self.complex)
            rows = side.rows(0)
            part[: rows.start] = 0
            part[rows.stop :] = 0
            part[rows] = self.planes.reshape(len(self.planes), -1)[: side.size[0], slab]
            if extended[0]:
                side.extend(part, 0, 0)
            _fft_in_place(part, 0, conjugate)
            sink(number, part)

        self.run(planes, self.chunks(side))
        self.run(column, range(len(self.slabs)))

    def synthesise(
        self, side: _Side, source: Callable, write: Callable, conjugate: bool, between: Callable | None = None
    ) -> None:
        """Transform back: `source(i)` gives slab number i of the spectrum, an array that may be overwritten;
        `write(a, b, image)` takes planes a to b of the side's box; `between` is called before the first."""
        _, n1, n2 = self.geometry.grid
        extended = [left + right > 0 for left, right in zip(side.left, side.right, strict=True)]

        def column(number):
            slab = self.slabs[number]
            part = source(number)
            _fft_in_place(part, 0, not conjugate)
            if extended[0]:
                side.fold(part, 0, 0)
            self.planes.reshape(len(self.planes), -1)[: side.size[0], slab] = part[side.rows(0)]

        def planes(chunk):
            a, b = chunk
            part = self.planes[a:b]
            if n1 > 1:
                _fft_in_place(part, 1, not conjugate)
                if extended[1]:
                    side.fold(part, 1, 1)
            rows = _irfft(part[:, side.rows(1)], n2, conjugate)
            if extended[2]:
                side.fold(rows, 2, 2)
            write(a, b, rows[:, :, side.rows(2)])

        self.run(column, range(len(self.slabs)))
        if between is not None:
            between()
        self.run(planes, self.chunks(side))


def _part(total: int, most: int) -> int:
    """Size of parts of at most `most`, an even number of them, so that two or four threads finish together."""
    if 2 * total <= most:
        return total
    count = 2 * math.ceil(total / (2 * max(1, most)))
    return math.ceil(total / count)


def _fft_in_place(array: np.ndarray, axis: int, backward: bool) -> None:
    if array.shape[axis] == 1:
        return
    if backward:
        out = sfft.ifft(array, axis=axis, norm="forward", overwrite_x=True)
    else:
        out = sfft.fft(array, axis=axis, overwrite_x=True)
    if out is not array and not np.may_share_memory(out, array):
        array[...] = out


def _rfft(array: np.ndarray, conjugate: bool) -> np.ndarray:
    return sfft.ihfft(array, axis=2, norm="forward") if conjugate else sfft.rfft(array, axis=2)


def _irfft(array: np.ndarray, n: int, conjugate: bool) -> np.ndarray:
    if conjugate:
        return sfft.hfft(array, n, axis=2)
    return sfft.irfft(array, n, axis=2, norm="forward")


# ------------------------------------------------------------------------------------------- spectra


class _Spectrum:
    """The spectrum of one kernel on a grid, scaled by 1 / (number of grid voxels), slab by slab.

    A kernel that is a product of a profile along the first axis and a plane is kept as these two spectra,
    which is next to nothing. Any other is kept whole when `keep` allows it (one half, when the other is
    its mirror image), else as the spectra of its planes, and transformed along the first axis again at
    each use: a third of an FFT more.
    """

    def __init__(self, kernel: np.ndarray, transform: _Transform, keep: bool):
        self.grid = transform.geometry.grid
        self.complex = transform.complex
        self.slabs = transform.slabs
        self.full = self.partial = self.profile = None
        self.places = (np.arange(kernel.shape[0]) - kernel.shape[0] // 2) % self.grid[0]
        scaled = kernel / math.prod(self.grid)
        factors = _factors(scaled, transform.real)
        if factors is not None:
            line, plane = factors
            profile = np.zeros(self.grid[0])
            np.add.at(profile, self.places, line)
            self.profile = sfft.fft(profile).astype(self.complex)[:, None]
            if _mirrored(line):  # the spectrum is real
                self.profile = np.ascontiguousarray(self.profile.real)
            self.plane = self._plane_spectrum(plane[None]).astype(self.complex)[0]
            return
        partial = self._plane_spectrum(scaled)
        if not keep and 2 * kernel.shape[0] <= self.grid[0]:
            if _mirrored(kernel):  # the upper half says it all
                partial = partial[: kernel.shape[0] // 2 + 1]
            self.partial = [partial[:, slab].astype(self.complex) for slab in self.slabs]
            return
        rows = _rows_kept(kernel, self.grid[0])
        self.full = [self._column(partial[:, slab])[:rows].astype(self.complex) for slab in self.slabs]

    @staticmethod
    def bytes_for(kernel: np.ndarray, transform: _Transform, keep: bool) -> int:
        """Memory that the spectrum takes."""
        item = transform.complex.itemsize
        n0 = transform.geometry.grid[0]
        if _factors(kernel, transform.real) is not None:
            return item * (n0 + transform.columns)
        partial = not keep and 2 * kernel.shape[0] <= n0
        if not partial:
            return item * transform.columns * _rows_kept(kernel, n0)
        return item * transform.columns * (kernel.shape[0] // 2 + 1 if _mirrored(kernel) else kernel.shape[0])

    def _plane_spectrum(self, kernel: np.ndarray) -> np.ndarray:
        """Spectra of the planes, phases relative to the centre; shape (planes, N1 * frequencies)."""
        _, n1, n2 = self.grid
        placed = np.zeros((kernel.shape[0], n1, n2))
        rows = (np.arange(kernel.shape[1]) - kernel.shape[1] // 2) % n1
        cols = (np.arange(kernel.shape[2]) - kernel.shape[2] // 2) % n2
        np.add.at(placed, np.ix_(range(kernel.shape[0]), rows, cols), kernel)
        return sfft.rfftn(placed, axes=(1, 2)).reshape(kernel.shape[0], -1)

    def _column(self, partial: np.ndarray) -> np.ndarray:
        out = np.zeros((self.grid[0], partial.shape[1]), partial.dtype)
        if len(partial) < len(self.places):
            partial = np.concatenate([partial, partial[-2::-1]])
        if self.places.size == np.unique(self.places).size:
            out[self.places] = partial
        else:
            np.add.at(out, self.places, partial)
        _fft_in_place(out, 0, False)
        return out

    def times(self, number: int, values: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Return `values` (a slab of an image's spectrum) times the kernel's spectrum, in `out` if given."""
        if self.full is not None:
            kept, n0 = self.full[number], self.grid[0]
            if len(kept) == n0:
                return np.multiply(values, kept, out=out)
            out = np.empty_like(values) if out is None else out
            half = len(kept)
            np.multiply(values[:half], kept, out=out[:half])
            np.multiply(values[half:], kept[n0 - half : 0 : -1], out=out[half:])
            return out
        if self.partial is not None:
            return np.multiply(values, self._column(self.partial[number]), out=out)
        out = np.multiply(values, self.plane[self.slabs[number]], out=out)
        if np.isrealobj(self.profile):
            real = out.view(self.profile.dtype)
            real *= self.profile
        else:
            out *= self.profile
        return out


def _mirrored(kernel: np.ndarray) -> bool:
    """Whether the kernel is its own mirror image along the first axis, to rounding."""
    if len(kernel) % 2 == 0:
        return False
    return np.abs(kernel - kernel[::-1]).max() <= 1e-14 * np.abs(kernel).max()


def _rows_kept(kernel: np.ndarray, n0: int) -> int:
    return n0 // 2 + 1 if _mirrored(kernel) else n0


def _factors(kernel: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray] | None:
    """The kernel as (profile along the first axis, plane), or None when it is no such product."""
    if kernel.shape[0] == 1:
        return np.ones(1), kernel[0]
    flat = kernel.reshape(kernel.shape[0], -1)
    row, col = np.unravel_index(np.abs(flat).argmax(), flat.shape)
    peak = flat[row, col]
    line, plane = flat[:, col] / peak, flat[row]
    if np.abs(flat - np.outer(line, plane)).max() > (1e-15 if dtype == np.float64 else 1e-8) * abs(peak):
        return None
    return line, plane.reshape(kernel.shape[1:])


# ------------------------------------------------------------------------------------------- weights


class _Weights:
    """The weights of the terms, plane by plane, kept in memory as far as allowed.

    `matrix` (terms, K) combines the field's weights into those of the terms of a compressed family.
    """

    def __init__(self, bound: BoundField, shape: tuple[int, ...], pads, dtype: np.dtype):
        self.bound, self.shape, self.pads = bound, shape, pads
        self.kept: dict[object, np.ndarray] = {}
        self.tables: dict[object, tuple[np.ndarray, np.ndarray]] = {}
        self.level: np.ndarray | None = None
        field = getattr(bound, "field", None)
        self.hats = dtype == np.float32 and field is not None and field.key == "intensity" and len(bound) > 2

    def whole(self, k: int) -> np.ndarray:
        """Weights of kernel k on the side that they belong to, in the canonical shape."""
        return self._placed(self.bound.weight(k))

    def _placed(self, values: np.ndarray) -> np.ndarray:
        if any(sum(pad) for pad in self.pads):
            values = np.pad(values, self.pads, mode="edge")
        return np.ascontiguousarray(values, np.float32).reshape(self.shape)

    def combined(self, matrix: np.ndarray) -> list[np.ndarray]:
        """Weights of a compressed family: sum_k matrix[r, k] w_k for every r."""
        totals = [np.zeros(self.shape, np.float32) for _ in matrix]
        for k in np.flatnonzero(matrix.any(axis=0)):
            weight = self.whole(int(k))
            part = np.empty_like(weight)
            for total, c in zip(totals, matrix[:, k], strict=True):
                total += np.multiply(weight, np.float32(c), out=part)
        return totals

    def tabulate(self, names: Sequence[object], matrix: np.ndarray) -> None:
        """Weights of a compressed family from the levels: sum_k matrix[r, k] w_k is piecewise linear in u."""
        self.prepare_levels()
        for name, row in zip(names, matrix.astype(np.float32), strict=True):
            self.tables[name] = row, np.append(np.diff(row), np.float32(0))

    def prepare_levels(self) -> None:
        if self.level is None:
            self.level = self._placed(self.bound.level())

    def reader(self, k: int, box: Box) -> Callable[[int, int], np.ndarray]:
        """Return a function (a, b) -> weights of kernel k in planes a to b of the box."""
        if k in self.kept:
            kept = self.kept[k][box]
            return lambda a, b: kept[a:b]
        if k in self.tables:
            level, table = self.level[box], self.tables[k]
            return lambda a, b: _interpolated(level[a:b], *table)
        if self.level is not None:
            level = self.level[box]
            return lambda a, b: _hat(level[a:b], k)
        weight = self.whole(k)[box]
        return lambda a, b: weight[a:b]


def _interpolated(level: np.ndarray, values: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    cell = level.astype(np.intp)
    out = level - cell.astype(np.float32)
    out *= slopes[cell]
    out += values[cell]
    return out


def _hat(level: np.ndarray, k: int) -> np.ndarray:
    out = level - np.float32(k)
    np.abs(out, out=out)
    np.subtract(np.float32(1), out, out=out)
    return np.maximum(out, np.float32(0), out=out)


# -------------------------------------------------------------------------------------- compression


@dataclass(frozen=True)
class Compression:
    """A family of kernels written in a smaller basis, h_k ~ sum_r coefficients[k, r] basis[r].

    Attributes
    ----------
    basis : ndarray (rank, *kernel shape)
    coefficients : ndarray (K, rank)
    error : float
        Largest relative error (RMS) of a kernel's blur over images whose spectrum falls as 1/f in
        amplitude per octave, as that of photographs and anatomical images does; without the mean, which
        is kept exactly.
    worst_case : float
        Largest sum of |h_k - sum_r c_kr b_r|: times max |x| it bounds the error of A x (detector model) at
        every voxel, times sum |x| that of sum |A x| (source model), for any image whatsoever.
    """

    basis: np.ndarray
    coefficients: np.ndarray
    error: float
    worst_case: float

    @property
    def rank(self) -> int:
        return len(self.basis)


def compress(kernels: Sequence[np.ndarray], tolerance: float) -> Compression | None:
    """Find the smallest basis for a family of kernels whose error stays below `tolerance`.

    The basis is that of the singular value decomposition of the kernels' spectra, weighted by the 1/f
    spectrum of natural images (from their inner products, so very wide kernels take little time too). Sums
    of kernels are reproduced exactly.

    Parameters
    ----------
    kernels : sequence of ndarray
        All 2-D or all 3-D; centres at n // 2.
    tolerance : float
        For `Compression.error`. `Compression.worst_case` must stay below `LOW_RANK_WORST_CASE` too.

    Returns
    -------
    Compression or None
        None when no basis of at most 3/4 of the kernels' number is good enough.
    """
    family, shape = _common_grid(kernels)
    count = len(family)
    products = _weighted_products(family.reshape(count, *shape))
    norms = np.sqrt(np.diag(products))
    if not np.all(norms > 0):
        return None
    values, left = np.linalg.eigh(products / np.outer(norms, norms))  # squares of the singular values
    values, left = values[::-1], left[:, ::-1]
    sums = family.sum(axis=1)
    scale = np.abs(family).sum(axis=1)
    for rank in range(1, (3 * count) // 4 + 1):
        if values[rank - 1] < 1e-14 * values[0]:
            break
        mixture = (left[:, :rank] / np.sqrt(values[:rank])).T / norms
        coefficients = left[:, :rank] * np.sqrt(values[:rank]) * norms[:, None]
        basis_sums = mixture @ sums
        coefficients += np.outer(sums - coefficients @ basis_sums, basis_sums / (basis_sums @ basis_sums))
        left_over = np.eye(count) - coefficients @ mixture  # what is missing, in terms of the kernels
        squares = np.einsum("kj,ji,ki->k", left_over, products, left_over)
        error = float(np.sqrt(squares / norms**2 + 1e-15).max())  # rounding of the products included
        if error > tolerance:
            continue
        worst = float((np.abs(left_over @ family).sum(axis=1) / scale).max())
        if worst <= LOW_RANK_WORST_CASE:
            return Compression((mixture @ family).reshape(rank, *shape), coefficients, error, worst)
    return None


def _common_grid(kernels: Sequence[np.ndarray]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Kernels as rows of one array on a grid that holds them all, centres at n // 2."""
    ndim = kernels[0].ndim
    before = [max(h.shape[a] // 2 for h in kernels) for a in range(ndim)]
    after = [max(h.shape[a] - h.shape[a] // 2 for h in kernels) for a in range(ndim)]
    # An even size n has n / 2 voxels before the centre and n / 2 - 1 after it; otherwise use an odd size.
    shape = tuple(b + a if b == a else 2 * max(b, a - 1) + 1 for b, a in zip(before, after, strict=True))
    family = np.zeros((len(kernels), *shape))
    for row, h in zip(family, kernels, strict=True):
        corner = [n // 2 - m // 2 for n, m in zip(shape, h.shape, strict=True)]
        row[tuple(slice(c, c + m) for c, m in zip(corner, h.shape, strict=True))] = h
    return family.reshape(len(kernels), -1), shape


def _weighted_products(family: np.ndarray) -> np.ndarray:
    """Inner products of the kernels' spectra times f^(-n/2) (equal energy per octave), without the mean."""
    count, ndim = len(family), family.ndim - 1
    # Frequencies 1/64 of a voxel apart, or closer where a kernel is wider than that.
    sizes = [1 if n == 1 else sfft.next_fast_len(max(n, min(2 * n, 64), 32)) for n in family.shape[1:]]
    axes = [*(sfft.fftfreq(n) for n in sizes[:-1]), sfft.rfftfreq(sizes[-1])]
    squared = sum(np.square(f).reshape([-1 if a == i else 1 for a in range(ndim)]) for i, f in enumerate(axes))
    squared.flat[0] = np.inf
    effective = sum(n > 1 for n in sizes) or 1
    power = squared ** (-effective / 2)
    power[..., 1 : (sizes[-1] + 1) // 2] *= 2  # frequencies that stand for their mirror image too
    power = power.reshape(len(power), -1)
    # All axes but the first now, the first in blocks of frequencies, so that the spectra need not be kept.
    planes = sfft.rfftn(family, s=sizes[1:], axes=range(2, ndim + 1)).reshape(count, -1, power.shape[1])
    products = np.zeros((count, count))
    step = max(1, (1 << 19) // (count * len(power)))
    for start in range(0, power.shape[1], step):
        part = sfft.fft(planes[:, :, start : start + step], sizes[0], axis=1)
        part *= np.sqrt(power[:, start : start + step])
        part = part.reshape(count, -1).view(np.float64)
        products += part @ part.T
    return products


# ------------------------------------------------------------------------------------------ operator


@dataclass(eq=False)
class _Term:
    """One convolution: its spectrum, and which weights it goes with."""

    index: object  # kernel number, or ("basis", r)
    spectrum: _Spectrum | None  # None for the identity


@dataclass(eq=False)
class _Group:
    """Terms that share one FFT grid; with `compression`, its basis in place of the kernels."""

    transform: _Transform
    terms: list[_Term]
    compression: Compression | None = None


class SpatiallyVariantBlur(LinearOperator):
    """Blur with kernels that change from voxel to voxel, as a `scipy.sparse.linalg.LinearOperator`.

        detector model:  (A x)_i = sum_k w_k(i) sum_d h_k(d) x(i - d)
        source model:    (A x)_i = sum_k sum_d h_k(d) w_k(i - d) x(i - d)

    Parameters
    ----------
    field : KernelField or BoundField
        Kernels and what chooses among them.
    shape : tuple of int
        Shape of the image, (k, j, i) or (j, i).
    spacing : float or sequence of float, optional
        Voxel size in mm, in the same order.
    guide : ndarray, optional
        The image whose values choose the kernel; needed when `field` is keyed by intensity and not bound.
    model : {"detector", "source"}
    boundary : {"edge", "zero", "periodic", "extended"}
        What lies outside: the border voxel repeated, zero, or the image again; in the source model it is
        the weighted image w_k x that is extended. "extended": nothing is assumed, the unknown lives on a
        domain that is larger by the reach of the kernels (`domain_shape`), and A maps it to the image's
        voxels only.
    dtype : {"float32", "float64"}
    workers : int, optional
        Threads; by default as many as there are processors. Results do not depend on it.
    low_rank : float or "auto"
        Accepted error of the automatic compression of families of similar kernels (see `compress`); 0
        switches it off. "auto" is 2e-3 for float32 and 0 for float64.
    memory_limit : int, optional
        Bytes that cached spectra and weights may take; 12 images (at least 64 MiB) by default. What does
        not fit is computed again at each use.
    normalize : bool
        Scale every kernel to sum 1.

    Attributes
    ----------
    data_shape, domain_shape : tuple of int
        Shapes of y and of x; equal unless the boundary is "extended".
    shape : (int, int)
        Numbers of voxels of y and x: the operator as a matrix, on raveled images.
    compression : Compression or None
        The reduced basis, when one is used.
    grid : tuple of int
        Size of the full FFT grid, along the canonical axes: those of the image, with an axis of one voxel
        between the two of a 2-D image.
    transforms : float
        Real FFTs (of the full grid's size, smaller ones counted in proportion) of one product.

    Notes
    -----
    Memory beyond input and output: two spectra, each of the grid's size, and the caches.
    """

    def __init__(
        self,
        field: KernelField | BoundField,
        shape: Sequence[int],
        spacing: Spacing | None = None,
        guide: np.ndarray | None = None,
        model: str = "detector",
        boundary: str = "edge",
        dtype: str | np.dtype = "float32",
        workers: int | None = None,
        *,
        low_rank: float | str = "auto",
        memory_limit: int | None = None,
        normalize: bool = False,
    ):
        check_choice(model, MODELS, "model")
        check_choice(boundary, BOUNDARIES, "boundary")
        self.model, self.boundary = model, boundary
        dtype = np.dtype(dtype)
        if dtype not in (np.float32, np.float64):
            raise InputError(f"dtype {dtype} is not supported; use float32 or float64")
        self.workers = _worker_count(workers)
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.RLock()  # the buffers serve one product at a time
        self.data_shape = tuple(int(n) for n in shape)
        if isinstance(field, KernelField):
            field = _bind(field, self.data_shape, spacing, guide, normalize)
        elif tuple(field.shape) != self.data_shape:
            raise InputError(f"the field is bound to shape {field.shape}, the image has {self.data_shape}")
        self.bound = field
        self._lay_out([np.asarray(field.kernel(k).values) for k in range(len(field))])
        super().__init__(dtype, (math.prod(self.data_shape), math.prod(self.domain_shape)))
        tolerance = self._tolerance(low_rank)
        limit = max(CACHE_VOLUMES * self.shape[0] * dtype.itemsize, CACHE_LEAST)
        limit = limit if memory_limit is None else int(memory_limit)
        self._prepare(tolerance, limit)

    # -- set-up

    def _lay_out(self, kernels: list[np.ndarray]) -> None:
        """Fix domain and canonical shapes. Canonical arrays have three axes; a 2-D image has none between
        its rows and columns: (j, i) becomes (j, 1, i)."""
        reduced = [_reduced(h, self.data_shape, self.boundary) for h in kernels]
        ndim = len(self.data_shape)
        if self.boundary == "extended":
            self.margins = tuple(
                (max(h.shape[a] - 1 - h.shape[a] // 2 for h in reduced), max(h.shape[a] // 2 for h in reduced))
                for a in range(ndim)
            )
        else:
            self.margins = ((0, 0),) * ndim
        self.domain_shape = tuple(n + l + r for n, (l, r) in zip(self.data_shape, self.margins, strict=True))
        used = [a for a in range(ndim) if self.domain_shape[a] > 1 or any(h.shape[a] > 1 for h in reduced)]
        spare = [a for a in range(ndim) if a not in used]
        used = sorted(used + spare[: max(0, 2 - len(used))])

        def canonical(values: Sequence[int], between: int = 1) -> tuple[int, ...]:
            kept = [values[a] for a in used]
            return tuple(kept) if len(kept) == 3 else (kept[0], between, kept[1])

        rows, cols = canonical(self.data_shape), canonical(self.domain_shape)
        lead = canonical([l for l, _ in self.margins], 0)
        self._problem = _Problem(rows, cols, lead, self.boundary, self.model == "source")
        self.canonical_data, self.canonical_domain = rows, cols
        self._canonical_kernels = [h.reshape(canonical(h.shape)) for h in reduced]
        source = self.model == "source"
        self._weighted_shape = cols if source else rows
        self._weight_pads = self.margins if source else ((0, 0),) * ndim

    def _tolerance(self, low_rank: float | str) -> float:
        if low_rank == "auto":
            return LOW_RANK_TOLERANCE if self.dtype == np.float32 else 0.0
        try:
            tolerance = float(low_rank)
        except (TypeError, ValueError) as error:
            raise InputError(f"low_rank {low_rank!r} must be 'auto' or an accepted error such as 2e-3") from error
        if not 0 <= tolerance < 1:
            raise InputError(f"low_rank {low_rank!r} must be at least 0 (off) and less than 1")
        return tolerance

    def _prepare(self, tolerance: float, limit: int) -> None:
        self._accepted, self._limit = tolerance, limit
        kernels = self._canonical_kernels
        self._weights = _Weights(self.bound, self._weighted_shape, self._weight_pads, self.dtype)
        full = _geometry(self._problem, _reach(kernels))
        self._identities, local, shared = self._sort_terms(full)
        budget = _Budget(limit)
        self._groups: list[_Group] = []
        # Another member of a compressed family costs nothing, so compression competes with small boxes.
        everyone = sorted([k for k, _ in local] + shared)
        self.compression = self._compressed(everyone, full, tolerance, budget)
        apart = bool(shared) + len(shared) + sum(2 * g.cost for _, g in local) / full.cost
        if self.compression is not None and self.compression.rank + 1 <= apart:
            local, shared = [], everyone
        elif local:
            self.compression = self._compressed(shared, full, tolerance, budget)
        if shared:
            self._groups.append(self._shared_group(full, shared, self.compression, budget))
            if self.compression is not None:
                self._combine_weights(shared, budget)
        for k, geometry in local:
            transform = _Transform(geometry, self.dtype, self.run)
            keep = budget.take(_Spectrum.bytes_for(kernels[k], transform, keep=True))
            self._groups.append(_Group(transform, [_Term(k, _Spectrum(kernels[k], transform, keep))]))
        self._keep_weights(budget)
        cost = sum((1 + len(g.terms)) * g.transform.geometry.cost for g in self._groups)
        self.transforms = cost / full.cost
        self.grid = full.grid

    def _sort_terms(self, full: _Geometry) -> tuple[list[int], list[tuple[int, _Geometry]], list[int]]:
        """Split the kernels: identities, those worth an FFT of their own bounding box, and the rest."""
        identities, local, shared = [], [], []
        for k, h in enumerate(self._canonical_kernels):
            box = self._support(k)
            if box is None:
                continue  # no voxel uses this kernel
            if self.bound.is_identity(k):
                identities.append(k)
                continue
            # What is extended must be inside the box: the wrapped image, the weighted border voxels.
            extends = self.boundary == "periodic" or (
                self.boundary == "edge" and self._problem.source and _touches(box, self.canonical_domain)
            )
            geometry = full if extends else _geometry(self._problem, _reach([h]), box)
            # Alone, a term takes two transforms of its box; in the shared group, one of the full grid.
            if 2 * geometry.cost < 0.8 * full.cost:
                local.append((k, geometry))
            else:
                shared.append(k)
        return identities, local, shared

    def _compressed(
        self, shared: list[int], full: _Geometry, tolerance: float, budget: _Budget
    ) -> Compression | None:
        kernels = [self._canonical_kernels[k] for k in shared]
        if not tolerance or len(kernels) < 3 or len(kernels) * max(h.size for h in kernels) > 1 << 25:
            return None
        compression = compress(kernels, tolerance)
        if compression is None:
            return None
        columns = full.grid[1] * (full.grid[2] // 2 + 1)
        spectra = sum(2 * self.dtype.itemsize * columns * _rows_kept(h, full.grid[0]) for h in compression.basis)
        weights = compression.rank * 4 * math.prod(self._weighted_shape)
        return compression if self._weights.hats or budget.fits(spectra + weights) else None

    def _support(self, k: int) -> Box | None:
        box = self.bound.support(k)
        if box is None:
            return None
        if all(s.start == 0 and s.stop == n for s, n in zip(box, self.data_shape, strict=True)):
            return tuple(slice(0, n) for n in self._weighted_shape)
        if self._weighted_shape == self.data_shape:
            return box
        return bounding_box(self._weights.whole(k))

    def _shared_group(
        self, geometry: _Geometry, shared: list[int], compression: Compression | None, budget: _Budget
    ) -> _Group:
        transform = _Transform(geometry, self.dtype, self.run)
        if compression is not None:
            named = [(("basis", r), h) for r, h in enumerate(compression.basis)]
        else:
            named = [(k, self._canonical_kernels[k]) for k in shared]
        terms = []
        for name, kernel in named:
            keep = budget.take(_Spectrum.bytes_for(kernel, transform, keep=True))
            terms.append(_Term(name, _Spectrum(kernel, transform, keep)))
        return _Group(transform, terms, compression)

    def _combine_weights(self, shared: list[int], budget: _Budget) -> None:
        matrix = np.zeros((self.compression.rank, len(self.bound)))
        matrix[:, shared] = self.compression.coefficients.T
        names = [("basis", r) for r in range(len(matrix))]
        if self._weights.hats and not budget.fits(len(names) * 4 * math.prod(self._weighted_shape)):
            self._weights.tabulate(names, matrix)
            return
        for name, weight in zip(names, self._weights.combined(matrix), strict=True):
            self._weights.kept[name] = weight
            budget.take(weight.nbytes)

    def all_kernels(self) -> _Group:
        """The group of all kernels in their order, whatever the weights are: for models with other weights."""
        everyone = list(range(len(self._canonical_kernels)))
        for group in self._groups:
            if group.compression is not None and len(group.compression.coefficients) == len(everyone):
                return group
            if [t.index for t in group.terms] == everyone:
                return group
        geometry = _geometry(self._problem, _reach(self._canonical_kernels))
        budget = _Budget(self._limit)
        compression = self._compressed(everyone, geometry, self._accepted, budget)
        return self._shared_group(geometry, everyone, compression, budget)

    def _keep_weights(self, budget: _Budget) -> None:
        """Keep weights in memory as far as the limit goes; past it, hats come from one number per voxel."""
        names = [t.index for g in self._groups for t in g.terms] + list(self._identities)
        names = [n for n in names if n not in self._weights.kept and n not in self._weights.tables]
        size = 4 * math.prod(self._weighted_shape)
        if self._weights.hats and len(names) > 0 and not budget.fits(size * len(names)):
            self._weights.prepare_levels()
            return
        for name in names:
            if budget.take(size):
                self._weights.kept[name] = self._weights.whole(name)

    # -- products

    def forward(
        self, x: np.ndarray, progress: Progress | None = None, cancelled: Cancel | None = None
    ) -> np.ndarray:
        """Return A x.

        Parameters
        ----------
        x : ndarray of shape `domain_shape`
        progress : callable (fraction, text), optional
            Called after each kernel.
        cancelled : callable () -> bool, optional
            Asked before each kernel.

        Returns
        -------
        ndarray of shape `data_shape`, of the operator's dtype

        Raises
        ------
        InputError
            If `x` has another shape or is complex.
        Cancelled
            If `cancelled` returned true.
        """
        x = self._canonical(x, self.domain_shape, self.canonical_domain, "x")
        hook = _Hook(progress, cancelled, self._term_count(), "blur")
        return self._product(x, self.canonical_data, False, hook).reshape(self.data_shape)

    def adjoint(
        self, y: np.ndarray, progress: Progress | None = None, cancelled: Cancel | None = None
    ) -> np.ndarray:
        """Return A^T y, of shape `domain_shape`, for `y` of shape `data_shape`. See `forward`."""
        y = self._canonical(y, self.data_shape, self.canonical_data, "y")
        hook = _Hook(progress, cancelled, self._term_count(), "transposed blur")
        return self._product(y, self.canonical_domain, True, hook).reshape(self.domain_shape)

    def _product(self, image: np.ndarray, shape: tuple[int, ...], transposed: bool, hook: _Hook) -> np.ndarray:
        out = _Later(shape, self.dtype)
        # The weights follow the transforms back in A of the detector model and in A^T of the source model.
        method = self._spread if (self.model == "detector") != transposed else self._collect
        with self._lock:
            self._add_identities(image, out, transposed, hook)
            for group in self._groups:
                domain, data = group.transform.geometry.domain, group.transform.geometry.data
                side, other = (data, domain) if transposed else (domain, data)
                method(group, image, side, out, other, transposed, hook)
        return out()

    def _spread(self, group, image, side, out, other, conjugate, hook) -> None:
        """out += sum_k w_k (h_k * image)."""
        target = out()[other.box]

        def write(r: int) -> Callable:
            weight = self._weights.reader(group.terms[r].index, other.box)

            def add(a, b, part):
                part *= weight(a, b)
                target[a:b] += part

            return add

        self.scatter(group, image[side.box], side, other, conjugate, write, hook)

    def _collect(self, group, image, side, out, other, conjugate, hook) -> None:
        """out += sum_k h_k * (w_k image)."""
        values = image[side.box]

        def read(r: int) -> Callable:
            weight = self._weights.reader(group.terms[r].index, side.box)
            return lambda a, b: values[a:b] * weight(a, b)

        self.gather(group, side, lambda: out()[other.box], other, conjugate, read, hook)

    def scatter(self, group, values, side, other, conjugate, write, hook=None) -> None:
        """Convolve one image with every kernel of a group: one transform, and one back for every kernel.

        ``write(r)(a, b, part)`` takes planes a to b, on the box of `other`, of the image convolved with
        kernel r (with its transpose when `conjugate`); it may change `part`.
        """
        hook = hook or _Hook(None, None, 1, "")
        transform = group.transform
        one = len(group.terms) == 1
        spectrum = transform.spectrum()
        first = group.terms[0].spectrum

        def store(i, part):
            spectrum[i] = first.times(i, part, out=part) if one else part

        transform.analyse(side, lambda a, b: values[a:b], store, conjugate)
        for r, term in enumerate(group.terms):
            hook.before()
            if one:
                transform.synthesise(other, spectrum.__getitem__, write(r), conjugate)
            else:
                times = term.spectrum.times
                transform.synthesise(other, lambda i, times=times: times(i, spectrum[i]), write(r), conjugate)
            hook.after()

    def gather(self, group, side, target, other, conjugate, read, hook=None) -> None:
        """Add to `target()` the sum of images convolved with the kernels of a group: one transform each, one back.

        ``read(r)(a, b)`` gives planes a to b, on the box of `side`, of the image for kernel r.
        """
        hook = hook or _Hook(None, None, 1, "")
        transform = group.transform
        total = transform.spectrum()
        for r, term in enumerate(group.terms):
            hook.before()
            times = term.spectrum.times

            def add(i, part, times=times, r=r):
                times(i, part, out=part)
                if r:
                    total[i] += part
                else:
                    total[i] = part

            transform.analyse(side, read(r), add, conjugate)
            hook.after()

        image: list[np.ndarray] = []

        def write(a, b, part):
            image[0][a:b] += part

        def take(i):
            part, total[i] = total[i], None  # so that the spectrum goes while the image comes
            return part

        transform.synthesise(other, take, write, conjugate, between=lambda: image.append(target()))

    def _add_identities(self, image, out, transposed: bool, hook) -> None:
        inner = self._inner()  # weights are on the data or on the domain
        everything = tuple(slice(0, n) for n in self._weighted_shape)
        for k in self._identities:
            hook.before()
            weight = self._weights.reader(k, everything)(0, self._weighted_shape[0])
            if self.model == "source":
                weight = weight[inner]
            if transposed:
                out()[inner] += weight * image
            else:
                total = out()
                total += weight * image[inner]
            hook.after()

    def _inner(self) -> Box:
        """The data's voxels in the canonical domain."""
        return tuple(slice(a, a + n) for a, n in zip(self._problem.lead, self._problem.rows, strict=True))

    def canonical_crop(self, x: np.ndarray) -> np.ndarray:
        """`crop` for arrays in the canonical shape."""
        return x[self._inner()]

    def _matvec(self, x):
        return self.forward(np.asarray(x).reshape(self.domain_shape)).ravel()

    def _rmatvec(self, y):
        return self.adjoint(np.asarray(y).reshape(self.data_shape)).ravel()

    # -- helpers

    def extend(self, y: np.ndarray) -> np.ndarray:
        """Put an image on the domain: itself, or with the border voxels repeated when the domain is larger."""
        y = np.asarray(y, self.dtype)
        return np.pad(y, self.margins, mode="edge") if any(map(sum, self.margins)) else y.copy()

    def crop(self, x: np.ndarray) -> np.ndarray:
        """Cut the image's voxels out of the domain (a view)."""
        inner = (slice(l, l + n) for n, (l, _) in zip(self.data_shape, self.margins, strict=True))
        return x[tuple(inner)]

    def _term_count(self) -> int:
        return len(self._identities) + sum(len(g.terms) for g in self._groups)

    def _canonical(self, array: np.ndarray, shape: tuple[int, ...], to: tuple[int, ...], name: str) -> np.ndarray:
        array = np.asarray(array)
        if array.shape != shape:
            raise InputError(f"{name} has shape {array.shape}, the operator needs {shape}")
        if np.iscomplexobj(array):
            raise InputError(f"{name} is complex ({array.dtype}); give real values")
        return np.ascontiguousarray(array, self.dtype).reshape(to)

    def run(self, work: Callable, items: Sequence) -> None:
        """Call `work` on every item, in threads; the items write to places of their own."""
        if self.workers == 1 or len(items) == 1:
            for item in items:
                work(item)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.workers)
        for _ in self._pool.map(work, items):
            pass


class _Later:
    """An image of zeros that is made when it is first asked for."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype):
        self.shape, self.dtype = shape, dtype
        self.array: np.ndarray | None = None

    def __call__(self) -> np.ndarray:
        if self.array is None:
            self.array = np.zeros(self.shape, self.dtype)
        return self.array


class _Budget:
    """Bytes left for caches."""

    def __init__(self, limit: int):
        self.left = limit

    def fits(self, size: int) -> bool:
        return size <= self.left

    def take(self, size: int) -> bool:
        if not self.fits(size):
            return False
        self.left -= size
        return True


class _Hook:
    """Reports progress and asks for cancellation, kernel by kernel."""

    def __init__(self, progress: Progress | None, cancelled: Cancel | None, count: int, text: str):
        self.progress, self.cancelled, self.count, self.text = progress, cancelled, max(count, 1), text
        self.done = 0

    def before(self) -> None:
        if self.cancelled is not None and self.cancelled():
            raise Cancelled

    def after(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done / self.count, f"{self.text}: kernel {self.done} of {self.count}")


def _bind(field: KernelField, shape: tuple[int, ...], spacing, guide, normalize: bool) -> BoundField:
    if guide is None:
        if field.key == "intensity":
            raise InputError("the kernels are keyed by intensity, but guide is None; give the image that chooses")
        guide = np.broadcast_to(np.float32(0), shape)
    guide = np.asarray(guide)
    if guide.shape != shape:
        raise InputError(f"guide has shape {guide.shape}, the image {shape}; they must agree")
    return field.bind(guide, spacing, normalize=normalize)


def _worker_count(workers: int | None) -> int:
    if workers is None:
        return usable_processors()
    if int(workers) != workers or workers < 1:
        raise InputError(f"workers {workers!r} must be a whole number of threads, at least 1")
    return int(workers)


def _touches(box: Box, shape: Sequence[int]) -> bool:
    return any(s.start == 0 or s.stop == n for s, n in zip(box, shape, strict=True) if n > 1)
