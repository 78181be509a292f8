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
        ends = self._ends(box, channel, frame)
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
        return self._made(values, channel)

    def write(self, box: Box, values: np.ndarray, channel: int | None, frame: int) -> None:
        """Write the values of a box into the file, which is as long as it will be.

        Raises
        ------
        OSError
        """
        ends = self._ends(box, channel, frame)
        names = "".join(axis for axis in "zyxc" if axis in "zyx" or values.ndim > 3)
        there = [axis for axis in self.axes if axis in names]
        ordered = np.transpose(values, [names.index(axis) for axis in (*set(names) - set(there), *there)])
        content = np.ascontiguousarray(ordered, self.stored).reshape(-1).view(np.uint8)
        with self.path.open("r+b", buffering=0) as file:
            for at, part in self._runs(ends, content.data):
                file.seek(at)
                while part:
                    part = part[file.write(part) :]

    def complete(self) -> None:
        """Have the system write all that it holds."""
        with self.path.open("r+b") as file:
            os.fsync(file.fileno())

    def _ends(self, box: Box, channel: int | None, frame: int) -> list[slice]:
        """The box on every axis of the file."""
        channels = slice(0, self.length_of("c")) if channel is None else slice(channel, channel + 1)
        whole = {"t": slice(frame, frame + 1), "c": channels, **dict(zip("zyx", box, strict=True))}
        return [whole[axis] for axis in self.axes]

    def _runs(self, ends: Sequence[slice], held: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Where each run of a box begins in the file, and the bytes of it."""
        size = self.stored.itemsize
        for place, (start, count) in enumerate(_runs(self.shape, ends)):
            bytes_of_run = count * size
            yield self.offset + start * size, held[place * bytes_of_run : (place + 1) * bytes_of_run]

    def _made(self, values: np.ndarray, channel: int | None) -> np.ndarray:
        """What was read, in the order and of the type of the volume."""
        if self.scale is not None:
            slope, intercept = self.scale
            values = (values.astype(self.dtype).astype(np.float64) * slope + intercept).astype(self.dtype)
        several = self.length_of("c") > 1 and channel is None
        wanted = "zyxc" if several else "zyx"
        kept = [axis for axis in self.axes if axis in wanted]
        values = values.reshape([n for axis, n in zip(self.axes, values.shape, strict=True) if axis in wanted])
        values = np.transpose(values, [kept.index(axis) for axis in wanted if axis in kept])
        for place, axis in enumerate(wanted):
            if axis not in kept:
                values = np.expand_dims(values, place)
        return np.ascontiguousarray(values, self.dtype)


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
