"""What channels are called, by the files that say so: OME-Zarr and OME-TIFF."""

from __future__ import annotations

from pathlib import Path

from . import omezarr, tiff


def channel_names(path: Path) -> tuple[str, ...]:
    """Return what a file calls its channels, in order, "" those without a name; () where it names none."""
    if omezarr.is_zarr(path):
        return omezarr.read_layout(path).channel_names
    if path.is_file() and tiff.is_tiff(path):
        return tiff.read_layout(path).channel_names
    return ()
