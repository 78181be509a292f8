"""Arguments that several commands have."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..arrays.reading import given_name
from ..errors import InputError, NotEnoughMemory, shortened
from ..kernels.centres import GivenCentre
from ..methods.choices import CENTRES


def path_name(text: str) -> str:
    """The type of an argument that is a path."""
    try:
        return given_name(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def count(text: str) -> int:
    """Return a count, of arguments that cannot be 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return int(text)


def number_or(*words: str) -> Callable[[str], float | str]:
    """Return the type of an argument that is a number or one of these words."""

    def parsed(text: str) -> float | str:
        if text in words:
            return text
        try:
            return float(text)
        except ValueError:
            known = " or ".join(map(repr, words))
            raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor {known}") from None

    return parsed


number_or_auto = number_or("auto")
#: A sigma, the word for counts, or "auto".
noise_or_word = number_or("poisson", "auto")


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


def add_levels_argument(parser: Any) -> None:
    """Add --levels, of kernels that lie in one file."""
    parser.add_argument(
        "--levels",
        nargs="+",
        metavar="V",
        help="the intensities that the kernels of one file belong to, in order: numbers, or 10:100:10 for 10, 20, "
        "... 100",
    )


def told_of_voxels(kernel: Any, output: str) -> list[str]:
    """What there is to say of a kernel without a voxel size that is written into a file that has one."""
    if not kernel.in_voxels or Path(output).suffix.lower() == ".npy":
        return []
    return ["the kernel's file says no voxel size: written as voxels of 1 mm; give the size, or write .npy"]


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
    group.add_argument("--mask", type=path_name, metavar="FILE", help=mask_help)
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


def add_resample_argument(group: Any, tilted: bool) -> None:
    """Add --resample; `tilted`: which a DICOM series of a tilted gantry may be, too."""
    text = "resample mask, labels and guide that have another geometry"
    text += ", and the DICOM series of a tilted gantry onto straight axes" if tilted else ""
    group.add_argument("--resample", action="store_true", help=text)


def option_values(parser: argparse.ArgumentParser, values: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return values that were read from a file as the options of a parser have them.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    values : mapping
        By the names that the options have in a recipe; None is an option that was not given.
    what : str
        What has them, for the message.

    Raises
    ------
    InputError
        If the parser has no such option, or the option no such value.
    """
    actions = {action.dest: action for action in parser._actions if action.option_strings}
    unknown = next((name for name in values if name not in actions), None)
    if unknown is not None:
        raise InputError(f"{unknown!r} is no parameter of {what}; it has {', '.join(actions)}")
    return {name: _option_value(actions[name], value, what) for name, value in values.items()}


def _option_value(action: argparse.Action, value: Any, what: str) -> Any:
    several = isinstance(action.nargs, int) and action.nargs > 0
    try:
        if value is None:
            return None
        if action.nargs == 0:
            if not isinstance(value, bool):
                raise ValueError
            return value
        if not (several or action.nargs == "+"):
            return _one_value(action, value)
        if not isinstance(value, list) or not value or (several and len(value) != action.nargs):
            raise ValueError
        return [_one_value(action, item) for item in value]
    except (ValueError, argparse.ArgumentTypeError) as error:
        shown = " ".join(str(value).split())[:80]
        raise InputError(f"{action.dest} {shown} is no value that {what} can take", action.dest) from error


def _one_value(action: argparse.Action, item: Any) -> Any:
    if isinstance(item, bool) or not isinstance(item, str | int | float):
        raise ValueError
    if action.type is None:
        value: Any = item
        if not isinstance(item, str):
            raise ValueError
    else:
        value = action.type(item if isinstance(item, str) else repr(item))  # type: ignore[operator]
    if action.choices is not None and value not in action.choices:
        raise ValueError
    return value


def message_of(error: BaseException, options: argparse.Namespace | None = None) -> str:
    """Return what an error says, on one line, in the words of the command line.

    `options` are those of the command that it stopped: where the error is about one of them, that is named.
    """
    if isinstance(error, InputError | NotEnoughMemory):
        known = set() if options is None else set(vars(options))
        text = error.said(lambda name, value: _cure_text(name, value, known))
        option = error.option
        if option in known and option not in error.cure and _flag(option) not in text:
            text += f" ({_flag(option)})"
    else:
        text = str(error)
    if isinstance(error, MemoryError) and not text:
        text = "out of memory; crop the image or use fewer voxels"
    if is_unexpected(error):
        text = f"unexpected {type(error).__name__}: {text}{_place_of(error)}; please report it"
    return printable(shortened(" ".join(text.split())))


def is_unexpected(error: BaseException) -> bool:
    """Return whether an error is a fault of this program: it does not say in words for people what is wrong."""
    return not isinstance(error, InputError | OSError | ImportError | MemoryError)


def _place_of(error: BaseException) -> str:
    """Where an error arose that nobody meant to raise."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})" if trace else ""


def printable(text: str) -> str:
    """Return a text with escapes for what a terminal would obey, or could not show: names may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _cure_text(name: str, value: Any, known: Collection[str]) -> str:
    """Return a cure as the command has it; where only another word of the command has its option, with that."""
    text = option_text(name, value)
    return f"spatialdeconv kernel set ... {text}" if name == "key" and name not in known else text


def _flag(name: str) -> str:
    return "--" + {"memory_limit": "memory"}.get(name, name).replace("_", "-")


def option_text(name: str, value: Any) -> str:
    """Return an argument of the engine with its value as the command line has it."""
    option = _flag(name)
    if name == "outside":
        return ""  # it stands in the kernel set
    return option if value is True else f"{option} {value}"
