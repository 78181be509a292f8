"""How much memory an image file takes when it is read, by its header, before a voxel is."""

from __future__ import annotations

import math
import re
from pathlib import Path

import SimpleITK as sitk

from ..arrays import memory
from ..errors import InputError
from . import fits, omezarr, tiff
from .absurd import refuse_absurd
from .names import library_name
from .npy import volume_npy

_COPIES = 2  # of the voxels, while they are read
# Deflate packs at most 1032 bytes into one; a header that claims more is damaged.
_MOST_PACKED = 1100
_PACKED_BY_DEFLATE = (".nrrd", ".nhdr", ".nii.gz", ".mha", ".mhd")
_SMALL = 1 << 20  # bytes of voxels that are read whatever the file's length is


def voxel_bytes(path: Path) -> int:
    """Return the bytes of all voxels of an image file; 0 when its header cannot be read, as reading it will tell.

    Raises
    ------
    InputError
        If the file is too short for what its header claims.
    """
    if omezarr.is_zarr(path):
        return omezarr.read_layout(path).nbytes
    if path.suffix.lower() == ".npy":
        return volume_npy(path).nbytes
    refuse_absurd(path)
    if tiff.is_tiff(path):
        layout = tiff.read_layout(path)
        size, each = layout.stack[::-1], layout.samples * layout.bits / 8
    elif fits.is_fits(path):
        size, each = fits.image_of(path).shape[::-1], 8
    else:
        reader = sitk.ImageFileReader()
        reader.SetFileName(library_name(path))
        try:
            reader.ReadImageInformation()
        except RuntimeError:
            return 0
        bits = re.search(r"(\d+)-bit", sitk.GetPixelIDValueAsString(reader.GetPixelID()))
        size, each = reader.GetSize(), reader.GetNumberOfComponents() * int(bits[1] if bits else 8) / 8
    if len(size) < 2 or min(size) < 1:
        raise InputError(
            f"{path} claims an image of {len(size)} axes ({' x '.join(map(str, size))} voxels); repair it"
        )
    claimed = math.prod(size) * each
    held = _most_held(path)
    if claimed > max(held, _SMALL):
        raise InputError(
            f"{path} claims {' x '.join(map(str, size))} voxels, {claimed / 2**30:.3g} GiB, but has "
            f"{path.stat().st_size} bytes; it is damaged or cut short"
        )
    return int(claimed)


def require_room(*paths: Path) -> None:
    """Refuse to read a file, or the files of a volume, that do not fit into memory.

    Raises
    ------
    InputError
        If the file is too short for what its header claims.
    NotEnoughMemory
        If there is too little memory; the message has the estimate.
    """
    what = paths[0] if len(paths) == 1 else paths[0].parent
    memory.require(_COPIES * sum(map(voxel_bytes, paths)), f"that is what reading {what} takes; crop it")


def _most_held(path: Path) -> float:
    """Bytes of voxels that a file can hold at most; infinite where nobody knows how it is packed."""
    if path.name.lower().endswith(".nii"):
        return path.stat().st_size
    if tiff.is_tiff(path) or not path.name.lower().endswith(_PACKED_BY_DEFLATE):
        return math.inf
    with path.open("rb") as file:
        header = file.read(1 << 16)
    if re.search(
        rb"^(encoding:\s*bz|(element)?data ?file\s*[:=](?!\s*local))", header, re.MULTILINE | re.IGNORECASE
    ):
        return math.inf  # packed more tightly, or lying in other files
    return _MOST_PACKED * path.stat().st_size
