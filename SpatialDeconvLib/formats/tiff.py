"""TIFF files: what their pages hold, which of them ITK reads right, and their voxel size.

ITK reads other kinds as bit patterns or as colours of 8 bits, crops pages of another size, and stacks what
another program meant as time points or channels. Such files are read by tifffile where it is installed, or refused.

Orders of axes and spacings are numpy's: (k, j, i).
"""

from __future__ import annotations

import html
import json
import math
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import InputError
from .types import plain_type
from .units import MM

_MAGIC = {b"II*\0": ("<", False), b"MM\0*": (">", False), b"II+\0": ("<", True), b"MM\0+": (">", True)}
_CODES = {1: "B", 2: "s", 3: "H", 4: "I", 5: "II", 6: "b", 7: "s", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d",
          13: "I", 16: "Q", 17: "q", 18: "Q"}  # fmt: skip
_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _DESCRIPTION = 256, 257, 258, 259, 262, 270
_SUBFILE, _ORIENTATION, _SAMPLES, _X, _Y, _PLANAR, _UNIT, _SOFTWARE = 254, 274, 277, 282, 283, 284, 296, 305
_PALETTE, _TILE, _EXTRA, _FORMAT, _DEPTH = 320, 322, 338, 339, 32997
_TAGS = {_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _DESCRIPTION, _SUBFILE, _ORIENTATION, _SAMPLES, _X, _Y,
         _PLANAR, _UNIT, _SOFTWARE, _PALETTE, _TILE, _EXTRA, _FORMAT, _DEPTH}  # fmt: skip
_MOST_PAGES = 1_000_000
_LONGEST_VALUE = 1 << 26  # bytes; descriptions of OME files have megabytes

_FORMATS = {1: "unsigned", 2: "signed", 3: "float", 5: "complex", 6: "complex float"}
_ITK_COMPRESSIONS = {1: "", 5: "LZW", 7: "JPEG", 8: "deflate", 32773: "PackBits", 32946: "deflate"}


@dataclass(frozen=True)
class TiffLayout:
    """What a TIFF file holds.

    Attributes
    ----------
    shape : tuple of int
        Voxels on the axes (k, j, i), or (j, i).
    samples : int
        Values of a voxel.
    bits : int
        Of each of them.
    spacing : tuple of float or None
        Voxel size in mm, where the program that wrote the file says so; print resolutions are none.
    obstacle : str
        Why ITK would not read it right; empty when it does.
    frames, channels : int
        Volumes of a sequence, and channels that are pages of their own.
    order : str
        How pages follow each other: letters of t (frame), z, c (channel), the slowest first.
    channel_names : tuple of str
        What the channels are called, where the file says so.
    """

    shape: tuple[int, ...]
    samples: int
    bits: int
    spacing: tuple[float, ...] | None
    obstacle: str
    frames: int = 1
    channels: int = 1
    order: str = "tzc"
    channel_names: tuple[str, ...] = ()

    @property
    def slices(self) -> int:
        """Of a volume."""
        return self.shape[0] if len(self.shape) > 2 else 1

    @property
    def stack(self) -> tuple[int, ...]:
        """Voxels of all pages one behind the other, of all frames and channels."""
        pages = self.slices * self.frames * self.channels
        return (pages, *self.shape[-2:]) if pages > 1 else self.shape[-2:]

    @property
    def pages(self) -> tuple[int, int, int]:
        """Numbers of frames, slices and channels, as pages follow each other."""
        counts = {"t": self.frames, "z": self.slices, "c": self.channels}
        first, second, third = (counts[letter] for letter in self.order)
        return first, second, third


@dataclass(frozen=True)
class _Said:
    """What the description says: sizes of axes beside those of a page, voxel size in mm.

    `others`: what makes no one volume. `hidden`: slices may lie behind a page that has none of its own.
    """

    slices: int = 1
    frames: int = 1
    channels: int = 1
    order: str = "tzc"
    others: dict[str, int] = field(default_factory=dict)
    spacing: tuple[float | None, ...] = (None, None, None)
    hidden: bool = False
    channel_names: tuple[str, ...] = ()


def is_tiff(path: Path) -> bool:
    """Return whether a file begins as TIFF or BigTIFF does."""
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


def read_layout(path: Path) -> TiffLayout:
    """Return what a TIFF file holds, by its headers.

    Raises
    ------
    InputError
        If it is damaged, or its pages make no one image.
    """
    try:
        pages = _main_pages(list(_pages(path)))
    except (struct.error, OverflowError, OSError) as error:
        raise InputError(f"{path} is a damaged TIFF file ({error}); write it again") from error
    if not pages:
        raise InputError(f"{path} is a TIFF file without a page; write it again")
    first = pages[0]
    kinds = {_kind(page) for page in pages}
    if len(kinds) > 1:
        raise InputError(
            f"{path} has pages of different kinds ({'; '.join(map(_kind_text, sorted(kinds)[:3]))}); save those "
            "wanted in a file of their own"
        )
    said = _said(first)
    several = [f"{count} {name}" for name, count in said.others.items() if count > 1]
    if several:
        raise InputError(
            f"{path} holds {' and '.join(several)}, which make no one volume; save one of them in a file of its "
            "own, or all as .seq.nrrd"
        )
    _refuse_meanings(path, first)
    samples, several_volumes = int(_number(first, _SAMPLES, 1)), said.frames * said.channels
    if said.channels > 1 and samples > 1:
        raise InputError(
            f"{path} holds {said.channels} channels of {samples} values each; save them as one or the other"
        )
    held = len(pages) * int(_number(first, _DEPTH, 1))
    if said.slices * several_volumes > held and not said.hidden:
        raise InputError(
            f"{path} is to have {said.slices * several_volumes} slices but holds {held}; join it with the files of "
            "the others"
        )
    slices = max(held, said.slices) if several_volumes == 1 else said.slices
    all_pages = slices * several_volumes
    plane = (int(_number(first, _LENGTH)), int(_number(first, _WIDTH)))
    shape = (slices, *plane) if slices > 1 else plane
    return TiffLayout(
        shape, samples, int(_number(first, _BITS, 1)), _spacing(first, said, len(shape)),
        _obstacle(first, all_pages if len(pages) < all_pages else 1), said.frames, said.channels, said.order,
        _names_of(said.channel_names, max(said.channels, samples)),
    )  # fmt: skip


def read_with_tifffile(path: Path, layout: TiffLayout) -> np.ndarray:
    """Return the voxels of a file that ITK does not read right, (k, j, i) or (j, i), samples last.

    Raises
    ------
    InputError
        If tifffile is missing or cannot read them either; the reason is that of the layout.
    """
    remedy = "save it as plain TIFF (8 or 16 bits, or float of 32 bits, in strips, upright), or as .nrrd"
    try:
        import tifffile
    except ImportError:
        raise InputError(
            f"{path} {layout.obstacle}, which ITK does not read right; {remedy}, or pip install tifffile"
        ) from None
    try:
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            axes, array = series.get_axes(squeeze=False), series.asarray(squeeze=False)
    except Exception as error:  # of a damaged file: nearly any
        raise InputError(
            f"{path} {layout.obstacle}, which ITK does not read right, and tifffile neither ({error}); {remedy}"
        ) from error
    array = np.moveaxis(array, axes.index("S"), -1) if "S" in axes else array[..., np.newaxis]
    wanted = (*layout.stack, layout.samples)
    if array.size != math.prod(wanted):
        sizes = " x ".join(map(str, array.shape))
        raise InputError(f"{path} {layout.obstacle} and holds {sizes} values; {remedy}")
    array = array.reshape(wanted)
    if np.iscomplexobj(array):
        raise InputError(f"{path} is complex ({array.dtype}); save its magnitude first")
    array = array[..., 0] if layout.samples == 1 else array
    return np.ascontiguousarray(array, dtype=plain_type(array.dtype))


# -- what ITK does not read right


def _obstacle(page: dict[int, Any], hidden: int) -> str:
    """Why ITK would not read a page right: what follows the name of the file in a message; empty: it does."""
    bits, kind = page.get(_BITS, (1,)), page.get(_FORMAT, (1,))
    samples, photometric = int(_number(page, _SAMPLES, 1)), int(_number(page, _PHOTOMETRIC, 1))
    compression = int(_number(page, _COMPRESSION, 1))
    if len(set(bits)) > 1 or len(set(kind)) > 1 or not _itk_type(int(bits[0]), int(kind[0])):
        names = " ".join(_FORMATS.get(int(k), "unknown") for k in sorted(set(kind)))
        return f"holds {names} values of {', '.join(str(b) for b in sorted(set(bits)))} bits"
    if hidden > 1:
        return "keeps several slices in a page"
    if _TILE in page:
        return "is stored in tiles"
    if samples > 1 and int(_number(page, _PLANAR, 1)) != 1:
        return "is stored channel by channel"
    if compression not in _ITK_COMPRESSIONS:
        return f"is compressed in a way of its own (number {compression})"
    if (samples, photometric) not in ((1, 0), (1, 1), (3, 2), (4, 2)):
        return f"has {samples} values a pixel of colour space {photometric}"
    return ""


def _refuse_meanings(path: Path, page: dict[int, Any]) -> None:
    """Refuse pages whose numbers are no intensities in rows from the top, whoever reads them."""
    orientation, photometric = int(_number(page, _ORIENTATION, 1)), int(_number(page, _PHOTOMETRIC, 1))
    if orientation != 1:
        raise InputError(
            f"{path} is stored turned or mirrored (orientation {orientation}); save it upright, or as .nrrd"
        )
    if photometric == 3 and not _is_ramp(page.get(_PALETTE, ())):
        raise InputError(f"{path} holds numbers of colours in a palette; save it as grey or RGB")
    if photometric not in (0, 1, 2, 3, 6):
        raise InputError(f"{path} is in a colour space (number {photometric}) that is not read; save it as RGB")
    if photometric < 2 and set(page.get(_EXTRA, ())) & {1, 2}:
        raise InputError(f"{path} is grey with an opacity; save it without")


def _is_ramp(palette: tuple) -> bool:
    """Whether the colours of a palette are the greys in order, so that their numbers are intensities."""
    greys = np.round(np.linspace(0, 65535, max(len(palette) // 3, 1)))
    return len(palette) > 3 and np.array_equal(np.reshape(palette[: 3 * len(greys)], (3, -1)), [greys] * 3)


def _itk_type(bits: int, kind: int) -> bool:
    return bits in (8, 16, 32) if kind in (1, 2) else (bits, kind) == (32, 3)


# -- pages


def _main_pages(pages: list[dict[int, Any]]) -> list[dict[int, Any]]:
    """The pages without thumbnails and masks."""
    return [page for page in pages if not int(_number(page, _SUBFILE, 0)) & 5] or pages


def _kind(page: dict[int, Any]) -> tuple:
    shape = int(_number(page, _WIDTH)), int(_number(page, _LENGTH))
    form = tuple(page.get(_BITS, (1,))), tuple(page.get(_FORMAT, (1,)))
    return (*shape, int(_number(page, _SAMPLES, 1)), *form, int(_number(page, _PHOTOMETRIC, 1)),
            int(_number(page, _ORIENTATION, 1)), int(_number(page, _PLANAR, 1)), _TILE in page)  # fmt: skip


def _kind_text(kind: tuple) -> str:
    width, length, samples, bits, form, *_ = kind
    return f"{width} x {length} of {samples} x {bits[0]} bits {_FORMATS.get(int(form[0]), 'unknown')}"


def _pages(path: Path) -> Iterator[dict[int, Any]]:
    """Yield the tags of each page that say what it holds: number -> values."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        order, big = _MAGIC[file.read(4)]
        number = f"{order}{'Q' if big else 'I'}"
        file.seek(8 if big else 4)
        at = _unpacked(file, number)[0]
        seen: set[int] = set()
        while at and at not in seen and len(seen) < _MOST_PAGES:
            if at >= size:
                raise struct.error(f"page {len(seen) + 1} lies beyond its end")
            seen.add(at)
            file.seek(at)
            page, at = _page(file, order, big, size)
            yield page


def _page(file: BinaryIO, order: str, big: bool, size: int) -> tuple[dict[int, Any], int]:
    """The tags of a page, and where the next one is."""
    count = _unpacked(file, f"{order}{'Q' if big else 'H'}")[0]
    entry = struct.Struct(f"{order}HH{'Q8s' if big else 'I4s'}")
    if count * entry.size > size:
        raise struct.error(f"a page has {count} tags")
    entries = [entry.unpack(_read(file, entry.size)) for _ in range(count)]
    following = _unpacked(file, f"{order}{'Q' if big else 'I'}")[0]
    page = {}
    for tag, code, number, value in entries:
        if tag in _TAGS and code in _CODES:
            page[tag] = _value(file, order, code, number, value, size)
    for tag in (_WIDTH, _LENGTH):
        if tag not in page:
            raise struct.error("a page has no size")
    return page, following


def _value(file: BinaryIO, order: str, code: int, number: int, value: bytes, size: int) -> Any:
    letter = _CODES[code]
    length = struct.calcsize(f"{order}{letter}") * number
    if length > min(size, _LONGEST_VALUE):
        raise struct.error(f"a tag has {number} values")
    if length > len(value):
        file.seek(struct.unpack(f"{order}{'Q' if len(value) == 8 else 'I'}", value)[0])
        value = _read(file, length)
    if letter == "s":
        return value[:length]
    numbers = struct.unpack(f"{order}{letter * number}", value[:length])
    if len(letter) == 1:
        return numbers
    return tuple(a / b if b else 0.0 for a, b in zip(numbers[::2], numbers[1::2], strict=True))


def _unpacked(file: BinaryIO, form: str) -> tuple:
    return struct.unpack(form, _read(file, struct.calcsize(form)))


def _read(file: BinaryIO, length: int) -> bytes:
    content = file.read(length)
    if len(content) < length:
        raise struct.error("it is cut short")
    return content


def _number(page: dict[int, Any], tag: int, default: float | None = None) -> float:
    values = page.get(tag)
    if not values:
        if default is None:
            raise struct.error("a page has no size")
        return default
    return values[0]


def _text(page: dict[int, Any], tag: int) -> str:
    value = page.get(tag, b"")
    return bytes(value).split(b"\0")[0].decode("utf-8", "replace") if isinstance(value, bytes) else ""


# -- what programs write into the description


def _spacing(page: dict[int, Any], said: _Said, ndim: int) -> tuple[float, ...] | None:
    """The voxel size in mm, by ImageJ, OME or ITK; None where there is a print resolution only."""
    z, y, x = said.spacing
    if _text(page, _SOFTWARE) == "InsightToolkit":  # it keeps the voxel size there, but not that of slices
        unit = {2: 25.4, 3: 10.0}.get(int(_number(page, _UNIT, 2)), 0.0)
        y, x = _pitch(page, _Y, unit), _pitch(page, _X, unit)
    if not x or not y:
        return None
    return (z or 1.0, y, x)[-ndim:]


def _pitch(page: dict[int, Any], tag: int, unit: float) -> float | None:
    """Voxel size of a number of voxels a unit, which has `unit` mm."""
    number = _number(page, tag, 0)
    return _length_of(unit / number) if number > 0 else None


def _length_of(value: float) -> float | None:
    return value if 0 < value < math.inf else None


def _said(page: dict[int, Any]) -> _Said:
    description = _text(page, _DESCRIPTION)
    if description.startswith("ImageJ="):
        return _said_by_imagej(description, page)
    if "<OME" in description[:4000]:
        return _said_by_ome(description, page)
    if description.startswith('{"shape"'):
        return _said_by_tifffile(description, page)
    return _Said()


def _said_by_imagej(description: str, page: dict[int, Any]) -> _Said:
    words = dict(line.split("=", 1) for line in description.splitlines() if "=" in line)
    counts = {name: _whole(words.get(name)) or 1 for name in ("images", "channels", "slices", "frames")}
    frames, channels = counts["frames"], counts["channels"]
    slices = counts["slices"] if frames * channels > 1 else max(counts["slices"], counts["images"])
    unit = MM.get(_plain(words.get("unit", "")), 0.0)
    depth = _length_of(abs(_decimal(words.get("spacing")) or 0.0) * unit)
    spacing = (depth, _pitch(page, _Y, unit), _pitch(page, _X, unit))
    return _Said(slices, frames, channels, spacing=spacing, hidden=True)


def _said_by_ome(description: str, page: dict[int, Any]) -> _Said:
    pixels = re.search(r"<(?:\w+:)?Pixels\s([^>]*)>", description)
    words = dict(re.findall(r'(\w+)\s*=\s*"([^"]*)"', pixels[1] if pixels else ""))
    samples = int(_number(page, _SAMPLES, 1))
    count = {axis: _whole(words.get(f"Size{axis}")) or 1 for axis in "ZCT"}
    channels = 1 if count["C"] == samples else count["C"]
    order = _order_of_pages(words.get("DimensionOrder", ""))
    others = {"images": len(re.findall(r"<(?:\w+:)?Image\s", description))}
    if count["T"] * channels > 1 and not _in_order(description, order, count):
        others["planes in an order of their own"] = count["T"] * channels * count["Z"]
    spacing = (
        _length_of((_decimal(words.get(f"PhysicalSize{axis}")) or 0.0)
                   * MM.get(_plain(words.get(f"PhysicalSize{axis}Unit", "um")), 0.0))
        for axis in "ZYX"
    )  # fmt: skip
    names = _channel_names(description) if count["C"] > 1 else ()
    return _Said(count["Z"], count["T"], channels, order, others, tuple(spacing), channel_names=names)


def _channel_names(description: str) -> tuple[str, ...]:
    """What OME's description calls the channels of its first image."""
    first = re.split(r"<(?:\w+:)?Image\s", description, maxsplit=2)[1:2]
    tags = re.findall(r"<(?:\w+:)?Channel\s([^>]*)>", "".join(first))
    return tuple(
        html.unescape(dict(re.findall(r'(\w+)\s*=\s*"([^"]*)"', tag)).get("Name", "")).strip() for tag in tags
    )


def _names_of(names: tuple[str, ...], channels: int) -> tuple[str, ...]:
    """The names, where they are those of all channels and any has one."""
    return names if len(names) == channels and any(names) else ()


def _order_of_pages(said: str) -> str:
    """OME's order of axes, the fastest first, as that of pages, the slowest first."""
    order = said[:1:-1].lower()
    return order if sorted(order) == ["c", "t", "z"] else "tzc"


def _in_order(description: str, order: str, count: dict[str, int]) -> bool:
    """Whether all planes that OME's description names lie where their order has them."""
    for found in re.finditer(r"<(?:\w+:)?TiffData\b([^>]*)>", description):
        words = dict(re.findall(r'(\w+)\s*=\s*"([^"]*)"', found[1]))
        place = 0
        for letter in order.upper():
            place = place * count[letter] + (_whole(words.get(f"First{letter}")) or 0)
        if place != (_whole(words.get("IFD")) or 0):
            return False
    return True


def _said_by_tifffile(description: str, page: dict[int, Any]) -> _Said:
    try:
        words = json.loads(description)
        shape = [int(n) for n in words["shape"]]
    except (ValueError, TypeError, KeyError):
        return _Said()
    of_page = 3 if _number(page, _SAMPLES, 1) > 1 or _number(page, _DEPTH, 1) > 1 else 2
    rest = [n for n in shape[:-of_page] if n > 1]
    slices = rest[-1] if rest and words.get("truncated") else 1
    return _Said(slices, others={"volumes": math.prod(rest[:-1])}, hidden=True)


def _plain(unit: str) -> str:
    """A unit in lower case, whichever way its micro sign is written."""
    return unit.replace("\\u00B5", "µ").strip().lower()


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else None


def _decimal(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
