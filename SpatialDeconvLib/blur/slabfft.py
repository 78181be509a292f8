"""FFTs between an image and a grid, in slabs that stay in the processor's cache, and kernels' spectra on them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy.fft as sfft

from ..arrays.threads import Crew
from .grids import Geometry, Side

#: Gives planes a to b of an image.
Read = Callable[[int, int], np.ndarray]
#: Takes planes a to b of an image.
Write = Callable[[int, int, np.ndarray], None]

_SLAB = 1 << 18  # complex elements worked on at a time by one thread: two megabytes in float32


class Transform:
    """FFTs between the box of a side and the grid, in slabs, with a plane buffer that is used again.

    `conjugate` runs the transforms backwards: the same passes then yield conj(F), which turns a product
    with a spectrum into the product with its conjugate without forming the conjugate.
    """

    def __init__(self, geometry: Geometry, dtype: np.dtype, run: Crew):
        self.geometry = geometry
        self.real = dtype
        self.complex = np.result_type(dtype, np.complex64)
        self.run = run
        n0, n1, n2 = geometry.grid
        self.frequencies = n2 // 2 + 1
        self.columns = n1 * self.frequencies
        self.planes = self._room()
        # Whole rows, so that a slab is made of contiguous pieces; a 2-D image has only one.
        row = self.frequencies if n1 > 1 else 1
        step = row * _part(self.columns // row, _SLAB // (n0 * row))
        self.slabs = [slice(a, min(a + step, self.columns)) for a in range(0, self.columns, step)]

    def _room(self) -> np.ndarray:
        """The plane buffer."""
        first = max(self.geometry.domain.size[0], self.geometry.data.size[0])
        return np.empty((first, self.geometry.grid[1], self.frequencies), self.complex)

    def __getstate__(self) -> dict:
        return {**self.__dict__, "planes": None}  # what it holds means nothing from one product to the next

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self.planes = self._room()

    def chunks(self, side: Side) -> list[tuple[int, int]]:
        n = side.size[0]
        thickness = _part(n, _SLAB // self.columns)
        return [(a, min(a + thickness, n)) for a in range(0, n, thickness)]

    def analyse(
        self,
        side: Side,
        read: Read,
        sink: Callable[[int, np.ndarray], None],
        conjugate: bool,
        check: Callable[[], object] | None = None,
    ) -> None:
        """Transform an image: `read(a, b)` gives planes a to b of the side's box, `sink(i, column)` takes
        slab number i of the spectrum, an array (N0, columns of the slab) in one piece that is its own to keep;
        `check` is called after every part, and may raise."""
        n0, n1, n2 = self.geometry.grid
        extended = [left + right > 0 for left, right in zip(side.left, side.right, strict=True)]

        def planes(chunk: tuple[int, int]) -> None:
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
                fft_in_place(part, 1, conjugate)

        def column(number: int) -> None:
            slab = self.slabs[number]
            part = np.empty((n0, slab.stop - slab.start), self.complex)
            rows = side.rows(0)
            part[: rows.start] = 0
            part[rows.stop :] = 0
            part[rows] = self.planes.reshape(len(self.planes), -1)[: side.size[0], slab]
            if extended[0]:
                side.extend(part, 0, 0)
            fft_in_place(part, 0, conjugate)
            sink(number, part)

        self.run(planes, self.chunks(side), check)
        self.run(column, range(len(self.slabs)), check)

    def synthesise(
        self,
        side: Side,
        source: Callable[[int], np.ndarray],
        write: Write,
        conjugate: bool,
        between: Callable[[], object] | None = None,
        check: Callable[[], object] | None = None,
    ) -> None:
        """Transform back: `source(i)` gives slab number i of the spectrum, an array that may be overwritten;
        `write(a, b, image)` takes planes a to b of the side's box; `between` is called before the first, `check`
        after every part."""
        _, n1, n2 = self.geometry.grid
        extended = [left + right > 0 for left, right in zip(side.left, side.right, strict=True)]

        def column(number: int) -> None:
            slab = self.slabs[number]
            part = source(number)
            fft_in_place(part, 0, not conjugate)
            if extended[0]:
                side.fold(part, 0, 0)
            self.planes.reshape(len(self.planes), -1)[: side.size[0], slab] = part[side.rows(0)]

        def planes(chunk: tuple[int, int]) -> None:
            a, b = chunk
            part = self.planes[a:b]
            if n1 > 1:
                fft_in_place(part, 1, not conjugate)
                if extended[1]:
                    side.fold(part, 1, 1)
            rows = _irfft(part[:, side.rows(1)], n2, conjugate)
            if extended[2]:
                side.fold(rows, 2, 2)
            write(a, b, rows[:, :, side.rows(2)])

        self.run(column, range(len(self.slabs)), check)
        if between is not None:
            between()
        self.run(planes, self.chunks(side), check)


def _part(total: int, most: int) -> int:
    """Size of parts of at most `most`, an even number of them, so that two or four threads finish together."""
    if 2 * total <= most:
        return total
    count = 2 * math.ceil(total / (2 * max(1, most)))
    return math.ceil(total / count)


def fft_in_place(array: np.ndarray, axis: int, backward: bool) -> None:
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


class Spectrum:
    """The spectrum of one kernel on a grid, scaled by 1 / (number of grid voxels), slab by slab.

    A kernel that is a product of a profile along the first axis and a plane is kept as these two spectra,
    which is next to nothing. Any other is kept whole when `keep` allows it (one half, when the other is
    its mirror image), else as the spectra of its planes, and transformed along the first axis again at
    each use: a third of an FFT more.
    """

    def __init__(self, kernel: np.ndarray, transform: Transform, keep: bool):
        self.grid = transform.geometry.grid
        self.complex = transform.complex
        self.slabs = transform.slabs
        self.full: list[np.ndarray] | None = None
        self.partial: list[np.ndarray] | None = None
        self.places = (np.arange(kernel.shape[0]) - kernel.shape[0] // 2) % self.grid[0]
        scaled = kernel / math.prod(self.grid)
        factors = _factors(scaled, transform.real)
        if factors is not None:
            line, plane = factors
            profile = np.zeros(self.grid[0])
            np.add.at(profile, self.places, line)
            self.profile: np.ndarray = sfft.fft(profile).astype(self.complex)[:, None]
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
        rows = rows_kept(kernel, self.grid[0])
        self.full = [self._column(partial[:, slab])[:rows].astype(self.complex) for slab in self.slabs]

    @staticmethod
    def bytes_for(kernel: np.ndarray, transform: Transform, keep: bool) -> int:
        """Memory that the spectrum takes."""
        item = transform.complex.itemsize
        n0 = transform.geometry.grid[0]
        if _factors(kernel, transform.real) is not None:
            return item * (n0 + transform.columns)
        partial = not keep and 2 * kernel.shape[0] <= n0
        if not partial:
            return item * transform.columns * rows_kept(kernel, n0)
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
        fft_in_place(out, 0, False)
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
            column = self._column(self.partial[number])
            return np.multiply(values, column, out=column if out is None else out)
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


def rows_kept(kernel: np.ndarray, n0: int) -> int:
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
