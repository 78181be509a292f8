"""TIFF in parts: pages whose values lie plainly one after another, or strips and tiles, unpacked one by one.

What is written is OME-TIFF as BigTIFF, which has no limit of 4 GiB, not packed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays.boxes import Box
from ...errors import InputError
from ..axes import in_order
from ..tiff import TiffLayout, is_tiff, read_layout
from ..types import plain_type
from .flat import FlatFile
from .plan import Plan
from .volume import Geometry, NotInParts, StoredVolume

_THUMBNAIL_OR_MASK = 5  # bits of the kind of a page
_PLAIN_MEANINGS = (1, 2)  # photometric: black is zero, RGB
_NOT_OME = ("int64", "uint64")


def open_tiff(path: Path) -> StoredVolume:
    """Return the volume of a TIFF file.

    Raises
    ------
    NotInParts
        Where tifffile is missing, or values are no intensities.
    InputError
        As `tiff.read_layout`.
    """
    if not is_tiff(path):  # whatever it is called
        raise NotInParts("it is no TIFF file")
    layout = read_layout(path)
    try:
        import tifffile
    except ImportError:
        raise NotInParts("that needs the package tifffile; pip install 'spatialdeconv[large]'") from None
    try:
        with tifffile.TiffFile(path) as file:
            pages = _main_pages(file)
            first = pages[0]
            if not layout.obstacle and int(first.photometric) not in _PLAIN_MEANINGS:
                raise NotInParts(f"white is zero in it, or it has colours of its own ({first.photometric.name})")
            source = _flat(path, layout, file.series[0], pages) or _segments(path, layout, pages)
    except NotInParts:
        raise
    except Exception as error:  # of a damaged file: nearly any
        raise InputError(f"{path} cannot be read in parts ({error}); write it again") from error
    spacing = (1.0, *(layout.spacing or (1.0, 1.0, 1.0)))[-3:]
    *_, height, width = layout.shape
    shape = (layout.slices, height, width)
    chunks = None if isinstance(source, FlatFile) else (1, *source.segment)
    return StoredVolume(
        path, shape, source.dtype, Geometry(spacing), source, has_spacing=layout.spacing is not None, chunks=chunks,
        channels=max(layout.samples, layout.channels), frames=layout.frames,
    )  # fmt: skip


def create_tiff(path: Path, plan: Plan) -> None:
    """Make a file of zeros.

    Raises
    ------
    InputError
        Without tifffile, or if OME-TIFF has no such type.
    OSError
    """
    try:
        import tifffile
    except ImportError:
        raise InputError(
            "TIFF is written in parts by the package tifffile; pip install 'spatialdeconv[large]' (in Slicer: "
            "slicer.util.pip_install('tifffile')), or write .nrrd"
        ) from None
    if plan.dtype.name in _NOT_OME:
        raise InputError(f"output {path}: OME-TIFF holds no {plan.dtype}; write .zarr or .nrrd")
    said: dict[str, Any] = {"axes": "ZYX"}
    for axis, length in zip("ZYX", plan.geometry.spacing, strict=True):
        said |= {f"PhysicalSize{axis}": length, f"PhysicalSize{axis}Unit": "mm"}
    tifffile.memmap(
        path, shape=plan.shape, dtype=plan.dtype, bigtiff=True, ome=True, photometric="minisblack", metadata=said
    )


def _main_pages(file: Any) -> list[Any]:
    """The pages without thumbnails and masks, as `tiff` counts them."""
    return [page for page in file.pages if not int(page.subfiletype) & _THUMBNAIL_OR_MASK] or list(file.pages)


def _flat(path: Path, layout: TiffLayout, series: Any, pages: list[Any]) -> FlatFile | None:
    """Where the values of all pages lie, if they lie together."""
    page = pages[0]
    stored = np.dtype(series.dtype).newbyteorder(series.parent.byteorder)
    if (
        series.dataoffset is None
        or series.size != math.prod(layout.stack) * layout.samples
        or page.bitspersample != 8 * stored.itemsize
    ):
        return None
    if len(pages) == math.prod(layout.pages) and not _lie_together(pages, series.dataoffset):
        return None
    axes, shape = f"{layout.order}yx", (*layout.pages, *layout.shape[-2:])
    if layout.samples > 1:
        axes, sizes = "tzyxc", {"t": layout.frames, "z": layout.slices, "c": layout.samples}
        if int(page.planarconfig) != 1:
            axes = "tzcyx"
        sizes |= dict(zip("yx", layout.shape[-2:], strict=True))
        shape = tuple(sizes[axis] for axis in axes)
    return FlatFile(path, int(series.dataoffset), axes, shape, stored, plain_type(stored))


def _lie_together(pages: list[Any], start: int) -> bool:
    """Whether strips follow each other without a gap: not all that tifffile takes for such has been looked at."""
    offsets = np.concatenate([page.dataoffsets for page in pages])
    counts = np.concatenate([page.databytecounts for page in pages])
    return np.array_equal(offsets, start + np.cumsum(counts) - counts)


def _segments(path: Path, layout: TiffLayout, pages: list[Any]) -> _Segments:
    """The strips and tiles of all pages."""
    first = pages[0]
    if len(pages) != math.prod(layout.pages) or first.imagedepth > 1:
        raise NotInParts("several slices lie in or behind one of its pages")
    height, width = (
        (first.tilelength, first.tilewidth) if first.is_tiled else (first.rowsperstrip, first.imagewidth)
    )
    segment = (min(int(height), layout.shape[-2]), min(int(width), layout.shape[-1]))
    return _Segments(path, layout, segment, np.dtype(first.dtype), plain_type(np.dtype(first.dtype)))


@dataclass
class _Segments:
    """Pages that are unpacked strip by strip, or tile by tile."""

    path: Path
    layout: TiffLayout
    segment: tuple[int, int]
    stored: np.dtype
    dtype: np.dtype
    pages: list[Any] | None = field(default=None, repr=False)  # once the headers of all have been read

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "pages": None}

    def read(self, box: Box, channel: int | None, frame: int) -> np.ndarray:
        """Return the values of a box; see `volume.StoredVolume.read`."""
        try:
            pages = self._pages()
            sizes = [part.stop - part.start for part in box]
            channels = range(self.layout.channels) if channel is None or self.layout.samples > 1 else [channel]
            values = np.zeros((sizes[0], len(channels), *sizes[1:], self.layout.samples), self.stored)
            with self.path.open("rb") as file:
                for z, slice_of_all in zip(range(box[0].start, box[0].stop), values, strict=True):
                    for c, out in zip(channels, slice_of_all, strict=True):
                        for place, found in self._found(file, pages[self._number(frame, z, c)], box):
                            out[place] = found
        except Exception as error:  # of a damaged file: nearly any
            raise InputError(f"{self.path} is damaged ({error}); copy or write it again") from error
        if self.layout.samples > 1:
            values = values[:, 0] if channel is None else values[:, 0, ..., channel : channel + 1]
            return np.ascontiguousarray(in_order(values, "zyxc", channel is None), self.dtype)
        several = channel is None and self.layout.channels > 1
        return np.ascontiguousarray(in_order(values[..., 0], "zcyx", several), self.dtype)

    def _number(self, frame: int, z: int, channel: int) -> int:
        """Which page it is."""
        at, number = {"t": frame, "z": z, "c": channel}, 0
        for letter, count in zip(self.layout.order, self.layout.pages, strict=True):
            number = number * count + at[letter]
        return number

    def _pages(self) -> list[Any]:
        if self.pages is None:
            import tifffile

            with tifffile.TiffFile(self.path) as file:
                self.pages = _main_pages(file)
        return self.pages

    def _found(self, file: Any, page: Any, box: Box) -> Iterator[tuple[tuple[slice, ...], np.ndarray]]:
        """The parts of the strips or tiles of a page that lie in a box, and where in it."""
        height, width = self.segment
        across = -(-page.imagewidth // width)
        of_plane = -(-page.imagelength // height) * across
        for index, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
            row, column = divmod(index % of_plane, across)
            inside = _common(row * height, height, box[1]), _common(column * width, width, box[2])
            if not count or inside[0].start >= inside[0].stop or inside[1].start >= inside[1].stop:
                continue
            file.seek(offset)
            part, (sample, _, j, i, _), _ = page.keyframe.decode(
                file.read(count), index, jpegtables=page.jpegtables
            )
            rows, columns = (slice(p.start - at, p.stop - at) for p, at in zip(inside, (j, i), strict=True))
            part = part[0, rows, columns]
            samples = slice(sample, sample + part.shape[-1])
            yield (
                (
                    *(slice(p.start - b.start, p.stop - b.start) for p, b in zip(inside, box[1:], strict=True)),
                    samples,
                ),
                part,
            )


def _common(start: int, length: int, part: slice) -> slice:
    return slice(max(start, part.start), min(start + length, part.stop))
