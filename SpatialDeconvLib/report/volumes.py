"""Reports of runs on volume nodes, for the console and the panel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..arrays.watch import IsCancelled, Progress
from ..mrml import recipe as recipes
from ..mrml.nodes import Prepared, prepare
from ..mrml.scene import ijkToRas, volumeArray
from ..mrml.selections import Selections
from ..run.pipeline import Result
from ..run.settings import settings_of
from .findings import ReportedRun
from .page import write_report


def write_volume_report(
    folder,
    operation: str,
    input_volume,
    kernels,
    result,
    mask=None,
    labels=None,
    guide=None,
    resample: bool = False,
    reference=None,
    title: str = "",
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Path:
    """Write the report of a run of `nodes.deconvolveVolume` or `nodes.convolveVolume` and return the page's path.

    Parameters
    ----------
    folder : path
        Made when it does not exist; `report.html` in it is replaced.
    operation : {"deconvolve", "convolve"}
    input_volume, kernels, mask, labels, guide, resample
        As they were given to the run.
    result : Result
        What the run returned.
    reference : vtkMRMLScalarVolumeNode, optional
        The true image, on the voxels of the input.
    title : str
        Default: the name of the input.
    progress, cancelled : callable, optional

    Raises
    ------
    InputError
        If nodes cannot be used, or their voxels do not agree.
    OSError
        If the folder cannot be made or written.
    Cancelled
        If `cancelled` returned true; the folder is then as before.
    """
    settings = settings_of(operation, result.parameters)
    prepared = prepare(settings, input_volume, kernels, Selections(mask, labels, guide, resample))
    run = reported_run(
        prepared, input_volume, result, recipes.describe(operation, prepared.inputs.kernels, result),
        title=title or input_volume.GetName(),
        reference=None if reference is None else volumeArray(reference, "reference"),
    )  # fmt: skip
    return write_report(folder, run, progress, cancelled)


def reported_run(
    prepared: Prepared, input_volume, result: Result, recipe: Mapping[str, Any], **more: Any
) -> ReportedRun:
    """Return what a report takes of a run on a volume node, with the arrays that the run was made of.

    `more` is what else `ReportedRun` takes: what is compared with, a title, where the output is, and so on.
    """
    given = prepared.inputs
    return ReportedRun(
        image=given.image, result=result, field=given.kernels, spacing=given.spacing, recipe=recipe,
        ijk_to_ras=ijkToRas(input_volume), mask=given.mask, guide=given.guide, **more,
    )  # fmt: skip
