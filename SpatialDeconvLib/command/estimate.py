"""``spatialdeconv estimate``: measure kernels from an original and its blurred image, and write a kernel set."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arrays.watch import IsCancelled, Progress, Watch
from ..arrays.writing import together
from ..errors import InputError, check_choice
from ..kernels.shapes import FITTED_KINDS
from ..methods.choices import (
    CONSTRAINTS,
    ESTIMATION_METHODS,
    FORMS,
    INTERPOLATIONS,
    MEASURED_CENTRES,
    MODELS,
    OUTSIDES,
    PENALTIES,
    SMOOTHERS,
)
from .arguments import (
    add_mask_arguments,
    add_resample_argument,
    add_spacing_argument,
    number_or_auto,
    option_values,
    path_name,
    printable,
)
from .overwriting import files_written, refuse_overwriting
from .parser import new_command
from .telling import warn

if TYPE_CHECKING:
    from ..estimation.measured import Measured

# The options that change the numbers: what a recipe keeps as parameters.
_PARAMETERS = (
    "size", "levels", "levels_from_histogram", "positions", "by_labels", "interpolation", "outside", "feather",
    "model", "method", "constraint", "regularization", "penalty", "noise", "neighbours", "iterations", "register",
    "gain", "offset", "saturated", "fit", "form", "fit_to", "smooth", "degree", "centre",
)  # fmt: skip
_ROLES = ("original", "blurred", "mask", "labels", "guide")

_DESCRIPTION = """\
Measures the kernel that turned ORIGINAL into BLURRED: a phantom and its image, a sharp and a blurred volume. With
--levels, --labels or --positions it measures one kernel per intensity, region or position from the same pair. The
output is a kernel set (.json, with its kernel files beside it) that `deconvolve` takes as it is, or one kernel (an
image or .npy); its recipe is written beside it.

--fit turns measured kernels into parameters. A Gaussian needs far less of a pair than free kernels do:
--fit-to images fits its sigmas to the two volumes directly.

examples:
  spatialdeconv estimate phantom.nrrd image.nrrd --size 21 --output kernel.nrrd --figure kernel.png
  spatialdeconv estimate sharp.nrrd blurred.nrrd --size 15 --levels 10 40 70 100 --fit gaussian --fit-to images \\
      --output set.json
  spatialdeconv deconvolve other.nrrd restored.nrrd --kernels set.json
"""


def add_command(commands: Any) -> None:
    """Add `estimate` to the command line."""
    parser = new_command(
        commands, "estimate", run, "measure kernels from an original and its blurred image", _DESCRIPTION
    )
    parser.add_argument("original", type=path_name, metavar="ORIGINAL", help="the sharp volume")
    parser.add_argument("blurred", type=path_name, metavar="BLURRED", help="the same, blurred, on the same voxels")
    parser.add_argument(
        "--size",
        nargs="+",
        type=int,
        required=True,
        metavar="N",
        help="voxels of a kernel: one number, or one per axis k, j, i; 1 N N for a blur within slices",
    )
    parser.add_argument(
        "--output",
        type=path_name,
        required=True,
        metavar="SET.json|KERNEL",
        help="kernel set, or one kernel (.nrrd, .mha, .npy)",
    )
    add_spacing_argument(parser, "ORIGINAL and BLURRED")
    parser.add_argument(
        "--figure",
        type=path_name,
        metavar="FILE",
        help="draw kernels, residual and a profile (.png, .pdf; matplotlib)",
    )
    _add_keys(parser)
    _add_estimation(parser)
    _add_fit(parser)
    _add_selection(parser)


def _add_keys(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("one kernel for (default: the whole image)")
    group.add_argument("--levels", nargs="+", type=float, metavar="V", help="each of these intensities")
    group.add_argument(
        "--levels-from-histogram", type=int, metavar="N", help="N intensities around which those of ORIGINAL gather"
    )
    group.add_argument(
        "--labels", type=path_name, metavar="FILE", help="each region of a label map or segmentation"
    )
    group.add_argument(
        "--positions", nargs=3, type=int, metavar=("NK", "NJ", "NI"), help="each part of a grid along k, j, i"
    )
    group.add_argument(
        "--guide", type=path_name, metavar="FILE", help="volume whose values choose, instead of ORIGINAL's"
    )
    group.add_argument(
        "--interpolation",
        choices=tuple(INTERPOLATIONS),
        default="linear",
        help="between them (default: %(default)s)",
    )
    group.add_argument(
        "--outside",
        choices=tuple(OUTSIDES),
        default="nearest",
        help="intensities beyond the levels (default: %(default)s)",
    )
    group.add_argument("--feather", type=float, default=0.0, metavar="MM", help="transition between regions")


def _add_estimation(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how")
    group.add_argument(
        "--model",
        choices=tuple(MODELS),
        default="detector",
        help="does a kernel belong to the voxel that receives (detector) or that sends (source)? "
        "Default: %(default)s",
    )
    group.add_argument(
        "--method",
        choices=tuple(ESTIMATION_METHODS),
        default="least-squares",
        help="fourier: one kernel, fast, for images that vanish at the border (default: %(default)s)",
    )
    group.add_argument(
        "--constraint",
        choices=("auto", "none", *CONSTRAINTS),
        default="auto",
        help="on the kernels' values; auto: equal-sums for kernels by ORIGINAL's own intensity, else none "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--regularization", type=number_or_auto, default="auto", metavar="X|auto", help="weight of the penalty"
    )
    group.add_argument(
        "--penalty",
        choices=PENALTIES,
        default="gradient",
        help="on rough or on large kernels (default: %(default)s)",
    )
    group.add_argument(
        "--noise", type=number_or_auto, default="auto", metavar="SIGMA|auto", help="of BLURRED, in image units"
    )
    group.add_argument(
        "--neighbours",
        type=number_or_auto,
        default="auto",
        metavar="X|auto",
        help="how much kernels follow their neighbours; auto: those that the images do not determine",
    )
    group.add_argument(
        "--centre",
        choices=MEASURED_CENTRES,
        default="itk",
        help="of kernels of an even size: index n // 2, or the middle, (n - 1) / 2 (default: %(default)s)",
    )
    group.add_argument("--iterations", type=int, metavar="N", help="at most (default: until it stops by itself)")
    group.add_argument("--register", action="store_true", help="estimate a displacement, to a fraction of a voxel")
    group.add_argument("--gain", action="store_true", help="estimate a factor between the images")
    group.add_argument("--offset", action="store_true", help="estimate a constant between the images")


def _add_fit(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("parameters instead of values")
    group.add_argument("--fit", choices=FITTED_KINDS, help="fit this kind of kernel and write its parameters")
    group.add_argument(
        "--form", choices=FORMS, default="isotropic", help="of a Gaussian: its sigmas (default: %(default)s)"
    )
    group.add_argument(
        "--fit-to",
        choices=("kernels", "images"),
        default="kernels",
        help="measured kernels, or the images themselves (default: %(default)s)",
    )
    group.add_argument(
        "--smooth",
        choices=SMOOTHERS,
        help="make the Gaussians' sigma a smooth function of intensity or position",
    )
    group.add_argument("--degree", type=int, metavar="N", help="of the polynomial")


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("voxels of BLURRED that count (several selections: where all of them apply)")
    add_mask_arguments(group, "label map or segmentation")
    group.add_argument(
        "--saturated",
        nargs="?",
        const="auto",
        type=number_or_auto,
        metavar="VALUE",
        help="leave out voxels of this value and above (without a value: of the largest value)",
    )
    add_resample_argument(group, tilted=False)


# ------------------------------------------------------------------------------------------------ running


@dataclass(frozen=True)
class EstimateRequest:
    """An estimation that is wanted: parameters and selection as in a recipe, files by their role."""

    parameters: dict[str, Any]
    files: dict[str, str]
    selection: dict[str, Any]


def run(options: argparse.Namespace, cancelled: IsCancelled) -> None:
    """Run the command."""
    from ..mrml.recipe import NO_SELECTION

    options.by_labels = options.labels is not None
    files = {role: getattr(options, role) for role in _ROLES if getattr(options, role)}
    request = EstimateRequest(
        {name: getattr(options, name) for name in _PARAMETERS},
        files,
        {name: getattr(options, name) for name in NO_SELECTION},
    )
    if options.constraint == "none":  # as recipes and the library have it
        request.parameters["constraint"] = None
    _estimate(request, options.output, options.figure, options.quiet, cancelled)


def repeat(recipe: Mapping[str, Any], output: str, quiet: bool, cancelled: IsCancelled) -> None:
    """Do again what the recipe of an estimation (`recipe.read`) says.

    Raises
    ------
    InputError
        If the recipe cannot be used, or an input is gone or has changed.
    """
    request = request_from_recipe(recipe)
    _estimate(request, output, None, quiet, cancelled)


def request_from_recipe(recipe: Mapping[str, Any]) -> EstimateRequest:
    """Return the request that the recipe of an estimation stands for, after checking that its files are unchanged.

    Raises
    ------
    InputError
        If the recipe cannot be used, or an input is gone or has changed.
    """
    from ..mrml import recipe as recipes

    commands = argparse.ArgumentParser().add_subparsers()
    add_command(commands)
    parser = commands.choices["estimate"]
    defaults = {name: parser.get_default(name) for name in _PARAMETERS}
    with recipes.namingVersion(recipe):
        unknown = sorted(set(recipe["parameters"]) - set(_PARAMETERS))
        if unknown:
            raise InputError(f"{unknown[0]!r} is no parameter of estimate; it has {', '.join(_PARAMETERS)}")
        given = {
            name: value for name, value in recipe["parameters"].items() if name not in ("by_labels", "constraint")
        }
        found = {k: v for k, v in option_values(parser, given, "estimate").items() if v is not None}
        constraint = recipe["parameters"].get("constraint", defaults["constraint"])
        if constraint is not None:
            check_choice(constraint, ("auto", *CONSTRAINTS), "constraint")
        selection = recipes.selectionOf(option_values(parser, recipe["selection"], "estimate"))
        if "size" not in found:
            raise InputError("the recipe does not say the size of the kernels")
    files = recipes.inputFiles(recipe, {role: role in ("original", "blurred") for role in _ROLES})
    parameters = {**defaults, **found, "constraint": constraint, "by_labels": "labels" in files}
    return EstimateRequest(parameters, files, selection)


def _estimate(
    request: EstimateRequest, output: str, figure: str | None, quiet: bool, cancelled: IsCancelled
) -> None:
    from .progressbar import ProgressBar

    refuse_overwriting([*files_written(output), *([figure] if figure else [])], request.files)
    with ProgressBar(quiet) as bar:
        measured = estimate_on_files(request, output, figure, bar, cancelled)
    _report(measured, output, figure)


def estimate_on_files(
    request: EstimateRequest,
    output: str,
    figure: str | None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Measured:
    """Read the volumes into nodes, measure, and write kernels, recipe and figure: all of them or none.

    The nodes are gone from the scene afterwards: inside Slicer it may be the user's.

    Raises
    ------
    InputError, OSError, ImportError, Cancelled
        Then there is no new output.
    """
    watch = Watch(progress, cancelled)
    _check_request(request)
    target = _check_output(output, request)
    if figure:
        from ..report.figures import require_matplotlib

        require_matplotlib()  # said before the work, not after it
        if Path(figure).suffix.lower() not in (".png", ".pdf", ".svg"):
            raise InputError(f"figure {figure} has another extension than .png, .pdf or .svg; rename it")
        if not Path(figure).absolute().parent.is_dir():
            raise FileNotFoundError(
                f"figure folder {Path(figure).absolute().parent} does not exist; create it first"
            )
    from ..mrml.scene import ensureScene, temporaryNodes
    from .estimateonfiles import measure

    with temporaryNodes(ensureScene()):
        measured = measure(request, watch)
        watch.check()  # the last moment at which there is nothing to take back
        _write(target, measured, request, figure)
    return measured


def _check_request(request: EstimateRequest) -> None:
    """Refuse combinations of options that make no sense."""
    p = request.parameters
    keys = [name for name in ("levels", "levels_from_histogram", "by_labels", "positions") if p[name]]
    words = {"by_labels": "labels"}
    if len(keys) > 1:
        shown = " and ".join("--" + words.get(name, name).replace("_", "-") for name in keys)
        raise InputError(f"{shown} were both given; kernels have one key")
    if p["fit"] is None:
        for name in ("smooth", "degree"):
            if p[name] is not None:
                raise InputError(f"--{name} {p[name]} smooths fitted Gaussians; give --fit gaussian as well")
        if p["fit_to"] == "images":
            raise InputError("--fit-to images needs a kind of kernel; give --fit gaussian as well")
        if p["form"] != "isotropic":
            raise InputError(f"--form {p['form']} is of a fitted Gaussian; give --fit gaussian as well")
    if p["smooth"] and p["fit"] != "gaussian":
        raise InputError(f"--smooth is for Gaussians; --fit is {p['fit']}")
    if p["degree"] is not None and p["smooth"] != "polynomial":
        raise InputError("--degree is of a polynomial; give --smooth polynomial as well")
    if p["smooth"] and not (p["levels"] or p["levels_from_histogram"] or p["positions"]):
        raise InputError("--smooth needs kernels by intensity or position; give --levels or --positions")
    if p["fit_to"] == "images":
        _check_direct(p, bool(keys))
    if keys and p["method"] == "fourier":
        raise InputError("--method fourier measures one kernel; leave it out, or leave out the key")
    if request.files.get("guide") and not (p["levels"] or p["levels_from_histogram"]):
        raise InputError("--guide chooses among levels of intensity; give --levels as well")
    if request.selection["segments"] and "mask" not in request.files:
        raise InputError("--segments needs --mask with a segmentation")


# What belongs to measured kernels only, and what it is when it was not asked for.
_MEASURED_ONLY = {
    "method": "least-squares", "constraint": "auto", "regularization": "auto", "penalty": "gradient",
    "neighbours": "auto", "iterations": None, "centre": "itk",
}  # fmt: skip


def _check_direct(p: Mapping[str, Any], keyed: bool) -> None:
    for name, default in _MEASURED_ONLY.items():
        if p[name] != default:
            raise InputError(
                f"--{name} {p[name]} is for measured kernels; leave it out, or leave out --fit-to images"
            )
    if not keyed:
        return
    if p["fit"] != "gaussian":
        raise InputError(f"--fit-to images fits one {p['fit']}, or Gaussians to several keys; leave out the key")
    if p["register"]:
        raise InputError(
            "--register needs measured kernels; leave out --fit-to images, or register the images first"
        )
    if p["form"] == "full":
        raise InputError("--fit-to images with a key takes --form isotropic or axes")
    if p["smooth"] not in (None, "polynomial"):
        raise InputError(f"--smooth {p['smooth']} needs measured kernels; with --fit-to images take polynomial")


def _check_output(output: str, request: EstimateRequest) -> Path:
    """Refuse, before any work, an output that could not be written."""
    path = Path(output).absolute()
    suffix = path.suffix.lower()
    keyed = any(request.parameters[name] for name in ("levels", "levels_from_histogram", "by_labels", "positions"))
    if suffix != ".json":
        if keyed:
            raise InputError(f"output {output} holds one kernel; several kernels make a set: name it .json")
        if request.parameters["fit"]:
            raise InputError(f"output {output} holds no parameters; with --fit, name it .json")
        if suffix not in (".nrrd", ".npy", ".mha", ".nii", ".gz", ".tif", ".tiff"):
            raise InputError(f"output {output} has the extension '{suffix}'; use .json, .nrrd, .mha or .npy")
    if path.is_dir():
        raise IsADirectoryError(f"output {output} is a folder; give a file name")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"output folder {path.parent} does not exist; create it first")
    return path


# ------------------------------------------------------------------------------------------------ writing


def _write(target: Path, measured: Measured, request: EstimateRequest, figure: str | None) -> None:
    """Write kernels, recipe and figure, and let the kernels of an earlier set go."""
    from ..mrml import recipe as recipes
    from .kernelwriting import write_kernels

    with together() as new:
        left = _superseded(target) if target.suffix.lower() == ".json" else set()
        kernel_set = write_kernels(target, measured.field)
        for name in left - {Path(entry["path"]).name for entry in kernel_set["kernels"] if "path" in entry}:
            new.remove(target.with_name(name))
        recipe = {
            "schema": recipes.SCHEMA,
            "operation": "estimate",
            "parameters": request.parameters,
            "kernel_set": kernel_set,
            "files": {},
            "inputs": {role: recipes.describeFile(name) for role, name in request.files.items()},
            "selection": request.selection,
            "versions": recipes.versions(),
            "result": measured.summary(),
        }
        recipes.writeBeside(target, plain(recipe))
        if figure is not None:
            from ..report.figures import estimate_figure

            estimate_figure(Path(figure).absolute(), measured)


def _superseded(target: Path) -> set[str]:
    """Names of the kernel files that an earlier estimation wrote beside this output."""
    own = re.compile(re.escape(target.stem) + r"-kernel-\d+\.nrrd")
    try:
        recipe = json.loads(target.with_name(f"{target.name}.recipe.json").read_text(encoding="utf-8"))
        if recipe["operation"] != "estimate":
            return set()
        kernels = json.loads(target.read_text(encoding="utf-8"))["kernels"]
        return {entry["path"] for entry in kernels if own.fullmatch(entry.get("path", ""))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # none, or one that is not ours
        return set()


def plain(value: Any) -> Any:
    """The value in JSON's own types; what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):  # numpy's arrays and numbers
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _report(measured: Measured, output: str, figure: str | None) -> None:
    for text in measured.warnings:
        warn(text)
    print(printable(f"{os.fspath(output)}: {measured.headline()}"))
    for line in measured.lines():
        print(printable(f"  {line}"))
    if figure:
        print(f"{printable(figure)}: kernels, residual and profile")
