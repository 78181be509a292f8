"""DICOM series: which files belong to one, and one of them as a volume node."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from ...errors import InputError
from ...formats import dicom, sizes
from ...formats.names import library_name, python_name
from ...formats.reasons import reason_of
from ..scene import (
    quietly,
)
from .images import COMPLEX, NO_SIZE, TOLD, addImage, failureOf
from .paths import PathLike


def _seriesOf(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return {series instance UID: file names in slice order} of the DICOM files directly in a folder."""
    with quietly():
        name = library_name(folder)
        found = {
            uid: sitk.ImageSeriesReader.GetGDCMSeriesFileNames(name, uid)
            for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(name)
        }
    return {uid: tuple(map(python_name, files)) for uid, files in found.items()}


def seriesFiles(path: PathLike) -> list[Path]:
    """Return the files that are read when one DICOM file is named: its series, in slice order, or the file alone.

    Alone it is read when the files of its series say no positions: they are images of their own.
    """
    path = Path(path)
    for files in _seriesOf(path.parent).values():
        if any(Path(file).name == path.name for file in files):
            return [Path(file) for file in files] if _areSlices(files) else [path]
    return [path]


def _areSlices(files: Sequence[str]) -> bool:
    with quietly():
        try:
            return dicom.are_slices(dicom.read_headers(files))
        except RuntimeError:
            return True  # and reading them will say what is wrong


def onlySeries(folder: Path) -> tuple[str, ...]:
    """Return the files of the one series in a folder, in slice order, after refusing none and several."""
    series = _seriesOf(folder)
    if not series:
        raise InputError(
            f"{folder} holds no DICOM series; give the folder that holds the DICOM files themselves, or one file"
        )
    if len(series) > 1:
        shown = [
            f"'{_description(files[0])}' ({len(files)} files, {Path(files[0]).name})" for files in series.values()
        ]
        more = f" and {len(shown) - 8} more" if len(shown) > 8 else ""
        raise InputError(
            f"{folder} holds {len(series)} DICOM series: {', '.join(shown[:8])}{more}; "
            "give one file of the series wanted instead of the folder"
        )
    return next(iter(series.values()))


def _description(file: str) -> str:
    reader = sitk.ImageFileReader()
    reader.SetFileName(library_name(file))
    with quietly():
        failure = failureOf(reader.ReadImageInformation)
    for key in ("0008|103e", "0020|000e"):  # series description, series instance UID
        if failure is None and reader.HasMetaDataKey(key) and reader.GetMetaData(key).strip():
            return reader.GetMetaData(key).strip()
    return "no description"


def readDicomFile(path: Path, straighten: bool):
    """Read the series that a DICOM file belongs to as a volume node."""
    if not any(Path(file).name == path.name for files in _seriesOf(path.parent).values() for file in files):
        raise InputError(
            f"{path} is a DICOM file that holds no image (a report or a directory?); give an image file"
        )
    return readDicomSeries(path.parent, seriesFiles(path), straighten)


def readDicomSeries(folder: Path, files: Sequence[PathLike], straighten: bool):
    """Read the files of a series, in slice order, as a volume node."""
    slices, tilt = seriesHeaders(folder, files, straighten)
    names = [os.fspath(file) for file in files]
    with quietly():
        sizes.require_room(*map(Path, names))
    image = _quietlyOf(folder, names, lambda: _stacked(names, dicom.rescales_differ(slices)))
    if image.GetPixelID() in COMPLEX or any(n > 1 for n in image.GetSize()[3:]):
        raise InputError(f"the DICOM series in {folder} is no single real volume; export the volume wanted as NRRD")
    told = None
    if tilt is not None:
        image, told = dicom.straightened(image, slices, tilt)
    node = addImage(image, _description(names[0]), colours=True)
    node.SetAttribute(TOLD, told)
    if not slices[0].spacing and image.GetSpacing()[:2] == (1.0, 1.0):
        name = folder.name if len(names) > 1 else Path(names[0]).name
        node.SetAttribute(
            NO_SIZE, f"{name} says no pixel size: 1 mm was taken; kernels in mm need the right one (--spacing)"
        )
    return node


def seriesHeaders(
    folder: Path, files: Sequence[PathLike], straighten: bool
) -> tuple[list[dicom.SliceHeader], dicom.Tilt | None]:
    """The headers of a series, after refusing what makes no volume, and how its slices are tilted."""
    names = [os.fspath(file) for file in files]
    slices = _quietlyOf(folder, names, lambda: dicom.read_headers(names))
    what = f"the DICOM series in {folder}" if len(names) > 1 else names[0]
    return slices, dicom.check_volume(what, slices, straighten)


def _quietlyOf(folder: Path, names: Sequence[str], read):
    """What `read` returns of the files of a series."""
    with quietly() as captured:
        try:
            return read()
        except RuntimeError as error:
            failure = str(error)
    raise InputError(
        f"the {len(names)} files of the DICOM series in {folder} cannot be read as one volume ("
        f"{reason_of(failure + captured.text) or 'different sizes?'}); load it with Slicer's DICOM module"
    )


def _stacked(names: list[str], mixed: bool) -> sitk.Image:
    """The slices as one image; `mixed`: the first one's type does not hold the values of all."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([library_name(name) for name in names])
    if mixed:
        reader.SetOutputPixelType(sitk.sitkFloat64)
    return reader.Execute()
