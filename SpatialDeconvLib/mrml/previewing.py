"""A look ahead: the result in a block of a volume around a position, in a node of its own.

The panel shows it over the input while the user is still choosing. The block is computed by `blocks`, with the
noise, offset and automatic constants of the whole volume, so that it looks as the result will.

The node is no result: it is hidden from node selectors, not saved with the scene, and lies where the input lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

try:
    from slicer.i18n import tr as _
except ImportError:  # outside Slicer there are no translations

    def _(text: str) -> str:
        return text


from vtkmodules.vtkCommonCore import vtkCommand

from ..arrays.watch import IsCancelled, Progress, Watch
from ..errors import Cancelled, InputError
from ..run import blocks
from ..run.blocks import BlockMemory, block_around
from ..run.inputs import Inputs
from ..run.settings import Settings
from . import nodes
from .channels import perChannel
from .scene import (
    createDisplay,
    ensureScene,
    ijkToRas,
    imageDataFromArray,
    matrixFromVtk,
    spacingOf,
    volumeArray,
    vtkFromMatrix,
)
from .selections import Selections

DEFAULT_SIZE = 64  # voxels
PREVIEW_ATTRIBUTE = "SpatialDeconv.preview"


class PreviewMemory:
    """What the previews of one volume need only once: its noise, automatic constants, spectrum.

    Pass the same object to `previewVolume` again and again. It notices when the volume's voxels or the region to
    work in have changed, and keeps what belongs to the latest volume only.
    """

    def __init__(self):
        self._key: tuple = ()
        self._channels: dict[int, BlockMemory] = {}

    def ofChannel(self, channel: int) -> BlockMemory:
        return self._channels.setdefault(channel, BlockMemory())

    def isFor(self, inputVolume, mask: np.ndarray | None) -> None:
        """Forget what belongs to another volume, to earlier voxels of it, or to another region."""
        image = inputVolume.GetImageData()
        scalars = image.GetPointData().GetScalars()
        region = None if mask is None else hashlib.blake2b(np.packbits(mask).data, digest_size=16).digest()
        key = (inputVolume, image, image.GetMTime(), scalars, scalars.GetMTime(), inputVolume.GetSpacing(), region)
        if key != self._key:
            self.clear()
            self._key = key

    def clear(self) -> None:
        self._key = ()
        self._channels = {}


def previewVolume(
    inputVolume,
    kernels,
    position: Sequence[float],
    size: int = DEFAULT_SIZE,
    outputVolume=None,
    mask=None,
    labels=None,
    guide=None,
    resample: bool = False,
    operation: str = "deconvolve",
    memory: PreviewMemory | None = None,
    showDraft: Callable[[Any, Any], Any] | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    settings: Settings | None = None,
    **options,
):
    """Deconvolve or convolve a block of a volume node.

    Parameters
    ----------
    inputVolume, kernels, mask, labels, guide, resample, progress, cancelled
        See `nodes.deconvolveVolume`.
    position : sequence of float
        The middle of the block, in world coordinates (RAS, mm). Outside the volume: the block nearest to it.
    size : int
        Edge length of the block in voxels of the finest axis; see `blockAround`.
    outputVolume : vtkMRMLScalarVolumeNode, optional
        An earlier preview node to use again; a new one otherwise (also when it is of the wrong class).
    operation : {"deconvolve", "convolve"}
    memory : PreviewMemory, optional
    showDraft : callable (node, Result), optional
        Called before the block itself is ready, where a first idea of it is much quicker.
    settings : Settings, optional
        In place of operation and options.
    **options
        Of `SpatialDeconvLib.deconvolve` or `convolve`. The engine is always "fft".

    Returns
    -------
    (preview volume node, Result)
        ``Result.automatic["approximate"]`` lists in words what differs from the result of the whole volume; see
        `blocks.block_of`. `Result.residual` is None.

    Raises
    ------
    InputError, Cancelled
        As `nodes.deconvolveVolume`; the scene and the given node are then as they were before, or as the draft
        left them.
    """
    settings = nodes.settingsFrom(operation if settings is None else settings.operation, settings, options)
    prepared = nodes.prepare(settings, inputVolume, kernels, Selections(mask, labels, guide, resample))
    memory = PreviewMemory() if memory is None else memory
    memory.isFor(inputVolume, prepared.inputs.mask)
    block = blockAround(inputVolume, position, size)
    vector = prepared.inputs.image.ndim == 4
    node = usablePreviewNode(outputVolume, vector)

    def run(draft: bool):
        watch = Watch(progress, cancelled)  # one each: a draft and what follows it both start at 0
        result = _blockOf(prepared, block, draft, memory, watch)
        watch.check()
        if inputVolume.GetScene() is None:  # closed while the engine was at work
            raise Cancelled
        return result

    if showDraft is not None and settings.operation == "deconvolve":
        result = run(True)
        node = _show(result.image, block, inputVolume, node)
        if not result.automatic.get("draft"):
            return node, result
        showDraft(node, result)
    result = run(False)
    node = usablePreviewNode(node, vector)  # showing the draft may have let the user close the scene
    return _show(result.image, block, inputVolume, node), result


def _blockOf(prepared: nodes.Prepared, block, draft: bool, memory: PreviewMemory, watch: Watch):
    """Run the engine on the block of a scalar array, or of each channel of a vector array."""

    def run(inputs: Inputs, channel: int, part: Watch):
        return blocks.block_of(inputs, prepared.settings, block, part, draft=draft, known=memory.ofChannel(channel))

    return perChannel(run, prepared.inputs, watch, prepared.copyLast, block, prepared.channelNames)


# -- where


def blockAround(inputVolume, position: Sequence[float], size: int = DEFAULT_SIZE) -> tuple[slice, slice, slice]:
    """Return the block (k, j, i) around a world position (RAS, mm).

    It is a cube of `size` voxels of the finest axis. In a volume that is thinner than that (a single slice) it is
    wider by as much as keeps the number of voxels, up to four times.
    """
    point = np.asarray(position, dtype=float)
    if point.shape != (3,) or not np.isfinite(point).all():
        raise InputError(f"position {position!r} must be three finite numbers (RAS, mm)")
    if not size >= 1:
        raise InputError(f"size {size!r} must be at least 1 voxel")
    local = [0.0, 0.0, 0.0]
    inputVolume.TransformPointFromWorld([float(x) for x in point], local)
    indices = np.linalg.solve(ijkToRas(inputVolume), [*local, 1.0])[2::-1]
    spacing, shape = np.array(spacingOf(inputVolume)), inputVolume.GetImageData().GetDimensions()[::-1]

    def counts(edge: float) -> np.ndarray:
        return np.maximum(1, np.round(edge * spacing.min() / spacing)).astype(int)

    wanted = int(np.prod(counts(size)))
    edges = [
        edge for edge in range(int(size), 4 * int(size) + 1) if np.prod(np.minimum(counts(edge), shape)) <= wanted
    ]
    return block_around(shape, indices, counts(edges[-1]))


def positionInSliceViews(sliceNodes: Sequence[Any]) -> tuple[float, float, float] | None:
    """Return the world position (RAS, mm) that slice views show in common; None without a view.

    It is the point on the planes of all views that is nearest to the middle of the first one: where three views
    cross, or the middle of a single view.
    """
    planes = [matrixFromVtk(node.GetSliceToRAS()) for node in sliceNodes]
    if not planes:
        return None
    middle = planes[0][:3, 3]
    normals = np.array([plane[:3, 2] / np.linalg.norm(plane[:3, 2]) for plane in planes])
    distances = np.array([normal @ plane[:3, 3] for normal, plane in zip(normals, planes, strict=True)])
    # Planes that are nearly parallel have no crossing worth moving to: small singular values count as none.
    step = np.linalg.pinv(normals, rcond=0.1) @ (distances - normals @ middle)
    return tuple(float(x) for x in middle + step)


def middleOf(inputVolume) -> tuple[float, float, float]:
    """Return the world position (RAS, mm) of the middle of a volume."""
    volumeArray(inputVolume, "inputVolume")
    middle = [(n - 1) / 2 for n in inputVolume.GetImageData().GetDimensions()]
    world = [0.0, 0.0, 0.0]
    inputVolume.TransformPointToWorld(list((ijkToRas(inputVolume) @ [*middle, 1.0])[:3]), world)
    return tuple(world)


# -- when it is out of date


def stampOf(node) -> tuple:
    """Return what changes when the contents of a node do: voxels and geometry, segments, or where a box lies."""
    if node.IsA("vtkMRMLVolumeNode"):
        image = node.GetImageData()
        voxels = 0 if image is None else image.GetMTime()
        return voxels, tuple(ijkToRas(node).ravel()), _stampOfTransform(node)
    if node.IsA("vtkMRMLSegmentationNode"):
        return node.GetSegmentation().GetMTime(), _stampOfTransform(node)
    if node.IsA("vtkMRMLMarkupsROINode"):
        matrix = matrixFromVtk(node.GetObjectToWorldMatrix())
        return tuple(matrix.ravel()), tuple(node.GetSize()), bool(node.GetInsideOut())
    return (node.GetMTime(),)


def _stampOfTransform(node) -> tuple:
    parent = node.GetParentTransformNode()
    return () if parent is None else (parent.GetID(), parent.GetTransformToWorldMTime())


def changeEvents(node) -> tuple[int, ...]:
    """Return the events of a node after which a preview may be out of date."""
    contents = node.GetContentModifiedEvents()
    events = [contents.GetValue(n) for n in range(contents.GetNumberOfValues())] if contents is not None else []
    moved = getattr(node, "TransformModifiedEvent", None)
    return tuple(dict.fromkeys([vtkCommand.ModifiedEvent, *events, *([moved] if moved is not None else [])]))


# -- the node


def usablePreviewNode(node, vector: bool):
    """Return an earlier preview node if it is still in a scene and of the right class, else None."""
    wanted = "vtkMRMLVectorVolumeNode" if vector else "vtkMRMLScalarVolumeNode"
    if node is None or node.GetScene() is None or node.GetClassName() != wanted:
        return None
    return node


def _show(image: np.ndarray, block, inputVolume, node):
    """Put a block's result into the preview node, made when there is none."""
    data = imageDataFromArray(image)
    matrix = ijkToRas(inputVolume)
    matrix[:3, 3] = (matrix @ [*(s.start for s in reversed(block)), 1.0])[:3]
    isNew = node is None
    if isNew:
        node = _makePreviewNode(inputVolume, image.ndim == 4, _("Preview"))
    wasModifying = node.StartModify()
    try:
        node.SetAndObserveImageData(data)
        node.SetIJKToRASMatrix(vtkFromMatrix(matrix))
        node.SetAndObserveTransformNodeID(inputVolume.GetTransformNodeID())
        if image.ndim == 4:
            node.SetVoxelVectorType(inputVolume.GetVoxelVectorType())
    finally:
        node.EndModify(wasModifying)
    if isNew:
        createDisplay(node)
    copyDisplay(inputVolume, node)
    return node


def hiddenVolume(inputVolume, imageData, name: str):
    """Return a volume node with these voxels (vtkImageData) that lies and looks as the input does; hidden."""
    node = _makePreviewNode(inputVolume, imageData.GetNumberOfScalarComponents() > 1, name)
    node.SetAndObserveImageData(imageData)
    node.CopyOrientation(inputVolume)
    node.SetAndObserveTransformNodeID(inputVolume.GetTransformNodeID())
    createDisplay(node)
    copyDisplay(inputVolume, node)
    return node


def _makePreviewNode(inputVolume, vector: bool, name: str):
    scene = inputVolume.GetScene() or ensureScene()
    node = scene.CreateNodeByClass("vtkMRMLVectorVolumeNode" if vector else "vtkMRMLScalarVolumeNode")
    node.UnRegister(None)  # CreateNodeByClass leaves its reference to the caller
    node.SetName(name)
    node.SetHideFromEditors(True)  # before it is added: then it gets no place in the subject hierarchy either
    node.SetSaveWithScene(False)
    node.SetAttribute(PREVIEW_ATTRIBUTE, "1")
    return scene.AddNode(node)


def copyDisplay(inputVolume, previewNode) -> None:
    """Give the preview the input's grey levels and colours."""
    nodes.copyDisplay(inputVolume, previewNode)
    display = previewNode.GetDisplayNode()
    if display is not None:
        display.SetHideFromEditors(True)
        display.SetSaveWithScene(False)


def removePreviewNode(node) -> None:
    """Take a preview node and what was made for it out of its scene."""
    scene = node.GetScene() if node is not None else None
    if scene is None:
        return
    # The last display node first: a colour legend needs the first one as long as it is there.
    displays = [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    for other in (*reversed(displays), node):
        if other is not None and other.GetScene() is scene:
            scene.RemoveNode(other)


def isPreviewNode(node) -> bool:
    return node is not None and node.GetAttribute(PREVIEW_ATTRIBUTE) == "1"


# -- in words


def previewText(result) -> str:
    """Return one line about a preview: its size, its time, what it chose, and what is not as in the result."""
    size = " × ".join(str(n) for n in result.image.shape[2::-1])
    text = _("{size} voxels, {seconds:.1f} s.").format(size=size, seconds=result.seconds)
    choice = result.describe_choice()
    text += f" {choice[:1].upper()}{choice[1:]}." if choice else ""
    unchanged = result.automatic.get("unchanged")
    notes = [unchanged] if unchanged else list(result.automatic.get("approximate", ()))
    if result.automatic.get("draft"):
        notes.append(_("a better one follows"))
    if not notes:
        return text
    if unchanged:
        return f"{text} " + _("Nothing changes: {notes}.").format(notes="; ".join(notes))
    return f"{text} " + _("Approximate: {notes}.").format(notes="; ".join(notes))
