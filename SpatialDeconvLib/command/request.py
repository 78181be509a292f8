"""A run on files that is wanted: what the options or a recipe ask for."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import report as reports
from ..arrays import memory
from ..arrays.reading import given_path
from ..arrays.writing import write_text
from ..errors import InputError, is_auto
from ..formats.doubts import told_of_bytes_behind, told_of_no_size, told_of_sizes
from ..kernels.collect import collect_kernels, entry_words, read_kernel_set
from ..kernels.field import KernelField
from ..kernels.sets import field_from_dict
from ..kernels.sources import is_set
from ..kernels.weightfiles import weight_paths
from ..metrics import psnr, rmse, ssim
from ..mrml import files as volumes
from ..mrml import nodes, selections
from ..mrml import recipe as recipes
from ..mrml.voxelsizes import adoptGeometry, setVoxelSize
from ..run.pipeline import Result
from ..run.regions import RegionMean, csv_of
from ..run.settings import SETTINGS, Settings, settings_of
from ..selection import mask_from_box, mask_from_range
from .arguments import centre_from_option, option_values
from .overwriting import region_table
from .parser import parser_of

# What a run may read, and whether every run does.
_ROLES = {"image": True, "mask": False, "labels": False, "guide": False, "noise": False}


@dataclass(frozen=True)
class RunRequest:
    """A run that is wanted.

    Attributes
    ----------
    settings : Settings
    kernels : KernelField
    files : dict
        Role ("image", "mask", "labels", "guide", "noise") -> path.
    selection : dict
        The words of `recipe.NO_SELECTION`.
    reference : str or None
        A volume to compare with.
    """

    settings: Settings
    kernels: KernelField
    files: dict[str, str]
    selection: dict[str, Any] = field(default_factory=lambda: dict(recipes.NO_SELECTION))
    reference: str | None = None

    @property
    def operation(self) -> str:
        """What is to be done: "deconvolve" or "convolve"."""
        return self.settings.operation


@dataclass(frozen=True)
class FileRun:
    """What was done: the engine's result, the recipe as it was written, the output and all warnings; where a
    residual map was written, a line on each kernel."""

    result: Result
    recipe: dict[str, Any]
    output: str
    warnings: list[str]
    residuals: list[str] = field(default_factory=list)


def request_from_options(options: argparse.Namespace, tell: Callable[[str], None] | None = None) -> RunRequest:
    """Return the request that the options of `deconvolve` or `convolve` stand for; reads the kernels.

    `tell` is told how the kernels were found, where that is not as it was said.

    Raises
    ------
    InputError
        If the kernels cannot be read.
    """
    roles = {"image": options.input, "mask": options.mask, "labels": options.labels, "guide": options.guide}
    roles["noise"] = getattr(options, "noise_image", None)
    return RunRequest(
        settings_from_options(options),
        kernels_from_options(options, tell),
        {role: path for role, path in roles.items() if path},
        {name: getattr(options, name) for name in recipes.NO_SELECTION},
        getattr(options, "reference", None),
    )


def settings_from_options(options: argparse.Namespace) -> Settings:
    """Return the settings that the options of `deconvolve` or `convolve` stand for.

    Raises
    ------
    InputError
        If they do not go together.
    """
    parameters = {name: getattr(options, name) for name in SETTINGS[options.operation].names()}
    if getattr(options, "noise_image", None):
        if not is_auto(options.noise):
            raise InputError(
                f"--noise {options.noise} and --noise-image exclude each other; leave one out", "noise"
            )
        parameters["noise"] = "image"
    return settings_of(options.operation, parameters)


def kernels_from_options(options: argparse.Namespace, tell: Callable[[str], None] | None = None) -> KernelField:
    """Return the kernels that the options of `deconvolve` or `convolve` stand for; see `request_from_options`.

    Raises
    ------
    InputError
        If they cannot be read, or the options do not go with them.
    """
    kernels = read_kernels(options, tell)
    of = given_meaning(options, kernels.key)
    return kernels if of is None else replace(kernels, of=of)


def given_meaning(options: argparse.Namespace, key: str) -> str | None:
    """Return whose intensity ``--of`` says that kernels with a key belong to, None where it is not given.

    Raises
    ------
    InputError
        If the kernels do not belong to an intensity, or a guide gives it.
    """
    of: str | None = getattr(options, "of", None)
    if of is not None and key != "intensity":
        raise InputError(f"--of {of} is for kernels keyed to intensity, but these have the key {key}; leave it out")
    if of is not None and options.guide:
        raise InputError(f"--of {of} is for kernels that no guide chooses; leave out --of or --guide")
    return of


def read_kernels(options: argparse.Namespace, tell: Callable[[str], None] | None = None) -> KernelField:
    """Read the kernels that ``--kernels`` names; see `request_from_options`."""
    words, centre = options.kernels, centre_from_option(options.centre)
    if len(words) == 1 and is_set(words[0]):
        for given, name, entry in (
            (options.log, "--log", '"log": true'),
            (options.kernel_spacing, "--kernel-spacing", '"spacing_mm"'),
            (not is_auto(centre), "--centre", '"centre"'),
        ):
            if given:
                raise InputError(
                    f"{name} is for kernel files; in the set {words[0]}, write {entry} beside its path"
                )
        return read_kernel_set(words, options.levels)
    found = collect_kernels(words, options.levels)
    for note in found.notes if tell is not None else ():
        tell(note)
    spacing = options.kernel_spacing
    if spacing is not None and len(spacing) == 1:
        spacing = spacing[0]
    # Plain convolution takes the one kernel's values as they are, unless asked to normalise.
    normalize = found.key != "uniform" or options.operation == "deconvolve" or options.normalize
    return found.field(**entry_words(options.log, spacing, normalize, centre))


def request_from_recipe(recipe: Mapping[str, Any]) -> RunRequest:
    """Return the request that a recipe (`recipe.read`) stands for, after checking that its files are unchanged.

    Raises
    ------
    InputError
        If the recipe cannot be used, or an input is gone or has changed.
    """
    operation = recipe["operation"]
    with recipes.namingVersion(recipe):
        settings = settings_of(operation, recipe["parameters"])
        selection = recipes.selectionOf(option_values(parser_of(operation), recipe["selection"], operation))
    inputs = recipes.inputFiles(recipe, _ROLES)
    with recipes.namingVersion(recipe):
        kernels = field_from_dict(recipe["kernel_set"])
    return RunRequest(settings, kernels, inputs, selection)


def write_around(
    output: str, recipe: Mapping[str, Any], means: Sequence[RegionMean], report: Any, page: str | None
) -> None:
    """Write recipe, region means and report of an output; with it, they are written `together`."""
    recipes.writeBeside(output, recipe)
    if means:
        write_text(region_table(output), csv_of(means))
    if page is not None:
        reports.save_page(report, page)


def require_room(files: Mapping[str, str], limit: float | None) -> None:
    """Refuse inputs that alone are larger than the memory that a run may take, in GiB; None: no limit of its own.

    Raises
    ------
    NotEnoughMemory
    """
    if limit is None:
        return
    needed = sum(volumes.voxelBytes(path) for path in files.values())
    memory.require(
        needed, f"the inputs are that large ({', '.join(files.values())}); crop them, or allow more", limit * 2**30
    )


def told_of_request(request: RunRequest, image: Any = None) -> list[str]:
    """Return what is doubtful about a run's files, and its result does not say; see `told_of_files`."""
    files = [*request.files.values(), request.reference]
    return told_of_files(files, request.selection["spacing"], request.kernels, image)


def told_of_files(
    files: Sequence[str | None],
    spacing: Sequence[float] | None,
    kernels: KernelField | None = None,
    image: Any = None,
) -> list[str]:
    """Return what is doubtful about files that are read: bytes behind their voxels; voxel sizes of the first.

    Every command that reads volumes asks here; what is doubtful about kernel files stands in their notes.

    Parameters
    ----------
    files : sequence of path
        The image first; None where there is none.
    spacing : sequence of float, optional
        The voxel size that was given, of which the file's are no matter then.
    kernels : KernelField, optional
        A file without a voxel size is as good as one with where all are in the image's voxels.
    image : vtkMRMLScalarVolumeNode, optional
        The first as it was read: what was changed in it is told, too.
    """
    paths = [given_path(file) for file in files if file]
    paths += [] if kernels is None else map(Path, weight_paths(kernels.key, kernels.at))
    told = [] if image is None else volumes.toldOf(image)
    in_mm = kernels is None or any(not getattr(kernel, "in_voxels", False) for kernel in kernels.kernels)
    told += volumes.toldOfSize(image) if image is not None and spacing is None and in_mm else []
    told += [line for path in paths if path.is_file() for line in told_of_bytes_behind(path)]
    if spacing is not None or not paths[0].is_file():
        return told
    sizes = [*told_of_sizes(paths[0]), *(told_of_no_size(paths[0]) if in_mm else [])]
    return [*(f"{line} (--spacing)" for line in sizes), *told]


def image_of(path: str, selection: dict, straighten: bool = False) -> Any:
    """Read the volume that is worked on, with the voxel size that was given."""
    image = volumes.readVolume(path, straighten)
    setVoxelSize(image, selection["spacing"])
    return image


def mask_source(selection: dict, path: str | None, image: Any) -> Any:
    """Read the mask file: a node, or (segmentation, segments); None when there is none."""
    if not path:
        if selection["segments"]:
            raise InputError("--segments needs --mask with a segmentation")
        return None
    if selection["segments"]:
        return volumes.readSegmentation(path), selection["segments"]
    return labels_of(path, image)


def mask_on(image: Any, selection: dict, source: Any) -> np.ndarray | None:
    """The mask of all selections together, as an array on the image's grid; None when there is none."""
    values = nodes.volumeArray(image)
    masks = [] if source is None else [selections.maskArray(source, image, resample=selection["resample"])]
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


def labels_of(path: str | None, image: Any) -> Any:
    if path is None:
        return None
    if volumes.isSegmentation(path):
        return volumes.readSegmentation(path)
    return _on(image, volumes.readLabelMap(path), path)


def volume_on(path: str | None, image: Any, straighten: bool = False) -> Any:
    """Read a volume that belongs to the image: a guide, sigmas; None when there is none."""
    return None if path is None else _on(image, volumes.readVolume(path, straighten), path)


def _on(image: Any, node: Any, path: str) -> Any:
    """The node, on the image's voxels where its file says nothing of its own."""
    adoptGeometry(node, path, image)
    return node


def reference_of(path: str | None, image: Any, straighten: bool = False) -> np.ndarray | None:
    if path is None:
        return None
    truth = nodes.volumeArray(volumes.readVolume(path, straighten))
    if truth.shape != nodes.volumeArray(image).shape:
        raise InputError(
            f"the reference {path} has shape {truth.shape}, the input {nodes.volumeArray(image).shape}; they "
            "must agree"
        )
    return truth


def metrics_of(truth: np.ndarray, image: np.ndarray) -> dict[str, float]:
    return {name: float(metric(truth, image)) for name, metric in (("psnr", psnr), ("ssim", ssim), ("rmse", rmse))}
