"""Where NRRD, MetaImage, NIfTI and .npy files keep their voxels, where these lie plainly one after another.

SimpleITK reads the header, so that sizes, types and geometry are those of the ordinary way; what it does not tell,
where the voxels begin and in which byte order they are, is read here. Of what is not plain (packed, in words, in
several files) these functions raise `NotInParts`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...errors import InputError
from .. import headers, nifti
from ..frames import are_components
from ..images import has_spacing, lengths_of, refuse_shear
from ..names import library_name
from ..npy import volume_npy
from ..quiet import standard_error_captured
from ..sizes import voxel_bytes
from ..types import plain_type
from .flat import FlatFile
from .volume import Geometry, NotInParts, StoredVolume

# NIfTI's codes of types.
_NIFTI_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 128: "u1", 256: "i1", 512: "u2", 768: "u4",
                1024: "i8", 1280: "u8"}  # fmt: skip
_NIFTI_RGB = 128
_PACKED, _SEVERAL = "its voxels are packed", "its voxels lie in several files"


def open_npy(path: Path) -> StoredVolume:
    """Return the volume in an .npy file: (y, x), (z, y, x) or (frame, z, y, x).

    Raises
    ------
    InputError
        If it is damaged, or holds something else.
    """
    array = volume_npy(path)
    axes, shape = "tzyx"[-array.ndim :], array.shape
    if not array.flags.c_contiguous:  # columns first, as MATLAB and Fortran have them
        axes, shape = axes[::-1], shape[::-1]
    source = FlatFile(path, int(array.offset), axes, shape, array.dtype, plain_type(array.dtype))
    return _volume(path, source, Geometry(), False)


def open_nrrd(path: Path) -> StoredVolume:
    """Return the volume of a NRRD file, attached or detached."""
    header, data = _Header.of(path), headers.data_files(path) or (path,)
    start = headers.start_of(path)
    end = re.search(rb"\r?\n\r?\n", start)
    if len(data) > 1:
        raise NotInParts(_SEVERAL)
    if data[0] == path and end is None:
        raise NotInParts(f"its header is longer than {len(start)} bytes")
    lines = start[: end.start() if end else None].decode("utf-8", "replace").splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))
    said = {key.strip().lower().replace(" ", ""): value.strip() for key, value in pairs}
    if said.get("encoding", "").lower() != "raw":
        raise NotInParts(f"its voxels are in the encoding {said.get('encoding', 'that nobody says')}, not raw")
    axes = _nrrd_axes(said, header)
    first = end.end() if end and data[0] == path else 0
    offset = _after(data[0], first, _whole(said, "lineskip"), _whole(said, "byteskip"), header.bytes)
    return header.volume(data[0], offset, ">" if said.get("endian", "").lower() == "big" else "<", axes)


def _nrrd_axes(said: dict[str, str], header: _Header) -> str:
    """The axes of a NRRD file, the slowest first: one that is no axis of space is of components or of frames."""
    words = said.get("sizes", "").split()
    sizes = [int(word) if word.isdecimal() else 0 for word in words]
    others = [place for place, word in enumerate(said.get("kinds", "").split()) if word not in ("domain", "space")]
    if "spacedirections" in said:
        words = re.findall(r"none|\([^)]*\)", said["spacedirections"])
        others = [place for place, word in enumerate(words) if word == "none"]
    if header.components == 1 and sizes == list(header.size):
        return "tzyx"[-len(sizes) :]
    if len(others) != 1 or len(sizes) != len(header.size) + 1 or sizes[others[0]] != header.components:
        raise NotInParts("its header does not say clearly which axes are those of space")
    letter = "t" if are_components(header.reader) else "c"
    axes = list("xyz"[: len(header.size)])
    axes.insert(others[0], letter)
    return "".join(axes[::-1])


def open_metaimage(path: Path) -> StoredVolume:
    """Return the volume of a MetaImage file, .mha or .mhd."""
    header, data = _Header.of(path), headers.data_files(path) or (path,)
    start = headers.start_of(path)
    end = re.search(rb"^[ \t]*ElementDataFile[ \t]*=[^\n]*\n?", start, re.MULTILINE)
    if len(data) > 1:
        raise NotInParts(_SEVERAL)
    if end is None:
        raise NotInParts(f"its header is longer than {len(start)} bytes")
    lines = start[: end.end()].decode("utf-8", "replace").splitlines()
    said = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    if said.get("CompressedData", "").lower() == "true":
        raise NotInParts(_PACKED)
    if said.get("BinaryData", "").lower() != "true":
        raise NotInParts("its voxels are written as text")
    msb = said.get("BinaryDataByteOrderMSB", said.get("ElementByteOrderMSB", "False"))
    first = end.end() if data[0] == path else 0
    skip = _whole(said, "HeaderSize")
    offset = _after(data[0], first if skip >= 0 else 0, 0, skip, header.bytes)
    axes = "tzyx"[-len(header.size) :] + ("c" if header.components > 1 else "")
    return header.volume(data[0], offset, ">" if msb.lower() in ("true", "1") else "<", axes)


def open_nifti(path: Path) -> StoredVolume:
    """Return the volume of a NIfTI-1 file, .nii or a pair."""
    said = nifti.read_header(path)
    if said is None:
        raise NotInParts("it has no header of NIfTI-1")
    if said.data.name.lower().endswith(".gz"):
        raise NotInParts(_PACKED)
    nifti.check_length(path)
    header = _Header.of(path)
    if said.code not in _NIFTI_TYPES or len(header.size) > 4:
        raise NotInParts(f"its voxels are of NIfTI's type {said.code}, on {len(header.size)} axes")
    stored = np.dtype(said.order + _NIFTI_TYPES[said.code])
    axes = "tzyx"[-len(header.size) :]
    if header.components > 1:
        axes = f"{axes}c" if said.code == _NIFTI_RGB else f"c{axes}"
    scale = None if said.scale == (1.0, 0.0) else said.scale
    return header.volume(said.data, said.offset, said.order, axes, stored, scale)


@dataclass(frozen=True)
class _Header:
    """The header of a file as SimpleITK reads it."""

    path: Path
    reader: sitk.ImageFileReader

    @classmethod
    def of(cls, path: Path) -> _Header:
        """Read it, without the voxels; raises what `images.read_image` does."""
        voxel_bytes(path)  # which refuses a file too short for its header
        reader = sitk.ImageFileReader()
        reader.SetFileName(library_name(path))
        with standard_error_captured():
            reader.ReadImageInformation()
        axes = reader.GetDimension()
        refuse_shear(path, np.reshape(reader.GetDirection(), (axes, axes)))
        return cls(path, reader)

    @property
    def size(self) -> tuple[int, ...]:
        return self.reader.GetSize()

    @property
    def components(self) -> int:
        return self.reader.GetNumberOfComponents()

    @property
    def dtype(self) -> np.dtype | None:
        """Of the values that SimpleITK reads; None of complex ones."""
        words = re.fullmatch(
            r"(?:vector of )?(\d+)-bit (unsigned integer|signed integer|float)",
            sitk.GetPixelIDValueAsString(self.reader.GetPixelID()),
        )
        kinds = {"unsigned integer": "u", "signed integer": "i", "float": "f"}
        return np.dtype(f"{kinds[words[2]]}{int(words[1]) // 8}") if words else None

    @property
    def bytes(self) -> int:
        """Of all voxels, where they are stored as they are read."""
        each = self.dtype.itemsize if self.dtype else 0
        return math.prod(self.size) * self.components * each

    def volume(
        self, data: Path, offset: int, order: str, axes: str, stored: np.dtype | None = None,
        scale: tuple[float, float] | None = None,
    ) -> StoredVolume:  # fmt: skip
        """The volume whose voxels lie there."""
        if self.dtype is None or any(n > 1 for n in self.size[4:]):
            raise NotInParts("its voxels are no real numbers on up to four axes")
        letters = dict(zip("xyzt", self.size, strict=False))
        letters["c" if "c" in axes else "t"] = self.components if self.components > 1 else letters.get("t", 1)
        shape = tuple(letters[axis] for axis in axes)
        source = FlatFile(
            data, offset, axes, shape, stored or np.dtype(order + self.dtype.str[1:]), self.dtype, scale
        )
        if source.end > data.stat().st_size:
            raise InputError(
                f"{self.path} is cut short: its voxels end at byte {source.end} of {data.name}, which has "
                f"{data.stat().st_size}; copy or write it again"
            )
        spacing, origin = lengths_of(self.path, self.reader)
        voxel = sitk.Image([1] * len(self.size), sitk.sitkUInt8)  # which refuses what no image can have
        voxel.SetSpacing(spacing)
        voxel.SetDirection(self.reader.GetDirection())
        geometry = Geometry.of_axes(spacing, origin, self.reader.GetDirection())
        return _volume(self.path, source, geometry, has_spacing(self.path))


def _volume(path: Path, source: FlatFile, geometry: Geometry, known: bool) -> StoredVolume:
    return StoredVolume(
        path, (source.length_of("z"), source.length_of("y"), source.length_of("x")), source.dtype, geometry, source,
        has_spacing=known, channels=source.length_of("c"), frames=source.length_of("t"),
    )  # fmt: skip


def _whole(said: dict[str, str], key: str) -> int:
    """The number of a field; 0 of one that is missing."""
    found = re.match(r"-?\d+", said.get(key, ""))
    return int(found[0]) if found else 0


def _after(data: Path, first: int, lines: int, skipped: int, needed: int) -> int:
    """Where the voxels begin, after lines and bytes that are skipped; -1 bytes: they end with the file."""
    if skipped < 0:
        return max(data.stat().st_size - needed, 0)
    with data.open("rb") as file:
        file.seek(first)
        for _ in range(lines):
            file.readline()
        return file.tell() + skipped
