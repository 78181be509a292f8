"""Files of sequences (4-D) to vtkMRMLSequenceNode and back, with slicer-core alone and inside Slicer.

What holds for the files of single volumes in `files` holds here: one line for every error, nothing half-written.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer

from ..arrays.reading import given_path
from ..arrays.writing import together
from ..errors import InputError
from ..formats import headers, nifti, omezarr, sizes, tiff
from ..formats.absurd import refuse_absurd
from ..formats.channelnames import channel_names
from ..formats.frames import frame_count
from ..formats.images import refuse_shear
from ..formats.names import library_name, node_name
from ..formats.parts import open_parts, write_whole
from .channelnames import channelNames, setChannelNames
from .files.images import (
    failureOf,
    failureText,
    geometryOf,
    indexToLps,
    inMillimetres,
    messagesOf,
    readImage,
    unreadableText,
)
from .files.paths import PathLike, existingPath, isDicom, isSegmentation, isStored, stemOf, suffixOf
from .files.reading import INT64, checkHeader
from .files.writing import checkFits, checkWritable, letGo, writeFailureText
from .scene import LPS_TO_RAS, ensureScene, ijkToRas, imageDataFromArray, quietly, volumeArray, vtkFromMatrix

__all__ = ["checkSequenceName", "isSequence", "readSequence", "writeSequence"]

_FORMATS = (".seq.nrrd", ".nrrd", ".nhdr", ".nii", ".nii.gz")
_WRITTEN = (*_FORMATS, omezarr.ENDING)


def isSequence(path: PathLike) -> bool:
    """Return whether a file holds a sequence of volumes (4-D), by its header; false when it cannot be read."""
    path = given_path(path)
    if not (path.is_file() or path.is_dir()) or isSegmentation(path) or isDicom(path):
        return False
    try:
        if isStored(path):
            return open_parts(path).frames > 1
        if path.is_dir():
            return False
        if tiff.is_tiff(path):
            return tiff.read_layout(path).frames > 1
        refuse_absurd(path)
    except InputError:
        return False
    reader = sitk.ImageFileReader()
    reader.SetFileName(library_name(path))
    with quietly():
        failure = failureOf(reader.ReadImageInformation)
    return failure is None and frame_count(reader) is not None


def readSequence(path: PathLike):
    """Read a file of several volumes into a new vtkMRMLSequenceNode of the scene.

    Parameters
    ----------
    path : path
        .seq.nrrd, or NRRD or NIfTI with a fourth axis; also MetaImage (or another 4-D format that SimpleITK
        reads), whose frames are then numbered.

    Returns
    -------
    vtkMRMLSequenceNode
        Of vtkMRMLScalarVolumeNode or vtkMRMLVectorVolumeNode, with the index that the file gives.

    Raises
    ------
    InputError
        If the file is missing, damaged, complex, or holds no sequence. The scene is then as it was.
    """
    path = existingPath(path)
    if not isSequence(path):
        raise InputError(f"{path} holds no sequence of volumes; give a .seq.nrrd, or a 4-D NRRD or NIfTI")
    byItk = isStored(path) or tiff.is_tiff(path) or _checkedHeader(path)
    with quietly():
        sizes.require_room(path)
    scene = ensureScene()
    node = scene.AddNewNodeByClass("vtkMRMLSequenceNode", scene.GetUniqueNameByString(node_name(stemOf(path))))
    try:
        if byItk or suffixOf(path) not in _FORMATS:
            _readWithSitk(path, node)
        else:
            readWithStorageNode(path, node)
    except BaseException:
        scene.RemoveNode(node)
        raise
    return node


def _checkedHeader(path: Path) -> bool:
    """Whether a type needs SimpleITK, after refusing what cannot be read."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(library_name(path))
    with quietly():
        reader.ReadImageInformation()
    checkHeader(path, reader)
    return reader.GetPixelID() in INT64


def readWithStorageNode(path: Path, node) -> None:
    storage = node.GetScene().AddNode(slicer.vtkMRMLVolumeSequenceStorageNode())  # makes nodes through its scene
    try:
        storage.SetFileName(library_name(path))
        with quietly() as captured:
            done = storage.ReadData(node)
        if not done or node.GetNumberOfDataNodes() == 0:
            raise InputError(unreadableText(path, messagesOf(storage) + captured.text))
        refuse_shear(path, ijkToRas(node.GetNthDataNode(0))[:3, :3])
        unit = headers.unit_of(path)
        for number in range(node.GetNumberOfDataNodes()):
            inMillimetres(node.GetNthDataNode(number), unit)
        if nifti.is_nifti(path):
            frames = [volumeArray(node.GetNthDataNode(n)) for n in range(node.GetNumberOfDataNodes())]
            nifti.restore_nonfinite(path, frames, frames[0].shape[3] if frames[0].ndim == 4 else 1)
    finally:
        node.GetScene().RemoveNode(storage)


def _readWithSitk(path: Path, node) -> None:
    image = readImage(path)
    if image.GetDimension() != 4:
        raise InputError(f"{path} has {image.GetDimension()} axes; give a sequence of volumes with four")
    matrix, names = LPS_TO_RAS @ indexToLps(image), channel_names(path)
    node.SetIndexName("frame")
    for number, array in enumerate(sitk.GetArrayViewFromImage(image)):
        frame = slicer.vtkMRMLVectorVolumeNode() if array.ndim == 4 else slicer.vtkMRMLScalarVolumeNode()
        frame.SetName(f"{node.GetName()}_{number:04d}")
        frame.SetAndObserveImageData(imageDataFromArray(array))
        frame.SetIJKToRASMatrix(vtkFromMatrix(matrix))
        setChannelNames(frame, names if array.ndim == 4 else ())
        node.SetDataNodeAtValue(frame, str(number))


def checkSequenceName(path: PathLike) -> None:
    """Refuse a file name that cannot hold a sequence.

    Raises
    ------
    InputError
        With the extensions that can.
    """
    if suffixOf(Path(path)) not in _WRITTEN:
        raise InputError(f"output {path} cannot hold the frames of a sequence; use {', '.join(_WRITTEN)}")


def writeSequence(node, path: PathLike) -> list[str]:
    """Write a sequence of volumes (.seq.nrrd, .nrrd, .nhdr, .nii, .nii.gz or .zarr), whole or not at all.

    Parameters
    ----------
    node : vtkMRMLSequenceNode
        Of volumes of one size and geometry; frames of several types are written in double.
    path : path

    Returns
    -------
    list of str
        What the file does not hold: NIfTI keeps no index but evenly spaced time from 0, OME-Zarr none.

    Raises
    ------
    InputError
        If the format is unknown, or the frames differ in size, geometry or number of components.
    OSError
        If the folder is missing or cannot be written, or the disk is full.
    """
    checkSequenceName(path)
    path = checkWritable(path)
    plain = _plainSequence(node, path)
    size = sum(volumeArray(plain.GetNthDataNode(n)).nbytes for n in range(plain.GetNumberOfDataNodes()))
    with together() as new:
        temporary = new.place(path)
        with quietly() as captured:
            problem = _writeFrames(plain, temporary)
        if problem is None and suffixOf(path) in (".nii", ".nii.gz"):
            problem = failureText(nifti.check_length, temporary, size)
        if problem is not None:
            letGo(temporary.parent)
            raise OSError(writeFailureText(path, size, f"{problem}\n{captured.text}"))
        return _losses(node, temporary)


def _writeFrames(plain, temporary: Path) -> str | None:
    """Return None when all went well, else what is wrong."""
    if suffixOf(temporary) == omezarr.ENDING:
        frames = [plain.GetNthDataNode(n) for n in range(plain.GetNumberOfDataNodes())]
        arrays, names = [volumeArray(f) for f in frames], channelNames(frames[0])
        return failureText(write_whole, temporary, arrays, geometryOf(frames[0]), names)
    storage = slicer.vtkMRMLVolumeSequenceStorageNode()
    storage.SetFileName(library_name(temporary))
    done = storage.WriteData(plain) and temporary.is_file()
    return None if done else messagesOf(storage) or "nothing was written"


def _plainSequence(node, path: Path):
    """A sequence outside the scene with what a file can hold: frames of one type, no attributes of ours."""
    frames = [node.GetNthDataNode(n) for n in range(node.GetNumberOfDataNodes())]
    arrays = [volumeArray(frame) for frame in frames]
    for number, (frame, array) in enumerate(zip(frames, arrays, strict=True)):
        if array.shape != arrays[0].shape or not np.array_equal(ijkToRas(frame), ijkToRas(frames[0])):
            raise InputError(
                f"output {path} holds volumes of one size and geometry, but frame {number} differs from frame 0; "
                "save the scene (.mrb) instead"
            )
        checkFits(frame, array, path)
    dtype = arrays[0].dtype if len({array.dtype for array in arrays}) == 1 else np.dtype(np.float64)
    plain = slicer.vtkMRMLSequenceNode()
    copyIndex(node, plain)
    for number, (frame, array) in enumerate(zip(frames, arrays, strict=True)):
        copy = getattr(slicer, frame.GetClassName())()
        image = frame.GetImageData() if array.dtype == dtype else imageDataFromArray(array.astype(dtype))
        copy.SetAndObserveImageData(image)
        copy.CopyOrientation(frame)
        copy.SetVoxelVectorType(frame.GetVoxelVectorType())
        setChannelNames(copy, channelNames(frame))
        plain.SetDataNodeAtValue(copy, node.GetNthIndexValue(number))
    plain.SetAttribute("DataNodeClassName", frames[0].GetClassName())
    return plain


def copyIndex(source, target) -> None:
    """Give a sequence the index name, unit, type and tolerance of another."""
    target.SetIndexName(source.GetIndexName())
    target.SetIndexUnit(source.GetIndexUnit())
    target.SetIndexType(source.GetIndexType())
    target.SetNumericIndexValueTolerance(source.GetNumericIndexValueTolerance())


def _losses(node, path: Path) -> list[str]:
    """Say what a NIfTI file, or a Zarr store, has made of the index."""
    if suffixOf(path) not in (".nii", ".nii.gz", omezarr.ENDING):
        return []
    values = [node.GetNthIndexValue(n) for n in range(node.GetNumberOfDataNodes())]
    try:
        numbers = np.array([float(value) for value in values])
        even = np.allclose(numbers, np.arange(len(values)) * numbers[-1] / max(1, len(values) - 1), rtol=1e-3)
    except ValueError:
        even = False
    if (
        suffixOf(path) != omezarr.ENDING
        and even
        and node.GetIndexName() == "time"
        and node.GetIndexUnit() in ("s", "ms", "us")
    ):
        return []
    return [
        f"{path.name} does not hold the index of the frames ({node.GetIndexName()} = {values[0]} ... "
        f"{values[-1]} {node.GetIndexUnit()}) as it is; write .seq.nrrd to keep it"
    ]
