"""The one list of formats: which are read in parts, and which are written so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ..omezarr import ENDING, ZarrLayout, is_zarr
from ..tiff import is_tiff
from .flat import FlatFile
from .located import open_metaimage, open_nifti, open_npy, open_nrrd
from .plainfiles import create_metaimage, create_nifti, create_npy, create_nrrd
from .plan import Plan, Target
from .tifffiles import create_tiff, open_tiff
from .volume import StoredVolume
from .zarrfiles import ZarrTarget, create_zarr, open_zarr


def _plain_target(volume: StoredVolume, plan: Plan) -> Target:
    return cast(FlatFile, volume.source)


@dataclass(frozen=True)
class PartsFormat:
    """A format of volumes.

    Attributes
    ----------
    name : str
    endings : tuple of str
        How the names of its files end, in lower case.
    open : callable (path) -> StoredVolume
        Raises `volume.NotInParts` where a file of this format cannot be read in parts.
    plain : str
        What files of it are read in parts.
    create : callable (path, plan), optional
        Makes an empty file by a `plan.Plan`; without it the format is not written in parts.
    channels, frames : bool
        Whether it is written with several of them.
    chunked : bool
        Whether it is a folder of chunks.
    target : callable (volume, plan) -> Target
        What writes into an unfinished file, of what reading that finds.
    """

    name: str
    endings: tuple[str, ...]
    open: Callable[[Path], StoredVolume]
    plain: str
    create: Callable[[Path, Plan], None] | None = None
    channels: bool = False
    frames: bool = False
    chunked: bool = False
    target: Callable[[StoredVolume, Plan], Target] = _plain_target


#: Whatever else SimpleITK reads is read whole.
FORMATS = (
    PartsFormat(
        "OME-Zarr and Zarr", (ENDING,), open_zarr, "all", create_zarr, channels=True, frames=True, chunked=True,
        target=lambda volume, plan: ZarrTarget(cast(ZarrLayout, volume.source), plan),
    ),
    PartsFormat("NumPy", (".npy",), open_npy, "all", create_npy, frames=True),
    PartsFormat(
        "NRRD", (".nrrd", ".nhdr"), open_nrrd, "encoding raw, in one data file", create_nrrd, channels=True
    ),
    PartsFormat(
        "MetaImage", (".mha", ".mhd"), open_metaimage, "not compressed, in one data file", create_metaimage,
        channels=True,
    ),
    PartsFormat("NIfTI", (".nii",), open_nifti, "not compressed", create_nifti, frames=True),
    PartsFormat(
        "TIFF, BigTIFF and OME-TIFF", (".tif", ".tiff"), open_tiff, "all; packed ones by strips and tiles",
        create_tiff,
    ),
    PartsFormat("NIfTI and Analyze pairs", (".hdr", ".img"), open_nifti, "not compressed"),
)  # fmt: skip

#: What can be written, and what can be read, for messages.
WRITABLE = ", ".join(ending for known in FORMATS if known.create for ending in known.endings)
READABLE = "NRRD, NIfTI, MetaImage, TIFF, .npy or Zarr"


def format_of(path: Path) -> PartsFormat | None:
    """Return the format that a name says, or what lies in a folder; None of another."""
    name = path.name.lower()
    if is_zarr(path):
        name = ENDING
    elif path.is_file() and is_tiff(path):
        name = ".tif"
    return next((known for known in FORMATS if name.endswith(known.endings)), None)
