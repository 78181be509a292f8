"""Bytes that a file holds behind its voxels, which no reader looks at: another image, or a wrong header."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError
from . import headers, nifti, sizes

_GZIP_COUNTS_TO = 1 << 32  # the length that a gzip file says of itself starts again there


def bytes_behind(path: Path) -> int:
    """Return how many bytes follow the voxels of NIfTI, Analyze, NRRD or MetaImage; 0 where that is not known.

    Of packed voxels they are counted unpacked. Not known: text, bzip2, and formats of other kinds.
    """
    if nifti.is_nifti(path):
        return _behind_nifti(path)
    start = headers.start_of(path)
    try:
        if start.startswith(b"NRRD"):
            return _behind_nrrd(path, start)
        if headers.is_metaimage(start):
            return _behind_metaimage(path, start)
    except (InputError, OSError):  # which reading it will tell
        return 0
    return 0


def _behind_nifti(path: Path) -> int:
    header = nifti.read_header(path)
    if header is None:
        return 0
    if header.data.name.lower().endswith(".gz") and _packed_length(header.data) == header.bytes % _GZIP_COUNTS_TO:
        return 0
    return max(nifti.length_of(header.data) - header.bytes, 0)


def _behind_nrrd(path: Path, start: bytes) -> int:
    encoding = headers.field(start, b"encoding") or ""
    skipped = headers.field(start, b"byte ?skip") or "0"
    if not re.fullmatch(r"\d+", skipped) or (headers.field(start, b"line ?skip") or "0") != "0":
        return 0
    voxels, files = sizes.voxel_bytes(path), headers.data_files(path)
    if encoding.lower() in ("gzip", "gz"):
        packed = files[0] if files else path
        follows = (_packed_length(packed) - voxels - int(skipped)) % _GZIP_COUNTS_TO
        return follows if len(files) < 2 and follows < _GZIP_COUNTS_TO // 2 else 0
    if encoding.lower() != "raw":
        return 0
    header = re.search(rb"\r?\n\r?\n", start)
    return _left_over(path, files, voxels, int(skipped), header.end() if header else None)


def _behind_metaimage(path: Path, start: bytes) -> int:
    packed = headers.field(start, b"CompressedData") or "False"
    if (headers.field(start, b"BinaryData") or "True").lower().startswith("f"):
        return 0
    if packed.lower().startswith("t"):
        length = headers.field(start, b"CompressedDataSize") or ""
        voxels = int(length) if length.isdecimal() else None
    else:
        voxels = sizes.voxel_bytes(path)
    skipped = headers.field(start, b"HeaderSize") or "0"
    header = re.search(rb"^[ \t]*ElementDataFile[^\n]*\n", start, re.MULTILINE)
    if voxels is None or not skipped.isdecimal():
        return 0
    files = headers.data_files(path)
    return _left_over(path, files, voxels, int(skipped) if files else 0, header.end() if header else None)


def _left_over(path: Path, files: tuple[Path, ...], voxels: int, skipped: int, header: int | None) -> int:
    """Bytes of the data files, or of the one file behind its header, that are neither skipped nor voxels."""
    if files:
        held = sum(file.stat().st_size for file in files) - skipped * len(files)
    elif header is None:
        return 0
    else:
        held = path.stat().st_size - header - skipped
    return max(held - voxels, 0)


def _packed_length(path: Path) -> int:
    """What a gzip file says of its length unpacked, which starts again after 4 GiB: its last four bytes."""
    with path.open("rb") as file:
        file.seek(-4, 2)
        return int.from_bytes(file.read(), "little")
