"""``spatialdeconv kernel points`` and ``kernel edge``: kernels measured from images of beads, edges and slits."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...arrays.watch import IsCancelled
from ...arrays.writing import together
from ...errors import InputError
from ..arguments import (
    add_mask_arguments,
    add_resample_argument,
    add_spacing_argument,
    number_or_auto,
    path_name,
    printable,
)
from ..overwriting import files_written, refuse_overwriting
from ..parser import new_command
from ..progressbar import ProgressBar
from ..telling import warn
from .record import recorded

if TYPE_CHECKING:
    from ...kernels.field import KernelField

_ROLES = {"image": True, "mask": False}

_POINTS = """\
Finds beads, stars or other small bright things that are alike, leaves out those with a neighbour too near, at the
border, saturated or too faint, moves the others onto each other to a fraction of a voxel and averages them: one
kernel, one per part of the image (--zones), or a polynomial of the place (--degree).

examples:
  spatialdeconv kernel points beads.nrrd --output k.nrrd --figure k.png
  spatialdeconv kernel points beads.nrrd --zones 5 1 1 --bead-diameter 0.0002 --output depths.json
  spatialdeconv kernel points stars.tif --degree 2 --output field.json
"""
_EDGE = """\
Finds one straight edge (or slit, wire) that is tilted by 2 to 10 degrees against the voxels, and takes from it edge
spread, line spread, MTF, and the kernel that is the same in all directions and has this edge spread.

examples:
  spatialdeconv kernel edge phantom.nrrd --output k.nrrd --figure mtf.png
  spatialdeconv kernel edge wire.nrrd --slit --slit-width 0.1 --mask-box 0 20 30 1 90 110 --output k.nrrd
"""


def add_points(words: Any) -> None:
    """Add ``points``: kernels from an image of beads or stars."""
    parser = new_command(words, "points", _run_points, "measure kernels from an image of beads or stars", _POINTS)
    _add_files(parser, "SET.json|KERNEL", "kernel set, or one kernel (.nrrd, .mha, .npy)")
    _add_size(parser)
    parser.add_argument(
        "--zones", nargs="+", type=int, metavar="N", help="parts of the image per axis k, j, i (default: 1 for all)"
    )
    parser.add_argument(
        "--degree",
        type=int,
        metavar="N",
        help="kernels that are a polynomial of the place, given at --zones places",
    )
    parser.add_argument(
        "--bead-diameter", type=float, default=0.0, metavar="MM", help="is taken out of the kernels"
    )
    parser.add_argument("--noise", type=number_or_auto, default="auto", metavar="SIGMA|auto", help="in image units")
    parser.add_argument(
        "--saturated",
        type=number_or_auto,
        default="auto",
        metavar="VALUE|auto",
        help="points that reach it are not used; auto: three voxels side by side at the image's maximum",
    )
    parser.add_argument(
        "--least-snr",
        type=float,
        default=5.0,
        metavar="X",
        help="height over noise of points that are used (default: %(default)g)",
    )
    _add_selection(parser)
    recorded(parser, "kernel points", _ROLES)


def add_edge(words: Any) -> None:
    """Add ``edge``: a kernel and the MTF from an edge or a slit."""
    parser = new_command(words, "edge", _run_edge, "measure a kernel and the MTF from an edge or a slit", _EDGE)
    _add_files(parser, "KERNEL", "kernel (.nrrd, .mha, .npy), or a set of one (.json)")
    _add_size(parser)
    parser.add_argument("--slit", action="store_true", help="IMAGE shows a slit or wire, not an edge")
    parser.add_argument("--slit-width", type=float, metavar="MM", help="of the slit, is taken out of the kernel")
    _add_selection(parser)
    recorded(parser, "kernel edge", _ROLES)


def _add_files(parser: argparse.ArgumentParser, metavar: str, text: str) -> None:
    parser.add_argument("image", type=path_name, metavar="IMAGE", help="the volume")
    parser.add_argument("--output", type=path_name, required=True, metavar=metavar, help=text)
    parser.add_argument("--figure", type=path_name, metavar="FILE", help="draw it (.png, .pdf, .svg; matplotlib)")
    add_spacing_argument(parser, "IMAGE")


def _add_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--size",
        nargs="+",
        type=int,
        metavar="N",
        help="voxels of a kernel, odd: one number, or one per axis k, j, i",
    )


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("voxels of IMAGE that count (several selections: where all of them apply)")
    add_mask_arguments(group, "label map or segmentation")
    add_resample_argument(group, tilted=False)


# ------------------------------------------------------------------------------------------------ running


def _run_points(options: argparse.Namespace, cancelled: IsCancelled) -> None:
    from ...mrml.measuring import kernelsFromPoints
    from ...report.figures import points_figure

    several = options.degree is not None or max(options.zones or [1]) > 1
    _check_output(options, several)
    given = {
        "zones": _one_or_all(options.zones),
        "degree": options.degree,
        "bead_diameter_mm": options.bead_diameter,
        "noise": options.noise,
        "saturation": options.saturated,
        "least_signal_to_noise": options.least_snr,
    }
    found, image, doubts = _measured(options, cancelled, kernelsFromPoints, given)
    _write(options, found, found.field, doubts, lambda path: points_figure(path, found, *image))


def _run_edge(options: argparse.Namespace, cancelled: IsCancelled) -> None:
    from ...kernels.field import KernelField
    from ...mrml.measuring import kernelFromEdge
    from ...report.figures import edge_figure

    _check_output(options, False)
    given: dict[str, Any] = {"target": "slit" if options.slit else "edge"}
    if options.slit_width is not None:
        if not options.slit:
            raise InputError(f"--slit-width {options.slit_width:g} is of a slit; give --slit as well")
        given["slit_width_mm"] = options.slit_width
    found, _, doubts = _measured(options, cancelled, kernelFromEdge, given)
    _write(options, found, KernelField.uniform(found.kernel), doubts, lambda path: edge_figure(path, found))


def _measured(
    options: argparse.Namespace, cancelled: IsCancelled, measure: Callable, given: dict[str, Any]
) -> tuple[Any, tuple[Any, Any], list[str]]:
    """What was measured, the image with its spacing, and what is doubtful about the files."""
    from ...mrml.recipe import NO_SELECTION
    from ...mrml.scene import ensureScene, spacingOf, temporaryNodes, volumeArray
    from ..request import image_of, mask_on, mask_source, told_of_files

    selection = {name: getattr(options, name) for name in NO_SELECTION}
    size = _one_or_all(options.size)
    with temporaryNodes(ensureScene()), ProgressBar(options.quiet) as bar:
        node = image_of(options.image, selection)
        mask = mask_on(node, selection, mask_source(selection, options.mask, node))
        found = measure(
            node, mask=mask, size="auto" if size is None else size, progress=bar, cancelled=cancelled, **given
        )
        doubts = told_of_files([options.image, options.mask], selection["spacing"], None, node)
        return found, (volumeArray(node), spacingOf(node)), doubts


def _one_or_all(numbers: Sequence[int] | None) -> int | tuple[int, ...] | None:
    if numbers is None:
        return None
    return numbers[0] if len(numbers) == 1 else tuple(numbers)


def _check_output(options: argparse.Namespace, several: bool) -> None:
    """Refuse, before any work, an output that could not be written."""
    refuse_overwriting(
        [*files_written(options.output), *([options.figure] if options.figure else [])],
        {"image": options.image, "mask": options.mask},
    )
    suffix = Path(options.output).suffix.lower()
    if several and suffix != ".json":
        raise InputError(f"output {options.output} holds one kernel; several kernels make a set: name it .json")
    if suffix not in (".json", ".nrrd", ".npy", ".mha", ".nii", ".gz", ".tif", ".tiff"):
        raise InputError(f"output {options.output} has the extension '{suffix}'; use .json, .nrrd, .mha or .npy")
    if options.figure:
        from ...report.figures import require_matplotlib

        require_matplotlib()  # said before the work, not after it
        if Path(options.figure).suffix.lower() not in (".png", ".pdf", ".svg"):
            raise InputError(f"figure {options.figure} must be .png, .pdf or .svg; rename it")
    for name in filter(None, (options.output, options.figure)):
        if not Path(name).absolute().parent.is_dir():
            raise FileNotFoundError(f"folder {Path(name).absolute().parent} does not exist; create it first")


def _write(
    options: argparse.Namespace,
    found: Any,
    field: KernelField,
    doubts: Sequence[str],
    draw: Callable[[str], Any],
) -> None:
    """Write kernels, recipe and figure, all of them or none, and say what was measured."""
    from ..kernelwriting import write_kernels

    with together():
        kernel_set = write_kernels(options.output, field)
        told = {"headline": found.headline(), "lines": found.lines(), "warnings": [*doubts, *found.warnings]}
        options.record.write(options, kernel_set, {}, told)
        if options.figure:
            draw(options.figure)
    for text in told["warnings"]:
        warn(text)
    print(printable(f"{options.output}: {found.headline()}"))
    for line in found.lines():
        print(printable(f"  {line}"))
