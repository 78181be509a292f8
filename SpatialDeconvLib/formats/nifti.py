"""NIfTI files: how long they have to be, and the NaN and infinity that ITK's reader turns into 0.

NIfTI-1 and Analyze, as one file or as a pair (.hdr, .img), compressed or not.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from ..errors import InputError

_HEADER_BYTES = 348
_FLOATS = {16: "f4", 64: "f8"}  # NIfTI's codes of the types whose voxels may be NaN
_LEAST_SLOPE = 2.3e-16  # of which ITK does not take it for 0
_CHUNK = 1 << 20  # voxels looked at in one go
_SUFFIXES = (".nii", ".nii.gz", ".hdr", ".img", ".img.gz")


@dataclass(frozen=True)
class NiftiHeader:
    """What a header says of the voxels.

    Attributes
    ----------
    data : Path
        The file that holds the voxels.
    offset : int
        Bytes before the first of them.
    sizes : tuple of int
        Number of voxels on the axes i, j, k, t, ..., the fastest first.
    bits : int
        Of a voxel.
    floats : dtype or None
        Type of the voxels, where they may be NaN.
    scale : (slope, intercept)
        What stored numbers are multiplied with, and what is then added.
    order : {"<", ">"}
        Byte order.
    code : int
        NIfTI's number of the type of the voxels.
    lengths : tuple of float
        Voxel sizes on the axes i, j, k that there are, in the header's unit; 0 or NaN where it says none.
    placed : tuple of float or None
        The same by the header's matrix of places (sform), where it has one; ITK takes `lengths`.
    """

    data: Path
    offset: int
    sizes: tuple[int, ...]
    bits: int
    floats: np.dtype | None
    scale: tuple[float, float]
    order: str
    code: int
    lengths: tuple[float, ...]
    placed: tuple[float, ...] | None

    @property
    def bytes(self) -> int:
        """Length of the data file, uncompressed."""
        return self.offset + math.prod(self.sizes) * self.bits // 8


def is_nifti(path: Path) -> bool:
    """Return whether a file's name says that it is NIfTI or Analyze."""
    return path.name.lower().endswith(_SUFFIXES)


def read_header(path: Path) -> NiftiHeader | None:
    """Return what the header of a NIfTI-1 or Analyze file says; None when it has none.

    Raises
    ------
    InputError
        If the file cannot be read, or its header says what cannot be.
    """
    source = _beside(path, ".hdr")
    try:
        with _opened(source) as file:
            header = file.read(_HEADER_BYTES)
    except (EOFError, OSError, zlib.error) as error:
        raise _damaged(path, error) from error
    if len(header) < _HEADER_BYTES:
        return None
    order = next((o for o in "<>" if struct.unpack_from(f"{o}i", header)[0] == _HEADER_BYTES), None)
    if order is None:
        return None
    magic = header[344:347]
    if (magic == b"n+1") != (path.name.lower().endswith((".nii", ".nii.gz"))):
        return None
    axes, *sizes = struct.unpack_from(f"{order}8h", header, 40)
    code, bits = struct.unpack_from(f"{order}2h", header, 70)
    offset, slope, intercept = struct.unpack_from(f"{order}3f", header, 108)
    if not 1 <= axes <= 7 or not 0 <= offset < 2**31 or bits < 0:
        raise InputError(
            f"{path} has a damaged header ({axes} axes, {bits} bits a voxel, voxels from byte {offset:g}); "
            "write it again"
        )
    if magic == b"n+1" and offset < _HEADER_BYTES:
        raise InputError(
            f"{path} has a damaged header (its voxels begin at byte {offset:g}, within the header); set vox_offset "
            "to 352, or to where they begin"
        )
    _refuse_scale(path, slope, intercept)
    scaled = magic in (b"n+1", b"ni1") and slope != 0 and math.isfinite(slope)
    return NiftiHeader(
        _beside(path, ".img"),
        int(offset),
        tuple(max(n, 1) for n in sizes[:axes]),
        bits,
        np.dtype(order + _FLOATS[code]) if code in _FLOATS else None,
        (slope, intercept if math.isfinite(intercept) else 0.0) if scaled else (1.0, 0.0),
        order,
        code,
        tuple(map(abs, struct.unpack_from(f"{order}3f", header, 80)[:axes])),
        _placed(path, header, order) if magic in (b"n+1", b"ni1") else None,
    )


def _refuse_scale(path: Path, slope: float, intercept: float) -> None:
    """Refuse scales that ITK reads in its own way: it adds what has no slope, and takes tiny slopes for 1."""
    if intercept and math.isfinite(intercept) and not (slope and math.isfinite(slope)):
        raise InputError(
            f"{path} has a doubtful header: it adds {intercept:g} to all values (scl_inter) but says no scale "
            f"(scl_slope {slope:g}), and readers differ on that; set scl_slope to 1, or scl_inter to 0"
        )
    if 0 < abs(slope) < _LEAST_SLOPE:
        raise InputError(
            f"{path} multiplies its values by {slope:g} (scl_slope), which ITK takes for 1; write them in another "
            "unit"
        )


def _placed(path: Path, header: bytes, order: str) -> tuple[float, ...] | None:
    """Voxel sizes by the matrix of places, where the header has one; refuses places that are no numbers."""
    by_quaternion, by_matrix = struct.unpack_from(f"{order}2h", header, 252)
    quaternion, matrix = (
        struct.unpack_from(f"{order}6f", header, 256),
        struct.unpack_from(f"{order}12f", header, 280),
    )
    for used, name, values in ((by_quaternion, "qform", quaternion), (by_matrix, "sform", matrix)):
        if used > 0 and not np.isfinite(values).all():
            raise InputError(f"{path} has a damaged header (its {name} holds NaN or infinity); write it again")
    if by_matrix <= 0:
        return None
    lengths = np.linalg.norm(np.reshape(matrix, (3, 4))[:, :3], axis=0)
    if not lengths.all() and by_quaternion > 0:
        return None  # which ITK then takes
    if not lengths.all():
        raise InputError(f"{path} has a damaged header (its sform gives voxels no size); write it again")
    return tuple(map(float, lengths))


def axes_beyond_four(path: Path) -> int:
    """Return the number of axes of a NIfTI file that has more than four of them; 0 of any other file."""
    if not is_nifti(path):
        return 0
    try:
        header = read_header(path)
    except InputError:  # which reading tells
        return 0
    return len(header.sizes) if header is not None and math.prod(header.sizes[4:]) > 1 else 0


def axes_without_size(header: NiftiHeader) -> list[int]:
    """Return which of the axes i, j, k with several voxels have no voxel size: ITK takes 1 mm."""
    return [
        axis
        for axis, (length, count) in enumerate(zip(header.lengths, header.sizes, strict=False))
        if count > 1 and not (0 < length < math.inf)
    ]


def is_second_version(path: Path) -> bool:
    """Return whether a file begins as NIfTI-2 does, whose header has 540 bytes."""
    if not is_nifti(path):
        return False
    try:
        with _opened(_beside(path, ".hdr")) as file:
            start = file.read(8)
    except (EOFError, OSError, zlib.error):
        return False
    return start[4:7] in (b"n+2", b"ni2")


def check_length(path: Path, least: int = 0) -> None:
    """Refuse a file that is shorter than its header says: ITK reads and writes one without complaint.

    Parameters
    ----------
    path : Path
    least : int
        Bytes that it must have in any case (uncompressed), whatever its header says.

    Raises
    ------
    InputError
    """
    header = read_header(path)
    data, expected = (path, 0) if header is None else (header.data, header.bytes)
    expected = max(expected, least)
    try:
        held = length_of(data)
    except (EOFError, OSError, zlib.error) as error:
        raise _damaged(path, error) from error
    if held < expected:
        raise InputError(f"{path} is cut short: {held} of {expected} bytes; copy or write it again")


def restore_nonfinite(path: Path, frames: list[np.ndarray], components: int = 1) -> None:
    """Put the NaN and infinite values that a file holds into the arrays that ITK has made of it, in place.

    Parameters
    ----------
    path : Path
    frames : list of ndarray, (k, j, i) or (k, j, i, component)
        The volumes of the file, in its order.
    components : int
        Number of values a voxel has; they lie on the file's slowest axis.

    Raises
    ------
    InputError
        If there are any and the arrays cannot hold them: ITK made integers of them.
    """
    voxels = frames[0].size // components
    for places, values in nonfinite_voxels(path):
        if frames[0].dtype.kind != "f":
            raise InputError(f"{path} holds NaN or infinity, which are no labels; replace them by 0")
        numbers, rest = np.divmod(places, voxels)
        for number in np.unique(numbers):
            here = numbers == number
            component, frame = divmod(int(number), len(frames))
            frames[frame].reshape(voxels, components)[rest[here], component] = values[here]


def nonfinite_voxels(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield places, in the order of the file, and values of voxels that are NaN or infinite, piece by piece."""
    header = read_header(path)
    if header is None or header.floats is None:
        return
    with _opened(header.data) as file:
        file.seek(header.offset)
        left, start = math.prod(header.sizes), 0
        while left > 0:
            values = np.frombuffer(file.read(min(left, _CHUNK) * header.floats.itemsize), header.floats)
            if not values.size:
                return
            bad = np.flatnonzero(~np.isfinite(values))
            if bad.size:
                slope, intercept = header.scale
                yield start + bad, values[bad].astype(np.float64) * slope + intercept
            start, left = start + values.size, left - values.size


def _beside(path: Path, end: str) -> Path:
    """The .hdr or .img of a pair, of which either may be named; a single file is both."""
    name = path.name.lower()
    if not name.endswith((".hdr", ".img", ".img.gz", ".hdr.gz")):
        return path
    stem = path.name[: name.rindex(".hdr" if ".hdr" in name else ".img")]
    plain = path.with_name(stem + end)
    return plain if plain.exists() else path.with_name(stem + end + ".gz")


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.name.lower().endswith(".gz") else path.open("rb")


def length_of(path: Path) -> int:
    """Return the length of a file in bytes, unpacked."""
    if not path.name.lower().endswith(".gz"):
        return path.stat().st_size
    held = 0
    with _opened(path) as file:
        while chunk := file.read(1 << 20):
            held += len(chunk)
    return held


def _damaged(path: Path, error: Exception) -> InputError:
    reason = getattr(error, "strerror", None) or error
    return InputError(f"{path} cannot be read ({reason}); it may be damaged or cut short: copy it again")
