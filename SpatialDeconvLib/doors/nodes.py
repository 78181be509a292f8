"""The engine on MRML volume nodes: what the panel, the console and the command line call.

`deconvolveVolume` and `convolveVolume` take nodes, run the engine on arrays, and touch the scene only when
everything is done. The pieces they are made of (arrays, geometry, masks, kernels) are public too.

Arrays are in numpy order (k, j, i); spacing in mm in the same order. MRML's order is (i, j, k).
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
from vtkmodules.util import numpy_support
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from .. import pipeline
from ..errors import InputError
from ..fields import KernelField
from ..kernels import Kernel, ParametricKernel
from ..kernelsets import from_logarithm, read_kernel_set
from ..selection import mask_from_range
from .files import registerConverterRules
from .scene import (
    describeNode,
    ensureScene,
    ijkToRas,
    imageDataFromArray,
    matrixFromVtk,
    quietly,
    spacingOf,
    volumeArray,
    vtkFromMatrix,
)

__all__ = [
    "ThresholdRange",
    "convolveVolume",
    "deconvolveVolume",
    "geometryText",
    "guideArray",
    "kernelFieldFrom",
    "kernelFromVolume",
    "labelArray",
    "maskArray",
    "sameGeometry",
    "spacingOf",
    "volumeArray",
    "volumeFromKernel",
]

RECIPE_ATTRIBUTE = "SpatialDeconv.recipe"

# Voxel positions that differ by less than this part of the largest coordinate are the same: NIfTI keeps
# its matrix in single precision.
_GEOMETRY_TOLERANCE = 1e-6

Progress = Callable[[float, str], Any]


# -- the two operations


def deconvolveVolume(
    inputVolume,
    kernels,
    outputVolume=None,
    mask=None,
    labels=None,
    guide=None,
    resample: bool = False,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    **options,
):
    """Deconvolve a volume node with kernels that vary in space.

    Parameters
    ----------
    inputVolume : vtkMRMLScalarVolumeNode
        Any scalar type, one slice or many. The channels of a vector volume are treated one by one, each with
        its own intensities as key (give `guide` for a common one); the opacity of an RGBA volume is copied.
        Never modified.
    kernels : KernelField, Kernel, path or vtkMRMLScalarVolumeNode
        A path is a kernel-set file (JSON); a volume node holds one kernel, used everywhere.
    outputVolume : vtkMRMLScalarVolumeNode, optional
        Node to overwrite (a vtkMRMLVectorVolumeNode for a vector input). A new node by default, named after
        the input, with the input's display properties and its place in the subject hierarchy.
    mask, labels : see `maskArray` and `labelArray`
        Where to work; and the regions, for kernels keyed by region.
    guide : see `guideArray`
        The image whose values choose the kernels, instead of the input.
    resample : bool
        Resample mask, labels and guide onto the input when their geometry differs; otherwise that is an error.
    progress : callable (fraction, text), optional
    cancelled : callable () -> bool, optional
    **options
        The keyword arguments of `SpatialDeconvLib.deconvolve`; the spacing is the input's.

    Returns
    -------
    (output volume node, Result)
        The node is in the input's geometry and under its parent transform, and carries the recipe as JSON in
        its attribute "SpatialDeconv.recipe". `Result.image` has the shape of `volumeArray`; for vector volumes
        its other numbers are described at `combinedResult`.

    Raises
    ------
    InputError
        If an argument cannot be used.
    Cancelled
        If `cancelled` returned true. In every case of failure the scene and the given node are as before.
    """
    selections = (mask, labels, guide, resample)
    return _run("deconvolve", inputVolume, kernels, outputVolume, selections, progress, cancelled, options)


def convolveVolume(
    inputVolume,
    kernels,
    outputVolume=None,
    mask=None,
    labels=None,
    guide=None,
    resample: bool = False,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    **options,
):
    """Convolve a volume node with kernels that vary in space.

    Parameters, return value and errors as in `deconvolveVolume`; `options` are the keyword arguments of
    `SpatialDeconvLib.convolve`.
    """
    selections = (mask, labels, guide, resample)
    return _run("convolve", inputVolume, kernels, outputVolume, selections, progress, cancelled, options)


def _run(operation, inputVolume, kernels, outputVolume, selections, progress, cancelled, options):
    vector = volumeArray(inputVolume, "inputVolume").ndim == 4
    _checkOutput(outputVolume, inputVolume, vector, (kernels, *selections[:3]))
    prepared = prepare(operation, inputVolume, kernels, selections, cancelled, options)
    result = prepared.compute(progress)
    return _place(result.image, prepared.recipe(result), inputVolume, outputVolume, f"{operation}d"), result


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A run whose nodes have been turned into arrays: `compute` needs neither the scene nor the main thread."""

    operation: str
    array: np.ndarray
    field: KernelField
    arguments: dict[str, Any]
    copyLast: bool

    def compute(self, progress: Progress | None = None):
        """Run the engine and return its Result."""
        engine = getattr(pipeline, self.operation)
        return _perChannel(engine, self.array, self.field, self.arguments, progress, self.copyLast)

    def recipe(self, result) -> str:
        """Return the recipe of the run as JSON."""
        return _recipeText(self.operation, self.field, result)


def prepare(operation: str, inputVolume, kernels, selections, cancelled, options) -> Prepared:
    """Turn the nodes of a run into arrays.

    `selections` are (mask, labels, guide, resample), `options` the engine's keyword arguments, as in
    `deconvolveVolume`; raises InputError as that does.
    """
    array = volumeArray(inputVolume, "inputVolume")
    mask, labels, guide, resample = selections
    if "spacing" in options:
        raise InputError(f"spacing {options['spacing']!r} was given; leave it out, the volume's own is used")
    field = kernelFieldFrom(kernels)
    arguments = dict(options, spacing=spacingOf(inputVolume), cancelled=cancelled)
    if labels is not None:
        field = field.with_labels(*labelArray(labels, inputVolume, resample))
    if mask is not None:
        arguments["mask"] = maskArray(mask, inputVolume, resample)
    if guide is not None:
        arguments["guide"] = guideArray(guide, inputVolume, resample)
    copyLast = array.ndim == 4 and lastIsOpacity(inputVolume, array)
    return Prepared(operation, array, field, arguments, copyLast)


def _checkOutput(outputVolume, inputVolume, vector: bool, others: Sequence[Any]) -> None:
    """Refuse an output node before the work rather than after it."""
    if outputVolume is None:
        return
    name = f"outputVolume {describeNode(outputVolume)}"
    wanted = "vtkMRMLVectorVolumeNode" if vector else "vtkMRMLScalarVolumeNode"
    if not hasattr(outputVolume, "IsA") or not outputVolume.IsA("vtkMRMLScalarVolumeNode"):
        raise InputError(f"{name} is no volume node; give a {wanted} or None for a new one")
    if outputVolume is inputVolume:
        raise InputError(f"{name} is the input itself, which is never modified; choose another node or a new one")
    nodes = [other[0] if isinstance(other, (tuple, list)) and len(other) else other for other in others]
    if any(outputVolume is node for node in nodes):
        raise InputError(f"{name} is also the kernel, mask, labels or guide; choose another node or a new one")
    if outputVolume.IsA("vtkMRMLLabelMapVolumeNode"):
        raise InputError(f"{name} is a label map, which cannot hold the result; give a {wanted} or None")
    if outputVolume.IsA("vtkMRMLVectorVolumeNode") != vector:
        raise InputError(
            f"{name} is a {outputVolume.GetClassName()}, the result needs a {wanted}; give one or None"
        )


def lastIsOpacity(node, array: np.ndarray) -> bool:
    """Whether the fourth channel is the opacity of a colour image."""
    return array.shape[3] == 4 and node.GetVoxelVectorType() == node.VoxelVectorTypeColorRGBA


def _perChannel(engine, array, field, arguments, progress, copyLast: bool):
    """Run the engine on a scalar array, or on each channel of a vector array."""
    if array.ndim == 3:
        return engine(array, field, progress=progress, **arguments)
    channels = array.shape[3]
    worked = channels - 1 if copyLast else channels
    results = []
    for channel in range(worked):
        report = channelProgress(progress, channel, worked)
        results.append(engine(np.ascontiguousarray(array[..., channel]), field, progress=report, **arguments))
    copied = [array[..., channels - 1]] if copyLast else []
    return combinedResult(results, copied)


def channelProgress(progress: Progress | None, channel: int, channels: int) -> Progress | None:
    if progress is None:
        return None

    def report(fraction: float, text: str):
        return progress((channel + fraction) / channels, f"channel {channel + 1} of {channels}: {text}")

    return report


def combinedResult(results: Sequence[Any], copied: Sequence[np.ndarray] = ()):
    """Return one Result for the channels of a vector volume.

    `image` is stacked along a last axis, followed by the `copied` channels. `iterations` is the largest,
    `residual` and `noise` are root mean squares over the channels, `seconds` the sum, `history` the first
    channel's; each channel's own iterations, residual and noise are in ``automatic["channels"]``, and
    `warnings` name the channel.
    """
    first = results[0]
    images = [result.image for result in results]
    images += [channel.astype(images[0].dtype) for channel in copied]
    channels = [{name: getattr(r, name) for name in ("iterations", "residual", "noise")} for r in results]
    warnings = [f"channel {n}: {text}" for n, result in enumerate(results, 1) for text in result.warnings]
    return dataclasses.replace(
        first,
        image=np.stack(images, axis=-1),
        iterations=_overChannels(max, [r.iterations for r in results]),
        residual=_overChannels(_rootMeanSquare, [r.residual for r in results]),
        noise=_overChannels(_rootMeanSquare, [r.noise for r in results]),
        automatic=dict(first.automatic, channels=channels),
        warnings=warnings,
        seconds=sum(r.seconds for r in results),
    )


def _overChannels(function, values: Sequence[Any]):
    known = [value for value in values if value is not None]
    return function(known) if known else None


def _rootMeanSquare(values: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(values, dtype=float)))))


def _recipeText(operation: str, field: KernelField, result) -> str:
    from . import recipe  # here, because the recipe of files imports this module's neighbours

    return json.dumps(recipe.describe(operation, field, result))


def _place(image: np.ndarray, recipe: str, inputVolume, outputVolume, suffix: str):
    """Put the finished image into the output node: the only place where the scene changes."""
    data = imageDataFromArray(image)
    if outputVolume is not None:
        _fill(outputVolume, data, recipe, inputVolume)
        return outputVolume
    scene = inputVolume.GetScene() or ensureScene()
    nodeClass = "vtkMRMLVectorVolumeNode" if image.ndim == 4 else "vtkMRMLScalarVolumeNode"
    name = scene.GetUniqueNameByString(f"{inputVolume.GetName()} {suffix}")
    node = scene.AddNewNodeByClass(nodeClass, name)
    _fill(node, data, recipe, inputVolume)
    copyDisplay(inputVolume, node)
    placeInHierarchy(scene, inputVolume, node)
    return node


def _fill(node, data, recipe: str, inputVolume) -> None:
    wasModifying = node.StartModify()
    try:
        node.SetAndObserveImageData(data)
        node.CopyOrientation(inputVolume)
        node.SetAndObserveTransformNodeID(inputVolume.GetTransformNodeID())
        node.SetAttribute(RECIPE_ATTRIBUTE, recipe)
        if data.GetNumberOfScalarComponents() > 1 and hasattr(inputVolume, "GetVoxelVectorType"):
            node.SetVoxelVectorType(inputVolume.GetVoxelVectorType())
    finally:
        node.EndModify(wasModifying)


def copyDisplay(source, target) -> None:
    """Show the result with the input's grey levels and colours, so that the two can be compared."""
    target.CreateDefaultDisplayNodes()
    shown, display = source.GetDisplayNode(), target.GetDisplayNode()
    if shown is None or display is None or shown.GetClassName() != display.GetClassName():
        return
    display.CopyContent(shown)
    if shown.GetColorNodeID():  # colour images have no colour table
        display.SetAndObserveColorNodeID(shown.GetColorNodeID())
    if hasattr(display, "SetAutoWindowLevel"):
        # An automatic window would be computed again from the result.
        display.SetAutoWindowLevel(0)
        display.SetWindowLevel(shown.GetWindow(), shown.GetLevel())


def placeInHierarchy(scene, source, target) -> None:
    """Put a new node under the subject-hierarchy parent of its source, where there is a hierarchy."""
    hierarchy = scene.GetFirstNodeByClass("vtkMRMLSubjectHierarchyNode")
    item = hierarchy.GetItemByDataNode(source) if hierarchy else 0
    if not item:
        return
    parent = hierarchy.GetItemParent(item)
    own = hierarchy.GetItemByDataNode(target)
    if own:
        hierarchy.SetItemParent(own, parent)
    else:
        hierarchy.CreateItem(parent, target)


# -- kernels


def kernelFieldFrom(kernels) -> KernelField:
    """Return the kernel field that `kernels` stands for: a field, one kernel, a kernel-set file, a volume node.

    Raises
    ------
    InputError
        If it is none of these, or the file or the volume cannot be used.
    """
    if isinstance(kernels, KernelField):
        return kernels
    if isinstance(kernels, (Kernel, ParametricKernel)):
        return KernelField.uniform(kernels)
    if isinstance(kernels, (str, os.PathLike)):
        return read_kernel_set(kernels)
    if hasattr(kernels, "IsA"):
        return KernelField.uniform(kernelFromVolume(kernels))
    raise InputError(
        f"kernels {kernels!r} are none; give a KernelField, a Kernel, a kernel-set file or a volume node"
    )


def kernelFromVolume(node, log: bool | float = False) -> Kernel:
    """Return the kernel that a scalar volume node holds, with the node's spacing.

    One slice makes a 2-D kernel. `log` is true (or 10) when the voxels are the natural (or decimal) logarithm
    of the kernel, which is then normalised to sum 1. Position, directions and transforms are ignored: a kernel
    is laid along the axes of the image it is used on.

    Raises
    ------
    InputError
        If the node is no scalar volume or its values make no kernel.
    """
    values = volumeArray(node, "kernel volume")
    if values.ndim == 4:
        raise InputError(f"kernel volume {describeNode(node)} has {values.shape[3]} channels; give a scalar volume")
    spacing = spacingOf(node)
    if values.shape[0] == 1:
        values, spacing = values[0], spacing[1:]
    kernel = Kernel(values, spacing, node.GetName() or "")
    return kernel if log is False else from_logarithm(kernel, log)


def volumeFromKernel(kernel: Kernel, name: str | None = None):
    """Return a new scalar volume node (double) with a kernel's values; its centre lies at RAS (0, 0, 0).

    A 2-D kernel becomes one slice, 1 mm thick. `kernelFromVolume` gives the kernel back.
    """
    values = kernel.values if kernel.ndim == 3 else kernel.values[np.newaxis]
    spacing = np.array(kernel.spacing if kernel.ndim == 3 else (1.0, *kernel.spacing))
    matrix = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.diag([*spacing[::-1], 1.0])
    matrix[:3, 3] = -matrix[:3, :3] @ [n // 2 for n in values.shape[::-1]]
    scene = ensureScene()
    name = scene.GetUniqueNameByString(name or kernel.name or "Kernel")
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetAndObserveImageData(imageDataFromArray(values))
    node.SetIJKToRASMatrix(vtkFromMatrix(matrix))
    node.CreateDefaultDisplayNodes()
    return node


# -- geometry


@dataclasses.dataclass(frozen=True)
class _Grid:
    """A voxel grid: its size (i, j, k) and the 4 x 4 matrix from indices to world coordinates in mm."""

    size: tuple[int, int, int]
    matrix: np.ndarray

    def corners(self) -> np.ndarray:
        """Homogeneous index coordinates of the eight corner voxels, shape (4, 8)."""
        i, j, k = (np.array([0, n - 1]) for n in self.size)
        return np.array([[a, b, c, 1.0] for a in i for b in j for c in k]).T

    def distance(self, matrix: np.ndarray) -> float:
        """Largest distance in mm between a corner here and the same index under another matrix."""
        return float(np.linalg.norm(((self.matrix - matrix) @ self.corners())[:3], axis=0).max())

    def agreesWith(self, matrix: np.ndarray) -> bool:
        scale = np.abs((self.matrix @ self.corners())[:3]).max() + np.ptp((self.matrix @ self.corners())[:3])
        return self.distance(matrix) <= _GEOMETRY_TOLERANCE * scale


def _localToWorld(node, reference, argument: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices from two nodes' own coordinates to common ones.

    Under one and the same parent transform these are the nodes' own coordinates; a non-linear transform
    cannot be taken into account otherwise.
    """
    if node.GetParentTransformNode() is reference.GetParentTransformNode():
        return np.eye(4), np.eye(4)
    for transformed in (node, reference):
        parent = transformed.GetParentTransformNode()
        if parent is not None and not parent.IsTransformToWorldLinear():
            raise InputError(
                f"{argument} {describeNode(node)} cannot be compared with {describeNode(reference)} under the "
                f"non-linear transform {describeNode(parent)}; harden the transform first"
            )
    return _parentMatrix(node), _parentMatrix(reference)


def _parentMatrix(node) -> np.ndarray:
    matrix = vtkMatrix4x4()
    parent = node.GetParentTransformNode()
    if parent is not None:
        parent.GetMatrixTransformToWorld(matrix)
    return matrixFromVtk(matrix)


def _grids(node, reference, argument: str) -> tuple[_Grid, _Grid]:
    own, others = _localToWorld(node, reference, argument)
    return (
        _Grid(node.GetImageData().GetDimensions(), own @ ijkToRas(node)),
        _Grid(reference.GetImageData().GetDimensions(), others @ ijkToRas(reference)),
    )


def sameGeometry(a, b) -> bool:
    """Return whether two volume nodes have the same voxels at the same places in the world.

    The sizes agree, and no corner voxel differs by more than 1e-6 of the largest coordinate plus the extent;
    parent transforms are taken into account. Raises InputError when one is under a non-linear transform that
    the other is not under.
    """
    volumeArray(a, "first volume")
    volumeArray(b, "second volume")
    grid, reference = _grids(a, b, "volume")
    return grid.size == reference.size and reference.agreesWith(grid.matrix)


def geometryText(node) -> str:
    """Return the geometry of a volume node in one line: size, spacing, position (RAS), directions, transform."""
    return _geometryText(node.GetImageData().GetDimensions(), ijkToRas(node), node.GetParentTransformNode())


def _geometryText(size: Sequence[int], matrix: np.ndarray, transform=None) -> str:
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    directions = matrix[:3, :3] / spacing
    text = (
        f"{' x '.join(str(n) for n in size)} voxels of {' x '.join(f'{s:.6g}' for s in spacing)} mm "
        f"at ({', '.join(f'{o:.6g}' for o in matrix[:3, 3])}), axes {_axesText(directions)}"
    )
    return text + (f", under transform {describeNode(transform)}" if transform is not None else "")


def _axesText(directions: np.ndarray) -> str:
    """Return the anatomical letters of the axes when they are straight, else their components."""
    letters = (("L", "R"), ("P", "A"), ("I", "S"))
    names = []
    for axis in directions.T:
        main = int(np.abs(axis).argmax())
        if abs(abs(axis[main]) - 1) > 1e-9:
            return " ".join("(" + ", ".join(f"{x:.4g}" for x in a) + ")" for a in directions.T)
        names.append(letters[main][int(axis[main] > 0)])
    return "".join(names)


# -- masks, labels, guides


@dataclasses.dataclass(frozen=True)
class ThresholdRange:
    """A selection: the voxels with lower <= value <= upper; None leaves a side open.

    The values are those of `volume`, or of the volume that is worked on when there is none. In a vector volume
    the mean of the channels counts, without the opacity of an RGBA volume. NaN is never selected.
    """

    lower: float | None = None
    upper: float | None = None
    volume: Any = None


def maskArray(selection, referenceVolume, resample: bool = False) -> np.ndarray:
    """Return where a selection is non-zero, on the voxels of a volume node.

    Parameters
    ----------
    selection : volume node, segmentation node, (segmentation node, [segments]), markups ROI node,
            ThresholdRange, or array
        A segmentation alone stands for all its segments, a list of names or ids for these. A ROI selects the
        voxels whose centre lies in its box (faces included), however it is turned, or those outside the box
        when it is set inside out. An array has the shape of the reference (k, j, i), or (j, i) when that is
        one slice.
    referenceVolume : vtkMRMLScalarVolumeNode
    resample : bool
        Bring a selection of another geometry onto the reference (nearest neighbour; outside it: not selected).
        Linear parent transforms are taken into account. A ROI has no grid of its own and needs no resampling.

    Returns
    -------
    ndarray of bool, shape (k, j, i)

    Raises
    ------
    InputError
        If the geometry differs and `resample` is false; if a segment does not exist; if a ROI has no box yet;
        if it selects nothing.
    """
    array = _selected(selection, referenceVolume, resample, "mask")[0]
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        raise InputError(
            f"mask has {np.count_nonzero(~np.isfinite(array))} NaN or infinite voxels; replace them by 0"
        )
    mask = array != 0
    if not mask.any():
        raise InputError(f"mask selects no voxel of the volume; check {_whatSelects(selection)}")
    return mask


def _whatSelects(selection) -> str:
    if isinstance(selection, ThresholdRange):
        return "the range of the threshold"
    if _isRoi(selection):
        return f"the size of the ROI {describeNode(selection)}, and where it lies"
    return "the segment, and where it lies"


def labelArray(selection, referenceVolume, resample: bool = False) -> tuple[np.ndarray, dict[str, int]]:
    """Return the label of every voxel, and the names of the labels.

    Segments are numbered 1, 2, ... in the order in which they are given (a segmentation alone: its own order).
    Where segments overlap, the first of them wins. 0 is where there is no segment.

    Parameters as in `maskArray`.

    Returns
    -------
    labels : ndarray of int, shape (k, j, i)
    names : dict
        Segment name -> label. For a label map, the names in its colour table of the labels it holds; empty
        for arrays and for volumes without one.

    Raises
    ------
    InputError
        As `maskArray`; also when the values are not integers.
    """
    array, names = _selected(selection, referenceVolume, resample, "labels")
    if np.issubdtype(array.dtype, np.floating):
        whole = np.isfinite(array) & (array == np.round(array))
        if not whole.all():
            raise InputError(
                f"labels have {np.count_nonzero(~whole)} voxels that are no whole number, e.g. "
                f"{array[~whole][0]:g}; give a label map"
            )
        array = array.astype(np.int64)
    return array.astype(np.uint8) if array.dtype == bool else array, names


def guideArray(guide, referenceVolume, resample: bool = False) -> np.ndarray:
    """Return the values of a guide image (scalar volume node or array) on the voxels of a volume node.

    With `resample`, a guide of another geometry is interpolated linearly; beyond its border its nearest value
    is taken. Raises InputError as `maskArray` does.
    """
    if isinstance(guide, np.ndarray):
        return _plainArray(guide, referenceVolume, "guide")
    array = volumeArray(guide, "guide")
    if array.ndim == 4:
        raise InputError(f"guide {describeNode(guide)} has {array.shape[3]} channels; give a scalar volume")
    return _volumeOnto(guide, array, referenceVolume, resample, "guide", linear=True)


def _selected(selection, reference, resample: bool, argument: str) -> tuple[np.ndarray, dict[str, int]]:
    volumeArray(reference, "reference volume")
    if isinstance(selection, np.ndarray):
        return _plainArray(selection, reference, argument), {}
    node, segments = selection, None
    if isinstance(selection, (tuple, list)):
        if len(selection) != 2:
            raise InputError(f"{argument} {selection!r} is no (segmentation node, [segments])")
        node, segments = selection
    if hasattr(node, "IsA") and node.IsA("vtkMRMLSegmentationNode"):
        return _segmentLabels(node, segments, reference, resample, argument)
    if _isRoi(selection):
        return _insideRoi(selection, reference, argument), {}
    if isinstance(selection, ThresholdRange):
        return _insideRange(selection, reference, resample, argument), {}
    if segments is not None:
        raise InputError(f"{argument} {describeNode(node)} is no segmentation, so it has no segments {segments!r}")
    array = volumeArray(node, argument)
    if array.ndim == 4:
        raise InputError(f"{argument} {describeNode(node)} has {array.shape[3]} channels; give a scalar volume")
    names = _colourNames(node, array)
    return _volumeOnto(node, array, reference, resample, argument), names


def _plainArray(array: np.ndarray, reference, argument: str) -> np.ndarray:
    shape = reference.GetImageData().GetDimensions()[::-1]
    if shape[0] == 1 and array.shape == shape[1:]:
        array = array[np.newaxis]
    if array.shape != shape:
        raise InputError(f"{argument} has shape {array.shape}, the volume {shape} (k, j, i); give the same shape")
    return array


def _colourNames(node, array: np.ndarray) -> dict[str, int]:
    """Return {name: label} from the colour table of a label map, for the labels that occur."""
    display = node.GetDisplayNode() if node.IsA("vtkMRMLLabelMapVolumeNode") else None
    colours = display.GetColorNode() if display is not None else None
    if colours is None or not np.issubdtype(array.dtype, np.integer):
        return {}
    names = {}
    for value in np.unique(array):
        name = colours.GetColorName(int(value)) if 0 < value < colours.GetNumberOfColors() else None
        if name:
            names.setdefault(name, int(value))
    return names


def _volumeOnto(node, array, reference, resample: bool, argument: str, linear: bool = False) -> np.ndarray:
    grid, target = _grids(node, reference, argument)
    if grid.size == target.size and target.agreesWith(grid.matrix):
        return array
    if not resample:
        raise InputError(_otherGeometry(argument, node, geometryText(node), reference, grid, target))
    return _resampled(array, grid.matrix, target, linear)


def _otherGeometry(argument: str, node, text: str, reference, grid: _Grid, target: _Grid) -> str:
    apart = f"up to {target.distance(grid.matrix):.3g} mm apart" if grid.size == target.size else "of another size"
    return (
        f"{argument} {describeNode(node)} has another geometry than {describeNode(reference)} ({apart}): {text}; "
        f"against {geometryText(reference)}; resample it, or allow it (resample=True, --resample)"
    )


def _resampled(array: np.ndarray, matrix: np.ndarray, target: _Grid, linear: bool) -> np.ndarray:
    """Sample an array whose indices lie at `matrix` (index -> world) on the target grid."""
    indices = np.linalg.solve(matrix, target.matrix)  # target index -> index in `array`
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(indices[:3, :3].ravel())
    transform.SetTranslation(indices[:3, 3])
    if array.dtype == bool:
        array = array.astype(np.uint8)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    resample = sitk.ResampleImageFilter()
    resample.SetSize([int(n) for n in target.size])
    resample.SetTransform(transform)
    resample.SetInterpolator(sitk.sitkLinear if linear else sitk.sitkNearestNeighbor)
    resample.SetUseNearestNeighborExtrapolator(linear)
    if linear:
        resample.SetOutputPixelType(sitk.sitkFloat64 if array.dtype.itemsize > 4 else sitk.sitkFloat32)
    return sitk.GetArrayFromImage(resample.Execute(image))


# -- boxes and thresholds


def _isRoi(selection) -> bool:
    return hasattr(selection, "IsA") and selection.IsA("vtkMRMLMarkupsROINode")


def _insideRoi(node, reference, argument: str) -> np.ndarray:
    """Return which voxel centres lie in the box of a markups ROI node.

    With o = M^-1 x the position x in the box's own frame (origin in its middle, axes along its edges of length
    s), a voxel is inside where |o_a| <= s_a / 2 on each axis a. M is the ROI's object-to-world matrix: the box
    as Slicer draws it, which stays rectangular where a parent transform shears.
    """
    half = np.array(node.GetSize()) / 2
    if not (half > 0).all():
        raise InputError(
            f"{argument} {describeNode(node)} has no box yet (size {' x '.join(f'{2 * h:g}' for h in half)} mm); "
            "place the ROI in a slice view"
        )
    parent = reference.GetParentTransformNode()
    if parent is None or parent.IsTransformToWorldLinear():
        box, voxels = node.GetObjectToWorldMatrix(), _parentMatrix(reference) @ ijkToRas(reference)
    else:  # the box can follow a warp only as the volume does
        _localToWorld(node, reference, argument)
        box, voxels = node.GetObjectToNodeMatrix(), ijkToRas(reference)
    toObject = np.linalg.solve(matrixFromVtk(box), voxels)
    i, j, k = (np.arange(n, dtype=float) for n in reference.GetImageData().GetDimensions())
    inside = np.ones((len(k), len(j), len(i)), dtype=bool)
    slack = 1e-9 * (1 + np.abs(half).max())  # a centre that lies on a face up to rounding is inside
    for (byI, byJ, byK, start), reach in zip(toObject[:3], half, strict=True):
        plane = byJ * j[:, np.newaxis] + byI * i + start
        for number, depth in enumerate(byK * k):  # slice by slice: no volume of coordinates
            inside[number] &= np.abs(plane + depth) <= reach + slack
    return ~inside if node.GetInsideOut() else inside


def _insideRange(selection: ThresholdRange, reference, resample: bool, argument: str) -> np.ndarray:
    volume = reference if selection.volume is None else selection.volume
    array = volumeArray(volume, argument)
    if array.ndim == 4:
        colours = array[..., :3] if lastIsOpacity(volume, array) else array
        array = colours.mean(axis=3)
    inside = mask_from_range(array, selection.lower, selection.upper)
    return _volumeOnto(volume, inside, reference, resample, argument)


# -- segmentations


def _segmentLabels(node, segments, reference, resample: bool, argument: str) -> tuple[np.ndarray, dict[str, int]]:
    """Return labels 1, 2, ... of the segments in their order, the first on top, and {name: label}."""
    ids = _segmentIds(node, segments, argument)
    segmentation = node.GetSegmentation()
    own, others = _localToWorld(node, reference, argument)
    target = _Grid(reference.GetImageData().GetDimensions(), others @ ijkToRas(reference))
    labels = np.zeros(target.size[::-1], dtype=np.uint8 if len(ids) < 256 else np.int32)
    names: dict[str, int] = {}
    for value, segmentId in reversed(list(enumerate(ids, 1))):
        name = segmentation.GetSegment(segmentId).GetName() or segmentId
        if name in names:
            raise InputError(f"{argument}: two segments of {describeNode(node)} are named '{name}'; rename one")
        names[name] = value
        inside = _segmentOnto(node, segmentId, own, reference, target, resample, argument)
        labels[inside] = value
    return labels, dict(reversed(names.items()))


def _segmentIds(node, segments, argument: str) -> list[str]:
    segmentation = node.GetSegmentation()
    every = [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]
    if not every:
        raise InputError(
            f"{argument} {describeNode(node)} has no segments; add one, or choose another segmentation"
        )
    if segments is None:
        return every
    segments = [segments] if isinstance(segments, str) else list(segments)
    byName = {segmentation.GetSegment(segmentId).GetName(): segmentId for segmentId in reversed(every)}
    ids = [segment if segment in every else byName.get(segment) for segment in segments]
    if not ids or None in ids:
        missing = [str(segment) for segment, found in zip(segments, ids, strict=True) if found is None]
        raise InputError(
            f"{argument} {describeNode(node)} has no segment {', '.join(missing) or '(none was given)'}; "
            f"it has: {', '.join(byName)}"
        )
    if len(set(ids)) < len(ids):
        raise InputError(
            f"{argument} names a segment of {describeNode(node)} twice: {', '.join(map(str, segments))}"
        )
    return ids


def _segmentOnto(node, segmentId, own, reference, target: _Grid, resample: bool, argument: str) -> np.ndarray:
    """Return where a segment is on the target grid. The segment's own array may cover any part of the grid."""
    array, matrix = _segmentArray(node, segmentId, np.linalg.solve(own, target.matrix), target.size)
    if array.size == 0:
        return np.zeros(target.size[::-1], dtype=bool)
    matrix = own @ matrix
    offset = np.round(np.linalg.solve(target.matrix, matrix)[:3, 3]).astype(int)  # in target voxels
    shift = np.eye(4)
    shift[:3, 3] = -offset
    grid = _Grid(array.shape[::-1], matrix)
    if target.agreesWith(matrix @ shift):
        return _pasted(array, offset[::-1], target.size[::-1])
    if not resample:
        text = _geometryText(grid.size, matrix) + " (cropped to the segment)"
        raise InputError(_otherGeometry(argument, node, text, reference, grid, target))
    return _resampled(array, matrix, target, linear=False) != 0


def _pasted(array: np.ndarray, offset: Sequence[int], shape: Sequence[int]) -> np.ndarray:
    """Return `array` != 0 placed at `offset` in an array of `shape`, cut at its borders."""
    result = np.zeros(shape, dtype=bool)
    here, there = [], []
    for start, length, available in zip(offset, array.shape, shape, strict=True):
        first, last = max(start, 0), min(start + length, available)
        here.append(slice(first, max(last, first)))
        there.append(slice(first - start, max(last, first) - start))
    result[tuple(here)] = array[tuple(there)] != 0
    return result


def _segmentArray(node, segmentId: str, matrix: np.ndarray, size) -> tuple[np.ndarray, np.ndarray]:
    """Return a segment's voxels (k, j, i) and the matrix from their indices to the node's coordinates.

    A segment that exists only as a surface is turned into voxels of the grid given by `matrix` and `size`,
    in a copy: the segmentation node is not changed.
    """
    labelmap = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    image = slicer.vtkOrientedImageData()
    if node.GetSegmentation().ContainsRepresentation(labelmap):
        node.GetBinaryLabelmapRepresentation(segmentId, image)
    else:
        image.DeepCopy(_voxelised(node, segmentId, matrix, size, labelmap))
    extent = image.GetExtent()
    if any(extent[2 * axis] > extent[2 * axis + 1] for axis in range(3)):
        return np.zeros((0, 0, 0), dtype=np.uint8), np.eye(4)
    scalars = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    toWorld = vtkMatrix4x4()
    image.GetImageToWorldMatrix(toWorld)
    first = np.eye(4)
    first[:3, 3] = extent[0::2]  # array index 0 is the first voxel of the extent
    return scalars.reshape(image.GetDimensions()[::-1]).copy(), matrixFromVtk(toWorld) @ first


def _voxelised(node, segmentId: str, matrix: np.ndarray, size, labelmap: str):
    registerConverterRules()
    grid = slicer.vtkOrientedImageData()
    grid.SetDimensions(*size)
    grid.SetImageToWorldMatrix(vtkFromMatrix(matrix))
    converter = slicer.vtkSegmentationConverter
    copy = slicer.vtkSegmentation()
    copy.SetSourceRepresentationName(node.GetSegmentation().GetSourceRepresentationName())
    copy.CopySegmentFromSegmentation(node.GetSegmentation(), segmentId)
    copy.SetConversionParameter(
        converter.GetReferenceImageGeometryParameterName(), converter.SerializeImageGeometry(grid)
    )
    with quietly():
        made = copy.CreateRepresentation(labelmap)
    if not made:
        raise InputError(
            f"segment '{segmentId}' of {describeNode(node)} cannot be turned into voxels; create its binary label "
            "map in the Segmentations module"
        )
    return copy.GetSegment(segmentId).GetRepresentation(labelmap)
