"""What nodes and files stand on: the scene, the arrays inside volume nodes, and a guard that keeps
VTK's and ITK's own messages away from the user.

Works with the slicer-core package and inside 3D Slicer. Arrays are in numpy order (k, j, i) or
(k, j, i, component); MRML's own order is (i, j, k).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import numpy as np

try:
    import slicer
except ImportError as error:
    raise ImportError(
        "volume nodes need 3D Slicer or the slicer-core package: pip install slicer-core, or run inside Slicer"
    ) from error
from vtkmodules.util import numpy_support
from vtkmodules.vtkCommonCore import vtkOutputWindow, vtkStringOutputWindow
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from ..errors import InputError
from ..formats.quiet import CapturedText, standard_error_captured

# ITK and DICOM measure positions in LPS, MRML in RAS.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

# Of a spacing that was computed from a direction: a few units in the last place.
_ROUNDING = 1e-15

# VTK 9.4 ends at a range of 1e-304 and below, not at 1e-303 (Testing/Python/test_names.py holds what lies below).
_UNSHOWN = 1e-300

# Types that Slicer's filters, displays or file writers refuse, and the type that holds their values.
_STORED_AS = {
    np.dtype(bool): np.uint8,
    np.dtype(np.int8): np.int16,
    np.dtype(np.int64): np.float64,
    np.dtype(np.uint64): np.float64,
    np.dtype(np.float16): np.float32,
}


def ensureScene():
    """Return the MRML scene; without the application (slicer-core, PythonSlicer) make one when there is none.

    The scene is kept as ``slicer.mrmlScene``, where every MRML function looks for it.
    """
    if getattr(slicer, "mrmlScene", None) is None:
        slicer.mrmlScene = slicer.vtkMRMLScene()
    return slicer.mrmlScene


@contextlib.contextmanager
def temporaryNodes(scene) -> Iterator[None]:
    """Remove from the scene, at the end, every node that was added meanwhile; singletons stay.

    Singletons (the subject hierarchy, the selection node) are made once for everybody, by whoever is first.
    """
    before = set(_nodesOf(scene))
    try:
        yield
    finally:
        for node in [node for node in _nodesOf(scene) if node not in before and not node.GetSingletonTag()]:
            if scene.IsNodePresent(node):  # removing a volume may have removed its display node
                scene.RemoveNode(node)


def _nodesOf(scene) -> list:
    return [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]


@contextlib.contextmanager
def quietly() -> Iterator[CapturedText]:
    """Keep the messages of VTK, MRML and ITK out of the terminal, and hand them over as text.

    MRML reports to vtkOutputWindow and, through VTK's logger, to the standard error stream; ITK's readers
    and writers print there directly. So both are redirected, and restored whatever happens. They belong to the
    whole process: outside the main thread nothing is redirected, so that what others print is not lost.
    """
    captured = CapturedText()
    if threading.current_thread() is not threading.main_thread():
        yield captured
        return
    window, previous = vtkStringOutputWindow(), vtkOutputWindow.GetInstance()
    vtkOutputWindow.SetInstance(window)
    printed = CapturedText()
    try:
        with standard_error_captured() as printed:
            yield captured
    finally:
        captured.text = printed.text + (window.GetOutput() or "")
        vtkOutputWindow.SetInstance(previous)


def describeNode(node) -> str:
    """Return how a message calls a node: its name in quotes."""
    name = node.GetName() if hasattr(node, "GetName") else None
    return f"'{name}'" if name else repr(node)


def volumeArray(node, argument: str = "volume") -> np.ndarray:
    """Return the voxels of a volume node as a view: changing it changes the node.

    Parameters
    ----------
    node : vtkMRMLScalarVolumeNode or a subclass
    argument : str
        What error messages call the node.

    Returns
    -------
    ndarray, shape (k, j, i), or (k, j, i, component) when a voxel has more than one component

    Raises
    ------
    InputError
        If it is no volume node, holds no voxels, or holds tensors.
    """
    if node is None:
        raise InputError(f"{argument} is not set; choose a volume")
    if not hasattr(node, "IsA") or not node.IsA("vtkMRMLScalarVolumeNode"):
        raise InputError(f"{argument} {describeNode(node)} is not a volume node; give a scalar or vector volume")
    image = node.GetImageData()
    if image is None or 0 in image.GetDimensions():
        raise InputError(f"{argument} {describeNode(node)} holds no voxels; load or create its image first")
    scalars = image.GetPointData().GetScalars()
    if scalars is None:
        raise InputError(
            f"{argument} {describeNode(node)} holds no scalars (a tensor volume?); extract a scalar volume"
        )
    shape = image.GetDimensions()[::-1]
    if scalars.GetNumberOfComponents() > 1:
        shape = (*shape, scalars.GetNumberOfComponents())
    return numpy_support.vtk_to_numpy(scalars).reshape(shape)


def imageDataFromArray(array: np.ndarray) -> vtkImageData:
    """Return a vtkImageData with a copy of an array (k, j, i) or (k, j, i, component).

    Types that Slicer cannot display or write are stored in one that can hold their values: bool as unsigned
    char, int8 as short, 64-bit integers as double, float16 as float.
    """
    array = np.asarray(array)
    array = array.astype(_STORED_AS.get(array.dtype, array.dtype), copy=False)
    image = vtkImageData()
    image.SetDimensions(*array.shape[2::-1])
    components = array.shape[3] if array.ndim == 4 else 1
    image.AllocateScalars(numpy_support.get_vtk_array_type(array.dtype), components)
    numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(array.shape)[...] = array
    return image


def spacingOf(node) -> tuple[float, float, float]:
    """Return the voxel size of a volume node in mm, in the order of the array axes (k, j, i)."""
    return tuple(_withoutRounding(size) for size in reversed(node.GetSpacing()))


def _withoutRounding(size: float) -> float:
    """The number of twelve digits that a voxel size is but for the rounding of its direction's length.

    A node of oblique axes has 1.4999999999999998 mm for 1.5, and iterations would carry that on into more digits of
    the result than a file or an array with the same voxels has wrong.
    """
    short = float(f"{size:.12g}")
    return short if abs(size - short) <= _ROUNDING * abs(size) else size


def matrixFromVtk(matrix: vtkMatrix4x4) -> np.ndarray:
    """Return a 4 x 4 array with the elements of `matrix`."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def vtkFromMatrix(matrix: np.ndarray) -> vtkMatrix4x4:
    """Return a vtkMatrix4x4 with the elements of a 4 x 4 array."""
    result = vtkMatrix4x4()
    result.DeepCopy(np.asarray(matrix, dtype=float).ravel())
    return result


def ijkToRas(node) -> np.ndarray:
    """Return the 4 x 4 matrix from voxel indices (i, j, k) to the node's own RAS coordinates in mm."""
    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrixFromVtk(matrix)


def createDisplay(node) -> None:
    """Make the default display node of a volume.

    Values of next to nothing get none: VTK counts them into bins of a width that is then no number any more, and
    ends the program.
    """
    if node.IsA("vtkMRMLScalarVolumeNode") and node.GetImageData() is not None:
        low, high = node.GetImageData().GetScalarRange()
        if 0 < max(abs(low), abs(high)) < _UNSHOWN or 0 < high - low < _UNSHOWN:
            return
    with quietly():  # without the application there are no colour tables, which label maps ask for
        node.CreateDefaultDisplayNodes()


def addToScene(node, storageNode=None):
    """Add a node made outside the scene, with its storage node and the default display node; return it."""
    scene = ensureScene()
    node.SetName(scene.GetUniqueNameByString(node.GetName() or "Volume"))
    if storageNode is not None:
        scene.AddNode(storageNode)
    scene.AddNode(node)
    if storageNode is not None:
        node.SetAndObserveStorageNodeID(storageNode.GetID())
    createDisplay(node)
    return node
