"""Contact sheets and residual maps of volume nodes."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import slicer

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
from .browsers import sequenceOf, shownItem
from .channelnames import channelNames, setChannelNames
from .channels import channelText, firstChannel
from .flat import keepFlat
from .nodes import Prepared, prepare, settingsFrom
from .scene import createDisplay, describeNode, ensureScene, ijkToRas, imageDataFromArray, vtkFromMatrix
from .selections import Selections
from .sequencefiles import copyIndex
from .sequences import indexText, showBeside


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


def residualVolume(inputVolume, maps: Sequence[ResidualMap], node=None, channel: int | None = None):
    """Return a volume node with what a result leaves unexplained, in units of the noise, on the input's voxels.

    Of a vector volume it has the map of every channel. A new node's name says what it is.

    Parameters
    ----------
    inputVolume : vtkMRMLScalarVolumeNode
        What was deconvolved.
    maps : sequence of ResidualMap
        See `residualMaps`.
    node : vtkMRMLScalarVolumeNode, optional
        An earlier map to use again; default a new node, named after the input.
    channel : int, optional
        From 0, of a vector volume: the map of this one alone, as a scalar volume.
    """
    several = len(maps) > 1 and channel is None
    values = _together(maps if channel is None else [maps[channel]])
    scene = inputVolume.GetScene() or ensureScene()
    if node is None or node.GetScene() is not scene:
        name = _residualName(inputVolume, inputVolume, len(maps), channel)
        nodeClass = "vtkMRMLVectorVolumeNode" if several else "vtkMRMLScalarVolumeNode"
        node = scene.AddNewNodeByClass(nodeClass, scene.GetUniqueNameByString(name))
    _fill(node, inputVolume, values)
    setChannelNames(node, channelNames(inputVolume) if several else ())
    createDisplay(node)
    return node


class ResidualSequence:
    """The residual maps of the frames of a sequence, as a sequence of volumes with the same index.

    It is what ``finished`` of `sequences.deconvolveSequence` takes: only then a frame's result knows its run.

    Parameters
    ----------
    sequence : vtkMRMLSequenceNode
        What is deconvolved.
    cancelled : callable () -> bool, optional
    most : float, optional
        Bytes that the maps may take together: those of the frames after that are not kept. Default: no limit.

    Attributes
    ----------
    sequence : vtkMRMLSequenceNode
    maps : dict of int to list of ResidualMap
        By the number of the frame, of those that are done; one for each channel.
    """

    def __init__(self, sequence, cancelled: IsCancelled | None = None, most: float = math.inf):
        self.sequence, self._cancelled = sequence, cancelled
        self.maps: dict[int, list[ResidualMap]] = {}
        self._left = most  # bytes

    def __call__(self, number: int, _prepared: Prepared, result: Result) -> None:
        """Keep the maps of a frame."""
        if self._left <= 0:
            return
        maps = residualMaps(result, cancelled=self._cancelled)
        self._left -= sum(each.nbytes for each in maps)
        if self._left >= 0:
            self.maps[number] = maps

    @functools.cached_property
    def node(self):
        """A new sequence node with the maps, named after the sequence; their channels are those of the frames."""
        return self._placed()

    def show(self, channel: int = 0):
        """Let the sequence's browser show a new sequence with the maps of one channel, frame by frame.

        Returns
        -------
        vtkMRMLScalarVolumeNode or None
            What the browser shows of it; None where no browser shows the sequence.
        """
        return showBeside(self.sequence, self._placed(channel))

    def shownOf(self, volume) -> tuple[list[ResidualMap], str]:
        """Return the maps of the frame that a browser shows as this volume, and where that is: ``time = 0.5 s``.

        Raises
        ------
        InputError
            If the volume is no frame of the sequence any more, or of a frame without a map.
        """
        sequence, browser = sequenceOf(volume) or (None, None)
        number = shownItem(sequence, browser) if sequence is self.sequence else -1
        if number not in self.maps:
            text = _(
                "the frame that {name} shows has no residual map (memory has room for some); apply to it alone"
            )
            raise InputError(text.format(name=describeNode(volume)))
        return self.maps[number], indexText(self.sequence, number)

    def _placed(self, channel: int | None = None):
        """A new sequence node with the maps, of all channels or of one."""
        scene = self.sequence.GetScene() or ensureScene()
        count = len(next(iter(self.maps.values()), ()))
        name = _residualName(self.sequence, self.sequence.GetNthDataNode(0), count, channel)
        node = scene.AddNewNodeByClass("vtkMRMLSequenceNode", scene.GetUniqueNameByString(name))
        copyIndex(self.sequence, node)
        for number, maps in sorted(self.maps.items()):
            frame = self.sequence.GetNthDataNode(number)
            several = len(maps) > 1 and channel is None
            volume = slicer.vtkMRMLVectorVolumeNode() if several else slicer.vtkMRMLScalarVolumeNode()
            volume.SetName(frame.GetName())
            _fill(volume, frame, _together(maps if channel is None else [maps[channel]]))
            setChannelNames(volume, channelNames(frame) if several else ())
            node.SetDataNodeAtValue(volume, self.sequence.GetNthIndexValue(number))
        return node


def _residualName(node, frame, count: int, channel: int | None) -> str:
    """What a residual map of a node is called, or that of one of the `count` channels that its frames have."""
    name = _("{name} residual").format(name=node.GetName())
    return f"{name}, {channelText(channel, channelNames(frame))}" if count > 1 and channel is not None else name


def _together(maps: Sequence[ResidualMap]) -> np.ndarray:
    """The values of the maps, of several channels along a last axis."""
    return np.stack([each.values for each in maps], axis=-1) if len(maps) > 1 else maps[0].values


def _fill(node, inputVolume, values: np.ndarray) -> None:
    wasModifying = node.StartModify()
    try:
        node.SetAndObserveImageData(imageDataFromArray(values))
        node.SetIJKToRASMatrix(vtkFromMatrix(ijkToRas(inputVolume)))
        node.SetAndObserveTransformNodeID(inputVolume.GetTransformNodeID())
        keepFlat(inputVolume, node)
    finally:
        node.EndModify(wasModifying)
