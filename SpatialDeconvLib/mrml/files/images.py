"""Between SimpleITK's images, MRML's nodes and what either says of a failure: for reading and for writing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer

from ...errors import InputError
from ...formats.channelnames import is_colour
from ...formats.images import read_image
from ...formats.names import node_name
from ...formats.parts import Geometry
from ...formats.reasons import unreadable
from ..scene import (
    LPS_TO_RAS,
    addToScene,
    ijkToRas,
    imageDataFromArray,
    quietly,
    vtkFromMatrix,
)

COMPLEX = {sitk.sitkComplexFloat32, sitk.sitkComplexFloat64}
_READABLE = "NRRD, NIfTI, MetaImage, TIFF, PNG, JPEG, FITS, .npy, OME-Zarr, or a folder with a DICOM series"
#: What goes through MRML's storage nodes.
STORAGE_NODE_FORMATS = (".nrrd", ".seg.nrrd", ".seq.nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
TOLD, NO_SIZE = "SpatialDeconv.Told", "SpatialDeconv.NoSize"  # attributes of nodes


def failureOf(function, *arguments) -> Exception | None:
    """Call a SimpleITK function; return its exception instead of raising it."""
    try:
        function(*arguments)
    except RuntimeError as error:
        return error
    return None


def unreadableText(path: Path, text: str) -> str:
    """Return why a file cannot be read, of what its reader said, and what can be."""
    return unreadable(path, text, _READABLE)


def inMillimetres(node, unit: float) -> None:
    """Turn the lengths of a volume node that were read in another unit, of so many mm, into mm."""
    if unit != 1:
        node.SetIJKToRASMatrix(vtkFromMatrix(np.diag([unit, unit, unit, 1.0]) @ ijkToRas(node)))


def messagesOf(storage) -> str:
    """Return what a storage node said."""
    messages = storage.GetUserMessages()
    return (messages.GetAllMessagesAsString() or "") + "\n" if messages else ""


def readImage(path: Path) -> sitk.Image:
    """Read a file with SimpleITK; `InputError` says why it cannot be."""
    with quietly() as captured:
        try:
            return read_image(path)
        except RuntimeError as error:
            failure = str(error)
    raise InputError(unreadableText(path, f"{failure}\n{captured.text}"))


def addImage(image: sitk.Image, name: str, node=None, colours: bool = False):
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
    node.SetIJKToRASMatrix(vtkFromMatrix(LPS_TO_RAS @ indexToLps(image)))
    if colours and vector and is_colour(array.dtype, array.shape[3]):
        colour = node.VoxelVectorTypeColorRGB if array.shape[3] == 3 else node.VoxelVectorTypeColorRGBA
        node.SetVoxelVectorType(colour)
    return addToScene(node)


def indexToLps(image: sitk.Image | sitk.ImageFileReader) -> np.ndarray:
    """Return the 4 x 4 matrix from indices (i, j, k) to LPS, of an image or of the header that was read."""
    axes = min(image.GetDimension(), 3)
    direction = np.array(image.GetDirection()).reshape(image.GetDimension(), -1)[:axes, :axes]
    matrix = np.eye(4)
    matrix[:axes, :axes] = direction * np.array(image.GetSpacing()[:axes])
    matrix[:axes, 3] = image.GetOrigin()[:axes]
    return matrix


def failureText(function, *arguments) -> str | None:
    """Call a function of ours; return what its error says instead of raising it."""
    try:
        function(*arguments)
    except (InputError, OSError) as error:
        return str(error)
    return None


def geometryOf(node) -> Geometry:
    """Return where the voxels of a volume node are, without its parent transform."""
    matrix = LPS_TO_RAS @ ijkToRas(node)  # to the left and the back: its own inverse
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    return Geometry.of_axes(spacing, matrix[:3, 3], (matrix[:3, :3] / spacing).ravel())
