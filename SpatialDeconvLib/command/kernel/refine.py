"""``spatialdeconv kernel refine``: kernels made as wide as the blur that an image shows."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...arrays.watch import IsCancelled
from ...errors import InputError
from ..arguments import path_name, printable
from ..overwriting import VOLUME_OPTIONS, files_written, refuse_overwriting
from ..parser import add_looking, new_command
from ..progressbar import ProgressBar
from ..telling import note, warn
from .record import recorded

if TYPE_CHECKING:
    from ...kernels.field import KernelField

_DESCRIPTION = """\
Makes kernels that are right but for their size as wide as the blur that a volume shows (semi-blind), and writes
a new set, in whose "comment" stands what was found. Where the volume cannot say (its own values choose the
kernels, it is too small or too noisy), nothing is written.

example:
  spatialdeconv kernel refine blurred.nrrd --kernels set.json --output refined.json
"""


def add_refine(words: Any) -> None:
    """Add ``refine``."""
    parser = new_command(
        words, "refine", _run, "make kernels as wide as the blur that a volume shows", _DESCRIPTION
    )
    add_looking(parser)
    parser.add_argument("--output", type=path_name, required=True, metavar="SET.json", help="kernel set to write")
    parser.add_argument(
        "--each",
        action="store_true",
        help="a factor of its own for every kernel, from its region or surroundings, as far as these tell",
    )
    parser.add_argument(
        "--widen",
        action="store_true",
        help="also make kernels wider: where the object is known to be as sharp as most, because one that is soft "
        "in itself looks the same",
    )
    recorded(parser, "kernel refine", {"input": True, "mask": False, "labels": False, "guide": False})


def _run(options: argparse.Namespace, cancelled: IsCancelled, kernels: KernelField | None = None) -> None:
    from ...arrays.writing import together
    from ...kernels.sources import files_of
    from ...mrml.recipe import describeKernels
    from ..checkonfiles import refine_on_files
    from ..kernelwriting import write_kernels
    from ..request import kernels_from_options

    if Path(options.output).suffix.lower() != ".json":
        raise InputError(f"output {options.output} is a kernel set; give a name that ends in .json")
    sources = files_of(options.kernels)
    read = {**{name: getattr(options, name, None) for name in VOLUME_OPTIONS}, "kernels": sources}
    refuse_overwriting(files_written(options.output), read)
    field = kernels_from_options(options, None if options.quiet else note) if kernels is None else kernels
    with ProgressBar(options.quiet) as bar:
        refined = refine_on_files(options, field, bar, cancelled)
    done = refined.refinement
    source = {"input": str(Path(options.input).absolute()), "kernels": [str(Path(k).absolute()) for k in sources]}
    with together():
        write_kernels(options.output, refined, {"refined": done.record(), "from": source})
        options.record.write(options, *describeKernels(field), {"refined": done.record()})
    for text in done.warnings:
        warn(text)
    for line in done.lines():
        print(printable(line))
    print(printable(f"{options.output}: written"))
