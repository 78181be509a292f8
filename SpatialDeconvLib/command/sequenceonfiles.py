"""One run on a file of several volumes (4-D): what `onfiles.run_on_files` does when the input is a sequence."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import report as reports
from ..arrays.watch import Watch
from ..arrays.writing import together
from ..errors import InputError
from ..mrml import nodes, sequencefiles, sequences
from ..mrml import recipe as recipes
from ..mrml.sheets import ResidualSequence
from ..mrml.voxelsizes import setVoxelSize
from ..report import ReportedRun
from ..report.volumes import reported_run
from ..run.residuals import Fit
from .request import (
    FileRun,
    RunRequest,
    labels_of,
    mask_on,
    mask_source,
    metrics_of,
    told_of_request,
    volume_on,
    write_around,
)


def run_with_sequence(request, output, watch: Watch, notes, report, command, destination, residual_map) -> FileRun:
    """Read, process every frame, and write the output with its recipe and report; see `onfiles.run_on_files`."""
    sequencefiles.checkSequenceName(output)
    sequence = sequencefiles.readSequence(request.files["image"])
    for number in range(sequence.GetNumberOfDataNodes()):
        setVoxelSize(sequence.GetNthDataNode(number), request.selection["spacing"])
    sources = _sources(request, sequence)
    truth = _reference(request.reference, sequence)
    count = sequence.GetNumberOfDataNodes()
    before = None if truth is None else [_metrics(truth, n, _frame(sequence, n)) for n in range(count)]
    shown = None if report is None else _ShownFrame()
    residuals = None if residual_map is None else ResidualSequence(sequence, watch.cancelled)
    function = sequences.deconvolveSequence if request.operation == "deconvolve" else sequences.convolveSequence
    work, drawing = watch.part(0.0, 1.0 if report is None else 0.9), watch.part(0.9, 1.0)
    node, results = function(
        sequence, request.kernels, resample=request.selection["resample"], progress=work.tell,
        cancelled=work.cancelled, settings=request.settings, finished=_each(shown, residuals),
        **({} if residuals is None else {"mapped": True}), **sources,
    )  # fmt: skip
    names = [sequences.frameText(sequence, n) for n in range(count)]
    result = sequences.overFrames(results, names)
    recipe = recipes.describe(request.operation, request.kernels, result)
    recipe["inputs"] = {role: recipes.describeFile(path) for role, path in request.files.items()}
    recipe["selection"] = request.selection
    recipe["frames"] = [
        {"index": sequence.GetNthIndexValue(n), **sequences.frameRecord(r)} for n, r in enumerate(results)
    ]
    if truth is not None:
        after = [_metrics(truth, n, results[n].image) for n in range(count)]
        recipe["metrics"] = {"before": _mean(before), "after": _mean(after)}
    recipe.update(notes)
    page = None
    if shown is not None:
        run = _reported(shown, sequence, results, recipe, truth, output=destination, command=command)
        page = reports.report_page(run, drawing.tell, drawing.cancelled)
    with together():
        losses = sequencefiles.writeSequence(node, output)
        if residuals is not None:
            losses += sequencefiles.writeSequence(residuals.node, residual_map)
        write_around(output, recipe, result.region_means, report, page)
        watch.check()  # the last moment at which there is nothing to take back
    told = [*told_of_request(request), *result.warnings, *losses]
    return FileRun(result, recipe, os.fspath(output), told, _lines_on(residuals, names, results))


def _each(*functions: Any) -> Any:
    """One function that calls those that are not None."""
    known = [function for function in functions if function is not None]

    def finished(*given: Any) -> None:
        for function in known:
            function(*given)

    return finished


def _lines_on(residuals: ResidualSequence | None, names: Sequence[str], results: Sequence[Any]) -> list[str]:
    """One line on each frame whose residual tells something: on the kernel that fits it least."""
    lines = []
    for number, maps in sorted(residuals.maps.items()) if residuals is not None else ():
        if not results[number].automatic.get("no_residual"):
            fits = [fit for each in maps for fit in zip(each.kernels, each.describe(), strict=True)]
            lines.append(f"kernel, {names[number]}, {max(fits, key=lambda fit: fit[0].rms)[1]}")
    return lines


def _sources(request: RunRequest, sequence: Any) -> dict[str, Any]:
    """Mask, labels and guide, each a node for all frames or a sequence of them."""
    files, selection = request.files, request.selection
    if "noise" in files:
        raise InputError("--noise-image is for a single volume, the input is a sequence; give --noise", "noise")

    def read(role: str, single: Any) -> Any:
        path = files.get(role)
        if path is None or not sequencefiles.isSequence(path):
            return single(path)
        return _checked(sequencefiles.readSequence(path), sequence, role)

    frame = sequence.GetNthDataNode(0)
    source = read("mask", lambda path: mask_source(selection, path, frame))
    own = {
        "labels": read("labels", lambda path: labels_of(path, frame)),
        "guide": read("guide", lambda path: volume_on(path, frame)),
    }
    selected = source is not None or any(selection[n] for n in ("mask_range", "mask_box", "mask_box_mm"))
    if selected:
        own["mask"] = lambda frame, item: mask_on(frame, selection, _item(source, item))
    return own


def _item(source: Any, item: int) -> Any:
    isSequence = hasattr(source, "IsA") and source.IsA("vtkMRMLSequenceNode")
    return source.GetNthDataNode(item) if isSequence else source


def _checked(other: Any, sequence: Any, role: str) -> Any:
    """Match the frames of two files by their order: formats without an index number them as they like."""
    count, wanted = other.GetNumberOfDataNodes(), sequence.GetNumberOfDataNodes()
    if count != wanted:
        raise InputError(f"the {role} has {count} frames, the input {wanted}; give as many, or a single volume")
    frames = [other.GetNthDataNode(n) for n in range(count)]
    other.RemoveAllDataNodes()
    sequencefiles.copyIndex(sequence, other)
    for number, frame in enumerate(frames):
        other.SetDataNodeAtValue(frame, sequence.GetNthIndexValue(number))
    return other


def _reference(path: str | None, sequence: Any) -> Any:
    if path is None:
        return None
    if not sequencefiles.isSequence(path):
        raise InputError(f"the reference {path} is a single volume, the input a sequence; give a sequence")
    truth = _checked(sequencefiles.readSequence(path), sequence, "reference")
    shapes = _frame(truth, 0).shape, _frame(sequence, 0).shape
    if shapes[0] != shapes[1]:
        raise InputError(f"the reference {path} has frames of shape {shapes[0]}, the input {shapes[1]}")
    return truth


def _frame(sequence: Any, number: int) -> np.ndarray:
    return nodes.volumeArray(sequence.GetNthDataNode(number))


def _metrics(truth: Any, number: int, image: np.ndarray) -> dict[str, float]:
    return metrics_of(_frame(truth, number), image)


def _mean(metrics: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([m[name] for m in metrics])) for name in metrics[0]}


class _ShownFrame:
    """The frame that the report shows: which its kernels explain least or, without residuals, which changed most.

    Its arrays are kept from the run, so that mask, labels and guide are put on its grid once only.
    """

    def __init__(self) -> None:
        self.number = -1
        self.prepared: nodes.Prepared | None = None
        self.fits: tuple[Fit, ...] = ()
        self._rank: tuple[bool, float, int] = (False, -1.0, 0)

    def __call__(self, number: int, prepared: nodes.Prepared, result: Any) -> None:
        explained = result.residual is not None
        least = result.residual if explained else _change(prepared.inputs.image, result.image)
        rank = (explained, least, -number)  # of equal frames, the first
        if self.prepared is None or rank > self._rank:
            self.number, self.prepared, self._rank = number, prepared, rank
            self.fits = result.fits


def _change(before: np.ndarray, after: np.ndarray) -> float:
    return float(np.nanmean(np.square(np.subtract(after, before, dtype=np.float64))))


def _reported(shown: _ShownFrame, sequence, results, recipe, truth, **more) -> ReportedRun:
    """The run on the frame that is shown, with a table of all."""
    number = shown.number
    frames = [dict(entry) for entry in recipe["frames"]]
    frames[number] |= {"shown": True, "name": sequences.frameText(sequence, number)}
    own = dict(recipe)
    own.pop("metrics", None)  # they are means over the frames; the page computes those of its own frame
    result = replace(results[number], fits=shown.fits)
    return reported_run(
        shown.prepared, sequence.GetNthDataNode(number), result, own, frames=frames,
        reference=None if truth is None else _frame(truth, number), **more,
    )  # fmt: skip
