"""``spatialdeconv kernel``: make a kernel of a kind, or do something with kernels; a word for each."""

from __future__ import annotations

import argparse
from typing import Any

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
