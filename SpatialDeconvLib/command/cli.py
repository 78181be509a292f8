"""The ``spatialdeconv`` command, on files: deconvolve, convolve, check, compare, estimate, kernel, batch, ...

Exit status: 0 done, 1 the job failed (one line on stderr, no output file), 2 wrong usage, 130 interrupted (143 by
SIGTERM, 129 by SIGHUP). What is printed does not decide it.
Volumes are read into MRML nodes and go through the same function as in Slicer.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..arrays.memory import peak_memory
from ..arrays.reading import given_path
from ..arrays.staging import settle
from ..arrays.watch import IsCancelled
from ..errors import Cancelled, InputError
from ..methods.choices import NAMED_STRATEGIES
from ..run.settings import SETTINGS
from . import batch, estimate, kernel
from .arguments import is_unexpected, message_of, path_name, printable
from .overwriting import (
    VOLUME_OPTIONS,
    files_written,
    identities,
    refuse_log,
    refuse_overwriting,
    region_table,
)
from .parser import PROGRAM, CommandParser, add_check, add_compare, add_convolve, add_deconvolve, new_command
from .progressbar import ProgressBar
from .signals import ending_signals
from .streams import Shown, shown_with
from .telling import note, warn

if TYPE_CHECKING:
    from ..run.pipeline import Result
    from .request import FileRun

#: A residual of more than this many times the noise, and explained all the same, is one of next to no noise.
_MANY = 3.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (default: those of the process) and return its exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    with shown_with():
        try:
            with _logged(arguments) as log:
                return _run(arguments, log)
        except (OSError, InputError) as error:
            _fail(str(error))
            return 1


def _run(arguments: list[str], log: Any) -> int:
    signals = _Signals()
    options = None
    try:
        with signals.heard():
            options = command_parser().parse_args(arguments)
            options.arguments = arguments
            options.run(options, signals)
        return 0
    except SystemExit as stop:  # argparse has printed help (0) or the usage error (2)
        return int(stop.code or 0)
    except (Cancelled, KeyboardInterrupt) as stop:
        said = str(stop) if str(stop) not in ("", str(Cancelled())) else "interrupted, nothing was written"
        print(f"\n{PROGRAM}: {said}", file=sys.stderr)
        return signals.status
    except Exception as error:
        _fail(message_of(error, options))
        if log is not None and is_unexpected(error):
            traceback.print_exc(file=Shown(log))  # for whoever reads the report of it
    return 1


def _fail(message: str) -> None:
    print(f"{PROGRAM}: error: {printable(' '.join(message.split()))}", file=sys.stderr)


@contextmanager
def _logged(arguments: Sequence[str]) -> Iterator[Any]:
    """Write what is printed into the file of ``--log-file`` too, which it yields; also wrong usage."""
    scout = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    scout.add_argument("--log-file")
    scout.error = lambda message: None  # the real parser will say it
    own, others = scout.parse_known_args(arguments) or (None, [])
    path = getattr(own, "log_file", None)
    if not path:
        yield None
        return
    refuse_log(path, others)
    try:
        log = given_path(path).open("w", encoding="utf-8", errors="backslashreplace", buffering=1)
    except OSError as error:
        raise OSError(f"log file {path} cannot be written ({error.strerror}); choose another") from error
    try:
        with shown_with(log):
            try:
                yield log
            except BaseException:
                traceback.print_exc(file=Shown(log))
                raise
    finally:
        with suppress(OSError):  # a full disk
            log.close()


class _Signals:
    """Ctrl-C, SIGTERM and SIGHUP: whether one came, so that a run stops between two steps; a second one kills."""

    def __init__(self) -> None:
        self._came: list[int] = []

    def __call__(self) -> bool:
        return bool(self._came)

    @property
    def status(self) -> int:
        """The exit status of a run that was stopped: 128 and the number of the signal."""
        return 128 + (self._came[0] if self._came else signal.SIGINT)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear them within the block; outside the main thread, whoever called handles them."""
        previous = {}
        try:
            if threading.current_thread() is threading.main_thread():
                for number in ending_signals():
                    previous[number] = signal.signal(number, self._on_signal)
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: Any) -> None:
        if self._came:
            raise KeyboardInterrupt
        self._came.append(number)


# ------------------------------------------------------------------------------------------- arguments

_EPILOG = """\
examples:
  spatialdeconv demo
  spatialdeconv kernel gaussian --sigma 1.5 --spacing 1 1 1 --output k.nrrd
  spatialdeconv deconvolve blurred.nrrd sharp.nrrd --kernels set.json --method richardson-lucy --iterations 10
  spatialdeconv compare blurred.nrrd --kernels set.json --output sheet.png
  spatialdeconv check blurred.nrrd --kernels set.json --guide sharp.nrrd
  spatialdeconv convolve image.nii.gz mean.nii.gz --kernels k.nrrd
  spatialdeconv estimate phantom.nrrd its-image.nrrd --size 15 --output set.json

a kernel set (set.json) says which kernel belongs to which intensity, region or position:
  {"schema": "spatialdeconv-kernels/1", "key": "intensity",
   "kernels": [{"at": 10, "type": "gaussian", "sigma_mm": 0.8},
               {"at": 20, "type": "file", "path": "k20.nrrd"}]}

exit status: 0 done, 1 failed (the reason is on stderr, no output is written), 2 wrong usage, 130 interrupted
(and 143, 129: ended by SIGTERM, SIGHUP)
"""


def command_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    parser = CommandParser(
        prog=PROGRAM,
        description="Convolve and deconvolve images whose blur differs from place to place.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_demo(commands)
    add_deconvolve(commands, _run_operation)
    add_convolve(commands, _run_operation)
    add_check(commands, _run_check)
    add_compare(commands, _run_compare)
    kernel.add_command(commands)
    _add_repeat(commands)
    estimate.add_command(commands)
    batch.add_command(commands)
    return parser


def _add_demo(commands: Any) -> None:
    parser = new_command(
        commands,
        "demo",
        _run_demo,
        "blur a real volume with ten kernels and restore it",
        "Blurs a known image with kernels keyed to intensity, adds noise, restores it with every filter and\n"
        "with what a run takes that is told nothing (auto), prints how much closer to the truth each one\n"
        "comes, and writes the volumes and a figure. With\n"
        "--strategy joint the inversions of the spatially variant model are set against all blends, also by\n"
        "the distance from the nearest edge.",
    )
    parser.add_argument(
        "--output", type=path_name, default=f"{PROGRAM}-demo", help="folder for the results (default: %(default)s)"
    )
    parser.add_argument(
        "--case",
        choices=("brain", "portal"),
        default="brain",
        help="brain: the shipped MR volume and ten Gaussian kernels; portal: a generated 1024x1024 portal image "
        "with a logarithmic scatter kernel (default: %(default)s)",
    )
    parser.add_argument(
        "--strategy",
        choices=NAMED_STRATEGIES,
        default="blend",
        help="blend: the six filters, blended, and auto; joint: compare them with the joint methods "
        "(default: %(default)s)",
    )


def _add_repeat(commands: Any) -> None:
    parser = new_command(
        commands,
        "repeat",
        _run_repeat,
        "do again what a recipe says",
        "Repeats the run of a recipe (OUTPUT.recipe.json) on the same inputs, checked by their content.",
    )
    parser.add_argument("recipe", type=path_name, metavar="RECIPE", help="the .recipe.json beside an output")
    parser.add_argument(
        "output",
        type=path_name,
        metavar="OUTPUT",
        help="volume to write; of kernels that were measured or prepared: kernel set or kernel",
    )


# -------------------------------------------------------------------------------------------- commands


def _run_demo(options: argparse.Namespace, cancelled: IsCancelled) -> None:
    from .demo import describe, run_demo

    with ProgressBar(options.quiet) as bar:
        summary = run_demo(options.output, options.case, options.strategy, progress=bar, cancelled=cancelled)
    print(describe(summary, options.output))


def _run_operation(options: argparse.Namespace, cancelled: IsCancelled) -> None:
    from ..kernels.sources import files_of
    from .onfiles import run_on_files
    from .request import request_from_options

    read = {name: getattr(options, name, None) for name in VOLUME_OPTIONS}
    read["kernels"] = files_of(options.kernels)
    residuals = getattr(options, "residual_map", None)
    written = files_written(options.output, options.report)
    if residuals:
        refuse_overwriting(written, {"residual map": residuals})
        refuse_overwriting(files_written(residuals), {"output": options.output})
        written += files_written(residuals)
    refuse_overwriting(written, read)
    request = request_from_options(options, None if options.quiet else note)
    with ProgressBar(options.quiet) as bar:
        run = run_on_files(
            request, options.output, bar, cancelled,
            report=options.report, command=[PROGRAM, *options.arguments], residual_map=residuals,
            workers=options.workers, scheduler=options.scheduler,
        )  # fmt: skip
    _report(run)
    if options.report:
        print(printable(f"{Path(options.report) / 'report.html'}: the report"))


def _run_check(options: argparse.Namespace, cancelled: IsCancelled) -> None:
    from .checkonfiles import check_on_files

    with ProgressBar(options.quiet) as bar:
        found = check_on_files(options, bar, cancelled, None if options.quiet else note)
    for text in found.warnings:
        warn(text)
    for line in [options.input, *(f"  {line}" for line in found.lines())]:
        print(printable(line))


def _run_compare(options: argparse.Namespace, cancelled: IsCancelled) -> None:
    from .compareonfiles import compare_on_files

    if options.output:
        read = {name: getattr(options, name, None) for name in (*VOLUME_OPTIONS, "kernels")}
        refuse_overwriting([Path(options.output)], read)
    with ProgressBar(options.quiet) as bar:
        sheet = compare_on_files(options, bar, cancelled, None if options.quiet else note)
    for text in sheet.warnings:
        warn(text)
    for line in [options.input, *(f"  {line}" for line in sheet.describe())]:
        print(printable(line))
    if options.output:
        print(printable(f"{options.output}: the picture"))


def _run_repeat(options: argparse.Namespace, cancelled: IsCancelled) -> None:
    from ..mrml import recipe as recipes

    # Its own recipe may be made again, beside its own output.
    output, *beside = files_written(options.output)
    written = [output, *(path for path in beside if not identities(path) & identities(options.recipe))]
    refuse_overwriting(written, {"recipe": options.recipe})
    settle(Path(options.recipe).parent)  # a run that was killed may have been about to write this recipe
    recipe = recipes.read(options.recipe)
    if recipe["operation"] == "estimate":
        estimate.repeat(recipe, options.output, options.quiet, cancelled)
        return
    if recipe["operation"] not in SETTINGS:
        kernel.repeat(recipe, options.output, options.quiet, cancelled)
        return
    from .onfiles import run_on_files
    from .request import request_from_recipe

    request = request_from_recipe(recipe)
    with ProgressBar(options.quiet) as bar:
        run = run_on_files(request, options.output, bar, cancelled)
    _report(run)


def _residual_words(result: Result) -> str:
    """How a residual is read; of an image without noise, in whose units it is, it is large and means nothing."""
    if (result.residual or 0) > _MANY and result.automatic.get("verdict") == "explained":
        return "of a noise that is next to none: the kernels explain the image"
    return "about 1 when the kernels explain the image"


def _report(run: FileRun) -> None:
    for text in run.warnings:
        warn(text)
    result = run.result
    facts = [f"{result.seconds:.1f} s"]
    peak = peak_memory()
    if peak is not None:
        facts.append(f"peak memory {peak / 2**30:.2f} GiB")
    if result.noise is not None:
        law = result.automatic.get("noise_law", "")
        facts.append(f"noise {result.noise:.4g}" + (f" ({law})" if "signal" in law else ""))
    if result.residual is not None:
        facts.append(f"residual {result.residual:.3g} ({_residual_words(result)})")
    print(f"{printable(run.output)}: {', '.join(facts)}")
    choice = result.describe_choice()
    if choice:
        print(f"  {choice}")
    if "centre" in result.automatic:
        print(f"  centre of the kernels: {result.automatic['centre']}")
    if result.region_means:
        print(printable(f"{region_table(run.output)}: means of {len(result.region_means)} regions"))
    for line in run.residuals:
        print(printable(f"  {line}"))
    for name, values in (run.recipe.get("metrics") or {}).items():
        print(f"  {name:6} PSNR {values['psnr']:.2f} dB, SSIM {values['ssim']:.4f}, RMSE {values['rmse']:.4g}")
