"""Volumes of which boxes are read and written, so that they need not fit into memory.

- `opening`: any file as a `StoredVolume` (`volume`); `registry`: which formats are read in parts, which written.
- `creating`: a file that is written in parts, by a `plan`: unfinished beside its place, then there at once.
- `flat`: voxels that lie plainly one after another; `located`: where NRRD, MetaImage, NIfTI and .npy
  have them; `plainfiles`: new ones of these formats.
- `zarrfiles`: OME-Zarr and Zarr; `tifffiles`: TIFF, by strips and tiles.
"""

from .creating import StoredWriter, attach_parts, create_parts, write_whole
from .opening import is_in_parts, open_parts
from .volume import Geometry, StoredVolume, View

__all__ = [
    "Geometry",
    "StoredVolume",
    "StoredWriter",
    "View",
    "attach_parts",
    "create_parts",
    "is_in_parts",
    "open_parts",
    "write_whole",
]
