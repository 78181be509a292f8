"""What a volume that is written in parts is to be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from ...arrays.boxes import Box
from .volume import Geometry


@dataclass(frozen=True)
class Plan:
    """A volume that will be written in parts.

    Attributes
    ----------
    shape : (int, int, int)
        Voxels on the axes (z, y, x).
    dtype : dtype
    geometry : volume.Geometry
    channels, frames : int
    chunks : (int, int, int) or None
        What is stored together, where the format does so.
    multiscale : bool
        Whether coarser versions are to be written, where the format has them.
    channel_names : tuple of str
        What the channels are called, where the format keeps that.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype
    geometry: Geometry
    channels: int = 1
    frames: int = 1
    chunks: tuple[int, int, int] | None = None
    multiscale: bool = True
    channel_names: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all voxels, without the coarser versions."""
        return math.prod(self.shape) * self.channels * self.frames * self.dtype.itemsize

    def as_json(self) -> dict[str, Any]:
        """Return what a file can hold of it, all of it."""
        return {**asdict(self), "dtype": self.dtype.name}

    @classmethod
    def of_json(cls, plain: Mapping[str, Any]) -> Plan:
        """Return the plan that `as_json` described."""
        geometry = Geometry(**{name: tuple(values) for name, values in plain["geometry"].items()})
        z, y, x = plain["shape"]
        chunks = plain["chunks"]
        return cls(
            (z, y, x), np.dtype(plain["dtype"]), geometry, plain["channels"], plain["frames"],
            None if chunks is None else (chunks[0], chunks[1], chunks[2]), plain["multiscale"],
            tuple(plain.get("channel_names", ())),
        )  # fmt: skip


class Target(Protocol):
    """What writes boxes into an unfinished file. It is sent to other processes, so it opens the file each time."""

    def write(self, box: Box, values: np.ndarray, channel: int | None, frame: int) -> None:
        """Write the values of a box, (z, y, x), or (z, y, x, channel)."""

    def complete(self) -> None:
        """Write what needs all voxels."""
