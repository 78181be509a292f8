"""Paths of volumes: what they name, and what none of the readers and writers can open."""

from __future__ import annotations

import os
from pathlib import Path

from ...arrays.reading import given_path, refuse_endless
from ...errors import InputError
from ...formats import omezarr
from ...formats.absurd import refuse_absurd
from ...formats.names import library_name

PathLike = str | os.PathLike

_TWO_PART_SUFFIXES = (".seg.nrrd", ".seq.nrrd", ".nii.gz", ".fits.gz", ".seg.vtm")


def isSegmentation(path: PathLike) -> bool:
    """Return whether a file's name says that it holds a segmentation (.seg.nrrd, .seg.vtm)."""
    return suffixOf(Path(path)) in (".seg.nrrd", ".seg.vtm")


def stemOf(name: PathLike) -> str:
    """Return a file's name without its folder and its extension, .nii.gz and .seg.nrrd as a whole."""
    path = Path(name)
    suffix = suffixOf(path)
    return path.name[: -len(suffix)] if suffix and len(path.name) > len(suffix) else path.name


def existingPath(path: PathLike) -> Path:
    """Return a path absolute, after refusing what is not there or cannot be opened, and headers that are absurd."""
    path = given_path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path (current folder: {Path.cwd()})")
    refuse_endless(path, "input")
    if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
        raise InputError(f"{path} cannot be opened for reading; check its permissions")
    path = openablePath(path)
    if path.is_file():
        refuse_absurd(path)
    return path


def openablePath(path: Path) -> Path:
    """Return a path absolute, after refusing one that MRML's readers and writers cannot open."""
    path = path.absolute()
    library_name(path)
    if os.sep == "/" and "\\" in str(path):
        raise InputError(
            f"{path} has a backslash in its name, which MRML takes for the end of a folder's; rename it"
        )
    return path


def suffixOf(path: Path) -> str:
    """Return what a file's name ends in, in small letters, .nii.gz and .seg.nrrd as a whole."""
    name = path.name.lower()
    return next((s for s in _TWO_PART_SUFFIXES if name.endswith(s)), path.suffix.lower())


def isStored(path: Path) -> bool:
    """Return whether a path is a Zarr store or an .npy file, which ITK does not know."""
    return omezarr.is_zarr(path) or path.suffix.lower() == ".npy"


def isFolder(path: Path) -> bool:
    """Whether a path is a folder of files, not a volume in a folder."""
    return path.is_dir() and not omezarr.is_zarr(path)


def isDicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do."""
    if path.is_dir():
        return False
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"
