"""Opening a volume to read boxes of it, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...arrays.boxes import Box
from ...arrays.reading import given_path, refuse_endless
from ...errors import InputError
from ..channelnames import channel_names
from ..images import has_spacing, read_image
from ..quiet import standard_error_captured
from ..reasons import unreadable
from .registry import READABLE, format_of
from .volume import Geometry, NotInParts, StoredVolume


def open_parts(path: str | Path) -> StoredVolume:
    """Open a volume to read boxes of it.

    Parameters
    ----------
    path : path
        Of any format that `formats.images.read_image` reads, and .npy. Those that the table of `registry` names are
        read in parts, unless they are packed; of others the first box reads all.

    Returns
    -------
    StoredVolume
        Its values are those that the ordinary way reads, to the bit.

    Raises
    ------
    InputError
        If it is missing, damaged, or no volume of real numbers.
    NotEnoughMemory
        If it has to be read whole and does not fit.
    """
    path = given_path(path).absolute()
    refuse_endless(path, "input")
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path (current folder: {Path.cwd()})")
    try:
        volume = _opened(path)
    except RuntimeError as error:  # of SimpleITK
        raise InputError(unreadable(path, str(error), READABLE)) from error
    return replace(volume, channel_names=channel_names(path)) if volume.channels > 1 else volume


def is_in_parts(path: str | Path) -> bool:
    """Return whether boxes of a volume can be read without the rest, by its header; of a damaged one, no.

    Nothing but the header is read.
    """
    path = given_path(path).absolute()
    known = format_of(path) if path.exists() else None
    if known is None:
        return False
    try:
        refuse_endless(path, "input")
        with standard_error_captured():
            known.open(path)
    except (NotInParts, InputError, OSError, RuntimeError):
        return False
    return True


def _opened(path: Path) -> StoredVolume:
    known = format_of(path)
    if known is None:
        return _whole(path, "its format is not one of those that are")
    try:
        with standard_error_captured():
            return known.open(path)
    except NotInParts as error:
        return _whole(path, str(error))


def _whole(path: Path, why: str) -> StoredVolume:
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a file, or a Zarr store (.zarr)")
    with standard_error_captured():
        image = read_image(path)
    if "complex" in sitk.GetPixelIDValueAsString(image.GetPixelID()):
        raise InputError(f"{path} is complex; save its magnitude first")
    values = _Whole.values_of(image)
    geometry = Geometry.of_axes(image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return StoredVolume(
        path, values.shape[1:4], values.dtype, geometry, _Whole(path, values), has_spacing=has_spacing(path),
        is_parts=False, channels=values.shape[4], frames=values.shape[0],
        told=(f"{path.name} is read whole, not in parts: {why}",),
    )  # fmt: skip


@dataclass
class _Whole:
    """All values of a file, (frame, z, y, x, channel); other processes read them again."""

    path: Path
    values: np.ndarray | None = field(default=None, repr=False)

    @staticmethod
    def values_of(image: sitk.Image) -> np.ndarray:
        values = sitk.GetArrayFromImage(image)
        channels = image.GetNumberOfComponentsPerPixel()
        values = values if channels > 1 else values[..., np.newaxis]
        return values.reshape((1,) * (5 - values.ndim) + values.shape)

    def read(self, box: Box, channel: int | None, frame: int) -> np.ndarray:
        """Return the values of a box; see `volume.StoredVolume.read`."""
        if self.values is None:
            with standard_error_captured():
                self.values = self.values_of(read_image(self.path))
        part = self.values[frame][box]
        if channel is not None or part.shape[-1] == 1:
            return part[..., channel or 0].copy()
        return part.copy()

    def __getstate__(self) -> dict[str, Path | None]:
        return {"path": self.path, "values": None}
