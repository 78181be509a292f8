"""The one list of formats: which are read in parts, and which are written so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from .located import open_metaimage, open_nifti, open_npy, open_nrrd
from .plainfiles import create_metaimage, create_nifti, create_npy, create_nrrd
from .plan import Plan, Target
from .volume import StoredVolume


@dataclass(frozen=True)
class PartsFormat:
    """A format of volumes.

    Attributes
    ----------
    name : str
    endings : tuple of str
        How the names of its files end, in lower case.
    open : callable (path) -> StoredVolume or None
        None where a file of this format cannot be read in parts.
    plain : str
        What files of it are read in parts.
    create : callable (path, plan), optional
        Makes an empty file by a `plan.Plan`; without it the format is not written in parts.
    channels, frames : bool
        Whether it is written with several of them.
    chunked : bool
        Whether it is a folder of chunks.
    """

    name: str
    endings: tuple[str, ...]
    open: Callable[[Path], StoredVolume | None]
    plain: str
    create: Callable[[Path, Plan], None] | None = None
    channels: bool = False
    frames: bool = False
    chunked: bool = False

    def target(self, path: Path) -> Target:
        """Return what writes into an unfinished file: where its voxels lie is what reading it finds, too."""
        volume = self.open(path)
        assert volume is not None  # it was created as one that is read in parts
        return cast(Target, volume.source)


#: Whatever else SimpleITK reads is read whole.
FORMATS = (
    PartsFormat("NumPy", (".npy",), open_npy, "all", create_npy, frames=True),
    PartsFormat(
        "NRRD", (".nrrd", ".nhdr"), open_nrrd, "encoding raw, in one data file", create_nrrd, channels=True
    ),
    PartsFormat(
        "MetaImage", (".mha", ".mhd"), open_metaimage, "not compressed, in one data file", create_metaimage,
        channels=True,
    ),
    PartsFormat("NIfTI", (".nii",), open_nifti, "not compressed", create_nifti, frames=True),
    PartsFormat("NIfTI and Analyze pairs", (".hdr", ".img"), open_nifti, "not compressed"),
)  # fmt: skip

#: What can be written, and what can be read, for messages.
WRITABLE = ", ".join(ending for known in FORMATS if known.create for ending in known.endings)
READABLE = "NRRD, NIfTI, MetaImage, TIFF, .npy or Zarr"


def format_of(path: Path) -> PartsFormat | None:
    """Return the format that a name says; None of another."""
    name = path.name.lower()
    return next((known for known in FORMATS if name.endswith(known.endings)), None)
