"""The engine on sequences of volumes (vtkMRMLSequenceNode): every frame, one after another or several at once.

A frame is processed as the volume node would be that the browser shows for it, so a frame of the output holds
the same voxels as `nodes.deconvolveVolume` gives for that frame alone. Only arrays go to other threads; nodes and
the callbacks stay in the thread of the caller, and the scene changes only when every frame is done.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import slicer

from ..arrays import memory
from ..arrays.threads import usable_processors
from ..arrays.watch import IsCancelled, Progress, Watch
from ..errors import Cancelled, InputError
from ..kernels.field import KernelField
from ..kernels.parts import field_of_part
from ..run.pipeline import Result
from ..run.settings import DeconvolveSettings, Settings
from ..run.verdict import worst_verdict
from .browsers import browsersIn, sequenceOf
from .channels import largest, regionMeansOf, rootMeanSquare, warningsOf
from .nodes import RECIPE_ATTRIBUTE, Prepared, kernelFieldFrom, prepare, settingsFrom
from .scene import describeNode, ensureScene, imageDataFromArray, volumeArray
from .selections import Selections
from .sequencefiles import copyIndex
from .tables import placeRegionMeans

__all__ = ["convolveSequence", "deconvolveSequence", "frameText", "indexText", "showBeside"]

Finished = Callable[[int, Prepared, Result], Any]

# Several frames at once pay with SimpleITK's filters on small frames only; the other methods keep the processors
# busy with one frame. Measured with Testing/Benchmarks/bench_sequences.py.
_SMALL_FRAME = 400_000  # voxels
# What a run on a frame takes, in volumes of 4 bytes a voxel; see pipeline.
_VOLUMES_OF_A_RUN = 40
_POLL = 0.05  # seconds between two looks at the watch


def deconvolveSequence(
    sequence,
    kernels,
    outputSequence=None,
    frames: Iterable[int] | None = None,
    mask=None,
    labels=None,
    guide=None,
    resample: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    settings: Settings | None = None,
    finished: Finished | None = None,
    mapped: bool = False,
    **options,
):
    """Deconvolve every frame of a sequence of volumes.

    Parameters
    ----------
    sequence : vtkMRMLSequenceNode, or the volume node that a sequence browser shows for one
        Never modified.
    kernels : KernelField, Kernel, path or vtkMRMLScalarVolumeNode
        For all frames, or one for each (`KernelField.by_frame`); see `nodes.deconvolveVolume`.
    outputSequence : vtkMRMLSequenceNode, optional
        Node to overwrite; default a new one, named after the input. When no browser shows it yet, it joins the
        browser of the input, if there is one.
    frames : iterable of int, optional
        Item numbers of the frames to process, which are then all that the output holds; default every one.
    mask, labels, guide : optional
        As in `nodes.deconvolveVolume`, for all frames; or a vtkMRMLSequenceNode of them, of which each frame
        takes the item at its own index value; or a volume or segmentation node that the input's browser shows
        for such a sequence; or a function that is given each frame's volume node and item number and returns
        one of those.
    resample : bool
        See `nodes.deconvolveVolume`.
    workers : int, optional
        Frames at once. Default: 1, but the processors there are for SimpleITK's filters on small frames, as far
        as memory allows. The result does not depend on it.
    progress : callable (fraction, text), optional
    cancelled : callable () -> bool, optional
        Both are called in the caller's thread only.
    finished : callable (item, Prepared, Result), optional
        Told, in the caller's thread, of every frame that is done, with the arrays it was made of; they are let go
        then, unless it keeps them. Frames may come in another order than theirs.
    mapped : bool
        Refuse runs whose results would have no residual map before the first frame is worked on.
    settings : DeconvolveSettings, optional
        In place of options.
    **options
        The keyword arguments of `SpatialDeconvLib.deconvolve`.

    Returns
    -------
    (output sequence node, list of Result)
        Index name, unit, type and values are the input's. `Result.image` is a view of the frame in the node.

    Raises
    ------
    InputError
        If an argument cannot be used; where it is about a frame, the message says which.
    Cancelled
        If `cancelled` returned true. In every case of failure the scene and the given node are as before.
    """
    watch = Watch(progress, cancelled)
    settings = settingsFrom("deconvolve", settings, options)
    arguments = _Arguments(settings, kernels, Selections(mask, labels, guide, resample), finished, mapped)
    return _run(sequence, outputSequence, frames, arguments, workers, watch)


def convolveSequence(
    sequence,
    kernels,
    outputSequence=None,
    frames: Iterable[int] | None = None,
    mask=None,
    labels=None,
    guide=None,
    resample: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    settings: Settings | None = None,
    finished: Finished | None = None,
    **options,
):
    """Convolve every frame of a sequence of volumes.

    Parameters, return value and errors as in `deconvolveSequence`; `options` are the keyword arguments of
    `SpatialDeconvLib.convolve`.
    """
    watch = Watch(progress, cancelled)
    settings = settingsFrom("convolve", settings, options)
    arguments = _Arguments(settings, kernels, Selections(mask, labels, guide, resample), finished)
    return _run(sequence, outputSequence, frames, arguments, workers, watch)


def frameText(sequence, item: int) -> str:
    """Return how a message calls a frame, e.g. ``frame 3 (time = 0.5 s)``."""
    return f"frame {item} ({indexText(sequence, item)})"


def indexText(sequence, item: int) -> str:
    """Return where a frame is in its sequence, e.g. ``time = 0.5 s``."""
    value = f"{sequence.GetIndexName() or 'index'} = {sequence.GetNthIndexValue(item)} {sequence.GetIndexUnit()}"
    return value.strip()


def showBeside(sequence, other):
    """Let the browser of a sequence show another one, too, under the transform and with the display of its frames.

    Returns
    -------
    vtkMRMLVolumeNode or None
        What it shows of the other one; None where no browser shows the sequence.
    """
    source = _Source.of(sequence)
    _showBeside(source, other)
    return None if source.browser is None else source.browser.GetProxyNode(other)


# ------------------------------------------------------------------------------------------------ run


@dataclasses.dataclass(frozen=True)
class _Arguments:
    settings: Settings
    kernels: Any
    selections: Selections
    finished: Finished | None
    mapped: bool = False


@dataclasses.dataclass(frozen=True)
class _Source:
    """A sequence, and the browser and the volume node that show it, where there are."""

    sequence: Any
    browser: Any
    proxy: Any

    @classmethod
    def of(cls, node) -> _Source:
        if hasattr(node, "IsA") and node.IsA("vtkMRMLSequenceNode"):
            browser = next(
                (b for b in browsersIn(node.GetScene()) if b.IsSynchronizedSequenceNode(node, True)), None
            )
            return cls(node, browser, browser.GetProxyNode(node) if browser is not None else None)
        found = sequenceOf(node) if node is not None else None
        if found is None:
            name = (
                "is not set" if node is None else f"{describeNode(node)} is none, nor shown by a sequence browser"
            )
            raise InputError(f"sequence {name}; give a sequence node, or the volume its browser shows")
        return cls(*found, node)


def _run(node, outputSequence, frames, arguments: _Arguments, workers, watch):
    source = _Source.of(node)
    items = _checkedItems(source.sequence, frames)
    _checkOutput(outputSequence, source.sequence, arguments)
    workers = _workers(workers, arguments.settings, source.sequence, items)
    arguments = dataclasses.replace(arguments, kernels=kernelFieldFrom(arguments.kernels))
    for item in items:  # before the first frame is worked on
        with _namingFrame(source.sequence, item):
            _kernelsOf(arguments.kernels, source.sequence, item)
    scene = source.sequence.GetScene()
    with _suspended(source.browser), _TemporaryNodes(scene or ensureScene()) as temporary:
        done = _computed(source, items, arguments, temporary, workers, watch)
    return _placed(arguments.settings.operation, source, items, outputSequence, scene, done)


def _computed(source, items, arguments: _Arguments, temporary, workers, watch) -> list:
    """Process the frames; return, for each, (image data, recipe, Result without its image)."""
    stop = threading.Event()
    shares = [0.0] * len(items)
    texts = [""] * len(items)

    def begin(number: int) -> Prepared:
        frame = _frameNode(source, items[number], temporary)
        try:
            given = arguments.selections
            own = {
                name: _ofFrame(getattr(given, name), source, items[number], frame, temporary)
                for name in ("mask", "labels", "guide")
            }
            kernels = _kernelsOf(arguments.kernels, source.sequence, items[number])
            return prepare(arguments.settings, frame, kernels, dataclasses.replace(given, **own))
        finally:
            temporary.clear()

    def ofFrame(number: int) -> Watch:
        """What a thread tells of its frame waits here until `look` passes it on."""

        def told(fraction: float, text: str) -> None:
            shares[number], texts[number] = fraction, text

        return Watch(told, stop.is_set)

    def look(number: int) -> None:
        watch.under(f"frame {number + 1} of {len(items)}").step(sum(shares) / len(items), texts[number])

    done: list[Any] = [None] * len(items)
    running: dict[Future, tuple[int, Prepared]] = {}
    waiting = iter(range(len(items)))
    pool = ThreadPoolExecutor(workers)
    try:
        while True:
            while len(running) < workers:
                number = next(waiting, None)
                if number is None:
                    break
                look(number)
                with _namingFrame(source.sequence, items[number]):
                    prepared = begin(number)
                running[pool.submit(prepared.compute, ofFrame(number), arguments.mapped)] = (number, prepared)
            if not running:
                return done
            finished, _ = wait(running, timeout=_POLL, return_when=FIRST_COMPLETED)
            for future in finished:
                number, prepared = running.pop(future)
                with _namingFrame(source.sequence, items[number]):
                    result = future.result()
                    if arguments.finished is not None:
                        arguments.finished(items[number], prepared, result)
                    done[number] = _kept(prepared, result)
                shares[number], texts[number] = 1.0, ""
            look(min((number for number, _ in running.values()), default=len(items) - 1))
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _kernelsOf(kernels: KernelField, sequence, item: int) -> KernelField:
    return field_of_part(kernels, "frame", item, sequence.GetNthIndexValue(item))


def _kept(prepared: Prepared, result) -> tuple:
    recipe = prepared.recipe(result)
    return imageDataFromArray(result.image), recipe, dataclasses.replace(result, image=None, fits=())


@contextlib.contextmanager
def _namingFrame(sequence, item: int) -> Iterator[None]:
    """Say in every error which frame it is about."""
    try:
        yield
    except Cancelled:
        raise
    except InputError as error:
        raise error.within(frameText(sequence, item)) from error
    except MemoryError as error:
        raise type(error)(f"{frameText(sequence, item)}: {error}") from error
    except Exception as error:
        raise RuntimeError(f"{frameText(sequence, item)}: {error}") from error


# ----------------------------------------------------------------------------------------- before the run


def _checkedItems(sequence, frames: Iterable[int] | None) -> list[int]:
    count = sequence.GetNumberOfDataNodes()
    if count == 0:
        raise InputError(f"sequence {describeNode(sequence)} has no frames; record or load some first")
    items = list(range(count)) if frames is None else [int(item) for item in frames]
    wrong = [item for item in items if not 0 <= item < count]
    if not items or wrong or len(set(items)) < len(items):
        shown = wrong[0] if wrong else items
        raise InputError(f"frames {shown} of {describeNode(sequence)}: give different numbers of 0 ... {count - 1}")
    for item in items:
        with _namingFrame(sequence, item):
            volumeArray(sequence.GetNthDataNode(item), "volume")
    return items


def _checkOutput(output, sequence, arguments: _Arguments) -> None:
    if output is None:
        return
    name = f"outputSequence {describeNode(output)}"
    if not hasattr(output, "IsA") or not output.IsA("vtkMRMLSequenceNode"):
        raise InputError(f"{name} is no sequence node; give a vtkMRMLSequenceNode or None for a new one")
    if output is sequence:
        raise InputError(f"{name} is the input itself, which is never modified; choose another node or a new one")
    given = arguments.selections
    if any(output is selection for selection in (given.mask, given.labels, given.guide)):
        raise InputError(f"{name} is also the mask, labels or guide; choose another node or a new one")


def _workers(workers: int | None, settings: Settings, sequence, items: Sequence[int]) -> int:
    if workers is not None:
        if isinstance(workers, bool) or not isinstance(workers, (int, np.integer)) or workers < 1:
            raise InputError(f"workers {workers!r} must be a whole number of at least 1")
        return min(int(workers), len(items))
    size = volumeArray(sequence.GetNthDataNode(items[0])).size
    blend = isinstance(settings, DeconvolveSettings) and settings.strategy == "blend"
    if not blend or settings.engine != "simpleitk" or size > _SMALL_FRAME:
        return 1
    free = memory.available_memory()
    room = usable_processors() if free is None else free // (2 * 4 * _VOLUMES_OF_A_RUN * size)
    return max(1, min(usable_processors(), len(items), int(room)))


@contextlib.contextmanager
def _suspended(browser) -> Iterator[None]:
    """Stop playing and recording meanwhile: both would change what is being read."""
    if browser is None:
        yield
        return
    playing, recording = browser.GetPlaybackActive(), browser.GetRecordingActive()
    browser.SetPlaybackActive(False)
    browser.SetRecordingActive(False)
    try:
        yield
    finally:
        browser.SetPlaybackActive(playing)
        browser.SetRecordingActive(recording)


# ------------------------------------------------------------------------------------------ one frame


class _TemporaryNodes:
    """Hidden nodes that stand for what a browser would show; they leave the scene with the block."""

    def __init__(self, scene):
        self._scene = scene
        self._nodes: list[Any] = []

    def __enter__(self) -> _TemporaryNodes:
        return self

    def __exit__(self, *error) -> None:
        self.clear()

    def add(self, source, like):
        """Add a copy of `source` with the parent transform of `like`."""
        node = getattr(slicer, source.GetClassName())()
        node.CopyContent(source, False)
        node.SetName(source.GetName())
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        self._scene.AddNode(node)
        self._nodes.append(node)
        if hasattr(like, "GetTransformNodeID"):
            node.SetAndObserveTransformNodeID(like.GetTransformNodeID())
        return node

    def clear(self) -> None:
        """Remove the nodes, the last one first."""
        while self._nodes:
            node = self._nodes.pop()
            if self._scene.IsNodePresent(node):  # closing the scene has removed it already
                self._scene.RemoveNode(node)


def _frameNode(source: _Source, item: int, temporary: _TemporaryNodes):
    """The volume node of a frame, under the transform that it is shown under."""
    frame = source.sequence.GetNthDataNode(item)
    if source.proxy is None or source.proxy.GetParentTransformNode() is None:
        return frame
    return _shown(source, item, source.proxy, frame, temporary)


def _shown(source: _Source, item: int, proxy, frame, temporary: _TemporaryNodes):
    """A node of a frame as the browser would show it, with parent transforms that may be sequences too."""
    node = temporary.add(frame, proxy)
    transform = proxy.GetParentTransformNode()
    moving = None if transform is None else source.browser.GetSequenceNode(transform)
    if moving is not None:
        own = _itemAt(moving, source, item, "the parent transform")
        node.SetAndObserveTransformNodeID(_shown(source, item, transform, own, temporary).GetID())
    return node


def _ofFrame(selection, source: _Source, item: int, frame, temporary: _TemporaryNodes):
    """The mask, labels or guide of one frame."""
    if callable(selection) and not hasattr(selection, "IsA"):
        selection = selection(frame, item)
    segments = None
    if isinstance(selection, (tuple, list)) and len(selection) == 2:
        selection, segments = selection
    if hasattr(selection, "IsA"):
        selection = _selectionAt(selection, source, item, temporary)
    return selection if segments is None else (selection, segments)


def _selectionAt(node, source: _Source, item: int, temporary: _TemporaryNodes):
    if node.IsA("vtkMRMLSequenceNode"):
        own = _itemAt(node, source, item, "the selection")
        proxy = source.browser.GetProxyNode(node) if source.browser is not None else None
        return own if proxy is None else _shown(source, item, proxy, own, temporary)
    sequence = source.browser.GetSequenceNode(node) if source.browser is not None else None
    if sequence is None:
        return node
    return _shown(source, item, node, _itemAt(sequence, source, item, "the selection"), temporary)


def _itemAt(sequence, source: _Source, item: int, what: str):
    """The item of another sequence at the index value of a frame."""
    value = source.sequence.GetNthIndexValue(item)
    node = sequence.GetDataNodeAtValue(value, True)
    if node is None:
        raise InputError(
            f"{what}, sequence {describeNode(sequence)}, has no item at {source.sequence.GetIndexName()} = "
            f"{value}; add one, or leave the frame out"
        )
    return node


# ------------------------------------------------------------------------------------------- the output


def _placed(operation: str, source: _Source, items, output, scene, done: list):
    """Fill the output sequence and show it beside the input: the only place where the scene changes for good."""
    sequence = source.sequence
    if scene is not None and not scene.IsNodePresent(sequence):
        raise Cancelled("the sequence has left the scene meanwhile")
    scene = scene or ensureScene()
    name = f"{sequence.GetName() or 'Sequence'} {operation}d"
    isNew = output is None
    if isNew:
        output = scene.AddNewNodeByClass("vtkMRMLSequenceNode", scene.GetUniqueNameByString(name))
    output.RemoveAllDataNodes()
    copyIndex(sequence, output)
    results = []
    summary = _summary(sequence, items, done)
    for number, item in enumerate(items):
        data, recipe, result = done[number]
        done[number] = None  # the sequence copies the image
        kept = output.SetDataNodeAtValue(
            _volume(data, recipe, sequence.GetNthDataNode(item)), sequence.GetNthIndexValue(item)
        )
        results.append(dataclasses.replace(result, image=volumeArray(kept)))
    output.SetAttribute(RECIPE_ATTRIBUTE, json.dumps(summary))
    placeRegionMeans(output, regionMeansOf(results, [frameText(sequence, item) for item in items]))
    _showBeside(source, output)
    return output, results


def _summary(sequence, items: Sequence[int], done: Sequence[tuple]) -> dict[str, Any]:
    """The recipe of a sequence: that of its first frame, and what was found in each."""
    recipe = json.loads(done[0][1])
    recipe["frames"] = [
        {"index": sequence.GetNthIndexValue(item), **frameRecord(result)}
        for item, (_, _, result) in zip(items, done, strict=True)
    ]
    return recipe


def overFrames(results: Sequence[Any], names: Sequence[str]):
    """Return one Result for all frames, with the image of the first.

    `iterations` is the largest, `residual` and `noise` are root mean squares over the frames, `seconds` the sum;
    `warnings` and `region_means` name the frame, warnings also where it took another method than the first.
    """
    first = results[0]
    return dataclasses.replace(
        first,
        automatic={**first.automatic, **worst_verdict(results)},
        iterations=largest([r.iterations for r in results]),
        residual=rootMeanSquare([r.residual for r in results]),
        noise=rootMeanSquare([r.noise for r in results]),
        region_means=regionMeansOf(results, names),
        warnings=warningsOf(results, names),
        seconds=sum(r.seconds for r in results),
    )


def frameRecord(result) -> dict[str, Any]:
    """Return the numbers of a frame's result that recipes and reports of sequences list."""
    return {
        "residual": result.residual,
        "noise": result.noise,
        "iterations": result.iterations,
        "seconds": result.seconds,
        "warnings": list(result.warnings),
    }


def _volume(data, recipe: str, frame):
    vector = data.GetNumberOfScalarComponents() > 1
    node = slicer.vtkMRMLVectorVolumeNode() if vector else slicer.vtkMRMLScalarVolumeNode()
    node.SetName(frame.GetName())
    node.SetAndObserveImageData(data)
    node.CopyOrientation(frame)
    node.SetAttribute(RECIPE_ATTRIBUTE, recipe)
    if vector:
        node.SetVoxelVectorType(frame.GetVoxelVectorType())
    return node


def _showBeside(source: _Source, output) -> None:
    """Let the input's browser show the output, under the input's transform and with its display."""
    if any(browser.IsSynchronizedSequenceNode(output, True) for browser in browsersIn(output.GetScene())):
        return
    if source.browser is None:
        return
    from .nodes import copyDisplay, placeInHierarchy

    source.browser.AddSynchronizedSequenceNode(output)
    _updateProxies(source.browser)
    proxy = source.browser.GetProxyNode(output)
    if proxy is None:
        return
    if source.proxy is not None:
        proxy.SetAndObserveTransformNodeID(source.proxy.GetTransformNodeID())
        copyDisplay(source.proxy, proxy)
        placeInHierarchy(output.GetScene(), source.proxy, proxy)


def _updateProxies(browser) -> None:
    """Ask the Sequences module's logic, or one of our own without the application, to update what is shown."""
    module = getattr(getattr(slicer, "modules", None), "sequences", None)
    if module is not None:
        module.logic().UpdateProxyNodesFromSequences(browser)
        return
    logic = slicer.vtkSlicerSequencesLogic()
    logic.SetMRMLScene(browser.GetScene())
    logic.UpdateProxyNodesFromSequences(browser)
    logic.SetMRMLScene(None)
