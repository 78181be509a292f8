"""Files whose voxels will lie plainly one after another: their headers, and room for the voxels.

The header is ITK's own, of an image of 2 x 2 x 2 voxels, with the numbers of voxels put in: geometry is written as
the ordinary way writes it.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...errors import InputError
from ..names import library_name
from .plan import Plan

_LARGEST_NIFTI = 32767  # voxels on an axis
_TEMPLATE = (2, 2, 2)


def create_npy(path: Path, plan: Plan) -> None:
    """Make an .npy file: (z, y, x) or (frame, z, y, x)."""
    np.lib.format.open_memmap(path, mode="w+", dtype=plan.dtype, shape=_sizes(plan))


def create_nrrd(path: Path, plan: Plan) -> None:
    """Make a NRRD file, or the header and the data file of .nhdr."""
    _with_sizes(path, plan, rb"^sizes:((?: \d+)??)(?: 2){3}$", b"sizes:%s %s")


def create_metaimage(path: Path, plan: Plan) -> None:
    """Make a MetaImage file, or the header and the data file of .mhd."""
    _with_sizes(path, plan, rb"^DimSize =()(?: 2){3} *$", b"DimSize =%s %s")


def create_nifti(path: Path, plan: Plan) -> None:
    """Make a NIfTI-1 file.

    Raises
    ------
    InputError
        If an axis is longer than its header can say.
    """
    if max(*plan.shape, plan.frames) > _LARGEST_NIFTI:
        raise InputError(
            f"output {path} cannot hold {max(*plan.shape, plan.frames)} voxels on an axis: NIfTI-1 counts to "
            f"{_LARGEST_NIFTI}; write .zarr or .nrrd"
        )
    _write_template(path, plan)
    header = bytearray(path.read_bytes()[: -_template_bytes(plan)])
    struct.pack_into("<5h", header, 40, 4 if plan.frames > 1 else 3, *plan.shape[::-1], plan.frames)
    path.write_bytes(header)
    _make_room(path, len(header), plan)


def _sizes(plan: Plan) -> tuple[int, ...]:
    return (plan.frames, *plan.shape) if plan.frames > 1 else plan.shape


def _with_sizes(path: Path, plan: Plan, pattern: bytes, line: bytes) -> None:
    """Make a file with a header of text, in which a line has the sizes."""
    _write_template(path, plan)
    header, data = path.read_bytes(), path
    if path.suffix.lower() in (".nhdr", ".mhd"):
        data = next(file for file in path.parent.iterdir() if file.name == f"{path.stem}.raw")
    else:
        header = header[: -_template_bytes(plan)]
    sizes = " ".join(map(str, plan.shape[::-1])).encode()
    header, changed = re.subn(pattern, lambda found: line % (found[1], sizes), header, flags=re.MULTILINE)
    if changed != 1:
        raise RuntimeError(f"ITK writes headers in a new way: {header[:500]!r}")
    path.write_bytes(header)
    _make_room(data, len(header) if data == path else 0, plan)


def _write_template(path: Path, plan: Plan) -> None:
    several = plan.channels > 1
    values = np.zeros((*_TEMPLATE, plan.channels) if several else _TEMPLATE, plan.dtype)
    image = sitk.GetImageFromArray(values, isVector=several)
    image.SetSpacing(plan.geometry.spacing[::-1])
    image.SetOrigin(plan.geometry.origin)
    image.SetDirection(plan.geometry.direction)
    sitk.WriteImage(image, library_name(path))


def _template_bytes(plan: Plan) -> int:
    return 8 * plan.channels * plan.dtype.itemsize


def _make_room(data: Path, offset: int, plan: Plan) -> None:
    """Make the data file as long as it will be; its zeros need no room on most disks until they are written."""
    with data.open("r+b") as file:
        file.truncate(offset)
        file.truncate(offset + plan.nbytes)
