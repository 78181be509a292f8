"""``spatialdeconv kernel KIND`` and ``kernel file``: a kernel of a kind, or of a file, written or drawn."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ...arrays.watch import IsCancelled
from ...errors import InputError
from ...kernels.kernel import Kernel, sizes_text
from ...kernels.kinds import Kind, Parameter
from ...kernels.parametric import ParametricKernel
from ...kernels.shapes import KINDS, read_radial_table
from ..arguments import add_centre_argument, centre_from_option, path_name, printable, told_of_voxels
from ..overwriting import refuse_overwriting
from ..parser import new_command
from ..telling import warn


def add_kinds(words: Any) -> None:
    """Add a word for every kind of kernel."""
    for kind in KINDS.values():
        parser = new_command(
            words, kind.name, _run_kind, kind.sentence, f"{kind.sentence}\n\nvalues: {kind.formula}"
        )
        parser.set_defaults(kind=kind)
        for parameter in kind.parameters:
            instead = f"; instead of --{kind.known[parameter.instead_of].stem}" if parameter.instead_of else ""
            _add_parameter(parser, parameter, instead)
        if kind.name == "radial":
            text = "instead of --r and --density: a text file of two columns"
            parser.add_argument("--table", type=path_name, metavar="FILE", help=text)
        _add_common(parser)


def add_file(words: Any) -> None:
    """Add ``file``: a kernel that is read."""
    parser = new_command(words, "file", _run_file, "Reads a kernel and writes it as something else.")
    parser.add_argument(
        "--from", dest="path", type=path_name, required=True, metavar="FILE", help="the kernel to read"
    )
    parser.add_argument("--log", action="store_true", help="the file holds the kernel's natural logarithm")
    _add_common(parser)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spacing", nargs="+", type=float, metavar="MM", help="voxel size on axes (k,) j, i")
    add_centre_argument(parser)
    parser.add_argument(
        "--output",
        type=path_name,
        required=True,
        metavar="FILE",
        help="image (.nrrd, .nii.gz, .mha), .npy or .png",
    )


def _add_parameter(parser: argparse.ArgumentParser, parameter: Parameter, instead: str) -> None:
    """Add the option of a kind's parameter; `instead` says of which it takes the place."""
    unit = {"voxels": "N", "": "X"}.get(parameter.unit, parameter.unit.upper())
    nargs, metavar = {
        "one": (None, unit),
        "axes": ("+", unit),
        "vector": (3, ("Z", "Y", "X")),
        "matrix": ("+", unit),
        "list": ("+", unit),
    }[parameter.count]
    text = parameter.meaning + instead
    if parameter.count == "axes":
        text += "; one, or one per axis"
    if parameter.default is not None:
        text += f" (default: {parameter.default:g})"
    parser.add_argument(
        f"--{parameter.stem.replace('_', '-')}",
        dest=parameter.name,
        nargs=nargs,
        type=int if parameter.unit == "voxels" else float,
        metavar=metavar,
        help=text,
    )


def _run_kind(options: argparse.Namespace, cancelled: IsCancelled) -> None:
    table = getattr(options, "table", None)
    refuse_overwriting([options.output], {"table": table})
    parameters = _given_parameters(options.kind, options)
    if table is not None:
        if parameters:
            raise InputError("--table has distances and densities; leave --r and --density out")
        parameters = dict(zip(("r_mm", "density"), read_radial_table(table), strict=True))
    given = ParametricKernel(options.kind.name, centre=centre_from_option(options.centre), **parameters)
    kernel = given.sampled(_spacing(options) or [1.0, 1.0, 1.0])
    if kernel.is_identity and options.kind.name != "identity":
        size = sizes_text(kernel.spacing)
        text = (
            f"the kernel is narrower than a voxel of {size} mm and changes nothing; check --spacing, which is in mm"
        )
        warn(text)
    _write(kernel, options.output)


def _run_file(options: argparse.Namespace, cancelled: IsCancelled) -> None:
    from ...kernels.sets import read_kernel
    from ...kernels.sources import files_of

    refuse_overwriting([options.output], {"kernel file": files_of(options.path)})
    spacing = _spacing(options)
    kernel = read_kernel(options.path, log=options.log, normalize=False, centre=centre_from_option(options.centre))
    _write(kernel.sampled(spacing[-kernel.ndim :]) if spacing else kernel, options.output)


def _spacing(options: argparse.Namespace) -> list[float] | None:
    spacing: list[float] | None = options.spacing
    if spacing and len(spacing) not in (2, 3):
        raise InputError(f"--spacing {spacing} needs 2 numbers (j, i) or 3 (k, j, i)")
    return spacing


def _write(kernel: Kernel, output: str) -> None:
    """Write the kernel, or a picture of it, with what there is to say of it."""
    from ...kernels.sets import write_kernel

    picture = Path(output).suffix.lower() == ".png"
    for text in [*kernel.check(), *([] if picture else told_of_voxels(kernel, output))]:
        warn(text)
    if picture:
        from ...report.figures import kernels_figure

        kernels_figure(output, [kernel])
    else:
        write_kernel(kernel, output)
    print(printable(f"{output}: {kernel!r}"))


def _given_parameters(kind: Kind, options: argparse.Namespace) -> dict[str, Any]:
    """The given parameters in the words of kernel-set files; ParametricKernel says which are wrong."""
    given = {}
    for parameter in kind.parameters:
        value = getattr(options, parameter.name)
        if value is None:
            continue
        if parameter.count == "matrix":
            given[parameter.name] = _square(parameter, value)
        elif parameter.count == "list":
            given[parameter.name] = value
        else:
            given[parameter.name] = value[0] if isinstance(value, list) and len(value) == 1 else value
    if kind.directed and "direction" not in given:
        given.setdefault("angle_deg", kind.start["angle_deg"])
    return given


def _square(parameter: Parameter, numbers: list[float]) -> list[list[float]]:
    side = {4: 2, 9: 3}.get(len(numbers))
    if side is None:
        raise InputError(f"--{parameter.stem} takes 4 numbers (axes j, i) or 9 (k, j, i), not {len(numbers)}")
    return [numbers[row * side : (row + 1) * side] for row in range(side)]
