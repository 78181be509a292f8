"""``spatialdeconv kernel prepare``: measured kernels made fit for use, with what was done."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...arrays.watch import IsCancelled
from ...errors import InputError
from ...methods.choices import PREPARED_CENTRES, SYMMETRIES
from ..arguments import add_centre_argument, add_levels_argument, number_or, path_name, printable, told_of_voxels
from ..overwriting import files_written, refuse_overwriting
from ..parser import new_command
from ..telling import note, warn
from .record import recorded

if TYPE_CHECKING:
    from ...kernels.field import KernelField

_DESCRIPTION = """\
Makes measured kernels fit for use: subtracts a background, finds the centre, crops, fades the edges out, scales to
sum 1. Each of these is done where it is asked for; auto does what is needed, as the warnings of a run propose
it, and what was done is printed. Of a kernel set, every stored kernel is prepared and a new set written, in whose
"comment" stands what was done.

examples:
  spatialdeconv kernel prepare psf.tif --output psf.nrrd --figure before-after.png
  spatialdeconv kernel prepare set.json --background border --symmetry radial --output prepared.json
"""


def add_prepare(words: Any) -> None:
    """Add ``prepare``."""
    parser = new_command(words, "prepare", _run, "make measured kernels fit for use", _DESCRIPTION)
    parser.add_argument(
        "kernels",
        type=path_name,
        nargs="+",
        metavar="KERNELS",
        help="a kernel set with stored kernels, or files, as `kernel set` takes them",
    )
    add_levels_argument(parser)
    parser.add_argument(
        "--output", type=path_name, required=True, metavar="FILE", help="kernel (.nrrd, .npy) or kernel set (.json)"
    )
    parser.add_argument(
        "--figure", type=path_name, metavar="FILE", help="draw before and after (.png, .pdf; matplotlib)"
    )
    parser.add_argument("--log", action="store_true", help="the file holds the kernel's natural logarithm")
    parser.add_argument(
        "--kernel-spacing", nargs="+", type=float, metavar="MM", help="voxel size of a kernel file, on (k,) j, i"
    )
    add_centre_argument(parser)
    _add_steps(parser.add_argument_group("what is done, in this order"))
    recorded(parser, "kernel prepare", {})


def _add_steps(group: Any) -> None:
    group.add_argument(
        "--background",
        type=number_or("auto", "border", "none"),
        default="auto",
        metavar="X|border|none|auto",
        help="subtract a number, or the median of the outermost voxels; what does not rise above their noise "
        "becomes 0 (default: %(default)s)",
    )
    group.add_argument(
        "--recentre",
        choices=("auto", *PREPARED_CENTRES, "none"),
        default="auto",
        help="centroid: mean place of the weight; peak: the largest value, between voxels (default: %(default)s)",
    )
    group.add_argument(
        "--energy",
        type=number_or("auto", "none"),
        default="auto",
        metavar="SHARE|none|auto",
        help="crop to this share of the weight; auto: 0.999 where a background was subtracted "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--symmetry",
        choices=(*SYMMETRIES, "none"),
        default="none",
        help="mean with its image in its centre, with its mirror images, or of rings, slice by slice "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--taper",
        type=number_or("auto", "none"),
        default="auto",
        metavar="N|none|auto",
        help="fade to 0 over N voxels at each end; auto: where tails are cut off (default: %(default)s)",
    )
    group.add_argument("--no-normalize", action="store_true", help="do not scale to sum 1")


def _run(options: argparse.Namespace, cancelled: IsCancelled, kernels: KernelField | None = None) -> None:
    from ...kernels.faults import stack_faults
    from ...kernels.kernel import Kernel
    from ...kernels.prepare import prepare_kernel
    from ...kernels.sources import files_of
    from ..request import read_kernels

    figure, is_set = options.figure, Path(options.output).suffix.lower() == ".json"
    written = [*files_written(options.output), *([figure] if figure else [])]
    refuse_overwriting(written, {"kernels": files_of(options.kernels)})
    options.operation, options.normalize = "convolve", False  # kernels as they are stored
    if kernels is None:
        kernels = read_kernels(options, note)
    keyed = _as_stored(kernels)
    for kernel in filter(lambda kernel: isinstance(kernel, Kernel), keyed.kernels):
        hidden = [fault.text for fault in stack_faults(kernel.values, kernel.faults())]  # by the steps
        for text in [*kernel.notes, *hidden]:
            warn(text)
    if not is_set and len(keyed.kernels) > 1:
        raise InputError(f"{len(keyed.kernels)} kernels make a kernel set; give an output that ends in .json")
    chosen = {name: getattr(options, name) for name in ("background", "recentre", "energy", "symmetry", "taper")}
    arguments = {name: None if value == "none" else value for name, value in chosen.items()}
    prepared = prepare_kernel(keyed, normalize=not options.no_normalize, **arguments)
    _write(prepared, keyed, options)
    for at, done in prepared.preparations.items():
        where = "" if keyed.key == "uniform" else f"kernel at {at}: "
        for line in done.lines():
            print(printable(f"{where}{line}"))
    if not is_set:
        for text in told_of_voxels(prepared.kernels[0], options.output):
            warn(text)
    for at, kernel in zip(prepared.at, prepared.kernels, strict=True):
        if at in prepared.preparations:
            for text in kernel.check():
                warn(text if keyed.key == "uniform" else f"kernel at {at}: {text}")
    print(printable(f"{options.output}: written" + (f", {figure}: drawn" if figure else "")))


def _as_stored(keyed: Any) -> Any:
    """The field with the values of its kernel files as these hold them, so that a background is in their unit."""
    from dataclasses import replace

    from ...kernels.sets import kernel_from_dict

    kernels = []
    for kernel in keyed.kernels:
        source = kernel.source or {}
        scaled = source.get("type") == "file" and not source.get("log")
        kernels.append(kernel_from_dict({**source, "normalize": False}) if scaled else kernel)
    return replace(keyed, kernels=tuple(kernels))


def _write(prepared: Any, keyed: KernelField, options: argparse.Namespace) -> None:
    """Write the kernels, their recipe and the figure, all or none."""
    from ...arrays.writing import together
    from ...kernels.sources import files_of
    from ...mrml.recipe import describeKernels
    from ..kernelwriting import write_kernels

    with together():
        sources = [str(Path(file).absolute()) for file in files_of(options.kernels)]
        write_kernels(options.output, prepared, {"prepared": prepared.record(), "from": sources})
        options.record.write(options, *describeKernels(keyed), {"prepared": prepared.record()})
        if options.figure:
            from ...report.figures import prepared_figure

            prepared_figure(options.figure, prepared)
