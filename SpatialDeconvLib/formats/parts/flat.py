"""Voxels that lie one after another in a file: boxes of them are read and written run by run.

With plain reads and writes, not by mapping the file into memory: a full disk or a file cut short is then an error,
not the end of the process, and what is read counts once.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...arrays.boxes import Box
from ...errors import InputError
from ..axes import from_order, in_order, place_of


@dataclass(frozen=True)
class FlatFile:
    """Where the values of a volume lie in a file.

    Attributes
    ----------
    path : Path
        The file that holds them.
    offset : int
        Bytes before the first.
    axes : str
        The file's axes, the slowest first: of t (frame), c (channel), z, y, x. What is missing has length 1.
    shape : tuple of int
        Values along them.
    stored : dtype
        Of the values, in the file's byte order.
    dtype : dtype
        What they are turned into.
    scale : (slope, intercept), optional
        What they are multiplied with, and what is added, in double precision.
    """

    path: Path
    offset: int
    axes: str
    shape: tuple[int, ...]
    stored: np.dtype
    dtype: np.dtype
    scale: tuple[float, float] | None = None

    @property
    def end(self) -> int:
        """The length that the file must have."""
        return self.offset + math.prod(self.shape) * self.stored.itemsize

    def length_of(self, axis: str) -> int:
        """Return the number of values along an axis."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1

    def read(self, box: Box, channel: int | None, frame: int) -> np.ndarray:
        """Return the values of a box; see `volume.StoredVolume.read`."""
        ends = place_of(self.axes, box, channel, self.length_of("c"), frame)
        values = np.empty([e.stop - e.start for e in ends], self.stored)
        held = values.reshape(-1).view(np.uint8).data
        try:
            with self.path.open("rb", buffering=0) as file:
                for at, part in self._runs(ends, held):
                    file.seek(at)
                    while part:
                        count = file.readinto(part)
                        if not count:
                            raise InputError(f"{self.path} is cut short; copy or write it again")
                        part = part[count:]
        except OSError as error:
            raise InputError(f"{self.path} cannot be read ({error.strerror}); check the path") from error
        if self.scale is not None:
            slope, intercept = self.scale
            values = values.astype(self.dtype).astype(np.float64) * slope + intercept
        values = in_order(values, self.axes, channel is None and self.length_of("c") > 1)
        return np.ascontiguousarray(values, self.dtype)

    def write(self, box: Box, values: np.ndarray, channel: int | None, frame: int) -> None:
        """Write the values of a box into the file, which is as long as it will be.

        Raises
        ------
        OSError
        """
        ends = place_of(self.axes, box, channel, self.length_of("c"), frame)
        content = np.ascontiguousarray(from_order(values, self.axes), self.stored).reshape(-1).view(np.uint8)
        with self.path.open("r+b", buffering=0) as file:
            for at, part in self._runs(ends, content.data):
                file.seek(at)
                while part:
                    part = part[file.write(part) :]

    def complete(self) -> None:
        """Have the system write all that it holds."""
        with self.path.open("r+b") as file:
            os.fsync(file.fileno())

    def _runs(self, ends: Sequence[slice], held: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Where each run of a box begins in the file, and the bytes of it."""
        size = self.stored.itemsize
        for place, (start, count) in enumerate(_runs(self.shape, ends)):
            bytes_of_run = count * size
            yield self.offset + start * size, held[place * bytes_of_run : (place + 1) * bytes_of_run]


def _runs(shape: Sequence[int], ends: Sequence[slice]) -> Iterator[tuple[int, int]]:
    """The runs of values of a box that lie together: the number of the first, and how many."""
    last = len(shape)
    while last > 1 and ends[last - 1] == slice(0, shape[last - 1]):  # whole lines lie together
        last -= 1
    behind = math.prod(shape[last:])
    steps = [math.prod(shape[axis + 1 :]) for axis in range(last)]
    first, count = ends[last - 1].start * behind, (ends[last - 1].stop - ends[last - 1].start) * behind
    for index in itertools.product(*(range(e.start, e.stop) for e in ends[: last - 1])):
        yield first + sum(i * step for i, step in zip(index, steps, strict=False)), count
