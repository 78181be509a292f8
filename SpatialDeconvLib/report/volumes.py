"""Reports of runs on volume nodes, for the console and the panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import report
from ..mrml import recipe as recipes
from ..mrml.nodes import kernelFieldFrom
from ..mrml.scene import ijkToRas, spacingOf, volumeArray
from ..mrml.selections import guideArray, labelArray, maskArray
from ..watch import IsCancelled, Progress


def writeVolumeReport(
    folder,
    operation: str,
    inputVolume,
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
    inputVolume, kernels, mask, labels, guide, resample
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
    recipe = recipes.describe(operation, kernelFieldFrom(kernels), result)
    arguments = reportArguments(inputVolume, mask, labels, guide, resample)
    return report.write_report(
        folder, result=result, field=kernelFieldFrom(kernels), recipe=recipe, title=title or inputVolume.GetName(),
        reference=None if reference is None else volumeArray(reference, "reference"),
        progress=progress, cancelled=cancelled, **arguments,
    )  # fmt: skip


def reportArguments(inputVolume, mask, labels, guide, resample: bool) -> dict[str, Any]:
    """Return what `report.report_page` takes of the nodes of a run."""
    values, names = (None, None) if labels is None else labelArray(labels, inputVolume, resample)
    return {
        "image": volumeArray(inputVolume, "inputVolume"),
        "spacing": spacingOf(inputVolume),
        "ijk_to_ras": ijkToRas(inputVolume),
        "mask": None if mask is None else maskArray(mask, inputVolume, resample),
        "labels": values,
        "label_names": names,
        "guide": None if guide is None else guideArray(guide, inputVolume, resample),
    }
