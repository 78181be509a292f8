"""One run on files: what `deconvolve`, `convolve`, `repeat` and every case of a batch do.

A `Request` says what is to be done, with paths; `run_on_files` does it and writes the output and its recipe.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Cancelled, InputError
from ..fields import KernelField
from ..kernelsets import field_from_dict, read_kernel, read_kernel_set
from ..metrics import psnr, rmse, ssim
from ..pipeline import Result
from ..selection import mask_from_box, mask_from_range
from . import files as volumes
from . import nodes
from . import recipe as recipes
from . import report as reports
from .reporting import reportArguments
from .scene import ensureScene, temporaryNodes
from .sequencefiles import isSequence

_COMMON = ("model", "boundary", "slicewise", "nonfinite", "memory_limit")
_PARAMETERS = {
    "deconvolve": (
        *_COMMON, "strategy", "method", "iterations", "regularization", "noise", "offset", "engine",
    ),
    "convolve": (*_COMMON, "normalize", "exclude", "cascade"),
}  # fmt: skip
_CASCADE = {"auto": "auto", "on": True, "off": False}


@dataclass(frozen=True)
class Request:
    """A run that is wanted.

    Attributes
    ----------
    operation : {"deconvolve", "convolve"}
    kernels : KernelField
    parameters : dict
        Keyword arguments of the engine, without its arrays.
    files : dict
        Role ("image", "mask", "labels", "guide") -> path.
    selection : dict
        The words of `recipe.NO_SELECTION`.
    reference : str or None
        A volume to compare with.
    """

    operation: str
    kernels: KernelField
    parameters: dict[str, Any]
    files: dict[str, str]
    selection: dict[str, Any] = field(default_factory=lambda: dict(recipes.NO_SELECTION))
    reference: str | None = None


@dataclass(frozen=True)
class FileRun:
    """What was done: the engine's result, the recipe as it was written, the output and all warnings."""

    result: Result
    recipe: dict[str, Any]
    output: str
    warnings: list[str]


def request_from_options(options: argparse.Namespace) -> Request:
    """Return the request that the options of `deconvolve` or `convolve` stand for; reads the kernels.

    Raises
    ------
    InputError
        If the kernels cannot be read.
    """
    parameters = {name: getattr(options, name) for name in _PARAMETERS[options.operation]}
    if "cascade" in parameters:
        parameters["cascade"] = _CASCADE[parameters["cascade"]]
    roles = {"image": options.input, "mask": options.mask, "labels": options.labels, "guide": options.guide}
    return Request(
        options.operation,
        kernels_from_options(options),
        parameters,
        {role: path for role, path in roles.items() if path},
        {name: getattr(options, name) for name in recipes.NO_SELECTION},
        getattr(options, "reference", None),
    )


def kernels_from_options(options: argparse.Namespace) -> KernelField:
    """Read the kernel set or the one kernel that ``--kernels`` names."""
    if Path(options.kernels).suffix == ".json":
        if options.log:
            raise InputError(
                f'--log is for a kernel file; in the set {options.kernels}, write "log": true beside its path'
            )
        return read_kernel_set(options.kernels)
    # Plain convolution takes the kernel's values as they are, unless asked to normalise.
    normalize = options.operation == "deconvolve" or options.normalize
    return KernelField.uniform(read_kernel(options.kernels, log=options.log, normalize=normalize))


def request_from_recipe(path: str | os.PathLike) -> Request:
    """Return the request that a recipe stands for, after checking that its files are unchanged.

    Raises
    ------
    InputError
        If the recipe cannot be used, or an input is gone or has changed.
    """
    recipe = recipes.read(path)
    if "inputs" not in recipe:
        raise InputError(f"{path} names no input files: its run was not one on files")
    inputs = {role: recipes.check_file(entry) for role, entry in recipe["inputs"].items()}
    for name, digest in recipe["files"].items():
        recipes.check_file({"path": name, "sha256": digest})
    selection = {**recipes.NO_SELECTION, **recipe["selection"]}
    kernels = field_from_dict(recipe["kernel_set"])
    return Request(recipe["operation"], kernels, recipe["parameters"], inputs, selection)


def run_on_files(
    request: Request,
    output: str,
    progress: Callable[[float, str], Any] | None,
    cancelled: Callable[[], bool],
    notes: Mapping[str, Any] | None = None,
    report: str | os.PathLike | None = None,
    command: Sequence[str] | None = None,
    destination: str | os.PathLike | None = None,
) -> FileRun:
    """Read the inputs into nodes, run, and write the output, its recipe and its report, all or nothing.

    The nodes are gone from the scene afterwards: inside Slicer it may be the user's.

    Parameters
    ----------
    request : Request
    output : path
        Volume to write.
    progress : callable (fraction, text), optional
        Its method `close`, when there is one, is called after the last report.
    cancelled : callable () -> bool
    notes : mapping, optional
        Further entries for the recipe.
    report : path, optional
        Folder for a report of the run (`report.write_report`).
    command : sequence of str, optional
        The command line, for the report.
    destination : path, optional
        Where the output will be moved afterwards, for the report.

    Raises
    ------
    InputError, OSError, NotEnoughMemory, Cancelled
        Then there is no new output.
    """
    volumes.checkWritable(output)
    if report is not None:
        reports.check_folder(report)
    with temporaryNodes(ensureScene()):
        run = _run_with_nodes
        if isSequence(request.files["image"]):
            from .sequenceonfiles import run_with_sequence as run  # it stands on this module
        return run(request, output, progress, cancelled, notes or {}, report, command, destination or output)


def _run_with_nodes(request, output, progress, cancelled, notes, report, command, destination) -> FileRun:
    files, selection = request.files, request.selection
    image = volumes.readVolume(files["image"])
    volumes.checkWritable(output, like=image)
    mask = mask_on(image, selection, mask_source(selection, files.get("mask")))
    labels = labels_of(files.get("labels"))
    guide = volumes.readVolume(files["guide"]) if "guide" in files else None
    truth = _reference(request.reference, image)
    # Now, because what cannot be compared is better said before the work than after it.
    before = None if truth is None else metrics_of(truth, nodes.volumeArray(image))
    function = nodes.deconvolveVolume if request.operation == "deconvolve" else nodes.convolveVolume
    try:
        node, result = function(
            image, request.kernels, mask=mask, labels=labels, guide=guide, resample=selection["resample"],
            progress=part_of(progress, 0.0, 1.0 if report is None else 0.9), cancelled=cancelled,
            **request.parameters,
        )  # fmt: skip
        recipe = recipes.describe(request.operation, request.kernels, result)
        recipe["inputs"] = {role: recipes.describe_file(path) for role, path in files.items()}
        recipe["selection"] = selection
        if truth is not None:
            recipe["metrics"] = {"before": before, "after": metrics_of(truth, nodes.volumeArray(node))}
        recipe.update(notes)
        page = None
        if report is not None:
            selected = (mask, labels, guide, selection["resample"])
            page = report_page_of(
                request, image, result, recipe, selected, truth, destination, command,
                part_of(progress, 0.9, 1.0), cancelled,
            )  # fmt: skip
    finally:
        getattr(progress, "close", lambda: None)()
    if cancelled():  # the last moment at which there is nothing to take back
        raise Cancelled
    losses = volumes.writeVolume(node, output, like=image)
    write_around(output, recipe, report, page)
    return FileRun(result, recipe, os.fspath(output), [*result.warnings, *losses])


def write_around(output: str, recipe: Mapping[str, Any], report: Any, page: str | None) -> None:
    """Write recipe and report of an output that has been written; take it back when that fails."""
    beside = None
    try:
        beside = recipes.write_beside(output, recipe)
        if page is not None:
            reports.save_page(report, page)
    except OSError:
        volumes.removeVolume(output)  # an output without its recipe is half an output
        if beside is not None:
            beside.unlink()
        raise


def part_of(
    progress: Callable[[float, str], Any] | None, start: float, stop: float
) -> Callable[[float, str], Any] | None:
    """The callback for a part of the work."""
    if progress is None:
        return None
    return lambda fraction, text: progress(start + fraction * (stop - start), text)


def report_page_of(request, image, result, recipe, selected, truth, output, command, progress, cancelled,
    frames=(),
) -> str:  # fmt: skip
    """The report of a run on the volume node `image`; `selected` are its mask, labels, guide and resample."""
    return reports.report_page(
        result=result, field=request.kernels, recipe=recipe, reference=truth, output=output, command=command,
        frames=frames, progress=progress, cancelled=cancelled, **reportArguments(image, *selected),
    )  # fmt: skip


def mask_source(selection: dict, path: str | None) -> Any:
    """Read the mask file: a node, or (segmentation, segments); None when there is none."""
    if not path:
        if selection["segments"]:
            raise InputError("--segments needs --mask with a segmentation")
        return None
    if selection["segments"]:
        return volumes.readSegmentation(path), selection["segments"]
    return volumes.readSegmentation(path) if volumes.isSegmentation(path) else volumes.readLabelMap(path)


def mask_on(image: Any, selection: dict, source: Any) -> np.ndarray | None:
    """The mask of all selections together, as an array on the image's grid; None when there is none."""
    values = nodes.volumeArray(image)
    masks = [] if source is None else [nodes.maskArray(source, image, resample=selection["resample"])]
    masks.extend(_range_and_boxes(selection, values, nodes.spacingOf(image)))
    if not masks:
        return None
    return np.logical_and.reduce(masks)


def _range_and_boxes(selection: dict, values: np.ndarray, spacing: tuple[float, ...]) -> Iterator[np.ndarray]:
    if selection["mask_range"]:
        low, high = selection["mask_range"]
        if values.ndim == 4:
            raise InputError("--mask-range needs a scalar volume; this one has several components per voxel")
        inside = mask_from_range(values, low, high)
        if not inside.any():
            raise InputError(
                f"--mask-range {low:g} {high:g} selects no voxel: the volume goes from {values.min():g} to "
                f"{values.max():g}"
            )
        yield inside
    if selection["mask_box"]:
        box = selection["mask_box"]
        yield mask_from_box(values.shape[:3], box[:3], box[3:])
    if selection["mask_box_mm"]:
        box = selection["mask_box_mm"]
        yield mask_from_box(values.shape[:3], box[:3], box[3:], spacing=spacing, unit="mm")


def labels_of(path: str | None) -> Any:
    if path is None:
        return None
    return volumes.readSegmentation(path) if volumes.isSegmentation(path) else volumes.readLabelMap(path)


def _reference(path: str | None, image: Any) -> np.ndarray | None:
    if path is None:
        return None
    truth = nodes.volumeArray(volumes.readVolume(path))
    if truth.shape != nodes.volumeArray(image).shape:
        raise InputError(
            f"the reference {path} has shape {truth.shape}, the input {nodes.volumeArray(image).shape}; they "
            "must agree"
        )
    return truth


def metrics_of(truth: np.ndarray, image: np.ndarray) -> dict[str, float]:
    return {name: float(metric(truth, image)) for name, metric in (("psnr", psnr), ("ssim", ssim), ("rmse", rmse))}
