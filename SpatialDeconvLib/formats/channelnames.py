"""What channels are called, by the files that say so: OME-Zarr and OME-TIFF; and which channels are colours."""

from __future__ import annotations

from pathlib import Path

from numpy.typing import DTypeLike

from . import omezarr, tiff

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


def channel_names(path: Path) -> tuple[str, ...]:
    """Return what a file calls its channels, in order, "" those without a name; () where it names none."""
    if omezarr.is_zarr(path):
        return omezarr.read_layout(path).channel_names
    if path.is_file() and tiff.is_tiff(path):
        return tiff.read_layout(path).channel_names
    return ()


def is_colour(dtype: DTypeLike, count: int) -> bool:
    """Return whether so many values of such a type can be a colour; a fourth is its opacity."""
    return dtype == "uint8" and count in (3, 4)


def are_colours(path: Path) -> bool:
    """Return whether the values of a voxel that can be a colour (`is_colour`) are one.

    So they are in pictures. Channels that lie in pages of their own, as in OME-TIFF, are none.
    """
    if path.is_file() and tiff.is_tiff(path):
        return tiff.read_layout(path).channels == 1
    return path.suffix.lower() in _PICTURES
