"""Files to nodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk
import slicer

from ...errors import InputError
from ...formats import fits, headers, nifti, omezarr, sizes, tiff
from ...formats.channelnames import are_colours, channel_names
from ...formats.frames import frame_count
from ...formats.images import refuse_shear
from ...formats.names import library_name, node_name
from ...formats.npy import volume_npy
from ...formats.parts import open_parts
from ..channelnames import setChannelNames
from ..channels import channelCount
from ..flat import markFlat
from ..scene import (
    addToScene,
    ijkToRas,
    quietly,
    volumeArray,
)
from .images import (
    COMPLEX,
    NO_SIZE,
    STORAGE_NODE_FORMATS,
    TOLD,
    addImage,
    failureOf,
    inMillimetres,
    messagesOf,
    readImage,
    unreadableText,
)
from .paths import PathLike, existingPath, isDicom, isFolder, isSegmentation, isStored, stemOf, suffixOf
from .series import onlySeries, readDicomFile, readDicomSeries, seriesFiles, seriesHeaders

INT64 = {sitk.sitkInt64, sitk.sitkUInt64, sitk.sitkVectorInt64, sitk.sitkVectorUInt64}


def readVolume(path: PathLike, straighten: bool = False):
    """Read a file, or the DICOM series in a folder, into a new volume node of the scene.

    Parameters
    ----------
    path : path
        NRRD, NHDR, NIfTI, MetaImage, TIFF, PNG, JPEG, FITS, .npy (or another image that SimpleITK reads); an
        OME-Zarr or Zarr store; a folder that holds exactly one DICOM series; or one file of a series, which reads
        the whole series around it.
    straighten : bool
        Bring the slices of a tilted gantry onto straight axes; `toldOf` says so.

    Returns
    -------
    vtkMRMLScalarVolumeNode, or vtkMRMLVectorVolumeNode when voxels have several components (colour)
        Named after the file. A 2-D image becomes one slice, array shape (1, j, i), and is written as 2-D again.
        DICOM values are rescaled (slope and intercept applied).

    Raises
    ------
    InputError
        If the file is missing, damaged, complex, or a sequence of volumes; if a folder holds no series,
        several of them, or slices that are not evenly spaced. The scene is then as it was.
    """
    path = existingPath(path)
    if isFolder(path):
        return readDicomSeries(path, onlySeries(path), straighten)
    if isDicom(path):
        return readDicomFile(path, straighten)
    vector, needsSitk = _inspect(path)
    if needsSitk or suffixOf(path) not in STORAGE_NODE_FORMATS:
        node = addImage(readImage(path), stemOf(path), colours=are_colours(path))
        if told := isStored(path) and "; ".join(open_parts(path).told):
            node.SetAttribute(TOLD, told)
    else:
        nodeClass = slicer.vtkMRMLVectorVolumeNode if vector else slicer.vtkMRMLScalarVolumeNode
        node = readWithStorageNode(path, nodeClass(), slicer.vtkMRMLVolumeArchetypeStorageNode())
    if axesOf(path) == 2:
        markFlat(node)
    if channelCount(node) > 1:
        setChannelNames(node, channel_names(path))
    return node


def axesOf(path: Path) -> int:
    """The number of axes of the image in a file that can be read."""
    if path.suffix.lower() == ".npy":
        return volume_npy(path).ndim
    if omezarr.is_zarr(path):
        return 3
    if tiff.is_tiff(path):
        return len(tiff.read_layout(path).shape)
    if fits.is_fits(path):
        return len(fits.image_of(path).shape)
    reader = sitk.ImageFileReader()
    reader.SetFileName(library_name(path))
    with quietly():
        reader.ReadImageInformation()
    return reader.GetDimension()


def toldOfSize(node) -> list[str]:
    """Return that the DICOM files of a volume said no size of its pixels, where they did not, in words."""
    told = node.GetAttribute(NO_SIZE)
    return [told] if told else []


def toldOf(node) -> list[str]:
    """Return what was changed in a volume when it was read, in words."""
    told = node.GetAttribute(TOLD)
    return [told] if told else []


def readLabelMap(path: PathLike):
    """Read a label map file (one integer per voxel) into a new vtkMRMLLabelMapVolumeNode.

    Raises
    ------
    InputError
        As `readVolume`; also when voxels have several components (a segmentation whose segments overlap).
    """
    path = existingPath(path)
    if isFolder(path):
        raise InputError(f"{path} is a folder; give a label map file (NRRD, NIfTI or MetaImage)")
    vector, needsSitk = _inspect(path)
    if vector:
        raise InputError(
            f"{path} has several values per voxel, so it is no label map; read it as a segmentation if it is one"
        )
    node = slicer.vtkMRMLLabelMapVolumeNode()
    if needsSitk or suffixOf(path) not in STORAGE_NODE_FORMATS:
        return addImage(readImage(path), stemOf(path), node)
    return readWithStorageNode(path, node, slicer.vtkMRMLVolumeArchetypeStorageNode())


def readSegmentation(path: PathLike):
    """Read a segmentation file (.seg.nrrd; also a label map, each of whose values becomes a segment).

    Returns
    -------
    vtkMRMLSegmentationNode

    Raises
    ------
    InputError
        If the file is missing or cannot be read as a segmentation.
    """
    path = existingPath(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a segmentation file (.seg.nrrd)")
    if nifti.is_nifti(path) and next(nifti.nonfinite_voxels(path), None) is not None:
        raise InputError(f"{path} holds NaN or infinity, which are no segments; replace them by 0")
    registerConverterRules()
    return readWithStorageNode(path, slicer.vtkMRMLSegmentationNode(), slicer.vtkMRMLSegmentationStorageNode())


def registerConverterRules() -> None:
    """Register the rules that turn surfaces into label maps and back; Slicer's own modules do it there."""
    factory = slicer.vtkSegmentationConverterFactory.GetInstance()
    if not factory.GetConverterRules():
        factory.RegisterConverterRule(slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule())
        factory.RegisterConverterRule(slicer.vtkClosedSurfaceToBinaryLabelmapConversionRule())


def voxelBytes(path: PathLike) -> int:
    """Return the bytes of the voxels of a file, or of a DICOM series, by their headers.

    Raises
    ------
    InputError
        If the file is missing, or too short for what its header claims.
    """
    path = existingPath(path)
    if isFolder(path):
        files = [Path(file) for file in onlySeries(path)]
    else:
        files = seriesFiles(path) if isDicom(path) else [path]
    with quietly():
        return sum(map(sizes.voxel_bytes, files))


def checkReadable(path: PathLike, straighten: bool = False) -> tuple[int, int, int] | None:
    """Refuse, without reading the voxels, an input that could not be read.

    `straighten`: as `readVolume`.

    Returns
    -------
    tuple of int, or None
        Number of voxels on the axes (i, j, k), of each frame of a sequence; None for segmentations and tilted
        series, which tell only when read.

    Raises
    ------
    InputError
        As `readVolume` and `sequencefiles.readSequence`, as far as a header shows it.
    """
    path = existingPath(path)
    if isFolder(path) or isDicom(path):
        folder, files = (path, onlySeries(path)) if path.is_dir() else (path.parent, seriesFiles(path))
        slices, tilt = seriesHeaders(folder, files, straighten)
        return None if tilt else (*slices[0].size[:2], max(len(slices), slices[0].frames))
    if isSegmentation(path):
        return None
    _inspect(path, sequences=True)
    if isStored(path):
        return open_parts(path).shape[::-1]
    with quietly():
        sizes.voxel_bytes(path)
    if tiff.is_tiff(path):
        return (*tiff.read_layout(path).shape[::-1], 1)[:3]
    if fits.is_fits(path):
        return (*fits.image_of(path).shape[::-1], 1)[:3]
    reader = sitk.ImageFileReader()
    reader.SetFileName(library_name(path))
    with quietly():
        reader.ReadImageInformation()
    return (*reader.GetSize(), 1, 1)[:3]


def _inspect(path: Path, sequences: bool = False) -> tuple[bool, bool]:
    """Read the header only: (several components a voxel, needs SimpleITK), after refusing what cannot be used.

    Sequences of volumes are refused too, unless `sequences`.
    """
    if isStored(path):
        volume = open_parts(path)
        if volume.frames > 1 and not sequences:
            raise _several(path, volume.frames, (*volume.shape[::-1], volume.frames))
        return volume.channels > 1, True
    if tiff.is_tiff(path):
        layout = tiff.read_layout(path)
        if layout.frames > 1 and not sequences:
            raise _several(path, layout.frames, (*layout.shape[::-1], layout.frames))
        return layout.samples > 1 or layout.channels > 1, True
    if fits.is_fits(path):
        fits.image_of(path)
        return False, True
    if nifti.is_nifti(path):
        nifti.read_header(path)  # says why, where ITK does not
    reader = sitk.ImageFileReader()
    reader.SetFileName(library_name(path))
    with quietly() as captured:
        failure = failureOf(reader.ReadImageInformation)
    if failure is not None:
        raise InputError(unreadableText(path, f"{failure}\n{captured.text}"))
    checkHeader(path, reader)
    frames = frame_count(reader)
    if frames is not None and not sequences:
        raise _several(path, frames, reader.GetSize())
    return reader.GetNumberOfComponents() > 1, reader.GetPixelID() in INT64


def _several(path: Path, frames: int, size: Sequence[int]) -> InputError:
    return InputError(
        f"{path} holds {frames} volumes (size {' x '.join(map(str, size))}); "
        "save the volume wanted, e.g. one time point, in a file of its own"
    )


def checkHeader(path: Path, reader: sitk.ImageFileReader) -> None:
    """Refuse complex voxels and files that are cut short."""
    pixel = reader.GetPixelID()
    if pixel in COMPLEX:
        raise InputError(f"{path} is complex ({sitk.GetPixelIDValueAsString(pixel)}); save its magnitude first")
    if nifti.is_nifti(path):
        nifti.check_length(path)


def readWithStorageNode(path: Path, node, storage):
    """Read outside the scene, so that a failure leaves nothing behind; then add the nodes."""
    with quietly():
        sizes.require_room(path)
    unit = headers.unit_of(path)
    storage.SetFileName(library_name(path))
    if hasattr(storage, "SetSingleFile"):
        storage.SetSingleFile(1)  # slice_001.nrrd beside slice_002.nrrd is not a series
    node.SetName(node_name(stemOf(path)))
    with quietly() as captured:
        done = storage.ReadData(node)
    if not done:
        raise InputError(unreadableText(path, messagesOf(storage) + captured.text + _sitkSays(path)))
    if nifti.is_nifti(path) and node.IsA("vtkMRMLScalarVolumeNode"):
        values = volumeArray(node)
        nifti.restore_nonfinite(path, [values], values.shape[3] if values.ndim == 4 else 1)
    if node.IsA("vtkMRMLScalarVolumeNode"):
        refuse_shear(path, ijkToRas(node)[:3, :3])
        inMillimetres(node, unit)
    return addToScene(node, storage)


def _sitkSays(path: Path) -> str:
    """What SimpleITK says of a file that MRML could not read, often without a reason."""
    with quietly():
        return f"\n{failureOf(sitk.ReadImage, library_name(path)) or ''}"
