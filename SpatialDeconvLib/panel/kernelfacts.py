"""What there is to say of a row's kernel once it was looked at: why there is none, its voxels, its centre.

Every row is looked at whenever anything in the panel changes, so what was found is remembered: a file is read once,
and again when its time or size has changed; a volume, when its voxels have.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..kernels.kernel import Kernel
from ..kernels.parametric import AnyKernel
from ..methods.choices import CENTRES
from .model import _, errorText

_MOST = 1024  # kernels that are remembered, the oldest forgotten first
_found: dict[Any, tuple[AnyKernel | None, str]] = {}


def kernelOf(row: Any) -> tuple[AnyKernel | None, str]:
    """Return the kernel of a `kernelrows.KernelRow` and "", or None and why there is none, in one line."""
    key = (replace(row, at="", volume=None), stampOf(row))
    if key not in _found:
        while len(_found) >= _MOST:
            del _found[next(iter(_found))]
        try:
            _found[key] = row.kernel(), ""
        except (InputError, OSError, MemoryError) as error:
            _found[key] = None, errorText(error)
    return _found[key]


def forgetAll() -> None:
    """Let go of all kernels: those of another scene are not asked for again."""
    _found.clear()


def stampOf(row: Any) -> Any:
    """Return what changes when the stored values of a row do."""
    if row.kind == "volume" and row.volume is not None and row.volume.GetImageData() is not None:
        # The count of changes is one for all objects of VTK: no two images share one.
        return row.volume.GetImageData().GetMTime(), row.volume.GetSpacing(), row.volume.GetName()
    if row.kind == "file":
        try:
            found = os.stat(row.path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
    return None


# ------------------------------------------------------------------------------------------------- words


def centreLabel(word: str) -> str:
    """Return what a combo box calls one of the words for a kernel's centre."""
    return {
        "auto": _("Automatic"),
        "middle": _("Middle"),
        "itk": _("ITK's voxel (n // 2)"),
        "peak": _("Peak"),
        "centroid": _("Centroid"),
    }[word]


def centreSentences() -> str:
    """Return what each word for a kernel's centre means, one line each."""
    sentences = {
        "auto": _("the middle of a kernel that is symmetric about it, ITK's voxel of others"),
        "middle": _("(n - 1) / 2, which lies between two voxels where n is even"),
        "itk": _("index n // 2, counted from 0, the rule of ITK's filters"),
        "peak": _("the largest value"),
        "centroid": _("the mean place of the weight"),
    }
    return "\n".join(f"{centreLabel(word)}: {sentences[word]}." for word in CENTRES)


def centreText(kernel: Kernel) -> str:
    """Return in words where the centre of a kernel is."""
    word, place = _centre(kernel)
    if word == "middle":
        between = any(c != int(c) for c in kernel.centre)
        return _("centre in the middle, between voxels") if between else _("centre in the middle")
    return (_("centre at ITK's voxel {place}") if word == "itk" else _("centre at {place}")).format(place=place)


def _centre(kernel: Kernel) -> tuple[str, str]:
    """The word that says where a kernel's centre is, "" if none does, and its indices."""
    centre, shape = kernel.centre, kernel.shape
    place = ", ".join(f"{v:.4g}" for v in centre)
    if all(c == (n - 1) / 2 for c, n in zip(centre, shape, strict=True)):
        return "middle", place
    return "itk" if all(c == n // 2 for c, n in zip(centre, shape, strict=True)) else "", place


def factsText(kernel: AnyKernel | None) -> str:
    """Return in a few words how large a stored kernel is and where its centre lies; "" of other kernels."""
    if not isinstance(kernel, Kernel):
        return ""
    size = " x ".join(map(str, kernel.shape))
    if kernel.in_voxels:
        text = _("{size} of the image's voxels, {centre}")
    else:
        text = _("{size} voxels of {spacing} mm, {centre}")
    return text.format(size=size, spacing=spacingText(kernel.spacing), centre=centreText(kernel))


def shortText(kernel: AnyKernel | None) -> str:
    """Return the same for a cell of the table, as short as it can be."""
    if not isinstance(kernel, Kernel):
        return ""
    word, place = _centre(kernel)
    centre = {"middle": _("centre middle"), "itk": _("centre ITK's")}.get(word) or _("centre {place}")
    spacing = _("image's voxels") if kernel.in_voxels else _("{spacing} mm")
    text = ", ".join([centre, spacing])
    return text.format(place=place, spacing=spacingText(kernel.spacing))


def spacingText(spacing: Sequence[float]) -> str:
    """Return a voxel size, one number where all axes have the same."""
    numbers = [f"{v:.6g}" for v in spacing]
    return numbers[0] if len(set(numbers)) == 1 else " x ".join(numbers)
