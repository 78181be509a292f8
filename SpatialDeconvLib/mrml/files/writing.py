"""Volume nodes to files, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer

from ...arrays.reading import given_path
from ...arrays.staging import StagingFolder
from ...arrays.writing import together
from ...errors import InputError
from ...formats import nifti, omezarr
from ...formats.names import library_name
from ...formats.parts import open_parts, write_whole
from ...formats.reasons import reason_of
from ..channelnames import channelNames
from ..flat import isFlat
from ..scene import (
    LPS_TO_RAS,
    describeNode,
    ijkToRas,
    quietly,
    volumeArray,
)
from .images import STORAGE_NODE_FORMATS, failureOf, failureText, geometryOf, indexToLps, messagesOf
from .paths import PathLike, isStored, openablePath, stemOf, suffixOf

# What is no single volume, by its name.
_OTHER_NODES = {".seq.nrrd": "a sequence", ".seg.nrrd": "a segmentation"}
# What is written without ITK and MRML.
_STORED_FORMATS = (".zarr", ".npy")

# What the formats without 3-D geometry can hold: numpy types, components, and whether several slices.
_PICTURE_FORMATS = {
    ".png": ("PNG", (np.uint8, np.uint16), (1, 3, 4), False),
    ".jpg": ("JPEG", (np.uint8,), (1, 3), False),
    ".jpeg": ("JPEG", (np.uint8,), (1, 3), False),
    ".tif": ("TIFF", (np.uint8, np.uint16, np.int16, np.float32), (1, 3), True),
    ".tiff": ("TIFF", (np.uint8, np.uint16, np.int16, np.float32), (1, 3), True),
}
_WRITABLE = ".nrrd, .nhdr, .nii, .nii.gz, .mha, .mhd, .zarr, .npy, .tif, .png or .jpg"


def writeVolume(node, path: PathLike, like=None) -> list[str]:
    """Write a volume node to a file, whole or not at all.

    The file is written into a temporary folder beside the target, checked, and moved over the target, with the
    data file of .mhd and .nhdr; within `writing.together`, when that ends. A link is followed.

    Parameters
    ----------
    node : vtkMRMLScalarVolumeNode or a subclass
        Not changed, and not made to point at the file.
    path : path
        Ends in .nrrd, .nhdr, .nii, .nii.gz, .mha, .mhd; .zarr (OME-Zarr 0.4); .npy (values alone); .tif (any number
        of slices; 8 or 16 bits or float); .png (one slice, 8 or 16 bits); .jpg (one slice, 8 bits).
    like : vtkMRMLScalarVolumeNode, optional
        The volume this one was made from: floating-point values that go into .png or .jpg are rounded and
        clipped to its integer type. Without it they are refused.

    Returns
    -------
    list of str
        What the file does not hold: fractions and geometry in picture formats, a parent transform.

    Raises
    ------
    InputError
        If the format is unknown or cannot hold these voxels.
    OSError
        If the folder is missing or cannot be written, or the disk is full.
    """
    path = checkWritable(path)
    array = volumeArray(node)
    rounded = []
    if like is not None:
        array, rounded = _roundedToFit(array, path, volumeArray(like).dtype)
    checkFits(node, array, path)
    with together() as new:
        temporary = new.place(path)
        _writeTemporary(node, array, temporary, path)
        return rounded + _losses(node, temporary)


def checkWritable(path: PathLike, like=None) -> Path:
    """Refuse, before any work is done, an output path that could not be written; return it absolute.

    `like` is the volume the output will be made from (see `writeVolume`), when it is known already.

    Raises
    ------
    InputError
        If the extension is unknown, or the format cannot hold what is made from `like`.
    OSError
        If the folder is missing or nothing can be written into it, or the path is a folder.
    """
    path = checkOutputName(path)
    suffix = suffixOf(path)
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"output folder {folder} does not exist; create it first")
    if like is not None and suffix in _OTHER_NODES:
        raise InputError(f"output {path} is the name of {_OTHER_NODES[suffix]}; name a volume {stemOf(path)}.nrrd")
    if like is not None and suffix in _PICTURE_FORMATS:
        array = volumeArray(like)
        if np.float32 in _PICTURE_FORMATS[suffix][1] and array.dtype != np.float64:
            array = np.broadcast_to(np.float32(0), array.shape)  # results are floating-point; this holds them
        checkFits(like, array, path)
    _checkFolder(folder)
    return path


def checkOutputName(path: PathLike) -> Path:
    """Refuse an output path whose extension is unknown or that is a folder; return it absolute."""
    path = openablePath(given_path(path))
    suffix = suffixOf(path)
    if suffix not in (*STORAGE_NODE_FORMATS, *_STORED_FORMATS, *_PICTURE_FORMATS):
        raise InputError(f"output {path} has the extension '{suffix}'; use {_WRITABLE}")
    if path.is_dir() and not (suffix == omezarr.ENDING and omezarr.is_store(path)):
        raise IsADirectoryError(f"output {path} is a folder; give a file name")
    if suffix == omezarr.ENDING:
        omezarr.library()  # which refuses when it is missing
    if suffix in (".mhd", ".nhdr") and path.is_symlink():
        raise InputError(
            f"output {path} is a link, through which its second file, of voxels, is not found; name the file itself"
        )
    return path


def _roundedToFit(array: np.ndarray, path: Path, wanted: np.dtype) -> tuple[np.ndarray, list[str]]:
    """Round and clip to an integer type where the format has that but not the array's; and say so."""
    types = _PICTURE_FORMATS.get(suffixOf(path), ("", (), (), True))[1]
    if wanted not in types or array.dtype in types or array.dtype.kind != "f":
        return array, []
    limits = np.iinfo(wanted)
    values = np.rint(array)
    clipped = int(np.count_nonzero((values < limits.min) | (values > limits.max)))
    text = f"{path.name} holds {wanted} only: values were rounded, and {clipped} of {array.size} clipped to "
    text += f"{limits.min} ... {limits.max}; write .nrrd to keep them as they are"
    return np.clip(values, limits.min, limits.max).astype(wanted), [text]


def checkFits(node, array: np.ndarray, path: Path) -> None:
    """Refuse voxels that the format cannot hold."""
    typeName = node.GetImageData().GetScalarTypeAsString()
    if suffixOf(path) == ".npy" and array.ndim == 4:
        raise InputError(f"output {path}: .npy holds one value a voxel, not {array.shape[3]}; write .nrrd or .zarr")
    if suffixOf(path) in _STORED_FORMATS:
        return
    if suffixOf(path) not in _PICTURE_FORMATS:
        if typeName in ("long long", "unsigned long long", "signed char", "bit"):
            raise InputError(
                f"volume {describeNode(node)} of type {typeName} cannot be written by Slicer; cast it to short, "
                "int or double first"
            )
        return
    label, types, allowed, slices = _PICTURE_FORMATS[suffixOf(path)]
    components = array.shape[3] if array.ndim == 4 else 1
    problem = None
    if array.dtype not in [np.dtype(t) for t in types]:
        problem = f"only {' or '.join(np.dtype(t).name for t in types)}, not {array.dtype}"
    elif components not in allowed:
        problem = f"no pixels of {components} values"
    elif array.shape[0] > 1 and not slices:
        problem = f"one slice, not {array.shape[0]}"
    if problem:
        raise InputError(f"output {path}: {label} holds {problem}; write .nrrd or .nii.gz instead")


def _checkFolder(folder: Path) -> None:
    try:
        StagingFolder(folder).close()
    except OSError as error:
        raise type(error)(
            f"output folder {folder} cannot be written ({error.strerror}); choose another folder or free space"
        ) from error


def _writeTemporary(node, array: np.ndarray, temporary: Path, path: Path) -> None:
    """Write and check the temporary file; `path` is what messages call it."""
    with quietly() as captured:
        if suffixOf(path) == ".npy" and isFlat(node):
            problem = _writeArray(array[0], temporary)
        elif suffixOf(path) in _STORED_FORMATS:
            problem = failureText(write_whole, temporary, [array], geometryOf(node), channelNames(node))
        elif suffixOf(path) in _PICTURE_FORMATS or isFlat(node):
            problem = _writeImage(node, array, temporary)
        else:
            problem = _writeWithStorageNode(node, temporary)
    if problem is None and suffixOf(path) in (".nii", ".nii.gz"):
        problem = failureText(nifti.check_length, temporary, array.nbytes)
    if problem is not None:
        letGo(temporary.parent)
        raise OSError(writeFailureText(path, array.nbytes, f"{problem}\n{captured.text}"))


def letGo(folder: Path) -> None:
    """Let go of the files in a folder that a failed writer left open: the disk gets their room back.

    Their descriptors are kept, for the writer may still write what it holds when the program ends.
    """
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():  # only Linux tells what is open
        return
    with open(os.devnull, "wb") as nowhere:
        for number in os.listdir(descriptors):
            with contextlib.suppress(OSError):
                if os.readlink(descriptors / number).startswith(f"{folder}{os.sep}"):
                    os.dup2(nowhere.fileno(), int(number))


def _writeWithStorageNode(node, temporary: Path) -> str | None:
    """Return None when all went well, else what the storage node said."""
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(library_name(temporary))
    if storage.WriteData(node) and temporary.is_file():
        return None
    return messagesOf(storage) or "nothing was written"


def _writeArray(array: np.ndarray, temporary: Path) -> str | None:
    try:
        np.save(temporary, array)
    except OSError as error:
        return str(error)
    return None


def _writeImage(node, array: np.ndarray, temporary: Path) -> str | None:
    """Write with SimpleITK, a single slice as an image of two axes; return None when all went well."""
    components = array.ndim == 4
    picture = array if array.shape[0] > 1 else array[0]
    image = sitk.GetImageFromArray(picture, isVector=components)
    axes = image.GetDimension()
    image.SetSpacing(node.GetSpacing()[:axes])
    if suffixOf(temporary) not in _PICTURE_FORMATS:
        places = LPS_TO_RAS @ ijkToRas(node)
        image.SetOrigin(places[:axes, 3].tolist())
        image.SetDirection((places[:axes, :axes] / node.GetSpacing()[:axes]).ravel().tolist())
    try:
        sitk.WriteImage(image, library_name(temporary), useCompression=True)
        written = sitk.GetArrayFromImage(sitk.ReadImage(library_name(temporary)))
    except RuntimeError as error:
        return str(error)
    lossy = suffixOf(temporary) in (".jpg", ".jpeg")
    if written.shape != picture.shape or not (
        lossy or np.array_equal(written, picture, equal_nan=picture.dtype.kind == "f")
    ):
        return "the file read back differs"
    return None


def writeFailureText(path: Path, size: int, text: str) -> str:
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(path.parent).free
        if free < size:
            return (
                f"{path} was not written: the disk is full ({free / 2**20:.1f} MiB free, the volume has "
                f"{size / 2**20:.1f} MiB); free space or choose another folder"
            )
    reason = reason_of(text)
    return f"{path} was not written{f' ({reason})' if reason else ''}; check the disk or choose another folder"


def _matrixIn(written: Path) -> np.ndarray | None:
    """The matrix from indices to RAS of a file; None when its header cannot be read."""
    if isStored(written):
        there = open_parts(written).geometry
        matrix = np.eye(4)
        matrix[:3, :3] = np.reshape(there.direction, (3, 3)) * there.spacing[::-1]
        matrix[:3, 3] = there.origin
        return LPS_TO_RAS @ matrix
    reader = sitk.ImageFileReader()
    reader.SetFileName(library_name(written))
    with quietly():
        failure = failureOf(reader.ReadImageInformation)
    return LPS_TO_RAS @ indexToLps(reader) if failure is None else None


def _losses(node, written: Path) -> list[str]:
    """Say what the file does not hold."""
    losses = []
    there = _matrixIn(written)
    if there is not None:
        expected = ijkToRas(node)
        if isFlat(node):
            expected[2, 2] = 1.0  # a thickness that it never had
        difference = np.abs(there - expected)
        if difference.max() > 1e-5 * max(1.0, np.abs(expected).max()):
            losses.append(
                f"{written.name} does not hold the position, directions and spacing of the volume as they are; "
                "write .nrrd to keep them"
            )
    transform = node.GetParentTransformNode()
    if transform is not None:
        losses.append(
            f"{written.name} does not hold the parent transform {describeNode(transform)}; save the scene, or "
            "harden the transform before"
        )
    return losses
