"""The arguments of `deconvolve` and `convolve`, for the command and for the rows of a batch."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ..errors import shortened
from ..methods.choices import (
    AUTO,
    BOUNDARIES,
    EFFORTS,
    ENGINES,
    FIXED_BOUNDARIES,
    MODELS,
    NONFINITE,
    STRATEGIES,
    TILES,
    WHOSE,
    Choice,
)
from ..methods.registry import names, offered
from ..run.settings import ConvolveSettings, DeconvolveSettings, Settings
from .arguments import (
    add_centre_argument,
    add_levels_argument,
    add_mask_arguments,
    add_resample_argument,
    add_spacing_argument,
    count,
    noise_or_word,
    number_or,
    number_or_auto,
    path_name,
    printable,
)

PROGRAM = "spatialdeconv"


# Also with an exponent, infinity, a range and a level with its file, which argparse takes for names of options.
_NEGATIVE_NUMBER = re.compile(r"-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?([:=].*)?$|-inf(inity)?$", re.IGNORECASE)


class CommandParser(argparse.ArgumentParser):
    """A parser that knows every negative number, and quotes nothing that a terminal would obey."""

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self._negative_number_matcher = _NEGATIVE_NUMBER

    def error(self, message: str) -> NoReturn:
        several = next((a.option_strings[0] for a in self._actions if a.option_strings and a.nargs == "+"), None)
        if "arguments are required" in message and several:
            message += f"; give them in front of options such as {several}, which take all words that follow"
        super().error(printable(shortened(message)))


def operation_parser() -> argparse.ArgumentParser:
    """Return a parser of `deconvolve` and `convolve` alone, for whoever runs them by other means."""
    parser = CommandParser(prog=PROGRAM)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    add_deconvolve(commands)
    add_convolve(commands)
    return parser


def parser_of(operation: str) -> argparse.ArgumentParser:
    """Return the parser of one operation alone, `deconvolve` or `convolve`."""
    commands = next(a for a in operation_parser()._actions if isinstance(a, argparse._SubParsersAction))
    parser: argparse.ArgumentParser = commands.choices[operation]
    return parser


def new_command(
    commands: Any, name: str, run: Callable | None, summary: str, description: str = ""
) -> argparse.ArgumentParser:
    """Add a command that calls ``run(options, cancelled)``, with what every command has; return its parser."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=description or summary,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("--quiet", action="store_true", help="no progress, only errors")
    parser.add_argument(
        "--log-file",
        type=path_name,
        metavar="FILE",
        help="write all that is printed into this file too (Slicer.exe shows nothing)",
    )
    return parser


def add_deconvolve(commands: Any, run: Callable | None = None) -> None:
    """Add the command `deconvolve`, which calls `run`."""
    parser = new_command(
        commands,
        "deconvolve",
        run,
        "undo a spatially variant blur",
        "Deconvolves a volume. Strategy blend runs a filter once per kernel and blends the results with the\n"
        "kernels' weights; strategy joint inverts the spatially variant model itself; strategy auto takes what is\n"
        "expected to come closest, and the recipe says what that was.\n\n"
        + "\n\n".join(f"methods of {strategy}:\n{_method_list(strategy)}" for strategy in STRATEGIES),
    )
    _set_operation(parser, DeconvolveSettings)
    _add_files(parser, BOUNDARIES)
    parser.add_argument(
        "--strategy",
        choices=tuple(STRATEGIES),
        help=f"{_explained(STRATEGIES)} (default: %(default)s)",
    )
    parser.add_argument(
        "--method",
        choices=names(),
        help="of the strategy; named alone, of the first strategy that has it (default: %(default)s)",
    )
    parser.add_argument(
        "--effort",
        choices=tuple(EFFORTS),
        help=f"of a method that the run chooses: {_explained(EFFORTS)} (default: %(default)s)",
    )
    parser.add_argument(
        "--iterations", type=int, metavar="N", help="of the methods that iterate (default: as each of them says)"
    )
    parser.add_argument(
        "--regularization",
        type=number_or_auto,
        metavar="X|auto",
        help="the method's own constant, as each of them says",
    )
    _add_noise(parser)
    parser.add_argument(
        "--noise-image",
        type=path_name,
        metavar="FILE",
        help="volume of the standard deviation at every voxel, in place of --noise",
    )
    parser.add_argument(
        "--offset",
        type=number_or_auto,
        metavar="X|auto",
        help="subtracted before, added after methods that need non-negative values (default: the negative "
        "minimum); with --strategy joint the least value of the result, of tv and self-keyed too",
    )
    parser.add_argument(
        "--of",
        choices=tuple(WHOSE),
        help="whose intensity the levels of the kernel set mean, instead of what it says itself; "
        + _explained(WHOSE),
    )
    parser.add_argument(
        "--region-means",
        action="store_true",
        help="of kernels keyed by region: also the mean of every region, without what the blur carried into it, "
        "and its uncertainty, to OUTPUT.regions.csv",
    )
    parser.add_argument("--engine", choices=tuple(ENGINES), help="of the blend; fft: the same numbers, faster")
    parser.add_argument(
        "--residual-map",
        type=path_name,
        metavar="FILE",
        help="another volume to write: what the result leaves unexplained at every voxel, in units of the noise; "
        "prints how well every kernel fits",
    )
    parser.add_argument(
        "--reference",
        type=path_name,
        metavar="TRUTH",
        help="a volume to compare with: prints PSNR, SSIM and RMSE before and after",
    )
    _add_selection(parser)


def _method_list(strategy: str) -> str:
    """What there is to know of a strategy's methods, for the help."""
    lines = []
    for name, method in offered(strategy).items():
        lines += indented(f"  {name:20} ", method.sentence)
        if method.iterations is not None:
            lines += indented(" " * 23, f"--iterations: default {method.iterations}.")
        elif method.iterates:
            lines += indented(" " * 23, "--iterations: until it stops by itself.")
        if method.constant is not None:
            lines += indented(" " * 23, f"--regularization: {method.constant.filled(method.constant.sentence)}")
    return "\n".join(lines)


def indented(start: str, text: str) -> list[str]:
    return textwrap.wrap(text, 110, initial_indent=start, subsequent_indent=" " * 23)


def _explained(choices: Mapping[str, Choice]) -> str:
    """What each word does, within a sentence."""
    sentences = {word: choice.sentence.rstrip(".") for word, choice in choices.items()}
    return "; ".join(f"{word}: {text[:1].lower()}{text[1:]}" for word, text in sentences.items())


def _set_operation(parser: argparse.ArgumentParser, settings: type[Settings]) -> None:
    """What the parser is for, and the defaults of the settings; arguments of their names are added afterwards."""
    parser.set_defaults(
        operation=settings.operation, **{name: getattr(settings, name) for name in settings.names()}
    )


def _cascade(text: str) -> str | bool:
    return {"off": False, "on": True}.get(text, text)


def add_convolve(commands: Any, run: Callable | None = None) -> None:
    """Add the command `convolve`, which calls `run`."""
    parser = new_command(
        commands,
        "convolve",
        run,
        "apply a kernel, or a spatially variant blur",
        "Convolves a volume with one kernel (mean, sum, Laplace, sharpening, any file) or with kernels keyed to\n"
        "intensity, region or position.",
    )
    _set_operation(parser, ConvolveSettings)
    _add_files(parser, FIXED_BOUNDARIES)
    parser.add_argument("--normalize", action="store_true", help="scale each kernel to sum 1 first")
    parser.add_argument(
        "--exclude",
        action="store_true",
        help="keep what the mask excludes from leaking in (normalised convolution)",
    )
    parser.add_argument(
        "--cascade",
        type=_cascade,
        choices=(False, "auto", True),
        metavar="{off,auto,on}",
        help="Gaussian families through a cascade on coarser grids: faster, error below 1e-3 of the largest value",
    )
    _add_selection(parser)


def add_check(commands: Any, run: Callable | None = None) -> None:
    """Add the command `check`, which calls `run`."""
    parser = new_command(
        commands,
        "check",
        run,
        "say what is unusual about kernels and an image",
        "Looks at a volume and its kernels as deconvolve takes them, and prints what there is to say before a\n"
        "run: the kernels and what each is for, the noise, and whether the kernels are as wide as the blur that\n"
        "the volume shows. Nothing is written.",
    )
    add_looking(parser)


def add_looking(parser: argparse.ArgumentParser) -> None:
    """Add what a volume and its kernels are looked at by: input, kernels, blur, noise, selections."""
    parser.set_defaults(operation="deconvolve", **{name: getattr(ConvolveSettings, name) for name in BLUR_SETTINGS})
    _add_input(parser)
    _add_kernels(parser)
    _add_blur(parser, FIXED_BOUNDARIES)
    _add_noise(parser)
    parser.set_defaults(noise="auto")
    _add_selection(parser)


def add_compare(commands: Any, run: Callable | None = None) -> None:
    """Add the command `compare`, which calls `run`."""
    parser = new_command(
        commands,
        "compare",
        run,
        "see what every method makes of a part of an image",
        "Restores a block of a volume with every method there is and lists, for each, the gain in a simulation\n"
        "(which tells the better method, not by how much), the residual in units of the noise, and the time.\n"
        "* marks what is taken where no method is named.",
    )
    parser.set_defaults(
        operation="deconvolve", **{name: getattr(DeconvolveSettings, name) for name in BLUR_SETTINGS}
    )
    _add_input(parser)
    _add_kernels(parser)
    _add_blur(parser, BOUNDARIES)
    _add_noise(parser)
    parser.set_defaults(noise="auto")
    parser.add_argument(
        "--around",
        nargs=3,
        type=float,
        metavar=("K", "J", "I"),
        help="voxel in the middle of the block (default: the middle of the volume)",
    )
    parser.add_argument(
        "--size",
        type=int,
        default=64,
        metavar="N",
        help="voxels along the edges of the block (default: %(default)s)",
    )
    parser.add_argument(
        "--output", type=path_name, metavar="FILE", help="picture of the block by every method (.png, .pdf, .svg)"
    )
    _add_selection(parser)


#: The settings of the blur that `check` has.
BLUR_SETTINGS = ("model", "boundary", "slicewise", "nonfinite")


def _add_files(parser: argparse.ArgumentParser, boundaries: Mapping[str, Choice]) -> None:
    _add_input(parser)
    parser.add_argument(
        "output", type=path_name, metavar="OUTPUT", help="volume to write; its recipe is written beside it"
    )
    _add_kernels(parser)
    parser.add_argument(
        "--report",
        type=path_name,
        metavar="DIR",
        help="folder for a report.html of what was done and how well it went: pictures, kernels, residual, recipe",
    )
    parser.add_argument(
        "--memory",
        dest="memory_limit",
        type=float,
        metavar="GIB",
        help="most memory to take (default: what is free)",
    )
    parser.add_argument(
        "--tiles",
        type=number_or(*TILES),
        nargs="+",
        metavar="VOXELS",
        help="work in tiles of so many voxels, one number or one along z, y, x: "
        f"{AUTO} where memory asks for it, never all at once (default: {Settings.tiles})",
    )
    parser.add_argument("--workers", type=count, metavar="N", help="tiles at a time, in processes of this machine")
    parser.add_argument(
        "--scheduler",
        type=path_name,
        metavar="ADDRESS",
        help="work on the tiles on this Dask cluster, whose workers see the same files: tcp://host:8786, or a "
        "scheduler file (.json)",
    )
    _add_blur(parser, boundaries)


def _add_input(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "input",
        type=path_name,
        metavar="INPUT",
        help="volume: NRRD, NIfTI, MetaImage, TIFF, PNG, JPEG, FITS, or the folder of a DICOM series",
    )


def _add_kernels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kernels",
        type=path_name,
        nargs="+",
        required=True,
        metavar="SET.json|KERNEL",
        help="a kernel set; files 10=k10.nrrd 20=k20.nrrd; a folder, a pattern or files whose names hold the "
        "levels (kernel_10.npy); one file of many kernels, with --levels; or one kernel for everywhere. Files are "
        "images, .npy, .npz, .mat, .csv, FITS; psf.mat:name is a variable",
    )
    add_levels_argument(parser)
    add_spacing_argument(parser, "INPUT")
    parser.add_argument(
        "--kernel-spacing",
        nargs="+",
        type=float,
        metavar="MM",
        help="voxel size of a kernel file, instead of its own; pictures and .npy say none: INPUT's",
    )
    parser.add_argument("--log", action="store_true", help="the kernel file holds the kernel's natural logarithm")
    add_centre_argument(parser)


def _add_noise(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--noise",
        type=noise_or_word,
        metavar="SIGMA|poisson|auto",
        help="standard deviation of the noise in image units; poisson: the values are counts; auto (default): what "
        "the image shows, with how it follows the signal",
    )


def _add_blur(parser: argparse.ArgumentParser, boundaries: Mapping[str, Choice]) -> None:
    parser.add_argument(
        "--model",
        choices=tuple(MODELS),
        help="does a kernel belong to the voxel that receives (detector) or that sends (source)? "
        "Default: %(default)s",
    )
    parser.add_argument(
        "--boundary",
        choices=tuple(boundaries),
        help="what lies beyond the border"
        + ("; extended: estimate it (joint only)" if "extended" in boundaries else "")
        + ". Default: %(default)s",
    )
    parser.add_argument("--slicewise", action="store_true", help="filter slice by slice, with 2-D kernels")
    parser.add_argument(
        "--nonfinite",
        choices=NONFINITE,
        help="NaN and infinite voxels: refuse, or fill with the nearest finite value (default: %(default)s)",
    )


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where (several selections: where all of them apply)")
    add_mask_arguments(group, "label map or segmentation; everything else stays unchanged")
    group.add_argument(
        "--labels", type=path_name, metavar="FILE", help="label map or segmentation for kernels keyed by region"
    )
    group.add_argument(
        "--guide", type=path_name, metavar="FILE", help="volume whose values choose the kernel, instead of INPUT"
    )
    add_resample_argument(group, tilted=True)
