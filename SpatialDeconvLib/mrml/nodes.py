"""The engine on MRML volume nodes: what the panel, the console and the command line call.

`deconvolveVolume` and `convolveVolume` take nodes, run the engine on arrays, and touch the scene only when
everything is done. They are `prepare`, `Prepared.compute` and `place`; these, and the pieces they are made of
(arrays, geometry, masks, kernels), are public too.

Arrays are in numpy order (k, j, i); spacing in mm in the same order. MRML's order is (i, j, k).
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..kernels.field import KernelField
from ..kernels.kernel import Kernel
from ..kernels.parametric import ParametricKernel
from ..kernels.sets import from_logarithm, read_kernel_set
from ..run import pipeline
from ..watch import IsCancelled, Progress, Watch
from .channels import lastIsOpacity, perChannel
from .geometry import geometryText, sameGeometry
from .scene import describeNode, ensureScene, imageDataFromArray, spacingOf, volumeArray, vtkFromMatrix
from .selections import ThresholdRange, guideArray, labelArray, maskArray

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
    cancelled: IsCancelled | None = None,
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
    watch = Watch(progress, cancelled)
    selections = (mask, labels, guide, resample)
    return _run("deconvolve", inputVolume, kernels, outputVolume, selections, watch, options)


def convolveVolume(
    inputVolume,
    kernels,
    outputVolume=None,
    mask=None,
    labels=None,
    guide=None,
    resample: bool = False,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    **options,
):
    """Convolve a volume node with kernels that vary in space.

    Parameters, return value and errors as in `deconvolveVolume`; `options` are the keyword arguments of
    `SpatialDeconvLib.convolve`.
    """
    watch = Watch(progress, cancelled)
    selections = (mask, labels, guide, resample)
    return _run("convolve", inputVolume, kernels, outputVolume, selections, watch, options)


def _run(operation, inputVolume, kernels, outputVolume, selections, watch, options):
    vector = volumeArray(inputVolume, "inputVolume").ndim == 4
    _checkOutput(outputVolume, inputVolume, vector, (kernels, *selections[:3]))
    prepared = prepare(operation, inputVolume, kernels, selections, options)
    result = prepared.compute(watch)
    return place(prepared, result, inputVolume, outputVolume), result


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A run whose nodes have been turned into arrays: `compute` needs neither the scene nor the main thread.

    Attributes
    ----------
    operation : {"deconvolve", "convolve"}
    array : ndarray
        The voxels of the volume.
    field : KernelField
        The kernels, with the labels on the volume's voxels.
    arguments : dict
        Keyword arguments of the engine; "mask" and "guide" are arrays on the volume's voxels, where there are any.
    copyLast : bool
        The last channel is an opacity, which is copied.
    """

    operation: str
    array: np.ndarray
    field: KernelField
    arguments: dict[str, Any]
    copyLast: bool

    def compute(self, watch: Watch):
        """Run the engine and return its Result."""
        engine = getattr(pipeline, self.operation)
        return perChannel(engine, self.array, self.field, self.arguments, watch, self.copyLast)

    def recipe(self, result) -> str:
        """Return the recipe of the run as JSON."""
        return _recipeText(self.operation, self.field, result)


def prepare(operation: str, inputVolume, kernels, selections, options) -> Prepared:
    """Turn the nodes of a run into arrays.

    `selections` are (mask, labels, guide, resample), `options` the engine's keyword arguments, as in
    `deconvolveVolume`; raises InputError as that does.
    """
    array = volumeArray(inputVolume, "inputVolume")
    mask, labels, guide, resample = selections
    if "spacing" in options:
        raise InputError(f"spacing {options['spacing']!r} was given; leave it out, the volume's own is used")
    field = kernelFieldFrom(kernels)
    arguments = dict(options, spacing=spacingOf(inputVolume))
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


def _recipeText(operation: str, field: KernelField, result) -> str:
    from . import recipe  # here, because the recipe of files imports this module's neighbours

    return json.dumps(recipe.describe(operation, field, result))


def place(prepared: Prepared, result, inputVolume, outputVolume=None):
    """Put the image of a result into the output node, or a new one: the only place where the scene changes."""
    image, recipe = result.image, prepared.recipe(result)
    data = imageDataFromArray(image)
    if outputVolume is not None:
        _fill(outputVolume, data, recipe, inputVolume)
        return outputVolume
    scene = inputVolume.GetScene() or ensureScene()
    nodeClass = "vtkMRMLVectorVolumeNode" if image.ndim == 4 else "vtkMRMLScalarVolumeNode"
    name = scene.GetUniqueNameByString(f"{inputVolume.GetName()} {prepared.operation}d")
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


# -- masks, labels, guides


# -- boxes and thresholds


# -- segmentations
