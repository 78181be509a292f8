"""``spatialdeconv kernel set``: kernels in files made into a kernel set, with what was understood of each."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...arrays.watch import IsCancelled
from ...errors import InputError
from ..arguments import add_centre_argument, add_levels_argument, centre_from_option, path_name, printable
from ..overwriting import refuse_overwriting
from ..parser import new_command
from ..telling import warn

if TYPE_CHECKING:
    from ...kernels.collect import Collection
    from ...kernels.kernel import Kernel

_DESCRIPTION = """\
Collects kernels as they are into a kernel set, and prints what was understood: the level, file, size, sum and
centre of each. Kernels are files with levels in their names, a folder or a pattern of them (kernel_*.npy), words
10=k10.nrrd 20=k20.nrrd, or one file of many kernels with --levels. The files stay where they are.

examples:
  spatialdeconv kernel set kernels/ --output set.json --figure set.png
  spatialdeconv kernel set stack.tif --levels 10:100:10 --output set.json
  spatialdeconv kernel set liver=k1.csv lung=k2.csv --key region --output set.json
"""


def add_set(words: Any) -> None:
    """Add ``set``: kernels that are collected."""
    parser = new_command(words, "set", _run_set, "make a kernel set of kernels in files", _DESCRIPTION)
    parser.add_argument(
        "kernels",
        type=path_name,
        nargs="+",
        metavar="KERNELS",
        help="files, a folder, a pattern, LEVEL=FILE; images, .npy, .npz, .mat, .csv, FITS; psf.mat:name",
    )
    add_levels_argument(parser)
    parser.add_argument(
        "--key",
        choices=("intensity", "region"),
        default="intensity",
        help="what the kernels belong to (default: %(default)s)",
    )
    parser.add_argument("--log", action="store_true", help="the files hold the kernels' natural logarithms")
    parser.add_argument(
        "--spacing", nargs="+", type=float, metavar="MM", help="voxel size on axes (k,) j, i, instead of the files'"
    )
    add_centre_argument(parser)
    parser.add_argument("--output", type=path_name, required=True, metavar="SET.json", help="kernel set to write")
    parser.add_argument("--figure", type=path_name, metavar="FILE", help="draw the kernels (.png, .pdf)")


def _run_set(options: argparse.Namespace, cancelled: IsCancelled) -> None:
    from ...arrays.writing import together
    from ...kernels.collect import collect_kernels, entry_words
    from ...kernels.sets import write_kernel_set
    from ...kernels.sources import files_of, is_set

    if not is_set(options.output):
        raise InputError(f"output {options.output} is to be a kernel set; name it .json")
    written = [options.output, *([options.figure] if options.figure else [])]
    refuse_overwriting(written, {"kernels": files_of(options.kernels)})
    found = collect_kernels(options.kernels, options.levels, options.key)
    spacing = options.spacing[0] if options.spacing and len(options.spacing) == 1 else options.spacing
    centre = centre_from_option(options.centre)
    field = found.field(**entry_words(options.log, spacing, True, centre))
    stored = found.field(**entry_words(options.log, spacing, False, centre))
    with together():
        if options.figure:
            _draw(options.figure, found, stored.kernels)
        write_kernel_set(options.output, field)
    for kernel in field.kernels:
        for text in kernel.check():
            warn(f"{kernel.name}: {text}")
    for line in _lines(found, stored.kernels):
        print(printable(line))
    for path in written:
        print(printable(f"{path}: {len(found.sources)} kernels"))


def _lines(found: Collection, kernels: Sequence[Kernel]) -> list[str]:
    """What was understood of each kernel, and how."""
    from ...kernels.described import facts_of

    lines = []
    for at, source, kernel in zip(found.at, found.sources, kernels, strict=True):
        where = "" if at is None else f"{found.key} {_text(at)}: "
        lines.append(f"{where}{', '.join([source.name, *facts_of(kernel)])}")
    if any(kernel.in_voxels for kernel in kernels):
        lines.append("the files say no voxel size: kernels are in the voxels of the image they are used on")
    return [*lines, *found.notes]


def _draw(path: str, found: Collection, kernels: Sequence[Kernel]) -> Path:
    from ...kernels.described import facts_of
    from ...report.figures import kernels_figure

    labels = [
        "\n".join([source.name if at is None else f"{found.key} {_text(at)}", *facts_of(kernel)])
        for at, source, kernel in zip(found.at, found.sources, kernels, strict=True)
    ]
    return kernels_figure(path, kernels, labels)


def _text(at: Any) -> str:
    return f"{at:g}" if isinstance(at, float) else str(at)
