"""Contact sheets and residual maps of volume nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

try:
    from slicer.i18n import tr as _
except ImportError:  # outside Slicer there are no translations

    def _(text: str) -> str:
        return text


from ..arrays.boxes import Box
from ..arrays.watch import IsCancelled, Progress, Watch
from ..errors import InputError
from ..run import sheet
from ..run.blocks import BlockMemory, block_around
from ..run.pipeline import Result
from ..run.residuals import ResidualMap
from ..run.sheet import DEFAULT_SIZE, Sheet, Tile
from .channelnames import channelNames, setChannelNames
from .channels import firstChannel
from .flat import keepFlat
from .nodes import prepare, settingsFrom
from .scene import createDisplay, ensureScene, ijkToRas, imageDataFromArray, vtkFromMatrix
from .selections import Selections


def compareMethods(
    inputVolume,
    kernels,
    around: Sequence[float] | None = None,
    size: int = DEFAULT_SIZE,
    mask=None,
    labels=None,
    guide=None,
    resample: bool = False,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    **options,
) -> Sheet:
    """Restore a block of a volume node with every method there is; see `SpatialDeconvLib.compare_methods`.

    Parameters
    ----------
    inputVolume, kernels, mask, labels, guide, resample, progress, cancelled, **options
        See `nodes.deconvolveVolume`. Of a vector volume the first channel is looked at.
    around : (k, j, i), optional
        Voxel in the middle of the block; default the middle of the volume.
    size : int
        Voxels along the edges of the block.

    Raises
    ------
    InputError, Cancelled
    """
    settings = settingsFrom("deconvolve", None, options)
    inputs = firstChannel(prepare(settings, inputVolume, kernels, Selections(mask, labels, guide, resample)).inputs)
    shape = inputs.image.shape
    if not size >= 1:
        raise InputError(f"size {size!r} must be at least 1 voxel", "size")
    block = block_around(shape, [n / 2 for n in shape] if around is None else around, [size] * 3)
    return sheet.sheet_of(inputs, settings, block, Watch(progress, cancelled))


def methodTiles(
    settings,
    inputVolume,
    kernels,
    block: Box,
    selections: Selections,
    watch: Watch,
    known: BlockMemory | None = None,
) -> Iterator[Tile]:
    """Yield the tiles of a block (k, j, i) of a volume node one after another; see `run.sheet.tiles`."""
    inputs = firstChannel(prepare(settings, inputVolume, kernels, selections).inputs)
    yield from sheet.tiles(inputs, settings, block, watch, known)


def residualMaps(
    result: Result, progress: Progress | None = None, cancelled: IsCancelled | None = None
) -> list[ResidualMap]:
    """Return the residual map of a result, one for each channel of a vector volume.

    Raises
    ------
    InputError
        If it has none: see `Result.residual_map`.
    Cancelled
    """
    watch = Watch(progress, cancelled)
    channels = watch.parts(range(max(1, len(result.fits))))
    return [result.residual_map(n, part.tell, part.cancelled) for n, part in channels]


def residualVolume(inputVolume, maps: Sequence[ResidualMap], node=None):
    """Return a volume node with what a result leaves unexplained, in units of the noise, on the input's voxels.

    Of a vector volume it holds the sum over the channels, divided by the root of their number: noise of standard
    deviation 1 where the kernels explain the volume, as for a scalar one. A new node's name says so; residuals of
    opposite signs cancel in it, but not in `residualChannels`.

    Parameters
    ----------
    inputVolume : vtkMRMLScalarVolumeNode
        What was deconvolved.
    maps : sequence of ResidualMap
        See `residualMaps`.
    node : vtkMRMLScalarVolumeNode, optional
        An earlier map to use again; default a new node, named after the input.
    """
    values = maps[0].values
    if len(maps) > 1:
        values = np.sum([each.values for each in maps], axis=0) / values.dtype.type(np.sqrt(len(maps)))
    scene = inputVolume.GetScene() or ensureScene()
    if node is None or node.GetScene() is not scene:
        pattern = _("{name} residual, channels together") if len(maps) > 1 else _("{name} residual")
        name = scene.GetUniqueNameByString(pattern.format(name=inputVolume.GetName()))
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    _fill(node, inputVolume, values)
    createDisplay(node)
    return node


def residualChannels(inputVolume, maps: Sequence[ResidualMap]):
    """Return a vector volume node with the residual map of every channel of a vector volume, for a file.

    Parameters
    ----------
    inputVolume : vtkMRMLVectorVolumeNode
    maps : sequence of ResidualMap
        See `residualMaps`.
    """
    scene = inputVolume.GetScene() or ensureScene()
    node = scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode")
    _fill(node, inputVolume, np.stack([each.values for each in maps], axis=-1))
    setChannelNames(node, channelNames(inputVolume))
    return node


def _fill(node, inputVolume, values: np.ndarray) -> None:
    wasModifying = node.StartModify()
    try:
        node.SetAndObserveImageData(imageDataFromArray(values))
        node.SetIJKToRASMatrix(vtkFromMatrix(ijkToRas(inputVolume)))
        node.SetAndObserveTransformNodeID(inputVolume.GetTransformNodeID())
        keepFlat(inputVolume, node)
    finally:
        node.EndModify(wasModifying)
