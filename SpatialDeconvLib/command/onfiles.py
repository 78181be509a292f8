"""One run on files: what `deconvolve`, `convolve`, `repeat` and every case of a batch do.

A `RunRequest` says what is to be done, with paths; `run_on_files` does it and writes the output and its recipe.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .. import report as reports
from ..arrays.watch import IsCancelled, Progress, Watch
from ..arrays.writing import together
from ..errors import InputError
from ..methods.choices import TILES
from ..mrml import files as volumes
from ..mrml import nodes
from ..mrml import recipe as recipes
from ..mrml.channels import channelText
from ..mrml.scene import ensureScene, temporaryNodes
from ..mrml.selections import Selections
from ..mrml.sequencefiles import checkSequenceName, isSequence
from ..mrml.sheets import residualMaps, residualVolume
from ..report.volumes import reported_run
from .large import run_large, stored_inputs
from .request import (
    FileRun,
    RunRequest,
    image_of,
    labels_of,
    mask_on,
    mask_source,
    metrics_of,
    reference_of,
    require_room,
    told_of_request,
    volume_on,
    write_around,
)
from .sequenceonfiles import run_with_sequence


def run_on_files(
    request: RunRequest,
    output: str,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    notes: Mapping[str, Any] | None = None,
    report: str | os.PathLike | None = None,
    command: Sequence[str] | None = None,
    destination: str | os.PathLike | None = None,
    residual_map: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
) -> FileRun:
    """Read the inputs into nodes, run, and write the output, its recipe and its report, all or nothing.

    The nodes are gone from the scene afterwards: inside Slicer it may be the user's.

    Parameters
    ----------
    request : RunRequest
    output : path
        Volume to write.
    progress : callable (fraction, text), optional
    cancelled : callable () -> bool, optional
    notes : mapping, optional
        Further entries for the recipe.
    report : path, optional
        Folder for a report of the run (`report.write_report`).
    command : sequence of str, optional
        The command line, for the report.
    destination : path, optional
        Where the output will be moved afterwards, for the report.
    residual_map : path, optional
        Volume to write of what the result of a deconvolution leaves unexplained.
    workers, scheduler : int, str, optional
        Who works on the tiles of a run in tiles (`large.run_large`).

    Raises
    ------
    InputError, OSError, NotEnoughMemory, Cancelled
        Then there is no new output.
    """
    watch = Watch(progress, cancelled)
    volumes.checkWritable(output)
    if residual_map is not None:
        volumes.checkWritable(residual_map)
        if isSequence(request.files["image"]):
            checkSequenceName(residual_map)
    if report is not None:
        reports.check_folder(report)
    wanted = {"workers": workers, "scheduler": scheduler, "report": report, "residual_map": residual_map}
    stored = stored_inputs(request, output, wanted)
    if stored is not None:
        return run_large(
            request, stored, output, progress, cancelled, residual_map=residual_map, workers=workers,
            scheduler=scheduler,
        )  # fmt: skip
    if residual_map is not None and request.settings.tiles not in TILES:  # a size
        raise InputError(
            "a run in tiles has a residual map where its files are read and written in parts; these are not, so "
            "leave out one of the two",
            "residual_map",
        )
    require_room(request.files, request.settings.memory_limit)
    with temporaryNodes(ensureScene()):
        given = request, output, watch, notes or {}, report, command, destination or output
        if isSequence(request.files["image"]):
            return run_with_sequence(*given, residual_map)
        return _run_with_nodes(*given, residual_map)


def _run_with_nodes(request, output, watch: Watch, notes, report, command, destination, residual_map) -> FileRun:
    files, selection = request.files, request.selection
    straighten = selection["resample"]
    image = image_of(files["image"], selection, straighten)
    volumes.checkWritable(output, like=image)
    mask = mask_on(image, selection, mask_source(selection, files.get("mask"), image))
    labels, guide = labels_of(files.get("labels"), image), volume_on(files.get("guide"), image, straighten)
    truth = reference_of(request.reference, image, straighten)
    # Now, because what cannot be compared is better said before the work than after it.
    before = None if truth is None else metrics_of(truth, nodes.volumeArray(image))
    noise = volume_on(files.get("noise"), image, straighten)
    selections = Selections(mask, labels, guide, selection["resample"], noise)
    work, drawing = watch.part(0.0, 1.0 if report is None else 0.9), watch.part(0.9, 1.0)
    prepared = nodes.prepare(request.settings, image, request.kernels, selections)
    result = prepared.compute(work, residual_map is not None)
    node = nodes.place(prepared, result, image)
    recipe = recipes.describe(request.operation, request.kernels, result)
    recipe["inputs"] = {role: recipes.describeFile(path) for role, path in files.items()}
    recipe["selection"] = selection
    if truth is not None:
        recipe["metrics"] = {"before": before, "after": metrics_of(truth, nodes.volumeArray(node))}
    recipe.update(notes)
    page = None
    if report is not None:
        run = reported_run(prepared, image, result, recipe, reference=truth, output=destination, command=command)
        page = reports.report_page(run, drawing.tell, drawing.cancelled)
    maps = [] if residual_map is None else residualMaps(result, cancelled=work.cancelled)
    found = residualVolume(image, maps) if maps else None
    with together():
        losses = volumes.writeVolume(node, output, like=image)
        if found is not None:
            losses += volumes.writeVolume(found, residual_map)
        write_around(output, recipe, result.region_means, report, page)
        watch.check()  # the last moment at which there is nothing to take back
    words = [f", {channelText(number, prepared.channelNames)}" for number in range(len(maps))]
    names = [""] if len(maps) < 2 else words
    maps = [] if result.automatic.get("no_residual") else maps  # which say nothing of the kernels
    lines = [f"kernel{name} {line}" for name, each in zip(names, maps, strict=False) for line in each.describe()]
    told = [*told_of_request(request, image), *result.warnings, *losses]
    return FileRun(result, recipe, os.fspath(output), told, lines)
