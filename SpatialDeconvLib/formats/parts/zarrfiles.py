"""OME-Zarr in parts: opening a store, making one, and its coarser versions.

What is written is OME-Zarr 0.4, which is Zarr 2 and which most programs read: array "0" has the volume, the others
each half of the axes on which voxels are smallest, down to 256 voxels. Lengths are in millimeters.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays.boxes import Box
from ..axes import from_order
from ..omezarr import ZarrLayout, few_chunks_at_once, library, opened, read_layout
from .plan import Plan
from .volume import Geometry, StoredVolume

_VERSION, _FORMAT = "0.4", 2
#: Of channels, in which viewers lay them over each other.
_COLORS = ("0000FF", "00FF00", "FF0000", "00FFFF", "FF00FF", "FFFF00")
_COARSEST = 256  # voxels on the longest axis of the last version


def open_zarr(path: Path) -> StoredVolume:
    """Return the volume of a store; see `omezarr.read_layout`."""
    layout = read_layout(path)
    origin = layout.origin[::-1]
    return StoredVolume(
        path, layout.volume_shape, layout.dtype, Geometry(layout.spacing or (1.0, 1.0, 1.0), origin), layout,
        has_spacing=layout.spacing is not None,
        chunks=(layout.chunk_of("z"), layout.chunk_of("y"), layout.chunk_of("x")),
        channels=layout.length_of("c"), frames=layout.length_of("t"), told=layout.told,
    )  # fmt: skip


def create_zarr(path: Path, plan: Plan) -> None:
    """Make a store with an array of zeros.

    Raises
    ------
    InputError
        Without the library.
    OSError
    """
    group = library().create_group(str(path), zarr_format=_FORMAT)
    _create_array(group, "0", plan, plan.shape)
    _describe(group, path, plan, [(1, 1, 1)])


@dataclass(frozen=True)
class ZarrTarget:
    """A store that is being written; boxes of whole chunks can be written by several processes at the same time."""

    layout: ZarrLayout
    plan: Plan

    def write(self, box: Box, values: np.ndarray, channel: int | None, frame: int) -> None:
        """Write the values of a box; see `plan.Target`."""
        place = self.layout.place_of(box, channel, frame)
        with few_chunks_at_once():
            _writable(self.layout.array)[place] = from_order(values, self.layout.axes)

    def complete(self) -> None:
        """Write the coarser versions, and remove what killed writers have left."""
        store = self.layout.path
        for left in self.layout.array.rglob("*.partial"):
            left.unlink(missing_ok=True)
        factors = list(_factors(self.plan)) if self.plan.multiscale else [(1, 1, 1)]
        group = opened(store, "r+")
        for number in range(1, len(factors)):
            finer = _shape_at(self.plan.shape, factors[number - 1])
            step = tuple(b // a for a, b in zip(factors[number - 1], factors[number], strict=True))
            shape = _shape_at(finer, step)
            _create_array(group, str(number), self.plan, shape)
            with few_chunks_at_once():
                self._coarsen(store / str(number - 1), finer, store / str(number), shape, step)
        _describe(group, store, self.plan, factors)
        if self.plan.channel_names:
            coarsest = store / str(len(factors) - 1)
            group.attrs["omero"] = {"channels": self._channels(coarsest, _shape_at(self.plan.shape, factors[-1]))}

    def _channels(self, coarsest: Path, shape: Sequence[int]) -> list[dict[str, Any]]:
        """What viewers want of each channel: name, colour, and the range of the coarsest version's values."""
        read, found = opened(coarsest), []
        for channel, name in enumerate(self.plan.channel_names):
            least, most = math.inf, -math.inf
            for frame, box in itertools.product(range(self.plan.frames), _boxes(shape, self.plan.chunks or shape)):
                values = np.asarray(read[self.layout.place_of(box, channel, frame)])
                known = values[np.isfinite(values)]
                if known.size:
                    least, most = min(least, float(known.min())), max(most, float(known.max()))
            least, most = (least, most) if least <= most else (0.0, 1.0)  # JSON has no infinity
            window = {"min": least, "max": most, "start": least, "end": most}
            found.append(
                {"label": name, "color": _COLORS[channel % len(_COLORS)], "window": window, "active": True}
            )
        return found

    def _coarsen(
        self, source: Path, finer: Sequence[int], target: Path, shape: Sequence[int], step: Sequence[int]
    ) -> None:
        """Fill an array with means of the voxels of a finer one."""
        read, write, layout = opened(source), _writable(target), self.layout
        for frame, channel in itertools.product(range(self.plan.frames), range(self.plan.channels)):
            for box in _boxes(shape, self.plan.chunks or shape):
                fine = tuple(
                    slice(part.start * f, min(part.stop * f, n))
                    for part, f, n in zip(box, step, finer, strict=True)
                )
                part = np.asarray(read[layout.place_of(fine, channel, frame)])
                means = mean_of_blocks(part.reshape([p.stop - p.start for p in fine]), step)
                write[layout.place_of(box, channel, frame)] = from_order(means, layout.axes)


def mean_of_blocks(values: np.ndarray, step: Sequence[int]) -> np.ndarray:
    """Return the means of blocks of one or two voxels along every axis; the last block of an axis may be smaller.

    Parameters
    ----------
    values : ndarray
    step : sequence of {1, 2}
        Voxels of a block along each axis.

    Returns
    -------
    ndarray
        Of the type of the values; integers are rounded.
    """
    means = values.astype(np.float64)
    for axis, length in enumerate(step):
        if length == 2:
            means = np.moveaxis(means, axis, 0)
            pairs = len(means) // 2
            halves = [(means[0 : 2 * pairs : 2] + means[1 : 2 * pairs : 2]) / 2, means[2 * pairs :]]
            means = np.moveaxis(np.concatenate(halves), 0, axis)
    return (np.rint(means) if values.dtype.kind in "iu" else means).astype(values.dtype)


def _factors(plan: Plan) -> Iterator[tuple[int, ...]]:
    """How many voxels of the volume are one of each version, along z, y, x: halved where voxels are smallest."""
    factors: tuple[int, ...] = (1, 1, 1)
    while True:
        yield factors
        shape = _shape_at(plan.shape, factors)
        if max(shape) <= _COARSEST:
            return
        lengths = [s * f for s, f in zip(plan.geometry.spacing, factors, strict=True)]
        shortest = min(length for length, n in zip(lengths, shape, strict=True) if n > 1)
        factors = tuple(
            f * 2 if n > 1 and length < 2 * shortest else f
            for f, n, length in zip(factors, shape, lengths, strict=True)
        )


def _shape_at(shape: Sequence[int], factors: Sequence[int]) -> tuple[int, ...]:
    return tuple(-(-n // f) for n, f in zip(shape, factors, strict=True))


def _boxes(shape: Sequence[int], chunks: Sequence[int]) -> Iterator[Box]:
    for starts in itertools.product(*(range(0, n, c) for n, c in zip(shape, chunks, strict=True))):
        yield tuple(slice(s, min(s + c, n)) for s, c, n in zip(starts, chunks, shape, strict=True))


def _writable(array: Path) -> Any:
    """The array in a folder; chunks of zeros are written like others, so that none is missing in the end."""
    return opened(array, "r+").with_config({"write_empty_chunks": True})


def _axes(plan: Plan) -> str:
    return ("t" if plan.frames > 1 else "") + ("c" if plan.channels > 1 else "") + "zyx"


def _create_array(group: Any, name: str, plan: Plan, shape: Sequence[int]) -> None:
    import numcodecs

    along = {"t": (plan.frames, 1), "c": (plan.channels, 1)}
    chunks = [min(n, c) for n, c in zip(shape, plan.chunks or shape, strict=True)]
    sizes = [along[axis] for axis in _axes(plan)[:-3]] + list(zip(shape, chunks, strict=True))
    group.create_array(
        name, shape=tuple(n for n, _ in sizes), chunks=tuple(c for _, c in sizes), dtype=plan.dtype, fill_value=0,
        compressors=numcodecs.Blosc(cname="zstd", clevel=3, shuffle=numcodecs.Blosc.SHUFFLE),
        chunk_key_encoding={"name": "v2", "separator": "/"}, overwrite=True,
    )  # fmt: skip


def _describe(group: Any, path: Path, plan: Plan, factors: Sequence[Sequence[int]]) -> None:
    """Write OME's metadata: the axes, and the place of the voxels of every version."""
    kinds = {"t": {"type": "time"}, "c": {"type": "channel"}}
    space = {"type": "space", "unit": "millimeter"}
    axes = [{"name": axis, **kinds.get(axis, space)} for axis in _axes(plan)]
    before = len(axes) - 3
    datasets = []
    for number, factor in enumerate(factors):
        scale = [s * f for s, f in zip(plan.geometry.spacing, factor, strict=True)]
        first = [  # the middle of the voxels that are one of this version
            o + s * (f - 1) / 2
            for o, s, f in zip(plan.geometry.origin[::-1], plan.geometry.spacing, factor, strict=True)
        ]
        steps = [
            {"type": "scale", "scale": [*[1.0] * before, *scale]},
            {"type": "translation", "translation": [*[0.0] * before, *first]},
        ]
        datasets.append({"path": str(number), "coordinateTransformations": steps})
    group.attrs["multiscales"] = [
        {"version": _VERSION, "name": path.stem, "axes": axes, "datasets": datasets, "type": "mean"}
    ]
