"""A volume in a file, of which boxes are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...arrays.boxes import Box
from ...errors import InputError


@dataclass(frozen=True)
class Geometry:
    """Where the voxels of a volume lie.

    Attributes
    ----------
    spacing : (float, float, float)
        Voxel size in mm on the axes (z, y, x), as everywhere in the engine.
    origin : (float, float, float)
        Place of the first voxel in mm: to the left, to the back, up (LPS), as ITK has it.
    direction : tuple of 9 floats
        ITK's matrix, row by row: its columns are the directions of the axes x, y, z in that space.
    """

    spacing: tuple[float, ...] = (1.0, 1.0, 1.0)
    origin: tuple[float, ...] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    @classmethod
    def of_axes(cls, spacing: Sequence[float], origin: Sequence[float], direction: Sequence[float]) -> Geometry:
        """Return that of an image of 2 axes or more, all in ITK's order (x, y, ...): the first three count."""
        axes = len(spacing)
        used = min(axes, 3)
        matrix = np.eye(3)
        matrix[:used, :used] = np.reshape(direction, (axes, axes))[:used, :used]
        lengths = (*spacing[:used], 1.0)[:3]
        places = (*origin[:used], 0.0)[:3]
        return cls(tuple(map(float, lengths[::-1])), tuple(map(float, places)), tuple(map(float, matrix.ravel())))


class NotInParts(Exception):
    """Why a file cannot be read in parts, in the words of a message; whoever opens it reads it whole."""


class Source(Protocol):
    """What reads the voxels of a file. It is sent to other processes, so it opens the file where it reads."""

    def read(self, box: Box, channel: int | None, frame: int) -> np.ndarray:
        """Return the voxels of a box, (z, y, x), or (z, y, x, channel) of several channels."""


@dataclass(frozen=True)
class StoredVolume:
    """A volume in a file, unread. It can be pickled: whoever has it opens the file again.

    Attributes
    ----------
    path : Path
    shape : (int, int, int)
        Voxels on the axes (z, y, x); a 2-D image is one slice.
    dtype : dtype
        Of what `read` returns, in the machine's byte order.
    geometry : Geometry
    has_spacing : bool
        Whether the file says how large its voxels are; else they count as 1 mm.
    is_parts : bool
        Whether a box is read without the rest of the file. Else the first `read` reads all and keeps it.
    chunks : (int, int, int) or None
        The boxes that are stored together, of which a part costs as much as the whole: of Zarr and tiled TIFF.
    channels, frames : int
        Values of a voxel, and volumes of a sequence.
    channel_names : tuple of str
        What the channels are called, where the file says so.
    told : tuple of str
        What was assumed or left out, in words.
    source : Source
    """

    path: Path
    shape: tuple[int, int, int]
    dtype: np.dtype
    geometry: Geometry
    source: Source
    has_spacing: bool = True
    is_parts: bool = True
    chunks: tuple[int, int, int] | None = None
    channels: int = 1
    frames: int = 1
    told: tuple[str, ...] = ()
    channel_names: tuple[str, ...] = ()

    @property
    def spacing(self) -> tuple[float, ...]:
        """Voxel size in mm on the axes (z, y, x)."""
        return self.geometry.spacing

    @property
    def origin(self) -> tuple[float, ...]:
        """Place of the first voxel; see `Geometry`."""
        return self.geometry.origin

    @property
    def direction(self) -> tuple[float, ...]:
        """Directions of the axes; see `Geometry`."""
        return self.geometry.direction

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes of all that the file holds, those of `read` after the frames."""
        frames = ("frame",) if self.frames > 1 else ()
        return (*frames, "z", "y", "x", *(("channel",) if self.channels > 1 else ()))

    @property
    def nbytes(self) -> int:
        """Bytes of all voxels, channels and frames."""
        return math.prod(self.shape) * self.channels * self.frames * self.dtype.itemsize

    def read(self, box: Box = (slice(None),) * 3, channel: int | None = None, frame: int = 0) -> np.ndarray:
        """Return the voxels of a box.

        Parameters
        ----------
        box : tuple of 3 slices
            Along z, y, x, without steps.
        channel : int, optional
            From 0; by default all.
        frame : int
            From 0.

        Returns
        -------
        ndarray, (z, y, x), or (z, y, x, channel) where there are several channels and none was named
            An array of its own.

        Raises
        ------
        InputError
            If the box or a number lies outside, or the file is damaged there.
        """
        whole = whole_box(box, self.shape, self.path)
        if channel is not None and not 0 <= channel < self.channels:
            raise InputError(f"{self.path} has no channel {channel}, of {self.channels}; count them from 0")
        if not 0 <= frame < self.frames:
            raise InputError(f"{self.path} has no frame {frame}, of {self.frames}; count them from 0")
        return self.source.read(whole, channel, frame)


@dataclass(frozen=True)
class View:
    """One channel of one frame of a stored volume, as an array that is read where it is indexed.

    Attributes
    ----------
    volume : StoredVolume
    channel, frame : int
    """

    volume: StoredVolume
    channel: int = 0
    frame: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels on the axes (z, y, x)."""
        return self.volume.shape

    @property
    def ndim(self) -> int:
        """Always 3."""
        return 3

    @property
    def dtype(self) -> np.dtype:
        """Of the values."""
        return self.volume.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __getitem__(self, box: Box) -> np.ndarray:
        """Return the values of a box."""
        return self.volume.read(box, self.channel, self.frame)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return all values, for whoever needs an array."""
        values = self[(slice(None),) * 3]
        return values if dtype is None else values.astype(dtype, copy=False)


def whole_box(box: Box, shape: Sequence[int], what: Path) -> Box:
    """Return a box with its ends as numbers.

    Raises
    ------
    InputError
        If it has steps, is empty, or leaves the volume.
    """
    if len(box) != len(shape):
        raise InputError(f"box {_text(box)} of {what} has {len(box)} axes; give {len(shape)}: z, y, x")
    ends = []
    for part, length in zip(box, shape, strict=True):
        start, stop = part.start or 0, length if part.stop is None else part.stop
        if part.step not in (None, 1) or not 0 <= start < stop <= length:
            sizes = " x ".join(map(str, shape))
            raise InputError(f"box {_text(box)} is no part of the {sizes} voxels of {what}")
        ends.append(slice(int(start), int(stop)))
    return tuple(ends)


def _text(box: Box) -> str:
    return ", ".join(f"{part.start}:{part.stop}" + (f":{part.step}" if part.step else "") for part in box)
