"""Writing a volume in parts: unfinished beside its place, then there at once.

What is unfinished lies in a folder of the target's name with ``.unfinished`` behind it: the file itself, its plan,
and whatever else its maker keeps there until it is finished. A run that was killed is taken up by asking for
the same output again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...arrays.boxes import Box
from ...arrays.locks import HELD, lock, locked
from ...arrays.reading import given_path, read_json
from ...errors import InputError
from ..omezarr import is_store
from ..quiet import standard_error_captured
from .plan import Plan, Target
from .registry import WRITABLE, PartsFormat, format_of
from .volume import Geometry, StoredVolume, whole_box

SCHEMA = "spatialdeconv-parts/1"
_ENDING = ".unfinished"
_PLAN, _LOCK, _CONTENT, _COMPLETE, _OLD = "plan.json", "lock", "content", "complete", "old"
_CHUNKS = "chunks-lock"
_NUMBERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")


class StoredWriter:
    """A volume that is being written in parts; see `create_parts`.

    It can be pickled and sent to other processes, which may write boxes that do not overlap at the same time; to
    finish or discard it is its maker's.

    Attributes
    ----------
    path : Path
        Where it will be.
    plan : Plan
        Shape, type, geometry, channels, frames and chunks of it.
    folder : Path
        Where it lies meanwhile; the maker may keep files of its own there, which go with the folder.
    resumed : bool
        Whether an earlier run has begun it, so that some of it may be there.
    told : tuple of str
        What the file will not hold, in words.
    """

    def __init__(
        self, path: Path, plan: Plan, target: Target | None, folder: Path, resumed: bool, told: tuple[str, ...],
        held: IO[bytes] | None,
    ):  # fmt: skip
        self.path, self.plan, self.folder, self.resumed = path, plan, folder, resumed
        self.told = told
        self._target = target
        self._held: IO[bytes] | None = held

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels on the axes (z, y, x)."""
        return self.plan.shape

    @property
    def beside(self) -> Path:
        """Where the output lies meanwhile: files beside it take their places with it."""
        return self.folder / _CONTENT / self.path.name

    @property
    def dtype(self) -> np.dtype:
        """Of the values in the file."""
        return self.plan.dtype

    @property
    def chunks(self) -> tuple[int, int, int] | None:
        """What is stored together; boxes of whole ones are written by several at once, others one after another."""
        return self.plan.chunks

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_held": None}

    def write(self, box: Box, values: np.ndarray, channel: int | None = None, frame: int = 0) -> None:
        """Write the values of a box.

        Parameters
        ----------
        box : tuple of 3 slices
            Along z, y, x.
        values : ndarray, (z, y, x), or (z, y, x, channel) for all of several channels
            Floating-point values are rounded to the type of the file; into integers only integers go.
        channel : int, optional
            From 0; needed where `values` are of one of several channels.
        frame : int
            From 0.

        Raises
        ------
        InputError
            If the box lies outside, or the values are not of its shape.
        OSError
            If the disk is full, or the folder is gone.
        """
        whole = whole_box(box, self.shape, self.path)
        wanted = tuple(part.stop - part.start for part in whole)
        if self.plan.channels > 1 and channel is None:
            wanted = (*wanted, self.plan.channels)
        if values.shape != wanted or not np.can_cast(values.dtype, self.dtype, "same_kind"):
            raise InputError(
                f"{self.path} takes {' x '.join(map(str, wanted))} values of {self.dtype} there, not "
                f"{' x '.join(map(str, values.shape))} of {values.dtype}"
            )
        if not 0 <= (channel or 0) < self.plan.channels or not 0 <= frame < self.plan.frames:
            raise InputError(f"{self.path} has no channel {channel} or no frame {frame}; count them from 0")
        if self._target is None:
            raise InputError(f"{self.path} is complete; finish it")
        try:
            with contextlib.nullcontext() if self._is_aligned(whole) else locked(self.folder / _CHUNKS):
                self._target.write(whole, values.astype(self.dtype, copy=False), channel, frame)
        except OSError as error:
            raise self._failure(error) from error

    def _is_aligned(self, box: Box) -> bool:
        """Whether a box shares no chunk with another, so that no other writer reads and writes what it does."""
        return self.chunks is None or all(
            part.start % chunk == 0 and (part.stop % chunk == 0 or part.stop == length)
            for part, chunk, length in zip(box, self.chunks, self.shape, strict=True)
        )

    def finish(self) -> Path:
        """Write what needs all voxels, put the output into its place, over an old one, and return that.

        Whoever is killed within it finishes by asking for the same output and calling it again.

        Raises
        ------
        OSError
        """
        content, complete = self.folder / _CONTENT, self.folder / _COMPLETE
        try:
            if self._target is not None:
                self._target.complete()
                complete.touch()
            for made in sorted(content.iterdir(), key=lambda file: file.name == self.path.name):  # itself last
                _replace(made, self.path.with_name(made.name), self.folder / _OLD)
        except OSError as error:
            raise self._failure(error) from error
        self._remove()
        return self.path

    def discard(self) -> None:
        """Remove what has been written."""
        self._remove()

    def let_go(self) -> None:
        """Leave it unfinished, for a later run to take up."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def _remove(self) -> None:
        (self.folder / _PLAN).unlink(missing_ok=True)  # first: without it the rest counts for nothing
        self.let_go()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _failure(self, error: OSError) -> OSError:
        return OSError(
            f"{self.path} was not written ({error.strerror or error}); free space or repair the folder, and run "
            f"again: what is done lies in {self.folder}"
        )


def create_parts(
    path: str | Path,
    shape: Sequence[int],
    dtype: Any,
    geometry: Geometry | None = None,
    *,
    channels: int = 1,
    frames: int = 1,
    chunks: Sequence[int] | None = None,
    multiscale: bool = True,
    channel_names: Sequence[str] = (),
) -> StoredWriter:
    """Begin a volume that is written in parts, or take up the one that a killed run has begun.

    Parameters
    ----------
    path : path
        Its ending says the format: those that `registry` can write.
    shape : sequence of 3 int
        Voxels on the axes (z, y, x).
    dtype : data type
        Integers, or floating-point numbers of 32 or 64 bits.
    geometry : Geometry, optional
        Default: voxels of 1 mm.
    channels, frames : int
    chunks : sequence of 3 int, optional
        What Zarr stores together; other formats have no chunks.
    multiscale : bool
        Whether OME-Zarr gets coarser versions, for viewers.
    channel_names : sequence of str
        What the channels are called; OME-Zarr keeps it.

    Raises
    ------
    InputError
        If the format cannot be written in parts or cannot hold this, if another run is writing it, or if an
        unfinished output of other size, type, place or version lies there.
    OSError
        If the folder cannot be written, or the disk has too little room.
    """
    path = given_path(path).absolute()
    known, plan = _planned(path, shape, dtype, geometry, channels, frames, chunks, multiscale, channel_names)
    if path.is_dir() and not (known.chunked and is_store(path)):
        raise IsADirectoryError(
            f"output {path} is a folder{' that is no Zarr store' * known.chunked}; give another name"
        )
    folder = path.with_name(path.name + _ENDING)
    lock_file = _locked(folder, path)
    try:
        resumed = _same_plan(folder, plan, path)
        if not resumed:
            _require_room(path, plan)
            _begin(folder, path, plan, known)
        target: Target | None = None
        told: tuple[str, ...] = ()
        if not (folder / _COMPLETE).exists():
            volume = known.open(folder / _CONTENT / path.name)
            target, told = known.target(volume, plan), _losses(path, plan.geometry, volume)
    except BaseException:
        if not (folder / _PLAN).exists():
            shutil.rmtree(folder, ignore_errors=True)
        lock_file.close()
        raise
    return StoredWriter(path, plan, target, folder, resumed, told, lock_file)


def attach_parts(path: str | Path) -> StoredWriter:
    """Return a writer for boxes of a volume that another process has begun, and will finish.

    Raises
    ------
    InputError
        If none has.
    """
    path = given_path(path).absolute()
    known, folder = format_of(path), path.with_name(path.name + _ENDING)
    written = folder / _PLAN
    if known is None or not written.exists():
        raise InputError(f"no unfinished output of {path} is there; begin the run again")
    plan = Plan.of_json(read_json(written, "plan"))
    volume = known.open(folder / _CONTENT / path.name)
    return StoredWriter(path, plan, known.target(volume, plan), folder, True, (), None)


def write_whole(
    path: Path, volumes: Sequence[np.ndarray], geometry: Geometry, channel_names: Sequence[str] = ()
) -> None:
    """Write a volume, or the frames of a sequence, at once, to a name that is new.

    Parameters
    ----------
    path : Path
        Its ending says the format, of those that can be written in parts.
    volumes : sequence of ndarray, (z, y, x) or (z, y, x, channel)
        One of each frame, alike in shape and type.
    geometry : Geometry
    channel_names : sequence of str
        See `create_parts`.

    Raises
    ------
    InputError
        If the format cannot hold them.
    OSError
    """
    first = volumes[0]
    channels = first.shape[3] if first.ndim == 4 else 1
    known, plan = _planned(
        path, first.shape[:3], first.dtype, geometry, channels, len(volumes), None, True, channel_names
    )
    assert known.create is not None
    known.create(path, plan)
    volume = known.open(path)
    target = known.target(volume, plan)
    for frame, values in enumerate(volumes):
        target.write(whole_box((slice(None),) * 3, plan.shape, path), values, None, frame)
    target.complete()


def _planned(
    path: Path, shape: Sequence[int], dtype: Any, geometry: Geometry | None, channels: int, frames: int,
    chunks: Sequence[int] | None, multiscale: bool, channel_names: Sequence[str],
) -> tuple[PartsFormat, Plan]:  # fmt: skip
    """The format of a path, and what is to be written, after refusing what it cannot hold."""
    known = format_of(path)
    if known is None or known.create is None:
        raise InputError(f"output {path} cannot be written in parts; use {WRITABLE}")
    plan = Plan(
        _three(path, shape), _number_type(path, dtype), geometry or Geometry(), channels, frames,
        _chunks_of(path, shape, chunks) if known.chunked else None, multiscale and known.chunked,
        tuple(channel_names) if known.chunked else (),
    )  # fmt: skip
    for count, what, held in ((channels, "channels", known.channels), (frames, "frames", known.frames)):
        if count > 1 and not held:
            raise InputError(f"output {path}: {known.name} is not written with {count} {what}; write .zarr")
    return known, plan


def _begin(folder: Path, path: Path, plan: Plan, known: PartsFormat) -> None:
    """Make the empty file, and say last what it is to be."""
    content = folder / _CONTENT
    try:
        _empty(folder)  # of what a run has left that was killed before it had a plan, or when it removed its own
        content.mkdir()
        assert known.create is not None
        with standard_error_captured():
            known.create(content / path.name, plan)
        written = folder / f"{_PLAN}.new"
        written.write_text(json.dumps({"schema": SCHEMA, **plan.as_json()}), encoding="utf-8")
        os.replace(written, folder / _PLAN)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error).strip().splitlines()[-1]
        raise OSError(f"cannot write {path} ({reason}); choose another folder or free space") from error


def _empty(folder: Path) -> None:
    """Remove all but the lock."""
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != _LOCK:
            entry.unlink()


def _three(path: Path, numbers: Sequence[int]) -> tuple[int, int, int]:
    given = tuple(int(n) for n in numbers)
    if len(given) != 3 or min(given) < 1:
        raise InputError(f"output {path} cannot have {given} voxels; give 3 numbers: along z, y, x")
    return given


def _chunks_of(path: Path, shape: Sequence[int], chunks: Sequence[int] | None) -> tuple[int, int, int]:
    """The chunks that were asked for, or such of about a million voxels; none larger than the volume."""
    whole = _three(path, shape)
    if chunks is None:
        chunks = (64, 128, 128) if whole[0] > 1 else (1, 1024, 1024)
    z, y, x = (min(n, m) for n, m in zip(_three(path, chunks), whole, strict=True))
    return z, y, x


def _number_type(path: Path, dtype: Any) -> np.dtype:
    kind = np.dtype(dtype).newbyteorder("=")
    if kind.name not in _NUMBERS:
        raise InputError(f"output {path} cannot hold values of type {kind}; use one of {', '.join(_NUMBERS)}")
    return kind


def _locked(folder: Path, path: Path) -> IO[bytes]:
    """The lock of the folder of an unfinished output, which is made."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _LOCK).is_file():
        raise InputError(
            f"{folder} holds files of somebody's own, where the unfinished output would lie; move it, or choose "
            "another name"
        )
    try:
        folder.mkdir(exist_ok=True)
        file = (folder / _LOCK).open("ab")
    except OSError as error:
        raise OSError(
            f"cannot write {path}: {folder.parent} {'does not exist' if not folder.parent.exists() else 'refuses'} "
            f"({error.strerror}); choose another folder"
        ) from error
    try:
        lock(file)
    except OSError as error:
        if error.errno in HELD:
            file.close()
            raise InputError(
                f"{path} is being written by another run; wait for it or choose another name"
            ) from error
    return file


def _same_plan(folder: Path, plan: Plan, path: Path) -> bool:
    """Whether the folder holds what was begun by this plan; false when nothing was begun."""
    written = folder / _PLAN
    if not written.exists():
        return False
    remedy = f"remove the folder {folder} to begin anew, or choose another name"
    try:
        found = read_json(written, "plan")
    except InputError as error:  # of a copy that was cut short, or a disk that lost it
        raise InputError(f"{error}; {remedy}") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        version = found.get("schema") if isinstance(found, dict) else found
        raise InputError(f"the unfinished output of {path} is of another version ({version!r}); {remedy}")
    wanted = json.loads(json.dumps(plan.as_json()))
    differing = [key for key in wanted if found.get(key) != wanted[key]]
    if differing:
        had = ", ".join(f"{key} {found.get(key)}" for key in differing)
        wants = ", ".join(f"{key} {wanted[key]}" for key in differing)
        raise InputError(f"an unfinished output of {path} was begun with {had}, not {wants}; {remedy}")
    return True


def _require_room(path: Path, plan: Plan) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < plan.nbytes:
        raise OSError(
            f"{path} was not written: the disk is full ({free / 2**20:.1f} MiB free, the volume has "
            f"{plan.nbytes / 2**20:.1f} MiB); free space or choose another folder"
        )


def _losses(path: Path, wanted: Geometry, made: StoredVolume) -> tuple[str, ...]:
    """What the file does not hold of where the voxels lie."""
    held, size = made.geometry, max(1.0, *map(abs, wanted.origin), *wanted.spacing)
    named = (("voxel size", wanted.spacing, held.spacing, 1e-6 * min(wanted.spacing)),
             ("position", wanted.origin, held.origin, 1e-6 * size),
             ("directions", wanted.direction, held.direction, 1e-6))  # fmt: skip
    lost = [name for name, was, now, least in named if np.abs(np.subtract(was, now)).max() > least]
    return (
        (f"{path.name} does not hold the {' and '.join(lost)} of the volume; write .nrrd to keep all",)
        if lost
        else ()
    )


def _replace(made: Path, target: Path, aside: Path) -> None:
    """Move a file or a folder into its place; an old folder cannot be replaced in one step."""
    if target.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
        os.replace(target, aside)
    os.replace(made, target)
