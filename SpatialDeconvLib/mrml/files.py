"""Files to nodes and back, with slicer-core alone and inside Slicer.

NRRD, NIfTI and MetaImage go through MRML's storage nodes. PNG, JPEG, TIFF and DICOM go through SimpleITK
everywhere: slicer-core is built without ITK's readers of 2-D formats, and one reader for every way in gives
the same voxels on each. Slicer's readers also turn 64-bit integers into float32; here such files become double,
which holds integers up to 2^53.

Every error is one line with the path and the remedy: `InputError` for what the caller can change,
`OSError` for what the disk refuses.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer

from ..arrays.reading import given_path, refuse_endless
from ..arrays.staging import StagingFolder
from ..arrays.writing import together
from ..errors import InputError
from ..formats import dicom, fits, headers, nifti, omezarr, sizes, tiff
from ..formats.absurd import refuse_absurd
from ..formats.channelnames import are_colours, channel_names, is_colour
from ..formats.frames import frame_count
from ..formats.images import read_image, refuse_shear
from ..formats.names import library_name, node_name, python_name
from ..formats.npy import volume_npy
from ..formats.parts import Geometry, open_parts, write_whole
from ..formats.reasons import reason_of, unreadable
from .channelnames import channelNames, setChannelNames
from .channels import channelCount
from .flat import isFlat, markFlat
from .scene import (
    LPS_TO_RAS,
    addToScene,
    describeNode,
    ensureScene,
    ijkToRas,
    imageDataFromArray,
    quietly,
    volumeArray,
    vtkFromMatrix,
)

__all__ = [
    "checkOutputName",
    "checkReadable",
    "checkWritable",
    "ensureScene",
    "isSegmentation",
    "readLabelMap",
    "readSegmentation",
    "readVolume",
    "stemOf",
    "toldOf",
    "toldOfSize",
    "voxelBytes",
    "writeVolume",
]

PathLike = str | os.PathLike

_TWO_PART_SUFFIXES = (".seg.nrrd", ".seq.nrrd", ".nii.gz", ".fits.gz", ".seg.vtm")
_STORAGE_NODE_FORMATS = (".nrrd", ".seg.nrrd", ".seq.nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
# What is no single volume, by its name.
_OTHER_NODES = {".seq.nrrd": "a sequence", ".seg.nrrd": "a segmentation"}
_COMPLEX = {sitk.sitkComplexFloat32, sitk.sitkComplexFloat64}
_INT64 = {sitk.sitkInt64, sitk.sitkUInt64, sitk.sitkVectorInt64, sitk.sitkVectorUInt64}
_TOLD, _NO_SIZE = "SpatialDeconv.Told", "SpatialDeconv.NoSize"  # attributes of nodes
_READABLE = "NRRD, NIfTI, MetaImage, TIFF, PNG, JPEG, FITS, .npy, OME-Zarr, or a folder with a DICOM series"
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


# -- reading


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
    path = _existing(path)
    if isFolder(path):
        return _readDicomSeries(path, _onlySeries(path), straighten)
    if _isDicom(path):
        return _readDicomFile(path, straighten)
    vector, needsSitk = _inspect(path)
    if needsSitk or _suffix(path) not in _STORAGE_NODE_FORMATS:
        node = _addImage(_readImage(path), _stem(path), colours=are_colours(path))
        if told := isStored(path) and "; ".join(open_parts(path).told):
            node.SetAttribute(_TOLD, told)
    else:
        nodeClass = slicer.vtkMRMLVectorVolumeNode if vector else slicer.vtkMRMLScalarVolumeNode
        node = _readWithStorageNode(path, nodeClass(), slicer.vtkMRMLVolumeArchetypeStorageNode())
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
    told = node.GetAttribute(_NO_SIZE)
    return [told] if told else []


def toldOf(node) -> list[str]:
    """Return what was changed in a volume when it was read, in words."""
    told = node.GetAttribute(_TOLD)
    return [told] if told else []


def readLabelMap(path: PathLike):
    """Read a label map file (one integer per voxel) into a new vtkMRMLLabelMapVolumeNode.

    Raises
    ------
    InputError
        As `readVolume`; also when voxels have several components (a segmentation whose segments overlap).
    """
    path = _existing(path)
    if isFolder(path):
        raise InputError(f"{path} is a folder; give a label map file (NRRD, NIfTI or MetaImage)")
    vector, needsSitk = _inspect(path)
    if vector:
        raise InputError(
            f"{path} has several values per voxel, so it is no label map; read it as a segmentation if it is one"
        )
    node = slicer.vtkMRMLLabelMapVolumeNode()
    if needsSitk or _suffix(path) not in _STORAGE_NODE_FORMATS:
        return _addImage(_readImage(path), _stem(path), node)
    return _readWithStorageNode(path, node, slicer.vtkMRMLVolumeArchetypeStorageNode())


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
    path = _existing(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a segmentation file (.seg.nrrd)")
    if nifti.is_nifti(path) and next(nifti.nonfinite_voxels(path), None) is not None:
        raise InputError(f"{path} holds NaN or infinity, which are no segments; replace them by 0")
    registerConverterRules()
    return _readWithStorageNode(path, slicer.vtkMRMLSegmentationNode(), slicer.vtkMRMLSegmentationStorageNode())


def isSegmentation(path: PathLike) -> bool:
    """Return whether a file's name says that it holds a segmentation (.seg.nrrd, .seg.vtm)."""
    return _suffix(Path(path)) in (".seg.nrrd", ".seg.vtm")


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
    path = _existing(path)
    if isFolder(path):
        files = [Path(file) for file in _onlySeries(path)]
    else:
        files = seriesFiles(path) if _isDicom(path) else [path]
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
    path = _existing(path)
    if isFolder(path) or _isDicom(path):
        folder, files = (path, _onlySeries(path)) if path.is_dir() else (path.parent, seriesFiles(path))
        slices, tilt = _seriesHeaders(folder, files, straighten)
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


def stemOf(name: PathLike) -> str:
    """Return a file's name without its folder and its extension, .nii.gz and .seg.nrrd as a whole."""
    return _stem(Path(name))


def _existing(path: PathLike) -> Path:
    path = given_path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path (current folder: {Path.cwd()})")
    refuse_endless(path, "input")
    if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
        raise InputError(f"{path} cannot be opened for reading; check its permissions")
    path = _openable(path)
    if path.is_file():
        refuse_absurd(path)
    return path


def _openable(path: Path) -> Path:
    """Return a path absolute, after refusing one that MRML's readers and writers cannot open."""
    path = path.absolute()
    library_name(path)
    if os.sep == "/" and "\\" in str(path):
        raise InputError(
            f"{path} has a backslash in its name, which MRML takes for the end of a folder's; rename it"
        )
    return path


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return next((s for s in _TWO_PART_SUFFIXES if name.endswith(s)), path.suffix.lower())


def _stem(path: Path) -> str:
    suffix = _suffix(path)
    return path.name[: -len(suffix)] if suffix and len(path.name) > len(suffix) else path.name


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
        failure = _failure(reader.ReadImageInformation)
    if failure is not None:
        raise InputError(_unreadable(path, f"{failure}\n{captured.text}"))
    _checkHeader(path, reader)
    frames = frame_count(reader)
    if frames is not None and not sequences:
        raise _several(path, frames, reader.GetSize())
    return reader.GetNumberOfComponents() > 1, reader.GetPixelID() in _INT64


def isStored(path: Path) -> bool:
    """Return whether a path is a Zarr store or an .npy file, which ITK does not know."""
    return omezarr.is_zarr(path) or path.suffix.lower() == ".npy"


def _several(path: Path, frames: int, size: Sequence[int]) -> InputError:
    return InputError(
        f"{path} holds {frames} volumes (size {' x '.join(map(str, size))}); "
        "save the volume wanted, e.g. one time point, in a file of its own"
    )


def _checkHeader(path: Path, reader: sitk.ImageFileReader) -> None:
    """Refuse complex voxels and files that are cut short."""
    pixel = reader.GetPixelID()
    if pixel in _COMPLEX:
        raise InputError(f"{path} is complex ({sitk.GetPixelIDValueAsString(pixel)}); save its magnitude first")
    if nifti.is_nifti(path):
        nifti.check_length(path)


def _failure(function, *arguments) -> Exception | None:
    """Call a SimpleITK function; return its exception instead of raising it."""
    try:
        function(*arguments)
    except RuntimeError as error:
        return error
    return None


def _unreadable(path: Path, text: str) -> str:
    return unreadable(path, text, _READABLE)


def _readWithStorageNode(path: Path, node, storage):
    """Read outside the scene, so that a failure leaves nothing behind; then add the nodes."""
    with quietly():
        sizes.require_room(path)
    unit = headers.unit_of(path)
    storage.SetFileName(library_name(path))
    if hasattr(storage, "SetSingleFile"):
        storage.SetSingleFile(1)  # slice_001.nrrd beside slice_002.nrrd is not a series
    node.SetName(node_name(_stem(path)))
    with quietly() as captured:
        done = storage.ReadData(node)
    if not done:
        raise InputError(_unreadable(path, _messages(storage) + captured.text + _sitkSays(path)))
    if nifti.is_nifti(path) and node.IsA("vtkMRMLScalarVolumeNode"):
        values = volumeArray(node)
        nifti.restore_nonfinite(path, [values], values.shape[3] if values.ndim == 4 else 1)
    if node.IsA("vtkMRMLScalarVolumeNode"):
        refuse_shear(path, ijkToRas(node)[:3, :3])
        inMillimetres(node, unit)
    return addToScene(node, storage)


def inMillimetres(node, unit: float) -> None:
    """Turn the lengths of a volume node that were read in another unit, of so many mm, into mm."""
    if unit != 1:
        node.SetIJKToRASMatrix(vtkFromMatrix(np.diag([unit, unit, unit, 1.0]) @ ijkToRas(node)))


def _sitkSays(path: Path) -> str:
    """What SimpleITK says of a file that MRML could not read, often without a reason."""
    with quietly():
        return f"\n{_failure(sitk.ReadImage, library_name(path)) or ''}"


def _messages(storage) -> str:
    messages = storage.GetUserMessages()
    return (messages.GetAllMessagesAsString() or "") + "\n" if messages else ""


def _readImage(path: Path) -> sitk.Image:
    with quietly() as captured:
        try:
            return read_image(path)
        except RuntimeError as error:
            failure = str(error)
    raise InputError(_unreadable(path, f"{failure}\n{captured.text}"))


def _addImage(image: sitk.Image, name: str, node=None, colours: bool = False):
    """Add a SimpleITK image of 2 or 3 axes (or more, of length 1) to the scene as a volume node."""
    vector = image.GetNumberOfComponentsPerPixel() > 1
    array = sitk.GetArrayViewFromImage(image)
    shape = array.shape[:-1] if vector else array.shape
    array = array.reshape((1,) * (3 - len(shape)) + shape[-3:] + array.shape[len(shape) :])
    if node is None:
        node = slicer.vtkMRMLVectorVolumeNode() if vector else slicer.vtkMRMLScalarVolumeNode()
    if array.dtype in (np.int64, np.uint64) and array.size and max(abs(int(array.min())), int(array.max())) > 2**53:
        raise InputError(f"{name} holds whole numbers beyond 2^53, which double does not hold; scale them")
    node.SetName(node_name(name))
    node.SetAndObserveImageData(imageDataFromArray(array))
    node.SetIJKToRASMatrix(vtkFromMatrix(LPS_TO_RAS @ _indexToLps(image)))
    if colours and vector and is_colour(array.dtype, array.shape[3]):
        colour = node.VoxelVectorTypeColorRGB if array.shape[3] == 3 else node.VoxelVectorTypeColorRGBA
        node.SetVoxelVectorType(colour)
    return addToScene(node)


def _indexToLps(image: sitk.Image) -> np.ndarray:
    axes = min(image.GetDimension(), 3)
    direction = np.array(image.GetDirection()).reshape(image.GetDimension(), -1)[:axes, :axes]
    matrix = np.eye(4)
    matrix[:axes, :axes] = direction * np.array(image.GetSpacing()[:axes])
    matrix[:axes, 3] = image.GetOrigin()[:axes]
    return matrix


# -- DICOM


def isFolder(path: Path) -> bool:
    """Whether a path is a folder of files, not a volume in a folder."""
    return path.is_dir() and not omezarr.is_zarr(path)


def _isDicom(path: Path) -> bool:
    if path.is_dir():
        return False
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


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


def _onlySeries(folder: Path) -> tuple[str, ...]:
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
        failure = _failure(reader.ReadImageInformation)
    for key in ("0008|103e", "0020|000e"):  # series description, series instance UID
        if failure is None and reader.HasMetaDataKey(key) and reader.GetMetaData(key).strip():
            return reader.GetMetaData(key).strip()
    return "no description"


def _readDicomFile(path: Path, straighten: bool):
    if not any(Path(file).name == path.name for files in _seriesOf(path.parent).values() for file in files):
        raise InputError(
            f"{path} is a DICOM file that holds no image (a report or a directory?); give an image file"
        )
    return _readDicomSeries(path.parent, seriesFiles(path), straighten)


def _readDicomSeries(folder: Path, files: Sequence[PathLike], straighten: bool):
    slices, tilt = _seriesHeaders(folder, files, straighten)
    names = [os.fspath(file) for file in files]
    with quietly():
        sizes.require_room(*map(Path, names))
    image = _quietlyOf(folder, names, lambda: _stacked(names, dicom.rescales_differ(slices)))
    if image.GetPixelID() in _COMPLEX or any(n > 1 for n in image.GetSize()[3:]):
        raise InputError(f"the DICOM series in {folder} is no single real volume; export the volume wanted as NRRD")
    told = None
    if tilt is not None:
        image, told = dicom.straightened(image, slices, tilt)
    node = _addImage(image, _description(names[0]), colours=True)
    node.SetAttribute(_TOLD, told)
    if not slices[0].spacing and image.GetSpacing()[:2] == (1.0, 1.0):
        name = folder.name if len(names) > 1 else Path(names[0]).name
        node.SetAttribute(
            _NO_SIZE, f"{name} says no pixel size: 1 mm was taken; kernels in mm need the right one (--spacing)"
        )
    return node


def _seriesHeaders(
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


# -- writing


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
    _checkFits(node, array, path)
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
    suffix = _suffix(path)
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"output folder {folder} does not exist; create it first")
    if like is not None and suffix in _OTHER_NODES:
        raise InputError(f"output {path} is the name of {_OTHER_NODES[suffix]}; name a volume {_stem(path)}.nrrd")
    if like is not None and suffix in _PICTURE_FORMATS:
        array = volumeArray(like)
        if np.float32 in _PICTURE_FORMATS[suffix][1] and array.dtype != np.float64:
            array = np.broadcast_to(np.float32(0), array.shape)  # results are floating-point; this holds them
        _checkFits(like, array, path)
    _checkFolder(folder)
    return path


def checkOutputName(path: PathLike) -> Path:
    """Refuse an output path whose extension is unknown or that is a folder; return it absolute."""
    path = _openable(given_path(path))
    suffix = _suffix(path)
    if suffix not in (*_STORAGE_NODE_FORMATS, *_STORED_FORMATS, *_PICTURE_FORMATS):
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
    types = _PICTURE_FORMATS.get(_suffix(path), ("", (), (), True))[1]
    if wanted not in types or array.dtype in types or array.dtype.kind != "f":
        return array, []
    limits = np.iinfo(wanted)
    values = np.rint(array)
    clipped = int(np.count_nonzero((values < limits.min) | (values > limits.max)))
    text = f"{path.name} holds {wanted} only: values were rounded, and {clipped} of {array.size} clipped to "
    text += f"{limits.min} ... {limits.max}; write .nrrd to keep them as they are"
    return np.clip(values, limits.min, limits.max).astype(wanted), [text]


def _checkFits(node, array: np.ndarray, path: Path) -> None:
    """Refuse voxels that the format cannot hold."""
    typeName = node.GetImageData().GetScalarTypeAsString()
    if _suffix(path) == ".npy" and array.ndim == 4:
        raise InputError(f"output {path}: .npy holds one value a voxel, not {array.shape[3]}; write .nrrd or .zarr")
    if _suffix(path) in _STORED_FORMATS:
        return
    if _suffix(path) not in _PICTURE_FORMATS:
        if typeName in ("long long", "unsigned long long", "signed char", "bit"):
            raise InputError(
                f"volume {describeNode(node)} of type {typeName} cannot be written by Slicer; cast it to short, "
                "int or double first"
            )
        return
    label, types, allowed, slices = _PICTURE_FORMATS[_suffix(path)]
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
        if _suffix(path) == ".npy" and isFlat(node):
            problem = _writeArray(array[0], temporary)
        elif _suffix(path) in _STORED_FORMATS:
            problem = _failureText(write_whole, temporary, [array], geometryOf(node), channelNames(node))
        elif _suffix(path) in _PICTURE_FORMATS or isFlat(node):
            problem = _writeImage(node, array, temporary)
        else:
            problem = _writeWithStorageNode(node, temporary)
    if problem is None and _suffix(path) in (".nii", ".nii.gz"):
        problem = _failureText(nifti.check_length, temporary, array.nbytes)
    if problem is not None:
        letGo(temporary.parent)
        raise OSError(_writeFailure(path, array.nbytes, f"{problem}\n{captured.text}"))


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


def _failureText(function, *arguments) -> str | None:
    try:
        function(*arguments)
    except (InputError, OSError) as error:
        return str(error)
    return None


def geometryOf(node) -> Geometry:
    matrix = LPS_TO_RAS @ ijkToRas(node)  # to the left and the back: its own inverse
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    return Geometry.of_axes(spacing, matrix[:3, 3], (matrix[:3, :3] / spacing).ravel())


def _writeWithStorageNode(node, temporary: Path) -> str | None:
    """Return None when all went well, else what the storage node said."""
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(library_name(temporary))
    if storage.WriteData(node) and temporary.is_file():
        return None
    return _messages(storage) or "nothing was written"


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
    if _suffix(temporary) not in _PICTURE_FORMATS:
        places = LPS_TO_RAS @ ijkToRas(node)
        image.SetOrigin(places[:axes, 3].tolist())
        image.SetDirection((places[:axes, :axes] / node.GetSpacing()[:axes]).ravel().tolist())
    try:
        sitk.WriteImage(image, library_name(temporary), useCompression=True)
        written = sitk.GetArrayFromImage(sitk.ReadImage(library_name(temporary)))
    except RuntimeError as error:
        return str(error)
    lossy = _suffix(temporary) in (".jpg", ".jpeg")
    if written.shape != picture.shape or not (
        lossy or np.array_equal(written, picture, equal_nan=picture.dtype.kind == "f")
    ):
        return "the file read back differs"
    return None


def _writeFailure(path: Path, size: int, text: str) -> str:
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
        failure = _failure(reader.ReadImageInformation)
    return LPS_TO_RAS @ _indexToLps(reader) if failure is None else None


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
