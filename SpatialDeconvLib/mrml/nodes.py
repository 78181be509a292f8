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
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays.watch import IsCancelled, Progress, Watch
from ..errors import InputError
from ..formats.images import refuse_shear
from ..kernels.centres import GivenCentre
from ..kernels.collect import read_kernel_set
from ..kernels.field import KernelField
from ..kernels.kernel import Kernel
from ..kernels.parametric import ParametricKernel
from ..kernels.parts import channels_by_number, refuse_other_parts
from ..kernels.sets import from_logarithm
from ..methods.choices import PART_KEYS
from ..run import pipeline
from ..run.inputs import Inputs, sigmas_of
from ..run.settings import Settings, settings_of
from . import recipe as recipes
from .browsers import fieldOfShownFrame
from .channelnames import channelNames, setChannelNames
from .channels import lastIsOpacity, perChannel
from .flat import keepFlat
from .geometry import geometryText, sameGeometry
from .scene import (
    createDisplay,
    describeNode,
    ensureScene,
    ijkToRas,
    imageDataFromArray,
    spacingOf,
    volumeArray,
    vtkFromMatrix,
)
from .selections import Selections, ThresholdRange, guideArray, labelArray, maskArray
from .tables import placeRegionMeans

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
NAME_ATTRIBUTE = "SpatialDeconv.name"  # the name that a result was given here


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
    settings: Settings | None = None,
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
    settings : DeconvolveSettings, optional
        In place of options.
    **options
        The keyword arguments of `SpatialDeconvLib.deconvolve`; the spacing is the input's. `noise` may be a volume
        node of the sigma at every voxel.

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
    noise = options.get("noise")
    sigmas = noise if hasattr(noise, "IsA") else sigmas_of(noise)
    if sigmas is not None:
        options["noise"] = "image"
    settings = settingsFrom("deconvolve", settings, options)
    selections = Selections(mask, labels, guide, resample, sigmas)
    return _run(settings, inputVolume, kernels, outputVolume, selections, Watch(progress, cancelled))


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
    settings: Settings | None = None,
    **options,
):
    """Convolve a volume node with kernels that vary in space.

    Parameters, return value and errors as in `deconvolveVolume`; `options` are the keyword arguments of
    `SpatialDeconvLib.convolve`.
    """
    settings = settingsFrom("convolve", settings, options)
    selections = Selections(mask, labels, guide, resample)
    return _run(settings, inputVolume, kernels, outputVolume, selections, Watch(progress, cancelled))


def settingsFrom(operation: str, settings: Settings | None, options: Mapping[str, Any]) -> Settings:
    """Return the settings that a function on nodes was given: as such, or as keyword arguments of the engine."""
    if "spacing" in options:
        raise InputError(f"spacing {options['spacing']!r} was given; leave it out, the volume's own is used")
    if settings is None:
        return settings_of(operation, options)
    if options or settings.operation != operation:
        given = ", ".join(options) or settings.operation
        raise InputError(
            f"settings of {settings.operation} and {given} were given to {operation}; give the settings"
        )
    return settings


def _run(settings, inputVolume, kernels, outputVolume, selections: Selections, watch: Watch):
    vector = volumeArray(inputVolume, "inputVolume").ndim == 4
    _checkOutput(outputVolume, inputVolume, vector, (kernels, selections.mask, selections.labels, selections.guide))
    prepared = prepare(settings, inputVolume, kernels, selections)
    result = prepared.compute(watch)
    return place(prepared, result, inputVolume, outputVolume), result


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A run whose nodes have been turned into arrays: `compute` needs neither the scene nor the main thread.

    Attributes
    ----------
    settings : Settings
    inputs : Inputs
        The voxels of the volume, and what belongs to it on its grid; the labels are in the kernel field.
    copyLast : bool
        The last channel is an opacity, which is copied.
    channelNames : tuple of str
        What the channels are called; () where nobody says that.
    """

    settings: Settings
    inputs: Inputs
    copyLast: bool
    channelNames: tuple[str, ...] = ()

    def compute(self, watch: Watch, mapped: bool = False):
        """Run the engine and return its Result; `mapped`: see `pipeline.run`."""
        return perChannel(
            lambda inputs, _channel, part: pipeline.run(inputs, self.settings, part, mapped),
            self.inputs,
            watch,
            self.copyLast,
            names=self.channelNames,
        )

    def recipe(self, result) -> str:
        """Return the recipe of the run as JSON."""
        return json.dumps(recipes.describe(self.settings.operation, self.inputs.kernels, result))


def prepare(settings: Settings, inputVolume, kernels, selections: Selections) -> Prepared:
    """Turn the nodes of a run into arrays; raises InputError as `deconvolveVolume` does."""
    array, resample = volumeArray(inputVolume, "inputVolume"), selections.resample
    refuse_shear(f"inputVolume {describeNode(inputVolume)}", ijkToRas(inputVolume)[:3, :3])
    field, names = fieldOfShownFrame(kernelFieldFrom(kernels), inputVolume), channelNames(inputVolume)
    if selections.labels is not None:
        field = field.with_labels(*labelArray(selections.labels, inputVolume, resample))
    mask = None if selections.mask is None else maskArray(selections.mask, inputVolume, resample)
    guide = None if selections.guide is None else guideArray(selections.guide, inputVolume, resample)
    noise = None if selections.noise is None else guideArray(selections.noise, inputVolume, resample, "noise")
    inputs = Inputs(array, field, spacingOf(inputVolume), mask=mask, guide=guide, noise=noise)
    copyLast = array.ndim == 4 and lastIsOpacity(inputVolume, array)
    if array.ndim == 4:
        field = channels_by_number(field, names)
        inputs = dataclasses.replace(inputs, kernels=field)
        refuse_other_parts(field, "channel", array.shape[3] - copyLast, names)
    _refuseParts(field, inputVolume, array.ndim == 4)
    return Prepared(settings, inputs, copyLast, names)


def _refuseParts(field: KernelField, inputVolume, channels: bool) -> None:
    """Refuse kernels of frames for a single volume, and of channels for one without."""
    if field.key in PART_KEYS and not (channels and field.key == "channel"):
        raise InputError(
            f"the kernels are keyed by {field.key}, which is for {PART_KEYS[field.key]}; inputVolume "
            f"{describeNode(inputVolume)} is none; give a kernel for all of it"
        )


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


def place(prepared: Prepared, result, inputVolume, outputVolume=None):
    """Put the image of a result into the output node, or a new one: the only place where the scene changes."""
    image, recipe = result.image, prepared.recipe(result)
    data = imageDataFromArray(image)
    name = f"{inputVolume.GetName()} {resultName(prepared, result)}"
    if outputVolume is not None:
        _fill(outputVolume, data, recipe, inputVolume)
        _rename(outputVolume, name)
        placeRegionMeans(outputVolume, result.region_means)
        return outputVolume
    scene = inputVolume.GetScene() or ensureScene()
    nodeClass = "vtkMRMLVectorVolumeNode" if image.ndim == 4 else "vtkMRMLScalarVolumeNode"
    node = scene.AddNewNodeByClass(nodeClass, scene.GetUniqueNameByString(name))
    node.SetAttribute(NAME_ATTRIBUTE, node.GetName())
    _fill(node, data, recipe, inputVolume)
    copyDisplay(inputVolume, node)
    placeInHierarchy(scene, inputVolume, node)
    placeRegionMeans(node, result.region_means)
    return node


def resultName(prepared: Prepared, result) -> str:
    """Return what a result is called, after the name of its input: what was done, by which method, with what."""
    field = kernelFieldFrom(prepared.inputs.kernels)
    words = [f"{prepared.settings.operation}d", result.method.in_prose if result.method else "", field.describe()]
    return ", ".join(filter(None, words))


def _rename(node, name: str) -> None:
    """Give a node that has other contents now the name of these, unless somebody has named it."""
    given = node.GetAttribute(NAME_ATTRIBUTE)
    if given is None or given != node.GetName() or re.fullmatch(re.escape(name) + r"(_\d+)?", given):
        return
    node.SetName(node.GetScene().GetUniqueNameByString(name) if node.GetScene() else name)
    node.SetAttribute(NAME_ATTRIBUTE, node.GetName())


def _fill(node, data, recipe: str, inputVolume) -> None:
    wasModifying = node.StartModify()
    try:
        node.SetAndObserveImageData(data)
        node.CopyOrientation(inputVolume)
        node.SetAndObserveTransformNodeID(inputVolume.GetTransformNodeID())
        node.SetAttribute(RECIPE_ATTRIBUTE, recipe)
        keepFlat(inputVolume, node)
        setChannelNames(node, channelNames(inputVolume))
        if data.GetNumberOfScalarComponents() > 1 and hasattr(inputVolume, "GetVoxelVectorType"):
            node.SetVoxelVectorType(inputVolume.GetVoxelVectorType())
    finally:
        node.EndModify(wasModifying)


def copyDisplay(source, target) -> None:
    """Show the result with the input's grey levels and colours, so that the two can be compared."""
    createDisplay(target)
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
    """Return the kernel field that `kernels` stands for: a field, a kernel, a volume node, or files.

    Of files, all that `SpatialDeconvLib.read_kernel_set` takes.

    Raises
    ------
    InputError
        If it is none of these, or the file or the volume cannot be used.
    """
    if isinstance(kernels, KernelField):
        return kernels
    if isinstance(kernels, (Kernel, ParametricKernel)):
        return KernelField.uniform(kernels)
    if isinstance(kernels, (str, os.PathLike)) or (
        isinstance(kernels, (list, tuple)) and all(isinstance(word, (str, os.PathLike)) for word in kernels)
    ):
        return read_kernel_set(kernels)
    if hasattr(kernels, "IsA"):
        return KernelField.uniform(kernelFromVolume(kernels))
    raise InputError(
        f"kernels {kernels!r} are none; give a KernelField, a Kernel, a kernel-set file, kernel files or a volume "
        "node"
    )


def kernelFromVolume(node, log: bool | float = False, centre: GivenCentre = "auto") -> Kernel:
    """Return the kernel that a scalar volume node holds, with the node's spacing.

    One slice makes a 2-D kernel. `log` is true (or 10) when the voxels are the natural (or decimal) logarithm
    of the kernel, which is then normalised to sum 1. `centre` is that of `Kernel`. Position, directions and
    transforms are ignored: a kernel is laid along the axes of the image it is used on.

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
    name = node.GetName() or ""
    if log is False:
        return Kernel(values, spacing, name, centre=centre)
    return from_logarithm(Kernel(values, spacing, name), log, centre)


def volumeFromKernel(kernel: Kernel, name: str | None = None):
    """Return a new scalar volume node (double) with a kernel's values; its centre lies at RAS (0, 0, 0).

    A 2-D kernel becomes one slice, 1 mm thick. `kernelFromVolume` gives the kernel back.
    """
    values = kernel.values if kernel.ndim == 3 else kernel.values[np.newaxis]
    centre = kernel.centre if kernel.ndim == 3 else (0, *kernel.centre)
    spacing = np.array(kernel.spacing if kernel.ndim == 3 else (1.0, *kernel.spacing))
    matrix = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.diag([*spacing[::-1], 1.0])
    matrix[:3, 3] = -matrix[:3, :3] @ centre[::-1]
    scene = ensureScene()
    name = scene.GetUniqueNameByString(name or kernel.name or "Kernel")
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetAndObserveImageData(imageDataFromArray(values))
    node.SetIJKToRASMatrix(vtkFromMatrix(matrix))
    createDisplay(node)
    return node


# -- geometry


# -- masks, labels, guides


# -- boxes and thresholds


# -- segmentations
