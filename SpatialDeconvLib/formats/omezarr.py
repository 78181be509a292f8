"""Zarr stores and OME-Zarr: which array of a store is the volume, what its axes are, and how large its voxels.

OME-Zarr up to 0.5, which is Zarr 2 up to 0.4 and Zarr 3 in 0.5; and arrays without such metadata. The library
`zarr` reads them. Its axes of time and channels are frames and channels here.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays.boxes import Box
from ..errors import InputError
from .axes import in_order, place_of
from .types import plain_type
from .units import MM

ENDING = ".zarr"
_MARKS_2, _MARKS_3 = (".zgroup", ".zarray"), ("zarr.json",)
_VERSIONS = ("0.1", "0.2", "0.3", "0.4", "0.5")
_LETTERS = {"t": "t", "time": "t", "c": "c", "channel": "c", "z": "z", "y": "y", "x": "x"}
_BY_NUMBER = {2: "yx", 3: "zyx", 4: "tzyx", 5: "tczyx"}  # of axes that nobody names; five is OME's own order
_CHUNKS_AT_ONCE = 2
_NO_UNITS = ("", "pixel", "pixels", "voxel", "voxels", "px", "none")


@dataclass(frozen=True)
class ZarrLayout:
    """The array of a store that is the volume. It can be pickled, and opens the store where it reads.

    Attributes
    ----------
    path : Path
        The store, as it was given.
    array : Path
        The folder of the array.
    axes : str
        Letters of t, c, z, y, x in the order of the array; "?" of another axis, of length 1.
    shape : tuple of int
        Of the array.
    chunks : tuple of int
        Of the array.
    stored, dtype : dtype
        Of the array, and of what is read: numbers of 16 bits become float32, truths bytes.
    spacing : (float, float, float) or None
        Voxel size in mm along z, y, x, where the store says one.
    origin : (float, float, float)
        Place of the first voxel in mm, along z, y, x.
    told : tuple of str
        What was assumed or left out.
    channel_names : tuple of str
        What the channels are called, where the store says so.
    """

    path: Path
    array: Path
    axes: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    stored: np.dtype
    dtype: np.dtype
    spacing: tuple[float, ...] | None
    origin: tuple[float, ...]
    told: tuple[str, ...]
    channel_names: tuple[str, ...] = ()

    def length_of(self, axis: str) -> int:
        """Return the number of values along an axis, by its letter."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1

    def chunk_of(self, axis: str) -> int:
        """Return the length of a chunk along an axis."""
        return self.chunks[self.axes.index(axis)] if axis in self.axes else 1

    @property
    def volume_shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        return self.length_of("z"), self.length_of("y"), self.length_of("x")

    @property
    def nbytes(self) -> int:
        """Bytes of all that is read."""
        return math.prod(self.shape) * self.dtype.itemsize

    def read(self, box: Box, channel: int | None, frame: int) -> np.ndarray:
        """Return the voxels of a box, (z, y, x), or (z, y, x, channel) where there are several and none is named.

        Raises
        ------
        InputError
            Without the library, or if a chunk is damaged.
        """
        place = self.place_of(box, channel, frame)
        try:
            with few_chunks_at_once():
                values = np.asarray(opened(self.array)[place])
        except InputError:
            raise
        except Exception as error:  # of a damaged chunk: whatever its decoder raises
            raise InputError(
                f"{self.path} has a damaged chunk, {self._damaged(place) or f'in {_text(box)}'} "
                f"({_first_line(error)}); copy or write it again"
            ) from error
        values = in_order(values, self.axes, channel is None and self.length_of("c") > 1)
        return np.ascontiguousarray(values, self.dtype)

    def _damaged(self, place: Sequence[slice]) -> str | None:
        """The first file of a chunk that cannot be decoded, of those of a part of the array."""
        array = opened(self.array)
        sizes = array.shards or array.chunks
        along = [range(s.start // size, -(-s.stop // size)) for s, size in zip(place, sizes, strict=True)]
        for index in itertools.product(*along):
            chunk = tuple(slice(i * size, (i + 1) * size) for i, size in zip(index, sizes, strict=True))
            try:
                array[chunk]
            except Exception:  # whatever its decoder raises
                return str(self.array / array.metadata.encode_chunk_key(index))
        return None

    def place_of(self, box: Box, channel: int | None, frame: int) -> tuple[slice, ...]:
        """Return where a box lies in the array."""
        return place_of(self.axes, box, channel, self.length_of("c"), frame)


def is_zarr(path: Path) -> bool:
    """Return whether a path is a folder that looks like a Zarr store: by its name, or by what lies in it."""
    return path.is_dir() and (path.name.lower().endswith(ENDING) or is_store(path))


def is_store(path: Path) -> bool:
    """Return whether a folder has the metadata of a group or an array of Zarr."""
    return any((path / mark).is_file() for mark in (*_MARKS_2, *_MARKS_3))


def library() -> Any:
    """Return the library `zarr`.

    Raises
    ------
    InputError
        If it is missing, or older than version 3.
    """
    try:
        import zarr
    except ImportError:
        zarr = None
    if zarr is None or int(zarr.__version__.partition(".")[0]) < 3:
        raise InputError(
            "Zarr stores need the package zarr, version 3 or later; pip install 'spatialdeconv[large]' (in Slicer: "
            "slicer.util.pip_install('zarr>=3')), or use .nrrd"
        )
    return zarr


@contextlib.contextmanager
def few_chunks_at_once() -> Iterator[None]:
    """Have the library unpack and pack few chunks at once within the block: each takes memory, many times a box."""
    with library().config.set({"async.concurrency": _CHUNKS_AT_ONCE}):
        yield


def opened(folder: Path, mode: str = "r") -> Any:
    """Return the array or group in a folder.

    Raises
    ------
    InputError
        If there is none, or its metadata are damaged or of two versions of Zarr.
    """
    old, new = ([mark for mark in marks if (folder / mark).is_file()] for marks in (_MARKS_2, _MARKS_3))
    if old and new:
        raise InputError(
            f"{folder} holds metadata of Zarr 2 ({old[0]}) and of Zarr 3 ({new[0]}), which may not agree; "
            "remove those that are out of date"
        )
    if not old and not new:
        raise InputError(f"{folder} is no Zarr store: it has neither {', '.join((*_MARKS_2, *_MARKS_3))}")
    zarr = library()
    try:
        return zarr.open(str(folder), mode=mode, zarr_format=2 if old else 3)
    except Exception as error:  # of damaged metadata: nearly any
        raise InputError(f"{folder} has metadata that cannot be read ({_first_line(error)}); repair it") from error


def read_layout(path: Path) -> ZarrLayout:
    """Return which array of a store is the volume, and what is said of it.

    Parameters
    ----------
    path : Path
        A store, or a group or array within one.

    Raises
    ------
    InputError
        Without the library; if the store is damaged, or holds no one volume of real numbers.
    """
    node = opened(path)
    if not hasattr(node, "shape"):
        return _of_group(path, node)
    above = path.parent
    if is_store(above):
        multiscales = _multiscales(opened(above))
        for dataset in multiscales[0].get("datasets", []) if multiscales else []:
            if dataset.get("path") == path.name:
                return _of_dataset(path, above, multiscales[0], dataset)
    return _of_array(path, node)


def _of_group(path: Path, group: Any) -> ZarrLayout:
    multiscales = _multiscales(group)
    if multiscales:
        datasets = multiscales[0].get("datasets") or []
        if not datasets:
            raise InputError(f"{path} says that it has an image at several scales, but names no array; repair it")
        more = (
            () if len(multiscales) == 1 else (f"{path.name}: the first of its {len(multiscales)} images is read",)
        )
        layout = _of_dataset(path, path, multiscales[0], datasets[0])
        return replace(layout, told=(*more, *layout.told))
    names = sorted(group.keys())
    images = [name for name in names if hasattr(group[name], "shape") or _multiscales(group[name])]
    if len(images) == 1:
        return read_layout(path / images[0])
    if not images:
        raise InputError(f"{path} holds no array and no image (in it: {', '.join(names[:8]) or 'nothing'})")
    raise InputError(
        f"{path} holds several arrays or images and says of none that it is the volume: {', '.join(images[:8])}; "
        f"give one, e.g. {path / images[0]}"
    )


def _multiscales(group: Any) -> list[dict[str, Any]]:
    """The images that OME's metadata of a group name; 0.5 has them one level deeper."""
    if hasattr(group, "shape"):
        return []
    attributes = group.attrs.asdict()
    ome = attributes.get("ome")
    found = (ome if isinstance(ome, dict) else attributes).get("multiscales")
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _of_dataset(path: Path, store: Path, image: dict[str, Any], dataset: dict[str, Any]) -> ZarrLayout:
    """The layout of one scale of an image."""
    version = image.get("version") or _version_of(store)
    if version is not None and version not in _VERSIONS:
        raise InputError(f"{path} is OME-Zarr {version}; known are {', '.join(_VERSIONS)}: convert it")
    name = dataset.get("path")
    if not isinstance(name, str) or ".." in Path(name).parts or Path(name).is_absolute():
        raise InputError(f"{path} names an array {name!r} outside of it; repair its metadata")
    if not (store / name).is_dir():
        raise InputError(f"{path} names an array {name!r} that is not there; copy it again, or repair its metadata")
    array = opened(store / name)
    if not hasattr(array, "shape"):
        raise InputError(f"{path} names {name!r} as an array, which is a group; repair its metadata")
    axes = _axes_said(path, image.get("axes"), len(array.shape))
    scale, translation = _placed(path, len(axes), dataset, image)
    letters = "".join(letter for letter, _ in axes)
    told: tuple[str, ...] = ()
    units = {letter: unit for letter, unit in axes if letter in "zyx"}
    missing = [letter for letter, unit in units.items() if unit in _NO_UNITS]
    spacing: tuple[float, ...] | None = None
    origin: tuple[float, ...] = (0.0, 0.0, 0.0)
    if scale is not None:
        of = dict(zip(letters, scale, strict=True))
        wrong = [f"{axis} {of[axis]:g}" for axis in units if not (0 < of[axis] < math.inf)]
        if wrong:
            raise InputError(
                f"{path} has a scale of {', '.join(wrong)}; repair its metadata: it has to be positive"
            )
        if missing:
            sizes = " x ".join(f"{of[axis]:g}" for axis in units)
            told = (
                f"{path.name}: its axes {', '.join(missing)} have no unit, so its scale {sizes} says no voxel size",
            )
        else:
            mm = {axis: _mm(path, axis, unit) for axis, unit in units.items()}
            places = dict(zip(letters, translation, strict=True))
            spacing = tuple(of[axis] * mm[axis] if axis in units else 1.0 for axis in "zyx")
            origin = tuple(places[axis] * mm[axis] if axis in units else 0.0 for axis in "zyx")
    layout = _layout(path, store / name, array, letters, spacing, origin, told)
    return replace(layout, channel_names=_channel_names(store, layout.length_of("c")))


def _channel_names(store: Path, count: int) -> tuple[str, ...]:
    """What the metadata for viewers call the channels; () where they name none, or not as many."""
    attributes = opened(store).attrs.asdict()
    ome = attributes.get("ome")
    omero = (ome if isinstance(ome, dict) else attributes).get("omero")
    channels = omero.get("channels") if isinstance(omero, dict) else None
    if count < 2 or not isinstance(channels, list) or len(channels) != count:
        return ()
    labels = [channel.get("label") if isinstance(channel, dict) else None for channel in channels]
    names = tuple(label.strip() if isinstance(label, str) else "" for label in labels)
    return names if any(names) else ()


def _version_of(store: Path) -> str | None:
    ome = opened(store).attrs.asdict().get("ome")
    return ome.get("version") if isinstance(ome, dict) else None


def _of_array(path: Path, array: Any) -> ZarrLayout:
    """The layout of an array without OME's metadata: its axes by their names, or by their number."""
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.asdict().get("_ARRAY_DIMENSIONS")
    ndim = len(array.shape)
    letters = [_LETTERS.get(str(name).lower(), "?") for name in names] if isinstance(names, Sequence) else []
    if len(letters) == ndim and not _wrong(letters):
        return _layout(path, path, array, "".join(letters), None, (0.0, 0.0, 0.0), ())
    if ndim not in _BY_NUMBER:
        raise InputError(f"{path} has {ndim} axes; an image has two (y, x) to five (t, c, z, y, x)")
    told = (
        ()
        if ndim < 4
        else (f"{path.name}: its {ndim} axes have no names and count as {', '.join(_BY_NUMBER[ndim])}",)
    )
    return _layout(path, path, array, _BY_NUMBER[ndim], None, (0.0, 0.0, 0.0), told)


def _layout(
    path: Path, folder: Path, array: Any, letters: str, spacing: tuple[float, ...] | None,
    origin: tuple[float, ...], told: tuple[str, ...],
) -> ZarrLayout:  # fmt: skip
    shape = tuple(map(int, array.shape))
    unknown = [n for letter, n in zip(letters, shape, strict=True) if letter == "?" and n > 1]
    if unknown or _wrong(list(letters)):
        raise InputError(
            f"{path} has axes that are none of t, c, z, y, x; save one volume of it in a store of its own"
        )
    stored = np.dtype(array.dtype)
    if stored.kind not in "biuf" or stored.itemsize > 8 or 0 in shape:
        raise InputError(f"{path} holds {' x '.join(map(str, shape))} values of type {stored}; save real numbers")
    return ZarrLayout(
        path, folder, letters, shape, tuple(map(int, array.chunks)), stored, plain_type(stored), spacing, origin,
        (*told, *_missing(path, array)),
    )  # fmt: skip


def _missing(path: Path, array: Any) -> tuple[str, ...]:
    """What there is to say of chunks that are not there: writers leave out those of the fill value alone."""
    there, wanted = array.nchunks_initialized, array.nchunks
    if there >= wanted:
        return ()
    value = 0 if array.fill_value is None else array.fill_value
    return (f"{path.name}: {wanted - there} of its {wanted} chunks are not there and read as {value:g}",)


def _wrong(letters: Sequence[str]) -> bool:
    """Whether a list of letters is of no image: one twice, or without x and y."""
    known = [letter for letter in letters if letter != "?"]
    return len(set(known)) < len(known) or not {"y", "x"} <= set(known)


def _axes_said(path: Path, axes: Any, ndim: int) -> list[tuple[str, str]]:
    """The letter and the unit of every axis, by OME's metadata of any version."""
    if axes is None:  # until 0.2
        axes = list("tczyx")
    if not isinstance(axes, list) or len(axes) != ndim:
        raise InputError(f"{path} names {len(axes) if isinstance(axes, list) else 'no'} axes of {ndim}; repair it")
    found = []
    for axis in axes:
        said: Mapping[str, Any] = axis if isinstance(axis, dict) else {"name": axis}
        kind, name = str(said.get("type", "")).lower(), str(said.get("name", "")).lower()
        letter = {"time": "t", "channel": "c"}.get(kind) or _LETTERS.get(name, "?")
        found.append((letter, str(said.get("unit") or "").strip().lower()))
    return found


def _mm(path: Path, axis: str, unit: str) -> float:
    if unit not in MM:
        raise InputError(
            f"{path} has an axis {axis} in {unit!r}, a unit that is not known; write micrometer or millimeter"
        )
    return MM[unit]


def _placed(path: Path, ndim: int, dataset: Mapping, image: Mapping) -> tuple[list[float] | None, list[float]]:
    """Scale and translation of an array, by the transformations of its own and those of all scales."""
    scale, translation, scaled = np.ones(ndim), np.zeros(ndim), False
    for entry in (dataset, image):
        for step in entry.get("coordinateTransformations") or []:
            kind = step.get("type") if isinstance(step, dict) else None
            if kind == "identity":
                continue
            values = step.get(kind) if isinstance(step, dict) and kind in ("scale", "translation") else None
            if (
                not isinstance(values, list)
                or len(values) != ndim
                or not all(isinstance(v, int | float) for v in values)
            ):
                raise InputError(
                    f"{path} is placed by a transformation that is not read ({step}); give a scale and a "
                    f"translation of {ndim} numbers"
                )
            if kind == "scale":
                scale, translation, scaled = scale * values, translation * values, True
            else:
                translation = translation + values
    return (scale.tolist() if scaled else None), translation.tolist()


def _text(box: Box) -> str:
    return ", ".join(f"{axis} {part.start}:{part.stop}" for axis, part in zip("zyx", box, strict=True))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
