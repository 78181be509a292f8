"""What is doubtful about an image file that is read all the same, in words."""

from __future__ import annotations

import math
from pathlib import Path

from . import headers, nifti, trailing
from .images import has_spacing

_SAME_SIZE = 1e-3  # relative: what float32 and rounding by hand leave


def told_of_bytes_behind(path: Path) -> list[str]:
    """Return a line on the bytes behind a file's voxels; none where there are none."""
    behind = trailing.bytes_behind(path)
    if not behind:
        return []
    return [f"{path.name} holds {behind} bytes behind its voxels that were not read: is its header right?"]


def told_of_no_size(path: Path) -> list[str]:
    """Return a line on a file that says no voxel size at all; none where it says one."""
    if has_spacing(path):
        return []
    return [f"{path.name} says no voxel size: 1 mm was taken; kernels in mm need the right one"]


def told_of_sizes(path: Path) -> list[str]:
    """Return lines on voxel sizes that a file says of some axes only, or differently in two places."""
    if not has_spacing(path):
        return []
    if not nifti.is_nifti(path):
        return _told_of_axes(path, headers.axes_without_size(headers.start_of(path)))
    header = nifti.read_header(path)
    if header is None:
        return []
    without = nifti.axes_without_size(header)
    if without:
        return _told_of_axes(path, without)
    pairs = list(zip(header.lengths, header.placed or header.lengths, header.sizes, strict=False))
    if all(n == 1 or math.isclose(a, b, rel_tol=_SAME_SIZE) for a, b, n in pairs):
        return []
    taken, other = (" x ".join(f"{pair[n]:.4g}" for pair in reversed(pairs)) for n in (0, 1))
    return [f"{path.name} says two voxel sizes, {taken} (pixdim) and {other} (sform): the first was taken"]


def _told_of_axes(path: Path, axes: list[int]) -> list[str]:
    if not axes:
        return []
    names = " and ".join("ijk"[axis] for axis in axes)
    return [f"{path.name} says no voxel size on {names}: 1 mm was taken there; give the right one"]
