"""Reading images with SimpleITK, and right where ITK's own readers are wrong."""

from __future__ import annotations

import re
from pathlib import Path

import SimpleITK as sitk

from ..errors import InputError
from . import nifti


def read_image(path: Path) -> sitk.Image:
    """Read an image file with the values that it holds.

    Raises
    ------
    InputError
        If the file is cut short, or holds what would be read wrong.
    RuntimeError
        What SimpleITK says of a file that it cannot read.
    """
    if nifti.is_nifti(path):
        return _read_nifti(path)
    if path.suffix.lower() == ".vtk":
        _refuse_words(path)
    return sitk.ReadImage(str(path))


def _read_nifti(path: Path) -> sitk.Image:
    nifti.check_length(path)
    image = sitk.ReadImage(str(path))
    if next(nifti.nonfinite_voxels(path), None) is None:
        return image
    components = image.GetNumberOfComponentsPerPixel()
    array = sitk.GetArrayFromImage(image)
    nifti.restore_nonfinite(path, [array], components)
    whole = sitk.GetImageFromArray(array, isVector=components > 1)
    whole.CopyInformation(image)
    return whole


def _refuse_words(path: Path) -> None:
    """Refuse a VTK file of text that holds NaN or infinity: ITK reads 0 from there on."""
    with path.open("rb") as file:
        kind = [file.readline(256) for _ in range(3)][2]
        if kind.strip().upper() == b"ASCII" and re.search(rb"\s[-+]?(nan|inf)", file.read(), re.IGNORECASE):
            raise InputError(f"{path} holds NaN or infinity as text, which cannot be read; write it as .nrrd")
