"""Arguments that several commands have."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from ..errors import InputError, NotEnoughMemory
from ..kernels.centres import GivenCentre
from ..methods.choices import CENTRES


def number_or_auto(text: str) -> float | str:
    """The type of an argument that is a number or the word "auto"."""
    if text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor 'auto'") from None


def noise_or_word(text: str) -> float | str:
    """The type of an argument that is a sigma, the word for counts, or "auto"."""
    if text == "poisson":
        return text
    try:
        return number_or_auto(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor 'poisson' or 'auto'") from None


def add_centre_argument(parser: Any) -> None:
    """Add --centre."""
    parser.add_argument(
        "--centre",
        nargs="+",
        default=["auto"],
        metavar="WORD",
        help="the place of the kernel's array that stands for no displacement, one for all axes or one per axis "
        f"(k,) j, i: {', '.join(CENTRES)} or an index. With n voxels on an axis, middle is (n - 1) / 2 and itk "
        "n // 2; auto takes the middle of kernels that are symmetric about it, n // 2 of others",
    )


def centre_from_option(words: Sequence[str]) -> GivenCentre:
    """The value of --centre as kernels have it."""
    found = [word if word in CENTRES else _number(word) for word in words]
    return found[0] if len(found) == 1 else found


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def add_mask_arguments(group: Any, mask_help: str) -> None:
    """Add what selects voxels of the input: a mask and its segments, a range of values, a box."""
    group.add_argument("--mask", metavar="FILE", help=mask_help)
    group.add_argument("--segments", nargs="+", metavar="NAME", help="use only these segments of the mask")
    group.add_argument(
        "--mask-range", nargs=2, type=float, metavar=("LOW", "HIGH"), help="only voxels with values in this range"
    )
    group.add_argument(
        "--mask-box",
        nargs=6,
        type=float,
        metavar=("K0", "J0", "I0", "K1", "J1", "I1"),
        help="only a box of voxels: first index and the one after the last, on the axes k (slice), j, i",
    )
    group.add_argument(
        "--mask-box-mm",
        nargs=6,
        type=float,
        metavar=("Z0", "Y0", "X0", "Z1", "Y1", "X1"),
        help="only a box in mm, along the image's axes k, j, i from the centre of the first voxel, ends included",
    )


def add_spacing_argument(parser: Any, of: str) -> None:
    """Add --spacing, the voxel size of a volume whose file says none, or a wrong one."""
    parser.add_argument(
        "--spacing",
        nargs="+",
        type=float,
        metavar="MM",
        help=f"voxel size of {of} on its axes (k,) j, i, or one for all, instead of the file's; pictures: 1 mm",
    )


def add_resample_argument(group: Any) -> None:
    """Add --resample."""
    group.add_argument(
        "--resample", action="store_true", help="resample mask, labels and guide that have another geometry"
    )


def message_of(error: BaseException) -> str:
    """Return what an error says, on one line, in the words of the command line."""
    text = error.said(option_text) if isinstance(error, InputError | NotEnoughMemory) else str(error)
    if isinstance(error, MemoryError) and not text:
        text = "out of memory; crop the image or use fewer voxels"
    return " ".join(text.split())


def option_text(name: str, value: Any) -> str:
    """Return an argument of the engine with its value as the command line has it."""
    option = "--" + {"memory_limit": "memory"}.get(name, name).replace("_", "-")
    if name == "outside":
        return ""  # it stands in the kernel set
    return option if value is True else f"{option} {value}"
