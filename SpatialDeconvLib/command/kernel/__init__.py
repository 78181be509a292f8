"""``spatialdeconv kernel``: make a kernel of a kind, or do something with kernels; a word for each."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ...arrays.watch import IsCancelled
from ..parser import PROGRAM
from . import collect, make, measure, prepare, refine

#: What adds the words after ``kernel``, each with its own options: functions of argparse's subparsers.
WORDS = (
    make.add_kinds,
    make.add_file,
    collect.add_set,
    prepare.add_prepare,
    refine.add_refine,
    measure.add_points,
    measure.add_edge,
)


def repeat(recipe: Mapping[str, Any], output: str, quiet: bool, cancelled: IsCancelled) -> None:
    """Do again what the recipe of a word of `kernel` (`recipe.read`) says.

    Raises
    ------
    InputError
        If the recipe cannot be used, or an input is gone or has changed.
    """
    words = argparse.ArgumentParser().add_subparsers()
    for add in WORDS:
        add(words)
    found = (parser.get_default("record") for parser in words.choices.values())
    record = next(each for each in found if each is not None and each.operation == recipe["operation"])
    options = record.options(recipe, output, quiet)
    if record.reads_kernels:
        from ...kernels.sets import field_from_dict
        from ...mrml.recipe import namingVersion

        with namingVersion(recipe):
            kernels = field_from_dict(recipe["kernel_set"])
        options.run(options, cancelled, kernels)
    else:
        options.run(options, cancelled)


def add_command(commands: Any) -> None:
    """Add `kernel` and its words to the command line."""
    parser = commands.add_parser(
        "kernel",
        help="make a kernel, or look at one",
        description="Makes a kernel of a kind, or reads one, and writes it as an image, .npy or picture (.png).",
        epilog=f"options of each: {PROGRAM} kernel WORD --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words = parser.add_subparsers(metavar="WORD", required=True)
    for add in WORDS:
        add(words)
